"""A server that is killed at any moment: what was answered is there afterwards, nothing outlives the
server, and the pods come back with it."""
import base64
import http.client
import itertools
import json
import os
import signal
import ssl
import subprocess
import threading

import botocore.exceptions
import pytest

from conftest import wait_for

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]})


class Kube:
    """The Kubernetes API over one connection, with the kubeconfig's certificate."""

    def __init__(self, server):
        config = json.loads(open(server.kubeconfig).read())
        user = config["users"][0]["user"]
        certificate = server.folder / "client.pem"
        certificate.write_bytes(base64.b64decode(user["client-certificate-data"]) +
                                base64.b64decode(user["client-key-data"]))
        context = ssl.create_default_context(cafile=server.ready["ca"])
        context.load_cert_chain(certificate)
        address = server.ready["kubernetes"][0]["server"].removeprefix("https://")
        self.connection = http.client.HTTPSConnection(address, context=context, timeout=20)

    def call(self, method, path, body=None):
        self.connection.request(method, path, None if body is None else json.dumps(body),
                                {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


class Writer(threading.Thread):
    """Makes things of both APIs, one after the other, and remembers what was answered."""

    def __init__(self, server, name, on_answer):
        super().__init__(daemon=True)
        self.server, self.name_of, self.on_answer = server, name, on_answer
        self.kube, self.iam = Kube(server), server.client("iam")
        self.maps, self.roles = [], []

    def run(self):
        try:
            for i in itertools.count():
                name = f"{self.name_of}-{i}"
                if i % 4 == 3:
                    self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
                    self.roles.append(name)
                else:
                    status, _ = self.kube.call("POST", "/api/v1/namespaces/default/configmaps", {
                        "metadata": {"name": name}, "data": {"i": str(i) * 100}})
                    assert status == 201
                    self.maps.append(name)
                self.on_answer()
        except (OSError, http.client.HTTPException, botocore.exceptions.BotoCoreError, ValueError):
            pass  # the server is gone


def sleepers(seconds):
    return subprocess.run(["pgrep", "-f", f"sleep {seconds}"], capture_output=True, text=True).stdout.split()


def sleeping_pod(name, seconds):
    return {"metadata": {"name": name}, "spec": {
        "terminationGracePeriodSeconds": 1,
        "containers": [{"name": "c", "image": "busybox:1", "command": ["sleep", str(seconds)]}]}}


def is_running(kube, name):
    _, pod = kube.call("GET", f"/api/v1/namespaces/default/pods/{name}")
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return pod if statuses and statuses[0]["state"].get("running") else None


def test_killed_again_and_again(start_elbow, tmp_path):
    data = str(tmp_path / "data")
    seconds = 10**7 + os.getpid()  # nobody else's sleep
    maps, roles = set(), set()
    server = start_elbow("--data-dir", data)
    kube = Kube(server)
    assert kube.call("POST", "/api/v1/namespaces/default/pods", sleeping_pod("sleeper", seconds))[0] == 201
    wait_for(lambda: is_running(kube, "sleeper"))
    highest = 0
    for round_, moment in enumerate((1, 2, 3, 5, 8, 13, 21, 34)):
        answers = itertools.count(1)
        reached = threading.Event()

        def on_answer():
            if next(answers) == moment:  # the other writer is in the middle of something
                os.kill(server.process.pid, signal.SIGKILL)
                reached.set()
        writers = [Writer(server, f"w{k}-r{round_}", on_answer) for k in range(2)]
        for writer in writers:
            writer.start()
        assert reached.wait(30)
        for writer in writers:
            writer.join(30)
            maps.update(writer.maps)
            roles.update(writer.roles)
        server.process.wait(20)
        wait_for(lambda: not sleepers(seconds), what="a pod outlived its server")

        server = start_elbow("--data-dir", data)
        kube = Kube(server)
        status, found = kube.call("GET", "/api/v1/namespaces/default/configmaps")
        assert status == 200
        assert maps <= {m["metadata"]["name"] for m in found["items"]}, "an answered object is lost"
        versions = [int(m["metadata"]["resourceVersion"]) for m in found["items"]]
        assert len(set(versions)) == len(versions)
        assert int(found["metadata"]["resourceVersion"]) >= highest, "versions only grow"
        highest = int(found["metadata"]["resourceVersion"])
        iam = server.client("iam")
        assert roles <= {r["RoleName"] for page in iam.get_paginator("list_roles").paginate()
                         for r in page["Roles"]}, "an answered role is lost"
        pod = wait_for(lambda: is_running(kube, "sleeper"), what="the pod did not come back")
        assert pod["status"]["containerStatuses"][0]["restartCount"] == round_ + 1
        assert len(wait_for(lambda: sleepers(seconds))) == 1
    assert server.stop() == 0
    assert not sleepers(seconds)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_ended_with_pods(start_elbow, how):
    server = start_elbow()
    kube = Kube(server)
    seconds = 10**8 + os.getpid()
    for i in range(3):
        kube.call("POST", "/api/v1/namespaces/default/pods", sleeping_pod(f"p{i}", seconds))
    wait_for(lambda: len(sleepers(seconds)) == 3)
    assert server.stop(how) == 0
    assert not sleepers(seconds)


def test_killed_while_it_starts(start_elbow, tmp_path):
    """A data folder that was half made is made whole by the next start."""
    from conftest import BUILD, clean_environment
    data = str(tmp_path / "data")
    for ms in (1, 3, 6, 10, 20, 40, 80, 160):
        process = subprocess.Popen(
            [str(BUILD / "elbow"), "serve", "--data-dir", data, "--aws-listen", "127.0.0.1:0",
             "--kube-listen", "127.0.0.1:0", "--front-http", "127.0.0.1:0", "--front-https", "127.0.0.1:0"],
            env=clean_environment(), stderr=subprocess.DEVNULL)
        try:
            process.wait(ms / 1000)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    server = start_elbow("--data-dir", data)
    status, nodes = Kube(server).call("GET", "/api/v1/nodes")
    assert status == 200 and len(nodes["items"]) == 2
    assert len(server.client("iam").list_roles()["Roles"]) >= 2
