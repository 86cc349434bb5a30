"""The tutorial, both halves, with the real kubectl; scripts/demo plays it with the aws CLI too."""
import json
import os
import pathlib
import signal
import urllib.request

import pytest

import tutorial
from conftest import TUTORIAL, Elbow, wait_for

pytestmark = pytest.mark.usefixtures("need_kubectl")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    server = Elbow(tmp_path_factory.mktemp("tutorial"))
    tutorial.prepare(server)
    yield server
    assert server.stop() == 0


def nginx_masters(server):
    """Process ids of the nginx masters that belong to this server's pods."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        if text.startswith("nginx: master") and server.ready["data_dir"] in text:
            found.append(int(path.parent.name))
    return found


def test_the_page_comes_through_the_alb_and_a_nodeport(world):
    tutorial.apply_sample(world)
    host = tutorial.wait_for_address(world)
    assert host.endswith(".ap-northeast-1.elb.localhost")
    assert "Welcome to nginx!" in tutorial.wait_for_page(world, host)
    wait_for(lambda: [s for _, s, _ in tutorial.target_health(world)] == ["healthy", "healthy"])
    group = world.client("elbv2").describe_target_groups()["TargetGroups"][0]
    assert group["TargetType"] == "instance"

    world.kubectl("scale", "deployment/sample-deployment", "-n", "sample", "--replicas=3")
    world.kubectl("rollout", "status", "deployment/sample-deployment", "-n", "sample", "--timeout=30s")
    world.kubectl("rollout", "restart", "deployment/sample-deployment", "-n", "sample")
    world.kubectl("rollout", "status", "deployment/sample-deployment", "-n", "sample", "--timeout=30s")
    assert "Welcome to nginx!" in tutorial.wait_for_page(world, host)

    wait_for(lambda: len(nginx_masters(world)) == 3)
    os.kill(nginx_masters(world)[0], signal.SIGKILL)
    wait_for(lambda: sorted(p["status"]["containerStatuses"][0]["restartCount"]
                            for p in world.kubectl_json("get", "pods", "-n", "sample")["items"]) == [0, 0, 1])
    wait_for(lambda: len(nginx_masters(world)) == 3)
    assert "Welcome to nginx!" in tutorial.wait_for_page(world, host)

    tutorial.delete_sample(world)
    wait_for(lambda: tutorial.nothing_is_left(world))
    wait_for(lambda: not nginx_masters(world))
    assert world.kubectl("get", "namespace", "sample", check=False).returncode != 0


def test_a_second_pass_changes_nothing(world):
    tutorial.apply_sample(world)
    tutorial.wait_for_page(world, tutorial.wait_for_address(world))
    before = world.client("elbv2").describe_tags(ResourceArns=[
        lb["LoadBalancerArn"] for lb in world.client("elbv2").describe_load_balancers()["LoadBalancers"]])
    mark = len(calls(world))
    world.kubectl("rollout", "restart", "deployment/alb-ingress-controller", "-n", "kube-system")
    world.kubectl("rollout", "status", "deployment/alb-ingress-controller", "-n", "kube-system", "--timeout=30s")
    wait_for(lambda: any(c["action"] == "DescribeTargetHealth" for c in calls(world)[mark:]))
    changing = [c["action"] for c in calls(world)[mark:]
                if not c["action"].startswith(("Describe", "Get", "List", "AssumeRole"))
                and "alb-ingress-controller" in c.get("principal", "")]
    assert changing == []
    after = world.client("elbv2").describe_tags(ResourceArns=[
        lb["LoadBalancerArn"] for lb in world.client("elbv2").describe_load_balancers()["LoadBalancers"]])
    assert before["TagDescriptions"] == after["TagDescriptions"]
    tutorial.delete_sample(world)
    wait_for(lambda: tutorial.nothing_is_left(world))


def calls(world):
    return json.load(urllib.request.urlopen(world.aws + "/_elbow/aws/calls"))


def test_fargate_pods_are_targets_by_their_addresses(world):
    world.client("eks").create_fargate_profile(
        clusterName="sample", fargateProfileName="sample",
        podExecutionRoleArn="arn:aws:iam::123456789012:role/eksctl-sample-cluster-FargatePodExecutionRole",
        selectors=[{"namespace": "sample"}])
    world.client("eks").get_waiter("fargate_profile_active").wait(
        clusterName="sample", fargateProfileName="sample")
    tutorial.apply_sample(world, "ingress-fargate.yml")
    host = tutorial.wait_for_address(world)
    assert "Welcome to nginx!" in tutorial.wait_for_page(world, host)
    pod = world.kubectl_json("get", "pods", "-n", "sample")["items"][0]
    assert pod["spec"]["nodeName"].startswith("fargate-ip-")
    assert [(pod["status"]["podIP"], "healthy", None)] == wait_for(
        lambda: [t for t in tutorial.target_health(world) if t[1] == "healthy"])
    tutorial.delete_sample(world, "ingress-fargate.yml")
    wait_for(lambda: tutorial.nothing_is_left(world))
    wait_for(lambda: not [n for n in world.kubectl_json("get", "nodes")["items"]
                          if n["metadata"]["name"].startswith("fargate")])
    world.client("eks").delete_fargate_profile(clusterName="sample", fargateProfileName="sample")


def test_both_versions_of_rbac_are_accepted(world):
    text = (TUTORIAL / "rbac-role.yaml").read_text().replace(
        "rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io/v1beta1")
    world.kubectl("apply", "-f", "-", stdin=text)
    assert world.kubectl_json("get", "clusterrole", "alb-ingress-controller")["rules"]
