"""The AWS APIs against moto_server, in one run: the same calls over keep-alive connections.
Usage: aws.py BUILD_FOLDER [SECONDS]

moto comes from PATH, or from PyPI into the build folder; without it ours alone is measured."""
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

import boto3
import botocore.config

BUILD = pathlib.Path(sys.argv[1]).resolve()
SECONDS = sys.argv[2] if len(sys.argv) > 2 else "3"
REGION, HOST = "ap-northeast-1", "elasticloadbalancing.ap-northeast-1.amazonaws.com"
BALANCERS, GROUPS, CONNECTIONS = 100, 10000, 8
SCOPE = f"test/20200101/{REGION}/elasticloadbalancing/aws4_request"


def find_moto():
    """The peer's program, or None."""
    found = shutil.which("moto_server")
    own = BUILD / "bench-moto" / "bin" / "moto_server"
    if found is None and not own.exists():
        subprocess.run([sys.executable, "-m", "venv", BUILD / "bench-moto"], check=False, capture_output=True)
        subprocess.run([BUILD / "bench-moto" / "bin" / "pip", "install", "-q", "moto[server]"], check=False,
                       capture_output=True)
    return found or (own if own.exists() else None)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def environment():
    return {k: v for k, v in os.environ.items()
            if not k.startswith(("AWS_", "ELBOW_")) and "proxy" not in k.lower()}


def start_elbow(folder):
    ready = folder / "ready.json"
    process = subprocess.Popen(
        [BUILD / "elbow", "serve", "--ephemeral", "--ready-file", ready, "--log-level", "error",
         "--aws-listen", "127.0.0.1:0", "--kube-listen", "127.0.0.1:0", "--front-http", "127.0.0.1:0",
         "--front-https", "127.0.0.1:0"], env=environment())
    while not ready.exists():
        if process.poll() is not None:
            sys.exit("elbow did not start")
        time.sleep(0.005)
    return process, urllib.parse.urlparse(json.loads(ready.read_text())["aws"]).port


def start_moto(program):
    port = free_port()
    process = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(port)], env=environment(),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return process, port
        time.sleep(0.05)


def client(service, port):
    return boto3.client(service, endpoint_url=f"http://127.0.0.1:{port}", region_name=REGION,
                        aws_access_key_id="test", aws_secret_access_key="test",
                        config=botocore.config.Config(retries={"total_max_attempts": 1}))


def network(port):
    """A VPC and two subnets of it, in different zones: there already, or made."""
    tagging = client("resourcegroupstaggingapi", port)
    found = [r["ResourceARN"].rpartition("/")[2] for r in tagging.get_resources(
        TagFilters=[{"Key": "kubernetes.io/role/elb"}], ResourceTypeFilters=["ec2:subnet"])["ResourceTagMappingList"]]
    if found:
        return "vpc-0e1b0a5a3c1e7d001", found[:2]
    ec2 = client("ec2", port)
    vpc = ec2.create_vpc(CidrBlock="192.168.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"192.168.{32 * n}.0/19", AvailabilityZone=REGION + zone)[
        "Subnet"]["SubnetId"] for n, zone in enumerate("ac")]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    return vpc, subnets


def request(members):
    """A call as it goes over the wire."""
    body = urllib.parse.urlencode({"Version": "2015-12-01", **members})
    return (f"POST / HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: AWS4-HMAC-SHA256 Credential={SCOPE}, "
            "SignedHeaders=host, Signature=00\r\nX-Amz-Date: 20200101T000000Z\r\nContent-Type: "
            f"application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


class Caller:
    """Connections that each have one call on the way; kept alive where the server does."""

    def __init__(self, port):
        self.port = port
        self.sockets = [self.connect() for _ in range(CONNECTIONS)]

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def receive(self, s):
        """Reads one answer; true when the server hangs up after it."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = s.recv(65536)
            assert more, "bench: the server hung up"
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        assert head.split(b" ", 2)[1] == b"200", data
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            body += s.recv(65536)
        return b"connection: close" in head.lower()

    def run(self, calls):
        """Makes the calls; seconds for each, in order, as the sender sees it."""
        queue = [request(members) for members in calls]
        began, took = [0.0] * len(queue), []
        for n in range(min(CONNECTIONS, len(queue))):
            began[n] = time.perf_counter()
            self.sockets[n].sendall(queue[n])
        for n in range(len(queue)):
            at, after = n % CONNECTIONS, n + CONNECTIONS
            gone = self.receive(self.sockets[at])
            took.append(time.perf_counter() - began[n])
            if gone:
                self.sockets[at].close()
                self.sockets[at] = self.connect()
            if after < len(queue):
                began[after] = time.perf_counter()
                self.sockets[at].sendall(queue[after])
        return took


def creations(vpc, first, n):
    return [{"Action": "CreateTargetGroup", "Name": f"bench-{i}", "Protocol": "HTTP", "Port": "80", "VpcId": vpc}
            for i in range(first, first + n)]


def rate(port, calls):
    begun = time.perf_counter()
    took = Caller(port).run(calls)
    return len(calls) / (time.perf_counter() - begun), took


def describe(port, folder, keep_alive):
    (folder / "describe").write_bytes(request({"Action": "DescribeLoadBalancers", "PageSize": BALANCERS}))
    out = subprocess.run([BUILD / "bench_load", str(port), str(CONNECTIONS), SECONDS, HOST,
                          f"@{folder / 'describe'}", *([] if keep_alive else ["close"])],
                         capture_output=True, text=True, check=False).stdout.split()
    assert int(out[5]) == 0, out
    return int(out[0]) / float(out[1]), int(out[4]) / int(out[0])


def measure(port, folder, groups, keep_alive):
    vpc, subnets = network(port)
    elb = client("elbv2", port)
    for n in range(BALANCERS):
        elb.create_load_balancer(Name=f"bench-{n}", Subnets=subnets)
    assert len(elb.describe_load_balancers(PageSize=BALANCERS)["LoadBalancers"]) == BALANCERS
    described, size = describe(port, folder, keep_alive)
    created, took = rate(port, creations(vpc, 0, groups))
    return {"describe": described, "size": size, "create": created, "took": took}


def row(label, peer, us, reach):
    ratio = f"{us / peer:8.1f}" if peer else "       -"
    print(f"{label:52} {peer or float('nan'):10.1f} {us:10.1f} {ratio}  {reach}")


def main():
    subprocess.run(["cmake", "--build", BUILD, "--target", "bench_load"], check=True, capture_output=True)
    moto, peer = find_moto(), None
    started = []
    with tempfile.TemporaryDirectory(prefix="elbow-bench-") as temporary:
        folder = pathlib.Path(temporary)
        try:
            if moto is not None:
                process, port = start_moto(moto)
                started.append(process)
                # It hangs up after every answer, whatever the client asks for.
                peer = measure(port, folder, 500, False)
            process, port = start_elbow(folder)
            started.append(process)
            us = measure(port, folder, GROUPS, True)
        finally:
            for process in started:
                process.terminate()
                process.wait()
    print(f"{'':52} {'moto':>10} {'elbow':>10} {'ratio':>8}  reach")
    row(f"DescribeLoadBalancers of {BALANCERS}, calls/s", peer and peer["describe"], us["describe"], ">= 50")
    row("CreateTargetGroup, calls/s", peer and peer["create"], us["create"], ">= 50")
    early, late = (statistics.median(us["took"][a:b]) * 1e6 for a, b in ((10, 500), (GROUPS - 490, GROUPS)))
    row(f"target group {GROUPS} over the 10th, us", early, late, "~ 1")
    print(f"    an answer of {us['size'] / 1024:.0f} KiB (moto's: {peer['size'] / 1024:.0f} KiB)" if peer else "")


main()
