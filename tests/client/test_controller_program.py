"""Our controller as a program: how it starts and ends, its flags, leader election, endpoints."""
import http.server
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "wire"))
from conftest import wait_for  # noqa: E402
from player import BUILD, FOLDER, Controller, Play, free_port, with_ids  # noqa: E402

TUTORIAL = json.loads((FOLDER / "tutorial-ec2-nodeport.json").read_text())
ELECTION = json.loads((FOLDER / "leader-election.json").read_text())


@pytest.fixture
def stage(tmp_path):
    play = Play(TUTORIAL, tmp_path)
    for thing in with_ids(TUTORIAL["kubernetes"]):
        play.cluster.apply(thing)
    yield play
    play.close()


def run(*arguments, env=None):
    """A run that ends by itself: (status, stdout, the log's lines without time and pid)."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ELBOW_", "KUBERNETES_"))
             and "proxy" not in k.lower()}
    done = subprocess.run([str(BUILD / "alb-ingress-controller"), f"--healthz-port={free_port()}", *arguments],
                          capture_output=True, text=True, env={**clean, **(env or {})}, timeout=60)
    lines = [re.sub(r"^([IWEF])\d{4} [\d:.]+ +\d+ ", r"\1 ", line) for line in done.stderr.splitlines()]
    return done.returncode, done.stdout, lines


# --- what can't start ----------------------------------------------------------------------------

NO_CLUSTER = ["--cluster-name=demo", "--aws-vpc-id=vpc-1", "--aws-region=us-west-2"]


@pytest.mark.parametrize("arguments, status, last", [
    ([], 255, "F main.go:61] clusterName must be specified"),
    (["--cluster-name=demo", "--alb-name-prefix=thirteen-char"], 255,
     "F main.go:61] ALBNamePrefix must be 12 characters or less"),
    (NO_CLUSTER, 255, "F main.go:69] invalid configuration: no configuration has been provided"),
    ([*NO_CLUSTER, "--kubeconfig=/nonexistent"], 255, "F main.go:69] stat /nonexistent: no such file or directory"),
    ([*NO_CLUSTER, "--apiserver-host=http://127.0.0.1:1"], 255,
     "F main.go:79] Get http://127.0.0.1:1/api?timeout=32s: dial tcp 127.0.0.1:1: connect: connection refused"),
])
def test_fatal_at_start(arguments, status, last):
    done = run(*arguments)
    assert (done[0], done[2][-1]) == (status, last)
    assert "AWS ALB Ingress controller" in done[1]


@pytest.mark.parametrize("argument, first", [
    ("--no-such-flag", "unknown flag: --no-such-flag"),
    ("--healthz-port=many", 'invalid argument "many" for "--healthz-port" flag: strconv.ParseInt: parsing "many": '
     "invalid syntax"),
    ("--sync-period=soon", 'invalid argument "soon" for "--sync-period" flag: time: invalid duration soon'),
])
def test_flags_that_are_none(argument, first):
    status, _, lines = run(argument)
    assert (status, lines[0]) == (2, first)
    assert any("--cluster-name" in line for line in lines)


def test_version_and_help():
    status, out, lines = run("--version")
    assert (status, lines) == (0, []) and "Release:    v1.1.4" in out
    status, out, _ = run("--help")
    assert status == 0 and "--annotations-prefix" in out


def test_a_busy_port():
    with socket.socket() as s:
        s.bind(("0.0.0.0", 0))
        s.listen()
        port = s.getsockname()[1]
        status, _, lines = run(*NO_CLUSTER, f"--healthz-port={port}")
    assert (status, lines[-1]) == (255, f"F main.go:61] port {port} is already in use. Please check the flag "
                                   "--healthz-port")


def test_no_namespace_to_elect_in(stage):
    status, _, lines = run(*NO_CLUSTER, f"--apiserver-host={stage.kube.url}")
    assert status == 255
    assert lines[-1] == ("F main.go:79] unable to find leader election namespace: not running in-cluster, please "
                         "specify LeaderElectionNamespace")


def test_a_cluster_without_ingresses_of_old(stage):
    """An API server of 1.22 and later has no extensions/v1beta1."""
    stage.cluster.hook = lambda method, path: (
        (404, {"kind": "Status", "message": "not found"}) if "extensions/v1beta1" in path else None)
    status, _, lines = run(*NO_CLUSTER, f"--apiserver-host={stage.kube.url}", "--election=false")
    assert (status, lines[-1]) == (255, 'F main.go:97] no matches for kind "Ingress" in version "extensions/v1beta1"')


def test_no_instance_metadata(stage):
    """The usual mistake on Fargate: no --aws-vpc-id, and nobody to ask."""
    status, _, lines = run("--cluster-name=demo", f"--apiserver-host={stage.kube.url}", "--election=false",
                           env={"AWS_EC2_METADATA_DISABLED": "true"})
    assert status == 255
    assert lines[-2].startswith("F main.go:94] failed to introspect vpcID from ec2Metadata due to "
                                "EC2MetadataRequestError: failed to get EC2 instance metadata")
    assert lines[-1].endswith(", specify --aws-vpc-id instead if ec2Metadata is unavailable")


class Metadata(http.server.BaseHTTPRequestHandler):
    """A proxy that is the instance's metadata: absolute-form GETs."""
    answers = {"mac": "02:00:00:00:00:01",
               "network/interfaces/macs/02:00:00:00:00:01/vpc-id": "vpc-0123456789abcdef0",
               "placement/availability-zone": "us-west-2b"}
    asked = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.path.removeprefix("http://169.254.169.254/latest/meta-data/")
        self.asked.append(path)
        body = self.answers.get(path, "").encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_vpc_and_region_from_the_metadata(stage, tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        stage.controller = Controller(stage.aws, stage.kube, {"cluster-name": "demo", "ingress-class": "alb"}, tmp_path,
                                      {"HTTP_PROXY": f"http://127.0.0.1:{server.server_port}"})
        stage.controller.wait_for_passes(1)
    finally:
        server.shutdown()
        server.server_close()
    assert Metadata.asked == list(Metadata.answers)
    assert [lb["scheme"] for lb in stage.account.load_balancers.values()] == ["internet-facing"]


# --- leader election -----------------------------------------------------------------------------

def elect(stage, folder):
    return Controller(stage.aws, stage.kube, {**stage.flags, "election": "true", "election-namespace": "kube-system"},
                      folder)


def lock_writes(stage):
    return [(m, path, body) for m, path, body in stage.cluster.requests if m in ("POST", "PUT") and "configmaps" in path]


def plain(tree):
    """Identity, times and versions replaced as the recording has them."""
    text = json.dumps(tree)
    text = re.sub(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', "${time}", text)
    text = re.sub(r'(holderIdentity\\":\\")[^\\]+', r"\1${hostname}_${uuid}", text)
    tree = json.loads(re.sub(r'"resourceVersion": "\d+"', '"resourceVersion": "${rv}"', text))
    tree["metadata"].pop("uid", None)
    return tree


def test_leader_election_as_recorded(stage, tmp_path):
    stage.controller = elect(stage, tmp_path)
    stage.controller.wait_for_passes(1)
    wait_for(lambda: len(lock_writes(stage)) == 2)
    for (method, path, body), want in zip(lock_writes(stage), ELECTION["writes"]):
        assert (method, path, plain(body)) == (want["method"], want["path"], want["body"])
    reads = [r for r in stage.cluster.requests if "configmaps" in r[1]]
    assert [r[0] for r in reads[:4]] == ["GET", "POST", "GET", "PUT"]
    event = wait_for(lambda: [e for e in stage.cluster.events() if e["reason"] == "LeaderElection"])[0]
    assert event["message"].endswith(" became leader") and event["metadata"]["namespace"] == "kube-system"
    log = [line for line in stage.controller.lines() if "sample-ingress: " not in line]
    assert log == ELECTION["log"]


def test_the_second_copy_waits_until_the_first_gives_up(stage, tmp_path):
    first = elect(stage, tmp_path)
    first.wait_until_working()
    stage.controller = elect(stage, tmp_path)
    stage.controller.wait(lambda: "attempting to acquire" in stage.controller.text(), "starting")
    assert "successfully acquired" not in stage.controller.text()
    first.stop()
    record = json.loads(stage.cluster.objects[("ConfigMap", "kube-system", "ingress-controller-leader-alb")]
                        ["metadata"]["annotations"]["control-plane.alpha.kubernetes.io/leader"])
    assert record["leaderTransitions"] in (0, 1)
    stage.controller.wait_until_working()
    wait_for(lambda: stage.controller.passes() >= 1)


def test_a_lost_lease_ends_the_program(stage, tmp_path):
    controller = elect(stage, tmp_path)
    controller.wait_until_working()
    stage.cluster.hook = lambda method, path: (
        (500, {"kind": "Status", "message": "etcd is away"}) if "configmaps" in path else None)
    assert controller.process.wait(30) == 255
    lines = controller.lines()
    assert "E error retrieving resource lock kube-system/ingress-controller-leader-alb: etcd is away" in lines
    assert "F leader election lost" in lines
    controller.log.close()


# --- endpoints -----------------------------------------------------------------------------------

def get(controller, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{controller.port}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def test_endpoints(stage):
    stage.start_controller()
    stage.controller.wait_for_passes(1)
    assert get(stage.controller, "/healthz/ping") == (200, "ok")
    before = len(stage.account.calls)
    assert get(stage.controller, "/healthz/aws-alb-ingress-controller") == (200, "ok")
    asked = [c for c in stage.account.calls[before:] if c["call"] in (
        "ec2 DescribeTags", "iam ListServerCertificates", "acm ListCertificates")]
    assert asked == [
        {"call": "ec2 DescribeTags", "parameters": {"MaxResults": "5"}, "done": True},
        {"call": "iam ListServerCertificates", "parameters": {"MaxItems": "1"}, "done": True},
        {"call": "acm ListCertificates", "parameters": {"MaxItems": 1}, "done": True}]
    assert get(stage.controller, "/healthz") == (200, "ok")
    stage.account.faults["iam.ListServerCertificates"] = [{"code": "AccessDenied", "status": 403}] * 2
    status, body = get(stage.controller, "/healthz")
    assert status == 500 and "aws-alb-ingress-controller failed" in body
    assert any("Controller health check failed: AccessDenied" in line for line in stage.controller.lines())
    status, body = get(stage.controller, "/healthz/aws-alb-ingress-controller")
    assert status == 500 and body.startswith("internal server error: AccessDenied")
    metrics = get(stage.controller, "/metrics")[1]
    assert 'aws_alb_ingress_controller_success{class="alb"} ' in metrics
    assert "# TYPE aws_alb_ingress_controller_aws_api_requests counter" in metrics
    assert "v1.1.4" in json.loads(get(stage.controller, "/build")[1])
    assert get(stage.controller, "/nothing")[0] == 404
    get(stage.controller, "/stop")
    assert stage.controller.process.wait(20) == 0


# --- flags that decide what is done ----------------------------------------------------------------

def test_restrict_scheme(stage):
    """Internet-facing only where the ConfigMap says so; a retry sees its change."""
    stage.flags["restrict-scheme"] = "true"
    stage.start_controller()
    stage.controller.wait_for_passes(1)
    assert not stage.account.load_balancers
    assert any("ingress sample/sample-ingress is not in internetFacing whitelist" in line
               for line in stage.controller.lines())
    stage.cluster.apply({"kind": "ConfigMap", "metadata": {
        "namespace": "default", "name": "alb-ingress-controller-internet-facing-ingresses"},
        "data": {"sample": "other, sample-ingress"}})
    wait_for(lambda: stage.account.load_balancers)


def test_resync(stage):
    stage.flags["sync-period"] = "200ms"
    stage.start_controller()
    stage.controller.wait_for_passes(5)
    assert len(stage.account.load_balancers) == 1


def test_several_at_a_time(stage):
    stage.flags["max-concurrent-reconciles"] = "4"
    for i in range(12):
        thing = json.loads(json.dumps(with_ids(TUTORIAL["kubernetes"])[-1]))
        thing["metadata"]["name"] = f"ingress-{i}"
        stage.cluster.apply(thing)
    stage.start_controller()
    wait_for(lambda: len(stage.account.load_balancers) == 13 and len(stage.account.rules) == 13)
    assert "worker count\"=4" in stage.controller.text()


def test_the_old_variables(stage, tmp_path):
    stage.controller = Controller(stage.aws, stage.kube, {"ingress-class": "alb"}, tmp_path, {
        "CLUSTER_NAME": "demo", "AWS_REGION": "us-west-2", "AWS_VPC_ID": stage.flags["aws-vpc-id"],
        "ALB_PREFIX": "short"})
    stage.controller.wait_for_passes(1)
    assert [lb["name"][:6] for lb in stage.account.load_balancers.values()] == ["short-"]
    assert ("W Environment variable configuration is deprecated, switch to the --cluster-name flag."
            in stage.controller.lines())


def test_a_service_that_was_there_once(stage):
    """v1.1.4 keeps the annotations of a Service for ever: the error is another than for one that
    never was."""
    stage.start_controller()
    stage.controller.wait_for_passes(2)
    stage.cluster.delete("Service", "sample", "sample-service")
    wait_for(lambda: any("Unable to find the sample/sample-service service: no object matching key "
                         '\\"sample/sample-service\\" in local store' in line for line in stage.controller.lines()))


def test_a_class_that_changes_away(stage):
    """It is looked at once more as if it were still ours, and never deleted."""
    stage.start_controller()
    stage.controller.wait_for_passes(2)
    thing = json.loads(json.dumps(with_ids(TUTORIAL["kubernetes"])[-1]))
    thing["metadata"]["annotations"]["kubernetes.io/ingress.class"] = "nginx"
    stage.cluster.apply(thing)
    stage.controller.wait_for_passes(3)
    stage.cluster.delete("Ingress", "sample", "sample-ingress")
    thing["metadata"]["name"] = "next"
    thing["metadata"]["annotations"]["kubernetes.io/ingress.class"] = "alb"
    stage.cluster.apply(thing)
    stage.controller.wait_for_passes(4)
    assert len(stage.account.load_balancers) == 2


def explain(stage, name, *flags):
    return run(f"--apiserver-host={stage.kube.url}", *NO_CLUSTER, "--ingress-class=alb", f"--explain={name}", *flags)


def test_explain(stage):
    status, out, _ = explain(stage, "sample/sample-ingress")
    assert status == 0
    for line in ("load balancer d642dfa0-sample-sampleingr-8b31",
                 "  scheme internet-facing   <- alb.ingress.kubernetes.io/scheme",
                 "target group d642dfa0-41d72d8e989a90ce95b for sample-service:80",
                 "  target type instance   (default; target-type changes it)",
                 "    i-00000000000000001:30080", "    tcp 80 from 0.0.0.0/0",
                 "  rule 1: path-pattern /* -> forward to sample-service:80"):
        assert line in out.splitlines()
    assert not stage.account.calls
    stage.cluster.delete("Service", "sample", "sample-service")
    status, out, _ = explain(stage, "sample/sample-ingress")
    assert status == 1 and "! here it would fail: failed to load serviceAnnotation" in out
    status, out, _ = explain(stage, "sample/none")
    assert (status, out) == (1, "There is no Ingress sample/none.\n")
