"""STS: who is who, web identity, sessions and what they may do."""
import base64
import json
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from aws_errors import refusal, unchecked
from conftest import ACCOUNT, REGION, Elbow
from kube_objects import account_token

AUDIENCE = "sts.amazonaws.com"
SUBJECT = "system:serviceaccount:default:tester"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sts")
    server = Elbow(folder, "--data-dir", str(folder / "data"))
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def iam(world):
    return world.client("iam")


def setting(world, name):
    """A value that the server keeps in its data file."""
    with sqlite3.connect(f"file:{world.folder}/data/elbow.db?mode=ro", uri=True) as db:
        row = db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return row and row[0]


def issuer_of(world):
    with sqlite3.connect(f"file:{world.folder}/data/elbow.db?mode=ro", uri=True) as db:
        issuer = db.execute("SELECT issuer_id FROM cluster WHERE name = 'sample'").fetchone()[0]
    return f"https://oidc.eks.{REGION}.amazonaws.com/id/{issuer}"


def segment(data):
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(text, key_pem, folder):
    path = folder / "key.pem"
    path.write_text(key_pem)
    return subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(path)], input=text.encode(),
                          capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def mint(world):
    """Makes tokens as the cluster would: mint(aud=…, header=…, key=…)."""
    until = time.monotonic() + 10
    while not setting(world, "cluster/sample/signing-key"):
        assert time.monotonic() < until, "the cluster got no signing key"
        time.sleep(0.05)

    def make(header=None, key=None, **claims):
        now = int(time.time())
        everything = {"iss": issuer_of(world), "sub": SUBJECT, "aud": [AUDIENCE], "iat": now, "nbf": now,
                      "exp": now + 3600, **claims}
        text = segment(header or {"alg": "RS256"}) + "." + segment(everything)
        return text + "." + segment(sign(text, key or setting(world, "cluster/sample/signing-key"), world.folder))

    return make


@pytest.fixture(scope="module")
def provider(world, iam):
    return iam.create_open_id_connect_provider(
        Url=issuer_of(world), ClientIDList=[AUDIENCE], ThumbprintList=["a" * 40])["OpenIDConnectProviderArn"]


def trust_web(world, provider, subject=SUBJECT):
    name = issuer_of(world).removeprefix("https://")
    return json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{name}:sub": subject, f"{name}:aud": AUDIENCE}}}]})


def trust_account(*principals, **condition):
    statement = {"Effect": "Allow", "Principal": {"AWS": list(principals) or ACCOUNT},
                 "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def policy(*actions, resource="*", effect="Allow", **condition):
    statement = {"Effect": effect, "Action": list(actions), "Resource": resource}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def web_role(world, iam, provider):
    arn = iam.create_role(RoleName="web", AssumeRolePolicyDocument=trust_web(world, provider))["Role"]["Arn"]
    iam.put_role_policy(RoleName="web", PolicyName="p", PolicyDocument=policy("iam:GetRole", "iam:ListRoles"))
    return arn


def session(world, service, credentials):
    return world.client(service, key=credentials["AccessKeyId"], secret=credentials["SecretAccessKey"],
                        token=credentials["SessionToken"])


@pytest.fixture(scope="module")
def make_user(world, iam):
    """A user with an inline policy and the client of its access key."""
    def make(name, document=None, service="iam"):
        iam.create_user(UserName=name)
        if document:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return world.client(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    return make


# --- who is who ---------------------------------------------------------------------------------

@pytest.mark.parametrize("key, account", [
    ("test", ACCOUNT), ("AKIAIOSFODNN7EXAMPLE", ACCOUNT), ("000000000042", "000000000042")])
def test_a_key_that_nobody_issued_is_the_root_of_an_account(world, key, account):
    who = world.client("sts", key=key).get_caller_identity()
    assert (who["Account"], who["UserId"], who["Arn"]) == (account, account, f"arn:aws:iam::{account}:root")


def test_a_user_is_known_by_its_key(make_user, iam):
    who = make_user("who", service="sts").get_caller_identity()
    user = iam.get_user(UserName="who")["User"]
    assert (who["Arn"], who["UserId"]) == (user["Arn"], user["UserId"])


def test_a_presigned_url_says_who_signed_it(world, iam):
    iam.create_user(UserName="presigner")
    key = iam.create_access_key(UserName="presigner")["AccessKey"]
    client = world.client("sts", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    url = client.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    text = urllib.request.urlopen(url).read().decode()
    assert "user/presigner</Arn>" in text
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"))
    assert caught.value.code == 403 and "SignatureDoesNotMatch" in caught.value.read().decode()


def test_the_answer_is_json_for_who_asks_for_it(world):
    url = world.client("sts").generate_presigned_url("get_caller_identity", HttpMethod="GET")
    request = urllib.request.Request(url, headers={"Accept": "application/json"})
    answer = json.load(urllib.request.urlopen(request))["GetCallerIdentityResponse"]
    assert answer["GetCallerIdentityResult"] == {
        "UserId": ACCOUNT, "Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:root"}
    assert answer["ResponseMetadata"]["RequestId"]


def test_keys_that_are_no_more_are_refused(world, iam, make_user):
    iam.create_user(UserName="gone")
    key = iam.create_access_key(UserName="gone")["AccessKey"]
    client = world.client("sts", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert client.get_caller_identity()["Arn"].endswith("user/gone")
    invalid = (403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    iam.update_access_key(UserName="gone", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refusal(client.get_caller_identity) == invalid
    iam.update_access_key(UserName="gone", AccessKeyId=key["AccessKeyId"], Status="Active")
    assert client.get_caller_identity()
    iam.delete_access_key(UserName="gone", AccessKeyId=key["AccessKeyId"])
    assert refusal(client.get_caller_identity) == invalid


def test_a_wrong_secret_does_not_match(world, iam):
    iam.create_user(UserName="forger")
    key = iam.create_access_key(UserName="forger")["AccessKey"]
    status, code, text = refusal(world.client("sts", key=key["AccessKeyId"], secret="wrong").get_caller_identity)
    assert (status, code) == (403, "SignatureDoesNotMatch")
    assert text.startswith("The request signature we calculated does not match the signature you provided.")


def test_what_is_signed_at_another_time_is_refused(world, iam):
    iam.create_user(UserName="late")
    key = iam.create_access_key(UserName="late")["AccessKey"]
    credentials = botocore.credentials.Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    body = "Action=GetCallerIdentity&Version=2011-06-15"
    request = botocore.awsrequest.AWSRequest("POST", world.aws + "/", data=body,
                                             headers={"Content-Type": "application/x-www-form-urlencoded"})

    class Late(botocore.auth.SigV4Auth):
        def add_auth(self, signed):
            signed.context["timestamp"] = "20200101T000000Z"
            self._modify_request_before_signing(signed)
            text = self.string_to_sign(signed, self.canonical_request(signed))
            self._inject_signature_to_request(signed, self.signature(text, signed))

    Late(credentials, "sts", REGION).add_auth(request)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(world.aws + "/", data=body.encode(),
                                                      headers=dict(request.headers)))
    assert caught.value.code == 403
    assert "Signature expired" in caught.value.read().decode()


def test_unsigned_calls_lack_a_token(world):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(world.aws + "/?Action=GetCallerIdentity&Version=2011-06-15")
    assert caught.value.code == 403
    assert "<Code>MissingAuthenticationToken</Code>" in caught.value.read().decode()


def test_access_keys_tell_their_account(world, iam, make_user):
    iam.create_user(UserName="informed")
    key = iam.create_access_key(UserName="informed")["AccessKey"]["AccessKeyId"]
    assert world.client("sts").get_access_key_info(AccessKeyId=key)["Account"] == ACCOUNT


# --- web identity -------------------------------------------------------------------------------

def test_a_token_of_the_cluster_becomes_the_role(world, mint, provider, web_role):
    answer = world.client("sts").assume_role_with_web_identity(
        RoleArn=web_role, RoleSessionName="me", WebIdentityToken=mint())
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/web/me"
    assert answer["AssumedRoleUser"]["AssumedRoleId"].startswith("AROA")
    assert (answer["Provider"], answer["Audience"], answer["SubjectFromWebIdentityToken"]) == (
        provider, AUDIENCE, SUBJECT)
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    assert 3590 < answer["Credentials"]["Expiration"].timestamp() - time.time() <= 3600
    who = session(world, "sts", answer["Credentials"]).get_caller_identity()
    assert who["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert who["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    iam = session(world, "iam", answer["Credentials"])
    assert iam.get_role(RoleName="web")["Role"]["RoleLastUsed"]["Region"] == REGION
    status, code, text = refusal(iam.list_users)
    assert (status, code) == (403, "AccessDenied")
    assert text == (f"User: {who['Arn']} is not authorized to perform: iam:ListUsers on resource: "
                    f"arn:aws:iam::{ACCOUNT}:user/ because no identity-based policy allows the iam:ListUsers action")


def test_without_the_provider_nobody_is_let_in(world, iam, mint, provider, web_role):
    clients = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider)["ClientIDList"]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    assert refusal(world.client("sts").assume_role_with_web_identity, RoleArn=web_role, RoleSessionName="me",
                   WebIdentityToken=mint()) == (
        400, "InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer_of(world)}")
    iam.create_open_id_connect_provider(Url=issuer_of(world) + "", ClientIDList=clients, ThumbprintList=["a" * 40])


OTHER_KEY = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                           capture_output=True, text=True).stdout
NO_JWT = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
NOT_VALID = ("The web identity token that was passed could not be validated by AWS. Get a new identity token from "
             "the identity provider and then retry the request.")
BAD_TOKENS = [
    ("two parts", lambda mint: "aaaa.bbbb", 400, "InvalidIdentityToken", NO_JWT),
    ("no JSON", lambda mint: "aaaa.bbbb.cccc", 400, "InvalidIdentityToken", NO_JWT),
    ("another issuer", lambda mint: mint(iss="https://accounts.example.com"), 400, "InvalidIdentityToken",
     "No OpenIDConnect provider found in your account for https://accounts.example.com"),
    ("another key", lambda mint: mint(key=OTHER_KEY), 400, "InvalidIdentityToken", NOT_VALID),
    ("alg none", lambda mint: mint(header={"alg": "none"}), 400, "InvalidIdentityToken", NOT_VALID),
    ("alg HS256", lambda mint: mint(header={"alg": "HS256"}), 400, "InvalidIdentityToken", NOT_VALID),
    ("unknown key id", lambda mint: mint(header={"alg": "RS256", "kid": "x"}), 400, "InvalidIdentityToken",
     "Couldn't retrieve verification key from your identity provider,  please reference "
     "AssumeRoleWithWebIdentity documentation for requirements"),
    ("expired", lambda mint: mint(exp=1000), 400, "ExpiredTokenException", None),
    ("another audience", lambda mint: mint(aud=["x"]), 400, "InvalidIdentityToken", "Incorrect token audience"),
    ("another subject", lambda mint: mint(sub="system:serviceaccount:default:other"), 403, "AccessDenied",
     "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
]


@pytest.mark.parametrize("make, status, code, text", [row[1:] for row in BAD_TOKENS],
                         ids=[row[0] for row in BAD_TOKENS])
def test_bad_tokens_are_refused_in_the_order_of_checks(world, mint, provider, web_role, make, status, code, text):
    got = refusal(world.client("sts").assume_role_with_web_identity, RoleArn=web_role, RoleSessionName="me",
                  WebIdentityToken=make(mint))
    assert got[:2] == (status, code)
    if text:
        assert got[2] == text
    else:
        assert got[2].startswith("Token expired: current date/time ")


def test_an_issuer_with_its_port_is_the_same_issuer(world, mint, web_role):
    issuer = issuer_of(world).replace(".com/", ".com:443/")
    assert world.client("sts").assume_role_with_web_identity(
        RoleArn=web_role, RoleSessionName="me", WebIdentityToken=mint(iss=issuer))


@pytest.mark.parametrize("arguments, code, text", [
    ({"RoleArn": f"arn:aws:iam::{ACCOUNT}:user/nobody"}, "ValidationError", "Request ARN is invalid"),
    ({"DurationSeconds": 43200}, "ValidationError",
     "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
    ({"DurationSeconds": 899}, "ValidationError",
     "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have "
     "value greater than or equal to 900"),
    ({"Policy": "{}"}, "MalformedPolicyDocument", "Syntax errors in policy."),
    ({"PolicyArns": [{"arn": f"arn:aws:iam::{ACCOUNT}:policy/none"}]}, "MalformedPolicyDocument",
     f"Policy arn:aws:iam::{ACCOUNT}:policy/none does not exist or is not attachable."),
])
def test_parameters_are_checked(world, mint, web_role, arguments, code, text):
    given = {"RoleArn": web_role, "RoleSessionName": "me", "WebIdentityToken": mint(), **arguments}
    assert refusal(unchecked(world, "sts").assume_role_with_web_identity, **given) == (400, code, text)


def test_an_unknown_role_is_not_told_from_a_forbidden_one(world, mint, web_role):
    assert refusal(world.client("sts").assume_role_with_web_identity,
                   RoleArn=f"arn:aws:iam::{ACCOUNT}:role/none", RoleSessionName="me",
                   WebIdentityToken=mint())[:2] == (403, "AccessDenied")


def test_the_whole_chain_from_service_account_to_signed_call(world, iam, provider, web_role, need_kubectl):
    world.kubectl("create", "serviceaccount", "tester")
    token = account_token(world, "default", "tester", AUDIENCE)
    sts = world.client("sts")
    answer = sts.assume_role_with_web_identity(RoleArn=web_role, RoleSessionName="chain", WebIdentityToken=token)
    client = session(world, "iam", answer["Credentials"])
    assert client.get_role(RoleName="web")
    document = iam.get_role_policy(RoleName="web", PolicyName="p")["PolicyDocument"]
    iam.put_role_policy(RoleName="web", PolicyName="p", PolicyDocument=policy("iam:ListRoles"))
    assert refusal(client.get_role, RoleName="web")[2] == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/web/chain is not authorized to perform: iam:GetRole on resource: "
        f"{web_role} because no identity-based policy allows the iam:GetRole action")
    iam.put_role_policy(RoleName="web", PolicyName="p", PolicyDocument=json.dumps(document))
    assert client.get_role(RoleName="web")
    other = account_token(world, "default", "tester")  # for the API server itself
    assert refusal(sts.assume_role_with_web_identity, RoleArn=web_role, RoleSessionName="chain",
                   WebIdentityToken=other)[2] == "Incorrect token audience"
    calls = json.load(urllib.request.urlopen(world.aws + "/_elbow/aws/calls?principal=assumed-role/web/chain"))
    assert [(c["action"], c["status"], c.get("code")) for c in calls] == [
        ("AssumeRoleWithWebIdentity", 200, None), ("GetRole", 200, None), ("GetRole", 403, "AccessDenied"),
        ("GetRole", 200, None)]
    assert not json.load(urllib.request.urlopen(world.aws + "/_elbow/aws/calls?principal=nobody"))


# --- roles of the account -----------------------------------------------------------------------

def test_root_may_not_assume_roles(world, iam):
    arn = iam.create_role(RoleName="by-account", AssumeRolePolicyDocument=trust_account())["Role"]["Arn"]
    assert refusal(world.client("sts").assume_role, RoleArn=arn, RoleSessionName="me") == (
        403, "AccessDenied", "Roles may not be assumed by root accounts.")


def test_who_may_assume_a_role(world, iam, make_user):
    arn = f"arn:aws:iam::{ACCOUNT}:role/guarded"
    plain, allowed = make_user("plain", service="sts"), make_user("allowed", policy("sts:AssumeRole"), "sts")
    barred = make_user("barred", policy("sts:*", effect="Deny"), "sts")
    iam.create_role(RoleName="guarded", AssumeRolePolicyDocument=trust_account())
    denied = (403, "AccessDenied", f"User: arn:aws:iam::{ACCOUNT}:user/plain is not authorized to perform: "
                                   f"sts:AssumeRole on resource: {arn}")
    # The account is trusted: then the caller's own policies decide.
    assert refusal(plain.assume_role, RoleArn=arn, RoleSessionName="me") == denied
    assert allowed.assume_role(RoleArn=arn, RoleSessionName="me")["AssumedRoleUser"]["Arn"].endswith("guarded/me")
    # The caller is named: that is enough, but for a deny.
    users = [f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("plain", "barred")]
    iam.update_assume_role_policy(RoleName="guarded", PolicyDocument=trust_account(*users))
    assert plain.assume_role(RoleArn=arn, RoleSessionName="me")
    assert refusal(barred.assume_role, RoleArn=arn, RoleSessionName="me")[1] == "AccessDenied"
    assert refusal(allowed.assume_role, RoleArn=arn, RoleSessionName="me")[1] == "AccessDenied"
    # Conditions of the trust see the request.
    iam.update_assume_role_policy(RoleName="guarded", PolicyDocument=trust_account(
        *users, StringEquals={"sts:ExternalId": "secret"}))
    assert refusal(plain.assume_role, RoleArn=arn, RoleSessionName="me") == denied
    assert plain.assume_role(RoleArn=arn, RoleSessionName="me", ExternalId="secret")
    assert refusal(plain.assume_role, RoleArn=arn + "-none", RoleSessionName="me")[1] == "AccessDenied"


def test_other_accounts_need_both_sides(world, iam, make_user):
    other = world.client("iam", key="000000000007")
    arn = other.create_role(RoleName="remote", AssumeRolePolicyDocument=trust_account(ACCOUNT))["Role"]["Arn"]
    assert refusal(make_user("stranger", service="sts").assume_role, RoleArn=arn, RoleSessionName="me")[0] == 403
    answer = make_user("visitor", policy("sts:AssumeRole"), "sts").assume_role(RoleArn=arn, RoleSessionName="me")
    assert session(world, "sts", answer["Credentials"]).get_caller_identity()["Account"] == "000000000007"


def test_a_session_policy_narrows_the_role(world, iam, make_user):
    iam.create_role(RoleName="wide", AssumeRolePolicyDocument=trust_account())
    iam.put_role_policy(RoleName="wide", PolicyName="p", PolicyDocument=policy("iam:*"))
    sts = make_user("narrower", policy("sts:AssumeRole"), "sts")
    answer = sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/wide", RoleSessionName="me",
                             Policy=policy("iam:ListRoles", "s3:*"))
    assert answer["PackedPolicySize"] > 0
    client = session(world, "iam", answer["Credentials"])
    assert client.list_roles()["Roles"]
    assert refusal(client.list_users)[2].endswith("because no session policy allows the iam:ListUsers action")


def test_chains_end_after_an_hour_and_tags_go_along(world, iam, make_user):
    for name in ("first", "second"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_account(), MaxSessionDuration=43200)
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy("sts:*"))
    iam.put_role_policy(RoleName="second", PolicyName="q", PolicyDocument=policy(
        "iam:ListUsers", StringEquals={"aws:PrincipalTag/team": "blue"}))
    sts = make_user("chained", policy("sts:*"), "sts")
    first, second = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("first", "second"))
    answer = sts.assume_role(RoleArn=first, RoleSessionName="one", DurationSeconds=43200, SourceIdentity="Ann",
                             Tags=[{"Key": "team", "Value": "blue"}, {"Key": "no", "Value": "1"}],
                             TransitiveTagKeys=["team"])
    middle = session(world, "sts", answer["Credentials"])
    assert refusal(middle.assume_role, RoleArn=second, RoleSessionName="two", DurationSeconds=3601)[1:] == (
        "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
                           "role chaining")
    assert refusal(middle.assume_role, RoleArn=second, RoleSessionName="two",
                   Tags=[{"Key": "team", "Value": "red"}])[1] == "InvalidParameterValue"
    answer = middle.assume_role(RoleArn=second, RoleSessionName="two")
    assert answer["SourceIdentity"] == "Ann"
    assert session(world, "iam", answer["Credentials"]).list_users()["Users"]


def test_session_tags_need_their_own_permission(iam, make_user):
    iam.create_role(RoleName="taggable", AssumeRolePolicyDocument=trust_account())
    sts = make_user("tagless", policy("sts:AssumeRole"), "sts")
    assert "sts:TagSession" in refusal(
        sts.assume_role, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/taggable", RoleSessionName="me",
        Tags=[{"Key": "a", "Value": "b"}])[2]


def test_a_session_ends_with_its_time_or_its_role(world, iam, make_user):
    iam.create_role(RoleName="brief", AssumeRolePolicyDocument=trust_account())
    sts = make_user("hasty", policy("sts:AssumeRole"), "sts")
    answer = sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/brief", RoleSessionName="me", DurationSeconds=900)
    client = session(world, "sts", answer["Credentials"])
    step = lambda ms: urllib.request.urlopen(urllib.request.Request(
        world.aws + "/_elbow/clock", data=json.dumps({"step_ms": ms}).encode(), method="POST"))
    assert client.get_caller_identity()
    step(900_000)
    try:
        assert refusal(client.get_caller_identity) == (
            403, "ExpiredToken", "The security token included in the request is expired")
    finally:
        step(-900_000)
    assert client.get_caller_identity()
    iam.delete_role(RoleName="brief")
    iam.create_role(RoleName="brief", AssumeRolePolicyDocument=trust_account())
    assert refusal(client.get_caller_identity)[:2] == (403, "InvalidClientTokenId")
    wrong = {**answer["Credentials"], "SessionToken": "x"}
    assert refusal(session(world, "sts", wrong).get_caller_identity)[1] == "InvalidClientTokenId"


# --- sessions of users ---------------------------------------------------------------------------

def test_session_tokens_are_the_user_for_a_while(world, make_user):
    sts = make_user("temporary", policy("iam:ListRoles"), "sts")
    credentials = sts.get_session_token(DurationSeconds=900)["Credentials"]
    again = session(world, "sts", credentials)
    assert again.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/temporary"
    assert refusal(again.get_session_token)[:2] == (403, "AccessDenied")


def test_federated_users_have_what_both_allow(world, make_user):
    sts = make_user("federator", policy("sts:GetFederationToken", "iam:ListRoles", "iam:ListUsers"), "sts")
    answer = sts.get_federation_token(Name="Bob", Policy=policy("iam:ListRoles", "iam:ListGroups"))
    assert answer["FederatedUser"] == {"FederatedUserId": f"{ACCOUNT}:Bob",
                                       "Arn": f"arn:aws:sts::{ACCOUNT}:federated-user/Bob"}
    who = session(world, "sts", answer["Credentials"]).get_caller_identity()
    assert (who["Arn"], who["UserId"]) == (answer["FederatedUser"]["Arn"], f"{ACCOUNT}:Bob")
    bare = sts.get_federation_token(Name="Bob")
    assert session(world, "sts", bare["Credentials"]).get_caller_identity()
    assert refusal(make_user("no-federator", service="sts").get_federation_token, Name="Bob")[2].endswith(
        "because no identity-based policy allows the sts:GetFederationToken action")


def test_saml_is_refused_clearly(world):
    assert refusal(world.client("sts").assume_role_with_saml, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/x",
                   PrincipalArn=f"arn:aws:iam::{ACCOUNT}:saml-provider/x", SAMLAssertion="aaaa")[:2] == (
        400, "InvalidIdentityToken")


def test_an_encoded_message_must_be_one(world):
    assert refusal(world.client("sts").decode_authorization_message, EncodedMessage="abc")[:2] == (
        400, "InvalidAuthorizationMessageException")
