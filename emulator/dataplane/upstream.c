/* Back-end connections. One is owned by its endpoint's list (idle or busy) from upstream_open()
 * until close_upstream(); memory is freed in on_closed(), when libuv has returned both handles.
 * While it is busy, it and its exchange point at each other; upstream_release() parts them.
 * Ways to close: the target closes an idle one, an idle one gets old, a response that allows no
 * reuse, a broken exchange, a target that is no more.
 * Source: Application Load Balancers User Guide, "Connection reuse"; RFC 9112 section 9.
 * A request is never sent twice: a pooled connection that breaks under it is a 502. */
#include "dataplane/upstream.h"

#include <stdlib.h>

#include "base/macros.h"
#include "base/memory.h"
#include "dataplane/secure.h"
#include "dataplane/upstream_http2.h"

static void on_closed(uv_handle_t *h)
{
    struct upstream *u = h->data;

    if (--u->handles > 0)
        return;
    buf_free(&u->in);
    upstream2_free(u);
    endpoint_unref(u->endpoint);
    free(u);
}

static void close_upstream(struct upstream *u)
{
    if (u->closing)
        return;
    u->closing = true;
    list_remove(&u->link);
    sock_close(&u->sock, on_closed);
    uv_close((uv_handle_t *)&u->timer, on_closed);
}

/* The connection broke, or could not be made, under its exchange. */
void upstream_fail(struct upstream *u, int error)
{
    struct exchange *x = u->exchange;

    if (x != NULL)
        exchange_upstream_failed(x, error); /* releases us */
    close_upstream(u);
}

/* --- reading a response -------------------------------------------------------------------- */

static void on_content(void *data, struct str content)
{
    struct upstream *u = data;

    if (u->exchange != NULL)
        exchange_upstream_content(u->exchange, content);
}

/* Reads one head from @bytes; 0 when it is not complete, -1 when it is malformed, else how many
 * bytes it has. Interim responses are swallowed. */
static ssize_t read_head(struct upstream *u, struct str bytes)
{
    struct worker *w = u->endpoint->worker;
    struct response_head head = {.fields = w->response_fields};
    size_t n = http_head_end(bytes, &u->scanned);

    if (n == 0)
        return bytes.n > HTTP_RESPONSE_FIELDS_MAX + 1024 ? -1 : 0;
    u->scanned = 0;
    if (!response_head_read(str_first(bytes, n), u->to_head, &head))
        return -1;
    if (head.status == 101 && u->exchange->wants_upgrade)
        head.body = HTTP_BODY_UNTIL_END; /* what follows is the tunnel's */
    else if (head.status < 200)
        return head.status == 101 ? -1 : (ssize_t)n;
    u->has_head = true;
    u->reusable = head.keep_alive && head.status != 101;
    http_body_begin(&u->body, &w->chunks, head.body, head.length, on_content, u);
    exchange_upstream_head(u->exchange, &head);
    return (ssize_t)n;
}

/* As far as @bytes go; how many were used, or -1 when they are no response. */
static ssize_t read_response(struct upstream *u, struct str bytes)
{
    size_t used = 0;

    while (used < bytes.n && u->exchange != NULL && !u->has_head) {
        ssize_t n = read_head(u, str_from(bytes, used));

        if (n < 0)
            return -1;
        if (n == 0)
            return (ssize_t)used;
        used += (size_t)n;
    }
    if (u->has_head && used < bytes.n && u->exchange != NULL && !u->body.done) {
        ssize_t n = http_body_feed(&u->body, str_from(bytes, used));

        if (n < 0)
            return -1;
        used += (size_t)n;
    }
    return (ssize_t)used;
}

/* Keeps what has not been used: the beginning of a head. */
static bool keep_rest(struct upstream *u, struct str bytes, size_t used)
{
    struct str rest = str_from(bytes, used);

    if (u->in.at != NULL && bytes.at == u->in.at) {
        buf_consume(&u->in, used);
        return true;
    }
    buf_add(&u->in, rest);
    return !u->in.full;
}

static void take_bytes(struct upstream *u, struct str bytes)
{
    struct exchange *x = u->exchange;
    ssize_t used;

    if (u->in.n > 0) {
        buf_add(&u->in, bytes);
        bytes = buf_str(&u->in);
        if (u->in.full) {
            upstream_fail(u, UV_EPROTO);
            return;
        }
    }
    x->active_ms = (int64_t)uv_now(&u->endpoint->worker->loop);
    used = read_response(u, bytes);
    if (u->exchange == NULL)
        return; /* it ended meanwhile, and closed us */
    if (used < 0) {
        upstream_fail(u, UV_EPROTO);
        return;
    }
    if (!u->has_head) {
        if (!keep_rest(u, bytes, (size_t)used))
            upstream_fail(u, UV_EPROTO);
        return;
    }
    if (u->body.done && (size_t)used < bytes.n)
        u->reusable = false; /* bytes that nobody asked for */
    buf_reset(&u->in);
    if (u->body.done)
        exchange_upstream_end(x); /* releases us */
    else
        x->ops->flush(x);
}

static void on_end(struct upstream *u, int error)
{
    if (u->exchange == NULL) {
        close_upstream(u);
        return;
    }
    if (error == UV_EOF && u->has_head && u->body.kind == HTTP_BODY_UNTIL_END) {
        u->reusable = false;
        exchange_upstream_end(u->exchange);
        return;
    }
    upstream_fail(u, error);
}

static void on_read(struct sock *s, ssize_t n, const char *at)
{
    struct upstream *u = container_of(s, struct upstream, sock);

    if (n < 0)
        on_end(u, (int)n);
    else if (u->http2 != NULL)
        upstream2_read(u, str_n(at, (size_t)n));
    else if (u->exchange == NULL)
        close_upstream(u); /* an answer without a request */
    else
        take_bytes(u, str_n(at, (size_t)n));
}

void upstream_pause(struct upstream *u)
{
    sock_read_stop(&u->sock);
}

void upstream_resume(struct upstream *u)
{
    if (u->sock.connected)
        sock_read_start(&u->sock);
}

/* --- writing and connecting ---------------------------------------------------------------- */

static void on_drained(struct sock *s)
{
    struct upstream *u = container_of(s, struct upstream, sock);

    if (u->exchange == NULL)
        return;
    if (u->http2 != NULL && upstream2_flush(u) < 0) {
        upstream_fail(u, UV_EPROTO);
        return;
    }
    u->exchange->active_ms = (int64_t)uv_now(&u->endpoint->worker->loop);
    exchange_upstream_drained(u->exchange);
}

static void on_write_failed(struct sock *s, int error)
{
    struct upstream *u = container_of(s, struct upstream, sock);

    /* A target may answer early and stop reading: what it said is still to be read. */
    if (error == UV_EPIPE && u->sock.reading)
        return;
    upstream_fail(u, error);
}

static void on_connect_timeout(uv_timer_t *t)
{
    upstream_fail(t->data, UV_ETIMEDOUT);
}

static void on_handshake_timeout(uv_timer_t *t)
{
    upstream_fail(t->data, UV_EPROTO);
}

static void start_timer(struct upstream *u, int64_t ms, uv_timer_cb on_time)
{
    int64_t real = clock_real_delay(u->endpoint->worker->clock, ms);

    (void)uv_timer_start(&u->timer, on_time, (uint64_t)real, 0);
}

static void on_secured(struct sock *s)
{
    struct upstream *u = container_of(s, struct upstream, sock);

    (void)uv_timer_stop(&u->timer);
}

static void on_connected(uv_connect_t *req, int status)
{
    struct upstream *u = container_of(req, struct upstream, connect);

    if (u->closing)
        return;
    if (status < 0) {
        upstream_fail(u, status);
        return;
    }
    u->sock.connected = true;
    (void)uv_tcp_nodelay(&u->sock.tcp, 1);
    if (u->exchange != NULL)
        u->exchange->active_ms = (int64_t)uv_now(&u->endpoint->worker->loop);
    if (u->endpoint->tls)
        start_timer(u, UPSTREAM_HANDSHAKE_MS, on_handshake_timeout);
    else
        (void)uv_timer_stop(&u->timer);
    sock_read_start(&u->sock);
    if (u->endpoint->tls)
        secure_begin(&u->sock);
}

static struct upstream *new_upstream(struct exchange *x, struct endpoint *e)
{
    struct upstream *u = xcalloc(sizeof *u);

    u->endpoint = endpoint_ref(e);
    u->in = buf_init(HTTP_RESPONSE_FIELDS_MAX + 1024 + SOCK_READ_ROOM);
    u->handles = 2;
    (void)uv_timer_init(&e->worker->loop, &u->timer);
    (void)sock_init(&u->sock, &e->worker->loop, &e->worker->rooms);
    u->sock.on_read = on_read;
    u->sock.on_secured = on_secured;
    u->sock.on_drained = on_drained;
    u->sock.on_failed = on_write_failed;
    u->timer.data = u->sock.tcp.data = u;
    u->exchange = x;
    list_append(&e->busy, &u->link);
    return u;
}

static struct upstream *connect_new(struct exchange *x, struct endpoint *e, bool reachable)
{
    struct upstream *u = new_upstream(x, e);
    int r = 0;

    start_timer(u, UPSTREAM_CONNECT_MS, on_connect_timeout);
    u->sock.nowhere = !reachable;
    if (e->tls)
        secure_connect(&u->sock, e->http2 ? e->worker->to_targets_h2 : e->worker->to_targets);
    if (e->http2)
        upstream2_start(u);
    if (reachable)
        r = uv_tcp_connect(&u->connect, &u->sock.tcp, (const struct sockaddr *)&e->at,
                           on_connected);
    if (r < 0) {
        u->exchange = NULL;
        close_upstream(u);
        return NULL;
    }
    return u;
}

/* --- the pool ------------------------------------------------------------------------------ */

/* The timer runs on through requests and looks at the time when it fires: cheaper than starting
 * it for each of them. */
static void on_idle(uv_timer_t *t)
{
    struct upstream *u = t->data;
    int64_t now = (int64_t)uv_now(t->loop);
    int64_t left = u->exchange != NULL ? u->idle_ms : u->idle_since + u->idle_ms - now;

    if (left <= 0) {
        close_upstream(u);
        return;
    }
    (void)uv_timer_start(t, on_idle, (uint64_t)left, 0);
}

static struct upstream *take_idle(struct exchange *x, struct endpoint *e)
{
    struct upstream *u;

    if (list_empty(&e->idle))
        return NULL;
    u = container_of(e->idle.next, struct upstream, link);
    list_remove(&u->link);
    list_append(&e->busy, &u->link);
    u->exchange = x;
    return u;
}

struct upstream *upstream_open(struct exchange *x, struct endpoint *e, bool reachable,
                               int64_t idle_ms)
{
    struct upstream *u = reachable ? take_idle(x, e) : NULL;

    if (u == NULL)
        u = connect_new(x, e, reachable);
    if (u == NULL)
        return NULL;
    u->idle_ms = idle_ms;
    u->to_head = x->to_head;
    u->has_head = false;
    u->scanned = 0;
    return u;
}

void upstream_release(struct upstream *u, bool reuse)
{
    u->exchange = NULL;
    if (u->closing)
        return;
    if (u->http2 != NULL)
        u->reusable = upstream2_is_reusable(u);
    if (!reuse || !u->reusable || !u->sock.connected || sock_queued(&u->sock) > 0) {
        close_upstream(u);
        return;
    }
    list_remove(&u->link);
    list_prepend(&u->endpoint->idle, &u->link);
    u->idle_since = (int64_t)uv_now(&u->endpoint->worker->loop);
    if (!uv_is_active((const uv_handle_t *)&u->timer))
        (void)uv_timer_start(&u->timer, on_idle, (uint64_t)u->idle_ms, 0);
    upstream_resume(u);
}

void upstream_retire(struct endpoint *e, bool cut)
{
    LIST_EACH(struct upstream, u, &e->idle, link)
        close_upstream(u);
    if (!cut)
        return;
    LIST_EACH(struct upstream, u, &e->busy, link)
        upstream_fail(u, UV_ECONNABORTED);
}
