#!/usr/bin/env python3
"""The data plane against nginx's proxy_pass, in one run: the same target, the same load.

Prints peer, ours and the ratio for requests a second, p99 and CPU time a request. Both sides run
one worker; rounds alternate, and the best of each side counts, so that a noisy neighbour hits
both. Asserts nothing.
"""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1])
SECONDS = float(os.environ.get("BENCH_SECONDS", "2"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
HOST = "bench.elb.localhost"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


TARGET, PEER = free_port(), free_port()

NGINX_HEAD = """
daemon off; worker_processes 1; pid {dir}/{name}.pid; error_log {dir}/{name}.log;
events {{ worker_connections 30000; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_temp_path {dir}/c;
  proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u;
  scgi_temp_path {dir}/s; tcp_nodelay on;
"""
TARGET_CONF = NGINX_HEAD + """
  server {{ listen 127.0.0.1:{target} backlog=4096;
    location = /1m {{ alias {dir}/1m; }} location = /100m {{ alias {dir}/100m; }}
    location / {{ return 200 "hello, world\\n"; }} }}
}}
"""
PEER_CONF = NGINX_HEAD + """
  upstream target {{ server 127.0.0.1:{target}; keepalive 256; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{peer} backlog=4096;
    {locations}
    location / {{ proxy_pass http://target; }}
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Port $server_port;
    proxy_set_header X-Amzn-Trace-Id Root=1-$msec-$request_id;
  }}
}}
"""


def start_nginx(folder, name, text):
    conf = folder / f"{name}.conf"
    conf.write_text(text)
    return subprocess.Popen(["nginx", "-c", str(conf), "-p", str(folder), "-e", str(folder / "e")])


def wait_for(port):
    for _ in range(200):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit(f"bench: nothing listens on {port}")


def workers_of(process):
    """The process and its children: nginx's worker does the work."""
    found = [process.pid]
    path = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return found + [int(p) for p in path.read_text().split()]


def cpu_seconds(process):
    total = 0
    for pid in workers_of(process):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def load(process, port, connections, path, *more):
    before = cpu_seconds(process)
    out = subprocess.run(
        [BUILD / "bench_load", str(port), str(connections), str(SECONDS), HOST, path, *more],
        capture_output=True, text=True, check=False).stdout.split()
    cpu = cpu_seconds(process) - before
    done, seconds = int(out[0]), float(out[1])
    return {"rate": done / seconds, "p99": int(out[3]), "cpu": cpu * 1e6 / max(done, 1),
            "mib": int(out[4]) / seconds / 2**20, "errors": int(out[5])}


def memory_kib(process):
    total = 0
    for pid in workers_of(process):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon"):
                total += int(line.split()[1])
    return total


def best(results):
    return {"rate": max(r["rate"] for r in results), "p99": min(r["p99"] for r in results),
            "cpu": min(r["cpu"] for r in results), "mib": max(r["mib"] for r in results),
            "errors": sum(r["errors"] for r in results)}


def row(label, peer, us, better_high=True):
    ratio = us / peer if peer else float("nan")
    print(f"{label:52} {peer:12.1f} {us:12.1f} {ratio:8.2f}  {'>= 1' if better_high else '<= 1'}")


def compare(title, peer, ours, connections, path, *more):
    theirs, mine = [], []
    for _ in range(ROUNDS):
        theirs.append(load(*peer, connections, path, *more))
        mine.append(load(*ours, connections, path, *more))
    p, u = best(theirs), best(mine)
    row(f"{title}: requests/s", p["rate"], u["rate"])
    row(f"{title}: p99 us", p["p99"], u["p99"], False)
    row(f"{title}: CPU us/request", p["cpu"], u["cpu"], False)
    if p["errors"] or u["errors"]:
        print(f"    errors: nginx {p['errors']}, ours {u['errors']}")


def run(folder, started):
    def start(process, port):
        started.append(process)
        wait_for(port)
        return process, port

    (folder / "1m").write_bytes(b"x" * 2**20)
    (folder / "100m").write_bytes(b"x" * 100 * 2**20)
    names = {"dir": folder, "target": TARGET, "peer": PEER}
    hundred = " ".join(f"location /service-{i}/ {{ proxy_pass http://target; }}" for i in range(99))
    start(start_nginx(folder, "target", TARGET_CONF.format(name="target", **names)), TARGET)
    peer = start(start_nginx(folder, "peer", PEER_CONF.format(name="peer", locations=hundred, **names)), PEER)

    def ours(rules, workers=1):
        port = free_port()
        command = [BUILD / "bench_dataplane", str(port), str(TARGET), str(rules), str(workers)]
        return start(subprocess.Popen(command), port)

    print(f"{'':52} {'nginx':>12} {'elbow':>12} {'ratio':>8}  goal")
    one, ten, many, most = ours(1), ours(10), ours(100), ours(1000)
    compare("keep-alive, 64 connections, 1 rule", peer, one, 64, "/")
    compare("keep-alive, 64 connections, 100 rules", peer, many, 64, "/")
    compare("keep-alive, 64 connections, 1000 rules (nginx: 100)", peer, most, 64, "/")
    compare("keep-alive: 1000 rules against 10 (both ours)", ten, most, 64, "/")
    compare("a connection a request, 64 at a time", peer, one, 64, "/", "close")
    compare("1 MiB bodies, 16 connections", peer, one, 16, "/1m")
    compare("100 MiB bodies, 2 connections", peer, one, 2, "/100m")
    row("anonymous memory after it all, KiB", memory_kib(peer[0]), memory_kib(one[0]), False)


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if shutil.which("nginx") is None:
        raise SystemExit("bench: nginx, the peer, is not installed")
    subprocess.run(["cmake", "--build", BUILD, "--target", "bench_load", "bench_dataplane"],
                   check=True, stdout=subprocess.DEVNULL)
    started = []
    with tempfile.TemporaryDirectory(prefix="elbow-bench-") as name:
        os.chmod(name, 0o755)
        try:
            run(pathlib.Path(name), started)
        finally:
            for process in started:
                process.send_signal(signal.SIGTERM)
            for process in started:
                process.wait()


main()
