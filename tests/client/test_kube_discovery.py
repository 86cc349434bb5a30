"""Discovery as kubectl keeps it, and versions of one object."""
import pytest
from kube_objects import create, deployment, namespace, raw

pytestmark = pytest.mark.usefixtures("need_kubectl")


@pytest.mark.parametrize("command", ["api-versions", "api-resources"])
def test_what_was_kept_is_still_good(elbow, tmp_path, command):
    """The second time the server says 304, and the client reads its own copy."""
    cached = [elbow.kubectl("--cache-dir", tmp_path, command).stdout for _ in range(3)]
    assert cached[0] == cached[1] == cached[2]
    assert len(cached[0].splitlines()) > 20
    assert elbow.kubectl("--cache-dir", tmp_path, "get", "deployments", "-A").returncode == 0


def test_an_autoscaler_in_both_versions(elbow):
    with namespace(elbow, "autoscaler") as ns:
        create(elbow, ns, deployment("web"))
        elbow.kubectl("autoscale", "deployment", "web", "-n", ns, "--min=2", "--max=5",
                      "--cpu-percent=70")
        path = f"namespaces/{ns}/horizontalpodautoscalers/web"
        new = raw(elbow, f"/apis/autoscaling/v2/{path}")["spec"]
        assert new["metrics"] == [{"type": "Resource", "resource": {
            "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]
        old = raw(elbow, f"/apis/autoscaling/v1/{path}")["spec"]
        assert old["targetCPUUtilizationPercentage"] == 70 and "metrics" not in old
        assert elbow.kubectl("get", "hpa", "-n", ns).stdout.splitlines()[1].split()[:5] == \
            ["web", "Deployment/web", "<unknown>/70%", "2", "5"]
