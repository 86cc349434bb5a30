"""Target groups, their health checks and targets."""
import re

import pytest

from balancing import (ARN, NO_BALANCER, NO_GROUP, PUBLIC, VPC, Things, call, fixed, forward, path,
                       refused, target_server)
from conftest import wait_for


@pytest.fixture
def things(elbow):
    made = Things(elbow)
    yield made
    made.remove()


@pytest.fixture
def elb(things):
    return things.elb


CHECKED = {"HealthCheckEnabled": True, "HealthyThresholdCount": 5, "UnhealthyThresholdCount": 2}
DEFAULTS = [
    ("http", {}, {"HealthCheckProtocol": "HTTP", "HealthCheckPort": "traffic-port", "HealthCheckPath": "/",
                  "HealthCheckIntervalSeconds": 30, "HealthCheckTimeoutSeconds": 5,
                  "Matcher": {"HttpCode": "200"}, "ProtocolVersion": "HTTP1"}),
    ("https", {"Protocol": "HTTPS", "Port": 443}, {"HealthCheckProtocol": "HTTP", "Matcher": {"HttpCode": "200"}}),
    ("grpc", {"ProtocolVersion": "GRPC"}, {"HealthCheckPath": "/AWS.ALB/healthcheck",
                                           "Matcher": {"GrpcCode": "12"}, "ProtocolVersion": "GRPC"}),
    ("tcp", {"Protocol": "TCP"}, {"HealthCheckProtocol": "TCP", "HealthCheckPort": "traffic-port",
                                  "HealthCheckTimeoutSeconds": 10, "HealthCheckPath": None, "Matcher": None,
                                  "ProtocolVersion": None}),
    ("tcp-http", {"Protocol": "TCP", "HealthCheckProtocol": "HTTP"},
     {"HealthCheckTimeoutSeconds": 6, "HealthCheckPath": "/", "Matcher": {"HttpCode": "200-399"}}),
    ("udp-https", {"Protocol": "UDP", "HealthCheckProtocol": "HTTPS"}, {"HealthCheckTimeoutSeconds": 10}),
    ("alb", {"Protocol": "TCP", "TargetType": "alb"},
     {"HealthCheckProtocol": "HTTP", "HealthCheckTimeoutSeconds": 6, "Matcher": {"HttpCode": "200-399"}}),
    ("geneve", {"Protocol": "GENEVE", "Port": 6081},
     {"HealthCheckProtocol": "TCP", "HealthCheckPort": "80", "HealthCheckIntervalSeconds": 10,
      "HealthCheckTimeoutSeconds": 5}),
    ("lambda", {"TargetType": "lambda"},
     {"HealthCheckEnabled": False, "HealthCheckIntervalSeconds": 35, "HealthCheckTimeoutSeconds": 30,
      "HealthCheckPath": "/", "Matcher": {"HttpCode": "200"}, "Protocol": None, "Port": None, "VpcId": None,
      "HealthCheckProtocol": None, "HealthCheckPort": None}),
]


@pytest.mark.parametrize("name, more, want", DEFAULTS, ids=[d[0] for d in DEFAULTS])
def test_defaults_of_each_family(things, elb, name, more, want):
    made = things.group("tg-" + name, **more)
    assert re.fullmatch(ARN + f"targetgroup/tg-{name}/[0-9a-f]{{16}}", made["TargetGroupArn"])
    for member, value in {**CHECKED, **want}.items():
        assert made.get(member) == value, member
    assert made["LoadBalancerArns"] == []
    assert elb.describe_target_groups(Names=["tg-" + name])["TargetGroups"] == [made]


def test_the_same_again_is_the_same_and_another_is_refused(things):
    made = things.group("tg-twice")
    assert things.group("tg-twice")["TargetGroupArn"] == made["TargetGroupArn"]
    for other in ({"Port": 81}, {"Protocol": "HTTPS"}, {"HealthCheckPath": "/x"}, {"TargetType": "ip"}):
        with refused("DuplicateTargetGroupName",
                     "A target group with the same name 'tg-twice' exists, but with different settings"):
            things.group("tg-twice", **other)


NO_VPC = "vpc-00000000000000000"
REFUSED = [
    ("tg-" + "x" * 30, {}, "ValidationError",
     f"Target group name 'tg-{'x' * 30}' cannot be longer than '32' characters"),
    ("tg_x", {}, "ValidationError", "Target group name 'tg_x' can only contain characters that are "
     "alphanumeric characters or hyphens(-)"),
    ("tg-", {}, "ValidationError", "Target group name 'tg-' cannot begin or end with '-'"),
    ("tg-vpc", {"VpcId": NO_VPC}, "ValidationError", f"The VPC ID '{NO_VPC}' is not found"),
    ("tg-protocol", {"Protocol": None}, "ValidationError", "A protocol must be specified"),
    ("tg-port", {"Port": None}, "ValidationError", "A port must be specified"),
    ("tg-no-vpc", {"VpcId": None}, "ValidationError", "A VPC ID must be specified"),
    ("tg-times", {"HealthCheckTimeoutSeconds": 30}, "ValidationError",
     "Health check timeout '30' must be smaller than the interval '30'"),
    ("tg-tcp-times", {"Protocol": "TCP", "HealthCheckTimeoutSeconds": 31}, "ValidationError",
     "Health check timeout '31' must be smaller than or equal to the interval '30'"),
    ("tg-matcher", {"Protocol": "TCP", "Matcher": {"HttpCode": "200"}}, "InvalidConfigurationRequest",
     "Custom health check matchers are not supported for health checks for target groups with the TCP protocol"),
    ("tg-code", {"Matcher": {"HttpCode": "200,503"}}, "ValidationError",
     "Health check matcher HTTP code '503' must be within '200-499' inclusive"),
    ("tg-codes", {"Matcher": {"HttpCode": "200,"}}, "ValidationError", None),
    ("tg-path", {"HealthCheckPath": "healthz"}, "ValidationError",
     "Health check path 'healthz' must begin with a '/' character"),
    ("tg-hc-port", {"HealthCheckPort": "http"}, "ValidationError", None),
    ("tg-hc-tcp", {"HealthCheckProtocol": "TCP"}, "InvalidConfigurationRequest", None),
    ("tg-disabled", {"HealthCheckEnabled": False}, "InvalidConfigurationRequest", None),
    ("tg-interval", {"HealthCheckIntervalSeconds": 4}, "ValidationError",
     "1 validation error detected: Value '4' at 'healthCheckIntervalSeconds' failed to satisfy constraint: "
     "Member must have value greater than or equal to 5"),
    ("tg-alb-http", {"TargetType": "alb"}, "InvalidConfigurationRequest", None),
    ("tg-tcp-version", {"Protocol": "TCP", "ProtocolVersion": "HTTP2"}, "InvalidConfigurationRequest", None),
    ("tg-lambda-port", {"TargetType": "lambda", "Port": 80}, "ValidationError",
     "Port cannot be specified for target groups with target type 'lambda'"),
]


@pytest.mark.parametrize("name, more, code, text", REFUSED, ids=[r[0][:16] for r in REFUSED])
def test_creations_that_are_refused(things, elb, name, more, code, text):
    members = {"Protocol": "HTTP", "Port": 80, "VpcId": VPC} if more.get("TargetType") != "lambda" else {}
    members = {k: v for k, v in {**members, **more}.items() if v is not None}
    with refused(code, text):
        things.careless.create_target_group(Name=name, **members)
    with refused("TargetGroupNotFound", "One or more target groups not found"):
        elb.describe_target_groups(Names=[name])


def test_only_health_checks_can_be_modified(things, elb):
    group = things.group("tg-modified")
    arn = group["TargetGroupArn"]
    changed = elb.modify_target_group(
        TargetGroupArn=arn, HealthCheckPath="/ready", HealthCheckIntervalSeconds=10, HealthCheckPort="8081",
        HealthyThresholdCount=3, Matcher={"HttpCode": "200-299,404"})["TargetGroups"][0]
    assert changed == {**group, "HealthCheckPath": "/ready", "HealthCheckIntervalSeconds": 10,
                       "HealthCheckPort": "8081", "HealthyThresholdCount": 3,
                       "Matcher": {"HttpCode": "200-299,404"}}
    with refused("ValidationError", "Health check timeout '10' must be smaller than the interval '10'"):
        elb.modify_target_group(TargetGroupArn=arn, HealthCheckTimeoutSeconds=10)
    assert elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"] == [changed]
    with refused("TargetGroupNotFound", f"Target group '{NO_GROUP}' not found"):
        elb.modify_target_group(TargetGroupArn=NO_GROUP, HealthCheckPath="/")


def test_a_check_of_another_protocol_brings_and_takes_what_belongs_to_it(things, elb):
    arn = things.group("tg-recheck", Protocol="TCP")["TargetGroupArn"]
    http = elb.modify_target_group(TargetGroupArn=arn, HealthCheckProtocol="HTTP")["TargetGroups"][0]
    assert (http["HealthCheckPath"], http["Matcher"]) == ("/", {"HttpCode": "200-399"})
    tcp = elb.modify_target_group(TargetGroupArn=arn, HealthCheckProtocol="TCP")["TargetGroups"][0]
    assert "HealthCheckPath" not in tcp and "Matcher" not in tcp


def test_groups_are_found_by_one_way_at_a_time(things, elb):
    group, balancer = things.group("tg-found"), things.balancer("tg-found")
    things.listener(balancer, actions=[forward(group)])
    (found,) = elb.describe_target_groups(LoadBalancerArn=balancer["LoadBalancerArn"])["TargetGroups"]
    assert found == {**group, "LoadBalancerArns": [balancer["LoadBalancerArn"]]}
    with refused("ValidationError", "Target group names, target group ARNs, and a load balancer ARN cannot be "
                 "specified at the same time"):
        elb.describe_target_groups(LoadBalancerArn=balancer["LoadBalancerArn"], Names=["tg-found"])
    with refused("LoadBalancerNotFound", f"Load balancer '{NO_BALANCER}' not found"):
        elb.describe_target_groups(LoadBalancerArn=NO_BALANCER)
    with refused("ValidationError", "'x' is not a valid target group ARN"):
        elb.describe_target_groups(TargetGroupArns=["x"])


def test_a_group_in_use_stays(things, elb):
    group, balancer = things.group("tg-used"), things.balancer("tg-used")
    arn = group["TargetGroupArn"]
    listener = things.listener(balancer)
    rule = things.rule(listener, 5, actions=[forward(group)])
    used = f"Target group '{arn}' is currently in use by a listener or a rule"
    with refused("ResourceInUse", used):
        elb.delete_target_group(TargetGroupArn=arn)
    elb.delete_rule(RuleArn=rule["RuleArn"])
    elb.delete_target_group(TargetGroupArn=arn)
    elb.delete_target_group(TargetGroupArn=arn)
    with refused("TargetGroupNotFound"):
        elb.describe_target_groups(TargetGroupArns=[arn])


def test_a_group_serves_one_load_balancer(things, elb):
    group = things.group("tg-bound")
    things.listener(things.balancer("tg-bound-1"), actions=[forward(group)])
    with refused("TargetGroupAssociationLimit", "The following target groups cannot be associated with more "
                 f"than one load balancer: {group['TargetGroupArn']}"):
        things.listener(things.balancer("tg-bound-2"), actions=[forward(group)])


# --- targets -----------------------------------------------------------------------------------

def health(elb, group, *targets):
    members = {"Targets": list(targets)} if targets else {}
    return elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"], **members)["TargetHealthDescriptions"]


UNUSED = {"State": "unused", "Reason": "Target.NotInUse",
          "Description": "Target group is not configured to receive traffic from the load balancer"}
UNKNOWN = {"State": "unused", "Reason": "Target.NotRegistered",
           "Description": "Target is not registered to the target group"}


def test_registration_deregistration_and_what_is_said_of_both(things, elb):
    group = things.group("tg-targets", TargetType="ip", Port=8080)
    arn = group["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=arn, Targets=[
        {"Id": "192.168.40.1"}, {"Id": "192.168.40.1", "Port": 81}, {"Id": "10.1.2.3", "AvailabilityZone": "all"}])
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "192.168.40.1", "Port": 8080}])
    assert health(elb, group) == [
        {"Target": {"Id": "192.168.40.1", "Port": 8080, "AvailabilityZone": "ap-northeast-1c"}, "TargetHealth": UNUSED},
        {"Target": {"Id": "192.168.40.1", "Port": 81, "AvailabilityZone": "ap-northeast-1c"}, "TargetHealth": UNUSED},
        {"Target": {"Id": "10.1.2.3", "Port": 8080, "AvailabilityZone": "all"}, "TargetHealth": UNUSED}]
    assert health(elb, group, {"Id": "192.168.40.9"}) == [
        {"Target": {"Id": "192.168.40.9", "Port": 8080}, "TargetHealth": UNKNOWN}]
    elb.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": "192.168.40.1", "Port": 81}, {"Id": "192.168.40.9"}])
    elb.get_waiter("target_deregistered").wait(
        TargetGroupArn=arn, Targets=[{"Id": "192.168.40.1", "Port": 81}],
        WaiterConfig={"Delay": 1, "MaxAttempts": 1})
    assert [h["Target"]["Port"] for h in health(elb, group)] == [8080, 8080]


REFUSED_TARGETS = [
    ("ip", {"Id": "i-0123456789abcdef0"}, "ValidationError",
     "The IP address 'i-0123456789abcdef0' is not a valid IPv4 address"),
    ("ip", {"Id": "8.8.8.8"}, "ValidationError", None),
    ("ip", {"Id": "10.1.2.3"}, "ValidationError", None),
    ("instance", {"Id": "192.168.40.1"}, "ValidationError", "Instance ID '192.168.40.1' is not valid"),
    ("instance", {"Id": "i-0123456789abcdef0"}, "InvalidTarget",
     "The following targets do not exist: 'i-0123456789abcdef0'"),
]


@pytest.mark.parametrize("kind, target, code, text", REFUSED_TARGETS, ids=[f"{r[0]}-{r[1]['Id']}" for r in REFUSED_TARGETS])
def test_targets_that_are_refused(things, elb, kind, target, code, text):
    group = things.group("tg-refused-" + kind, TargetType=kind)
    with refused(code, text):
        elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[target])
    assert health(elb, group) == []


def test_a_load_balancer_is_a_target_of_a_network_one(things, elb):
    balancer, group = things.balancer("tg-alb"), things.group("tg-of-alb", Protocol="TCP", TargetType="alb")
    target = {"Id": balancer["LoadBalancerArn"], "Port": 80}
    with refused("InvalidTarget"):
        elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[target])
    things.listener(balancer)
    elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[target])
    with refused("ResourceInUse"):
        elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    elb.deregister_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[target])


# --- traffic -----------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def open_elbow(tmp_path_factory):
    """A server on which security groups stop nothing: who may reach whom has tests of its own."""
    from conftest import Elbow
    server = Elbow(tmp_path_factory.mktemp("open"), "--security-groups", "off")
    yield server
    assert server.stop() == 0


def test_requests_go_through_and_health_is_told(open_elbow):
    things = Things(open_elbow)
    elb = things.elb
    with target_server() as port:
        group = things.group("traffic", TargetType="ip", Port=port)
        arn = group["TargetGroupArn"]
        balancer = things.balancer("traffic")
        listener = things.listener(balancer, actions=[forward(group)])
        assert wait_for(lambda: open_elbow.curl(balancer["DNSName"])[0]) == 503
        elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "192.168.50.7"}])
        elb.get_waiter("target_in_service").wait(TargetGroupArn=arn, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
        assert health(elb, group) == [
            {"Target": {"Id": "192.168.50.7", "Port": port, "AvailabilityZone": "ap-northeast-1c"},
             "HealthCheckPort": str(port), "TargetHealth": {"State": "healthy"}}]
        status, body = open_elbow.curl(balancer["DNSName"], "/some/path?q=1")
        assert status == 200 and '"path": "/some/path?q=1"' in body and '"X-Forwarded-Port": "80"' in body
        things.rule(listener, 1, [path("/none*")], [fixed("404", ContentType="text/plain", MessageBody="nothing")])
        things.rule(listener, 2, [path("/old/*")], [{"Type": "redirect", "RedirectConfig": {
            "StatusCode": "HTTP_302", "Path": "/new", "Query": ""}}])
        wait_for(lambda: open_elbow.curl(balancer["DNSName"], "/none")[0] == 404)
        assert open_elbow.curl(balancer["DNSName"], "/nonesuch") == (404, "nothing")
        status, head = open_elbow.curl(balancer["DNSName"], "/old/x?y=z", "-i")
        assert status == 302 and f"Location: http://{balancer['DNSName']}:80/new\n" in head.replace("\r", "")
        elb.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": "192.168.50.7"}])
        assert health(elb, group)[0]["TargetHealth"] == {
            "State": "draining", "Reason": "Target.DeregistrationInProgress",
            "Description": "Target deregistration is in progress"}
        wait_for(lambda: open_elbow.curl(balancer["DNSName"])[0] == 503)
        things.remove()


def test_a_target_that_answers_wrongly_is_unhealthy_and_still_asked(open_elbow):
    things = Things(open_elbow)
    with target_server(status=404) as port:
        group = things.group("wrong", TargetType="ip", Port=port, HealthCheckIntervalSeconds=5,
                             HealthCheckTimeoutSeconds=2)
        balancer = things.balancer("wrong")
        things.listener(balancer, actions=[forward(group)])
        things.elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": "192.168.51.7"}])
        wait_for(lambda: health(things.elb, group)[0]["TargetHealth"]["State"] == "unhealthy", 30)
        assert health(things.elb, group)[0]["TargetHealth"] == {
            "State": "unhealthy", "Reason": "Target.ResponseCodeMismatch",
            "Description": "Health checks failed with these codes: [404]"}
        assert open_elbow.curl(balancer["DNSName"])[0] == 404
        things.remove()


def test_pages_walk_all_in_order_of_creation(start_elbow):
    things = Things(start_elbow())
    names = [f"page-{n}" for n in range(5)]
    for name in names:
        things.group(name)
    pages = list(things.elb.get_paginator("describe_target_groups").paginate(PaginationConfig={"PageSize": 2}))
    assert [[g["TargetGroupName"] for g in p["TargetGroups"]] for p in pages] == [names[:2], names[2:4], names[4:]]
    assert "NextMarker" not in pages[-1]
