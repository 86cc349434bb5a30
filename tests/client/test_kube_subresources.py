"""Subresources with rules of their own: scale, logs, tokens, eviction, binding."""
import base64
import json
import subprocess

import pytest
from conftest import wait_for
from kube_objects import create, deployment, namespace, pod, raw

pytestmark = pytest.mark.usefixtures("need_kubectl")


@pytest.fixture(scope="module")
def ns(elbow):
    with namespace(elbow, "subresources") as name:
        yield name


@pytest.fixture(scope="module")
def web(elbow, ns):
    """A running nginx."""
    create(elbow, ns, pod("web"))
    elbow.kubectl("wait", "-n", ns, "pod/web", "--for=condition=Ready", "--timeout=20s")
    return "web"


def test_scale_is_a_view_that_writes_back(elbow, ns):
    create(elbow, ns, deployment("scaled", 1))
    scale = raw(elbow, f"/apis/apps/v1/namespaces/{ns}/deployments/scaled/scale")
    assert scale["kind"] == "Scale" and scale["spec"] == {"replicas": 1}
    assert elbow.kubectl("scale", "-n", ns, "deployment/scaled", "--replicas=2").stdout == \
        "deployment.apps/scaled scaled\n"
    found = elbow.kubectl_json("get", "-n", ns, "deployment", "scaled")
    assert found["spec"]["replicas"] == 2 and found["metadata"]["generation"] == 2
    scale = raw(elbow, f"/apis/apps/v1/namespaces/{ns}/deployments/scaled/scale")
    assert scale["status"]["selector"] == "app=scaled"
    assert scale["metadata"]["uid"] == found["metadata"]["uid"]
    elbow.kubectl("scale", "-n", ns, "deployment/scaled", "--replicas=0")
    assert raw(elbow, f"/apis/apps/v1/namespaces/{ns}/deployments/scaled/scale")["spec"] == {}


def test_scale_with_a_precondition_that_fails(elbow, ns):
    create(elbow, ns, deployment("held", 1))
    done = elbow.kubectl("scale", "-n", ns, "deployment/held", "--replicas=3",
                         "--current-replicas=9", check=False)
    assert done.stderr == "error: Expected replicas to be 9, was 1\n"


def test_logs(elbow, ns, web):
    whole = wait_for(lambda: "start worker process " in
                     (text := elbow.kubectl("logs", "-n", ns, web).stdout) and text)
    lines = whole.splitlines()
    assert elbow.kubectl("logs", "-n", ns, web, "--tail=1").stdout.splitlines() == lines[-1:]
    assert elbow.kubectl("logs", "-n", ns, web, "--limit-bytes=10").stdout == whole[:10]
    stamped = elbow.kubectl("logs", "-n", ns, web, "--timestamps").stdout.splitlines()
    assert [line.split(" ", 1)[1] for line in stamped] == lines
    assert stamped[0][10] == "T" and stamped[0].split(" ")[0].endswith("Z")
    assert elbow.kubectl("logs", "-n", ns, web, "--since-time=2100-01-01T00:00:00Z").stdout == ""
    assert elbow.kubectl("logs", "-n", ns, web, "--since=1h").stdout == whole


def test_logs_follow_until_the_container_ends(elbow, ns):
    create(elbow, ns, pod("followed"))
    elbow.kubectl("wait", "-n", ns, "pod/followed", "--for=condition=Ready", "--timeout=20s")
    follower = subprocess.Popen(
        ["kubectl", "--kubeconfig", elbow.kubeconfig, "logs", "-f", "-n", ns, "followed"],
        stdout=subprocess.PIPE, text=True)
    first = follower.stdout.readline()
    assert "[notice]" in first
    elbow.kubectl("delete", "-n", ns, "pod", "followed")
    rest, _ = follower.communicate(timeout=20)
    assert follower.returncode == 0


@pytest.mark.parametrize("query, words", [
    ("container=x", "container x is not valid for pod web"),
    ("previous=true", 'previous terminated container "main" in pod "web" not found'),
    ("tailLines=-1", 'The PodLogOptions "web" is invalid: tailLines: Invalid value: -1: '
                     "must be greater than or equal to 0"),
    ("limitBytes=0", 'The PodLogOptions "web" is invalid: limitBytes: Invalid value: 0: '
                     "must be greater than 0"),
    ("sinceSeconds=1&sinceTime=2020-01-01T00:00:00Z", "sinceSeconds: Forbidden: at most one of "
     "`sinceTime` or `sinceSeconds` may be specified"),
])
def test_logs_refused(elbow, ns, web, query, words):
    assert words in raw(elbow, f"/api/v1/namespaces/{ns}/pods/{web}/log?{query}")


def test_logs_of_a_pod_that_cannot_start(elbow, ns):
    two = pod("two", image="no-such-image:1")
    two["spec"]["containers"].append({"name": "other", "image": "no-such-image:2"})
    create(elbow, ns, two)
    path = f"/api/v1/namespaces/{ns}/pods/two/log"
    assert "a container name must be specified for pod two, choose one of: [main other]" in \
        raw(elbow, path)
    wait_for(lambda: 'container "other" in pod "two" is waiting to start: ' in
             raw(elbow, path + "?container=other"))
    wait_for(lambda: "trying and failing to pull image" in raw(elbow, path + "?container=other"))


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_tokens(elbow, ns, web):
    path = f"/api/v1/namespaces/{ns}/serviceaccounts/default/token"
    wait_for(lambda: not isinstance(
        raw(elbow, f"/api/v1/namespaces/{ns}/serviceaccounts/default"), str))
    answer = raw(elbow, path, {"spec": {"expirationSeconds": 600, "audiences": ["me"]}})
    assert answer["kind"] == "TokenRequest" and answer["spec"]["expirationSeconds"] == 600
    got = claims(answer["status"]["token"])
    assert got["aud"] == ["me"] and got["exp"] - got["iat"] == 600
    assert got["sub"] == f"system:serviceaccount:{ns}:default"
    assert got["kubernetes.io"]["namespace"] == ns
    usable = raw(elbow, path, {"spec": {}})["status"]["token"]
    done = elbow.kubectl("--token", usable, "get", "--raw", "/apis", check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("spec, words", [
    ({"expirationSeconds": 60}, "spec.expirationSeconds: Invalid value: 60: may not specify a "
                                "duration less than 10 minutes"),
    ({"boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "none"}},
     'pods "none" not found'),
    ({"boundObjectRef": {"apiVersion": "v1", "kind": "Service", "name": "none"}},
     "cannot bind token to object of type v1, Kind=Service"),
])
def test_tokens_refused(elbow, ns, spec, words):
    assert words in raw(elbow, f"/api/v1/namespaces/{ns}/serviceaccounts/default/token",
                        {"spec": spec})


def test_a_bound_token_dies_with_its_pod(elbow, ns):
    create(elbow, ns, pod("bound", serviceAccountName="default"))
    path = f"/api/v1/namespaces/{ns}/serviceaccounts/default/token"
    token = raw(elbow, path, {"spec": {"boundObjectRef": {
        "apiVersion": "v1", "kind": "Pod", "name": "bound"}}})["status"]["token"]
    bearer = ["--token", token, "get", "--raw", "/apis"]
    flags = ["--server", elbow.ready["kubernetes"][0]["server"], "--insecure-skip-tls-verify"]
    done = subprocess.run(["kubectl", "--kubeconfig", "/dev/null", *flags, *bearer],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    elbow.kubectl("delete", "-n", ns, "pod", "bound")
    done = subprocess.run(["kubectl", "--kubeconfig", "/dev/null", *flags, *bearer],
                          capture_output=True, text=True)
    assert done.returncode != 0 and "You must be logged in" in done.stderr


def test_eviction_asks_the_budget(elbow, ns):
    create(elbow, ns, deployment("guarded", 1))
    elbow.kubectl("wait", "-n", ns, "deployment/guarded", "--for=condition=Available",
                  "--timeout=20s")
    create(elbow, ns, {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
                       "metadata": {"name": "guard"}, "spec": {
                           "minAvailable": 1, "selector": {"matchLabels": {"app": "guarded"}}}})
    name = elbow.kubectl("get", "pods", "-n", ns, "-l", "app=guarded", "-o",
                         "jsonpath={.items[0].metadata.name}").stdout
    path = f"/api/v1/namespaces/{ns}/pods/{name}/eviction"
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    refused = raw(elbow, path, body)
    assert "Cannot evict pod as it would violate the pod's disruption budget." in refused
    elbow.kubectl("delete", "-n", ns, "pdb", "guard")
    assert raw(elbow, path, body) == {"kind": "Status", "apiVersion": "v1", "metadata": {},
                                      "status": "Success", "code": 201}


def test_binding_happens_once(elbow, ns, web):
    answer = raw(elbow, f"/api/v1/namespaces/{ns}/pods/{web}/binding",
                 {"target": {"kind": "Node", "name": "elsewhere"}})
    assert 'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to ' \
        'node "ip-' in answer
    answer = raw(elbow, f"/api/v1/namespaces/{ns}/pods/{web}/binding", {"target": {}})
    assert 'The Binding "web" is invalid: target.name: Required value' in answer


def test_debug_says_what_is_missing(elbow, ns, web):
    """kubectl looks into the details of a 404, and falls over where there are none."""
    done = elbow.kubectl("debug", "-n", ns, web, "--image=busybox", "--", "sh", check=False)
    assert "error: ephemeral containers are disabled for this cluster" in done.stderr
