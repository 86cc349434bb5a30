"""A small Kubernetes API in memory: what the ALB controller lists, watches and writes."""
import http.server
import json
import queue
import threading
import urllib.parse

KINDS = {"Ingress": ("/apis/extensions/v1beta1", "ingresses"), "Service": ("/api/v1", "services"),
         "Endpoints": ("/api/v1", "endpoints"), "Node": ("/api/v1", "nodes"), "Secret": ("/api/v1", "secrets"),
         "Pod": ("/api/v1", "pods"), "ConfigMap": ("/api/v1", "configmaps"), "Event": ("/api/v1", "events")}
KIND_OF = {plural: kind for kind, (_, plural) in KINDS.items()}


class Cluster:
    """The objects, their versions, and who watches them."""

    def __init__(self):
        self.lock = threading.RLock()
        self.version = 100
        self.objects = {}   # (kind, namespace, name) -> object
        self.history = []   # (version, kind, type, object)
        self.watchers = []  # (kind, namespace, queue)
        self.held = None    # changes of a status wait here until release()
        self.oldest = 0     # watches from before this are Expired
        self.requests = []  # (method, path, body)
        self.hook = None    # (method, path) -> None, or (status, Status)

    def tell(self, kind, what, thing):
        event = {"type": what, "object": thing}
        self.history.append((self.version, kind, event))
        for k, namespace, q in self.watchers:
            if k == kind and namespace in ("", thing["metadata"].get("namespace", "")):
                q.put(event)

    def stamp(self, kind, thing):
        self.version += 1
        thing = json.loads(json.dumps(thing))
        thing.setdefault("kind", kind)
        thing.setdefault("apiVersion", "extensions/v1beta1" if kind == "Ingress" else "v1")
        thing["metadata"].setdefault("uid", f"uid-{kind}-{thing['metadata']['name']}".lower())
        thing["metadata"]["resourceVersion"] = str(self.version)
        return thing

    def apply(self, thing):
        kind = thing["kind"]
        key = (kind, thing["metadata"].get("namespace", ""), thing["metadata"]["name"])
        with self.lock:
            old = self.objects.get(key)
            thing = self.stamp(kind, thing)
            if old and "status" in old and kind == "Ingress":
                thing.setdefault("status", old["status"])
            self.objects[key] = thing
            self.tell(kind, "MODIFIED" if old else "ADDED", thing)

    def delete(self, kind, namespace, name):
        with self.lock:
            thing = self.objects.pop((kind, namespace, name))
            self.tell(kind, "DELETED", self.stamp(kind, thing))

    def put_status(self, key, body):
        with self.lock:
            old = self.objects.get(key)
            if old is None:
                return 404, status(404, "NotFound", f'ingresses.extensions "{key[2]}" not found')
            if body["metadata"].get("resourceVersion") != old["metadata"]["resourceVersion"]:
                return 409, status(409, "Conflict", f'Operation cannot be fulfilled on ingresses.extensions "{key[2]}"')
            thing = self.stamp("Ingress", {**old, "status": body["status"]})
            self.objects[key] = thing
            if self.held is None:
                self.tell("Ingress", "MODIFIED", thing)
            else:
                self.held.append(thing)
            return 200, thing

    def hold_status_changes(self):
        with self.lock:
            self.held = []

    def release(self):
        """Tells the watchers what was held back; says whether there was something."""
        with self.lock:
            held, self.held = self.held or [], None
            for thing in held:
                self.tell("Ingress", "MODIFIED", thing)
            return bool(held)

    def close_watches(self, expired=False):
        """Ends every watch; with @expired, none can be resumed."""
        with self.lock:
            if expired:
                self.version += 1
                self.oldest = self.version
            for _, _, q in self.watchers:
                q.put(None)

    def events(self):
        with self.lock:
            return [o for (k, _, _), o in self.objects.items() if k == "Event"]


def status(code, reason, message):
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
            "message": message}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # an answer is one write
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, code, body):
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def parsed(self):
        """(kind, namespace, name, sub-resource, query) of the path, or None."""
        path, _, query = self.path.partition("?")
        for prefix in ("/api/v1/", "/apis/extensions/v1beta1/"):
            if path.startswith(prefix):
                parts = path[len(prefix):].split("/")
                namespace = ""
                if parts[0] == "namespaces" and len(parts) > 2:
                    namespace, parts = parts[1], parts[2:]
                kind = KIND_OF.get(parts[0])
                if kind:
                    return (kind, namespace, parts[1] if len(parts) > 1 else "",
                            parts[2] if len(parts) > 2 else "", dict(urllib.parse.parse_qsl(query)))
        return None

    def refused(self):
        hook = self.server.cluster.hook
        broken = hook(self.command, self.path) if hook else None
        if broken is None:
            return False
        if broken == "cut":
            self.close_connection = True
            self.connection.close()
        else:
            self.answer(*broken)
        return True

    def do_GET(self):
        cluster = self.server.cluster
        path = self.path.partition("?")[0]
        with cluster.lock:
            cluster.requests.append((self.command, self.path, None))
        if self.refused():
            return
        if path == "/api":
            self.answer(200, {"kind": "APIVersions", "versions": ["v1"]})
        elif path == "/apis":
            self.answer(200, {"kind": "APIGroupList", "groups": [
                {"name": "extensions", "versions": [{"groupVersion": "extensions/v1beta1", "version": "v1beta1"}]}]})
        elif path in ("/api/v1", "/apis/extensions/v1beta1"):
            self.answer(200, {"kind": "APIResourceList", "resources": [
                {"name": plural, "kind": kind, "namespaced": kind != "Node"}
                for kind, (prefix, plural) in KINDS.items() if prefix == path]})
        elif self.parsed() is None:
            self.answer(404, status(404, "NotFound", "the server could not find the requested resource"))
        else:
            self.read(*self.parsed())

    def read(self, kind, namespace, name, _, query):
        cluster = self.server.cluster
        if name:
            with cluster.lock:
                thing = cluster.objects.get((kind, namespace, name))
            if thing:
                self.answer(200, thing)
            else:
                self.answer(404, status(404, "NotFound", f'{KINDS[kind][1]} "{name}" not found'))
        elif query.get("watch") == "true":
            self.watch(kind, namespace, int(query["resourceVersion"]))
        else:
            with cluster.lock:
                items = [o for (k, n, _), o in cluster.objects.items() if k == kind and namespace in ("", n)]
                version = str(cluster.version)
            limit, start = int(query.get("limit", len(items) or 1)), int(query.get("continue", 0))
            metadata = {"resourceVersion": version}
            if start + limit < len(items):
                metadata["continue"] = str(start + limit)
            version = KINDS[kind][0].removeprefix("/api/").removeprefix("/apis/")
            self.answer(200, {"kind": f"{kind}List", "apiVersion": version, "metadata": metadata,
                              "items": items[start:start + limit]})

    def watch(self, kind, namespace, version):
        cluster, q = self.server.cluster, queue.Queue()
        with cluster.lock:
            if version < cluster.oldest:
                q.put({"type": "ERROR", "object": status(410, "Expired", f"too old resource version: {version}")})
                q.put(None)
            for at, k, event in cluster.history:
                if at > version and k == kind and namespace in ("", event["object"]["metadata"].get("namespace", "")):
                    q.put(event)
            entry = (kind, namespace, q)
            cluster.watchers.append(entry)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while (event := q.get()) is not None:
                line = json.dumps(event).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            pass
        with cluster.lock:
            cluster.watchers.remove(entry)

    def write(self):
        cluster = self.server.cluster
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        with cluster.lock:
            cluster.requests.append((self.command, self.path, body))
        if self.refused():
            return
        kind, namespace, name, sub, _ = self.parsed()
        key = (kind, namespace, name or body["metadata"]["name"])
        with cluster.lock:
            old = cluster.objects.get(key)
            if sub == "status":
                self.answer(*cluster.put_status(key, body))
            elif self.command == "POST" and old:
                self.answer(409, status(409, "AlreadyExists", f'"{key[2]}" already exists'))
            elif self.command != "POST" and not old:
                self.answer(404, status(404, "NotFound", f'"{key[2]}" not found'))
            else:
                thing = {**old, **body, "metadata": old["metadata"]} if self.command == "PATCH" else body
                cluster.objects[key] = cluster.stamp(kind, thing)
                if kind == "ConfigMap":
                    cluster.objects[key]["metadata"]["selfLink"] = f"/api/v1/namespaces/{namespace}/configmaps/{key[2]}"
                cluster.tell(kind, "MODIFIED" if old else "ADDED", cluster.objects[key])
                self.answer(200 if old else 201, cluster.objects[key])

    do_POST = do_PUT = do_PATCH = write


class FakeKube(http.server.ThreadingHTTPServer):
    """Serves one cluster on a free port of 127.0.0.1, in clear."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.cluster = Cluster()
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, request, client_address):
        pass

    def close(self):
        self.cluster.close_watches()
        self.shutdown()
        self.server_close()
