"""What IAM lets through: conditions, tags at creation, resources, and the words of each denial."""
import json
import urllib.request

import pytest

from aws_errors import refusal
from conftest import ACCOUNT, REGION

ELB = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
OWNED = {"Key": "elbv2.k8s.aws/cluster", "Value": "sample"}


def statement(*actions, resource="*", effect="Allow", **condition):
    made = {"Effect": effect, "Action": list(actions), "Resource": resource}
    return {**made, "Condition": {k.replace("_", ":"): v for k, v in condition.items()}} if condition else made


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def iam(elbow):
    return elbow.client("iam")


@pytest.fixture(scope="module")
def user(elbow, iam):
    """Makes a user with one policy; gives a function that makes its clients."""
    def make(name, *statements):
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return lambda service, **more: elbow.client(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"],
                                                    **more)
    return make


@pytest.fixture(scope="module")
def need_ec2(elbow):
    served = json.load(urllib.request.urlopen(elbow.aws + "/_elbow/aws/operations"))
    if "ec2" not in [s["service"] for s in served]:
        pytest.skip("this server has no EC2")


def denial(user_name, action, resource=None, why=None):
    on = f" on resource: {resource}" if resource else ""
    return (f"User: arn:aws:iam::{ACCOUNT}:user/{user_name} is not authorized to perform: {action}{on}"
            + (why or f" because no identity-based policy allows the {action} action"))


def vpc_of(elbow):
    return elbow.client("eks").describe_cluster(name="sample")["cluster"]["resourcesVpcConfig"]["vpcId"]


def group(client, elbow, name, tags=()):
    more = {"Tags": list(tags)} if tags else {}
    return client.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc_of(elbow), **more)[
        "TargetGroups"][0]["TargetGroupArn"]


# --- the shape of the published policies of the controllers, v2 and v3 -----------------------------

def controller(user, name):
    """A user bound as the controllers' policies bind them: what they make carries their tag, and
    only what carries it may they change."""
    null = {"aws:RequestTag/elbv2.k8s.aws/cluster": "true", "aws:ResourceTag/elbv2.k8s.aws/cluster": "false"}
    groups = [f"arn:aws:elasticloadbalancing:*:*:targetgroup/*/*"]
    return user(
        name,
        statement("elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup",
                  Null={"aws:RequestTag/elbv2.k8s.aws/cluster": "false"}),
        statement("elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags", resource=groups, Null=null),
        statement("elasticloadbalancing:AddTags", resource=groups,
                  StringEquals={"elasticloadbalancing:CreateAction": ["CreateTargetGroup", "CreateLoadBalancer"]},
                  Null={"aws:RequestTag/elbv2.k8s.aws/cluster": "false"}),
        statement("elasticloadbalancing:ModifyTargetGroup", "elasticloadbalancing:DeleteTargetGroup",
                  Null={"aws:ResourceTag/elbv2.k8s.aws/cluster": "false"}),
    )("elbv2")


def test_a_controller_makes_only_what_carries_its_tag(elbow, user):
    client = controller(user, "z-create")
    assert refusal(group, client=client, elbow=elbow, name="z-plain") == (
        403, "AccessDenied", denial("z-create", "elasticloadbalancing:CreateTargetGroup", f"{ELB}:targetgroup/z-plain/*"))
    arn = group(client, elbow, "z-owned", [OWNED])
    client.modify_target_group(TargetGroupArn=arn, HealthCheckPath="/x")
    client.delete_target_group(TargetGroupArn=arn)


def test_and_changes_only_what_carries_it(elbow, user):
    root = elbow.client("elbv2")
    foreign, owned = group(root, elbow, "z-foreign"), group(root, elbow, "z-mine", [OWNED])
    client = controller(user, "z-change")
    for call, action in [(client.modify_target_group, "ModifyTargetGroup"),
                         (client.delete_target_group, "DeleteTargetGroup")]:
        assert refusal(call, TargetGroupArn=foreign)[2] == denial(
            "z-change", f"elasticloadbalancing:{action}", foreign)
    extra = [{"Key": "other", "Value": "1"}]
    assert refusal(client.add_tags, ResourceArns=[foreign], Tags=extra)[2] == denial(
        "z-change", "elasticloadbalancing:AddTags", foreign)
    client.add_tags(ResourceArns=[owned], Tags=extra)
    assert refusal(client.add_tags, ResourceArns=[owned], Tags=[OWNED])[1] == "AccessDenied"
    assert refusal(client.add_tags, ResourceArns=[owned, foreign], Tags=extra)[1] == "AccessDenied"
    client.remove_tags(ResourceArns=[owned], TagKeys=["other"])
    root.delete_target_group(TargetGroupArn=foreign)
    client.delete_target_group(TargetGroupArn=owned)


def test_tags_at_creation_are_asked_for_by_themselves(elbow, user):
    client = user("z-tags", statement("elasticloadbalancing:CreateTargetGroup"))("elbv2")
    assert refusal(group, client=client, elbow=elbow, name="z-tagged", tags=[OWNED])[2] == denial(
        "z-tags", "elasticloadbalancing:AddTags", f"{ELB}:targetgroup/z-tagged/*")
    assert elbow.client("elbv2").describe_target_groups()["TargetGroups"] == [] or "z-tagged" not in [
        g["TargetGroupName"] for g in elbow.client("elbv2").describe_target_groups()["TargetGroups"]]
    arn = group(client, elbow, "z-untagged")
    elbow.client("elbv2").delete_target_group(TargetGroupArn=arn)


def test_iam_asks_for_tags_likewise(user):
    client = user("z-iam-tags", statement("iam:CreateUser"))("iam")
    assert refusal(client.create_user, UserName="z-new", Tags=[{"Key": "a", "Value": "b"}])[2] == denial(
        "z-iam-tags", "iam:TagUser", f"arn:aws:iam::{ACCOUNT}:user/z-new")


# --- context ------------------------------------------------------------------------------------------

CONTEXTS = [
    ("the region of the call", {"StringEquals": {"aws:RequestedRegion": REGION}}, True),
    ("another region", {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, False),
    ("who asks", {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/z-context-*"}}, True),
    ("which account", {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, True),
    ("a user has a name", {"StringLike": {"aws:username": "z-context-*"}}, True),
    ("and is of type User", {"StringEquals": {"aws:PrincipalType": "User"}}, True),
    ("the address is loopback", {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
    ("in clear", {"Bool": {"aws:SecureTransport": "false"}}, True),
    ("it is late", {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, True),
    ("long-lived keys tell no MFA", {"Null": {"aws:MultiFactorAuthPresent": "true"}}, True),
    ("tags of the principal", {"StringEquals": {"aws:PrincipalTag/team": "blue"}}, True),
    ("who calls by which program", {"StringLike": {"aws:UserAgent": "*Boto3*"}}, True),
    ("no federation", {"Null": {"aws:FederatedProvider": "true"}}, True),
]


@pytest.mark.parametrize("number, condition, allowed",
                         [(n, row[1], row[2]) for n, row in enumerate(CONTEXTS)], ids=[row[0] for row in CONTEXTS])
def test_conditions_see_the_request(user, iam, number, condition, allowed):
    name = f"z-context-{number}"
    client = user(name, statement("iam:ListUsers", **condition))("iam")
    iam.tag_user(UserName=name, Tags=[{"Key": "team", "Value": "blue"}])
    if allowed:
        assert client.list_users()["Users"]
    else:
        assert refusal(client.list_users)[1] == "AccessDenied"


def test_resources_are_named_with_their_paths(iam, user):
    iam.create_user(UserName="z-in-path", Path="/z/")
    client = user("z-paths", statement("iam:GetUser", resource=f"arn:aws:iam::{ACCOUNT}:user/z/*"),
                  statement("iam:GetUser", resource=f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"))("iam")
    assert client.get_user(UserName="z-in-path")["User"]["Path"] == "/z/"
    assert client.get_user()["User"]["UserName"] == "z-paths"
    assert refusal(client.get_user, UserName="none")[2] == denial(
        "z-paths", "iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/none")


def test_groups_give_and_denies_win(iam, user):
    client = user("z-member")("iam")
    iam.create_group(GroupName="z-group")
    iam.put_group_policy(GroupName="z-group", PolicyName="p", PolicyDocument=document(statement("iam:List*")))
    assert refusal(client.list_users)[1] == "AccessDenied"
    iam.add_user_to_group(GroupName="z-group", UserName="z-member")
    assert client.list_users()["Users"]
    iam.put_user_policy(UserName="z-member", PolicyName="no", PolicyDocument=document(
        statement("iam:ListUsers", effect="Deny")))
    assert refusal(client.list_users)[2] == denial(
        "z-member", "iam:ListUsers", f"arn:aws:iam::{ACCOUNT}:user/", " with an explicit deny in an identity-based policy")


def test_a_boundary_bounds(iam, user):
    client = user("z-bounded", statement("iam:*"))("iam")
    arn = iam.create_policy(PolicyName="z-boundary", PolicyDocument=document(statement("iam:ListUsers")))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName="z-bounded", PermissionsBoundary=arn)
    assert client.list_users()["Users"]
    assert refusal(client.list_roles)[2] == denial(
        "z-bounded", "iam:ListRoles", f"arn:aws:iam::{ACCOUNT}:role/",
        " because no permissions boundary allows the iam:ListRoles action")


def test_passing_a_role_is_asked_for_with_its_service(iam, user):
    iam.create_role(RoleName="z-passed", AssumeRolePolicyDocument=json.dumps({"Statement": {
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}}))
    iam.create_instance_profile(InstanceProfileName="z-profile")
    client = user("z-passer", statement("iam:AddRoleToInstanceProfile"), statement(
        "iam:PassRole", StringEquals={"iam:PassedToService": "eks.amazonaws.com"}))("iam")
    call = dict(InstanceProfileName="z-profile", RoleName="z-passed")
    assert refusal(client.add_role_to_instance_profile, **call)[2] == denial(
        "z-passer", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/z-passed")
    iam.put_user_policy(UserName="z-passer", PolicyName="more", PolicyDocument=document(
        statement("iam:PassRole", StringEquals={"iam:PassedToService": "ec2.amazonaws.com"})))
    client.add_role_to_instance_profile(**call)


# --- each protocol's way to say no ------------------------------------------------------------------

def test_load_balancing_leaves_the_resource_out_where_there_is_none(user):
    assert refusal(user("z-elb")("elbv2").describe_load_balancers) == (
        403, "AccessDenied", denial("z-elb", "elasticloadbalancing:DescribeLoadBalancers"))


def test_eks_answers_in_json(user):
    assert refusal(user("z-eks")("eks").describe_cluster, name="sample") == (
        403, "AccessDeniedException", denial("z-eks", "eks:DescribeCluster",
                                             f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/sample"))


def test_the_json_services_answer_400(user):
    assert refusal(user("z-tagging")("resourcegroupstaggingapi").get_resources) == (
        400, "AccessDeniedException", denial("z-tagging", "tag:GetResources"))


def test_ec2_encodes_the_details_for_sts(need_ec2, elbow, user):
    clients = user("z-ec2", statement("sts:DecodeAuthorizationMessage"))
    status, code, text = refusal(clients("ec2").describe_vpcs)
    assert (status, code) == (403, "UnauthorizedOperation")
    head, _, message = text.rpartition(" Encoded authorization failure message: ")
    assert head == ("You are not authorized to perform this operation. "
                    + denial("z-ec2", "ec2:DescribeVpcs") + ".")
    decoded = json.loads(clients("sts").decode_authorization_message(EncodedMessage=message)["DecodedMessage"])
    assert (decoded["allowed"], decoded["explicitDeny"]) == (False, False)
    assert decoded["context"]["action"] == "ec2:DescribeVpcs"
    assert decoded["context"]["principal"]["arn"] == f"arn:aws:iam::{ACCOUNT}:user/z-ec2"
    assert refusal(user("z-undecoding")("sts").decode_authorization_message, EncodedMessage=message)[1] == "AccessDenied"


def test_ec2_names_groups_and_tags_what_it_creates(need_ec2, elbow, user):
    vpc = vpc_of(elbow)
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
    client = user("z-sg", statement("ec2:CreateSecurityGroup"), statement(
        "ec2:CreateTags", resource=f"arn:aws:ec2:*:*:security-group/*",
        StringEquals={"ec2:CreateAction": "CreateSecurityGroup"},
        Null={"aws:RequestTag/elbv2.k8s.aws/cluster": "false"}), statement(
        "ec2:DeleteSecurityGroup", Null={"aws:ResourceTag/elbv2.k8s.aws/cluster": "false"}))("ec2")
    make = lambda name, *tags: client.create_security_group(
        GroupName=name, Description="z", VpcId=vpc,
        **({"TagSpecifications": [{"ResourceType": "security-group", "Tags": list(tags)}]} if tags else {}))["GroupId"]
    tagged, plain = make("z-tagged", OWNED), make("z-plain")
    with pytest.raises(Exception, match="ec2:CreateTags on resource: " + arn + r":security-group/\*"):
        make("z-other", {"Key": "other", "Value": "1"})
    with pytest.raises(Exception, match="ec2:CreateTags on resource: " + arn + f":security-group/{plain}"):
        client.create_tags(Resources=[plain], Tags=[OWNED])
    with pytest.raises(Exception, match="ec2:DeleteSecurityGroup on resource: " + arn + f":security-group/{plain}"):
        client.delete_security_group(GroupId=plain)
    client.delete_security_group(GroupId=tagged)
    elbow.client("ec2").delete_security_group(GroupId=plain)


def test_ec2_does_not_say_what_is_wrong_with_credentials(need_ec2, elbow, iam):
    iam.create_user(UserName="z-wrong")
    key = iam.create_access_key(UserName="z-wrong")["AccessKey"]
    assert refusal(elbow.client("ec2", key=key["AccessKeyId"], secret="wrong").describe_vpcs) == (
        401, "AuthFailure", "AWS was not able to validate the provided access credentials")


# --- modes ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("mode, told", [("audit", True), ("off", False)])
def test_iam_can_watch_only_or_look_away(start_elbow, mode, told):
    server = start_elbow("--iam", mode)
    iam = server.client("iam")
    iam.create_user(UserName="free")
    key = iam.create_access_key(UserName="free")["AccessKey"]
    client = server.client("iam", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert client.list_users()["Users"]
    assert ("would deny: User: arn:aws:iam::123456789012:user/free is not authorized to perform: iam:ListUsers"
            in server.log_path.read_text()) == told
    assert refusal(server.client("iam", key=key["AccessKeyId"], secret="wrong").list_users)[1] == "SignatureDoesNotMatch"
