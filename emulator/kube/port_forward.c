/* Port forwarding: pairs of SPDY streams, one for the bytes and one for what went wrong, each
 * joined with a connection to the pod. The SPDY connection is the call's own, or lies in the
 * messages of a WebSocket.
 *
 * Ownership: a session belongs to its wire; a forward to its session, and to its connection while
 * there is one. Whoever ends last frees it: forward_release(), session_release().
 * Source: Kubernetes, k8s.io/apimachinery pkg/util/portforward; kubernetes-api reference §3.9. */
#include "kube/port_forward.h"

#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/memory.h"
#include "kube/wire.h"
#include "net/spdy.h"
#include "runtime/pod_runtime.h"

#define PROTOCOL  "portforward.k8s.io"
#define TUNNELLED "SPDY/3.1+" PROTOCOL

enum { HIGH_WATER = 1 << 20, MOST_EARLY = 4 << 20, MOST_FORWARDS = 1000 };

struct session {
    struct pod_runtime *runtime; /* borrowed */
    uv_loop_t *loop;
    struct wire *wire; /* NULL when it is gone */
    struct spdy *spdy;
    struct link forwards;
    size_t count;
    unsigned holders; /* the wire, and every forward */
    struct str uid;   /* of the pod, in arena */
    struct arena arena;
};

/* One connection that is forwarded. */
struct forward {
    struct link link;
    struct session *session;
    struct str request;    /* its id, in text */
    uint32_t error, bytes; /* streams; 0: not open yet */
    uint16_t port;
    struct stream *pod; /* the connection; NULL: none yet, or gone */
    bool connected, client_ended, pod_ended, failed;
    struct buf early; /* what the client sent before the pod was reached */
    char text[64];
};

static void session_release(struct session *s)
{
    if (--s->holders > 0)
        return;
    spdy_free(s->spdy);
    arena_free(&s->arena);
    free(s);
}

static void forward_release(struct forward *f)
{
    struct session *s = f->session;

    list_remove(&f->link);
    buf_free(&f->early);
    free(f);
    s->count--;
    session_release(s);
}

/* --- from the pod --------------------------------------------------------------------------- */

static void close_if_over(struct forward *f)
{
    if (f->pod != NULL && f->client_ended && f->pod_ended)
        stream_close_when_sent(f->pod);
}

static void say_end(struct forward *f)
{
    if (f->pod_ended || f->session->wire == NULL)
        return;
    f->pod_ended = true;
    spdy_data(f->session->spdy, f->bytes, S(""), true);
    spdy_data(f->session->spdy, f->error, S(""), true);
}

static void on_pod_bytes(void *data, struct str bytes)
{
    struct forward *f = data;
    struct session *s = f->session;

    if (s->wire == NULL)
        return;
    spdy_data(s->spdy, f->bytes, bytes, false);
    if (wire_queued(s->wire) > HIGH_WATER)
        stream_read_stop(f->pod);
}

static void on_pod_end(void *data)
{
    struct forward *f = data;

    say_end(f);
    close_if_over(f);
}

static void on_pod_drained(void *data)
{
    struct forward *f = data;

    if (f->session->wire != NULL)
        wire_hold(f->session->wire, false);
}

static void on_pod_failed(void *data, int error UNUSED, struct str why UNUSED)
{
    struct forward *f = data;

    say_end(f);
    if (f->session->wire != NULL)
        spdy_reset(f->session->spdy, f->bytes, SPDY_CANCEL);
    stream_close(f->pod);
}

static void on_pod_closed(void *data)
{
    struct forward *f = data;

    f->pod = NULL;
    forward_release(f);
}

/* --- joining -------------------------------------------------------------------------------- */

static void refuse(struct forward *f, int error)
{
    struct session *s = f->session;
    struct str why = str_c(error == UV_ECONNREFUSED ? "connection refused" : uv_strerror(error));
    struct str text =
        arena_printf(&s->arena,
                     "error forwarding port %u to pod %.*s, uid : failed to execute "
                     "portforward in network namespace \"host\": failed to connect to "
                     "localhost:%u inside namespace \"%.*s\", IPv4: dial tcp4 "
                     "127.0.0.1:%u: connect: %.*s ",
                     f->port, STR_ARG(s->uid), f->port, STR_ARG(s->uid), f->port, STR_ARG(why));

    f->failed = true;
    if (s->wire == NULL)
        return;
    spdy_data(s->spdy, f->error, text, true);
    spdy_reset(s->spdy, f->bytes, SPDY_CANCEL);
}

static void on_connected(void *data, int error)
{
    struct forward *f = data;

    if (error < 0) {
        refuse(f, error);
        stream_close(f->pod);
        return;
    }
    f->connected = true;
    if (f->early.n > 0)
        stream_write(f->pod, buf_str(&f->early));
    buf_free(&f->early);
    stream_read_start(f->pod);
    if (f->client_ended)
        stream_end(f->pod);
}

static void join(struct forward *f)
{
    static const struct stream_events events = {
        .on_bytes = on_pod_bytes,
        .on_end = on_pod_end,
        .on_drained = on_pod_drained,
        .on_failed = on_pod_failed,
        .on_closed = on_pod_closed,
    };
    struct sockaddr_in where;
    int r = -EHOSTUNREACH;

    if (pod_runtime_locate(f->session->runtime, f->session->uid, f->port, &where))
        r = stream_connect(f->session->loop, (const struct sockaddr *)&where, on_connected, f,
                           &f->pod);
    if (r == 0) {
        stream_set_events(f->pod, &events, f);
        return;
    }
    refuse(f, r);
    forward_release(f);
}

/* --- from the client ------------------------------------------------------------------------ */

static struct forward *forward_of(struct session *s, struct str request, uint16_t port)
{
    struct forward *f;

    LIST_EACH(struct forward, old, &s->forwards, link)
        if (str_eq(old->request, request))
            return old;
    f = xcalloc(sizeof *f);
    f->session = s;
    f->port = port;
    f->early = buf_init(MOST_EARLY);
    memcpy(f->text, request.at, request.n);
    f->request = str_n(f->text, request.n);
    list_append(&s->forwards, &f->link);
    s->holders++;
    s->count++;
    return f;
}

static void on_stream(void *data, uint32_t id, const struct spdy_header *headers, size_t n,
                      bool fin)
{
    struct session *s = data;
    struct str type = spdy_header_get(headers, n, S("streamtype"));
    struct str request = spdy_header_get(headers, n, S("requestID"));
    int64_t port;
    struct forward *f;

    if (!str_to_int(spdy_header_get(headers, n, S("port")), &port) || port < 1 || port > 65535 ||
        (!str_is(type, "error") && !str_is(type, "data")) || request.n >= sizeof f->text ||
        s->count >= MOST_FORWARDS) {
        spdy_reset(s->spdy, id, SPDY_REFUSED_STREAM);
        return;
    }
    f = forward_of(s, request, (uint16_t)port);
    if (str_is(type, "error"))
        f->error = id;
    else
        f->bytes = id;
    if (str_is(type, "data") && fin)
        f->client_ended = true;
    spdy_reply(s->spdy, id);
    if (f->error != 0 && f->bytes != 0 && f->pod == NULL && !f->failed)
        join(f);
}

static struct forward *by_stream(struct session *s, uint32_t id)
{
    LIST_EACH(struct forward, f, &s->forwards, link)
        if (f->bytes == id)
            return f;
    return NULL;
}

static void on_data(void *data, uint32_t id, struct str bytes, bool fin)
{
    struct session *s = data;
    struct forward *f = by_stream(s, id);

    if (f == NULL || f->failed)
        return;
    if (!f->connected) {
        buf_add(&f->early, bytes);
        f->client_ended = f->client_ended || fin;
        return;
    }
    if (bytes.n > 0)
        stream_write(f->pod, bytes);
    if (stream_queued(f->pod) > HIGH_WATER)
        wire_hold(s->wire, true);
    if (fin && !f->client_ended) {
        f->client_ended = true;
        stream_end(f->pod);
        close_if_over(f);
    }
}

static void on_reset(void *data, uint32_t id)
{
    struct forward *f = by_stream(data, id);

    if (f == NULL || f->pod == NULL)
        return;
    f->client_ended = f->pod_ended = true;
    stream_close(f->pod);
}

static void on_spdy_write(void *data, struct str bytes)
{
    struct session *s = data;

    if (s->wire != NULL)
        wire_write(s->wire, bytes);
}

static void on_wire_bytes(void *data, struct str bytes)
{
    struct session *s = data;

    if (spdy_feed(s->spdy, bytes) < 0)
        wire_close(s->wire);
}

static void on_wire_drained(void *data)
{
    struct session *s = data;

    LIST_EACH(struct forward, f, &s->forwards, link)
        if (f->pod != NULL && f->connected)
            stream_read_start(f->pod);
}

static void on_wire_closed(void *data)
{
    struct session *s = data;

    s->wire = NULL;
    LIST_EACH(struct forward, f, &s->forwards, link) {
        if (f->pod != NULL)
            stream_close(f->pod); /* freed when that is done */
        else
            forward_release(f);
    }
    session_release(s);
}

/* --- the call ------------------------------------------------------------------------------- */

static bool find_pod(struct kube_call *c, struct str *ret_uid)
{
    struct object *pod = cluster_get(c->cluster, S("pods"), c->target.ns, c->target.name);

    if (pod == NULL)
        return call_not_found(c, c->target.kind, c->target.name);
    if (json_str(object_doc(pod), "spec.nodeName").n == 0)
        return call_bad_request(c, "pod %.*s does not have a host assigned",
                                STR_ARG(c->target.name));
    if (c->kube->options.runtime == NULL)
        return call_internal(c, "the runtime has no such pod");
    *ret_uid = pod->uid;
    return true;
}

static bool accept_wire(struct kube_call *c, struct session *s)
{
    static const struct wire_events events = {on_wire_bytes, on_wire_drained, on_wire_closed};
    static const char *const offered[] = {TUNNELLED};
    struct http_headers headers = c->request->headers;
    struct http_header h[] = {
        {S("Connection"),                S("Upgrade") },
        {S("Upgrade"),                   S("SPDY/3.1")},
        {S("X-Stream-Protocol-Version"), S(PROTOCOL)  },
    };

    if (ws_is_upgrade(headers)) {
        if (ws_choose_protocol(headers, offered, ARRAY_LEN(offered)) == NULL)
            return call_bad_request(c, "unable to negotiate protocol: client supports none of [%s]",
                                    TUNNELLED);
        s->wire = wire_accept_websocket(c, TUNNELLED, &events, s);
    } else if (str_ieq(str_trim(http_header_get(headers, S("Upgrade"))), S("SPDY/3.1"))) {
        s->wire = wire_accept_stream(c, (struct http_headers){h, ARRAY_LEN(h)}, &events, s);
    } else {
        return call_bad_request(c, "Upgrade request required");
    }
    return s->wire != NULL;
}

void port_forward_answer(struct kube_call *c)
{
    static const struct spdy_events spdy_events = {on_stream, on_data, on_reset, on_spdy_write};
    struct session *s;
    struct str uid;

    if (!find_pod(c, &uid))
        return;
    if (c->out->upgrade == NULL) {
        (void)call_bad_request(c, "Upgrade request required");
        return;
    }
    s = xcalloc(sizeof *s);
    *s = (struct session){
        .runtime = c->kube->options.runtime, .loop = c->kube->options.loop, .holders = 1};
    s->uid = arena_str(&s->arena, uid);
    list_init(&s->forwards);
    s->spdy = spdy_new(&spdy_events, s);
    if (!accept_wire(c, s))
        session_release(s);
}
