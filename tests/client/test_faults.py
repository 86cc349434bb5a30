"""Faults and bad input: one clear line and a non-zero exit, or the right 4xx; and the server lives on."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import urllib.request

import pytest

import tutorial
from conftest import BUILD, TUTORIAL, clean_environment, wait_for


def serve(*arguments, env=None):
    return subprocess.run([str(BUILD / "elbow"), "serve", *map(str, arguments)], capture_output=True,
                          text=True, timeout=30, env={**clean_environment(), **(env or {})})


FREE = ("--aws-listen", "127.0.0.1:0", "--kube-listen", "127.0.0.1:0", "--front-http", "127.0.0.1:0",
        "--front-https", "127.0.0.1:0")


def refused(done, *words):
    """One line on standard error, with these words in it, and a non-zero exit."""
    assert done.returncode not in (0, None) and done.returncode > 0
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0], lines[0]


@pytest.mark.parametrize("arguments, words", [
    (["--colour"], ["--colour"]),
    (["--iam=maybe"], ["iam", "enforce|audit|off"]),
    (["--aws-listen", "nowhere"], ["aws-listen", "ADDRESS:PORT"]),
    (["--ephemeral", "--data-dir", "/tmp/x"], ["--ephemeral", "--data-dir"]),
    (["--config", "/does/not/exist.yaml"], ["/does/not/exist.yaml"]),
    (["--ephemeral", "--fixture", "/does/not/exist.yaml"], ["/does/not/exist.yaml"]),
    (["--ephemeral", "--kubernetes-version", "9.99"], ["9.99"]),
])
def test_wrong_flags(arguments, words):
    refused(serve(*arguments), *words)


def test_a_busy_port_is_named():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        for flag in ("--aws-listen", "--kube-listen", "--front-http"):
            ports = list(FREE)
            ports[ports.index(flag) + 1] = f"127.0.0.1:{port}"
            refused(serve("--ephemeral", *ports), str(port), flag)


def test_an_unreadable_data_file(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "elbow.db").write_text("this is no database at all, but it is long enough to be read\n" * 40)
    refused(serve("--data-dir", data, *FREE), str(data))


@pytest.mark.parametrize("text, words", [
    ("account: [\n", [":2:1", "expected"]),
    ("acount: '123456789012'\n", [":1:1", "expected"]),
    ("account: twelve\n", [":1:10", "expected"]),
    ("account: '123456789012'\nregion: ap-northeast-1\nvpcs:\n- cidr: 300.0.0.0/16\n", [":4:", "expected"]),
])
def test_a_broken_fixture_is_shown_by_line_and_column(tmp_path, text, words):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    refused(serve("--ephemeral", "--fixture", path, *FREE), str(path), *words)


NO_NGINX = "images:\n- image: nginx:*\n  program: no-such-nginx\n  package: nginx\n"


def test_without_nginx_the_process_runtime_does_not_start(tmp_path):
    path = tmp_path / "images.yaml"
    path.write_text(NO_NGINX)
    refused(serve("--ephemeral", "--runtime", "process", "--image-catalogue", path, *FREE),
            "no-such-nginx is not on this machine", "install the package nginx")


def test_without_nginx_the_pod_says_so(start_elbow, tmp_path, need_kubectl):
    path = tmp_path / "images.yaml"
    path.write_text(NO_NGINX)
    server = start_elbow("--image-catalogue", str(path))
    assert "no-such-nginx is not on this machine" in server.log_path.read_text()
    for name in ("namespace.yml", "deployment.yml"):
        server.kubectl("apply", "-f", TUTORIAL / name)

    def message():
        pods = server.kubectl_json("get", "pods", "-n", "sample")["items"]
        state = pods and pods[0]["status"].get("containerStatuses", [{}])[0].get("state", {})
        return (state or {}).get("waiting", {}).get("message", "")
    assert "install the package nginx" in wait_for(message)


def raw(address, data):
    """What a server answers to these bytes, until it closes or falls silent."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=5) as s:
        s.sendall(data)
        s.settimeout(3)
        answer = b""
        try:
            while chunk := s.recv(65536):
                answer += chunk
                if b"\r\n\r\n" in answer:
                    break
        except socket.timeout:
            pass
        return answer


@pytest.mark.parametrize("data, status", [
    (b"GARBAGE\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 200_000 + b"\r\n\r\n", 431),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", 413),
    (b"\x00" * 100, 400),
])
def test_malformed_http_at_the_aws_port(elbow, data, status):
    answer = raw(elbow.aws.removeprefix("http://"), data)
    assert answer.startswith(b"HTTP/1.1 %d" % status), answer[:200]
    assert json.load(urllib.request.urlopen(elbow.aws + "/_elbow/health"))["status"] == "ok"


@pytest.mark.parametrize("path, body, content, status, word", [
    ("/api/v1/namespaces/default/pods", b"{", "application/json", 400, "BadRequest"),
    ("/api/v1/namespaces/default/pods", b"a: [", "application/yaml", 400, "BadRequest"),
    ("/api/v1/namespaces/default/pods", b"k8s\x00\xff\xff", "application/vnd.kubernetes.protobuf", 400, "BadRequest"),
    ("/api/v1/namespaces/default/pods", b"{}", "text/csv", 415, "UnsupportedMediaType"),
    ("/api/v1/namespaces/default/nothings", b"{}", "application/json", 404, "NotFound"),
    ("/api/v1/namespaces/default/pods", b"[" * 100_000, "application/json", 400, "BadRequest"),
])
def test_broken_bodies_at_the_kubernetes_port(elbow, tmp_path, need_kubectl, path, body, content, status, word):
    elbow.kubectl("create", "clusterrolebinding", f"anyone-{os.urandom(3).hex()}", "--clusterrole=cluster-admin",
                  "--group=system:unauthenticated")
    data = tmp_path / "body"
    data.write_bytes(body)
    done = subprocess.run(["curl", "-s", "--cacert", elbow.ready["ca"], "-X", "POST", "-H", f"Content-Type: {content}",
                           "--data-binary", f"@{data}", "-w", "\n%{http_code}",
                           elbow.ready["kubernetes"][0]["server"] + path], capture_output=True, text=True)
    answer, _, code = done.stdout.rpartition("\n")
    assert int(code) == status, answer
    assert json.loads(answer)["reason"] == word or status == 404


def test_a_killed_server_comes_back_as_it_was(start_elbow, tmp_path, need_kubectl):
    data = tmp_path / "data"
    server = start_elbow("--data-dir", str(data))
    tutorial.prepare(server)
    tutorial.apply_sample(server)
    host = tutorial.wait_for_address(server)
    tutorial.wait_for_page(server, host)
    pods = {p["metadata"]["name"] for p in server.kubectl_json("get", "pods", "-A")["items"]}
    groups = server.client("elbv2").describe_target_groups()["TargetGroups"]
    server.stop(signal.SIGKILL)

    again = start_elbow("--data-dir", str(data))
    assert pods == {p["metadata"]["name"] for p in again.kubectl_json("get", "pods", "-A")["items"]}
    assert groups == again.client("elbv2").describe_target_groups()["TargetGroups"]
    assert tutorial.address(again) == host
    assert "Welcome to nginx!" in tutorial.wait_for_page(again, host)
    wait_for(lambda: "1/1" in again.kubectl("get", "pods", "-n", "kube-system", "-l",
                                            "app.kubernetes.io/name=alb-ingress-controller").stdout)
    # The controller has no finalizers: an Ingress that goes before it leads again leaves its orphans.
    wait_for(lambda: "Starting workers" in tutorial.logs(again), 40)
    tutorial.delete_sample(again)
    wait_for(lambda: tutorial.nothing_is_left(again), 40)


def test_nothing_is_left_behind(start_elbow):
    server = start_elbow()
    folder = pathlib.Path(server.ready["data_dir"])
    assert folder.exists()
    assert server.stop() == 0
    assert not folder.exists()
    assert not server.ready_file.exists()


def test_both_ways_to_the_aws_apis(elbow):
    proxy = elbow.environment("--proxy")
    endpoint = elbow.environment()
    assert proxy["HTTPS_PROXY"] == elbow.aws and "AWS_ENDPOINT_URL" not in proxy
    assert endpoint["AWS_ENDPOINT_URL"] == elbow.aws and "HTTPS_PROXY" not in endpoint
    done = subprocess.run(["aws", "sts", "get-caller-identity", "--query", "Account", "--output", "text"],
                          env=proxy, capture_output=True, text=True)
    assert done.stdout.strip() == "123456789012", done.stderr
    done = subprocess.run(["aws", "--endpoint-url", endpoint["AWS_ENDPOINT_URL"], "sts",
                           "get-caller-identity", "--query", "Account", "--output", "text"],
                          env=endpoint, capture_output=True, text=True)
    assert done.stdout.strip() == "123456789012", done.stderr


def test_the_port_speaks_tls_too(elbow):
    done = subprocess.run(["curl", "-s", "--cacert", elbow.ready["ca"],
                           elbow.aws.replace("http://127.0.0.1", "https://localhost") + "/_elbow/health"],
                          capture_output=True, text=True)
    assert json.loads(done.stdout)["status"] == "ok"
