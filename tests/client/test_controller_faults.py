"""Our controller when things go wrong around it: it comes back, and makes nothing twice."""
import json
import pathlib
import sys
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "wire"))
from conftest import wait_for  # noqa: E402
from player import FOLDER, Controller, Play, with_ids  # noqa: E402

TUTORIAL = json.loads((FOLDER / "tutorial-ec2-nodeport.json").read_text())


@pytest.fixture
def stage(tmp_path):
    """The tutorial's world; the controller is not started yet."""
    play = Play(TUTORIAL, tmp_path)
    yield play
    play.close()


def objects(kind=None):
    return [o for o in with_ids(TUTORIAL["kubernetes"]) if kind in (None, o["kind"])]


def put_all(stage):
    for thing in objects():
        stage.cluster.apply(thing)


def another_ingress(name, **annotations):
    thing = json.loads(json.dumps(objects("Ingress")[0]))
    thing["metadata"]["name"] = name
    thing["metadata"]["annotations"].update({f"alb.ingress.kubernetes.io/{k}": v for k, v in annotations.items()})
    return thing


def address(stage, name="sample-ingress"):
    with stage.cluster.lock:
        thing = stage.cluster.objects.get(("Ingress", "sample", name), {})
    return thing.get("status", {}).get("loadBalancer", {}).get("ingress", [{}])[0].get("hostname")


def made(account):
    """All that exists in AWS, without what is random in it."""
    with account.lock:
        return {
            "load balancers": [(lb["name"], lb["scheme"], lb["subnets"], sorted(lb["tags"].items()))
                               for lb in account.load_balancers.values()],
            "target groups": [(tg["Name"], sorted(tg["tags"].items()), sorted(tg["targets"]))
                              for tg in account.target_groups.values()],
            "listeners": [(ls["port"], ls["protocol"], len(ls["actions"])) for ls in account.listeners.values()],
            "rules": [(r["Priority"], r["Conditions"], len(r["Actions"])) for r in account.rules.values()],
            "groups": sorted((g["name"], sorted(g["tags"].items()),
                              [(m["from"], sorted(m["v4"]), len(m["groups"])) for m in g["permissions"]])
                             for g in account.groups.values())}


def changes(account):
    with account.lock:
        return [c["call"] for c in account.calls
                if not c["call"].split()[1].startswith(("Describe", "Get", "List"))]


def run_undisturbed(tmp_path):
    play = Play(TUTORIAL, tmp_path)
    try:
        put_all(play)
        play.start_controller()
        wait_for(lambda: address(play))
        return made(play.account), changes(play.account)
    finally:
        play.close()


def kill_at(stage, count):
    """Starts the controller and kills it at its @count-th changing call, before or after that was
    carried out; says how many it made."""
    seen, dead = [], threading.Event()

    def before(call):
        seen.append(call)
        if len(seen) == count:
            stage.controller.kill()
            dead.set()
    stage.account.before_change = before
    stage.start_controller()
    wait_for(dead.is_set, 30, "it was never killed")
    stage.account.before_change = None
    stage.controller = None


@pytest.mark.parametrize("count", range(1, 11))
def test_killed_at_a_changing_call_of_the_first_pass(stage, tmp_path, count):
    """The call is carried out, but nobody hears the answer; the next controller finds what is there."""
    wanted, calls = run_undisturbed(tmp_path)
    assert len(calls) == 10
    put_all(stage)
    kill_at(stage, count)
    stage.start_controller()
    wait_for(lambda: address(stage))
    assert made(stage.account) == wanted


@pytest.mark.parametrize("count", range(1, 6))
def test_killed_while_it_deletes(stage, count):
    """An Ingress that is gone when the controller comes back is nobody's, as in v1.1.4; here it goes
    while the controller runs, and what was not deleted then stays."""
    put_all(stage)
    stage.start_controller()
    wait_for(lambda: address(stage))
    stage.controller.wait_for_passes(2)
    total = len(changes(stage.account))
    dead = threading.Event()

    def before(call):
        if len(changes(stage.account)) == total + count - 1:
            stage.controller.kill()
            dead.set()
    stage.account.before_change = before
    stage.cluster.delete("Ingress", "sample", "sample-ingress")
    wait_for(dead.is_set)
    stage.account.before_change = None
    stage.controller = None
    after = len(changes(stage.account))
    stage.start_controller()
    stage.cluster.apply(another_ingress("other"))
    wait_for(lambda: address(stage, "other"))
    assert after == total + count
    assert len([lb for lb in stage.account.load_balancers.values() if lb["name"].endswith("8b31")]) == (count < 3)


def fail_times(stage, how, times, only=None):
    """The next so many requests (to one service) end as @how says."""
    left = [times]

    def hook(service, _):
        if left[0] > 0 and (only is None or service == only):
            left[0] -= 1
            return how
        return None
    stage.aws.hook = hook
    return left


@pytest.mark.parametrize("how", [500, 503, 429, "cut"])
def test_aws_fails_for_a_while(stage, tmp_path, how):
    """The client repeats by itself, and nothing of it is seen in the log."""
    wanted, _ = run_undisturbed(tmp_path)
    put_all(stage)
    left = fail_times(stage, how, 3, "elasticloadbalancing")
    stage.start_controller()
    wait_for(lambda: address(stage), 30)
    assert left == [0]
    assert made(stage.account) == wanted
    assert not [line for line in stage.controller.lines() if line.startswith("E")]
    assert 'aws_api_retries{operation="DescribeLoadBalancers"' in stage.controller.metrics()


def test_a_501_is_not_repeated(stage):
    put_all(stage)
    fail_times(stage, 501, 1, "tagging")
    stage.start_controller()
    wait_for(lambda: address(stage), 30)
    assert len([line for line in stage.controller.lines() if "Reconciler error" in line]) == 1


def test_web_identity_and_expired_credentials(stage, tmp_path):
    """Keys that AWS calls expired are fetched anew, with the token as it is in its file by then."""
    token = tmp_path / "token"
    token.write_text("first")
    put_all(stage)
    stage.account.faults["elasticloadbalancing.CreateTargetGroup"] = [{"code": "ExpiredToken", "status": 403}]
    stage.account.before_change = lambda call: token.write_text("second")
    stage.controller = Controller(stage.aws, stage.kube, stage.flags, tmp_path, {
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/alb",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)})
    wait_for(lambda: address(stage), 30)
    sessions = [c["parameters"] for c in stage.account.calls if c["call"].startswith("sts")]
    assert [(s["WebIdentityToken"], s["RoleArn"]) for s in sessions] == [
        ("first", "arn:aws:iam::123456789012:role/alb"), ("second", "arn:aws:iam::123456789012:role/alb")]
    assert sessions[0]["RoleSessionName"].isdigit() and "DurationSeconds" not in sessions[0]
    assert [k for k in dict.fromkeys(stage.account.keys) if k] == ["ASIASESSION1", "ASIASESSION2"]


def test_credentials_that_end_soon_are_fetched_again(stage, tmp_path):
    token = tmp_path / "token"
    token.write_text("token")
    stage.account.session_end = "2020-01-01T00:00:00Z"
    put_all(stage)
    stage.controller = Controller(stage.aws, stage.kube, stage.flags, tmp_path, {
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/alb",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)})
    wait_for(lambda: address(stage), 30)
    assert len([c for c in stage.account.calls if c["call"].startswith("sts")]) > 10


def test_a_role_that_may_not_be_assumed(stage, tmp_path):
    token = tmp_path / "token"
    token.write_text("token")
    put_all(stage)
    stage.account.faults["sts.AssumeRoleWithWebIdentity"] = [
        {"code": "AccessDenied", "message": "Not authorized to perform sts:AssumeRoleWithWebIdentity", "status": 403}]
    stage.controller = Controller(stage.aws, stage.kube, stage.flags, tmp_path, {
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/alb",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)})
    wait_for(lambda: address(stage), 30)
    first = [line for line in stage.controller.lines() if "Reconciler error" in line][0]
    assert ('"error"="failed to build LoadBalancer configuration due to failed to get AWS tags. Error: WebIdentityErr: '
            "failed to retrieve credentials\\ncaused by: AccessDenied: Not authorized to perform "
            "sts:AssumeRoleWithWebIdentity\\n\\tstatus code: 403, request id: ") in first


def test_closed_watches_go_on_where_they_were(stage):
    put_all(stage)
    stage.start_controller()
    wait_for(lambda: address(stage))
    lists = [r for r in stage.cluster.requests if "limit=500" in r[1]]
    stage.cluster.close_watches()
    stage.cluster.apply(another_ingress("later"))
    wait_for(lambda: address(stage, "later"))
    assert lists == [r for r in stage.cluster.requests if "ingresses?limit=500" in r[1] or r in lists]


def test_what_went_unseen_is_found_by_a_new_list(stage):
    """The watch's place is no longer known (410); meanwhile one Ingress went and one came."""
    put_all(stage)
    stage.start_controller()
    wait_for(lambda: address(stage))
    stage.controller.wait_for_passes(2)
    with stage.cluster.lock:
        del stage.cluster.objects[("Ingress", "sample", "sample-ingress")]
        late = stage.cluster.stamp("Ingress", another_ingress("late"))
        stage.cluster.objects[("Ingress", "sample", "late")] = late
        stage.cluster.close_watches(expired=True)
    wait_for(lambda: address(stage, "late") and len(stage.account.load_balancers) == 1)
    assert any("ended with: too old resource version" in line for line in stage.controller.lines())


def test_lists_of_many_pages(stage):
    for i in range(1203):
        stage.cluster.apply({"kind": "Secret", "metadata": {"namespace": "sample", "name": f"s{i}"}})
    put_all(stage)
    stage.start_controller()
    wait_for(lambda: address(stage))
    pages = [path for _, path, _ in stage.cluster.requests if path.startswith("/api/v1/secrets?") and "watch" not in path]
    assert pages == ["/api/v1/secrets?limit=500&resourceVersion=0", "/api/v1/secrets?continue=500&limit=500",
                     "/api/v1/secrets?continue=1000&limit=500"]


def test_the_api_server_is_away_at_first(stage):
    """A list that fails is repeated after a second, with client-go's words."""
    refused = []

    def hook(method, path):
        if "/nodes?" in path and not refused:
            refused.append(path)
            return 403, {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "nodes is forbidden"}
        return None
    stage.cluster.hook = hook
    put_all(stage)
    stage.start_controller()
    wait_for(lambda: address(stage))
    assert any(line.endswith("Failed to list *v1.Node: nodes is forbidden") for line in stage.controller.lines())


def test_a_status_that_conflicts_is_written_again(stage):
    refused = []

    def hook(method, path):
        if path.endswith("/status") and not refused:
            refused.append(path)
            return 409, {"kind": "Status", "code": 409, "reason": "Conflict", "message": "the object has been modified"}
        return None
    stage.cluster.hook = hook
    put_all(stage)
    stage.start_controller()
    wait_for(lambda: address(stage))
    assert len([line for line in stage.controller.lines() if "the object has been modified" in line]) == 1


def test_an_ingress_that_cannot_be_built_stops_nobody(stage):
    put_all(stage)
    stage.start_controller()
    wait_for(lambda: address(stage))
    for i in range(20):
        stage.cluster.apply(another_ingress(f"bad-{i}", scheme="public"))
    stage.cluster.apply(another_ingress("good"))
    wait_for(lambda: address(stage, "good"))
    errors = [line for line in stage.controller.lines() if "ALB scheme must be either" in line]
    assert len(errors) >= 20


def test_events_of_one_kind_become_a_series(stage):
    """The same failure again and again is one Event with a count."""
    denied = {"code": "AccessDenied", "message": "no", "status": 403}
    stage.account.faults["elasticloadbalancing.CreateLoadBalancer"] = [denied] * 3
    put_all(stage)
    stage.start_controller()
    wait_for(lambda: address(stage), 30)
    events = {e["reason"]: e for e in stage.cluster.events() if "failed to create" in e["message"]}
    assert events["ERROR"]["count"] == 3 and events["ERROR"]["type"] == "Warning"
    patches = [body for method, path, body in stage.cluster.requests if method == "PATCH"]
    assert [sorted(p) for p in patches] == [["count", "lastTimestamp", "message"]] * 2
    assert events["ERROR"]["involvedObject"]["uid"] == "uid-ingress-sample-ingress"
    assert events["ERROR"]["source"] == {"component": "alb-ingress-controller"}


def test_an_event_whose_object_is_gone_is_made_anew(stage):
    denied = {"code": "AccessDenied", "message": "no", "status": 403}
    stage.account.faults["elasticloadbalancing.CreateLoadBalancer"] = [denied] * 2
    put_all(stage)
    stage.start_controller()
    stage.controller.wait_for_passes(1)
    wait_for(lambda: stage.cluster.events())
    with stage.cluster.lock:
        for key in [k for k in stage.cluster.objects if k[0] == "Event"]:
            del stage.cluster.objects[key]
    wait_for(lambda: address(stage), 30)
    assert [e["count"] for e in stage.cluster.events() if e["reason"] == "ERROR"] == [2]
