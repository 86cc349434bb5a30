"""Security groups and their rules: forms, identity, errors with EC2's own words."""
import pytest

from aws_world import VPC, refused
from conftest import ACCOUNT, REGION

TCP_80 = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}


@pytest.fixture(scope="module")
def ec2(elbow):
    return elbow.client("ec2")


@pytest.fixture
def group(ec2, request):
    """A group of the test's own; gone afterwards."""
    made = ec2.create_security_group(GroupName=f"sg-test-{request.node.name}"[:80].replace("sg-", "g-"),
                                     Description="of a test", VpcId=VPC)["GroupId"]
    yield made
    ec2.delete_security_group(GroupId=made)


def describe(ec2, group):
    return ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]


def allow(ec2, group, *permissions, **more):
    return ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=list(permissions), **more)


def block(cidr, description=None, **ports):
    one = {"CidrIp": cidr, **({"Description": description} if description else {})}
    return {**TCP_80, **ports, "IpRanges": [one]}


def test_a_new_group(ec2, group):
    shown = describe(ec2, group)
    assert shown["GroupName"].startswith("g-test") and shown["Description"] == "of a test"
    assert shown["OwnerId"] == ACCOUNT and shown["VpcId"] == VPC
    assert shown["IpPermissions"] == []
    assert shown["IpPermissionsEgress"] == [
        {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [],
         "PrefixListIds": [], "UserIdGroupPairs": []}]
    assert shown["Tags"] == []


def test_permissions_become_rules_and_are_shown_together(ec2, group):
    made = allow(ec2, group, {
        **TCP_80, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "ten"}, {"CidrIp": "0.0.0.0/0"}],
        "Ipv6Ranges": [{"CidrIpv6": "2001:DB8::1/32"}],
        "UserIdGroupPairs": [{"GroupId": group, "Description": "us"}]})
    assert made["Return"] is True
    rules = made["SecurityGroupRules"]
    assert [r.get("CidrIpv4") for r in rules] == ["10.0.0.0/8", "0.0.0.0/0", None, None]
    assert all(r["SecurityGroupRuleId"].startswith("sgr-") and len(r["SecurityGroupRuleId"]) == 21
               for r in rules)
    assert rules[3]["ReferencedGroupInfo"]["GroupId"] == group
    shown = describe(ec2, group)["IpPermissions"]
    assert shown == [{
        **TCP_80,
        "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "ten"}, {"CidrIp": "0.0.0.0/0"}],
        "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}], "PrefixListIds": [],
        "UserIdGroupPairs": [{"GroupId": group, "UserId": ACCOUNT, "Description": "us"}]}]
    listed = ec2.describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    assert len(listed) == 5 and sum(r["IsEgress"] for r in listed) == 1
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=shown)
    assert describe(ec2, group)["IpPermissions"] == []


NORMAL = [
    ("block", block("100.68.0.18/18"), "CidrIpv4", "100.68.0.0/18"),
    ("protocol by number", {**block("10.0.0.0/8"), "IpProtocol": "6"}, "IpProtocol", "tcp"),
    ("protocol in capitals", {**block("10.0.0.0/8"), "IpProtocol": "UDP"}, "IpProtocol", "udp"),
    ("all drops the ports", {**block("10.0.0.0/8"), "IpProtocol": "-1"}, "FromPort", -1),
    ("icmp", {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
     "FromPort", 8),
    ("others by number", {"IpProtocol": "50", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, "IpProtocol", "50"),
]


@pytest.mark.parametrize("label,permission,member,value", NORMAL, ids=[n[0] for n in NORMAL])
def test_normal_forms(ec2, group, label, permission, member, value):
    assert allow(ec2, group, permission)["SecurityGroupRules"][0][member] == value


BAD = [
    ("protocol", {**block("10.0.0.0/8"), "IpProtocol": "foo"}, "InvalidParameterValue",
     "Invalid value 'foo' for IP protocol. Unknown protocol."),
    ("no ports", {"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, "InvalidParameterValue",
     "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange."),
    ("ports the wrong way", block("10.0.0.0/8", FromPort=90), "InvalidParameterValue",
     "Invalid TCP/UDP port range (90:80)"),
    ("block", block("10.0.0/8"), "InvalidParameterValue", "CIDR block 10.0.0/8 is malformed"),
    ("description", block("10.0.0.0/8", "tab\there"), "InvalidParameterValue", "Invalid rule description."),
    ("group", {**TCP_80, "UserIdGroupPairs": [{"GroupId": "sg-00000000000000000"}]},
     "InvalidGroup.NotFound", "The security group 'sg-00000000000000000' does not exist"),
    ("malformed group", {**TCP_80, "UserIdGroupPairs": [{"GroupId": "sg-nothing"}]},
     "InvalidGroupId.Malformed", 'Invalid id: "sg-nothing" (expecting "sg-...")'),
    ("twice", {**TCP_80, "IpRanges": [{"CidrIp": "10.1.0.0/8"}, {"CidrIp": "10.0.0.0/8"}]},
     "InvalidParameterValue", "The same permission must not appear multiple times"),
]


@pytest.mark.parametrize("label,permission,code,words", BAD, ids=[b[0] for b in BAD])
def test_bad_permissions_change_nothing(ec2, group, label, permission, code, words):
    with refused(code, words, 400):
        allow(ec2, group, block("192.0.2.0/24"), permission)
    assert describe(ec2, group)["IpPermissions"] == []


DUPLICATES = [
    (block("0.0.0.0/0"), "peer: 0.0.0.0/0, TCP, from port: 80, to port: 80, ALLOW"),
    ({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, "peer: 10.0.0.0/8, ALL, ALLOW"),
]


@pytest.mark.parametrize("permission,words", DUPLICATES)
def test_a_rule_is_there_once(ec2, group, permission, words):
    allow(ec2, group, permission)
    with refused("InvalidPermission.Duplicate", f'the specified rule "{words}" already exists', 400):
        allow(ec2, group, permission)


def test_a_description_is_no_part_of_a_rule(ec2, group):
    allow(ec2, group, block("10.0.0.0/8", "one"))
    with refused("InvalidPermission.Duplicate"):
        allow(ec2, group, block("10.0.0.0/8", "other"))
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[block("10.0.0.0/8")])


def test_revoking(ec2, group):
    with refused("InvalidPermission.NotFound",
                 "The specified rule does not exist in this security group."):
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[block("10.0.0.0/8")])
    rule = allow(ec2, group, block("10.0.0.0/8"))["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    with refused("InvalidSecurityGroupRuleId.NotFound"):
        ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=[rule])
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule])
    egress = describe(ec2, group)["IpPermissionsEgress"]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=egress)
    assert describe(ec2, group)["IpPermissionsEgress"] == []
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=egress)
    assert describe(ec2, group)["IpPermissionsEgress"] == egress


def test_the_old_form(ec2, group):
    ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22,
                                         CidrIp="203.0.113.0/24")
    assert describe(ec2, group)["IpPermissions"][0]["IpRanges"] == [{"CidrIp": "203.0.113.0/24"}]
    ec2.revoke_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22,
                                      CidrIp="203.0.113.0/24")
    assert describe(ec2, group)["IpPermissions"] == []


def test_at_most_sixty_rules(ec2, group):
    allow(ec2, group, *[block(f"10.{i}.0.0/16") for i in range(60)])
    with refused("RulesPerSecurityGroupLimitExceeded",
                 "The maximum number of rules per security group has been reached."):
        allow(ec2, group, block("10.200.0.0/16"))


def test_names(ec2):
    made = ec2.create_security_group(GroupName="names", Description="d", VpcId=VPC)["GroupId"]
    with refused("InvalidGroup.Duplicate", f"The security group 'names' already exists for VPC '{VPC}'"):
        ec2.create_security_group(GroupName="names", Description="d", VpcId=VPC)
    with refused("InvalidGroup.Duplicate"):
        ec2.create_security_group(GroupName="NAMES", Description="d", VpcId=VPC)
    ec2.delete_security_group(GroupId=made)
    with refused("InvalidParameterValue", "Group names may not be in the format sg-*."):
        ec2.create_security_group(GroupName="sg-x", Description="d", VpcId=VPC)
    with refused("InvalidParameterValue", "Cannot use reserved security group name: default"):
        ec2.create_security_group(GroupName="default", Description="d", VpcId=VPC)
    with refused("InvalidVpcID.NotFound", "The vpc ID 'vpc-00000000000000000' does not exist"):
        ec2.create_security_group(GroupName="x", Description="d", VpcId="vpc-00000000000000000")


def test_deleting(ec2):
    one = ec2.create_security_group(GroupName="del-1", Description="d", VpcId=VPC)["GroupId"]
    other = ec2.create_security_group(GroupName="del-2", Description="d", VpcId=VPC)["GroupId"]
    allow(ec2, other, {**TCP_80, "UserIdGroupPairs": [{"GroupId": one}]})
    with refused("DependencyViolation", f"resource {one} has a dependent object"):
        ec2.delete_security_group(GroupId=one)
    ec2.delete_security_group(GroupId=other)
    allow(ec2, one, {**TCP_80, "UserIdGroupPairs": [{"GroupId": one}]})  # itself does not count
    ec2.delete_security_group(GroupId=one)
    with refused("InvalidGroup.NotFound", f"The security group '{one}' does not exist"):
        ec2.delete_security_group(GroupId=one)
    standard = ec2.describe_security_groups(
        Filters=[{"Name": "group-name", "Values": ["default"]}, {"Name": "vpc-id", "Values": [VPC]}])
    standard = standard["SecurityGroups"][0]["GroupId"]
    with refused("CannotDelete", f'the specified group: "{standard}" name: "default" cannot be '
                                 'deleted by a user'):
        ec2.delete_security_group(GroupId=standard)


def test_the_group_of_nodes_is_in_use(ec2):
    with refused("DependencyViolation"):
        ec2.delete_security_group(GroupId="sg-0e1b0a5a3c1e7d003")


FILTERS = [
    ("group-name", "filter-*", True),
    ("group-name", "filter-?", True),
    ("group-name", "Filter-1", False),
    ("description", "for \\*", True),
    ("description", "for \\?", False),
    ("ip-permission.cidr", "192.0.2.0/24", True),
    ("ip-permission.from-port", "8443", True),
    ("ip-permission.protocol", "udp", False),
    ("egress.ip-permission.cidr", "0.0.0.0/0", True),
    ("tag:team", "we*", True),
    ("tag:team", "other", False),
    ("tag-key", "team", True),
]


def test_filters(ec2):
    made = ec2.create_security_group(
        GroupName="filter-1", Description="for *", VpcId=VPC,
        TagSpecifications=[{"ResourceType": "security-group",
                            "Tags": [{"Key": "team", "Value": "web"}]}])["GroupId"]
    allow(ec2, made, block("192.0.2.0/24", FromPort=8443, ToPort=8443))
    for name, value, found in FILTERS:
        got = ec2.describe_security_groups(Filters=[
            {"Name": name, "Values": ["nothing-has-this", value]}, {"Name": "vpc-id", "Values": [VPC]}])
        assert (made in [g["GroupId"] for g in got["SecurityGroups"]]) is found, (name, value)
    with refused("InvalidParameterValue", "The filter 'colour' is invalid"):
        ec2.describe_security_groups(Filters=[{"Name": "colour", "Values": ["red"]}])
    ec2.delete_security_group(GroupId=made)


def test_pages(ec2):
    made = [ec2.create_security_group(GroupName=f"page-{i}", Description="d", VpcId=VPC)["GroupId"]
            for i in range(7)]
    pages = list(ec2.get_paginator("describe_security_groups").paginate(
        Filters=[{"Name": "group-name", "Values": ["page-*"]}], PaginationConfig={"PageSize": 5}))
    assert [g["GroupId"] for page in pages for g in page["SecurityGroups"]] == made
    assert [len(page["SecurityGroups"]) for page in pages] == [5, 2]
    with refused("InvalidParameterCombination"):
        ec2.describe_security_groups(GroupIds=made[:1], MaxResults=5)
    for one in made:
        ec2.delete_security_group(GroupId=one)


def test_dry_run(ec2):
    with refused("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412):
        ec2.create_security_group(GroupName="dry", Description="d", VpcId=VPC, DryRun=True)
    assert ec2.describe_security_groups(
        Filters=[{"Name": "group-name", "Values": ["dry"]}])["SecurityGroups"] == []


def test_tags(ec2, group):
    ec2.create_tags(Resources=[group], Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": ""}])
    assert describe(ec2, group)["Tags"] == [{"Key": "a", "Value": ""}, {"Key": "b", "Value": "2"}]
    told = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [group]}])["Tags"]
    assert told[1] == {"Key": "b", "Value": "2", "ResourceId": group, "ResourceType": "security-group"}
    ec2.delete_tags(Resources=[group], Tags=[{"Key": "b", "Value": "other"}])
    assert len(describe(ec2, group)["Tags"]) == 2
    ec2.delete_tags(Resources=[group], Tags=[{"Key": "b"}, {"Key": "a", "Value": ""}])
    assert describe(ec2, group)["Tags"] == []


TAG_ERRORS = [
    (["sg-00000000000000000"], [{"Key": "a", "Value": ""}], "InvalidGroup.NotFound"),
    (["thing"], [{"Key": "a", "Value": ""}], "InvalidID"),
    (["GROUP"], [{"Key": "aws:x", "Value": ""}], "InvalidParameterValue"),
    (["GROUP"], [{"Key": "k" * 129, "Value": ""}], "InvalidParameterValue"),
    (["GROUP"], [{"Key": "k", "Value": "v" * 257}], "InvalidParameterValue"),
    (["GROUP"], [{"Key": f"k{i}", "Value": ""} for i in range(51)], "TagLimitExceeded"),
]


@pytest.mark.parametrize("resources,tags,code", TAG_ERRORS)
def test_bad_tags_change_nothing(ec2, group, resources, tags, code):
    with refused(code):
        ec2.create_tags(Resources=[group if r == "GROUP" else r for r in resources], Tags=tags)
    assert describe(ec2, group)["Tags"] == []
