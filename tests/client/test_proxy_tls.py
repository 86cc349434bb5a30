"""HTTPS listeners made through the API, used by curl and openssl: certificates by name, policies,
HTTP/2, attributes, log files. What passes byte for byte is in tests/proxy."""
import gzip
import pathlib
import subprocess

import pytest

from balancing import PUBLIC, VPC, call
from conftest import wait_for


@pytest.fixture
def elbv2(elbow):
    return elbow.client("elbv2")


def certificate(elbow, name):
    """An IAM server certificate for @name; its ARN."""
    pem = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                          "-nodes", "-days", "30", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                          "-keyout", "/dev/stdout", "-out", "/dev/stdout"], check=True, capture_output=True,
                         text=True).stdout
    key = pem[pem.index("-----BEGIN PRIVATE"):pem.index("-----END PRIVATE KEY-----") + 26]
    body = pem[pem.index("-----BEGIN CERT"):pem.index("-----END CERTIFICATE-----") + 26]
    made = elbow.client("iam").upload_server_certificate(
        ServerCertificateName=name.replace("*", "any"), CertificateBody=body, PrivateKey=key)
    return made["ServerCertificateMetadata"]["Arn"]


def fixed(body):
    return {"Type": "fixed-response", "FixedResponseConfig": {
        "StatusCode": "200", "ContentType": "text/plain", "MessageBody": body}}


@pytest.fixture
def front(elbow, elbv2, request):
    """A load balancer with an HTTPS listener: (its ARN, the listener's, its DNS name)."""
    name = "tls-" + str(abs(hash(request.node.name)))[:8]
    arn = certificate(elbow, f"{name}.example.com")
    ec2 = elbow.client("ec2")
    group = ec2.create_security_group(GroupName=name, Description=name, VpcId=VPC)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=443, ToPort=443,
                                         CidrIp="0.0.0.0/0")
    balancer = elbv2.create_load_balancer(Name=name, Subnets=PUBLIC[:2], SecurityGroups=[group])["LoadBalancers"][0]
    listener = elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTPS", Port=443,
        Certificates=[{"CertificateArn": arn}], SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
        DefaultActions=[fixed("hello over TLS")])["Listeners"][0]
    yield balancer["LoadBalancerArn"], listener["ListenerArn"], balancer["DNSName"]
    elbv2.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    ec2.delete_security_group(GroupId=group)


def ask(elbow, name, *flags, path="/"):
    """curl at the common door for TLS: the exit status, the head and the body."""
    host, port = elbow.ready["front"]["https"].split(":")
    done = subprocess.run(["curl", "-sk", "-m", "10", "-i", "--connect-to", f"{name}:443:{host}:{port}", *flags,
                           f"https://{name}{path}"], capture_output=True, text=True)
    head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
    return done.returncode, head, body


def shown_certificate(elbow, name):
    """The subject of the certificate that a client of @name gets."""
    done = subprocess.run(["openssl", "s_client", "-connect", elbow.ready["front"]["https"], "-servername", name],
                          input="", capture_output=True, text=True)
    return next((line for line in done.stdout.splitlines() if line.startswith("subject=")), "")


def test_the_ready_file_says_where(elbow):
    assert elbow.ready["front"]["https"].startswith("127.0.0.1:")
    assert not elbow.ready["front"]["https"].endswith(":0")


@pytest.mark.parametrize("flag, version", [("--http1.1", "HTTP/1.1 200 OK"), ("--http2", "HTTP/2 200")])
def test_a_page_over_tls(elbow, front, flag, version):
    status, head, body = wait_for(lambda: (a := ask(elbow, front[2], flag))[0] == 0 and a)
    assert (status, body) == (0, "hello over TLS")
    assert head.splitlines()[0].strip() == version
    assert "server: awselb/2.0" in head.lower()


def test_http2_can_be_turned_off(elbow, elbv2, front):
    elbv2.modify_load_balancer_attributes(LoadBalancerArn=front[0], Attributes=[
        {"Key": "routing.http2.enabled", "Value": "false"}])
    assert wait_for(lambda: ask(elbow, front[2], "--http2")[1].startswith("HTTP/1.1 200"))


def test_the_policy_limits_versions(elbow, elbv2, front):
    wait_for(lambda: ask(elbow, front[2])[0] == 0)
    assert ask(elbow, front[2], "--tls-max", "1.2")[0] == 0
    elbv2.modify_listener(ListenerArn=front[1], SslPolicy="ELBSecurityPolicy-TLS13-1-3-2021-06")
    wait_for(lambda: ask(elbow, front[2], "--tls-max", "1.2")[0] == 35)
    assert ask(elbow, front[2], "--tlsv1.3")[2] == "hello over TLS"


def test_certificates_by_name(elbow, elbv2, front):
    arn = certificate(elbow, "*.shop.example.com")
    elbv2.add_listener_certificates(ListenerArn=front[1], Certificates=[{"CertificateArn": arn}])
    elbv2.create_rule(ListenerArn=front[1], Priority=1, Actions=[fixed("the shop")], Conditions=[
        {"Field": "host-header", "Values": ["*.shop.example.com"]}])
    wait_for(lambda: "shop" in shown_certificate(elbow, "a.shop.example.com"))
    assert ask(elbow, "a.shop.example.com")[2] == "the shop"
    assert "tls-" in shown_certificate(elbow, front[2])
    elbv2.remove_listener_certificates(ListenerArn=front[1], Certificates=[{"CertificateArn": arn}])
    wait_for(lambda: "tls-" in shown_certificate(elbow, "a.shop.example.com"))


def test_response_headers_of_a_listener(elbow, elbv2, front):
    wanted = {"routing.http.response.server.enabled": "false",
                        "routing.http.response.strict_transport_security.header_value": "max-age=63072000"}
    call(elbow, "ModifyListenerAttributes", ListenerArn=front[1], Attributes=[
        {"Key": k, "Value": v} for k, v in wanted.items()])
    wait_for(lambda: "strict-transport-security: max-age=63072000" in ask(elbow, front[2])[1].lower())
    assert "awselb" not in ask(elbow, front[2])[1]


def test_clear_http_is_told_so(elbow, front):
    done = subprocess.run(["curl", "-s", "-m", "10", "-i", f"http://{elbow.ready['front']['https']}/"],
                          capture_output=True, text=True)
    assert done.stdout.startswith("HTTP/1.1 400 Bad Request")
    assert "The plain HTTP request was sent to HTTPS port" in done.stdout


def test_access_logs_are_files(elbow, elbv2, front):
    elbv2.modify_load_balancer_attributes(LoadBalancerArn=front[0], Attributes=[
        {"Key": "access_logs.s3.enabled", "Value": "true"},
        {"Key": "access_logs.s3.bucket", "Value": "my-logs"},
        {"Key": "access_logs.s3.prefix", "Value": "web"}])
    folder = pathlib.Path(elbow.ready["data_dir"]) / "s3" / "my-logs" / "web" / "AWSLogs" / "123456789012"
    wait_for(lambda: (folder / "ELBAccessLogTestFile").exists())
    assert ask(elbow, front[2], "--http2", path="/logged?x=1")[0] == 0
    lines = wait_for(lambda: [line for file in folder.rglob("*.log.gz") for line in gzip.open(file, "rt")])
    line = next(line for line in lines if "/logged?x=1" in line)
    name = front[0].split("loadbalancer/")[1]
    assert line.startswith("h2 20") and f" {name} 127.0.0.1:" in line
    assert f'"GET https://{front[2]}:443/logged?x=1 HTTP/2.0"' in line
    assert " TLS_AES_128_GCM_SHA256 TLSv1.3 " in line and f'"{front[2]}"' in line
    assert '"arn:aws:iam::123456789012:server-certificate/' in line and '"fixed-response"' in line
    path = next(folder.rglob("*.log.gz"))
    assert path.name.startswith("123456789012_elasticloadbalancing_ap-northeast-1_" + name.replace("/", "."))


def test_transforms_and_expressions_take_effect(elbow, front):
    call(elbow, "CreateRule", ListenerArn=front[1], Priority=7, Conditions=[
        {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/item/[0-9]+$"]}}],
        Actions=[fixed("an item")])
    wait_for(lambda: ask(elbow, front[2], path="/item/12")[2] == "an item")
    assert ask(elbow, front[2], path="/item/x")[2] == "hello over TLS"
