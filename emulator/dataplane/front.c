/* A client's connection: requests come in one after the other (pipelined ones wait in c->in),
 * each becomes the connection's one exchange, answers leave in order.
 * Ownership: front_accept() gives the connection to the worker's list; close_conn() may be called
 * from any callback, any number of times, and parts it from its exchange; memory is freed in
 * on_closed(), when libuv has returned both handles. It holds a reference to its door's load
 * balancer, and its exchange one to the configuration it began with.
 * Source: Application Load Balancers User Guide, "Connection idle timeout", "HTTP client keepalive
 * duration"; RFC 9112. */
#include "dataplane/front.h"

#include <stdlib.h>

#include "base/macros.h"
#include "base/memory.h"
#include "dataplane/upstream.h"

enum {
    /* A connection that a security group does not admit stays silent as long as a client's own
     * SYN retries would take. */
    HOLD_MS = 130 * 1000,
    LINGER_MS = 2 * 1000,
    IN_MAX = HTTP_REQUEST_LINE_MAX + HTTP_REQUEST_FIELDS_MAX + 2 * READ_ROOM,
};

enum conn_state {
    CONN_IDLE, /* no byte of a request yet */
    CONN_HEAD, /* some of a head */
    CONN_BODY, /* the head is read, its body is not */
    CONN_WAIT, /* the request is read, the response is not complete */
    CONN_HOLD, /* not admitted: nothing is read, nothing answered */
    CONN_LINGER,
    CONN_CLOSING,
};

struct conn {
    struct sock sock;
    uv_timer_t timer;
    struct link link;
    struct worker *worker;
    struct balancer *balancer; /* of its own door; NULL at the common one */
    uint16_t listener_port;
    uint32_t peer; /* as the machine has it */
    uint16_t peer_port;
    enum conn_state state;
    struct buf in;
    size_t scanned;
    bool running;  /* inside run() */
    bool at_door;  /* nothing was routed yet */
    bool keep;     /* the connection outlives the current response */
    bool chunked;  /* the current response goes out in chunks */
    bool in_chunk; /* a chunk was begun in the gather */
    unsigned chunk_buf;
    size_t chunk_bytes;
    struct http_body_reader body;
    struct exchange x;
    int64_t opened_ms, idle_ms;
    unsigned handles;
};

static void run_pending(struct conn *c);
static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf);
static void on_timer(uv_timer_t *t);

static struct conn *conn_of(struct exchange *x)
{
    return container_of(x, struct conn, x);
}

static int64_t now_of(const struct conn *c)
{
    return (int64_t)uv_now(&c->worker->loop);
}

static void arm(struct conn *c, int64_t ms)
{
    int64_t real = clock_real_delay(c->worker->clock, ms);

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
    buf_free(&c->in);
    if (c->balancer != NULL)
        balancer_unref(c->balancer);
    free(c);
}

static void close_conn(struct conn *c)
{
    if (c->state == CONN_CLOSING)
        return;
    c->state = CONN_CLOSING;
    if (c->worker->to_client.to == &c->sock)
        c->worker->to_client.n = 0;
    exchange_abandon(&c->x);
    list_remove(&c->link);
    sock_close(&c->sock, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
}

/* Closes behind what is queued. The client may still be sending: closing with its bytes unread
 * would reset the connection and could take our answer from it, so they are read and dropped for
 * a while. */
static void linger(struct conn *c)
{
    if (c->state == CONN_CLOSING || c->state == CONN_LINGER)
        return;
    c->state = CONN_LINGER;
    buf_free(&c->in);
    sock_end(&c->sock);
    sock_read_start(&c->sock, worker_alloc, on_read);
    arm(c, LINGER_MS);
}

/* --- what the exchange sends ---------------------------------------------------------------- */

static struct gather *gather_of(struct conn *c)
{
    struct gather *g = &c->worker->to_client;

    if (g->n == 0)
        gather_begin(g, &c->sock);
    return g;
}

/* The size line of a chunk goes in front of its content when that is all known. */
static void end_chunk(struct conn *c)
{
    struct gather *g = &c->worker->to_client;
    size_t from = g->text.n;

    if (!c->in_chunk)
        return;
    c->in_chunk = false;
    text_hex(&g->text, c->chunk_bytes, 1);
    text_add(&g->text, S("\r\n"));
    g->bufs[c->chunk_buf] = uv_buf_init(g->text.at + from, (unsigned)(g->text.n - from));
    gather_copy(g, S("\r\n"));
}

static void send_content(struct exchange *x, struct str content)
{
    struct conn *c = conn_of(x);
    struct gather *g = gather_of(c);

    if (!c->chunked) {
        gather_add(g, content);
        return;
    }
    if (g->n + 3 >= GATHER_MAX || g->text.room - g->text.n < 64) {
        end_chunk(c);
        (void)gather_flush(g);
    }
    if (!c->in_chunk) {
        c->in_chunk = true;
        c->chunk_bytes = 0;
        c->chunk_buf = g->n;
        g->bufs[g->n++] = uv_buf_init(NULL, 0);
    }
    c->chunk_bytes += content.n;
    gather_add(g, content);
}

static void send_end(struct exchange *x)
{
    struct conn *c = conn_of(x);

    if (!c->chunked)
        return;
    end_chunk(c);
    gather_copy(gather_of(c), S("0\r\n\r\n"));
}

static void send_head(struct exchange *x, const struct response_head *h)
{
    struct conn *c = conn_of(x);
    struct gather *g = gather_of(c);
    bool http10 = c->x.http10,
         wants_chunks = h->body == HTTP_BODY_CHUNKED || h->body == HTTP_BODY_UNTIL_END;
    struct reply_framing framing = {.length = h->length, .date = worker_date(c->worker)};

    c->keep &= h->keep_alive || h->body == HTTP_BODY_UNTIL_END;
    c->keep &= !x->close_after && !(http10 && wants_chunks);
    if (h->body == HTTP_BODY_UNTIL_END)
        c->keep = false; /* such a target closes, and so do we */
    c->chunked = wants_chunks && !http10;
    framing.chunked = c->chunked || (h->body == HTTP_BODY_NONE && h->has_chunked && !http10);
    framing.length_known = h->has_length && !h->has_chunked;
    framing.keep_alive = c->keep;
    response_head_rewrite(&g->text, h, &framing);
    gather_text(g, 0);
}

static void send_answer(struct exchange *x, const struct own_answer *a)
{
    struct conn *c = conn_of(x);
    struct gather *g = gather_of(c);

    c->keep &= !x->close_after && !page_closes(a->status);
    own_answer_head(&g->text, a, worker_date(c->worker), c->keep);
    gather_text(g, 0);
    if (!x->to_head)
        gather_add(g, a->body);
}

static void flush(struct exchange *x)
{
    struct conn *c = conn_of(x);
    struct gather *g = &c->worker->to_client;

    if (c->state == CONN_CLOSING || g->to != &c->sock)
        return;
    end_chunk(c);
    x->active_ms = now_of(c);
    if (gather_flush(g) < 0) {
        close_conn(c);
        return;
    }
    if (x->upstream != NULL && sock_is_full(&c->sock))
        upstream_pause(x->upstream);
}

static void finished(struct exchange *x)
{
    struct conn *c = conn_of(x);

    if (c->state == CONN_CLOSING)
        return;
    if (!c->keep || c->worker->stopping) {
        linger(c);
        return;
    }
    if (c->state == CONN_WAIT)
        c->state = CONN_IDLE;
    /* In CONN_BODY the rest of the request is read and dropped first. */
    if (!c->running)
        run_pending(c);
}

static void abort_response(struct exchange *x)
{
    close_conn(conn_of(x));
}

static void want_body(struct exchange *x)
{
    struct conn *c = conn_of(x);

    if (c->state == CONN_BODY)
        sock_read_start(&c->sock, worker_alloc, on_read);
}

static bool is_full(struct exchange *x)
{
    return sock_is_full(&conn_of(x)->sock);
}

static const struct front_ops http1_ops = {
    .send_head = send_head,
    .send_content = send_content,
    .send_end = send_end,
    .send_answer = send_answer,
    .flush = flush,
    .finished = finished,
    .abort = abort_response,
    .want_body = want_body,
    .is_full = is_full,
};

/* --- requests ------------------------------------------------------------------------------ */

static void hold(struct conn *c)
{
    c->state = CONN_HOLD;
    buf_free(&c->in);
    sock_read_stop(&c->sock);
    arm(c, HOLD_MS);
}

/* The load balancer that a request is for: the door's, or by Host. */
static struct balancer *find_balancer(struct conn *c, const struct request_head *h)
{
    if (c->balancer != NULL)
        return c->balancer;
    return balancer_find(c->worker, http_host_name(h->authority.n > 0 ? h->authority : h->host),
                         c->listener_port);
}

/* At the common door a Host that belongs to nobody. No load balancer would say this: it is ours. */
static void answer_unknown_host(struct conn *c)
{
    static const struct own_answer unknown = {
        .status = 404,
        .content_type = STR_INIT("text/plain; charset=utf-8"),
        .body = STR_INIT("Elbow: no load balancer answers to this Host. Use the DNS name that "
                         "describe-load-balancers (or kubectl get ingress) shows.\n"),
    };

    c->x.response_started = c->x.response_done = true;
    send_answer(&c->x, &unknown);
    flush(&c->x);
    finished(&c->x);
}

static void take_idle_timeout(struct conn *c, const struct dp_attributes *a)
{
    if (c->idle_ms != a->idle_timeout_ms) {
        c->idle_ms = a->idle_timeout_ms;
        arm(c, c->idle_ms);
    }
    if (now_of(c) - c->opened_ms >= clock_real_delay(c->worker->clock, a->client_keep_alive_ms))
        c->keep = false;
}

static void route(struct conn *c, const struct request_head *h)
{
    struct balancer *b = find_balancer(c, h);
    struct exchange *x = &c->x;
    const struct dp_listener *listener;

    if (b == NULL) {
        answer_unknown_host(c);
        return;
    }
    listener = b->live == NULL ? NULL : dp_balancer_listener(b->live->config, c->listener_port);
    if (listener == NULL) {
        close_conn(c); /* nothing listens here (any more) */
        return;
    }
    x->client = dp_balancer_identify(b->live->config, c->peer);
    if (!dp_balancer_admits(b->live->config, x->client, c->listener_port)) {
        hold(c);
        return;
    }
    take_idle_timeout(c, &b->live->config->attributes);
    exchange_begin(x, b->live, listener, h);
}

static void on_content(void *data, struct str content)
{
    struct conn *c = data;

    if (c->x.active)
        exchange_body(&c->x, content);
}

static void answer_continue(struct conn *c)
{
    uv_buf_t line = uv_buf_init((char *)"HTTP/1.1 100 Continue\r\n\r\n", 25);

    if (sock_write(&c->sock, &line, 1) < 0)
        close_conn(c);
}

static void begin_exchange(struct conn *c)
{
    c->x = (struct exchange){
        .ops = &http1_ops,
        .worker = c->worker,
        .client = c->peer,
        .client_port = c->peer_port,
        .listener_port = c->listener_port,
        .active_ms = now_of(c),
    };
    c->keep = true;
    c->chunked = c->in_chunk = false;
}

/* A head that is refused before anything is routed ends the connection where its framing can't be
 * trusted. */
static void refuse(struct conn *c, unsigned status)
{
    c->keep = false;
    c->state = CONN_WAIT;
    exchange_refuse(&c->x, status);
}

static void take_head(struct conn *c, struct str bytes)
{
    struct request_head head = {.fields = c->worker->request_fields};
    unsigned refused = request_head_read(bytes, &head);

    begin_exchange(c);
    c->scanned = 0;
    if (refused != 0) {
        bool harmless = refused == 405 || refused == 463;

        c->x.to_head = str_eq(head.method, S("HEAD"));
        if (!harmless || head.body != HTTP_BODY_NONE || !head.keep_alive) {
            refuse(c, refused);
            return;
        }
        c->state = CONN_WAIT;
        exchange_refuse(&c->x, refused);
        return;
    }
    c->x.http10 = head.http10;
    c->keep = head.keep_alive;
    http_body_begin(&c->body, &c->worker->chunks, head.body, head.length, on_content, c);
    c->state = c->body.done ? CONN_WAIT : CONN_BODY;
    if (head.expects_continue && !c->body.done && !head.http10)
        answer_continue(c);
    if (c->state != CONN_CLOSING)
        route(c, &head);
}

static void body_done(struct conn *c)
{
    c->state = CONN_WAIT;
    if (c->x.active)
        exchange_body_end(&c->x);
    exchange_flush_request(&c->x);
    if (c->state == CONN_WAIT && !c->x.active)
        c->state = CONN_IDLE; /* it was answered before its body had come */
}

static size_t take_body(struct conn *c, struct str bytes)
{
    ssize_t n = http_body_feed(&c->body, bytes);

    if (n < 0) {
        if (c->x.active && !c->x.response_started)
            refuse(c, 400);
        else
            close_conn(c);
        return bytes.n;
    }
    if (c->body.done)
        body_done(c);
    return (size_t)n;
}

/* Without an end of the head so far: is there anything to wait for? */
static void judge_beginning(struct conn *c, struct str bytes)
{
    unsigned refused = request_head_refusal(bytes);

    if (refused == 0)
        return;
    begin_exchange(c);
    refuse(c, refused);
}

/* One step forward; returns how many bytes it used, 0 when it waits for something. */
static size_t step(struct conn *c, struct str bytes)
{
    size_t n;

    switch (c->state) {
    case CONN_IDLE:
        if (bytes.at[0] == '\r' || bytes.at[0] == '\n')
            return 1;
        c->state = CONN_HEAD;
        c->scanned = 0;
        c->x.active_ms = now_of(c);
        /* fall through */
    case CONN_HEAD:
        n = http_head_end(bytes, &c->scanned);
        if (n == 0)
            judge_beginning(c, bytes);
        else
            take_head(c, str_first(bytes, n));
        return n;
    case CONN_BODY:
        return take_body(c, bytes);
    case CONN_WAIT:
    case CONN_HOLD:
        return 0;
    case CONN_LINGER:
    case CONN_CLOSING:
        break;
    }
    return bytes.n;
}

/* Goes on as far as @bytes allow; returns how many were used. */
static size_t run(struct conn *c, struct str bytes)
{
    size_t used = 0;

    c->running = true;
    while (used < bytes.n) {
        size_t n = step(c, str_from(bytes, used));

        if (n == 0)
            break;
        used += n;
    }
    if (c->state != CONN_CLOSING)
        exchange_flush_request(&c->x);
    c->running = false;
    return used;
}

/* Reading stops while what came can't be used. */
static void settle_reading(struct conn *c)
{
    bool full = c->in.n >= READ_ROOM || (c->state == CONN_BODY && exchange_is_full(&c->x));

    if (c->state == CONN_CLOSING || c->state == CONN_HOLD)
        return;
    if (full)
        sock_read_stop(&c->sock);
    else
        sock_read_start(&c->sock, worker_alloc, on_read);
}

/* Pipelined requests and bytes that waited for the last response. */
static void run_pending(struct conn *c)
{
    if (c->in.n > 0) {
        size_t used = run(c, buf_str(&c->in));

        if (c->state == CONN_CLOSING || c->state == CONN_HOLD || c->state == CONN_LINGER)
            return;
        buf_consume(&c->in, used);
        if (c->in.n == 0)
            buf_free(&c->in);
    }
    settle_reading(c);
}

static void take_bytes(struct conn *c, struct str bytes)
{
    c->x.active_ms = now_of(c);
    if (c->state == CONN_LINGER)
        return;
    if (c->in.n == 0) {
        size_t used = run(c, bytes);

        if (c->state == CONN_CLOSING || c->state == CONN_HOLD || c->state == CONN_LINGER)
            return;
        buf_add(&c->in, str_from(bytes, used));
    } else {
        buf_add(&c->in, bytes);
        run_pending(c);
    }
    if (c->in.full)
        close_conn(c);
    else
        settle_reading(c);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct conn *c = s->data;

    if (n < 0)
        close_conn(c); /* with a request in progress this is a 460 */
    else if (n > 0)
        take_bytes(c, str_n(buf->base, (size_t)n));
}

/* --- time ---------------------------------------------------------------------------------- */

/* The timer is not moved for each byte: when it fires, it looks how long ago the last one was. */
static void on_timer(uv_timer_t *t)
{
    struct conn *c = t->data;
    int64_t idle = clock_real_delay(c->worker->clock, c->idle_ms);
    int64_t left = c->x.active_ms + idle - now_of(c);

    if (c->state == CONN_LINGER && sock_queued(&c->sock) > 0 && left > 0) {
        arm(c, LINGER_MS); /* it is slow, but it reads */
        return;
    }
    if (c->state == CONN_LINGER || c->state == CONN_HOLD) {
        close_conn(c);
        return;
    }
    if (left > 0) {
        (void)uv_timer_start(t, on_timer, (uint64_t)left, 0);
        return;
    }
    arm(c, c->idle_ms);
    if (c->state == CONN_IDLE) {
        close_conn(c);
    } else if (c->state == CONN_HEAD) {
        begin_exchange(c);
        refuse(c, 408);
    } else if (c->x.active) {
        exchange_time_out(&c->x);
    } else {
        close_conn(c);
    }
}

static void on_drained(struct sock *s)
{
    struct conn *c = container_of(s, struct conn, sock);

    c->x.active_ms = now_of(c);
    if (c->x.active)
        exchange_client_drained(&c->x);
}

static void on_failed(struct sock *s, int error)
{
    (void)error;
    close_conn(container_of(s, struct conn, sock));
}

/* --- the beginning ------------------------------------------------------------------------- */

void front_accept(struct acceptor *door)
{
    struct worker *w = door->worker;
    struct conn *c = xcalloc(sizeof *c);

    c->worker = w;
    c->handles = 2;
    c->in = buf_init(IN_MAX);
    c->listener_port = door->listener_port;
    c->balancer = door->balancer == NULL ? NULL : balancer_ref(door->balancer);
    (void)uv_timer_init(&w->loop, &c->timer);
    (void)sock_init(&c->sock, &w->loop);
    c->timer.data = c->sock.tcp.data = c;
    c->sock.on_drained = on_drained;
    c->sock.on_failed = on_failed;
    list_append(&w->conns, &c->link);
    c->opened_ms = c->x.active_ms = now_of(c);
    c->idle_ms = 60 * 1000;
    if (uv_accept((uv_stream_t *)&door->tcp, (uv_stream_t *)&c->sock.tcp) < 0) {
        close_conn(c);
        return;
    }
    c->sock.connected = true;
    (void)uv_tcp_nodelay(&c->sock.tcp, 1);
    sock_peer(&c->sock, &c->peer, &c->peer_port);
    if (c->balancer != NULL && c->balancer->live != NULL)
        c->idle_ms = c->balancer->live->config->attributes.idle_timeout_ms;
    arm(c, c->idle_ms);
    sock_read_start(&c->sock, worker_alloc, on_read);
}

void front_sweep(struct worker *w, bool all)
{
    LIST_EACH(struct conn, c, &w->conns, link) {
        bool orphan = c->balancer != NULL && c->balancer->live == NULL;

        if (all || (orphan && !c->x.active))
            close_conn(c);
    }
}
