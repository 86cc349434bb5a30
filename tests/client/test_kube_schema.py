"""Bodies, patches, apply and OpenAPI, as real kubectls see them."""
import json
import pathlib
import shutil
import subprocess
import urllib.error
import urllib.request

import pytest

from conftest import TUTORIAL, clean_environment, newer_kubectl
from kube_objects import raw

pytestmark = pytest.mark.usefixtures("need_kubectl")

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {a: b}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: c
        image: nginx:1.7.9
        ports: [{containerPort: 80}]
        env: [{name: A, value: "1"}, {name: B, value: "2"}]
"""


@pytest.fixture
def space(elbow, request):
    """kubectl in a namespace of the test's own: space('get', 'pods')."""
    name = "schema-" + request.node.name.replace("_", "-").split("[")[0][:50].strip("-")
    elbow.kubectl("create", "namespace", name)

    def run(*arguments, **how):
        return elbow.kubectl("-n", name, *arguments, **how)

    run.elbow, run.name = elbow, name
    run.json = lambda *arguments: json.loads(run(*arguments, "-o", "json").stdout)
    yield run
    elbow.kubectl("delete", "namespace", name, "--wait=false")


def owners(thing):
    return {(e["manager"], e["operation"], e.get("subresource", "")): e["fieldsV1"]
            for e in thing["metadata"].get("managedFields", [])}


def post(elbow, path, body, content_type):
    """A request with kubectl's identity and a body of any kind: (status, answer)."""
    proxy = subprocess.Popen(["kubectl", "--kubeconfig", elbow.kubeconfig, "proxy", "--port=0"],
                             stdout=subprocess.PIPE, text=True,
                             env={**clean_environment(), "HOME": str(elbow.folder)})
    try:
        port = proxy.stdout.readline().rsplit(":", 1)[1].strip()
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body.encode(), method="POST",
                                         headers={"Content-Type": content_type})
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(request, timeout=20)
        return refusal.value.code, json.loads(refusal.value.read())
    finally:
        proxy.terminate()
        proxy.wait(10)


# --- apply -----------------------------------------------------------------------------------


def test_applying_twice_changes_nothing(space):
    for file in ("deployment.yml", "service.yml"):
        text = (TUTORIAL / file).read_text().replace('namespace: "sample"', f"namespace: {space.name}")
        assert "created" in space("apply", "-f", "-", stdin=text).stdout
        assert "unchanged" in space("apply", "-f", "-", stdin=text).stdout
        assert space("diff", "-f", "-", stdin=text).stdout == ""


@newer_kubectl
def test_a_misspelt_field_is_refused_by_name(space):
    wrong = DEPLOYMENT.replace("replicas", "replicaz").replace("image:", "imag:")
    done = space("apply", "-f", "-", stdin=wrong, check=False)
    assert done.returncode != 0
    assert ('Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '
            'unknown field "spec.replicaz", unknown field "spec.template.spec.containers[0].imag"'
            ) in done.stderr
    space("apply", "-f", "-", stdin=DEPLOYMENT)
    done = space("apply", "-f", "-", stdin=DEPLOYMENT.replace("replicas", "replicaz"), check=False)
    assert 'strict decoding error: unknown field "spec.replicaz"' in done.stderr
    done = space("apply", "--validate=false", "-f", "-", stdin=wrong.replace("imag:", "image:"))
    assert done.returncode == 0


@newer_kubectl
def test_a_wrong_type_is_told(space):
    done = space("create", "-f", "-", stdin=DEPLOYMENT.replace("replicas: 1", "replicas: two"), check=False)
    assert ("json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
            ) in done.stderr


def test_an_old_kubectl_validates_by_the_definitions(space, tmp_path):
    old = pathlib.Path(shutil.which("kubectl-1.20") or "/usr/lib/elbow-tests/kubectl-1.20")
    if not old.exists():
        pytest.skip("no kubectl 1.20 on this machine")
    done = subprocess.run([old, "--kubeconfig", space.elbow.kubeconfig, "apply", "-n", space.name, "-f", "-"],
                          input=DEPLOYMENT.replace("replicas", "replicaz"), capture_output=True, text=True,
                          env={**clean_environment(), "HOME": str(tmp_path)})
    assert 'unknown field "replicaz" in io.k8s.api.apps.v1.DeploymentSpec' in done.stderr


def test_what_kubectl_makes_itself_comes_in_protobuf(space):
    space("create", "configmap", "c", "--from-literal=a=b")
    space("create", "secret", "generic", "s", "--from-literal=a=b")
    space("create", "deployment", "d", "--image=nginx:1.7.9", "--replicas=0")
    space("create", "ingress", "i", "--rule=example.com/=svc:80")
    assert space.json("get", "configmap", "c")["data"] == {"a": "b"}
    assert space.json("get", "secret", "s")["data"] == {"a": "Yg=="}
    spec = space.json("get", "deployment", "d")["spec"]
    assert spec["replicas"] == 0 and spec["strategy"]["rollingUpdate"]["maxSurge"] == "25%"
    assert spec["template"]["spec"]["containers"][0]["terminationMessagePath"] == "/dev/termination-log"
    assert space.json("get", "ingress", "i")["spec"]["rules"][0]["http"]["paths"][0]["backend"] == {
        "service": {"name": "svc", "port": {"number": 80}}}


def test_a_dry_run_shows_what_would_be(space):
    text = space("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=DEPLOYMENT).stdout
    made = json.loads(text)
    assert made["spec"]["progressDeadlineSeconds"] == 600 and made["metadata"]["uid"]
    assert space("get", "deployment", "web", check=False).returncode != 0


# --- patches -----------------------------------------------------------------------------------


def test_patches_of_three_kinds(space):
    space("create", "-f", "-", stdin=DEPLOYMENT)
    space("patch", "deployment", "web", "-p",
          '{"spec":{"template":{"spec":{"containers":[{"name":"c","env":[{"name":"B","value":"3"}]}]}}}}')
    container = space.json("get", "deployment", "web")["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "nginx:1.7.9"
    assert {e["name"]: e["value"] for e in container["env"]} == {"A": "1", "B": "3"}
    space("patch", "deployment", "web", "--type=json", "-p",
          '[{"op":"add","path":"/spec/template/spec/containers/0/env/0","value":{"name":"Z","value":"0"}}]')
    space("patch", "deployment", "web", "--type=merge", "-p", '{"metadata":{"labels":{"a":null,"c":"d"}}}')
    now = space.json("get", "deployment", "web")
    assert [e["name"] for e in now["spec"]["template"]["spec"]["containers"][0]["env"]][0] == "Z"
    assert now["metadata"]["labels"] == {"c": "d"}


def test_a_wrong_patch_is_told(space):
    space("create", "-f", "-", stdin=DEPLOYMENT)
    done = space("patch", "deployment", "web", "-p", '{"spec":{"foo":1}}')
    assert 'Warning: unknown field "spec.foo"' in done.stderr and "(no change)" in done.stdout
    done = space("patch", "deployment", "web", "-p", '{"spec":{"replicas":"x"}}', check=False)
    assert done.returncode != 0 and "spec.replicas of type int32" in done.stderr
    done = space("patch", "deployment", "web", "-p",
                 '{"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}}', check=False)
    assert "map: map[image:x] does not contain declared merge key: name" in done.stderr


# --- bodies that are none ---------------------------------------------------------------------------


BROKEN = {
    "no JSON": ("hello", "application/json", 400,
                "couldn't get version/kind; json parse error: invalid character 'h'"),
    "a media type nobody reads": ("{}", "application/cbor", 415,
                                  "the body of the request was in an unknown format"),
    "no protobuf": ("{}", "application/vnd.kubernetes.protobuf", 400,
                    "does not appear to be a protobuf message"),
    "no YAML": ("a: b: c", "application/yaml", 400,
                "yaml: mapping values are not allowed in this context"),
    "another kind": ('{"apiVersion":"v1","kind":"Pod"}', "application/json", 400,
                     "converting (v1.Pod) to (core.ConfigMap): unknown conversion"),
    "an unknown kind": ('{"apiVersion":"v1","kind":"Frob"}', "application/json", 400,
                        'no kind "Frob" is registered for version "v1" in scheme'),
    "deep nesting": ("[" * 100000, "application/json", 400, "exceeded max depth"),
    "too much": ('{"data":{"a":"' + "x" * 3145728 + '"}}', "application/json", 413, "too large"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_bodies(elbow, case):
    body, content_type, status, message = BROKEN[case]
    got, answer = post(elbow, "/api/v1/namespaces/default/configmaps", body, content_type)
    assert (got, answer["kind"], answer["code"]) == (status, "Status", status)
    assert message in answer["message"]


# --- server-side apply ---------------------------------------------------------------------------------


def test_applying_on_the_server_owns_fields(space):
    def apply(text=DEPLOYMENT, *flags, **how):
        return space("apply", "--server-side", *flags, "-f", "-", stdin=text, **how)

    assert "serverside-applied" in apply().stdout
    first = raw(space.elbow, f"/apis/apps/v1/namespaces/{space.name}/deployments/web")
    assert owners(first)["kubectl", "Apply", ""]["f:spec"]["f:template"]["f:spec"]["f:containers"] == {
        'k:{"name":"c"}': {
            ".": {}, "f:name": {}, "f:image": {},
            "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
            "f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}},
                      'k:{"name":"B"}': {".": {}, "f:name": {}, "f:value": {}}}}}
    assert "f:name" not in owners(first)["kubectl", "Apply", ""]["f:metadata"]

    apply(DEPLOYMENT.replace(', {name: B, value: "2"}', "").replace("{a: b}", "{c: d}"))
    now = space.json("get", "deployment", "web")
    assert now["metadata"]["labels"] == {"c": "d"}
    assert now["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "A", "value": "1"}]

    space("scale", "deployment", "web", "--replicas=3")
    done = apply(check=False)
    assert done.returncode != 0
    assert ('Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: '
            ".spec.replicas") in done.stderr
    apply(DEPLOYMENT, "--force-conflicts")
    assert space.json("get", "deployment", "web")["spec"]["replicas"] == 1


def test_two_appliers_share_an_object(space):
    cm = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {%s}\n"
    space("apply", "--server-side", "--field-manager=one", "-f", "-", stdin=cm % "a: '1', both: x")
    space("apply", "--server-side", "--field-manager=two", "-f", "-", stdin=cm % "b: '2', both: x")
    assert space.json("get", "configmap", "c")["data"] == {"a": "1", "b": "2", "both": "x"}
    done = space("apply", "--server-side", "--field-manager=two", "-f", "-", stdin=cm % "b: '2', both: z",
                 check=False)
    assert 'conflict with "one": .data.both' in done.stderr
    space("apply", "--server-side", "--field-manager=one", "-f", "-", stdin=cm % "")
    assert space.json("get", "configmap", "c")["data"] == {"b": "2", "both": "x"}


def test_a_no_op_apply_keeps_the_version(space):
    cm = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n"
    space("apply", "--server-side", "-f", "-", stdin=cm)
    before = space.json("get", "configmap", "c")["metadata"]["resourceVersion"]
    space("apply", "--server-side", "-f", "-", stdin=cm)
    assert space.json("get", "configmap", "c")["metadata"]["resourceVersion"] == before


@newer_kubectl
def test_what_does_not_fit_is_told_with_its_path(space):
    done = space("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT.replace("replicas: 1", "replicas: x"),
                 check=False)
    assert (f"failed to create typed patch object ({space.name}/web; apps/v1, Kind=Deployment): "
            ".spec.replicas: expected numeric (int or float), got string") in done.stderr
    done = space("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT.replace("image:", "imag:"), check=False)
    assert '.spec.template.spec.containers[name="c"].imag: field not declared in schema' in done.stderr


@newer_kubectl
def test_applying_moves_from_the_client_to_the_server(space):
    space("apply", "-f", "-", stdin=DEPLOYMENT)
    space("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT.replace("replicas: 1", "replicas: 2"))
    now = raw(space.elbow, f"/apis/apps/v1/namespaces/{space.name}/deployments/web")
    assert now["spec"]["replicas"] == 2
    assert ("kubectl", "Apply", "") in owners(now)
    assert ("kubectl-client-side-apply", "Update", "") not in owners(now)


# --- OpenAPI ---------------------------------------------------------------------------------------------


@newer_kubectl
def test_explain_reads_the_schemas(elbow):
    text = elbow.kubectl("explain", "ingress", "--recursive").stdout
    for field in ("ingressClassName\t<string>", "pathType\t<string>", "port\t<ServiceBackendPort>",
                  "loadBalancer\t<IngressLoadBalancerStatus>"):
        assert field in text
    assert "enum: Recreate, RollingUpdate" in elbow.kubectl("explain", "deployment.spec.strategy").stdout


def test_every_reference_leads_somewhere(elbow):
    root = json.loads(elbow.kubectl("get", "--raw", "/openapi/v3").stdout)
    assert {"api/v1", "apis/apps/v1", "apis/networking.k8s.io/v1", "apis/extensions/v1beta1"} <= set(root["paths"])

    def references(tree):
        if isinstance(tree, dict):
            yield from (v for k, v in tree.items() if k == "$ref" and isinstance(v, str))
            tree = tree.values()
        elif not isinstance(tree, list):
            return
        for item in tree:
            yield from references(item)

    for name, path in root["paths"].items():
        document = json.loads(elbow.kubectl("get", "--raw", path["serverRelativeURL"]).stdout)
        schemas = document["components"]["schemas"]
        missing = {r for r in references(document) if r.removeprefix("#/components/schemas/") not in schemas}
        assert not missing, (name, missing)
        identities = [o["operationId"] for p in document["paths"].values() for o in p.values()
                      if isinstance(o, dict)]
        assert len(identities) == len(set(identities)), name
    swagger = json.loads(elbow.kubectl("get", "--raw", "/openapi/v2").stdout)
    missing = {r for r in references(swagger) if r.removeprefix("#/definitions/") not in swagger["definitions"]}
    assert not missing, missing
    patch = swagger["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert {"fieldValidation", "dryRun", "force"} <= {p["name"] for p in patch["parameters"]}
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
