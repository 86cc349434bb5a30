/* The proxy. A name may have a scheme before it and a port behind it: "http:web:80".
 *
 * Ownership: what is under way lives in the exchange's arena, until finish() ends the answer; a
 * client that goes away before cancels the call.
 * Source: Kubernetes "Access Services Running on Clusters"; the words are the API server's. */
#include "kube/proxy.h"

#include "kube/answer.h"
#include "net/http_client.h"
#include "runtime/pod_runtime.h"

/* DIFFERS: https targets are refused; a program of this machine speaks plain HTTP. */

enum { MOST_HEADERS = 48, HIGH_WATER = 4 << 20 };

struct wanted {
    struct str scheme, name, port;
};

static struct wanted wanted_of(struct str name)
{
    struct str first, rest, middle, last;

    if (!str_cut(name, ':', &first, &rest))
        return (struct wanted){.name = name};
    if (!str_cut(rest, ':', &middle, &last))
        return (struct wanted){.name = first, .port = rest};
    return (struct wanted){first, middle, last};
}

static bool unavailable(struct kube_call *c, struct str message)
{
    return kube_call_fail(
        c, &(struct kube_failure){.code = 503, .reason = "ServiceUnavailable", .message = message});
}

/* --- where ---------------------------------------------------------------------------------- */

static bool locate(struct kube_call *c, struct object *pod, uint16_t port,
                   struct sockaddr_in *ret_where)
{
    struct pod_runtime *runtime = c->kube->options.runtime;

    if (pod != NULL && runtime != NULL && pod_runtime_locate(runtime, pod->uid, port, ret_where))
        return true;
    return unavailable(c, S("error trying to reach service: no route to host"));
}

static bool locate_pod(struct kube_call *c, const struct wanted *w, struct sockaddr_in *ret_where)
{
    struct object *pod = cluster_get(c->cluster, S("pods"), c->target.ns, w->name);
    int64_t port = 80;

    if (pod == NULL)
        return call_not_found(c, c->target.kind, w->name);
    JSON_EACH(container, json_get(object_doc(pod), "spec.containers"))
        JSON_EACH(p, json_get(container, "ports"))
            if (port == 80)
                port = json_int(p, "containerPort", port);
    if (w->port.n > 0 && (!str_to_int(w->port, &port) || port < 1 || port > 65535))
        return call_bad_request(c, "invalid pod request \"%.*s\"", STR_ARG(c->target.name));
    return locate(c, pod, (uint16_t)port, ret_where);
}

/* The port of the Service that is meant, by its name or number; the only one, where none is. */
static const cJSON *service_port(const cJSON *service, struct str wanted)
{
    const cJSON *ports = json_get(service, "spec.ports");
    int64_t number = 0;

    if (wanted.n == 0)
        return cJSON_GetArraySize(ports) == 1 ? ports->child : NULL;
    (void)str_to_int(wanted, &number);
    JSON_EACH(port, ports)
        if (str_eq(json_str(port, "name"), wanted) ||
            (number != 0 && json_int(port, "port", 0) == number))
            return port;
    return NULL;
}

/* One of the ready addresses behind the port, and its number there. */
static const cJSON *choose_address(struct kube_call *c, const cJSON *endpoints,
                                   struct str port_name, int64_t *ret_port)
{
    JSON_EACH(subset, json_get(endpoints, "subsets")) {
        const cJSON *addresses = json_get(subset, "addresses");
        int n = cJSON_GetArraySize(addresses);

        if (n == 0)
            continue;
        JSON_EACH(port, json_get(subset, "ports"))
            if (str_eq(json_str(port, "name"), port_name)) {
                *ret_port = json_int(port, "port", 0);
                return cJSON_GetArrayItem(addresses, (int)ids_below(c->kube->ids, (uint64_t)n));
            }
    }
    return NULL;
}

static bool locate_service(struct kube_call *c, const struct wanted *w,
                           struct sockaddr_in *ret_where)
{
    struct object *service = cluster_get(c->cluster, S("services"), c->target.ns, w->name);
    struct object *endpoints = cluster_get(c->cluster, S("endpoints"), c->target.ns, w->name);
    const cJSON *port, *address = NULL;
    int64_t number = 0;

    if (service == NULL)
        return call_not_found(c, c->target.kind, w->name);
    port = service_port(object_doc(service), w->port);
    if (port == NULL)
        return unavailable(c, arena_printf(c->arena,
                                           "no service port \"%.*s\" found for service \"%.*s\"",
                                           STR_ARG(w->port), STR_ARG(w->name)));
    if (endpoints != NULL)
        address = choose_address(c, object_doc(endpoints), json_str(port, "name"), &number);
    if (address == NULL)
        return unavailable(c, arena_printf(c->arena, "no endpoints available for service \"%.*s\"",
                                           STR_ARG(c->target.name)));
    return locate(
        c, cluster_get(c->cluster, S("pods"), c->target.ns, json_str(address, "targetRef.name")),
        (uint16_t)number, ret_where);
}

/* --- there and back ------------------------------------------------------------------------- */

struct passing {
    struct kube_call *call;
    struct http_call *request;
    bool started;
};

static bool passes(struct str name)
{
    static const char *const kept_back[] = {"authorization",
                                            "connection",
                                            "content-length",
                                            "transfer-encoding",
                                            "keep-alive",
                                            "upgrade",
                                            "host",
                                            "te",
                                            "trailer",
                                            "accept-encoding",
                                            "content-encoding"};

    for (size_t i = 0; i < ARRAY_LEN(kept_back); i++)
        if (str_ieq(name, str_c(kept_back[i])))
            return false;
    return true;
}

static struct http_headers passed(struct arena *a, struct http_headers from)
{
    struct http_header *h = arena_array(a, MOST_HEADERS, sizeof *h);
    size_t n = 0;

    for (size_t i = 0; i < from.n && n < MOST_HEADERS; i++)
        if (passes(from.at[i].name))
            h[n++] =
                (struct http_header){arena_str(a, from.at[i].name), arena_str(a, from.at[i].value)};
    return (struct http_headers){h, n};
}

static void on_gone(void *data)
{
    struct passing *p = data;
    struct kube_out *out = p->call->out;

    http_call_cancel(p->request);
    call_deinit(p->call);
    out->end(out); /* the arena goes with it */
}

static void on_head(void *data, const struct http_result *head)
{
    struct passing *p = data;
    struct kube_call *c = p->call;

    p->started = true;
    c->out->start(c->out, head->status, passed(c->arena, head->headers));
}

static void on_data(void *data, struct str bytes)
{
    struct passing *p = data;
    struct kube_out *out = p->call->out;

    out->write(out, bytes);
    if (out->queued(out) > HIGH_WATER) { /* DIFFERS: a client that takes nothing is cut off */
        http_call_cancel(p->request);
        call_deinit(p->call);
        out->end(out);
    }
}

static void on_done(void *data, const struct http_result *result)
{
    struct passing *p = data;
    struct kube_call *c = p->call;
    struct kube_out *out = c->out;

    if (!p->started && result->error < 0) {
        c->out->on_gone(c->out, NULL, NULL);
        (void)unavailable(
            c, arena_printf(c->arena, "error trying to reach service: %.*s", STR_ARG(result->why)));
        answer_send(c);
        return;
    }
    call_deinit(c);
    out->end(out); /* the arena goes with it */
}

static struct http_client *client_of(struct kube *k)
{
    if (k->proxy == NULL) {
        k->proxy = http_client_new(&(struct http_client_options){.loop = k->options.loop});
        k->handles++;
    }
    return k->proxy;
}

static void pass(struct kube_call *c, const struct sockaddr_in *where)
{
    struct passing *p = arena_alloc(c->arena, sizeof *p);
    const struct http_request *r = c->request;
    char host[INET_ADDRSTRLEN];
    struct http_call_options o = {
        .method = r->method,
        .headers = passed(c->arena, r->headers),
        .body = r->body,
        .on_head = on_head,
        .on_data = on_data,
        .on_done = on_done,
        .data = p,
    };

    (void)uv_ip4_name(where, host, sizeof host);
    o.url = arena_printf(c->arena, "http://%s:%u/%.*s%s%.*s", host, ntohs(where->sin_port),
                         STR_ARG(c->target.rest), r->query.n > 0 ? "?" : "", STR_ARG(r->query));
    c->state = CALL_STREAM;
    p->call = c;
    c->out->on_gone(c->out, on_gone, p);
    p->request = http_client_send(client_of(c->kube), &o);
}

/* "…/proxy" is a folder: what it links to lies below it. */
static bool is_folder(struct kube_call *c)
{
    struct str path = c->target.path;

    if (c->target.rest.n > 0 || path.at[path.n - 1] == '/')
        return true;
    call_add_header(c, S("Location"), arena_printf(c->arena, "%.*s/", STR_ARG(path)));
    call_answer_raw(c, 301, S("text/plain"), S(""));
    return false;
}

void proxy_answer(struct kube_call *c)
{
    struct wanted w = wanted_of(c->target.name);
    struct sockaddr_in where;
    bool found;

    if (str_is(w.scheme, "https")) {
        (void)unavailable(c, S("error trying to reach service: the target speaks plain HTTP"));
        return;
    }
    if (c->kube->options.loop == NULL || !is_folder(c))
        return;
    found = str_is(c->target.kind->stored, "pods") ? locate_pod(c, &w, &where)
                                                   : locate_service(c, &w, &where);
    if (found)
        pass(c, &where);
}
