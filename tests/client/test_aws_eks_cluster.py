"""EKS clusters: what is shown, made, changed, refused and deleted."""
import base64

import pytest

from aws_world import CLUSTER_ROLE, NODE_ROLE, PRIVATE, PUBLIC, VPC, refused, rest
from conftest import ACCOUNT, REGION, wait_for


@pytest.fixture(scope="module")
def eks(elbow):
    return elbow.client("eks")


def test_the_cluster_of_the_tutorial(elbow, eks):
    cluster = eks.describe_cluster(name="sample")["cluster"]
    assert cluster["arn"] == f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/sample"
    assert cluster["status"] == "ACTIVE"
    assert cluster["version"] == "1.16"
    assert cluster["endpoint"] == elbow.ready["kubernetes"][0]["server"]
    assert cluster["identity"]["oidc"]["issuer"].startswith(
        f"https://oidc.eks.{REGION}.amazonaws.com/id/")
    assert base64.b64decode(cluster["certificateAuthority"]["data"]).startswith(
        b"-----BEGIN CERTIFICATE-----")
    vpc = cluster["resourcesVpcConfig"]
    assert vpc["vpcId"] == VPC
    assert vpc["subnetIds"] == PUBLIC + PRIVATE
    assert vpc["endpointPublicAccess"] is True and vpc["endpointPrivateAccess"] is False
    assert vpc["publicAccessCidrs"] == ["0.0.0.0/0"]
    assert cluster["kubernetesNetworkConfig"]["serviceIpv4Cidr"] == "10.100.0.0/16"
    assert cluster["logging"]["clusterLogging"] == [
        {"types": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
         "enabled": False}]
    assert cluster["tags"] == {"alpha.eksctl.io/cluster-name": "sample"}
    assert cluster["health"] == {"issues": []}
    assert "encryptionConfig" not in cluster
    assert "sample" in eks.list_clusters()["clusters"]


def make(eks, name, **more):
    settings = {"name": name, "roleArn": CLUSTER_ROLE, "version": "1.30",
                "resourcesVpcConfig": {"subnetIds": PRIVATE}, **more}
    return eks.create_cluster(**settings)["cluster"]


def wait_active(eks, name):
    wait_for(lambda: eks.describe_cluster(name=name)["cluster"]["status"] == "ACTIVE")


def test_the_life_of_a_cluster(elbow, eks):
    made = make(eks, "life", tags={"team": "web"},
                logging={"clusterLogging": [{"types": ["api"], "enabled": True}]})
    assert made["status"] == "CREATING"
    assert "endpoint" not in made and "identity" not in made
    wait_active(eks, "life")
    cluster = eks.describe_cluster(name="life")["cluster"]
    assert cluster["version"] == "1.30"
    assert cluster["logging"]["clusterLogging"] == [
        {"types": ["api"], "enabled": True},
        {"types": ["audit", "authenticator", "controllerManager", "scheduler"], "enabled": False}]
    assert cluster["tags"] == {"team": "web"}
    with refused("ResourceInUseException", "Cluster already exists with name: life", 409):
        make(eks, "life")
    assert eks.delete_cluster(name="life")["cluster"]["status"] == "DELETING"
    with refused("ResourceNotFoundException", "No cluster found for name: life.", 404):
        eks.describe_cluster(name="life")
    eks.get_waiter("cluster_deleted").wait(name="life", WaiterConfig={"Delay": 1})


def test_the_same_token_makes_the_same_cluster(eks):
    first = make(eks, "again", clientRequestToken="token-1")
    second = make(eks, "again", clientRequestToken="token-1")
    assert second["arn"] == first["arn"]
    eks.delete_cluster(name="again")


CREATE_ERRORS = [
    ("one zone", {"resourcesVpcConfig": {"subnetIds": [PUBLIC[0], PRIVATE[0]]}},
     "Subnets specified must be in at least two different AZs"),
    ("no such subnet", {"resourcesVpcConfig": {"subnetIds": [PRIVATE[0], "subnet-00000000000000000"]}},
     "The subnet ID 'subnet-00000000000000000' does not exist"),
    ("no such group", {"resourcesVpcConfig": {"subnetIds": PRIVATE,
                                              "securityGroupIds": ["sg-00000000000000000"]}},
     "The security group 'sg-00000000000000000' does not exist"),
    ("no such role", {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"},
     "could not be assumed because it does not exist or the trusted entity is not correct"),
    ("a role for others", {"roleArn": NODE_ROLE},
     "could not be assumed because it does not exist or the trusted entity is not correct"),
    ("no such version", {"version": "1.99"}, "unsupported Kubernetes version"),
]


@pytest.mark.parametrize("label,change,words", CREATE_ERRORS, ids=[c[0] for c in CREATE_ERRORS])
def test_a_cluster_that_cannot_be(eks, label, change, words):
    with refused("InvalidParameterException", words, 400):
        make(eks, "never", **change)
    assert "never" not in eks.list_clusters()["clusters"]


def test_the_pages_of_clusters(eks):
    for name in ("page-1", "page-2"):
        make(eks, name)
    pages = list(eks.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 1}))
    assert len(pages) >= 3 and all(len(page["clusters"]) == 1 for page in pages)
    assert {"sample", "page-1", "page-2"} <= {page["clusters"][0] for page in pages}
    with refused("InvalidParameterException"):
        eks.list_clusters(nextToken="nonsense")
    for name in ("page-1", "page-2"):
        eks.delete_cluster(name=name)


def test_updates(elbow, eks):
    make(eks, "updates")
    wait_active(eks, "updates")
    update = eks.update_cluster_config(
        name="updates", resourcesVpcConfig={"endpointPrivateAccess": True,
                                            "publicAccessCidrs": ["10.0.0.0/8"]})["update"]
    assert (update["type"], update["status"]) == ("EndpointAccessUpdate", "InProgress")
    told = eks.describe_update(name="updates", updateId=update["id"])["update"]
    assert told["status"] == "Successful"
    assert {p["type"]: p["value"] for p in told["params"]} == {
        "EndpointPublicAccess": "true", "EndpointPrivateAccess": "true",
        "PublicAccessCidrs": '["10.0.0.0/8"]'}
    vpc = eks.describe_cluster(name="updates")["cluster"]["resourcesVpcConfig"]
    assert vpc["endpointPrivateAccess"] is True and vpc["publicAccessCidrs"] == ["10.0.0.0/8"]
    with refused("InvalidParameterException", "Cluster is already at the desired configuration"):
        eks.update_cluster_config(name="updates", resourcesVpcConfig={"endpointPrivateAccess": True})
    logging = {"clusterLogging": [{"types": ["audit"], "enabled": True}]}
    eks.update_cluster_config(name="updates", logging=logging)
    with refused("InvalidParameterException", "No changes needed for the logging config provided"):
        eks.update_cluster_config(name="updates", logging=logging)
    with refused("InvalidParameterException", "Only one type of update can be allowed"):
        eks.update_cluster_config(name="updates", logging=logging,
                                  resourcesVpcConfig={"endpointPrivateAccess": False})
    with refused("InvalidParameterException", "Unsupported Kubernetes minor version update from 1.30 to 1.32"):
        eks.update_cluster_version(name="updates", version="1.32")
    assert eks.update_cluster_version(name="updates", version="1.31")["update"]["type"] == "VersionUpdate"
    assert eks.describe_cluster(name="updates")["cluster"]["version"] == "1.31"
    assert len(eks.list_updates(name="updates")["updateIds"]) == 3
    with refused("ResourceNotFoundException", "No update found for ID: nothing", 404):
        eks.describe_update(name="updates", updateId="nothing")
    assert rest(elbow, "eks", "POST", "/clusters/updates/update-config",
                {"deletionProtection": True})[0] == 200
    with refused("InvalidRequestException", "deletion protection", 400):
        eks.delete_cluster(name="updates")
    rest(elbow, "eks", "POST", "/clusters/updates/update-config", {"deletionProtection": False})
    eks.delete_cluster(name="updates")


def test_tags(eks):
    arn = eks.describe_cluster(name="sample")["cluster"]["arn"]
    eks.tag_resource(resourceArn=arn, tags={"a": "1", "b": ""})
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {
        "a": "1", "b": "", "alpha.eksctl.io/cluster-name": "sample"}
    eks.untag_resource(resourceArn=arn, tagKeys=["a", "b", "absent"])
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {
        "alpha.eksctl.io/cluster-name": "sample"}
    with refused("NotFoundException", "Resource not found", 404):
        eks.tag_resource(resourceArn=arn + "-not", tags={"a": "1"})
    with refused("BadRequestException", "50"):
        eks.tag_resource(resourceArn=arn, tags={f"k{i}": "" for i in range(50)})
    assert len(eks.list_tags_for_resource(resourceArn=arn)["tags"]) == 1


def test_the_versions(elbow):
    def asked(query):
        return rest(elbow, "eks", "GET", f"/cluster-versions?{query}")[2]["clusterVersions"]

    by_name = {v["clusterVersion"]: v for v in asked("includeAll=true")}
    assert by_name["1.16"]["status"] == "unsupported"
    assert [v for v in by_name if by_name[v]["defaultVersion"]] == ["1.34"]
    assert [v["kubernetesPatchVersion"] for v in asked("clusterVersions=1.16")] == ["1.16.15"]
    assert "1.16" not in {v["clusterVersion"] for v in asked("")}


def test_the_api_server_of_a_new_cluster(elbow, eks, need_kubectl):
    make(eks, "served", version="1.29")
    server = wait_for(lambda: eks.describe_cluster(name="served")["cluster"].get("endpoint"))
    done = elbow.run("curl", "-sk", f"{server}/version")
    assert '"minor"' in done.stdout
    eks.delete_cluster(name="served")
