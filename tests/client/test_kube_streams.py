"""exec, attach, cp and port-forward, over WebSockets and over SPDY: with a new kubectl and an old."""
import os
import pty
import re
import select
import socket
import subprocess
import time
import urllib.request

import pytest
from conftest import clean_environment, wait_for
from kube_objects import create, namespace, pod

pytestmark = pytest.mark.usefixtures("need_kubectl")
CLIENTS = [c for c in ("kubectl", os.environ.get("ELBOW_OLD_KUBECTL", "")) if c]


@pytest.fixture(scope="module")
def ns(elbow):
    with namespace(elbow, "streams") as name:
        create(elbow, name, pod("one"))
        elbow.kubectl("wait", "-n", name, "pod/one", "--for=condition=Ready", "--timeout=20s")
        yield name


@pytest.fixture(params=CLIENTS)
def run(request, elbow, ns):
    """Runs the client against the namespace; bytes in, bytes out."""
    def call(*arguments, stdin=b"", timeout=60):
        return subprocess.run([request.param, "--kubeconfig", elbow.kubeconfig, "-n", ns, *arguments],
                              input=stdin, capture_output=True, timeout=timeout,
                              env={**clean_environment(), "HOME": str(elbow.folder)})

    call.client = request.param
    return call


def test_output_and_exit_code(run):
    done = run("exec", "one", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert done.returncode == 3
    assert done.stdout == b"out\n"
    assert done.stderr == b"err\ncommand terminated with exit code 3\n"


def test_stdin_ends(run):
    assert run("exec", "-i", "one", "--", "cat", stdin=b"some input").stdout == b"some input"


def test_much_of_both(run):
    blob = os.urandom(1 << 20) * 8
    done = run("exec", "-i", "one", "--", "cat", stdin=blob)
    assert done.returncode == 0 and done.stdout == blob


def test_a_program_that_is_not_there(run):
    done = run("exec", "one", "--", "no-such-program")
    assert done.returncode == 1
    assert b'exec: "no-such-program": executable file not found in $PATH' in done.stderr


def test_what_cannot_be_entered(run):
    assert b'pods "none" not found' in run("exec", "none", "--", "true").stderr
    assert b"container x is not valid for pod one" in \
        run("exec", "one", "-c", "x", "--", "true").stderr


def test_the_token_is_a_file_of_the_container(run):
    done = run("exec", "one", "--", "sh", "-c",
               "cat $ELBOW_ROOTFS/var/run/secrets/kubernetes.io/serviceaccount/namespace")
    assert done.stdout.decode() == run("get", "pod", "one", "-o",
                                       "jsonpath={.metadata.namespace}").stdout.decode()


def test_files_are_copied(run, tmp_path):
    source, back = tmp_path / "there", tmp_path / "back"
    source.write_bytes(os.urandom(300000))
    assert run("cp", str(source), "one:copied").returncode == 0
    assert run("cp", "one:copied", str(back)).returncode == 0
    assert back.read_bytes() == source.read_bytes()


def test_a_terminal(run, elbow, ns):
    try:
        master, slave = pty.openpty()
    except OSError:
        pytest.skip("no pseudo-terminals here: /dev/pts is not mounted")
    process = subprocess.Popen(
        [run.client, "--kubeconfig", elbow.kubeconfig, "-n", ns, "exec", "-it", "one", "--", "sh"],
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env={**clean_environment(), "HOME": str(elbow.folder), "TERM": "xterm"})
    os.close(slave)
    seen = b""
    try:
        os.write(master, b"tty && echo a$((20+3))b; exit 4\n")
        until = time.monotonic() + 20
        while b"a23b" not in seen and time.monotonic() < until:
            if select.select([master], [], [], 0.2)[0]:
                seen += os.read(master, 4096)
        assert b"/dev/pts/" in seen and b"a23b" in seen, seen
        assert process.wait(20) == 4
    finally:
        process.kill()
        os.close(master)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def forward(run, elbow, ns):
    """Starts port-forward; (local port, process)."""
    started = []

    def start(target, port):
        local = free_port()
        process = subprocess.Popen(
            [run.client, "--kubeconfig", elbow.kubeconfig, "-n", ns, "port-forward",
             "--address=127.0.0.1", target, f"{local}:{port}"], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env={**clean_environment(), "HOME": str(elbow.folder)})
        started.append(process)
        assert b"Forwarding from" in process.stdout.readline()
        return local, process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_port_is_forwarded(forward):
    local, _ = forward("pod/one", 80)
    for _ in range(3):
        with urllib.request.urlopen(f"http://127.0.0.1:{local}/", timeout=10) as answer:
            assert b"Welcome to nginx" in answer.read()


def test_a_port_that_is_closed(forward):
    local, process = forward("pod/one", 81)
    with socket.create_connection(("127.0.0.1", local), 5) as s:
        s.settimeout(10)
        try:
            assert s.recv(1) == b""
        except ConnectionResetError:
            pass
    process.kill()
    said = process.communicate()[0].decode()
    assert re.search(r"an error occurred forwarding \d+ -> 81: error forwarding port 81 to pod .*"
                     "connection refused", said), said


def test_attach_hears_what_comes(elbow, ns, run):
    process = subprocess.Popen(
        [run.client, "--kubeconfig", elbow.kubeconfig, "-n", ns, "attach", "one"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**clean_environment(), "HOME": str(elbow.folder)})
    try:
        local = free_port()
        with subprocess.Popen(
                ["kubectl", "--kubeconfig", elbow.kubeconfig, "-n", ns, "port-forward", "pod/one",
                 f"{local}:80"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as other:
            other.stdout.readline()

            def heard():
                urllib.request.urlopen(f"http://127.0.0.1:{local}/", timeout=10).read()
                return select.select([process.stdout], [], [], 0.3)[0]

            wait_for(heard)
            assert b"GET / HTTP/1.1" in process.stdout.readline()
            other.kill()
    finally:
        process.kill()
        process.communicate()


def test_http_through_the_api_server(elbow, ns):
    base = f"/api/v1/namespaces/{ns}"
    create(elbow, ns, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "front"},
                       "spec": {"selector": {"app": "front"}, "ports": [
                           {"name": "web", "port": 8080, "targetPort": 80}]}})

    def get(path):
        done = elbow.kubectl("get", "--raw", base + path, check=False)
        return done.stdout + done.stderr

    assert "Welcome to nginx" in get("/pods/one/proxy/")
    assert "Welcome to nginx" in get("/pods/http:one:80/proxy/")
    assert "connection refused" in get("/pods/one:81/proxy/")
    assert 'pods "none" not found' in get("/pods/none/proxy/")
    assert 'no endpoints available for service "front"' in get("/services/front/proxy/")
    elbow.kubectl("label", "pod", "one", "-n", ns, "app=front")
    for name in ("front", "front:web", "front:8080", "http:front:web", "http:front:"):
        wait_for(lambda: "Welcome to nginx" in get(f"/services/{name}/proxy/"))
    assert 'no service port "x" found for service "front"' in get("/services/front:x/proxy/")
