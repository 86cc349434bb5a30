"""What kubectl get prints: the server's tables."""
import json
import re

import pytest
from conftest import wait_for
from kube_objects import create, deployment, namespace, pod, put_status

pytestmark = pytest.mark.usefixtures("need_kubectl")


@pytest.fixture(scope="module")
def ns(elbow):
    with namespace(elbow, "tables") as name:
        create(elbow, name, deployment("web", 2), *objects(name))
        elbow.kubectl("wait", "-n", name, "deployment/web", "--for=condition=Available",
                      "--timeout=30s")
        wait_for(lambda: elbow.kubectl("get", "sa", "default", "-n", name, check=False)
                 .returncode == 0)
        yield name


def meta(name, **more):
    return {"name": name, **more}


def objects(ns):
    def of(version, kind, name, **body):
        return {"apiVersion": version, "kind": kind, "metadata": meta(name), **body}

    port = {"protocol": "TCP", "port": 80, "targetPort": 80}
    path = {"path": "/", "pathType": "Prefix",
            "backend": {"service": {"name": "web", "port": {"number": 80}}}}
    template = {"metadata": {"labels": {"app": "x"}},
                "spec": {"restartPolicy": "Never",
                         "containers": [{"name": "a", "image": "nginx:1"},
                                        {"name": "b", "image": "nginx:2"}]}}
    return [
        of("v1", "Service", "web", spec={"type": "NodePort", "selector": {"app": "web"},
                                         "ports": [{**port, "nodePort": 31234}]}),
        of("v1", "Service", "headless", spec={"type": "ClusterIP", "clusterIP": "None",
                                              "ports": [{**port, "name": "a"},
                                                        {**port, "name": "b", "port": 81}]}),
        of("v1", "Service", "lb", spec={"type": "LoadBalancer", "loadBalancerClass": "x/y",
                                        "ports": [{**port, "nodePort": 31235}]}),
        of("v1", "Service", "alias", spec={"type": "ExternalName", "externalName": "example.com"}),
        of("networking.k8s.io/v1", "Ingress", "many", spec={
            "ingressClassName": "alb", "tls": [{"hosts": ["a"]}],
            "rules": [{"host": f"{c}.example.com", "http": {"paths": [path]}} for c in "abcde"]}),
        of("networking.k8s.io/v1", "Ingress", "any", spec={"rules": [{"http": {"paths": [path]}}]}),
        of("v1", "ConfigMap", "config", data={"a": "1", "b": "2"}, binaryData={"c": "AA=="}),
        of("v1", "Secret", "secret", type="Opaque", data={"a": "MQ=="}),
        of("rbac.authorization.k8s.io/v1", "Role", "reader", rules=[]),
        of("rbac.authorization.k8s.io/v1", "RoleBinding", "readers", roleRef={
            "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}, subjects=[
            {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "jane"},
            {"kind": "ServiceAccount", "namespace": ns, "name": "default"}]),
        of("batch/v1", "CronJob", "nightly", spec={
            "schedule": "0 3 * * *", "suspend": True,
            "jobTemplate": {"spec": {"template": template}}}),
        of("apps/v1", "DaemonSet", "agents", spec={
            "selector": {"matchLabels": {"app": "x"}},
            "template": {**template, "spec": {**template["spec"], "restartPolicy": "Always",
                                              "nodeSelector": {"never": "here"}}}}),
        of("policy/v1", "PodDisruptionBudget", "budget", spec={
            "maxUnavailable": "50%", "selector": {"matchLabels": {"app": "web"}}}),
        of("coordination.k8s.io/v1", "Lease", "lease", spec={"holderIdentity": "me"}),
        of("networking.k8s.io/v1", "NetworkPolicy", "deny", spec={"podSelector": {}}),
        of("v1", "PersistentVolumeClaim", "claim", spec={
            "accessModes": ["ReadWriteOnce", "ReadWriteMany"], "volumeMode": "Filesystem",
            "resources": {"requests": {"storage": "1Gi"}}}),
    ]


def rows(text):
    """The lines of a table as lists of cells; columns are parted by at least two spaces."""
    return [re.split(r" {2,}", line.strip()) for line in text.splitlines()]


def get(elbow, ns, *what):
    return rows(elbow.kubectl("get", "-n", ns, *what).stdout)


AGE = re.compile(r"(\d+[smh])+")


@pytest.mark.parametrize("what, head, cells", [
    ("deployment/web", "NAME READY UP-TO-DATE AVAILABLE AGE", ["web", "2/2", "2", "2", AGE]),
    ("service/web", "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE",
     ["web", "NodePort", re.compile(r"10\.100\.\d+\.\d+"), "<none>", "80:31234/TCP", AGE]),
    ("service/headless", None, ["headless", "ClusterIP", "None", "<none>", "80/TCP,81/TCP", AGE]),
    ("service/lb", None, ["lb", "LoadBalancer", re.compile("10.*"), "<pending>", "80:31235/TCP",
                          AGE]),
    ("service/alias", None, ["alias", "ExternalName", "<none>", "example.com", "<none>", AGE]),
    ("configmap/config", "NAME DATA AGE", ["config", "3", AGE]),
    ("secret/secret", "NAME TYPE DATA AGE", ["secret", "Opaque", "1", AGE]),
    ("serviceaccount/default", "NAME SECRETS AGE", ["default", "0", AGE]),
    ("role/reader", "NAME|CREATED AT", ["reader", re.compile(r"\d{4}-\d\d-\d\dT.*Z")]),
    ("rolebinding/readers", "NAME ROLE AGE", ["readers", "Role/reader", AGE]),
    ("lease/lease", "NAME HOLDER AGE", ["lease", "me", AGE]),
    ("pdb/budget", "NAME|MIN AVAILABLE|MAX UNAVAILABLE|ALLOWED DISRUPTIONS|AGE",
     ["budget", "N/A", "50%", "0", AGE]),
    ("netpol/deny", "NAME POD-SELECTOR AGE", ["deny", "<none>", AGE]),
    ("daemonset/agents", "NAME|DESIRED|CURRENT|READY|UP-TO-DATE|AVAILABLE|NODE SELECTOR|AGE",
     ["agents", "0", "0", "0", "0", "0", "never=here", AGE]),
    ("namespace/default", "NAME STATUS AGE", ["default", "Active", AGE]),
])
def test_a_row(elbow, ns, what, head, cells):
    got_head, got = get(elbow, ns, what)
    if head:
        assert got_head == (head.split("|") if "|" in head else head.split())
    assert len(got) == len(cells)
    for have, want in zip(got, cells):
        assert want.fullmatch(have) if isinstance(want, re.Pattern) else have == want


def test_ingresses(elbow, ns):
    text = elbow.kubectl("get", "ingress", "-n", ns).stdout
    head, any_row, many = text.splitlines()
    assert re.fullmatch(r"any +(<none> +)?\* +80 +\d+[ms]", any_row)
    assert re.fullmatch(r"many +(alb +)?a.example.com,b.example.com,c.example.com \+ 2 more... +"
                        r"80, 443 +\d+[ms]", many)
    assert [w for w in head.split() if w != "CLASS"] == ["NAME", "HOSTS", "ADDRESS", "PORTS", "AGE"]
    put_status(elbow, f"/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses/any", {"loadBalancer": {"ingress": [
        {"hostname": "a-very-long-name-of-a-load-balancer.elb.localhost"}]}})
    assert "a-very-long-name-of-a-load-balancer.elb.localhost" in \
        elbow.kubectl("get", "ingress/any", "-n", ns).stdout


def test_pods_wide(elbow, ns):
    head, *pods = get(elbow, ns, "pods", "-o", "wide", "-l", "app=web")
    assert head == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE", "NOMINATED NODE",
                    "READINESS GATES"]
    assert len(pods) == 2
    for name, ready, status, restarts, age, ip, node, nominated, gates in pods:
        assert (ready, status, restarts, nominated, gates) == ("1/1", "Running", "0", "<none>",
                                                              "<none>")
        assert ip.startswith("192.168.") and node.startswith("ip-192-168-")


def test_deployments_wide(elbow, ns):
    head, row = get(elbow, ns, "deployment", "-o", "wide")
    assert head[5:] == ["CONTAINERS", "IMAGES", "SELECTOR"]
    assert row[5:] == ["main", "nginx:1.7.9", "app=web"]


def test_endpoints(elbow, ns):
    ips = sorted(r[5] for r in get(elbow, ns, "pods", "-o", "wide", "-l", "app=web")[1:])
    wait_for(lambda: len(get(elbow, ns, "endpoints/web")[1][1].split(",")) == 2)
    assert sorted(get(elbow, ns, "endpoints/web")[1][1].split(",")) == [f"{i}:80" for i in ips]
    text = elbow.kubectl("get", "endpointslices", "-n", ns, "-l",
                         "kubernetes.io/service-name=web").stdout
    assert "IPv4" in text and ips[0] in text


def test_nodes_wide(elbow):
    head, *nodes = rows(elbow.kubectl("get", "nodes", "-o", "wide").stdout)
    assert head == ["NAME", "STATUS", "ROLES", "AGE", "VERSION", "INTERNAL-IP", "EXTERNAL-IP",
                    "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"]
    assert len(nodes) == 2
    for node in nodes:
        assert node[1:3] == ["Ready", "<none>"] and node[5].startswith("192.168.")


def test_events(elbow, ns):
    head, *events = get(elbow, ns, "events")
    assert head == ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert any(e[1:4] == ["Normal", "ScalingReplicaSet", "deployment/web"] for e in events)


def status_of(elbow, ns, name, status):
    """What kubectl shows for a pod in a state of our making."""
    one = pod(name, schedulerName="nobody")
    create(elbow, ns, one)
    put_status(elbow, f"/api/v1/namespaces/{ns}/pods/{name}", status)
    cells = get(elbow, ns, f"pod/{name}")[1]
    elbow.kubectl("delete", "pod", name, "-n", ns, "--force", "--grace-period=0")
    return cells[1:4]


@pytest.mark.parametrize("label, status, want", [
    ("crash", {"phase": "Running", "containerStatuses": [
        {"name": "main", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]},
     ["0/1", "CrashLoopBackOff", "3"]),
    ("exit", {"phase": "Failed", "containerStatuses": [
        {"name": "main", "restartCount": 0, "state": {"terminated": {"exitCode": 3}}}]},
     ["0/1", "ExitCode:3", "0"]),
    ("done", {"phase": "Succeeded", "containerStatuses": [
        {"name": "main", "restartCount": 0,
         "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]},
     ["0/1", "Completed", "0"]),
    ("lost", {"phase": "Failed", "reason": "Evicted"}, ["0/1", "Evicted", "0"]),
    ("init", {"phase": "Pending", "initContainerStatuses": [
        {"name": "i", "restartCount": 1, "state": {"terminated": {"exitCode": 1,
                                                                 "reason": "Error"}}}]},
     ["0/1", "Init:Error", "1"]),
    ("waiting", {"phase": "Pending", "initContainerStatuses": [
        {"name": "i", "restartCount": 0, "state": {"running": {}}}]}, ["0/1", "Init:0/0", "0"]),
])
def test_the_status_of_a_pod(elbow, ns, label, status, want):
    assert status_of(elbow, ns, f"state-{label}", status) == want


def test_a_watch_of_a_table(elbow, ns):
    text = elbow.kubectl("get", "deployment", "web", "-n", ns, "-w", "--request-timeout=1s",
                         check=False).stdout
    assert text.splitlines()[0].split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]


def test_everything(elbow):
    text = elbow.kubectl("get", "all", "-A").stdout
    assert "service/kubernetes" in text and "No resources" not in text
