"""What answers beside the APIs: the instance metadata service and the clusters' OIDC issuers."""
import json
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest

from conftest import ACCOUNT, REGION

METADATA = "http://169.254.169.254"


@pytest.fixture(scope="module")
def ask(elbow):
    """One request to the metadata service through the proxy: (status, body)."""
    def send(path, method="GET", instance=None, **headers):
        proxy = elbow.aws if instance is None else elbow.aws.replace("://", f"://{instance}:x@")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy}))
        request = urllib.request.Request(METADATA + path, method=method,
                                         headers={k.replace("_", "-"): v for k, v in headers.items()})
        try:
            answer = opener.open(request, timeout=10)
            return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    # Nothing of this may ever leave for the real network: a server that does not know the service
    # would pass the request on.
    assert elbow.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                     elbow.aws + "/latest/meta-data/instance-id").stdout == "200"
    return send


@pytest.fixture(scope="module")
def instance(ask):
    return json.loads(ask("/latest/dynamic/instance-identity/document")[1])


@pytest.mark.parametrize("path, key", [
    ("instance-id", "instanceId"), ("ami-id", "imageId"), ("instance-type", "instanceType"),
    ("local-ipv4", "privateIp"), ("placement/availability-zone", "availabilityZone"), ("placement/region", "region")])
def test_values_agree_with_the_identity_document(ask, instance, path, key):
    assert ask("/latest/meta-data/" + path) == (200, instance[key])


def test_the_identity_document_says_where_it_is(instance):
    assert (instance["accountId"], instance["region"], instance["version"]) == (ACCOUNT, REGION, "2017-09-30")


def test_folders_list_what_is_below(ask):
    names = ask("/latest/meta-data/")[1].split("\n")
    assert names == sorted(names) and {"instance-id", "iam/", "network/", "placement/"} <= set(names)
    assert ask("/latest/meta-data/placement")[1] == "availability-zone\nregion"


def test_the_controller_finds_its_vpc(ask):
    mac = ask("/latest/meta-data/mac")[1]
    base = f"/latest/meta-data/network/interfaces/macs/{mac}/"
    assert ask("/latest/meta-data/network/interfaces/macs/")[1] == mac + "/"
    assert ask(base + "vpc-id")[1].startswith("vpc-")
    assert ask(base + "subnet-id")[1].startswith("subnet-")
    assert ask(base + "vpc-ipv4-cidr-block")[1] == "192.168.0.0/16"
    assert ask(base + "security-group-ids")[1].startswith("sg-")
    assert ask(base + "device-number")[1] == "0"


@pytest.mark.parametrize("ttl, status", [("1", 200), ("21600", 200), ("0", 400), ("21601", 400), ("x", 400), ("", 400)])
def test_tokens_have_a_bounded_life(ask, ttl, status):
    assert ask("/latest/api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds=ttl)[0] == status


def test_a_token_opens_and_a_forged_one_does_not(ask):
    token = ask("/latest/api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds="60")[1]
    assert ask("/latest/meta-data/mac", X_aws_ec2_metadata_token=token)[0] == 200
    assert ask("/latest/meta-data/mac", X_aws_ec2_metadata_token=token[:-1])[0] == 401
    assert ask("/latest/api/token")[0] == 405
    assert ask("/latest/meta-data/mac", "POST")[0] == 405


def test_unknown_paths_are_not_found(ask):
    for path in ("/latest/meta-data/nothing", "/latest/user-data", "/latest/meta-data/iam/security-credentials/other"):
        assert ask(path)[0] == 404


def test_the_proxy_user_says_which_instance(ask, instance):
    assert ask("/latest/meta-data/instance-id", instance=instance["instanceId"]) == (200, instance["instanceId"])
    assert ask("/latest/meta-data/instance-id", instance="i-00000000000000000")[0] == 404


def test_the_role_of_the_node_signs(elbow, ask, instance):
    role = ask("/latest/meta-data/iam/security-credentials/")[1]
    document = json.loads(ask("/latest/meta-data/iam/security-credentials/" + role)[1])
    assert (document["Code"], document["Type"]) == ("Success", "AWS-HMAC")
    assert json.loads(ask("/latest/meta-data/iam/security-credentials/" + role)[1]) == document
    who = elbow.client("sts", key=document["AccessKeyId"], secret=document["SecretAccessKey"],
                       token=document["Token"]).get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{instance['instanceId']}"


def test_the_cli_finds_credentials_and_region_by_itself(elbow, instance):
    environment = {k: v for k, v in elbow.environment("--proxy").items()
                   if k not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED")}
    done = subprocess.run(["aws", "sts", "get-caller-identity"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Arn"].endswith("/" + instance["instanceId"])


# --- the issuer ---------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def fetch(elbow):
    """GETs an https URL through the proxy door, trusting Elbow's CA alone."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({"https": elbow.aws}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=elbow.ready["ca"])))

    def get(url):
        try:
            answer = opener.open(url, timeout=10)
            return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
    return get


@pytest.fixture(scope="module")
def issuer(elbow):
    return json.loads(elbow.kubectl("get", "--raw", "/.well-known/openid-configuration").stdout)["issuer"]


def test_the_issuer_is_discovered(fetch, issuer):
    assert issuer.startswith(f"https://oidc.eks.{REGION}.amazonaws.com/id/")
    assert fetch(issuer + "/.well-known/openid-configuration") == (200, {
        "issuer": issuer, "jwks_uri": issuer + "/keys",
        "authorization_endpoint": "urn:kubernetes:programmatic_authorization",
        "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
        "claims_supported": ["sub", "iss"], "id_token_signing_alg_values_supported": ["RS256"]})


def test_its_keys_are_those_of_the_api_server(elbow, fetch, issuer):
    status, document = fetch(issuer + "/keys")
    assert status == 200
    assert document == json.loads(elbow.kubectl("get", "--raw", "/openid/v1/jwks").stdout)
    key, = document["keys"]
    assert (key["kty"], key["alg"], key["use"], key["e"]) == ("RSA", "RS256", "sig", "AQAB")


def test_other_issuers_are_not_found(fetch, issuer):
    for url in (issuer, issuer + "/other", issuer[:-1] + "0/keys", issuer.replace(REGION, "us-east-1") + "/keys"):
        if url != issuer + "/keys":
            assert fetch(url)[0] == 404


def test_the_chain_ends_in_elbows_ca(elbow, issuer):
    host = issuer.split("/")[2]
    text = subprocess.run(["openssl", "s_client", "-connect", elbow.aws.split("//")[1], "-servername", host,
                           "-showcerts", "-CAfile", elbow.ready["ca"]], input="", capture_output=True, text=True).stdout
    assert text.count("-----BEGIN CERTIFICATE-----") == 2 and "Verify return code: 0 (ok)" in text
