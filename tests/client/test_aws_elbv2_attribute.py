"""Attributes: defaults of each kind, what a change keeps, what is refused; and account limits."""
import pytest

from balancing import PRIVATE, PUBLIC, Refusal, Things, call, call_refused, fixed, refused


@pytest.fixture
def things(elbow):
    made = Things(elbow)
    yield made
    made.remove()


@pytest.fixture
def elb(things):
    return things.elb


def pairs(answer):
    return {a["Key"]: a["Value"] for a in answer["Attributes"]}


def listed(**values):
    return [{"Key": k.replace("__", "."), "Value": v} for k, v in values.items()]


APPLICATION = {
    "access_logs.s3.enabled": "false", "access_logs.s3.bucket": "", "access_logs.s3.prefix": "",
    "connection_logs.s3.enabled": "false", "connection_logs.s3.bucket": "", "connection_logs.s3.prefix": "",
    "health_check_logs.s3.enabled": "false", "health_check_logs.s3.bucket": "", "health_check_logs.s3.prefix": "",
    "idle_timeout.timeout_seconds": "60", "client_keep_alive.seconds": "3600",
    "deletion_protection.enabled": "false", "load_balancing.cross_zone.enabled": "true",
    "routing.http2.enabled": "true", "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false", "routing.http.xff_header_processing.mode": "append",
    "waf.fail_open.enabled": "false", "zonal_shift.config.enabled": "false"}
NETWORK = {
    "access_logs.s3.enabled": "false", "access_logs.s3.bucket": "", "access_logs.s3.prefix": "",
    "deletion_protection.enabled": "false", "load_balancing.cross_zone.enabled": "false",
    "zonal_shift.config.enabled": "false", "dns_record.client_routing_policy": "any_availability_zone",
    "secondary_ips.auto_assigned.per_subnet": "0"}
GATEWAY = {"deletion_protection.enabled": "false", "load_balancing.cross_zone.enabled": "false"}


@pytest.mark.parametrize("kind, more, want", [
    ("application", {}, APPLICATION),
    ("application", {"Scheme": "internal", "IpAddressType": "dualstack"},
     {**APPLICATION, "ipv6.deny_all_igw_traffic": "true"}),
    ("network", {"Subnets": PUBLIC[:1]}, NETWORK),
    ("gateway", {"Subnets": PRIVATE[:1]}, GATEWAY)])
def test_defaults_of_load_balancers(things, elb, kind, more, want):
    made = things.balancer("at-" + kind, Type=kind, **more)
    assert pairs(elb.describe_load_balancer_attributes(LoadBalancerArn=made["LoadBalancerArn"])) == want


def test_a_change_keeps_the_others_and_answers_with_all(things, elb):
    arn = things.balancer("at-change")["LoadBalancerArn"]
    changed = {**APPLICATION, "idle_timeout.timeout_seconds": "30", "routing.http2.enabled": "false"}
    assert pairs(elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=listed(
        idle_timeout__timeout_seconds="30", routing__http2__enabled="false"))) == changed
    assert pairs(elb.describe_load_balancer_attributes(LoadBalancerArn=arn)) == changed
    with refused("ValidationError"):
        elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=listed(
            idle_timeout__timeout_seconds="40", routing__http2__enabled="maybe"))
    assert pairs(elb.describe_load_balancer_attributes(LoadBalancerArn=arn)) == changed


@pytest.mark.parametrize("kind, key, value, code, text", [
    ("application", "no.such.key", "1", "ValidationError",
     "Load balancer attribute key 'no.such.key' is not recognized"),
    ("network", "idle_timeout.timeout_seconds", "60", "InvalidConfigurationRequest",
     "Load balancer attribute key 'idle_timeout.timeout_seconds' is not supported on load balancers with type "
     "'network'"),
    ("application", "idle_timeout.timeout_seconds", "0", "ValidationError",
     "'idle_timeout.timeout_seconds' value '0' must be between '1-4000' inclusive"),
    ("application", "idle_timeout.timeout_seconds", "4001", "ValidationError", None),
    ("application", "idle_timeout.timeout_seconds", "long", "ValidationError", None),
    ("application", "client_keep_alive.seconds", "59", "ValidationError",
     "'client_keep_alive.seconds' value '59' must be between '60-604800' inclusive"),
    ("application", "routing.http.desync_mitigation_mode", "lax", "ValidationError", None),
    ("application", "load_balancing.cross_zone.enabled", "false", "InvalidConfigurationRequest", None),
    ("application", "ipv6.deny_all_igw_traffic", "true", "InvalidConfigurationRequest",
     "Load balancer attribute key 'ipv6.deny_all_igw_traffic' is not supported on load balancers with IP address "
     "type 'ipv4'"),
    ("application", "access_logs.s3.enabled", "true", "InvalidConfigurationRequest", None)])
def test_values_of_load_balancers_that_are_refused(things, elb, kind, key, value, code, text):
    made = things.balancer("at-bad-" + kind, Type=kind, Subnets=PUBLIC[:2])
    with refused(code, text):
        elb.modify_load_balancer_attributes(LoadBalancerArn=made["LoadBalancerArn"],
                                            Attributes=[{"Key": key, "Value": value}])


HEALTH = {"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
          "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
          "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
          "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off"}
HTTP = {**HEALTH, "deregistration_delay.timeout_seconds": "300", "stickiness.enabled": "false",
        "stickiness.type": "lb_cookie", "stickiness.lb_cookie.duration_seconds": "86400",
        "stickiness.app_cookie.duration_seconds": "86400", "stickiness.app_cookie.cookie_name": "",
        "slow_start.duration_seconds": "0", "load_balancing.algorithm.type": "round_robin",
        "load_balancing.algorithm.anomaly_mitigation": "off",
        "load_balancing.cross_zone.enabled": "use_load_balancer_configuration"}
TCP = {**HEALTH, "deregistration_delay.timeout_seconds": "300", "stickiness.enabled": "false",
       "stickiness.type": "source_ip", "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
       "proxy_protocol_v2.enabled": "false", "preserve_client_ip.enabled": "true",
       "deregistration_delay.connection_termination.enabled": "false",
       "target_health_state.unhealthy.connection_termination.enabled": "true",
       "target_health_state.unhealthy.draining_interval_seconds": "0"}
UDP = {k: v for k, v in {**TCP, "deregistration_delay.connection_termination.enabled": "true"}.items()
       if not k.startswith("target_health_state")}


@pytest.mark.parametrize("name, more, want", [
    ("http", {}, HTTP), ("tcp", {"Protocol": "TCP"}, TCP),
    ("tcp-ip", {"Protocol": "TCP", "TargetType": "ip"}, {**TCP, "preserve_client_ip.enabled": "false"}),
    ("udp", {"Protocol": "UDP"}, UDP),
    ("geneve", {"Protocol": "GENEVE", "Port": 6081},
     {"deregistration_delay.timeout_seconds": "300", "stickiness.enabled": "false",
      "stickiness.type": "source_ip_dest_ip_proto", "target_failover.on_deregistration": "no_rebalance",
      "target_failover.on_unhealthy": "no_rebalance"}),
    ("lambda", {"TargetType": "lambda"}, {"lambda.multi_value_headers.enabled": "false"})])
def test_defaults_of_target_groups(things, elb, name, more, want):
    made = things.group("at-" + name, **more)
    assert pairs(elb.describe_target_group_attributes(TargetGroupArn=made["TargetGroupArn"])) == want


@pytest.mark.parametrize("more, values, code, text", [
    ({}, {"deregistration_delay.timeout_seconds": "3601"}, "ValidationError",
     "'deregistration_delay.timeout_seconds' value '3601' must be between '0-3600' inclusive"),
    ({}, {"slow_start.duration_seconds": "29"}, "ValidationError",
     "'slow_start.duration_seconds' value '29' must be between '30-900' inclusive"),
    ({}, {"stickiness.enabled": "true", "stickiness.type": "app_cookie"}, "InvalidConfigurationRequest",
     "You must set an application cookie name to enable stickiness of type 'app_cookie'"),
    ({}, {"stickiness.app_cookie.cookie_name": "AWSALBX"}, "InvalidConfigurationRequest", None),
    ({}, {"stickiness.type": "source_ip"}, "InvalidConfigurationRequest",
     "Stickiness type 'source_ip' is not supported for target groups with the HTTP protocol"),
    ({"Protocol": "TCP"}, {"stickiness.type": "lb_cookie"}, "InvalidConfigurationRequest",
     "Stickiness type 'lb_cookie' is not supported for target groups with the TCP protocol"),
    ({"Protocol": "TLS"}, {"stickiness.enabled": "true"}, "InvalidConfigurationRequest",
     "You cannot enable stickiness on target groups with the TLS protocol"),
    ({"Protocol": "UDP"}, {"preserve_client_ip.enabled": "false"}, "InvalidConfigurationRequest", None),
    ({"TargetType": "lambda"}, {"deregistration_delay.timeout_seconds": "1"}, "InvalidConfigurationRequest",
     "A target group with target type 'lambda' does not support the attribute "
     "deregistration_delay.timeout_seconds"),
    ({"Protocol": "TCP"}, {"slow_start.duration_seconds": "30"}, "InvalidConfigurationRequest",
     "The provided target group attribute is not supported"),
    ({}, {"load_balancing.algorithm.anomaly_mitigation": "on"}, "InvalidConfigurationRequest", None),
    ({}, {"slow_start.duration_seconds": "30", "load_balancing.algorithm.type": "least_outstanding_requests"},
     "InvalidConfigurationRequest", None),
    ({}, {"no.such.key": "1"}, "ValidationError", "Target group attribute key 'no.such.key' is not recognized")])
def test_values_of_target_groups_that_are_refused(things, elb, more, values, code, text):
    made = things.group("at-refused-" + more.get("Protocol", more.get("TargetType", "HTTP")).lower(), **more)
    before = pairs(elb.describe_target_group_attributes(TargetGroupArn=made["TargetGroupArn"]))
    with refused(code, text):
        elb.modify_target_group_attributes(TargetGroupArn=made["TargetGroupArn"], Attributes=[
            {"Key": k, "Value": v} for k, v in values.items()])
    assert pairs(elb.describe_target_group_attributes(TargetGroupArn=made["TargetGroupArn"])) == before


def raw_pairs(answer):
    return {a["Key"]: a.get("Value", "") for a in answer["Attributes"]}


def test_listeners_have_attributes_by_their_protocol(things, elbow):
    listener = things.listener(things.balancer("at-listener"))["ListenerArn"]
    shown = raw_pairs(call(elbow, "DescribeListenerAttributes", ListenerArn=listener))
    assert shown["routing.http.response.server.enabled"] == "true"
    assert shown["routing.http.response.strict_transport_security.header_value"] == ""
    assert not [k for k in shown if k.startswith("routing.http.request.")]
    changed = raw_pairs(call(elbow, "ModifyListenerAttributes", ListenerArn=listener, Attributes=[
        {"Key": "routing.http.response.x_frame_options.header_value", "Value": "DENY"},
        {"Key": "routing.http.response.server.enabled", "Value": "false"}]))
    assert changed == {**shown, "routing.http.response.x_frame_options.header_value": "DENY",
                       "routing.http.response.server.enabled": "false"}
    with call_refused("InvalidConfigurationRequest"):
        call(elbow, "ModifyListenerAttributes", ListenerArn=listener,
             Attributes=[{"Key": "tcp.idle_timeout.seconds", "Value": "60"}])
    net = things.balancer("at-listener-net", Type="network", Subnets=PUBLIC[:1])
    tcp = things.listener(net, 80, [{"Type": "forward", "TargetGroupArn": things.group(
        "at-listener", Protocol="TCP")["TargetGroupArn"]}], Protocol="TCP")["ListenerArn"]
    assert raw_pairs(call(elbow, "DescribeListenerAttributes", ListenerArn=tcp)) == {"tcp.idle_timeout.seconds": "350"}
    with call_refused("ValidationError", "'tcp.idle_timeout.seconds' value '59' must be between '60-6000' inclusive"):
        call(elbow, "ModifyListenerAttributes", ListenerArn=tcp,
             Attributes=[{"Key": "tcp.idle_timeout.seconds", "Value": "59"}])


def test_limits_are_told(elb):
    limits = {x["Name"]: x["Max"] for x in elb.describe_account_limits()["Limits"]}
    assert len(limits) == 23
    assert limits["application-load-balancers"] == "50" and limits["target-groups"] == "3000"
    assert limits["rules-per-application-load-balancer"] == "100"
    first = elb.describe_account_limits(PageSize=20)
    rest = elb.describe_account_limits(PageSize=20, Marker=first["NextMarker"])
    assert len(first["Limits"]) == 20 and len(rest["Limits"]) == 3 and "NextMarker" not in rest


def test_limits_can_be_lowered_and_hold(start_elbow):
    lowered = {"application-load-balancers": 1, "target-groups": 2, "listeners-per-application-load-balancer": 1,
               "rules-per-application-load-balancer": 1, "targets-per-target-group": 1,
               "target-groups-per-application-load-balancer": 1}
    flags = [f for name, most in lowered.items() for f in ("--account-limit", f"{name}={most}")]
    things = Things(start_elbow(*flags))
    told = {x["Name"]: x["Max"] for x in things.elb.describe_account_limits()["Limits"]}
    assert {name: int(told[name]) for name in lowered} == lowered
    balancer = things.balancer("limit-1")
    reached = "You've reached the limit on the number of "
    with refused("TooManyLoadBalancers", reached + "load balancers for your AWS account"):
        things.balancer("limit-2")
    listener = things.listener(balancer)
    with refused("TooManyListeners", reached + "listeners per load balancer"):
        things.listener(balancer, 81)
    groups = [things.group("limit-1", TargetType="ip"), things.group("limit-2", TargetType="ip")]
    with refused("TooManyTargetGroups", reached + "target groups for your AWS account"):
        things.group("limit-3")
    with refused("TooManyTargets", reached + "targets"):
        things.elb.register_targets(TargetGroupArn=groups[0]["TargetGroupArn"],
                                    Targets=[{"Id": "192.168.1.5"}, {"Id": "192.168.1.6"}])
    assert things.elb.describe_target_health(TargetGroupArn=groups[0]["TargetGroupArn"])[
        "TargetHealthDescriptions"] == []
    with refused("TooManyUniqueTargetGroupsPerLoadBalancer"):
        things.rule(listener, 1, actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": [
            {"TargetGroupArn": g["TargetGroupArn"]} for g in groups]}}])
    things.rule(listener, 1)
    with refused("TooManyRules", reached + "rules per load balancer"):
        things.rule(listener, 2)


def test_capacity_is_reserved_shown_and_given_back(things, elbow):
    arn = things.balancer("at-capacity")["LoadBalancerArn"]
    assert call(elbow, "DescribeCapacityReservation", LoadBalancerArn=arn) == {"DecreaseRequestsRemaining": "2"}
    made = call(elbow, "ModifyCapacityReservation", LoadBalancerArn=arn,
                MinimumLoadBalancerCapacity={"CapacityUnits": 200})
    assert made["CapacityReservationState"][0]["State"] == {"Code": "pending"}
    shown = call(elbow, "DescribeCapacityReservation", LoadBalancerArn=arn)
    assert shown["MinimumLoadBalancerCapacity"] == {"CapacityUnits": "200"}
    assert [(z["AvailabilityZone"], z["State"]["Code"], float(z["EffectiveCapacityUnits"]))
            for z in shown["CapacityReservationState"]] == [
        ("ap-northeast-1a", "provisioned", 100), ("ap-northeast-1c", "provisioned", 100)]
    for units in (150, 100):
        call(elbow, "ModifyCapacityReservation", LoadBalancerArn=arn, MinimumLoadBalancerCapacity={"CapacityUnits": units})
    with call_refused("CapacityDecreaseRequestLimitExceeded"):
        call(elbow, "ModifyCapacityReservation", LoadBalancerArn=arn, ResetCapacityReservation=True)
    for members in ({}, {"ResetCapacityReservation": True, "MinimumLoadBalancerCapacity": {"CapacityUnits": 100}}):
        with call_refused("ValidationError"):
            call(elbow, "ModifyCapacityReservation", LoadBalancerArn=arn, **members)
    with call_refused("CapacityUnitsLimitExceeded"):
        call(elbow, "ModifyCapacityReservation", LoadBalancerArn=arn, MinimumLoadBalancerCapacity={"CapacityUnits": 1501})


def test_a_limit_that_is_none_keeps_the_server_from_starting(tmp_path):
    import subprocess
    from conftest import BUILD
    for bad in ("none=1", "target-groups", "target-groups=x", "target-groups=-1"):
        done = subprocess.run([BUILD / "elbow", "serve", "--ephemeral", "--aws-listen", "127.0.0.1:0",
                               "--kube-listen", "127.0.0.1:0", "--front-http", "127.0.0.1:0",
                               "--front-https", "127.0.0.1:0", "--account-limit", bad],
                              capture_output=True, text=True, timeout=30)
        assert done.returncode != 0 and "--account-limit" in done.stderr and bad in done.stderr
