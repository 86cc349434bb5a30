"""Managed node groups: checks, echoes, updates, and the nodes that come and go with them."""
import pytest

from aws_world import FARGATE_ROLE, NODE_ROLE, PRIVATE, refused
from conftest import ACCOUNT, REGION, wait_for


@pytest.fixture(scope="module")
def eks(elbow):
    return elbow.client("eks")


def make(eks, name, **more):
    settings = {"clusterName": "sample", "nodegroupName": name, "nodeRole": NODE_ROLE,
                "subnets": PRIVATE, "scalingConfig": {"minSize": 0, "maxSize": 3, "desiredSize": 0},
                **more}
    return eks.create_nodegroup(**settings)["nodegroup"]


def test_the_group_of_the_tutorial(eks):
    assert eks.list_nodegroups(clusterName="sample")["nodegroups"] == ["ng-1"]
    group = eks.describe_nodegroup(clusterName="sample", nodegroupName="ng-1")["nodegroup"]
    assert group["status"] == "ACTIVE"
    assert group["nodegroupArn"].startswith(f"arn:aws:eks:{REGION}:{ACCOUNT}:nodegroup/sample/ng-1/")
    assert group["scalingConfig"] == {"minSize": 2, "maxSize": 2, "desiredSize": 2}
    assert group["instanceTypes"] == ["t3.medium"]
    assert group["amiType"] == "AL2_x86_64" and group["capacityType"] == "ON_DEMAND"
    assert group["diskSize"] == 20 and group["nodeRole"] == NODE_ROLE
    assert group["releaseVersion"].startswith("1.16.15-")
    assert group["labels"]["alpha.eksctl.io/nodegroup-name"] == "ng-1"
    uuid = group["nodegroupArn"].rsplit("/", 1)[1]
    assert group["resources"] == {"autoScalingGroups": [{"name": f"eks-ng-1-{uuid}"}]}
    assert group["updateConfig"] == {"maxUnavailable": 1}
    assert group["health"] == {"issues": []}


def node_count(elbow, group):
    nodes = elbow.kubectl_json("get", "nodes", "-l", f"eks.amazonaws.com/nodegroup={group}")
    return len(nodes["items"])


def test_the_life_of_a_group(elbow, eks, need_kubectl):
    made = make(eks, "ng-life", labels={"tier": "x"}, tags={"team": "web"},
                scalingConfig={"minSize": 1, "maxSize": 3, "desiredSize": 1},
                taints=[{"key": "only", "value": "us", "effect": "NO_SCHEDULE"}],
                instanceTypes=["m5.large", "m5a.large"])
    assert made["status"] == "CREATING"
    group = eks.describe_nodegroup(clusterName="sample", nodegroupName="ng-life")["nodegroup"]
    assert group["status"] == "ACTIVE"
    assert group["instanceTypes"] == ["m5.large", "m5a.large"]
    assert group["taints"] == [{"key": "only", "value": "us", "effect": "NO_SCHEDULE"}]
    assert group["tags"] == {"team": "web"}
    wait_for(lambda: node_count(elbow, "ng-life") == 1)
    update = eks.update_nodegroup_config(
        clusterName="sample", nodegroupName="ng-life",
        scalingConfig={"desiredSize": 2},
        labels={"addOrUpdateLabels": {"new": "1"}, "removeLabels": ["tier"]},
        taints={"removeTaints": [{"key": "only", "value": "us", "effect": "NO_SCHEDULE"}]})["update"]
    assert (update["type"], update["status"]) == ("ConfigUpdate", "InProgress")
    group = eks.describe_nodegroup(clusterName="sample", nodegroupName="ng-life")["nodegroup"]
    assert group["scalingConfig"] == {"minSize": 1, "maxSize": 3, "desiredSize": 2}
    assert group["labels"] == {"new": "1"} and group["taints"] == []
    wait_for(lambda: node_count(elbow, "ng-life") == 2)
    assert eks.list_updates(name="sample", nodegroupName="ng-life")["updateIds"] == [update["id"]]
    assert update["id"] not in eks.list_updates(name="sample")["updateIds"]
    gone = eks.delete_nodegroup(clusterName="sample", nodegroupName="ng-life")
    assert gone["nodegroup"]["status"] == "DELETING"
    with refused("ResourceNotFoundException", "No node group found for name: ng-life.", 404):
        eks.describe_nodegroup(clusterName="sample", nodegroupName="ng-life")
    wait_for(lambda: node_count(elbow, "ng-life") == 0)


ERRORS = [
    ("no such role", {"nodeRole": f"arn:aws:iam::{ACCOUNT}:role/nobody"},
     "The role with name nobody cannot be found."),
    ("a role for others", {"nodeRole": FARGATE_ROLE},
     "Following required service principals [ec2.amazonaws.com] were not found in the trust "
     "relationships of nodeRole"),
    ("minimum above maximum", {"scalingConfig": {"minSize": 3, "maxSize": 2, "desiredSize": 2}},
     "Minimum capacity 3 can't be greater than maximum size 2"),
    ("desired below minimum", {"scalingConfig": {"minSize": 2, "maxSize": 3, "desiredSize": 1}},
     "Minimum capacity 2 can't be greater than desired size 1"),
    ("newer than the cluster", {"version": "1.30"}, "not compatible with the cluster's version"),
    ("no such subnet", {"subnets": ["subnet-00000000000000000"]},
     "The subnet ID 'subnet-00000000000000000' does not exist"),
    ("disk beside a template", {"diskSize": 30, "launchTemplate": {"name": "x"}},
     "Disk size must be specified within the launch template."),
]


@pytest.mark.parametrize("label,change,words", ERRORS, ids=[e[0] for e in ERRORS])
def test_a_group_that_cannot_be(eks, label, change, words):
    with refused("InvalidParameterException", words, 400):
        make(eks, "ng-never", **change)


def test_a_name_is_taken_once(eks):
    make(eks, "ng-twice")
    with refused("ResourceInUseException",
                 "NodeGroup already exists with name ng-twice and cluster name sample", 409):
        make(eks, "ng-twice")
    eks.delete_nodegroup(clusterName="sample", nodegroupName="ng-twice")


def test_a_cluster_with_groups_stays(eks):
    with refused("ResourceInUseException", "Cluster has nodegroups attached", 409):
        eks.delete_cluster(name="sample")
