/* A client's connection from its door to its protocol, and its end.
 * Ownership: front_accept() gives the connection to the worker's list; conn_close() may be called
 * from any callback, any number of times, and parts it from its requests; memory is freed in
 * on_closed(), when libuv has returned both handles. It holds a reference to its load balancer
 * and to its listener's TLS.
 * Source: Application Load Balancers User Guide, "Connection idle timeout", "HTTP client keepalive
 * duration". */
#include "dataplane/front.h"

#include <stdlib.h>

#include "base/macros.h"
#include "base/memory.h"
#include "dataplane/dp_tls.h"
#include "dataplane/http2.h"

enum {
    /* A connection that a security group does not admit stays silent as long as a client's own
     * SYN retries would take. */
    HOLD_MS = 130 * 1000,
    LINGER_MS = 2 * 1000,
    IDLE_MS = 60 * 1000, /* until its load balancer is known */
};

static void on_timer(uv_timer_t *t);

void conn_arm(struct conn *c, int64_t ms)
{
    conn_arm_real(c, clock_real_delay(c->worker->clock, ms));
}

void conn_arm_real(struct conn *c, int64_t real)
{
    if (real == INT64_MAX)
        (void)uv_timer_stop(&c->timer);
    else
        (void)uv_timer_start(&c->timer, on_timer, (uint64_t)real, 0);
}

/* --- the end ------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *h)
{
    struct conn *c = h->data;

    if (--c->handles > 0)
        return;
    c->protocol->free(c);
    dp_tls_unref(c->tls);
    arena_free(&c->arena);
    if (c->balancer != NULL)
        balancer_unref(c->balancer);
    free(c);
}

void conn_close(struct conn *c)
{
    if (c->phase == PHASE_CLOSING)
        return;
    c->phase = PHASE_CLOSING;
    if (c->worker->to_client.to == &c->sock)
        c->worker->to_client.n = 0;
    c->protocol->part(c);
    list_remove(&c->link);
    sock_close(&c->sock, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
}

void conn_linger(struct conn *c)
{
    if (c->phase == PHASE_CLOSING || c->phase == PHASE_LINGER)
        return;
    c->phase = PHASE_LINGER;
    sock_end(&c->sock);
    sock_read_start(&c->sock);
    conn_arm(c, LINGER_MS);
}

void conn_hold(struct conn *c)
{
    c->phase = PHASE_HOLD;
    sock_read_stop(&c->sock);
    conn_arm(c, HOLD_MS);
}

/* --- whose it is ------------------------------------------------------------------------------ */

static const struct dp_listener *listener_of(const struct conn *c, const struct balancer *b)
{
    return b->live == NULL ? NULL : dp_balancer_listener(b->live->config, c->client.listener_port);
}

static bool admit(struct conn *c, const struct balancer *b)
{
    c->client.address = dp_balancer_identify(b->live->config, c->client.machine);
    return dp_balancer_admits(b->live->config, c->client.address, c->client.listener_port);
}

static void take_idle_timeout(struct conn *c, const struct dp_attributes *a)
{
    if (c->idle_ms == a->idle_timeout_ms)
        return;
    c->idle_ms = a->idle_timeout_ms;
    conn_arm(c, c->idle_ms);
}

bool conn_is_old(const struct conn *c, const struct dp_attributes *a)
{
    return conn_now(c) - c->opened_ms >=
           clock_real_delay(c->worker->clock, a->client_keep_alive_ms);
}

enum conn_route conn_route(struct conn *c, const struct request_head *h, struct live **ret_live,
                           const struct dp_listener **ret_listener)
{
    struct balancer *b = c->balancer;
    const struct dp_listener *listener;

    if (b == NULL)
        b = balancer_find(c->worker, http_host_name(h->authority.n > 0 ? h->authority : h->host),
                          c->client.listener_port, false);
    if (b == NULL)
        return ROUTE_UNKNOWN;
    listener = listener_of(c, b);
    if (listener == NULL)
        return ROUTE_NOWHERE;
    if (!admit(c, b))
        return ROUTE_HOLD;
    take_idle_timeout(c, &b->live->config->attributes);
    *ret_live = b->live;
    *ret_listener = listener;
    return ROUTE_TO;
}

/* --- TLS -------------------------------------------------------------------------------------- */

static void begin_protocol(struct conn *c)
{
    c->phase = PHASE_OPEN;
    c->protocol->begin(c);
}

static void on_secured(struct sock *s)
{
    struct conn *c = container_of(s, struct conn, sock);
    SSL *ssl = secure_ssl(s);
    const unsigned char *alpn;
    const char *name;
    unsigned n;

    c->client.tls = true;
    c->client.tls_version = SSL_get_version(ssl);
    c->client.tls_cipher = SSL_get_cipher_name(ssl);
    c->client.mutual = c->tls->mutual;
    if (c->tls->mutual != DP_MUTUAL_OFF) {
        struct str *told = arena_array(&c->arena, DP_TLS_HEADERS, sizeof *told);

        mutual_describe(ssl, c->tls->mutual, &c->arena, told);
        c->client.told = told;
    }
    name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    c->client.server_name = arena_str(&c->arena, str_c(name));
    c->client.certificate =
        SSL_session_reused(ssl) ? S("session-reused") : dp_tls_chosen(c->tls, ssl);
    record_handshake(c, true);
    SSL_get0_alpn_selected(ssl, &alpn, &n);
    if (str_eq(str_n((const char *)alpn, n), S("h2")))
        c->protocol = &http2_protocol;
    begin_protocol(c);
}

/* The context of a load balancer's listener; NULL when the handshake can't go on. */
static SSL_CTX *take_listener(struct conn *c, struct balancer *b)
{
    const struct dp_listener *l = listener_of(c, b);

    if (l == NULL || l->tls == NULL)
        return NULL;
    c->tls = dp_tls_ref(l->tls);
    c->idle_ms = b->live->config->attributes.idle_timeout_ms;
    return l->tls->ctx;
}

/* At the common door the name tells whose the connection is. */
static SSL_CTX *on_name(struct sock *s, struct str name)
{
    struct conn *c = container_of(s, struct conn, sock);
    struct balancer *b = balancer_find(c->worker, name, c->client.listener_port, true);

    if (b == NULL)
        return NULL;
    c->balancer = balancer_ref(b);
    return take_listener(c, b);
}

/* A client that speaks HTTP to a TLS listener is told so in clear. */
static void answer_clear(struct conn *c)
{
    struct gather *g = &c->worker->to_client;
    struct own_answer page;

    secure_free(&c->sock);
    page_clear_to_tls(&page);
    gather_begin(g, &c->sock);
    own_answer_head(&g->text, &page, worker_date(c->worker), false, NULL);
    gather_text(g, 0);
    gather_add(g, page.body);
    if (gather_flush(g) < 0)
        conn_close(c);
    else
        conn_linger(c);
}

static void begin_tls(struct conn *c, const struct acceptor *door)
{
    SSL_CTX *ctx;

    c->sock.on_secured = on_secured;
    if (c->balancer == NULL) {
        secure_accept_by_name(&c->sock, door->worker->peek, on_name);
        return;
    }
    ctx = take_listener(c, c->balancer);
    if (ctx == NULL)
        conn_close(c);
    else if (!admit(c, c->balancer))
        conn_hold(c);
    else
        secure_accept(&c->sock, ctx);
}

/* --- events ----------------------------------------------------------------------------------- */

static void on_read(struct sock *s, ssize_t n, const char *at)
{
    struct conn *c = container_of(s, struct conn, sock);

    if (n == UV_EPROTONOSUPPORT) {
        answer_clear(c);
        return;
    }
    if (n == UV_EOF && c->phase == PHASE_OPEN && c->protocol->ended(c))
        return;
    if (n == UV_EPROTO && c->phase == PHASE_TLS)
        record_handshake(c, false);
    if (n < 0) {
        conn_close(c); /* with a request in progress this is a 460 */
        return;
    }
    c->active_ms = conn_now(c);
    if (c->phase == PHASE_OPEN)
        c->protocol->read(c, str_n(at, (size_t)n));
}

/* The timer is not moved for each byte: when it fires, it looks how long ago the last one was. */
static void on_timer(uv_timer_t *t)
{
    struct conn *c = t->data;
    int64_t left = c->active_ms + clock_real_delay(c->worker->clock, c->idle_ms) - conn_now(c);

    switch (c->phase) {
    case PHASE_LINGER:
        if (sock_queued(&c->sock) > 0 && left > 0)
            conn_arm(c, LINGER_MS); /* it is slow, but it reads */
        else
            conn_close(c);
        break;
    case PHASE_OPEN:
        c->protocol->tick(c);
        break;
    case PHASE_TLS:
    case PHASE_HOLD:
        conn_close(c);
        break;
    case PHASE_CLOSING:
        break;
    }
}

static void on_drained(struct sock *s)
{
    struct conn *c = container_of(s, struct conn, sock);

    c->active_ms = conn_now(c);
    if (c->phase == PHASE_OPEN)
        c->protocol->drained(c);
}

static void on_failed(struct sock *s, int error)
{
    (void)error;
    conn_close(container_of(s, struct conn, sock));
}

/* --- the beginning ------------------------------------------------------------------------- */

static bool wants_tls(const struct conn *c, const struct acceptor *door)
{
    const struct dp_listener *l = c->balancer == NULL ? NULL : listener_of(c, c->balancer);

    return c->balancer == NULL ? door->tls : l != NULL && l->protocol == DP_HTTPS;
}

void front_accept(struct acceptor *door)
{
    struct worker *w = door->worker;
    struct conn *c = xcalloc(sizeof *c);

    c->worker = w;
    c->protocol = &http1_protocol;
    c->handles = 2;
    c->client.listener_port = door->listener_port;
    memcpy(c->zone, door->zone, sizeof c->zone);
    c->client.zone = str_c(c->zone);
    c->balancer = door->balancer == NULL ? NULL : balancer_ref(door->balancer);
    (void)uv_timer_init(&w->loop, &c->timer);
    (void)sock_init(&c->sock, &w->loop, &w->rooms);
    c->timer.data = c->sock.tcp.data = c;
    c->sock.on_read = on_read;
    c->sock.on_drained = on_drained;
    c->sock.on_failed = on_failed;
    list_append(&w->conns, &c->link);
    c->opened_ms = c->active_ms = conn_now(c);
    c->idle_ms = IDLE_MS;
    if (uv_accept((uv_stream_t *)&door->tcp, (uv_stream_t *)&c->sock.tcp) < 0) {
        conn_close(c);
        return;
    }
    c->sock.connected = true;
    c->client.trace[0] = ids_next(&w->ids);
    c->client.trace[1] = ids_next(&w->ids);
    (void)uv_tcp_nodelay(&c->sock.tcp, 1);
    sock_peer(&c->sock, &c->client.machine, &c->client.port);
    if (c->balancer != NULL && c->balancer->live != NULL)
        c->idle_ms = c->balancer->live->config->attributes.idle_timeout_ms;
    conn_arm(c, c->idle_ms);
    if (wants_tls(c, door))
        begin_tls(c, door);
    else
        begin_protocol(c);
    if (c->phase == PHASE_TLS || c->phase == PHASE_OPEN)
        sock_read_start(&c->sock);
}

void front_sweep(struct worker *w, bool all)
{
    LIST_EACH(struct conn, c, &w->conns, link) {
        bool orphan = c->balancer != NULL && c->balancer->live == NULL;

        if (all || (orphan && !c->protocol->is_busy(c)))
            conn_close(c);
    }
}
