/* Clients that speak HTTP/1.x: requests come in one after the other (pipelined ones wait), each
 * becomes the connection's one exchange, answers leave in order.
 * Source: RFC 9112; Application Load Balancers User Guide, "Connection idle timeout". */
#include "base/macros.h"
#include "dataplane/front.h"
#include "dataplane/upstream.h"

enum { IN_MAX = HTTP_REQUEST_LINE_MAX + HTTP_REQUEST_FIELDS_MAX + 2 * SOCK_READ_ROOM };

static void run_pending(struct conn *c);

static struct conn *conn_of(struct exchange *x)
{
    return container_of(x, struct conn, http1.x);
}

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

    if (!c->http1.in_chunk)
        return;
    c->http1.in_chunk = false;
    text_hex(&g->text, c->http1.chunk_bytes, 1);
    text_add(&g->text, S("\r\n"));
    g->bufs[c->http1.chunk_buf] = uv_buf_init(g->text.at + from, (unsigned)(g->text.n - from));
    gather_copy(g, S("\r\n"));
}

static void send_content(struct exchange *x, struct str content)
{
    struct conn *c = conn_of(x);
    struct gather *g = gather_of(c);

    if (!c->http1.chunked) {
        gather_add(g, content);
        return;
    }
    if (g->n + 3 >= GATHER_MAX || g->text.room - g->text.n < 64) {
        end_chunk(c);
        (void)gather_flush(g);
    }
    if (!c->http1.in_chunk) {
        c->http1.in_chunk = true;
        c->http1.chunk_bytes = 0;
        c->http1.chunk_buf = g->n;
        g->bufs[g->n++] = uv_buf_init(NULL, 0);
    }
    c->http1.chunk_bytes += content.n;
    gather_add(g, content);
}

static void send_end(struct exchange *x)
{
    struct conn *c = conn_of(x);

    if (!c->http1.chunked)
        return;
    end_chunk(c);
    gather_copy(gather_of(c), S("0\r\n\r\n"));
}

static void send_head(struct exchange *x, const struct response_head *h)
{
    struct conn *c = conn_of(x);
    struct gather *g = gather_of(c);
    bool http10 = c->http1.x.http10,
         wants_chunks = h->body == HTTP_BODY_CHUNKED || h->body == HTTP_BODY_UNTIL_END;
    struct reply_framing framing = {.length = h->length,
                                    .date = worker_date(c->worker),
                                    .cookies = x->cookies,
                                    .listener = x->listener};

    c->http1.keep &= h->keep_alive || h->body == HTTP_BODY_UNTIL_END;
    c->http1.keep &= !x->close_after && !(http10 && wants_chunks);
    if (h->body == HTTP_BODY_UNTIL_END)
        c->http1.keep = false; /* such a target closes, and so do we */
    if (h->status == 101) {
        c->http1.keep = wants_chunks = false;
        framing.upgrade = true;
    }
    c->http1.chunked = wants_chunks && !http10;
    framing.chunked = c->http1.chunked || (h->body == HTTP_BODY_NONE && h->has_chunked && !http10);
    framing.length_known = h->has_length && !h->has_chunked;
    framing.keep_alive = c->http1.keep;
    response_head_rewrite(&g->text, h, &framing);
    x->record.answered += g->text.n;
    gather_text(g, 0);
}

static void send_answer(struct exchange *x, const struct own_answer *a)
{
    struct conn *c = conn_of(x);
    struct gather *g = gather_of(c);

    c->http1.keep &= !x->close_after && !page_closes(a->status);
    own_answer_head(&g->text, a, worker_date(c->worker), c->http1.keep, x->listener);
    x->record.answered += g->text.n + (x->to_head ? 0 : a->body.n);
    gather_text(g, 0);
    if (!x->to_head)
        gather_add(g, a->body);
}

static void flush(struct exchange *x)
{
    struct conn *c = conn_of(x);
    struct gather *g = &c->worker->to_client;

    if (c->phase == PHASE_CLOSING || g->to != &c->sock)
        return;
    end_chunk(c);
    x->active_ms = conn_now(c);
    if (gather_flush(g) < 0) {
        conn_close(c);
        return;
    }
    if (x->upstream != NULL && sock_is_full(&c->sock))
        upstream_pause(x->upstream);
}

static void finished(struct exchange *x)
{
    struct conn *c = conn_of(x);

    if (c->phase == PHASE_CLOSING)
        return;
    if (!c->http1.keep || c->worker->stopping) {
        conn_linger(c);
        return;
    }
    if (c->http1.state == HTTP1_WAIT)
        c->http1.state = HTTP1_IDLE;
    /* In HTTP1_BODY the rest of the request is read and dropped first. */
    if (!c->http1.running)
        run_pending(c);
}

static void abort_response(struct exchange *x)
{
    conn_close(conn_of(x));
}

static void want_body(struct exchange *x)
{
    struct conn *c = conn_of(x);

    if (c->http1.state == HTTP1_BODY || c->http1.state == HTTP1_TUNNEL)
        sock_read_start(&c->sock);
}

/* What the client has sent already was not for us. */
static void begin_tunnel(struct exchange *x)
{
    struct conn *c = conn_of(x);

    c->http1.state = HTTP1_TUNNEL;
    if (!c->http1.running)
        run_pending(c);
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
    .tunnel = begin_tunnel,
};

/* --- requests ------------------------------------------------------------------------------ */

static void route(struct conn *c, const struct request_head *h)
{
    const struct dp_listener *listener;
    struct own_answer page;
    struct live *live;

    switch (conn_route(c, h, &live, &listener)) {
    case ROUTE_UNKNOWN:
        page_unknown_host(&page);
        exchange_answer(&c->http1.x, &page);
        return;
    case ROUTE_NOWHERE:
        conn_close(c);
        return;
    case ROUTE_HOLD:
        buf_free(&c->http1.in);
        conn_hold(c);
        return;
    case ROUTE_TO:
        break;
    }
    c->http1.keep &= !conn_is_old(c, &live->config->attributes);
    exchange_begin(&c->http1.x, live, listener, h);
}

static void on_content(void *data, struct str content)
{
    struct conn *c = data;

    if (c->http1.x.active)
        exchange_body(&c->http1.x, content);
}

static void answer_continue(struct conn *c)
{
    uv_buf_t line = uv_buf_init((char *)"HTTP/1.1 100 Continue\r\n\r\n", 25);

    if (sock_write(&c->sock, &line, 1) < 0)
        conn_close(c);
}

static void begin_exchange(struct conn *c)
{
    c->http1.x = (struct exchange){
        .ops = &http1_ops, .worker = c->worker, .client = &c->client, .active_ms = c->active_ms};
    c->http1.keep = true;
    c->http1.chunked = c->http1.in_chunk = false;
}

/* A head that is refused before anything is routed ends the connection where its framing can't be
 * trusted. */
static void refuse(struct conn *c, unsigned status)
{
    c->http1.keep = false;
    c->http1.state = HTTP1_WAIT;
    exchange_refuse(&c->http1.x, status);
}

static void take_head(struct conn *c, struct str bytes)
{
    struct request_head head = {.fields = c->worker->request_fields};
    unsigned refused = request_head_read(bytes, &head);

    begin_exchange(c);
    c->http1.x.record.received = bytes.n;
    c->http1.scanned = 0;
    if (refused != 0) {
        bool harmless = refused == 405 || refused == 463;

        c->http1.x.to_head = str_eq(head.method, S("HEAD"));
        if (!harmless || head.body != HTTP_BODY_NONE || !head.keep_alive) {
            refuse(c, refused);
            return;
        }
        c->http1.state = HTTP1_WAIT;
        exchange_refuse(&c->http1.x, refused);
        return;
    }
    c->http1.x.http10 = head.http10;
    c->http1.keep = head.keep_alive;
    http_body_begin(&c->http1.body, &c->worker->chunks, head.body, head.length, on_content, c);
    c->http1.state = c->http1.body.done ? HTTP1_WAIT : HTTP1_BODY;
    if (head.expects_continue && !c->http1.body.done && !head.http10)
        answer_continue(c);
    if (c->phase != PHASE_CLOSING)
        route(c, &head);
}

static void body_done(struct conn *c)
{
    c->http1.state = HTTP1_WAIT;
    if (c->http1.x.active)
        exchange_body_end(&c->http1.x);
    exchange_flush_request(&c->http1.x);
    if (c->http1.state == HTTP1_WAIT && !c->http1.x.active)
        c->http1.state = HTTP1_IDLE; /* it was answered before its body had come */
}

static size_t take_body(struct conn *c, struct str bytes)
{
    ssize_t n = http_body_feed(&c->http1.body, bytes);

    if (n < 0) {
        if (c->http1.x.active && !c->http1.x.response_started)
            refuse(c, 400);
        else
            conn_close(c);
        return bytes.n;
    }
    if (c->http1.body.done)
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

    if (c->phase != PHASE_OPEN)
        return bytes.n;
    switch (c->http1.state) {
    case HTTP1_IDLE:
        if (bytes.at[0] == '\r' || bytes.at[0] == '\n')
            return 1;
        c->http1.state = HTTP1_HEAD;
        c->http1.scanned = 0;
        c->http1.x.active_ms = conn_now(c);
        /* fall through */
    case HTTP1_HEAD:
        n = http_head_end(bytes, &c->http1.scanned);
        if (n == 0)
            judge_beginning(c, bytes);
        else
            take_head(c, str_first(bytes, n));
        return n;
    case HTTP1_BODY:
        return take_body(c, bytes);
    case HTTP1_WAIT:
        return 0;
    case HTTP1_TUNNEL:
        if (c->http1.x.active)
            exchange_body(&c->http1.x, bytes);
        break;
    }
    return bytes.n;
}

/* Goes on as far as @bytes allow; returns how many were used. */
static size_t run(struct conn *c, struct str bytes)
{
    size_t used = 0;

    c->http1.running = true;
    while (used < bytes.n) {
        size_t n = step(c, str_from(bytes, used));

        if (n == 0)
            break;
        used += n;
    }
    if (c->phase != PHASE_CLOSING)
        exchange_flush_request(&c->http1.x);
    c->http1.running = false;
    return used;
}

/* Reading stops while what came can't be used. */
static void settle_reading(struct conn *c)
{
    bool full = c->http1.in.n >= SOCK_READ_ROOM ||
                ((c->http1.state == HTTP1_BODY || c->http1.state == HTTP1_TUNNEL) &&
                 exchange_is_full(&c->http1.x));

    if (c->phase != PHASE_OPEN)
        return;
    if (full)
        sock_read_stop(&c->sock);
    else
        sock_read_start(&c->sock);
}

/* Pipelined requests and bytes that waited for the last response. */
static void run_pending(struct conn *c)
{
    if (c->http1.in.n > 0) {
        size_t used = run(c, buf_str(&c->http1.in));

        if (c->phase != PHASE_OPEN)
            return;
        buf_consume(&c->http1.in, used);
        if (c->http1.in.n == 0)
            buf_free(&c->http1.in);
    }
    settle_reading(c);
}

static void on_bytes(struct conn *c, struct str bytes)
{
    c->http1.x.active_ms = c->active_ms;
    if (c->http1.in.n == 0) {
        size_t used = run(c, bytes);

        if (c->phase != PHASE_OPEN)
            return;
        buf_add(&c->http1.in, str_from(bytes, used));
    } else {
        buf_add(&c->http1.in, bytes);
        run_pending(c);
    }
    if (c->http1.in.full)
        conn_close(c);
    else
        settle_reading(c);
}

/* --- the connection's events ----------------------------------------------------------------- */

static void on_begin(struct conn *c)
{
    c->http1.in = buf_init(IN_MAX);
}

static void on_tick(struct conn *c)
{
    int64_t idle = clock_real_delay(c->worker->clock, c->idle_ms);
    int64_t last = c->http1.x.active_ms > c->active_ms ? c->http1.x.active_ms : c->active_ms;

    if (last + idle > conn_now(c)) {
        conn_arm_real(c, last + idle - conn_now(c));
        return;
    }
    conn_arm(c, c->idle_ms);
    if (c->http1.state == HTTP1_HEAD) {
        begin_exchange(c);
        refuse(c, 408);
    } else if (c->http1.x.active) {
        exchange_time_out(&c->http1.x);
    } else {
        conn_close(c);
    }
}

static void on_drained(struct conn *c)
{
    c->http1.x.active_ms = c->active_ms;
    if (c->http1.x.active)
        exchange_client_drained(&c->http1.x);
}

/* A tunnel lives until its target has ended it too. */
static bool on_ended(struct conn *c)
{
    if (c->http1.state != HTTP1_TUNNEL)
        return false;
    exchange_tunnel_end(&c->http1.x);
    return true;
}

static bool is_busy(const struct conn *c)
{
    return c->http1.x.active;
}

static void on_part(struct conn *c)
{
    exchange_abandon(&c->http1.x);
}

static void on_free(struct conn *c)
{
    buf_free(&c->http1.in);
}

const struct conn_protocol http1_protocol = {
    .begin = on_begin,
    .read = on_bytes,
    .ended = on_ended,
    .tick = on_tick,
    .drained = on_drained,
    .is_busy = is_busy,
    .part = on_part,
    .free = on_free,
};
