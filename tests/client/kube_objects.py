"""Small Kubernetes objects for client tests, and a namespace of a test's own."""
import contextlib
import itertools
import json

counter = itertools.count(1)


def pod(name, image="nginx:1.7.9", labels=None, **spec):
    """A Pod with one container."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels or {}},
            "spec": {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst",
                     "terminationGracePeriodSeconds": 1,
                     "containers": [{"name": "main", "image": image,
                                     "ports": [{"containerPort": 80}]}], **spec}}


def deployment(name, replicas=1, image="nginx:1.7.9"):
    template = pod(name, image, {"app": name})
    del template["apiVersion"], template["kind"], template["metadata"]["name"]
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                     "template": template}}


def create(elbow, ns, *objects):
    """Creates objects in a namespace, as they are: without client-side validation."""
    for one in objects:
        elbow.kubectl("create", "--validate=false", "-n", ns, "-f", "-", stdin=json.dumps(one))


@contextlib.contextmanager
def namespace(elbow, prefix="kube"):
    """A namespace that nobody else uses, deleted in the end."""
    name = f"{prefix}-{next(counter)}"
    elbow.kubectl("create", "-f", "-", "--validate=false", stdin=json.dumps(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
    try:
        yield name
    finally:
        elbow.kubectl("delete", "namespace", name)


def raw(elbow, path, body=None):
    """GET (or POST with @body) through kubectl --raw; the parsed answer, or the error's text."""
    flags = ["get", "--raw", path] if body is None else ["create", "--raw", path, "-f", "-"]
    done = elbow.kubectl(*flags, stdin=None if body is None else json.dumps(body), check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def account_token(elbow, ns, name, audience=None):
    """A token of a service account, asked for as `kubectl create token` does."""
    spec = {"audiences": [audience]} if audience else {}
    return raw(elbow, f"/api/v1/namespaces/{ns}/serviceaccounts/{name}/token",
               {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec})["status"]["token"]


def put_status(elbow, path, status):
    """Lays @status over that of the object at @path, through its status subresource."""
    now = raw(elbow, path)
    now.setdefault("status", {}).update(status)
    elbow.kubectl("replace", "--raw", f"{path}/status", "-f", "-", stdin=json.dumps(now))
