"""How long the world takes: start, first answer, idle memory, and from `kubectl apply` of the
tutorial's Ingress to nginx's page. Usage: world.py BUILD_FOLDER [RUNS]"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(sys.argv[1])
RUNS = int(sys.argv[2]) if len(sys.argv) > 2 else 10


def clean_environment():
    return {k: v for k, v in os.environ.items()
            if not k.startswith(("AWS_", "ELBOW_")) and "proxy" not in k.lower() and k != "KUBECONFIG"}


def start(folder, *flags):
    """A server and the milliseconds until its ready file was there."""
    ready = pathlib.Path(folder) / "ready.json"
    ready.unlink(missing_ok=True)
    begun = time.monotonic()
    process = subprocess.Popen(
        [BUILD / "elbow", "serve", "--ephemeral", "--ready-file", ready, "--log-level", "error", *flags],
        env=clean_environment())
    while not ready.exists():
        if process.poll() is not None:
            sys.exit("elbow did not start")
        time.sleep(0.0005)
    return process, json.loads(ready.read_text()), (time.monotonic() - begun) * 1000


FREE_PORTS = ("--aws-listen", "127.0.0.1:0", "--kube-listen", "127.0.0.1:0",
              "--front-http", "127.0.0.1:0", "--front-https", "127.0.0.1:0")


def first_answer(folder):
    """Milliseconds from the start of the process to its first answer, on a port known before."""
    port = 20000 + os.getpid() % 20000
    begun = time.monotonic()
    process = subprocess.Popen(
        [BUILD / "elbow", "serve", "--ephemeral", "--log-level", "error", *FREE_PORTS[2:],
         "--aws-listen", f"127.0.0.1:{port}"], env=clean_environment())
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_elbow/health").read()
            break
        except (urllib.error.URLError, ConnectionError):
            if process.poll() is not None:
                sys.exit("elbow did not start")
    took = (time.monotonic() - begun) * 1000
    process.terminate()
    process.wait()
    return took


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def sh(environment, command):
    return subprocess.run(command, shell=True, env=environment, check=True, text=True,
                          capture_output=True, cwd=ROOT).stdout.strip()


def prepare_controller(env):
    """The tutorial up to the running controller."""
    issuer = sh(env, "aws eks describe-cluster --name sample --query cluster.identity.oidc.issuer --output text")
    vpc = sh(env, "aws eks describe-cluster --name sample --query cluster.resourcesVpcConfig.vpcId --output text")
    sh(env, f"aws iam create-open-id-connect-provider --url {issuer} --client-id-list sts.amazonaws.com"
            f" --thumbprint-list {'0' * 40}")
    arn = sh(env, "aws iam create-policy --policy-name P --query Policy.Arn --output text --policy-document"
                  " file://fixtures/tutorial/policy-alb-ingress-controller.json")
    trust = (ROOT / "fixtures/tutorial/trust-policy.json").read_text()
    trust = trust.replace("[ACCOUNT]", "123456789012").replace("[ISSUER]", issuer.removeprefix("https://"))
    role = sh({**env, "TRUST": trust}, "aws iam create-role --role-name r --query Role.Arn --output text"
                                       ' --assume-role-policy-document "$TRUST"')
    sh(env, f"aws iam attach-role-policy --role-name r --policy-arn {arn}")
    sh(env, "kubectl apply -f fixtures/tutorial/rbac-role.yaml")
    sh(env, f"kubectl annotate sa -n kube-system alb-ingress-controller eks.amazonaws.com/role-arn={role}")
    manifest = (ROOT / "fixtures/tutorial/alb-ingress-controller.yml").read_text()
    for name, value in (("[CLUSTER]", "sample"), ("[VPC]", vpc), ("[REGION]", env["AWS_REGION"])):
        manifest = manifest.replace(name, value)
    subprocess.run(["kubectl", "apply", "-f", "-"], input=manifest, text=True, env=env, check=True,
                   capture_output=True)
    sh(env, "kubectl rollout status deployment/alb-ingress-controller -n kube-system --timeout=30s")


def page(env, front):
    """Milliseconds from the start of `kubectl apply` of the Ingress to the page through its name."""
    for name in ("namespace", "deployment", "service"):
        sh(env, f"kubectl apply -f fixtures/tutorial/{name}.yml")
    sh(env, "kubectl rollout status deployment/sample-deployment -n sample --timeout=30s")
    begun = time.monotonic()
    sh(env, "kubectl apply -f fixtures/tutorial/ingress.yml")
    applied = (time.monotonic() - begun) * 1000
    host = ""
    while not host:
        host = sh(env, "kubectl get ingress/sample-ingress -n sample"
                       " -o 'jsonpath={.status.loadBalancer.ingress[0].hostname}'")
    while True:
        try:
            request = urllib.request.Request(f"http://{front}/", headers={"Host": host})
            if b"nginx" in urllib.request.urlopen(request).read():
                break
        except urllib.error.URLError:
            time.sleep(0.005)
    return applied, (time.monotonic() - begun) * 1000


def row(what, goal, values, unit):
    print(f"{what:44} {goal:>10} {statistics.median(values):10.1f} {min(values):10.1f} {max(values):10.1f} {unit}")


def main():
    starts, answers, memory = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(RUNS):
            process, _, took = start(folder, *FREE_PORTS)
            starts.append(took)
            time.sleep(0.5)
            memory.append(resident_mib(process.pid))
            process.terminate()
            process.wait()
            answers.append(first_answer(folder))
        process, ready, _ = start(folder, *FREE_PORTS)
        env = {**clean_environment(), "HOME": folder, **json.loads(subprocess.run(
            [BUILD / "elbow", "env", "--proxy", "--format", "json"], check=True, capture_output=True, text=True,
            env={**clean_environment(), "ELBOW_READY_FILE": f"{folder}/ready.json"}).stdout)}
        prepare_controller(env)
        applied, paged = page(env, ready["front"]["http"])
        process.terminate()
        process.wait()
    print(f"{'':44} {'goal':>10} {'median':>10} {'least':>10} {'most':>10}")
    row("start of serve --ephemeral to ready file", "<= 50", starts, "ms")
    row("start of the process to its first answer", "<= 10", answers, "ms")
    row("idle resident memory, default world", "<= 12", memory, "MiB")
    row("kubectl apply alone, of the Ingress", "", [applied], "ms")
    row("kubectl apply of the Ingress to the page", "<= 1000", [paged], "ms")


main()
