"""Fargate profiles: what is checked, shown and deleted."""
import pytest

from aws_world import FARGATE_ROLE, NODE_ROLE, PRIVATE, PUBLIC, refused
from conftest import ACCOUNT, REGION


@pytest.fixture(scope="module")
def eks(elbow):
    return elbow.client("eks")


def make(eks, name, **more):
    settings = {"fargateProfileName": name, "clusterName": "sample",
                "podExecutionRoleArn": FARGATE_ROLE, "selectors": [{"namespace": "nowhere"}], **more}
    return eks.create_fargate_profile(**settings)["fargateProfile"]


def test_the_life_of_a_profile(eks):
    made = make(eks, "fp-life", selectors=[{"namespace": "a", "labels": {"x": "y"}}, {"namespace": "b"}],
                tags={"team": "web"})
    assert made["status"] == "CREATING"
    eks.get_waiter("fargate_profile_active").wait(
        clusterName="sample", fargateProfileName="fp-life", WaiterConfig={"Delay": 1})
    profile = eks.describe_fargate_profile(clusterName="sample",
                                           fargateProfileName="fp-life")["fargateProfile"]
    assert profile["fargateProfileArn"].startswith(
        f"arn:aws:eks:{REGION}:{ACCOUNT}:fargateprofile/sample/fp-life/")
    assert profile["subnets"] == PRIVATE
    assert profile["selectors"] == [{"namespace": "a", "labels": {"x": "y"}}, {"namespace": "b"}]
    assert profile["podExecutionRoleArn"] == FARGATE_ROLE
    assert profile["tags"] == {"team": "web"}
    assert "fp-life" in eks.list_fargate_profiles(clusterName="sample")["fargateProfileNames"]
    with refused("ResourceInUseException",
                 "A Fargate Profile already exists with this name in this cluster.", 409):
        make(eks, "fp-life")
    gone = eks.delete_fargate_profile(clusterName="sample", fargateProfileName="fp-life")
    assert gone["fargateProfile"]["status"] == "DELETING"
    with refused("ResourceNotFoundException", "No Fargate Profile found with name: fp-life.", 404):
        eks.describe_fargate_profile(clusterName="sample", fargateProfileName="fp-life")


def test_one_private_subnet(eks):
    assert make(eks, "fp-one", subnets=PRIVATE[:1])["subnets"] == PRIVATE[:1]
    eks.delete_fargate_profile(clusterName="sample", fargateProfileName="fp-one")


ERRORS = [
    ("public subnet", {"subnets": [PRIVATE[0], PUBLIC[0]]},
     f"Subnet {PUBLIC[0]} provided in Fargate Profile is not a private subnet"),
    ("no such subnet", {"subnets": ["subnet-00000000000000000"]},
     "The subnet ID 'subnet-00000000000000000' does not exist"),
    ("no selector", {"selectors": []}, "Fargate Profile requires at least one selector."),
    ("no namespace", {"selectors": [{"labels": {"a": "b"}}]},
     "Fargate Profile must have at least one selector with at least one namespace value."),
    ("six labels", {"selectors": [{"namespace": "x", "labels": {str(i): "v" for i in range(6)}}]},
     "Request contains Selector with more than 5 Label pairs"),
    ("six selectors", {"selectors": [{"namespace": f"x{i}"} for i in range(6)]},
     "Request contains more than 5 selectors"),
    ("reserved prefix", {"fargateProfileName": "eks-x"}, "cannot start with prefix eks-"),
    ("the role of nodes", {"podExecutionRoleArn": NODE_ROLE}, "Pod Execution Role"),
    ("no such role", {"podExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"},
     "does not exist"),
    ("a role for others",
     {"podExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/eksctl-sample-cluster-ServiceRole"},
     "Misconfigured PodExecutionRole Trust Policy; Please add the eks-fargate-pods.amazonaws.com "
     "Service Principal"),
]


@pytest.mark.parametrize("label,change,words", ERRORS, ids=[e[0] for e in ERRORS])
def test_a_profile_that_cannot_be(eks, label, change, words):
    with refused("InvalidParameterException", words, 400):
        make(eks, "fp-never", **change)
    assert eks.list_fargate_profiles(clusterName="sample")["fargateProfileNames"] == []


def test_no_such_cluster(eks):
    with refused("ResourceNotFoundException", "No cluster found for name: other.", 404):
        make(eks, "fp-x", clusterName="other")


def test_at_most_ten(eks):
    for i in range(10):
        make(eks, f"fp-{i}")
    with refused("ResourceLimitExceededException", "limit", 400):
        make(eks, "fp-10")
    pages = eks.get_paginator("list_fargate_profiles").paginate(
        clusterName="sample", PaginationConfig={"PageSize": 4})
    assert [len(page["fargateProfileNames"]) for page in pages] == [4, 4, 2]
    for i in range(10):
        eks.delete_fargate_profile(clusterName="sample", fargateProfileName=f"fp-{i}")
