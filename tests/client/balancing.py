"""What the tests of load balancing share: the network of the default world, and things in it that
go away with their test."""
import contextlib
import http.server
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree

import boto3
import botocore.config
import botocore.exceptions
import pytest

VPC = "vpc-0e1b0a5a3c1e7d001"
PUBLIC = ["subnet-0e1b0a5a3c1e7d101", "subnet-0e1b0a5a3c1e7d102", "subnet-0e1b0a5a3c1e7d103"]
PRIVATE = ["subnet-0e1b0a5a3c1e7d201", "subnet-0e1b0a5a3c1e7d202", "subnet-0e1b0a5a3c1e7d203"]
GROUP = "sg-0e1b0a5a3c1e7d002"
OTHER_GROUP = "sg-0e1b0a5a3c1e7d003"
ARN = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:"
NO_BALANCER = ARN + "loadbalancer/app/none/0123456789abcdef"
NO_GROUP = ARN + "targetgroup/none/0123456789abcdef"
NO_LISTENER = ARN + "listener/app/none/0123456789abcdef/0123456789abcdef"
NO_RULE = ARN + "listener-rule/app/none/0123456789abcdef/0123456789abcdef/0123456789abcdef"
CERTIFICATE = "arn:aws:acm:ap-northeast-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-000000000001"


@contextlib.contextmanager
def refused(code, text=None):
    """The block is refused with this code, and with these very words."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    if text is not None:
        assert error["Message"] == text


def careless(elbow, service="elbv2"):
    """A client that sends what botocore would keep back: absent members, numbers out of range."""
    return boto3.client(
        service, endpoint_url=elbow.aws, region_name="ap-northeast-1", aws_access_key_id="test",
        aws_secret_access_key="test", config=botocore.config.Config(
            parameter_validation=False, retries={"total_max_attempts": 1}))


class Refusal(Exception):
    """What call() was refused with."""

    def __init__(self, status, code, message):
        super().__init__(f"{code} ({status}): {message}")
        self.status, self.code, self.message = status, code, message


def call(elbow, action, service="elasticloadbalancing", version="2015-12-01", region="ap-northeast-1", **members):
    """One call by hand: for members that the system's botocore is too old for, and for those it
    would not let through. Gives the answer's result as dicts, lists and texts."""
    scope = f"test/20200101/{region}/{service}/aws4_request"
    request = urllib.request.Request(
        elbow.aws, data=urllib.parse.urlencode(
            [("Action", action), ("Version", version), *flat(members)]).encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "Authorization":
                 f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        tree = plain(xml.etree.ElementTree.fromstring(error.read()))
        raise Refusal(error.code, tree["Error"]["Code"], tree["Error"]["Message"]) from None
    return plain(xml.etree.ElementTree.fromstring(text)).get(f"{action}Result") or {}


def flat(value, name=""):
    """Nested members as the Query protocol names them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from flat(inner, f"{name}.member.{number}")
    elif value is not None:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


def plain(element):
    tags = [child.tag.rpartition("}")[2] for child in element]
    if not tags:
        return element.text or ""
    if set(tags) == {"member"}:
        return [plain(child) for child in element]
    return dict(zip(tags, map(plain, element)))


@contextlib.contextmanager
def call_refused(code, text=None):
    with pytest.raises(Refusal) as caught:
        yield
    assert caught.value.code == code, caught.value
    if text is not None:
        assert caught.value.message == text


class Things:
    """Makes load balancers and what goes with them; takes away what it made."""

    def __init__(self, elbow):
        self.elb = elbow.client("elbv2")
        self.careless = careless(elbow)
        self.balancers, self.groups = [], []

    def balancer(self, name, **more):
        more.setdefault("Subnets", PUBLIC[:2])
        if "SubnetMappings" in more:
            del more["Subnets"]
        made = self.elb.create_load_balancer(Name=name, **more)["LoadBalancers"][0]
        self.balancers.append(made["LoadBalancerArn"])
        return made

    def group(self, name, **more):
        if more.get("TargetType") != "lambda":
            more = {"Protocol": "HTTP", "Port": 80, "VpcId": VPC, **more}
        made = self.elb.create_target_group(Name=name, **more)["TargetGroups"][0]
        self.groups.append(made["TargetGroupArn"])
        return made

    def listener(self, balancer, port=80, actions=None, **more):
        more.setdefault("Protocol", "HTTP")
        return self.elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"], Port=port,
            DefaultActions=actions or [fixed("404")], **more)["Listeners"][0]

    def rule(self, listener, priority, conditions=None, actions=None, **more):
        return self.elb.create_rule(
            ListenerArn=listener["ListenerArn"], Priority=priority,
            Conditions=conditions or [path(f"/{priority}")], Actions=actions or [fixed("200")],
            **more)["Rules"][0]

    def remove(self):
        for arn in self.balancers:
            with contextlib.suppress(self.elb.exceptions.OperationNotPermittedException):
                self.elb.delete_load_balancer(LoadBalancerArn=arn)
        for arn in self.groups:
            self.elb.delete_target_group(TargetGroupArn=arn)


def fixed(status, **more):
    return {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": status, **more}}


def forward(*groups):
    """To one group, or to several with their weights."""
    if len(groups) == 1 and not isinstance(groups[0], tuple):
        return {"Type": "forward", "TargetGroupArn": groups[0]["TargetGroupArn"]}
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": [
        {"TargetGroupArn": g["TargetGroupArn"], "Weight": w} for g, w in groups]}}


def redirect(**more):
    return {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", **more}}


def path(*values):
    return {"Field": "path-pattern", "PathPatternConfig": {"Values": list(values)}}


def host(*values):
    return {"Field": "host-header", "HostHeaderConfig": {"Values": list(values)}}


@contextlib.contextmanager
def target_server(status=200):
    """An HTTP server of this machine that tells what it was asked; gives its port."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = json.dumps({"path": self.path, "headers": dict(self.headers)}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    # Where the VPC's block of loopback lies is the server's own business: listen on all of it.
    server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()
