"""What kubectl prints when an object is not valid, and that nothing of it was kept."""
import json

import pytest
from kube_objects import create, deployment, namespace, pod

pytestmark = pytest.mark.usefixtures("need_kubectl")


@pytest.fixture(scope="module")
def ns(elbow):
    with namespace(elbow, "validation") as name:
        yield name


def refusal(elbow, ns, document):
    done = elbow.kubectl("create", "--validate=false", "-n", ns, "-f", "-",
                         stdin=json.dumps(document), check=False)
    assert done.returncode == 1, done.stdout
    name, kind = document["metadata"]["name"], document["kind"]
    assert "NotFound" in elbow.kubectl("get", kind, name, "-n", ns, check=False).stderr
    return done.stderr


def test_all_causes_are_listed(elbow, ns):
    bad = deployment("bad", -1)
    bad["spec"]["template"]["spec"]["containers"] += [{"name": "main"}]
    assert refusal(elbow, ns, bad) == (
        'The Deployment "bad" is invalid: \n'
        '* spec.replicas: Invalid value: -1: must be greater than or equal to 0\n'
        '* spec.template.spec.containers[1].image: Required value\n'
        '* spec.template.spec.containers[1].name: Duplicate value: "main"\n')


def test_one_cause(elbow, ns):
    bad = deployment("bad")
    bad["spec"]["selector"]["matchLabels"] = {"app": "other"}
    assert refusal(elbow, ns, bad) == (
        'The Deployment "bad" is invalid: spec.template.metadata.labels: Invalid value: '
        '{"app":"bad"}: `selector` does not match template `labels`\n')


def test_the_status_names_field_and_reason(elbow, ns):
    done = elbow.kubectl("create", "--validate=false", "-v=8", "-n", ns, "-f", "-",
                         stdin=json.dumps({"apiVersion": "v1", "kind": "Service",
                                           "metadata": {"name": "s"}, "spec": {}}), check=False)
    said = done.stderr.replace('\\', '')
    assert '"reason":"FieldValueRequired"' in said
    assert '"field":"spec.ports"' in said


def test_what_never_changes(elbow, ns):
    create(elbow, ns, deployment("fixed"))
    done = elbow.kubectl("patch", "deployment", "fixed", "-n", ns, "--type=merge", "-p",
                         '{"spec":{"selector":{"matchLabels":{"b":"c"}}}}', check=False)
    assert "spec.selector: Invalid value: " in done.stderr
    assert "field is immutable" in done.stderr
    create(elbow, ns, pod("still"))
    done = elbow.kubectl("patch", "pod", "still", "-n", ns, "--type=merge", "-p",
                         '{"spec":{"hostname":"other"}}', check=False)
    assert 'The Pod "still" is invalid: spec: Forbidden: pod updates may not change fields other ' \
        "than `spec.containers[*].image`" in done.stderr


def service(name, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}], **spec}}


def test_node_ports(elbow, ns):
    create(elbow, ns, service("first", type="NodePort", ports=[{"port": 80, "nodePort": 31999}]))
    assert 'The Service "second" is invalid: spec.ports[0].nodePort: Invalid value: 31999: ' \
        "provided port is already allocated" in refusal(
            elbow, ns, service("second", type="NodePort", ports=[{"port": 80, "nodePort": 31999}]))
    assert "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. " \
        "The range of valid ports is 30000-32767" in refusal(
            elbow, ns, service("second", type="NodePort", ports=[{"port": 80, "nodePort": 80}]))


def test_a_service_changes_its_type(elbow, ns):
    create(elbow, ns, service("turning", type="NodePort"))

    def turn(**spec):
        elbow.kubectl("patch", "service", "turning", "-n", ns, "--type=merge", "-p",
                      json.dumps({"spec": spec}))
        return elbow.kubectl_json("get", "service", "turning", "-n", ns)["spec"]

    before = elbow.kubectl_json("get", "service", "turning", "-n", ns)["spec"]
    spec = turn(type="ClusterIP")
    assert "nodePort" not in spec["ports"][0] and spec["clusterIP"] == before["clusterIP"]
    spec = turn(type="ExternalName", externalName="example.com")
    assert "clusterIP" not in spec
    spec = turn(type="ClusterIP", externalName=None)
    assert spec["clusterIP"].startswith("10.100.")


def test_a_name_of_the_wrong_form(elbow, ns):
    assert 'The Pod "Wrong" is invalid: metadata.name: Invalid value: "Wrong": a lowercase RFC ' \
        "1123 subdomain must consist of" in refusal(elbow, ns, pod("Wrong"))
