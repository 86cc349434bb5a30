"""What a learner gets wrong: it fails as on AWS, with the same words, and heals when put right."""
import json
import urllib.request

import pytest

import tutorial
from conftest import TUTORIAL, Elbow, wait_for

pytestmark = pytest.mark.usefixtures("need_kubectl")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    server = Elbow(tmp_path_factory.mktemp("learner"))
    tutorial.prepare(server)
    yield server
    assert server.stop() == 0


@pytest.fixture
def sample(world):
    """The namespace of the tutorial, empty before and after."""
    world.kubectl("apply", "-f", TUTORIAL / "namespace.yml")
    yield world
    world.kubectl("delete", "ingress", "--all", "-n", "sample")
    wait_for(lambda: tutorial.nothing_is_left(world), 30)
    world.kubectl("delete", "-f", TUTORIAL / "namespace.yml")


def set_clock(world, **what):
    body = json.dumps(what).encode()
    urllib.request.urlopen(urllib.request.Request(world.aws + "/_elbow/clock", data=body, method="POST"))


def events(world, namespace="sample"):
    return [(e["reason"], e["message"]) for e in
            world.kubectl_json("get", "events", "-n", namespace)["items"]]


def test_without_the_oidc_provider_the_role_cannot_be_assumed(start_elbow):
    server = start_elbow()
    tutorial.prepare(server, provider=False)
    tutorial.apply_sample(server)
    text = wait_for(lambda: [t for t in [tutorial.logs(server)] if "WebIdentityErr" in t])[0]
    assert "InvalidIdentityToken" in text
    assert "No OpenIDConnect provider found in your account for https://oidc.eks" in text
    assert tutorial.address(server) == ""
    tutorial.create_oidc_provider(server)
    tutorial.wait_for_page(server, tutorial.wait_for_address(server), seconds=60)


def test_a_bare_file_name_is_no_policy_document(world):
    done = world.run("aws", "iam", "create-policy", "--policy-name", "bare", "--policy-document",
                     "policy-alb-ingress-controller.json", check=False)
    assert done.returncode != 0
    assert "MalformedPolicyDocument" in done.stderr


def test_no_nodes_and_no_matching_profile(start_elbow):
    server = start_elbow()
    eks = server.client("eks")
    group = eks.list_nodegroups(clusterName="sample")["nodegroups"][0]
    eks.delete_nodegroup(clusterName="sample", nodegroupName=group)
    wait_for(lambda: not server.kubectl_json("get", "nodes")["items"])
    for name in ("namespace.yml", "deployment.yml"):
        server.kubectl("apply", "-f", TUTORIAL / name)
    wait_for(lambda: ("FailedScheduling", "no nodes available to schedule pods") in
             [(r, m.split(".")[0]) for r, m in events(server)])
    assert "Pending" in server.kubectl("get", "pods", "-n", "sample").stdout


def test_instance_targets_for_fargate_pods(start_elbow):
    server = start_elbow()
    tutorial.prepare(server)
    eks = server.client("eks")
    eks.create_fargate_profile(
        clusterName="sample", fargateProfileName="all", selectors=[{"namespace": "sample"}],
        podExecutionRoleArn="arn:aws:iam::123456789012:role/eksctl-sample-cluster-FargatePodExecutionRole")
    tutorial.apply_sample(server, "ingress.yml")
    text = wait_for(lambda: [t for t in [tutorial.logs(server)] if "Unable to DescribeInstanceStatus" in t])[0]
    assert "InvalidInstanceID.Malformed" in text
    assert tutorial.address(server) == ""


def test_subnets_without_tags(sample):
    ec2 = sample.client("ec2")
    subnets = [s["SubnetId"] for s in ec2.describe_subnets(
        Filters=[{"Name": "tag-key", "Values": ["kubernetes.io/role/elb"]}])["Subnets"]]
    tag = {"Key": "kubernetes.io/role/elb", "Value": "1"}
    ec2.delete_tags(Resources=subnets, Tags=[{"Key": tag["Key"]}])
    tutorial.apply_sample(sample)
    wait_for(lambda: "Subnets must contain the kubernetes.io/cluster/" in tutorial.logs(sample))
    assert tutorial.address(sample) == ""
    ec2.create_tags(Resources=subnets, Tags=[tag])
    wait_for(lambda: tutorial.address(sample), 60)


def test_one_permission_taken_out_of_the_policy(sample):
    tutorial.replace_policy(sample, tutorial.policy_document(
        without=["elasticloadbalancing:CreateLoadBalancer"]))
    tutorial.apply_sample(sample)
    text = wait_for(lambda: [t for t in [tutorial.logs(sample)] if "AccessDenied" in t])[0]
    assert "is not authorized to perform: elasticloadbalancing:CreateLoadBalancer on resource: " in text
    assert "assumed-role/alb-ingress-controller/" in text
    assert tutorial.address(sample) == ""
    tutorial.replace_policy(sample, tutorial.policy_document())
    wait_for(lambda: tutorial.address(sample), 60)


def test_a_closed_security_group_is_a_timeout(sample):
    tutorial.apply_sample(sample)
    host = tutorial.wait_for_address(sample)
    tutorial.wait_for_page(sample, host)
    ec2 = sample.client("ec2")
    lb_group = sample.client("elbv2").describe_load_balancers()["LoadBalancers"][0]["SecurityGroups"][0]
    for group in ec2.describe_security_groups()["SecurityGroups"]:
        for permission in group["IpPermissions"]:
            if any(pair.get("GroupId") == lb_group for pair in permission["UserIdGroupPairs"]):
                ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[permission])
    set_clock(sample, rate=60)
    try:
        wait_for(lambda: {(s, r) for _, s, r in tutorial.target_health(sample)} ==
                 {("unhealthy", "Target.Timeout")})
        assert sample.curl(host)[0] == 504
    finally:
        set_clock(sample, rate=1)


def test_an_unknown_image(sample):
    manifest = (TUTORIAL / "deployment.yml").read_text().replace("nginx:1.7.9", "nobody/knows-this:1")
    sample.kubectl("apply", "-f", "-", stdin=manifest)
    wait_for(lambda: any(s in sample.kubectl("get", "pods", "-n", "sample").stdout
                         for s in ("ErrImagePull", "ImagePullBackOff")))
    wait_for(lambda: [m for r, m in events(sample) if r == "Failed" and "nobody/knows-this:1" in m
                      and "images.yaml" in m or "image-catalogue" in m])
    sample.kubectl("delete", "-f", TUTORIAL / "deployment.yml")


def test_a_misspelt_field_is_refused_by_name(sample):
    manifest = (TUTORIAL / "deployment.yml").read_text().replace("replicas:", "replicsa:")
    done = sample.kubectl("apply", "-f", "-", stdin=manifest, check=False)
    assert done.returncode != 0
    assert "replicsa" in done.stderr


def test_a_selector_that_matches_nothing(sample):
    for name in ("deployment.yml", "ingress.yml"):
        sample.kubectl("apply", "-f", TUTORIAL / name)
    service = (TUTORIAL / "service.yml").read_text().replace('app: "sample-app"', 'app: "nobody"')
    sample.kubectl("apply", "-f", "-", stdin=service)
    host = tutorial.wait_for_address(sample)
    # Every target fails its checks, so the load balancer fails open; no pod takes the connection.
    wait_for(lambda: sample.curl(host)[0] in (502, 503))


def test_an_ip_target_group_without_pods_is_503(sample):
    for name in ("deployment.yml", "ingress-fargate.yml"):
        sample.kubectl("apply", "-f", TUTORIAL / name)
    service = (TUTORIAL / "service.yml").read_text().replace('app: "sample-app"', 'app: "nobody"')
    sample.kubectl("apply", "-f", "-", stdin=service)
    tutorial.wait_for_page(sample, tutorial.wait_for_address(sample), status=503)


def test_an_ingress_naming_a_service_that_does_not_exist(sample):
    sample.kubectl("apply", "-f", TUTORIAL / "ingress.yml")
    wait_for(lambda: 'no object matching key \\"sample/sample-service\\" in local store' in
             tutorial.logs(sample))
    assert tutorial.address(sample) == ""
    for name in ("deployment.yml", "service.yml"):
        sample.kubectl("apply", "-f", TUTORIAL / name)
    tutorial.wait_for_page(sample, tutorial.wait_for_address(sample), seconds=60)
