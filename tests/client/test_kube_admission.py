"""What the API server adds to objects before it keeps them."""
import json

import pytest
from conftest import wait_for
from kube_objects import create, namespace, pod

pytestmark = pytest.mark.usefixtures("need_kubectl")
ROLE = "arn:aws:iam::123456789012:role/app"


@pytest.fixture(scope="module")
def ns(elbow):
    with namespace(elbow, "admission") as name:
        wait_for(lambda: elbow.kubectl("get", "sa", "default", "-n", name, check=False)
                 .returncode == 0)
        yield name


def made(elbow, ns, document):
    """The object as the server keeps it, without keeping it."""
    done = elbow.kubectl("create", "--validate=false", "--dry-run=server", "-n", ns, "-o", "json",
                         "-f", "-", stdin=json.dumps(document))
    return json.loads(done.stdout)


def refusal(elbow, ns, document):
    done = elbow.kubectl("create", "--validate=false", "-n", ns, "-f", "-",
                         stdin=json.dumps(document), check=False)
    assert done.returncode != 0, done.stdout
    return done.stderr


def test_every_pod_has_an_account_and_its_token(elbow, ns):
    spec = made(elbow, ns, pod("plain"))["spec"]
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "default"
    volume, = spec["volumes"]
    assert volume["name"].startswith("kube-api-access-") and len(volume["name"]) == 21
    sources = volume["projected"]["sources"]
    assert sources[0] == {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}
    assert sources[1]["configMap"]["name"] == "kube-root-ca.crt"
    assert sources[2]["downwardAPI"]["items"][0]["fieldRef"]["fieldPath"] == "metadata.namespace"
    assert volume["projected"]["defaultMode"] == 420
    assert spec["containers"][0]["volumeMounts"] == [
        {"name": volume["name"], "readOnly": True,
         "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]


def test_no_token_where_none_is_wanted(elbow, ns):
    create(elbow, ns, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "quiet"},
                       "automountServiceAccountToken": False,
                       "imagePullSecrets": [{"name": "registry"}]})
    spec = made(elbow, ns, pod("quiet", serviceAccountName="quiet"))["spec"]
    assert "volumes" not in spec and spec["imagePullSecrets"] == [{"name": "registry"}]
    spec = made(elbow, ns, pod("loud", serviceAccountName="quiet",
                               automountServiceAccountToken=True))["spec"]
    assert spec["volumes"][0]["name"].startswith("kube-api-access-")
    spec = made(elbow, ns, pod("plain", automountServiceAccountToken=False))["spec"]
    assert "volumes" not in spec


def test_a_mount_of_ones_own_is_left_alone(elbow, ns):
    own = pod("own")
    own["spec"]["containers"][0]["volumeMounts"] = [
        {"name": "mine", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]
    own["spec"]["volumes"] = [{"name": "mine", "emptyDir": {}}]
    assert [v["name"] for v in made(elbow, ns, own)["spec"]["volumes"]] == ["mine"]


def test_an_account_that_is_missing(elbow, ns):
    assert f'pods "x" is forbidden: error looking up service account {ns}/none: serviceaccount ' \
        '"none" not found' in refusal(elbow, ns, pod("x", serviceAccountName="none"))


def test_priority(elbow, ns):
    spec = made(elbow, ns, pod("p"))["spec"]
    assert spec["priority"] == 0 and spec["preemptionPolicy"] == "PreemptLowerPriority"
    spec = made(elbow, ns, pod("p", priorityClassName="system-node-critical"))["spec"]
    assert spec["priority"] == 2000001000
    assert 'pods "p" is forbidden: no PriorityClass with name none was found' in \
        refusal(elbow, ns, pod("p", priorityClassName="none"))
    assert "the integer value of priority (7) must not be provided in pod spec; priority admission " \
        "controller computed 0 from the given PriorityClass name" in \
        refusal(elbow, ns, pod("p", priority=7))


def test_tolerations(elbow, ns):
    def keys(**spec):
        return [(t.get("key"), t.get("tolerationSeconds"))
                for t in made(elbow, ns, pod("t", **spec))["spec"]["tolerations"]]

    both = [("node.kubernetes.io/not-ready", 300), ("node.kubernetes.io/unreachable", 300)]
    assert keys() == both
    assert keys(tolerations=[{"operator": "Exists"}]) == [(None, None)]
    assert keys(tolerations=[{"key": "node.kubernetes.io/unreachable", "operator": "Exists",
                              "effect": "NoExecute", "tolerationSeconds": 5}]) == \
        [("node.kubernetes.io/unreachable", 5), both[0]]


def annotated(name, **notes):
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
        "name": name, "annotations": {f"eks.amazonaws.com/{k.replace('_', '-')}": v
                                      for k, v in notes.items()}}}


def test_a_role_for_the_account(elbow, ns):
    create(elbow, ns, annotated("role", role_arn=ROLE))
    spec = made(elbow, ns, pod("r", serviceAccountName="role"))["spec"]
    container, = spec["containers"]
    env = {e["name"]: e["value"] for e in container["env"]}
    token = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"
    assert env["AWS_ROLE_ARN"] == ROLE and env["AWS_WEB_IDENTITY_TOKEN_FILE"] == token
    assert env["AWS_REGION"] == env["AWS_DEFAULT_REGION"] == "ap-northeast-1"
    assert [e["name"] for e in container["env"]][-2:] == ["AWS_ROLE_ARN",
                                                         "AWS_WEB_IDENTITY_TOKEN_FILE"]
    assert spec["volumes"][0] == {"name": "aws-iam-token", "projected": {
        "defaultMode": 420, "sources": [{"serviceAccountToken": {
            "audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"}}]}}
    assert container["volumeMounts"][-1] == {
        "name": "aws-iam-token", "readOnly": True,
        "mountPath": "/var/run/secrets/eks.amazonaws.com/serviceaccount"}


def test_the_annotations_of_a_role(elbow, ns):
    create(elbow, ns, annotated("tuned", role_arn=ROLE, audience="me", token_expiration="60",
                                sts_regional_endpoints="true"))
    two = pod("tuned", serviceAccountName="tuned")
    two["metadata"]["annotations"] = {"eks.amazonaws.com/skip-containers": "side"}
    two["spec"]["containers"][0]["env"] = [{"name": "AWS_REGION", "value": "eu-west-1"}]
    two["spec"]["containers"].append({"name": "side", "image": "nginx:1.7.9"})
    spec = made(elbow, ns, two)["spec"]
    main, side = spec["containers"]
    names = [e["name"] for e in main["env"]]
    assert names == ["AWS_REGION", "AWS_STS_REGIONAL_ENDPOINTS", "AWS_ROLE_ARN",
                     "AWS_WEB_IDENTITY_TOKEN_FILE"]
    assert "env" not in side and len(side["volumeMounts"]) == 1
    token = spec["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"]
    assert token == {"audience": "me", "expirationSeconds": 600, "path": "token"}


def test_the_token_is_a_file_of_the_process(elbow, ns):
    create(elbow, ns, annotated("real", role_arn=ROLE), pod("real", serviceAccountName="real"))
    elbow.kubectl("wait", "-n", ns, "pod/real", "--for=condition=Ready", "--timeout=20s")


def ingress(name, **spec):
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name},
            "spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}, **spec}}


def test_the_default_ingress_class(elbow, ns):
    def add(name):
        create(elbow, ns, {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
                           "metadata": {"name": name, "annotations": {
                               "ingressclass.kubernetes.io/is-default-class": "true"}},
                           "spec": {"controller": "example.com/x"}})

    assert "ingressClassName" not in made(elbow, ns, ingress("i"))["spec"]
    add("first-default")
    try:
        assert made(elbow, ns, ingress("i"))["spec"]["ingressClassName"] == "first-default"
        assert made(elbow, ns, ingress("i", ingressClassName="x"))["spec"]["ingressClassName"] == "x"
        annotated_one = ingress("i")
        annotated_one["metadata"]["annotations"] = {"kubernetes.io/ingress.class": "alb"}
        assert "ingressClassName" not in made(elbow, ns, annotated_one)["spec"]
    finally:
        elbow.kubectl("delete", "ingressclass", "first-default")


def test_the_default_storage_class(elbow, ns):
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"},
             "spec": {"accessModes": ["ReadWriteOnce"],
                      "resources": {"requests": {"storage": "1Gi"}}}}
    assert made(elbow, ns, claim)["spec"]["storageClassName"] == "gp2"
    claim["spec"]["storageClassName"] = ""
    assert made(elbow, ns, claim)["spec"]["storageClassName"] == ""
