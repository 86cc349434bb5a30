"""Plays recorded scenarios of aws-alb-ingress-controller v1.1.4 with our controller.

A scenario (tests/wire/alb-ingress-controller-v1.1.4/README.md tells the form) is a world, objects
in order, and what the real controller then did. Here the same world is laid out in fake_aws and
fake_kube, our controller runs against them, and what it did is brought into the same form.

Nothing waits by the clock: /metrics tells when a pass is over, and the change that a status write
makes is held back until the pass has been looked at.
"""
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from fake_aws import FakeAws
from fake_kube import FakeKube

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = pathlib.Path(__file__).resolve().parent / "alb-ingress-controller-v1.1.4"
BUILD = pathlib.Path(os.environ.get("ELBOW_BUILD", ROOT / "build-debug"))
LONGEST_WAIT = 30

# What existed before, in the order of the scenarios' placeholders: ids that sort as their names do.
KINDS = {"subnet": "subnet-%017x", "instance": "i-%017x", "eni": "eni-%017x", "extsg": "sg-0e%015x",
         "cert": "arn:aws:acm:us-west-2:123456789012:certificate/00000000-0000-4000-8000-%012x",
         "acl": "00000000-0000-4000-8000-%012x"}
SINGLE = {"vpc": "vpc-0123456789abcdef0", "nodesg": "sg-0a000000000000001", "clustersg": "sg-0a000000000000002",
          "extrasg": "sg-0a000000000000003", "oldsg": "sg-0a000000000000004",
          "exttg": "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/external/00000000000000ff"}


def real_id(name):
    """The id of a thing of the world; what the controller makes keeps its placeholder."""
    if name in SINGLE:
        return SINGLE[name]
    kind = re.fullmatch(r"(%s)(\d+)" % "|".join(KINDS), name)
    return KINDS[kind.group(1)] % int(kind.group(2)) if kind else "${%s}" % name


def with_ids(tree):
    """A scenario's tree with its placeholders of the world replaced."""
    return json.loads(re.sub(r"\$\{(\w+)\}", lambda m: real_id(m.group(1)), json.dumps(tree)))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Controller:
    """A running controller: its log, and how many passes it has ended."""

    def __init__(self, aws, kube, flags, folder, environment=None, wrapper=()):
        self.port = free_port()
        self.log_path = pathlib.Path(folder) / f"controller-{self.port}.log"
        self.log = open(self.log_path, "wb")
        arguments = [f"--{name}={value}" for name, value in flags.items()]
        if "election" not in flags:
            arguments.append("--election=false")
        clean = {k: v for k, v in os.environ.items()
                 if not k.startswith(("AWS_", "ELBOW_", "KUBERNETES_")) and "proxy" not in k.lower()}
        self.process = subprocess.Popen(
            [*wrapper, str(BUILD / "alb-ingress-controller"), f"--apiserver-host={kube.url}",
             f"--healthz-port={self.port}", *arguments],
            stdout=subprocess.DEVNULL, stderr=self.log,
            env={**clean, "AWS_ENDPOINT_URL": aws.url, "AWS_ACCESS_KEY_ID": "test",
                 "AWS_SECRET_ACCESS_KEY": "test", **(environment or {})})

    def text(self):
        return self.log_path.read_text()

    def lines(self):
        """The log as the recordings have it: severity and text."""
        lines = []
        for line in self.text().splitlines():
            head = re.match(r"([IWEF])\d{4} [\d:.]+ +\d+ [\w.]+:\d+\] ", line)
            if head:
                lines.append(f"{head.group(1)} {line[head.end():]}")
            elif lines:
                lines[-1] += "\n" + line
        return lines

    def wait(self, check, what):
        until = time.monotonic() + LONGEST_WAIT
        while not check():
            assert self.process.poll() is None, f"the controller ended while {what}:\n{self.text()[-4000:]}"
            assert time.monotonic() < until, f"{what} took too long:\n{self.text()[-4000:]}"
            time.sleep(0.005)

    def wait_until_working(self):
        self.wait(lambda: "Starting workers" in self.text(), "starting")

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=LONGEST_WAIT) as answer:
            return answer.read().decode()

    def passes(self):
        try:
            text = self.metrics()
        except urllib.error.URLError:  # it does not listen yet
            text = ""
        return sum(int(n) for n in re.findall(
            r"^aws_alb_ingress_controller_(?:success|errors)\{.*\} (\d+)$", text, re.M))

    def wait_for_passes(self, count):
        self.wait(lambda: self.passes() >= count, f"pass {count}")

    def stop(self):
        """Ends it; a sanitizer's complaint or a bad status is a failure."""
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(LONGEST_WAIT)
        self.log.close()
        text = self.text()
        assert "Sanitizer" not in text and "runtime error" not in text, text[-8000:]
        assert status == 0, f"the controller ended with {status}:\n{text[-4000:]}"

    def kill(self):
        self.process.kill()
        self.process.wait(LONGEST_WAIT)
        self.log.close()


def canonical_parameters(value, key=""):
    """Lists that the controller sends in random order, sorted."""
    if isinstance(value, dict):
        return {k: canonical_parameters(v, k) for k, v in value.items()}
    if not isinstance(value, list):
        return value
    items = [canonical_parameters(v) for v in value]
    if key in ("Tags", "Tag", "TagKeys", "Attributes", "Targets", "IpPermissions", "Filter", "Value", "InstanceId",
               "TagFilters", "GroupId"):
        items.sort(key=lambda v: json.dumps(v, sort_keys=True))
    return items


def canonical_calls(calls):
    """Calls with their sets sorted, and runs of rule changes of one listener by what they are."""
    done = [{**c, "parameters": canonical_parameters(c["parameters"])} for c in calls]
    return sort_runs(done, rule_run, lambda c: json.dumps(c, sort_keys=True))


def rule_run(call):
    kind = call["call"].split()[1]
    where = call["parameters"].get("ListenerArn") or re.sub(r"_\d+\}$", "", str(call["parameters"].get("RuleArn")))
    return (kind,) if kind in ("CreateRule", "ModifyRule", "DeleteRule", "AddListenerCertificates",
                               "RemoveListenerCertificates") and where else None


def sort_runs(items, run_of, order):
    out, start = [], 0
    while start < len(items):
        end = start + 1
        while end < len(items) and run_of(items[start]) and run_of(items[end]) == run_of(items[start]):
            end += 1
        out += sorted(items[start:end], key=order)
        start = end
    return out


def canonical_log(lines):
    """Log lines, those of rules in one run sorted; the values of map dumps too."""
    def run_of(line):
        return ("rule",) if re.search(r": (creating|modifying|deleting) rule |: rule \d+ (created|modified|deleted)"
                                      r"|: (adding|removing) certificate ", line) else None

    return sort_runs([sorted_dump(line) for line in lines], run_of, str)


def sorted_dump(line):
    """What a log line shows of a map or a set, sorted: tags, targets, lists of structures."""
    tags = re.search(r"tags \{  (.*)\} on ", line)
    targets = re.search(r"(Adding targets to|Removing targets from) \S+: (.*)$", line)
    found = re.search(r"\[\{    .*?\}\](?=\.?$)", line)
    if tags:
        parts = sorted(re.split(r"(?<=\"),  ", tags.group(1)))
        return line[:tags.start(1)] + ",  ".join(parts) + line[tags.end(1):]
    if targets:
        return line[:targets.start(2)] + ", ".join(sorted(targets.group(2).split(", ")))
    if not found:
        return line
    parts = re.split(r"(?<=\}),(?= *\{)", found.group(0)[1:-1])
    if len(parts) < 2:
        return line
    parts = sorted(re.sub(r"\s+", " ", p).strip() for p in parts)
    return line[:found.start()] + "[" + ", ".join(parts) + "]" + line[found.end():]


class Play:
    """One scenario on the stage."""

    def __init__(self, scenario, folder):
        self.scenario = scenario
        self.folder = folder
        world = scenario["aws_before"]
        if isinstance(world, str):
            world = json.loads((FOLDER / world).read_text())
        self.aws = FakeAws(with_ids(world))
        self.kube = FakeKube()
        self.account, self.cluster = self.aws.account, self.kube.cluster
        self.account.faults.update({k: list(v) for k, v in scenario.get("aws_faults", {}).items()})
        self.flags = with_ids(scenario["flags"])
        self.controller = None
        self.seen_reads = set()
        self.found = {}
        if "${exttg}" in json.dumps(scenario):
            self.add_external_target_group()
        self.world_names = {real_id(n): "${%s}" % n
                            for n in set(re.findall(r"\$\{(\w+)\}", json.dumps([world, scenario])))
                            if n in SINGLE or re.fullmatch(r"(%s)\d+" % "|".join(KINDS), n)}

    def add_external_target_group(self):
        from fake_aws import TG_ATTRIBUTES
        arn = SINGLE["exttg"]
        self.account.target_groups[arn] = {
            "arn": arn, "Name": "external", "Protocol": "HTTP", "Port": "80", "VpcId": SINGLE["vpc"],
            "TargetType": "instance", "HealthCheckProtocol": "HTTP", "HealthCheckPort": "traffic-port",
            "HealthCheckPath": "/", "HealthCheckIntervalSeconds": "30", "HealthCheckTimeoutSeconds": "5",
            "HealthyThresholdCount": "5", "UnhealthyThresholdCount": "2", "Matcher": {"HttpCode": "200"},
            "tags": {}, "attributes": dict(TG_ATTRIBUTES), "targets": {}}

    # --- bringing what happened into the scenarios' form

    def shown(self, tree):
        text = json.dumps(tree)
        names = {**self.world_names, **self.account.names}
        for one in sorted(names, key=len, reverse=True):
            text = text.replace(one, names[one])
        return json.loads(text)

    def calls_from(self, mark):
        with self.account.lock:
            calls = [{k: v for k, v in c.items() if k != "done"} for c in self.account.calls[mark:]]
        calls = self.shown(calls)
        changes = [c for c in calls if not c["call"].split()[1].startswith(("Describe", "Get", "List"))]
        reads = {json.dumps({**c, "parameters": canonical_parameters(c["parameters"])}, sort_keys=True)
                 for c in calls if c not in changes}
        return canonical_calls(changes), reads

    def writes_now(self):
        with self.cluster.lock:
            statuses = [o for m, path, o in self.cluster.requests if m == "PUT" and path.endswith("/status")]
            events = json.loads(json.dumps(self.cluster.events()))
        shown = [{"write": "event", "object": f"{e['involvedObject']['namespace']}/{e['involvedObject']['name']}",
                  "type": e["type"], "reason": e["reason"], "message": e["message"], "count": e["count"]}
                 for e in events]
        shown += [{"write": "status", "object": f"{o['metadata']['namespace']}/{o['metadata']['name']}",
                   "loadBalancer": o["status"]["loadBalancer"]} for o in statuses]
        return shown

    def new_writes(self, before):
        old = {json.dumps(w, sort_keys=True) for w in before}
        fresh = [w for w in self.writes_now() if json.dumps(w, sort_keys=True) not in old]
        fresh = self.shown([{k: v for k, v in w.items() if k != "count"} for w in fresh])
        return sorted(fresh, key=lambda w: json.dumps(w, sort_keys=True))

    def log_from(self, mark):
        return canonical_log(self.shown(self.controller.lines()[mark:]))

    # --- the steps

    def is_ours(self, thing):
        annotation = thing["metadata"].get("annotations", {}).get("kubernetes.io/ingress.class", "")
        wanted = self.flags.get("ingress-class", "")
        if self.flags.get("watch-namespace", "") not in ("", thing["metadata"]["namespace"]):
            return False
        return annotation == wanted if wanted else annotation in ("", "alb")

    def start_controller(self):
        self.controller = Controller(self.aws, self.kube, self.flags, self.folder)
        self.controller.wait_until_working()

    def watched(self, act, expected_writes=0):
        """What the controller does because of act(): at least one pass, and as many writes."""
        mark, log_mark = len(self.account.calls), len(self.controller.lines())
        before, ended = self.writes_now(), self.controller.passes()
        act()
        self.controller.wait_for_passes(ended + 1)
        until = time.monotonic() + 5
        while len(self.new_writes(before)) < expected_writes and time.monotonic() < until:
            time.sleep(0.005)
        calls, reads = self.calls_from(mark)
        self.passes_so_far = self.controller.passes()
        return {"calls": calls, "reads": reads, "log": self.log_from(log_mark),
                "kubernetes_writes": self.new_writes(before)}

    def first_pass(self):
        scenario = self.scenario
        objects = with_ids(scenario["kubernetes"])
        ingresses = [o for o in objects if o["kind"] == "Ingress"]
        for thing in objects:
            if thing["kind"] != "Ingress":
                self.cluster.apply(thing)
        self.start_controller()
        whole = {"calls": [], "reads": set(), "log": [], "kubernetes_writes": []}
        ours = [i for i in ingresses if self.is_ours(i)]
        for thing in ingresses:
            if thing not in ours:
                self.cluster.apply(thing)
        for i, thing in enumerate(ours):
            self.cluster.hold_status_changes()
            expected = len(scenario["kubernetes_writes"]) if i + 1 == len(ours) else 0
            did = self.watched(lambda: self.cluster.apply(thing),
                               max(0, expected - len(whole["kubernetes_writes"])))
            for part in ("calls", "log", "kubernetes_writes"):
                whole[part] += did[part]
            whole["reads"] |= did["reads"]
            if i + 1 < len(ours):
                self.settle(thing)
        whole["kubernetes_writes"].sort(key=lambda w: json.dumps(w, sort_keys=True))
        self.seen_reads |= whole["reads"]
        return whole

    def settle(self, thing):
        """Lets the pass that a status write causes come and go."""
        ended = self.controller.passes()
        if self.cluster.release():
            self.controller.wait_for_passes(ended + 1)

    def second_pass(self, typed=False):
        """One more reconcile of every Ingress with nothing changed."""
        objects = [o for o in with_ids(self.scenario["kubernetes"]) if o["kind"] == "Ingress" and self.is_ours(o)]
        if objects and self.cluster.release():
            self.controller.wait_for_passes(self.passes_so_far + 1)
        self.account.typed_conditions = typed
        calls = [c for o in objects for c in self.watched(lambda o=o: self.cluster.apply(o))["calls"]]
        self.account.typed_conditions = False
        return calls

    def step(self, step):
        step = with_ids(step)
        for name, faults in step.get("aws_faults", {}).items():
            self.account.faults[name] += faults
        self.cluster.hold_status_changes()

        def act():
            if "aws_change" in step:
                self.change_aws(step["aws_change"])
            for thing in step.get("apply", []):
                self.cluster.apply(thing)
            for gone in step.get("delete", []):
                self.cluster.delete(gone["kind"], gone.get("namespace", ""), gone["name"])
            if step.get("controller_restarted"):
                self.controller.stop()
                self.start_controller()
        if step.get("controller_restarted"):
            mark = len(self.account.calls)
            act()
            self.controller.wait_for_passes(1)
            calls, reads = self.calls_from(mark)
            did = {"calls": calls, "reads": reads, "kubernetes_writes": [], "log": [
                line for line in self.log_from(0) if "kubebuilder/controller \"level\"=0" not in line]}
        else:
            did = self.watched(act, len(step["kubernetes_writes"]))
        did["new_reads"] = did.pop("reads") - self.seen_reads
        self.seen_reads |= did["new_reads"]
        return did

    def change_aws(self, text):
        tag, ids = re.fullmatch(r"(\S+) added to (.*)", text).groups()
        key, value = tag.split("=")
        for one in ids.split(", "):
            self.account.subnets[one]["tags"][key] = value

    def close(self):
        try:
            if self.controller:
                self.controller.stop()
        finally:
            self.aws.close()
            self.kube.close()
