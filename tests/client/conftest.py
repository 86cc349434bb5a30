"""What every client test stands on: a server of its own, and the real clients pointed at it."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import boto3
import botocore.config
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("ELBOW_BUILD", ROOT / "build-debug"))
TUTORIAL = ROOT / "fixtures" / "tutorial"
REGION = "ap-northeast-1"
ACCOUNT = "123456789012"


class Elbow:
    """A running server: its addresses, and clients for it."""

    def __init__(self, folder, *flags, env=None):
        self.folder = pathlib.Path(folder)
        self.log_path = self.folder / "elbow.log"
        self.ready_file = self.folder / "ready.json"
        self.log = open(self.log_path, "ab")
        arguments = ["--aws-listen", "127.0.0.1:0", "--kube-listen", "127.0.0.1:0",
                     "--front-http", "127.0.0.1:0", "--front-https", "127.0.0.1:0",
                     "--ready-file", str(self.ready_file)]
        if "--data-dir" not in flags:
            arguments.append("--ephemeral")
        self.process = subprocess.Popen(
            [str(BUILD / "elbow"), "serve", *arguments, *flags],
            stdout=self.log, stderr=self.log, env={**clean_environment(), **(env or {})})
        wait_for(lambda: self.ready_file.exists() or self.process.poll() is not None, 20)
        assert self.process.poll() is None, self.log_path.read_text()
        self.ready = json.loads(self.ready_file.read_text())
        self.aws = self.ready["aws"]
        self.front = self.ready["front"]["http"]
        self.kubeconfig = self.ready["kubeconfig"]

    def client(self, service, region=REGION, key="test", secret="test", token=None):
        """A boto3 client of one AWS service."""
        return boto3.client(
            service, endpoint_url=self.aws, region_name=region, aws_access_key_id=key,
            aws_secret_access_key=secret, aws_session_token=token,
            config=botocore.config.Config(retries={"total_max_attempts": 1}))

    def environment(self, *flags):
        """What `elbow env --format json` says, laid over this process's environment."""
        text = subprocess.run([str(BUILD / "elbow"), "env", "--format", "json", *flags],
                              env={**clean_environment(), "ELBOW_READY_FILE": str(self.ready_file)},
                              check=True, capture_output=True, text=True).stdout
        return {**clean_environment(), **json.loads(text), "HOME": str(self.folder)}

    def run(self, *command, stdin=None, check=True, env=None, timeout=60):
        """Runs a client with the environment of `elbow env --proxy`; gives its finished process."""
        done = subprocess.run([str(c) for c in command], input=stdin, text=True, capture_output=True,
                              env={**self.environment("--proxy"), **(env or {})}, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def kubectl(self, *arguments, stdin=None, check=True, timeout=60):
        done = subprocess.run(["kubectl", "--kubeconfig", self.kubeconfig, *map(str, arguments)],
                              input=stdin, text=True, capture_output=True, timeout=timeout,
                              env={**clean_environment(), "HOME": str(self.folder)})
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {arguments}: {done.stdout}\n{done.stderr}")
        return done

    def kubectl_json(self, *arguments):
        return json.loads(self.kubectl(*arguments, "-o", "json").stdout)

    def curl(self, host, path="/", *flags):
        """One request through the load balancers' front door; (status, body)."""
        done = subprocess.run(["curl", "-s", "-m", "20", "-w", "\n%{http_code}", "-H", f"Host: {host}",
                               *flags, f"http://{self.front}{path}"], capture_output=True, text=True)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(20)
        self.log.close()
        text = self.log_path.read_text(errors="replace")
        assert "Sanitizer" not in text and "runtime error" not in text, text[-8000:]
        return status


def clean_environment():
    """This process's environment without what would lead a client elsewhere."""
    return {k: v for k, v in os.environ.items()
            if not k.startswith(("AWS_", "ELBOW_")) and "proxy" not in k.lower() and k != "KUBECONFIG"}


def wait_for(check, seconds=20, what=None):
    """Asks until the answer is true, and gives it; fails when it never is."""
    until = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        assert time.monotonic() < until, what or "it did not come true in time"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def elbow(tmp_path_factory):
    """One server that the tests of a session share; they name their things apart."""
    server = Elbow(tmp_path_factory.mktemp("elbow"))
    yield server
    assert server.stop() == 0


@pytest.fixture
def start_elbow(tmp_path):
    """Starts servers of a test's own: start_elbow('--seed', '1')."""
    servers = []

    def start(*flags, env=None):
        folder = tmp_path / f"server-{len(servers)}"
        folder.mkdir()
        servers.append(Elbow(folder, *flags, env=env))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def kubectl_minor():
    """The 1.NN of the kubectl here; 0 where there is none."""
    if shutil.which("kubectl") is None:
        return 0
    text = subprocess.run(["kubectl", "version", "--client", "-o", "json"], capture_output=True, text=True).stdout
    return int(json.loads(text)["clientVersion"]["minor"].rstrip("+"))


# What only newer kubectls do or say: strict validation by the server, `auth whoami`, explain by v3.
newer_kubectl = pytest.mark.skipif(kubectl_minor() < 27, reason="the kubectl here is older than 1.27")


@pytest.fixture(scope="session")
def need_kubectl():
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on this machine")
