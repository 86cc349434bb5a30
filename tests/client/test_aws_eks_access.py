"""Access entries, pod identity and add-ons, called as newer clients than this boto3 call them."""
import urllib.parse

import pytest

from aws_world import NODE_ROLE, make_role, refused, rest
from conftest import ACCOUNT

ENTRIES = "/clusters/sample/access-entries"


def call(elbow, method, path, body=None):
    return rest(elbow, "eks", method, path, body)


def entry(arn):
    return f"{ENTRIES}/{urllib.parse.quote(arn, safe='')}"


@pytest.fixture(scope="module")
def person(elbow):
    return make_role(elbow, "eks-access-person", "ec2.amazonaws.com")


def test_the_life_of_an_entry(elbow, person):
    status, _, made = call(elbow, "POST", ENTRIES, {
        "principalArn": person, "kubernetesGroups": ["viewers"], "tags": {"a": "b"}})
    assert status == 200
    made = made["accessEntry"]
    assert made["type"] == "STANDARD" and made["kubernetesGroups"] == ["viewers"]
    assert made["username"] == (
        f"arn:aws:sts::{ACCOUNT}:assumed-role/eks-access-person/{{{{SessionName}}}}")
    assert "/role/123456789012/eks-access-person/" in made["accessEntryArn"]
    assert call(elbow, "POST", ENTRIES, {"principalArn": person})[:2] == (409, "ResourceInUseException")
    assert person in call(elbow, "GET", ENTRIES)[2]["accessEntries"]
    changed = call(elbow, "POST", entry(person), {"kubernetesGroups": [], "username": "joe"})[2]
    assert changed["accessEntry"]["kubernetesGroups"] == []
    assert changed["accessEntry"]["username"] == "joe"
    assert call(elbow, "GET", entry(person))[2]["accessEntry"]["tags"] == {"a": "b"}
    assert call(elbow, "DELETE", entry(person))[0] == 200
    status, code, answer = call(elbow, "GET", entry(person))
    assert (status, code) == (404, "ResourceNotFoundException")
    assert "The specified principalArn could not be found" in answer["message"]


def test_the_policies_of_an_entry(elbow, person):
    view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    call(elbow, "POST", ENTRIES, {"principalArn": person})
    status, _, made = call(elbow, "POST", entry(person) + "/access-policies", {
        "policyArn": view, "accessScope": {"type": "namespace", "namespaces": ["a", "b"]}})
    assert status == 200
    assert made["associatedAccessPolicy"]["accessScope"] == {
        "type": "namespace", "namespaces": ["a", "b"]}
    call(elbow, "POST", entry(person) + "/access-policies",
         {"policyArn": view, "accessScope": {"type": "cluster"}})
    listed = call(elbow, "GET", entry(person) + "/access-policies")[2]["associatedAccessPolicies"]
    assert [(p["policyArn"], p["accessScope"]["type"]) for p in listed] == [(view, "cluster")]
    with_policy = call(elbow, "GET", f"{ENTRIES}?associatedPolicyArn={urllib.parse.quote(view, safe='')}")
    assert with_policy[2]["accessEntries"] == [person]
    status, code, _ = call(elbow, "POST", entry(person) + "/access-policies",
                           {"policyArn": view, "accessScope": {"type": "namespace"}})
    assert (status, code) == (400, "InvalidParameterException")
    assert call(elbow, "DELETE", f"{entry(person)}/access-policies/{urllib.parse.quote(view, safe='')}")[0] == 200
    assert call(elbow, "GET", entry(person) + "/access-policies")[2]["associatedAccessPolicies"] == []
    call(elbow, "DELETE", entry(person))


ENTRY_ERRORS = [
    ("nobody", {"principalArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"}, "invalid principal"),
    ("system group", {"kubernetesGroups": ["system:masters"]}, "it cannot start with system:"),
    ("node entries choose nothing", {"type": "EC2_LINUX", "username": "x"}, "does not support"),
]


@pytest.mark.parametrize("label,change,words", ENTRY_ERRORS, ids=[e[0] for e in ENTRY_ERRORS])
def test_an_entry_that_cannot_be(elbow, person, label, change, words):
    status, code, answer = call(elbow, "POST", ENTRIES, {"principalArn": person, **change})
    assert (status, code) == (400, "InvalidParameterException")
    assert words in answer["message"]


def test_pod_identity(elbow):
    path = "/clusters/sample/pod-identity-associations"
    role = make_role(elbow, "eks-pod-role", "pods.eks.amazonaws.com")
    body = {"namespace": "a", "serviceAccount": "b", "roleArn": role}
    made = call(elbow, "POST", path, body)[2]["association"]
    assert made["associationId"].startswith("a-") and made["roleArn"] == role
    assert call(elbow, "POST", path, body)[1] == "ResourceInUseException"
    assert call(elbow, "POST", path, {**body, "namespace": "c", "roleArn": NODE_ROLE})[1] == \
        "InvalidParameterException"
    listed = call(elbow, "GET", f"{path}?namespace=a")[2]["associations"]
    assert [a["associationId"] for a in listed] == [made["associationId"]]
    assert call(elbow, "GET", f"{path}?namespace=z")[2]["associations"] == []
    one = f"{path}/{made['associationId']}"
    assert call(elbow, "GET", one)[2]["association"]["serviceAccount"] == "b"
    assert call(elbow, "DELETE", one)[0] == 200
    assert call(elbow, "GET", one)[0] == 404


def test_addons(elbow):
    eks = elbow.client("eks")
    assert eks.list_addons(clusterName="sample")["addons"] == []
    with refused("ResourceNotFoundException", "No addon: coredns found in cluster: sample", 404):
        eks.describe_addon(clusterName="sample", addonName="coredns")
    versions = eks.describe_addon_versions(addonName="vpc-cni", kubernetesVersion="1.16")["addons"]
    newest = versions[0]["addonVersions"][0]
    assert newest["compatibilities"][0]["clusterVersion"] == "1.16"
    made = eks.create_addon(clusterName="sample", addonName="vpc-cni")["addon"]
    assert made["status"] == "CREATING" and made["addonVersion"] == newest["addonVersion"]
    assert eks.describe_addon(clusterName="sample", addonName="vpc-cni")["addon"]["status"] == "ACTIVE"
    with refused("ResourceInUseException", "Addon already exists.", 409):
        eks.create_addon(clusterName="sample", addonName="vpc-cni")
    with refused("InvalidParameterException", "Addon version specified is not supported", 400):
        eks.update_addon(clusterName="sample", addonName="vpc-cni", addonVersion="v0")
    with refused("InvalidParameterException", "is not supported in 1.16 kubernetes version", 400):
        eks.create_addon(clusterName="sample", addonName="nothing")
    update = eks.update_addon(clusterName="sample", addonName="vpc-cni",
                              addonVersion=versions[0]["addonVersions"][1]["addonVersion"])["update"]
    assert update["type"] == "AddonUpdate"
    assert eks.list_updates(name="sample", addonName="vpc-cni")["updateIds"] == [update["id"]]
    assert eks.delete_addon(clusterName="sample", addonName="vpc-cni")["addon"]["status"] == "DELETING"
    assert eks.list_addons(clusterName="sample")["addons"] == []


def test_identity_providers(elbow):
    eks = elbow.client("eks")
    oidc = {"identityProviderConfigName": "people", "issuerUrl": "https://id.example", "clientId": "k"}
    with refused("InvalidParameterException", "https://"):
        eks.associate_identity_provider_config(
            clusterName="sample", oidc={**oidc, "issuerUrl": "http://id.example"})
    eks.associate_identity_provider_config(clusterName="sample", oidc=oidc, tags={"a": "b"})
    config = {"type": "oidc", "name": "people"}
    assert eks.list_identity_provider_configs(clusterName="sample")["identityProviderConfigs"] == [config]
    shown = eks.describe_identity_provider_config(
        clusterName="sample", identityProviderConfig=config)["identityProviderConfig"]["oidc"]
    assert shown["issuerUrl"] == "https://id.example" and shown["status"] == "ACTIVE"
    eks.disassociate_identity_provider_config(clusterName="sample", identityProviderConfig=config)
    assert eks.list_identity_provider_configs(clusterName="sample")["identityProviderConfigs"] == []
