"""IAM: what is there, how it is told apart, and the words of every refusal."""
import json
import urllib.request

import pytest

from aws_errors import refusal, unchecked
from conftest import ACCOUNT, TUTORIAL

ARN = f"arn:aws:iam::{ACCOUNT}"
ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
TRUST = ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},'
         '"Action":"sts:AssumeRole"}]}')


@pytest.fixture(scope="module")
def iam(elbow):
    return elbow.client("iam")


@pytest.fixture(scope="module")
def things(iam):
    """One of each kind, for tables of refusals."""
    iam.create_user(UserName="t-user", Path="/team/", Tags=[{"Key": "a", "Value": "1"}])
    iam.create_group(GroupName="t-group")
    iam.create_role(RoleName="t-role", AssumeRolePolicyDocument=TRUST, Description="A role")
    iam.create_policy(PolicyName="t-policy", PolicyDocument=ALLOW, Path="/team/")
    iam.create_instance_profile(InstanceProfileName="t-profile")
    iam.create_open_id_connect_provider(Url="https://t.example.com:443/x", ClientIDList=["c"], ThumbprintList=["a" * 40])
    return iam


# --- what is there -------------------------------------------------------------------------------

def test_a_policy_has_the_members_that_aws_gives(iam):
    policy = iam.create_policy(PolicyName="p-whole", PolicyDocument=ALLOW, Description="Whole",
                               Tags=[{"Key": "k", "Value": ""}])["Policy"]
    assert policy["PolicyId"].startswith("ANPA") and len(policy["PolicyId"]) == 21
    assert {k: policy[k] for k in ("Arn", "Path", "DefaultVersionId", "AttachmentCount", "IsAttachable",
                                   "PermissionsBoundaryUsageCount", "Tags")} == {
        "Arn": f"{ARN}:policy/p-whole", "Path": "/", "DefaultVersionId": "v1", "AttachmentCount": 0,
        "IsAttachable": True, "PermissionsBoundaryUsageCount": 0, "Tags": [{"Key": "k", "Value": ""}]}
    assert iam.get_policy(PolicyArn=policy["Arn"])["Policy"]["Description"] == "Whole"
    assert "Description" not in [p for p in iam.list_policies(Scope="Local")["Policies"]
                                 if p["PolicyName"] == "p-whole"][0]


def test_documents_come_back_as_they_went_in(iam):
    document = '{ "Version": "2012-10-17",\n "Statement": [{"Effect":"Allow","Action":"s3:*","Resource":"*"}] }'
    arn = iam.create_policy(PolicyName="p-verbatim", PolicyDocument=document)["Policy"]["Arn"]
    body = urllib.request.urlopen(iam.generate_presigned_url(
        "get_policy_version", {"PolicyArn": arn, "VersionId": "v1"}, HttpMethod="GET")).read().decode()
    encoded = body.split("<Document>")[1].split("</Document>")[0]
    assert urllib.request.unquote(encoded) == document and '"' not in encoded and "+" not in encoded


def test_versions_take_numbers_that_never_come_again(iam):
    arn = iam.create_policy(PolicyName="p-versions", PolicyDocument=ALLOW)["Policy"]["Arn"]
    for n in range(2, 6):
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW, SetAsDefault=n == 3)["PolicyVersion"]
        assert (made["VersionId"], made["IsDefaultVersion"]) == (f"v{n}", n == 3)
    assert refusal(iam.create_policy_version, PolicyArn=arn, PolicyDocument=ALLOW) == (
        409, "LimitExceeded", "A managed policy can have up to 5 versions. Before you create a new version, you must "
                              "delete an existing version.")
    assert refusal(iam.delete_policy_version, PolicyArn=arn, VersionId="v3") == (
        409, "DeleteConflict", "Cannot delete the default version of a policy.")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v5")
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW)["PolicyVersion"]["VersionId"] == "v6"
    assert [v["VersionId"] for v in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == [
        "v6", "v4", "v3", "v2", "v1"]
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v6")
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v6"
    assert refusal(iam.delete_policy, PolicyArn=arn)[1] == "DeleteConflict"
    for version in ("v1", "v2", "v3", "v4"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    iam.delete_policy(PolicyArn=arn)
    assert refusal(iam.get_policy, PolicyArn=arn) == (404, "NoSuchEntity", f"Policy {arn} was not found.")


def test_attachments_are_counted_and_keep_things_alive(iam):
    arn = iam.create_policy(PolicyName="p-held", PolicyDocument=ALLOW)["Policy"]["Arn"]
    iam.create_role(RoleName="r-held", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=arn)
    iam.attach_role_policy(RoleName="r-held", PolicyArn=arn)
    iam.attach_role_policy(RoleName="r-held", PolicyArn=arn)
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (policy["AttachmentCount"], policy["PermissionsBoundaryUsageCount"]) == (1, 1)
    assert iam.get_role(RoleName="r-held")["Role"]["PermissionsBoundary"] == {
        "PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    assert [r["RoleName"] for r in iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]] == ["r-held"]
    assert refusal(iam.delete_policy, PolicyArn=arn) == (
        409, "DeleteConflict", "Cannot delete a policy attached to entities.")
    assert refusal(iam.delete_role, RoleName="r-held") == (
        409, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
    iam.detach_role_policy(RoleName="r-held", PolicyArn=arn)
    iam.put_role_policy(RoleName="r-held", PolicyName="own", PolicyDocument=ALLOW)
    assert refusal(iam.delete_role, RoleName="r-held")[2] == "Cannot delete entity, must delete policies first."
    iam.delete_role_policy(RoleName="r-held", PolicyName="own")
    iam.create_instance_profile(InstanceProfileName="i-held")
    iam.add_role_to_instance_profile(InstanceProfileName="i-held", RoleName="r-held")
    assert refusal(iam.delete_role, RoleName="r-held")[2] == (
        "Cannot delete entity, must remove roles from instance profile first.")
    assert [p["InstanceProfileName"] for p in iam.list_instance_profiles_for_role(
        RoleName="r-held")["InstanceProfiles"]] == ["i-held"]
    iam.remove_role_from_instance_profile(InstanceProfileName="i-held", RoleName="r-held")
    iam.delete_role_permissions_boundary(RoleName="r-held")
    iam.delete_role(RoleName="r-held")
    iam.delete_policy(PolicyArn=arn)


def test_users_follow_their_new_name(iam):
    iam.create_user(UserName="u-old", Tags=[{"Key": "k", "Value": "v"}])
    iam.create_group(GroupName="g-of-u")
    iam.add_user_to_group(GroupName="g-of-u", UserName="u-old")
    iam.put_user_policy(UserName="u-old", PolicyName="own", PolicyDocument=ALLOW)
    key = iam.create_access_key(UserName="u-old")["AccessKey"]["AccessKeyId"]
    iam.update_user(UserName="u-old", NewUserName="u-new", NewPath="/moved/")
    user = iam.get_user(UserName="U-NEW")["User"]
    assert (user["UserName"], user["Arn"], user["Tags"]) == (
        "u-new", f"{ARN}:user/moved/u-new", [{"Key": "k", "Value": "v"}])
    assert iam.list_groups_for_user(UserName="u-new")["Groups"][0]["GroupName"] == "g-of-u"
    assert iam.list_user_policies(UserName="u-new")["PolicyNames"] == ["own"]
    assert iam.list_access_keys(UserName="u-new")["AccessKeyMetadata"][0]["AccessKeyId"] == key
    for conflict, undo in [
            ("must remove users from group", lambda: iam.remove_user_from_group(GroupName="g-of-u", UserName="u-new")),
            ("must delete access keys", lambda: iam.delete_access_key(UserName="u-new", AccessKeyId=key)),
            ("must delete policies", lambda: iam.delete_user_policy(UserName="u-new", PolicyName="own"))]:
        assert refusal(iam.delete_user, UserName="u-new")[:2] == (409, "DeleteConflict")
        assert conflict in refusal(iam.delete_user, UserName="u-new")[2]
        undo()
    iam.delete_user(UserName="u-new")


def test_the_use_of_a_key_is_noted(elbow, iam):
    iam.create_user(UserName="u-key")
    key = iam.create_access_key(UserName="u-key")["AccessKey"]
    assert iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]["ServiceName"] == "N/A"
    elbow.client("sts", key=key["AccessKeyId"], secret=key["SecretAccessKey"],
                 region="eu-west-1").get_caller_identity()
    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert (used["UserName"], used["AccessKeyLastUsed"]["ServiceName"], used["AccessKeyLastUsed"]["Region"]) == (
        "u-key", "sts", "eu-west-1")


def test_lists_come_in_pages(iam):
    for n in range(7):
        iam.create_user(UserName=f"page-{n}", Path="/pages/")
    pages = list(iam.get_paginator("list_users").paginate(
        PathPrefix="/pages/", PaginationConfig={"PageSize": 3}))
    assert [len(p["Users"]) for p in pages] == [3, 3, 1]
    assert [u["UserName"] for p in pages for u in p["Users"]] == [f"page-{n}" for n in range(7)]
    first = iam.list_users(PathPrefix="/pages/", MaxItems=3)
    iam.delete_user(UserName="page-2")  # the last one given: the next page goes on behind it
    assert [u["UserName"] for u in iam.list_users(PathPrefix="/pages/", MaxItems=2, Marker=first["Marker"])["Users"]] \
        == ["page-3", "page-4"]
    assert refusal(iam.list_users, Marker="nonsense")[:2] == (400, "ValidationError")


def test_service_linked_roles_belong_to_their_service(iam):
    role = iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="x")["Role"]
    assert role["Arn"] == (f"{ARN}:role/aws-service-role/autoscaling.amazonaws.com/"
                           "AWSServiceRoleForAutoScaling_x")
    name = role["RoleName"]
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"][0]["PolicyName"] == (
        "AutoScalingServiceRolePolicy")
    assert refusal(iam.create_service_linked_role, AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="x") == (
        400, "InvalidInput", f"Service role name {name} has been taken in this account, please try a different suffix.")
    assert refusal(iam.delete_role, RoleName=name)[:2] == (400, "UnmodifiableEntity")
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    assert refusal(iam.get_role, RoleName=name)[1] == "NoSuchEntity"


def test_providers_drop_scheme_and_port(things, iam):
    arn = f"{ARN}:oidc-provider/t.example.com/x"
    provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (provider["Url"], provider["ClientIDList"]) == ("t.example.com/x", ["c"])
    assert refusal(iam.create_open_id_connect_provider, Url="https://t.example.com/x", ThumbprintList=["a" * 40]) == (
        409, "EntityAlreadyExists", "Provider with url https://t.example.com/x already exists.")
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="d")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="c")
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["b" * 40])
    provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (provider["ClientIDList"], provider["ThumbprintList"]) == (["d"], ["b" * 40])


def test_accounts_are_apart(elbow, iam):
    other = elbow.client("iam", key="000000000009")
    other.create_user(UserName="apart")
    assert refusal(iam.get_user, UserName="apart")[1] == "NoSuchEntity"
    assert other.get_user(UserName="apart")["User"]["Arn"] == "arn:aws:iam::000000000009:user/apart"


# --- refusals ------------------------------------------------------------------------------------

REFUSALS = [
    ("get_role", {"RoleName": "none"}, 404, "NoSuchEntity", "The role with name none cannot be found."),
    ("get_user", {"UserName": "none"}, 404, "NoSuchEntity", "The user with name none cannot be found."),
    ("get_group", {"GroupName": "none"}, 404, "NoSuchEntity", "The group with name none cannot be found."),
    ("get_instance_profile", {"InstanceProfileName": "none"}, 404, "NoSuchEntity",
     "Instance Profile none cannot be found."),
    ("get_policy", {"PolicyArn": f"{ARN}:policy/none"}, 404, "NoSuchEntity", f"Policy {ARN}:policy/none was not found."),
    ("get_policy_version", {"PolicyArn": f"{ARN}:policy/team/t-policy", "VersionId": "v9"}, 404, "NoSuchEntity",
     f"Policy {ARN}:policy/team/t-policy version v9 does not exist or is not attachable."),
    ("attach_role_policy", {"RoleName": "t-role", "PolicyArn": f"{ARN}:policy/none"}, 404, "NoSuchEntity",
     f"Policy {ARN}:policy/none does not exist or is not attachable."),
    ("attach_role_policy", {"RoleName": "t-role", "PolicyArn": "not-an-arn-but-long-enough"}, 400, "InvalidInput",
     "ARN not-an-arn-but-long-enough is not valid."),
    ("detach_role_policy", {"RoleName": "t-role", "PolicyArn": f"{ARN}:policy/team/t-policy"}, 404, "NoSuchEntity",
     f"Policy {ARN}:policy/team/t-policy was not found."),
    ("get_role_policy", {"RoleName": "t-role", "PolicyName": "none"}, 404, "NoSuchEntity",
     "The role policy with name none cannot be found."),
    ("get_open_id_connect_provider", {"OpenIDConnectProviderArn": f"{ARN}:oidc-provider/none"}, 404, "NoSuchEntity",
     f"OpenIDConnect Provider not found for arn {ARN}:oidc-provider/none"),
    ("create_role", {"RoleName": "T-ROLE", "AssumeRolePolicyDocument": TRUST}, 409, "EntityAlreadyExists",
     "Role with name T-ROLE already exists."),
    ("create_user", {"UserName": "t-user"}, 409, "EntityAlreadyExists", "User with name t-user already exists."),
    ("create_group", {"GroupName": "t-group"}, 409, "EntityAlreadyExists", "Group with name t-group already exists."),
    ("create_policy", {"PolicyName": "t-policy", "PolicyDocument": ALLOW}, 409, "EntityAlreadyExists",
     "A policy called t-policy already exists. Duplicate names are not allowed."),
    ("create_instance_profile", {"InstanceProfileName": "t-profile"}, 409, "EntityAlreadyExists",
     "Instance Profile t-profile already exists."),
    ("create_open_id_connect_provider", {"Url": "http://plain.example.com"}, 400, "ValidationError",
     "Invalid Open ID Connect Provider URL"),
    ("create_role", {"RoleName": "r" * 65, "AssumeRolePolicyDocument": TRUST}, 400, "ValidationError",
     f"1 validation error detected: Value '{'r' * 65}' at 'roleName' failed to satisfy constraint: Member must have "
     "length less than or equal to 64"),
    ("create_user", {"UserName": "a b"}, 400, "ValidationError",
     "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: "
     "+=,.@_-"),
    ("create_user", {"UserName": "ok", "Path": "no-slash"}, 400, "ValidationError",
     "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters "
     "and/or / characters."),
    ("tag_user", {"UserName": "t-user", "Tags": [{"Key": "aws:x", "Value": "1"}]}, 400, "InvalidInput", None),
    ("tag_user", {"UserName": "t-user", "Tags": [{"Key": "x", "Value": "1"}, {"Key": "X", "Value": "2"}]}, 400,
     "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive."),
    ("delete_policy", {"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, 403, "AccessDenied", None),
    ("attach_role_policy", {"RoleName": "t-role", "PolicyArn":
     "arn:aws:iam::aws:policy/aws-service-role/AmazonEKSServiceRolePolicy"}, 400, "PolicyNotAttachable",
     "Cannot attach a Service Role Policy to a Customer Role."),
    ("delete_user_permissions_boundary", {"UserName": "t-user"}, 404, "NoSuchEntity", None),
    ("remove_user_from_group", {"UserName": "t-user", "GroupName": "t-group"}, 404, "NoSuchEntity", None),
    ("get_credential_report", {}, 410, "ReportNotPresent", None),
    ("get_account_password_policy", {}, 404, "NoSuchEntity",
     f"The Password Policy with domain name {ACCOUNT} cannot be found."),
]


@pytest.mark.parametrize("operation, arguments, status, code, text", REFUSALS,
                         ids=[f"{row[0]}-{n}" for n, row in enumerate(REFUSALS)])
def test_refusals_have_the_words_of_iam(elbow, things, operation, arguments, status, code, text):
    got = refusal(getattr(unchecked(elbow, "iam"), operation), **arguments)
    assert got[:2] == (status, code)
    assert text is None or got[2] == text


STATEMENT = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
BAD_DOCUMENTS = [
    ("a file's name", "policy.json", "Syntax errors in policy."),
    ("no JSON", "{", "Syntax errors in policy."),
    ("no actions", {"Effect": "Allow", "Resource": "*"}, "Policy statement must contain actions."),
    ("no resources", {"Effect": "Allow", "Action": "s3:*"}, "Policy statement must contain resources."),
    ("no vendor", {**STATEMENT, "Action": "List"},
     "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
    ("two colons", {**STATEMENT, "Action": "s3:a:b"}, "Actions/Condition can contain only one colon."),
    ("no ARN", {**STATEMENT, "Resource": "bucket"}, 'Resource bucket must be in ARN format or "*".'),
    ("a principal", {**STATEMENT, "Principal": "*"}, "Policy document should not specify a principal."),
    ("unknown effect", {**STATEMENT, "Effect": "allow"}, "Syntax errors in policy."),
    ("unknown operator", {**STATEMENT, "Condition": {"StringIs": {"a:b": "c"}}}, "Syntax errors in policy."),
]


@pytest.mark.parametrize("document, text", [row[1:] for row in BAD_DOCUMENTS], ids=[row[0] for row in BAD_DOCUMENTS])
def test_malformed_documents_change_nothing(iam, document, text):
    if isinstance(document, dict):
        document = json.dumps({"Version": "2012-10-17", "Statement": [document]})
    assert refusal(iam.create_policy, PolicyName="malformed", PolicyDocument=document) == (
        400, "MalformedPolicyDocument", text)
    assert refusal(iam.get_policy, PolicyArn=f"{ARN}:policy/malformed")[1] == "NoSuchEntity"


BAD_TRUSTS = [
    ({"Effect": "Allow", "Action": "sts:AssumeRole"}, "Missing required field Principal"),
    ({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*", "Resource": "*"},
     "Has prohibited field Resource"),
    ({"Effect": "Allow", "Action": "s3:Get", "Principal": "*"},
     "AssumeRole policy may only specify STS AssumeRole actions."),
    ({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"{ARN}:user/none"}},
     f'Invalid principal in policy: "AWS":"{ARN}:user/none"'),
    ({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2"}},
     'Invalid principal in policy: "SERVICE":"ec2"'),
]


@pytest.mark.parametrize("statement, text", BAD_TRUSTS)
def test_trust_policies_are_checked(iam, statement, text):
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    assert refusal(iam.create_role, RoleName="r-trust", AssumeRolePolicyDocument=document) == (
        400, "MalformedPolicyDocument", text)


def test_quotas_are_told(iam):
    big = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": [f"arn:aws:s3:::bucket-{n:04}" for n in range(300)]}]})
    assert refusal(iam.create_policy, PolicyName="p-big", PolicyDocument=big) == (
        409, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144")
    iam.create_user(UserName="u-quota")
    assert refusal(iam.put_user_policy, UserName="u-quota", PolicyName="p", PolicyDocument=big) == (
        409, "LimitExceeded", "Maximum policy size of 2048 bytes exceeded for user u-quota")
    for _ in range(2):
        iam.create_access_key(UserName="u-quota")
    assert refusal(iam.create_access_key, UserName="u-quota") == (
        409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
    iam.create_role(RoleName="r-quota", AssumeRolePolicyDocument=TRUST)
    arns = [iam.create_policy(PolicyName=f"p-quota-{n}", PolicyDocument=ALLOW)["Policy"]["Arn"] for n in range(11)]
    for arn in arns[:10]:
        iam.attach_role_policy(RoleName="r-quota", PolicyArn=arn)
    assert refusal(iam.attach_role_policy, RoleName="r-quota", PolicyArn=arns[10]) == (
        409, "LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10")


def test_certificates_must_fit_their_keys(elbow, iam):
    pem = elbow.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=x",
                    "-keyout", "/dev/stdout", "-out", "/dev/stdout").stdout
    key = pem[pem.index("-----BEGIN PRIVATE"):pem.index("-----END PRIVATE KEY-----") + 26]
    body = pem[pem.index("-----BEGIN CERT"):pem.index("-----END CERTIFICATE-----") + 26]
    other = elbow.run("openssl", "genpkey", "-algorithm", "RSA").stdout
    made = iam.upload_server_certificate(ServerCertificateName="c-1", CertificateBody=body, PrivateKey=key)
    metadata = made["ServerCertificateMetadata"]
    assert metadata["ServerCertificateId"].startswith("ASCA")
    assert 29 <= (metadata["Expiration"] - metadata["UploadDate"]).days <= 30
    assert iam.get_server_certificate(ServerCertificateName="c-1")["ServerCertificate"]["CertificateBody"] == body.strip() \
        or iam.get_server_certificate(ServerCertificateName="c-1")["ServerCertificate"]["CertificateBody"] == body
    assert refusal(iam.upload_server_certificate, ServerCertificateName="c-2", CertificateBody=body,
                   PrivateKey=other)[:2] == (400, "KeyPairMismatch")
    assert refusal(iam.upload_server_certificate, ServerCertificateName="c-2", CertificateBody="no", PrivateKey=key)[:2] \
        == (400, "MalformedCertificate")
    iam.update_server_certificate(ServerCertificateName="c-1", NewServerCertificateName="c-3", NewPath="/p/")
    assert [c["Arn"] for c in iam.list_server_certificates(PathPrefix="/p/")["ServerCertificateMetadataList"]] == [
        f"{ARN}:server-certificate/p/c-3"]
    iam.delete_server_certificate(ServerCertificateName="c-3")


# --- the account ----------------------------------------------------------------------------------

def test_the_account_tells_about_itself(elbow):
    iam = elbow.client("iam", key="000000000011")
    iam.create_user(UserName="one")
    iam.create_login_profile(UserName="one", Password="Secret-1!")
    iam.create_account_alias(AccountAlias="one-account")
    iam.create_account_alias(AccountAlias="another-alias")
    assert iam.list_account_aliases()["AccountAliases"] == ["another-alias"]
    assert refusal(elbow.client("iam").create_account_alias, AccountAlias="another-alias")[1] == "EntityAlreadyExists"
    iam.update_account_password_policy(MinimumPasswordLength=12, MaxPasswordAge=90)
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert (policy["MinimumPasswordLength"], policy["ExpirePasswords"], policy["RequireSymbols"]) == (12, True, False)
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["Users"], summary["Roles"], summary["PolicySizeQuota"]) == (1, 0, 6144)
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    report = iam.get_credential_report()["Content"].decode().splitlines()
    assert report[1].startswith("<root_account>,") and report[2].startswith("one,arn:aws:iam::000000000011:user/one,")
    assert {len(line.split(",")) for line in report} == {22}


def test_authorization_details_hold_everything(elbow):
    iam = elbow.client("iam", key="000000000012")
    iam.create_group(GroupName="g")
    iam.create_user(UserName="u")
    iam.add_user_to_group(GroupName="g", UserName="u")
    iam.put_group_policy(GroupName="g", PolicyName="own", PolicyDocument=ALLOW)
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    iam.create_instance_profile(InstanceProfileName="i")
    iam.add_role_to_instance_profile(InstanceProfileName="i", RoleName="r")
    arn = iam.create_policy(PolicyName="p", PolicyDocument=ALLOW)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    whole = iam.get_account_authorization_details()
    assert whole["UserDetailList"][0]["GroupList"] == ["g"]
    assert whole["GroupDetailList"][0]["GroupPolicyList"][0]["PolicyDocument"] == json.loads(ALLOW)
    role = whole["RoleDetailList"][0]
    assert role["InstanceProfileList"][0]["InstanceProfileName"] == "i"
    assert role["AttachedManagedPolicies"] == [{"PolicyName": "p", "PolicyArn": arn}]
    assert arn in [p["Arn"] for p in whole["Policies"]]
    pages = list(iam.get_paginator("get_account_authorization_details").paginate(
        Filter=["User", "Role", "Group"], PaginationConfig={"PageSize": 2}))
    assert [sum(len(p[k]) for k in ("UserDetailList", "GroupDetailList", "RoleDetailList")) for p in pages] == [2, 1]


def test_simulation_says_what_calls_would_end_in(iam):
    iam.create_user(UserName="u-sim")
    document = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ec2:*", "Resource": "*",
         "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}},
        {"Effect": "Deny", "Action": "ec2:RunInstances", "Resource": "*"}]}, indent=1)
    iam.put_user_policy(UserName="u-sim", PolicyName="own", PolicyDocument=document)
    region = [{"ContextKeyName": "aws:RequestedRegion", "ContextKeyType": "string", "ContextKeyValues": ["eu-west-1"]}]
    actions = ["ec2:DescribeVpcs", "ec2:RunInstances", "s3:GetObject"]
    results = iam.simulate_principal_policy(PolicySourceArn=f"{ARN}:user/u-sim", ActionNames=actions,
                                            ContextEntries=region)["EvaluationResults"]
    assert [(r["EvalActionName"], r["EvalDecision"]) for r in results] == list(zip(
        actions, ["allowed", "explicitDeny", "implicitDeny"]))
    allowed, = results[0]["MatchedStatements"]
    assert allowed["SourcePolicyId"] == "user_u-sim_own"
    assert document.splitlines()[allowed["StartPosition"]["Line"] - 1].strip() == "{"
    assert allowed["StartPosition"]["Line"] < results[1]["MatchedStatements"][0]["StartPosition"]["Line"]
    bare = iam.simulate_principal_policy(PolicySourceArn=f"{ARN}:user/u-sim", ActionNames=actions[:1])
    assert bare["EvaluationResults"][0]["EvalDecision"] == "implicitDeny"
    assert bare["EvaluationResults"][0]["MissingContextValues"] == ["aws:RequestedRegion"]
    assert iam.get_context_keys_for_principal_policy(PolicySourceArn=f"{ARN}:user/u-sim")["ContextKeyNames"] == [
        "aws:RequestedRegion"]
    bounded = iam.simulate_custom_policy(PolicyInputList=[ALLOW], PermissionsBoundaryPolicyInputList=[document],
                                         ActionNames=["s3:GetObject"])["EvaluationResults"][0]
    assert (bounded["EvalDecision"], bounded["PermissionsBoundaryDecisionDetail"]) == (
        "implicitDeny", {"AllowedByPermissionsBoundary": False})
    assert refusal(iam.simulate_custom_policy, PolicyInputList=[ALLOW], ActionNames=["nonsense"])[1] == "InvalidInput"


# --- the aws CLI, with no endpoint setting of any kind ------------------------------------------------

def test_the_cli_creates_policies_from_files_only(elbow):
    create = ("aws", "iam", "create-policy", "--policy-name", "p-cli", "--policy-document")
    refused = elbow.run(*create, TUTORIAL / "policy-alb-ingress-controller.json", check=False)
    assert refused.returncode != 0
    assert "(MalformedPolicyDocument) when calling the CreatePolicy operation: Syntax errors in policy." in refused.stderr
    made = elbow.run(*create, f"file://{TUTORIAL / 'policy-alb-ingress-controller.json'}")
    assert json.loads(made.stdout)["Policy"]["Arn"] == f"{ARN}:policy/p-cli"
