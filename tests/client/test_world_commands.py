"""The server as its owner sees it: the small commands, reset, the clock, seeds, and Elbow's own API."""
import json
import os
import subprocess
import urllib.error
import urllib.request

import botocore.exceptions
import pytest

from conftest import BUILD, clean_environment, wait_for

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]})


def command(server, *arguments, env=None):
    """One of the small commands, for this server."""
    return subprocess.run([str(BUILD / "elbow"), *arguments], capture_output=True, text=True, timeout=60,
                          env={**clean_environment(), "ELBOW_READY_FILE": str(server.ready_file), **(env or {})})


def call(server, method, path, body=None):
    """(status, document) of one call of Elbow's own API."""
    request = urllib.request.Request(server.aws + path, method=method,
                                     data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def manifest(kind, name, namespace=None, **more):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return json.dumps({"apiVersion": "v1", "kind": kind, "metadata": metadata, **more})


def nodes(server):
    return [n["metadata"]["name"] for n in server.kubectl_json("get", "nodes")["items"]]


# --- commands -------------------------------------------------------------------------------------

def test_version_and_help():
    def run(*arguments):
        return subprocess.run([str(BUILD / "elbow"), *arguments], capture_output=True, text=True, timeout=30)
    assert run("version").stdout.startswith("elbow ")
    top = run("--help").stdout
    for name in ("serve", "env", "status", "reset", "logs", "version"):
        assert f"elbow {name}" in top
        done = run(name, "--help")
        assert done.returncode == 0 and f"elbow {name}" in done.stdout
    for flag in ("--aws-listen", "--runtime", "--seed", "--log-format", "--config"):
        assert flag in run("serve", "--help").stdout


@pytest.mark.parametrize("arguments, word", [
    (["nothing"], "nothing"),
    (["env", "--formal"], "--formal"),
    (["env", "--format", "xml"], "sh, fish or json"),
    (["logs", "--proxy"], "--proxy"),
    (["status", "--ready-file"], "needs a value"),
])
def test_wrong_words(elbow, arguments, word):
    done = command(elbow, *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and word in done.stderr


def test_without_a_server(tmp_path):
    done = subprocess.run([str(BUILD / "elbow"), "status", "--ready-file", str(tmp_path / "none.json")],
                          capture_output=True, text=True)
    assert done.returncode == 1
    assert "elbow serve" in done.stderr and len(done.stderr.splitlines()) == 1


def test_status_says_where(elbow):
    status = json.loads(command(elbow, "status").stdout)
    assert status["pid"] == elbow.process.pid
    assert status["aws"] == elbow.aws
    assert status["kubernetes"] == elbow.ready["kubernetes"]
    assert status["runtime"] == "process"


def test_logs_are_what_the_server_said(elbow):
    assert "AWS at http://127.0.0.1:" in command(elbow, "logs").stdout


def test_env_in_every_format(elbow):
    proxy = json.loads(command(elbow, "env", "--proxy", "--format", "json").stdout)
    script = command(elbow, "env", "--proxy", "--format=sh").stdout
    shell = subprocess.run(["sh", "-c", f'{script}\nfor n in {" ".join(proxy)}; do eval "echo $n=\\$$n"; done'],
                           capture_output=True, text=True, check=True).stdout
    assert dict(line.split("=", 1) for line in shell.splitlines()) == proxy
    fish = command(elbow, "env", "--proxy", "--format", "fish").stdout.splitlines()
    assert [line.split(" ", 3)[2] for line in fish] == list(proxy)
    assert all(line.startswith("set -gx ") for line in fish)
    plain = json.loads(command(elbow, "env", "--format", "json").stdout)
    assert plain["AWS_ENDPOINT_URL"] == elbow.aws and proxy["HTTPS_PROXY"] == elbow.aws


# --- Elbow's own API ------------------------------------------------------------------------------

@pytest.mark.parametrize("method, path, body, status", [
    ("GET", "/_elbow/health", None, 200),
    ("GET", "/_elbow/status", None, 200),
    ("GET", "/_elbow/clock", None, 200),
    ("GET", "/_elbow/aws/calls", None, 200),
    ("GET", "/_elbow/nothing", None, 404),
    ("DELETE", "/_elbow/health", None, 405),
    ("POST", "/_elbow/clock", {}, 400),
    ("POST", "/_elbow/clock", {"rate": -1}, 400),
    ("POST", "/_elbow/clock", {"rate": "fast"}, 400),
    ("POST", "/_elbow/clock", {"now": "tomorrow"}, 400),
    ("POST", "/_elbow/clock", {"step_ms": 1e300}, 400),
])
def test_own_api(elbow, method, path, body, status):
    got, document = call(elbow, method, path, body)
    assert got == status
    assert ("error" in document) == (status >= 400) if isinstance(document, dict) else status == 200


def test_the_clock_is_set_stopped_and_moved(start_elbow):
    server = start_elbow()
    assert call(server, "POST", "/_elbow/clock", {"rate": 0, "now": "2030-05-06T07:08:09Z"})[1] == {
        "now": "2030-05-06T07:08:09.000Z", "rate": 0}
    assert call(server, "POST", "/_elbow/clock", {"step_ms": 3600_000})[1]["now"] == "2030-05-06T08:08:09.000Z"
    assert call(server, "GET", "/_elbow/clock")[1]["now"] == "2030-05-06T08:08:09.000Z"
    server.kubectl("apply", "-f", "-", stdin=manifest("Namespace", "later"))
    made = server.kubectl_json("get", "namespace", "later")["metadata"]["creationTimestamp"]
    assert made == "2030-05-06T08:08:09Z"


# --- reset ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("kept", [False, True])
def test_reset_puts_the_world_back(start_elbow, tmp_path, kept):
    server = start_elbow("--seed", "11", *(["--data-dir", str(tmp_path / "data")] if kept else []))
    before = nodes(server)
    ec2 = server.client("ec2")
    ours = {"Filters": [{"Name": "is-default", "Values": ["false"]}]}  # the default one is made when asked for
    vpcs = ec2.describe_vpcs(**ours)["Vpcs"]
    server.client("iam").create_role(RoleName="someone", AssumeRolePolicyDocument=TRUST)
    server.kubectl("apply", "-f", "-", stdin=manifest("Namespace", "mine"))
    server.kubectl("apply", "-f", "-", stdin=manifest("ConfigMap", "c", "mine", data={"a": "b"}))

    done = command(server, "reset")
    assert done.returncode == 0, done.stderr
    ready = json.loads(server.ready_file.read_text())
    assert ready == server.ready, "every address stays"
    assert nodes(server) == before, "the seed gives the same world"
    assert vpcs and ec2.describe_vpcs(**ours)["Vpcs"] == vpcs
    with pytest.raises(botocore.exceptions.ClientError, match="NoSuchEntity"):
        server.client("iam").get_role(RoleName="someone")
    assert server.kubectl("get", "namespace", "mine", check=False).returncode == 1

    server.kubectl("apply", "-f", "-", stdin=manifest("Namespace", "mine"))
    assert call(server, "POST", "/_elbow/reset")[0] == 200
    assert server.kubectl("get", "namespace", "mine", check=False).returncode == 1
    assert server.stop() == 0


def test_reset_ends_the_pods(start_elbow):
    server = start_elbow()
    seconds = str(10**6 + os.getpid())  # nobody else's sleep
    pod = {"containers": [{"name": "c", "image": "busybox:1", "command": ["sleep", seconds]}]}
    server.kubectl("apply", "-f", "-", stdin=manifest("Pod", "sleeper", "default", spec=pod))

    def sleepers():
        return subprocess.run(["pgrep", "-f", f"sleep {seconds}"], capture_output=True, text=True).stdout.split()
    wait_for(sleepers)
    assert command(server, "reset").returncode == 0
    assert not sleepers()


# --- seeds ----------------------------------------------------------------------------------------

def story(server):
    """The same calls each time; all ids that come of them."""
    ec2, iam = server.client("ec2"), server.client("iam")
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=ec2.describe_vpcs()["Vpcs"][0]["VpcId"])
    role = iam.create_role(RoleName="someone", AssumeRolePolicyDocument=TRUST)["Role"]
    for i in range(10):
        server.kubectl("apply", "-f", "-", stdin=manifest("Namespace", f"mine-{i}"))
    uids = [(o["kind"], o["metadata"]["name"], o["metadata"]["uid"], o["metadata"]["resourceVersion"])
            for o in server.kubectl_json("get", "namespaces,nodes,serviceaccounts", "-A")["items"]]
    return [group["GroupId"], role["RoleId"], uids,
            [i["InstanceId"] for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]]]


def test_a_seed_gives_the_same_ids(start_elbow):
    stories = [story(start_elbow("--seed", seed)) for seed in ("3", "3", "4")]
    assert stories[0] == stories[1]
    assert stories[0] != stories[2]
