"""Load balancers: what a creation answers, what is refused and how, what is shown afterwards."""
import re

import pytest

from balancing import (ARN, GROUP, NO_BALANCER, OTHER_GROUP, PRIVATE, PUBLIC, VPC, Refusal, Things,
                       call, call_refused, forward, refused)


@pytest.fixture
def things(elbow):
    made = Things(elbow)
    yield made
    made.remove()


@pytest.fixture
def elb(things):
    return things.elb


def only(answer):
    (one,) = answer["LoadBalancers"]
    return one


def test_a_new_load_balancer_and_what_is_shown_of_it(things, elb):
    made = things.balancer("lb-new", SecurityGroups=[GROUP])
    assert made["State"] == {"Code": "provisioning"}
    assert re.fullmatch(ARN + "loadbalancer/app/lb-new/[0-9a-f]{16}", made["LoadBalancerArn"])
    assert re.fullmatch(r"lb-new-[0-9]{1,10}\.ap-northeast-1\.elb\.localhost", made["DNSName"])
    shown = only(elb.describe_load_balancers(Names=["lb-new"]))
    assert shown == {**made, "State": {"Code": "active"}}
    assert shown == {
        "LoadBalancerArn": made["LoadBalancerArn"], "DNSName": made["DNSName"],
        "CanonicalHostedZoneId": "Z14GRHDCWA56QT", "CreatedTime": made["CreatedTime"],
        "LoadBalancerName": "lb-new", "Scheme": "internet-facing", "VpcId": VPC,
        "State": {"Code": "active"}, "Type": "application", "IpAddressType": "ipv4",
        "AvailabilityZones": [
            {"ZoneName": "ap-northeast-1a", "SubnetId": PUBLIC[0], "LoadBalancerAddresses": []},
            {"ZoneName": "ap-northeast-1c", "SubnetId": PUBLIC[1], "LoadBalancerAddresses": []}],
        "SecurityGroups": [GROUP]}
    elb.get_waiter("load_balancer_available").wait(Names=["lb-new"], WaiterConfig={"Delay": 1, "MaxAttempts": 1})


def test_an_internal_one_has_a_name_of_its_own_form(things):
    made = things.balancer("lb-inside", Scheme="internal", Subnets=PRIVATE[:2])
    assert re.fullmatch(r"internal-lb-inside-[0-9]{1,10}\.ap-northeast-1\.elb\.localhost", made["DNSName"])
    assert made["Scheme"] == "internal"


def test_without_security_groups_it_is_in_the_default_one(things, elbow):
    made = things.balancer("lb-default-group")
    (group,) = made["SecurityGroups"]
    assert group.startswith("sg-") and group not in (GROUP, OTHER_GROUP)


def test_network_and_gateway_load_balancers_show_what_they_have(things, elbow):
    net = things.balancer("lb-net", Type="network", Subnets=PUBLIC[:1])
    identifier = net["LoadBalancerArn"].rpartition("/")[2]
    assert f":loadbalancer/net/lb-net/{identifier}" in net["LoadBalancerArn"]
    assert net["DNSName"] == f"lb-net-{identifier}.elb.ap-northeast-1.localhost"
    assert net["CanonicalHostedZoneId"] == "Z31USIVHYNEOWT"
    assert "SecurityGroups" not in net
    (raw,) = call(elbow, "DescribeLoadBalancers", Names=["lb-net"])["LoadBalancers"]
    assert raw["EnablePrefixForIpv6SourceNat"] == "off" and "IpamPools" not in raw
    gateway = things.balancer("lb-gwy", Type="gateway", Subnets=PRIVATE[:1])
    assert ":loadbalancer/gwy/lb-gwy/" in gateway["LoadBalancerArn"]
    assert not {"DNSName", "CanonicalHostedZoneId", "Scheme", "SecurityGroups"} & set(gateway)


def test_addresses_that_a_network_load_balancer_asks_for(things):
    made = things.balancer("lb-fixed-address", Type="network", Scheme="internal", SubnetMappings=[
        {"SubnetId": PRIVATE[0], "PrivateIPv4Address": "192.168.96.40"}])
    assert made["AvailabilityZones"][0]["LoadBalancerAddresses"] == [{"PrivateIPv4Address": "192.168.96.40"}]
    with refused("InvalidConfigurationRequest"):
        things.balancer("lb-same-address", Type="network", Scheme="internal", SubnetMappings=[
            {"SubnetId": PRIVATE[0], "PrivateIPv4Address": "192.168.96.40"}])


def test_the_same_again_is_the_same_and_another_is_refused(things):
    made = things.balancer("lb-twice", SecurityGroups=[GROUP])
    again = things.balancer("lb-twice", SecurityGroups=[GROUP], Subnets=PUBLIC[1::-1])
    assert again["LoadBalancerArn"] == made["LoadBalancerArn"]
    for other in ({"Scheme": "internal", "SecurityGroups": [GROUP]}, {"SecurityGroups": [OTHER_GROUP]},
                  {"SecurityGroups": [GROUP], "Subnets": PUBLIC}):
        with refused("DuplicateLoadBalancerName",
                     "A load balancer with the same name 'lb-twice' exists, but with different settings"):
            things.balancer("lb-twice", **other)


TOO_FEW = "At least two subnets in two different Availability Zones must be specified"
REFUSED_CREATIONS = [
    ("x" * 33, {}, "ValidationError",
     f"Load balancer name '{'x' * 33}' cannot be longer than '32' characters"),
    ("no_underscore", {}, "ValidationError", "Load balancer name 'no_underscore' can only contain "
     "characters that are alphanumeric characters or hyphens(-)"),
    ("-edge", {}, "ValidationError", "Load balancer name '-edge' cannot begin or end with '-'"),
    ("internal-x", {}, "ValidationError", "Load balancer name 'internal-x' cannot begin with 'internal-'"),
    ("one", {"Subnets": PUBLIC[:1]}, "ValidationError", TOO_FEW),
    ("none", {"Subnets": []}, "ValidationError", TOO_FEW),
    ("same-zone", {"Subnets": [PUBLIC[0], PRIVATE[0]]}, "InvalidConfigurationRequest",
     "A load balancer cannot be attached to multiple subnets in the same Availability Zone"),
    ("no-subnet", {"Subnets": [PUBLIC[0], "subnet-none"]}, "SubnetNotFound",
     "The subnet ID 'subnet-none' does not exist"),
    ("no-group", {"SecurityGroups": ["sg-none"]}, "InvalidSecurityGroup",
     "The security group 'sg-none' does not exist"),
    ("gwy-group", {"Type": "gateway", "SecurityGroups": [GROUP]}, "InvalidConfigurationRequest",
     "Security groups are not supported for load balancers with type 'gateway'"),
    ("tags-twice", {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]},
     "DuplicateTagKeys", None),
    ("tags-many", {"Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]}, "TooManyTags", None),
    ("tags-aws", {"Tags": [{"Key": "aws:x", "Value": ""}]}, "ValidationError", None),
    ("scheme", {"Scheme": "public"}, "ValidationError",
     "1 validation error detected: Value 'public' at 'scheme' failed to satisfy constraint: Member "
     "must satisfy enum value set: [internet-facing, internal]"),
]


@pytest.mark.parametrize("name, more, code, text", REFUSED_CREATIONS, ids=[c[0][:12] for c in REFUSED_CREATIONS])
def test_creations_that_are_refused(things, elb, name, more, code, text):
    with refused(code, text):
        things.balancer(name, **more)
    with refused("LoadBalancerNotFound"):
        elb.describe_load_balancers(Names=[name])


def test_a_name_must_be_given(things):
    with refused("ValidationError", "1 validation error detected: Value null at 'name' failed to satisfy "
                 "constraint: Member must not be null"):
        things.careless.create_load_balancer()


def test_names_and_arns_that_nobody_has(elb):
    with refused("LoadBalancerNotFound", "Load balancers '[lb-none]' not found"):
        elb.describe_load_balancers(Names=["lb-none"])
    with refused("LoadBalancerNotFound", "One or more load balancers not found"):
        elb.describe_load_balancers(LoadBalancerArns=[NO_BALANCER])
    with refused("LoadBalancerNotFound", f"Load balancer '{NO_BALANCER}' not found"):
        elb.describe_load_balancer_attributes(LoadBalancerArn=NO_BALANCER)
    with refused("ValidationError"):
        elb.describe_load_balancers(LoadBalancerArns=[NO_BALANCER], Names=["lb-none"])
    elb.delete_load_balancer(LoadBalancerArn=NO_BALANCER)


@pytest.mark.parametrize("arn", [
    "x", "", ARN + "loadbalancer/app/none", ARN + "targetgroup/none/0123456789abcdef",
    NO_BALANCER.replace("ap-northeast-1", "us-east-1"), NO_BALANCER.replace("123456789012", "210987654321"),
    NO_BALANCER.replace("/app/", "/tcp/")])
def test_arns_of_another_place_or_form_are_none(elb, arn):
    with refused("ValidationError", f"'{arn}' is not a valid load balancer ARN"):
        elb.delete_load_balancer(LoadBalancerArn=arn)


def test_other_accounts_and_regions_have_their_own(things, elbow):
    things.balancer("lb-here")
    for other in (elbow.client("elbv2", key="210987654321"), elbow.client("elbv2", region="us-east-1")):
        assert other.describe_load_balancers()["LoadBalancers"] == []
        with refused("LoadBalancerNotFound"):
            other.describe_load_balancers(Names=["lb-here"])


def test_deletion_takes_listeners_and_frees_groups_and_names(things, elb):
    made, group = things.balancer("lb-deleted"), things.group("lb-deleted")
    listener = things.listener(made, actions=[forward(group)])
    elb.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
    with refused("LoadBalancerNotFound"):
        elb.describe_load_balancers(Names=["lb-deleted"])
    with refused("ListenerNotFound", "One or more listeners not found"):
        elb.describe_listeners(ListenerArns=[listener["ListenerArn"]])
    shown = elb.describe_target_groups(Names=["lb-deleted"])["TargetGroups"][0]
    assert shown["LoadBalancerArns"] == []
    elb.get_waiter("load_balancers_deleted").wait(Names=["lb-deleted"], WaiterConfig={"Delay": 1, "MaxAttempts": 1})
    again = things.balancer("lb-deleted", Scheme="internal")
    assert again["LoadBalancerArn"] != made["LoadBalancerArn"]


def test_deletion_protection(things, elb):
    arn = things.balancer("lb-protected")["LoadBalancerArn"]
    on = {"Key": "deletion_protection.enabled", "Value": "true"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[on])
    with refused("OperationNotPermitted", f"Load balancer '{arn}' cannot be deleted because deletion "
                 "protection is enabled"):
        elb.delete_load_balancer(LoadBalancerArn=arn)
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{**on, "Value": "false"}])


def test_subnets_and_groups_can_be_set(things, elb):
    arn = things.balancer("lb-moved", SecurityGroups=[GROUP])["LoadBalancerArn"]
    zones = elb.set_subnets(LoadBalancerArn=arn, Subnets=PUBLIC[1:])["AvailabilityZones"]
    assert [z["SubnetId"] for z in zones] == PUBLIC[1:]
    assert elb.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[OTHER_GROUP, GROUP])[
        "SecurityGroupIds"] == [OTHER_GROUP, GROUP]
    shown = only(elb.describe_load_balancers(LoadBalancerArns=[arn]))
    assert [z["SubnetId"] for z in shown["AvailabilityZones"]] == PUBLIC[1:]
    assert shown["SecurityGroups"] == [OTHER_GROUP, GROUP]
    with refused("ValidationError", TOO_FEW):
        elb.set_subnets(LoadBalancerArn=arn, Subnets=PUBLIC[:1])
    with refused("InvalidSecurityGroup", "The security group 'sg-none' does not exist"):
        elb.set_security_groups(LoadBalancerArn=arn, SecurityGroups=["sg-none"])
    assert only(elb.describe_load_balancers(LoadBalancerArns=[arn])) == shown
    assert elb.set_ip_address_type(LoadBalancerArn=arn, IpAddressType="dualstack")["IpAddressType"] == "dualstack"


def test_a_network_load_balancer_made_without_groups_gets_none(things, elb, elbow):
    bare = things.balancer("lb-net-bare", Type="network", Subnets=PUBLIC[:1])["LoadBalancerArn"]
    with refused("InvalidConfigurationRequest"):
        elb.set_security_groups(LoadBalancerArn=bare, SecurityGroups=[GROUP])
    held = things.balancer("lb-net-groups", Type="network", Subnets=PUBLIC[:1], SecurityGroups=[GROUP])
    arn = held["LoadBalancerArn"]
    rules = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"
    (shown,) = call(elbow, "DescribeLoadBalancers", Names=["lb-net-groups"])["LoadBalancers"]
    assert shown[rules] == "on"
    answer = call(elbow, "SetSecurityGroups", LoadBalancerArn=arn, SecurityGroups=[OTHER_GROUP], **{rules: "off"})
    assert answer == {"SecurityGroupIds": [OTHER_GROUP], rules: "off"}
    assert only(elb.describe_load_balancers(LoadBalancerArns=[arn]))["SecurityGroups"] == [OTHER_GROUP]


def test_pages_walk_all_in_order_of_creation(start_elbow):
    server = start_elbow()
    things = Things(server)
    names = [f"page-{n}" for n in range(5)]
    for name in names:
        things.balancer(name)
    pages = list(things.elb.get_paginator("describe_load_balancers").paginate(PaginationConfig={"PageSize": 2}))
    assert [[b["LoadBalancerName"] for b in p["LoadBalancers"]] for p in pages] == [
        names[:2], names[2:4], names[4:]]
    assert "NextMarker" not in pages[-1]
    with refused("ValidationError"):
        things.elb.describe_load_balancers(Marker="nonsense")
    with refused("ValidationError"):
        things.elb.describe_load_balancers(PageSize=401)


def test_address_pools_are_kept(things, elb, elbow):
    arn = things.balancer("lb-pools")["LoadBalancerArn"]
    answer = call(elbow, "ModifyIpPools", LoadBalancerArn=arn, IpamPools={"Ipv4IpamPoolId": "ipam-pool-1"})
    assert answer == {"IpamPools": {"Ipv4IpamPoolId": "ipam-pool-1"}}
    (shown,) = call(elbow, "DescribeLoadBalancers", LoadBalancerArns=[arn])["LoadBalancers"]
    assert shown["IpamPools"] == {"Ipv4IpamPoolId": "ipam-pool-1"}
    assert call(elbow, "ModifyIpPools", LoadBalancerArn=arn, RemoveIpamPools=["ipv4"]) == {}
    (shown,) = call(elbow, "DescribeLoadBalancers", LoadBalancerArns=[arn])["LoadBalancers"]
    assert "IpamPools" not in shown


def test_the_wire_form(elbow):
    with pytest.raises(Refusal) as caught:
        call(elbow, "DescribeLoadBalancers", Names=["lb-none"])
    assert (caught.value.status, caught.value.code) == (400, "LoadBalancerNotFound")
    with call_refused("InvalidAction", "Could not find operation NoSuchThing for version 2015-12-01"):
        call(elbow, "NoSuchThing")
    # Lists of one, sent empty, and gaps in their numbers are what they are taken for.
    assert call(elbow, "DescribeLoadBalancers", Names="", region="eu-west-3") == {"LoadBalancers": ""}
