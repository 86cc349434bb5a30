/* Clients that speak HTTP/2 over TLS. nghttp2 does the framing; each stream has an exchange of its
 * own, whose request head is written down as HTTP/1.1 would have it and then read like any other,
 * so that limits, classes and rules are the same for both protocols.
 * Ownership: the connection owns its session; a stream belongs to the session from its HEADERS
 * until on_stream_close(), which parts it from its exchange; it is freed at the connection's next
 * event, when no exchange can be at work on it.
 * While nghttp2 is reading nothing may be sent: send_pending() then does nothing, and comes again
 * at the end. Source: RFC 9113; Application Load Balancers User Guide, "Listener configuration",
 * "HTTP/2". DIFFERS: that a header is too long for HTTP/2 is measured before its compression. */
#include "dataplane/http2.h"

#include <stdlib.h>

#include <nghttp2/nghttp2.h>

#include "base/macros.h"
#include "base/memory.h"
#include "dataplane/upstream.h"

enum {
    STREAMS_MAX = 128,
    REQUESTS_MAX = 10000, /* on one connection, then GOAWAY */
    FIELD_MAX = 8 * 1024, /* name and value; a longer one ends the connection */
    HEAD_MAX = HTTP_REQUEST_LINE_MAX + HTTP_REQUEST_FIELDS_MAX + 1024,
    WINDOW = 256 * 1024,
    OUT_MAX = 64 * 1024 * 1024, /* backpressure stops it long before */
};

struct http2_shared {
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
};

struct http2 {
    nghttp2_session *session;
    struct conn *conn;
    struct link streams, dead; /* dead ones are freed once nothing refers to their content */
    unsigned requests;
    bool receiving, sending, leaving;
};

struct stream {
    struct link link;
    struct http2 *h2;
    int32_t id;
    struct exchange x;
    struct buf method, authority, path, cookies;
    struct buf head;     /* the other fields, as lines of HTTP/1.1 */
    bool has_length;     /* one of them is Content-Length */
    bool begun;          /* the head was read whole */
    bool ended;          /* the request's body was too */
    size_t unconsumed;   /* bytes of the body that the client may not send anew yet */
    struct buf trailers; /* lines of the response's */
    struct buf out;      /* content of the response that has not left */
    size_t out_at;
    bool response_ended;
    bool deferred; /* nghttp2 waits for content */
};

static bool take_flag(bool *flag)
{
    bool was = *flag;

    *flag = false;
    return was;
}

/* --- streams ---------------------------------------------------------------------------------- */

static struct stream *stream_of(struct exchange *x)
{
    return container_of(x, struct stream, x);
}

static struct stream *new_stream(struct http2 *h2, int32_t id)
{
    struct stream *s = xcalloc(sizeof *s);

    s->h2 = h2;
    s->id = id;
    s->method = s->authority = s->path = s->cookies = s->head = buf_init(HEAD_MAX);
    s->trailers = buf_init(HTTP_RESPONSE_FIELDS_MAX);
    s->out = buf_init(OUT_MAX);
    list_append(&h2->streams, &s->link);
    return s;
}

static void free_stream(struct stream *s)
{
    exchange_abandon(&s->x);
    list_remove(&s->link);
    buf_free(&s->method);
    buf_free(&s->authority);
    buf_free(&s->path);
    buf_free(&s->cookies);
    buf_free(&s->head);
    buf_free(&s->trailers);
    buf_free(&s->out);
    free(s);
}

static void free_dead(struct http2 *h2)
{
    LIST_EACH(struct stream, s, &h2->dead, link)
        free_stream(s);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void leave(struct http2 *h2)
{
    if (h2->leaving)
        return;
    h2->leaving = true;
    (void)nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(h2->session),
                                NGHTTP2_NO_ERROR, NULL, 0);
}

/* The target may go on once the client has taken enough. */
static void resume_target(struct stream *s)
{
    if (s->out_at == s->out.n) {
        buf_reset(&s->out);
        s->out_at = 0;
    }
    if (s->x.active && s->out.n - s->out_at <= SOCK_LOW_WATER && !sock_is_full(&s->h2->conn->sock))
        exchange_client_drained(&s->x);
}

static void resume_targets(struct http2 *h2)
{
    LIST_EACH(struct stream, s, &h2->streams, link)
        resume_target(s);
}

/* Everything that waits leaves, as far as windows and the socket allow. */
static void send_pending(struct http2 *h2)
{
    struct conn *c = h2->conn;
    struct gather *g = &c->worker->to_client;
    int r;

    if (c->phase != PHASE_OPEN || h2->receiving || h2->sending)
        return;
    h2->sending = true;
    gather_begin(g, &c->sock);
    r = nghttp2_session_send(h2->session);
    if (gather_flush(g) < 0 || r != 0)
        conn_close(c);
    resume_targets(h2);
    h2->sending = false;
    if (c->phase != PHASE_OPEN)
        return;
    if (!nghttp2_session_want_read(h2->session) && !nghttp2_session_want_write(h2->session))
        conn_linger(c);
}

static ssize_t on_send(nghttp2_session *session, const uint8_t *at, size_t n, int flags, void *data)
{
    struct http2 *h2 = data;

    (void)session, (void)flags;
    if (sock_is_full(&h2->conn->sock))
        return NGHTTP2_ERR_WOULDBLOCK;
    gather_copy(&h2->conn->worker->to_client, str_n((const char *)at, n));
    return (ssize_t)n;
}

/* A DATA frame: its content lies still in the stream's buffer until the flush. */
static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                        size_t n, nghttp2_data_source *source, void *data)
{
    struct http2 *h2 = data;
    struct gather *g = &h2->conn->worker->to_client;
    struct stream *s = source->ptr;

    (void)session, (void)frame;
    if (sock_is_full(&h2->conn->sock))
        return NGHTTP2_ERR_WOULDBLOCK;
    if (g->n + 2 >= GATHER_MAX && gather_flush(g) < 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    gather_copy(g, str_n((const char *)head, 9));
    gather_add(g, str_n(s->out.at + s->out_at, n));
    s->out_at += n;
    return 0;
}

static bool submit_trailers(struct stream *s);

static ssize_t on_content_wanted(nghttp2_session *session, int32_t id, uint8_t *to, size_t most,
                                 uint32_t *flags, nghttp2_data_source *source, void *data)
{
    struct stream *s = source->ptr;
    size_t left = s->out.n - s->out_at;

    (void)session, (void)id, (void)to, (void)data;
    if (left == 0 && !s->response_ended) {
        s->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (left <= most && s->response_ended) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (s->trailers.n > 0 && submit_trailers(s))
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
    return (ssize_t)(left < most ? left : most);
}

/* --- what the exchange sends ------------------------------------------------------------------ */

/* HTTP/2 has lower-case names and neither hop-by-hop fields nor a reason phrase. The head that the
 * rewriting made for HTTP/1.1 is taken apart again. */
enum { RESPONSE_FIELDS = 512 };

static bool is_connection_field(struct str name)
{
    static const struct str names[] = {STR_INIT("connection"), STR_INIT("transfer-encoding"),
                                       STR_INIT("keep-alive"), STR_INIT("proxy-connection"),
                                       STR_INIT("upgrade")};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(name, names[i]))
            return true;
    return false;
}

static nghttp2_nv field_of(struct str name, struct str value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.at,
                        .namelen = name.n,
                        .value = (uint8_t *)(uintptr_t)value.at,
                        .valuelen = value.n};
}

static void lower(char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (at[i] >= 'A' && at[i] <= 'Z')
            at[i] = (char)(at[i] + 32);
}

/* Gives nghttp2 a head that was written into @t since @from (and takes it off again). */
static void submit_head(struct stream *s, struct text *t, size_t from, bool has_body)
{
    nghttp2_data_provider content = {.source.ptr = s, .read_callback = on_content_wanted};
    nghttp2_nv fields[RESPONSE_FIELDS];
    struct str rest = str_n(t->at + from, t->n - from), line;
    size_t n = 0;

    fields[n++] = field_of(S(":status"), str_n(rest.at + 9, 3));
    (void)str_next(&rest, '\n', &line);
    while (str_next(&rest, '\n', &line) && line.n > 1 && n < RESPONSE_FIELDS) {
        struct str name, value;

        if (!str_cut(str_first(line, line.n - 1), ':', &name, &value))
            continue;
        lower(t->at + (name.at - t->at), name.n);
        if (!is_connection_field(name))
            fields[n++] = field_of(name, str_trim(value));
    }
    s->x.record.answered += t->n - from;
    t->n = from;
    if (nghttp2_submit_response(s->h2->session, s->id, fields, n, has_body ? &content : NULL) != 0)
        (void)nghttp2_submit_rst_stream(s->h2->session, NGHTTP2_FLAG_NONE, s->id,
                                        NGHTTP2_INTERNAL_ERROR);
}

static bool submit_trailers(struct stream *s)
{
    struct str rest = buf_str(&s->trailers), line;
    nghttp2_nv fields[RESPONSE_FIELDS];
    size_t n = 0;

    while (str_next(&rest, '\n', &line) && n < RESPONSE_FIELDS) {
        struct str name, value;

        if (str_cut(line, ':', &name, &value) && !is_connection_field(name))
            fields[n++] = field_of(name, str_trim(value));
    }
    return nghttp2_submit_trailer(s->h2->session, s->id, fields, n) == 0;
}

static void send_trailers(struct exchange *x, struct str lines)
{
    buf_add(&stream_of(x)->trailers, lines);
}

static struct text *head_room(struct stream *s)
{
    struct text *t = &s->h2->conn->worker->to_client.text;

    t->full = false;
    return t;
}

static void send_head(struct exchange *x, const struct response_head *h)
{
    struct stream *s = stream_of(x);
    struct text *t = head_room(s);
    size_t from = t->n;
    struct reply_framing framing = {.length = h->length,
                                    .length_known = h->has_length && !h->has_chunked,
                                    .date = worker_date(x->worker),
                                    .cookies = x->cookies,
                                    .listener = x->listener};

    response_head_rewrite(t, h, &framing);
    submit_head(s, t, from, h->body != HTTP_BODY_NONE);
}

static void send_content(struct exchange *x, struct str content)
{
    struct stream *s = stream_of(x);

    if (s->out_at > 0 && s->out_at == s->out.n) {
        buf_reset(&s->out);
        s->out_at = 0;
    }
    buf_add(&s->out, content);
    if (take_flag(&s->deferred))
        (void)nghttp2_session_resume_data(s->h2->session, s->id);
}

static void send_end(struct exchange *x)
{
    struct stream *s = stream_of(x);

    s->response_ended = true;
    if (take_flag(&s->deferred))
        (void)nghttp2_session_resume_data(s->h2->session, s->id);
}

static void send_answer(struct exchange *x, const struct own_answer *a)
{
    struct stream *s = stream_of(x);
    struct text *t = head_room(s);
    size_t from = t->n;
    bool has_body = a->body.n > 0 && !x->to_head;

    own_answer_head(t, a, worker_date(x->worker), true, x->listener);
    if (has_body) {
        buf_add(&s->out, a->body);
        x->record.answered += a->body.n;
    }
    s->response_ended = true;
    submit_head(s, t, from, has_body);
}

static void flush(struct exchange *x)
{
    struct stream *s = stream_of(x);
    struct http2 *h2 = s->h2;

    x->active_ms = conn_now(h2->conn);
    send_pending(h2);
    if (x->upstream != NULL &&
        (s->out.n - s->out_at > SOCK_HIGH_WATER || sock_is_full(&h2->conn->sock)))
        upstream_pause(x->upstream);
}

static void finished(struct exchange *x)
{
    struct stream *s = stream_of(x);

    if (x->close_after)
        leave(s->h2);
    send_pending(s->h2);
}

static void abort_response(struct exchange *x)
{
    struct stream *s = stream_of(x);

    (void)nghttp2_submit_rst_stream(s->h2->session, NGHTTP2_FLAG_NONE, s->id,
                                    NGHTTP2_INTERNAL_ERROR);
    send_pending(s->h2);
}

static void consume(struct stream *s)
{
    if (s->unconsumed == 0)
        return;
    (void)nghttp2_session_consume_stream(s->h2->session, s->id, s->unconsumed);
    s->unconsumed = 0;
}

static void want_body(struct exchange *x)
{
    struct stream *s = stream_of(x);

    consume(s);
    send_pending(s->h2);
}

static const struct front_ops http2_ops = {
    .send_head = send_head,
    .send_content = send_content,
    .send_trailers = send_trailers,
    .send_end = send_end,
    .send_answer = send_answer,
    .flush = flush,
    .finished = finished,
    .abort = abort_response,
    .want_body = want_body,
};

/* --- requests --------------------------------------------------------------------------------- */

static void route(struct stream *s, const struct request_head *h)
{
    struct conn *c = s->h2->conn;
    const struct dp_listener *listener;
    struct own_answer page;
    struct live *live;

    switch (conn_route(c, h, &live, &listener)) {
    case ROUTE_UNKNOWN:
        page_unknown_host(&page);
        exchange_answer(&s->x, &page);
        return;
    case ROUTE_NOWHERE:
        conn_close(c);
        return;
    case ROUTE_HOLD:
        conn_hold(c);
        return;
    case ROUTE_TO:
        break;
    }
    if (conn_is_old(c, &live->config->attributes) || ++s->h2->requests >= REQUESTS_MAX)
        leave(s->h2);
    exchange_begin(&s->x, live, listener, h);
    exchange_flush_request(&s->x);
}

/* The request's head as HTTP/1.1 would have it. */
static void write_head(struct stream *s, struct buf *out)
{
    buf_printf(out, "%.*s %.*s HTTP/1.1\r\n", STR_ARG(buf_str(&s->method)),
               STR_ARG(buf_str(&s->path)));
    if (s->authority.n > 0)
        buf_printf(out, "Host: %.*s\r\n", STR_ARG(buf_str(&s->authority)));
    buf_add(out, buf_str(&s->head));
    if (s->cookies.n > 0)
        buf_printf(out, "cookie: %.*s\r\n", STR_ARG(buf_str(&s->cookies)));
    if (!s->ended && !s->has_length)
        buf_add(out, S("transfer-encoding: chunked\r\n"));
    buf_add(out, S("\r\n"));
}

static void begin(struct stream *s)
{
    struct conn *c = s->h2->conn;
    struct request_head head = {.fields = c->worker->request_fields};
    struct buf text = buf_init(3 * HEAD_MAX);
    unsigned refused = 400;

    s->x = (struct exchange){.ops = &http2_ops,
                             .worker = c->worker,
                             .client = &c->client,
                             .http2 = true,
                             .active_ms = conn_now(c)};
    s->begun = true;
    write_head(s, &text);
    s->x.record.received = text.n;
    if (!s->head.full && !s->cookies.full)
        refused = request_head_read(buf_str(&text), &head);
    if (refused != 0) {
        s->x.to_head = str_eq(head.method, S("HEAD"));
        exchange_refuse(&s->x, refused);
    } else {
        route(s, &head);
    }
    buf_free(&text);
    buf_free(&s->head);
    buf_free(&s->cookies);
}

/* --- nghttp2's callbacks ---------------------------------------------------------------------- */

static struct stream *find_stream(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    struct http2 *h2 = data;

    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        (void)nghttp2_session_set_stream_user_data(session, frame->hd.stream_id,
                                                   new_stream(h2, frame->hd.stream_id));
    return 0;
}

static struct buf *pseudo_room(struct stream *s, struct str name)
{
    return str_eq(name, S(":method"))      ? &s->method
           : str_eq(name, S(":path"))      ? &s->path
           : str_eq(name, S(":authority")) ? &s->authority
                                           : NULL;
}

static void take_field(struct stream *s, struct str name, struct str value)
{
    if (str_eq(name, S("cookie"))) { /* RFC 9113 section 8.2.3 */
        if (s->cookies.n > 0)
            buf_add(&s->cookies, S("; "));
        buf_add(&s->cookies, value);
        return;
    }
    if (str_eq(name, S("host")) && s->authority.n > 0)
        return;
    s->has_length |= str_eq(name, S("content-length"));
    buf_printf(&s->head, "%.*s: %.*s\r\n", STR_ARG(name), STR_ARG(value));
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name_at,
                     size_t name_n, const uint8_t *value_at, size_t value_n, uint8_t flags,
                     void *data)
{
    struct stream *s = find_stream(session, frame->hd.stream_id);
    struct str name = str_n((const char *)name_at, name_n);
    struct str value = str_n((const char *)value_at, value_n);

    (void)flags, (void)data;
    if (s == NULL || s->begun)
        return 0; /* trailers are dropped */
    if (name_n + value_n > FIELD_MAX) {
        (void)nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (name_n > 0 && name_at[0] == ':') {
        struct buf *room = pseudo_room(s, name);

        if (room != NULL)
            buf_add(room, value);
    } else {
        take_field(s, name, value);
    }
    return 0;
}

static void end_request(struct stream *s)
{
    if (s->x.active)
        exchange_body_end(&s->x);
    exchange_flush_request(&s->x);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    struct http2 *h2 = data;
    struct stream *s = find_stream(session, frame->hd.stream_id);
    bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

    if (s == NULL || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    s->ended |= last;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        begin(s);
    else if (last)
        end_request(s);
    return h2->conn->phase == PHASE_OPEN ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_content(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *at,
                      size_t n, void *data)
{
    struct http2 *h2 = data;
    struct stream *s = find_stream(session, id);

    (void)flags;
    (void)nghttp2_session_consume_connection(session, n);
    if (s == NULL)
        return 0;
    s->unconsumed += n;
    s->x.active_ms = conn_now(h2->conn);
    if (s->x.active) {
        exchange_body(&s->x, str_n((const char *)at, n));
        exchange_flush_request(&s->x);
    }
    if (!s->x.active || !exchange_is_full(&s->x))
        consume(s);
    return h2->conn->phase == PHASE_OPEN ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* Its content may still wait in the gather, and its exchange be at work on it. */
static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *data)
{
    struct http2 *h2 = data;
    struct stream *s = find_stream(session, id);

    (void)error;
    if (s == NULL)
        return 0;
    (void)nghttp2_session_set_stream_user_data(session, id, NULL);
    if (!s->response_ended)
        exchange_abandon(&s->x);
    list_remove(&s->link);
    list_append(&h2->dead, &s->link);
    return 0;
}

struct http2_shared *http2_shared_new(void)
{
    struct http2_shared *s = xcalloc(sizeof *s);
    nghttp2_session_callbacks *c;

    if (nghttp2_session_callbacks_new(&s->callbacks) != 0 || nghttp2_option_new(&s->options) != 0)
        abort(); /* out of memory */
    c = s->callbacks;
    nghttp2_session_callbacks_set_send_callback(c, on_send);
    nghttp2_session_callbacks_set_send_data_callback(c, on_send_data);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_content);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    nghttp2_option_set_no_auto_window_update(s->options, 1);
    return s;
}

void http2_shared_free(struct http2_shared *s)
{
    if (s == NULL)
        return;
    nghttp2_session_callbacks_del(s->callbacks);
    nghttp2_option_del(s->options);
    free(s);
}

/* --- the connection's events ------------------------------------------------------------------ */

static void on_begin(struct conn *c)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MAX},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,    WINDOW     },
    };
    const struct http2_shared *shared = c->worker->http2;
    struct http2 *h2 = xcalloc(sizeof *h2);

    c->http2 = h2;
    h2->conn = c;
    list_init(&h2->streams);
    list_init(&h2->dead);
    if (nghttp2_session_server_new2(&h2->session, shared->callbacks, h2, shared->options) != 0)
        abort(); /* out of memory */
    (void)nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings));
    (void)nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
                                                STREAMS_MAX * WINDOW);
    send_pending(h2);
}

static void on_bytes(struct conn *c, struct str bytes)
{
    struct http2 *h2 = c->http2;
    ssize_t n;

    free_dead(h2);
    h2->receiving = true;
    n = nghttp2_session_mem_recv(h2->session, (const uint8_t *)bytes.at, bytes.n);
    h2->receiving = false;
    if (n < 0)
        conn_close(c);
    else
        send_pending(h2);
}

/* How long until the next request times out, or the connection when it has none. */
static int64_t time_left(const struct http2 *h2, int64_t idle)
{
    int64_t now = conn_now(h2->conn), least = INT64_MAX;

    LIST_EACH(struct stream, s, &h2->streams, link) {
        if (s->x.active && s->x.active_ms + idle - now < least)
            least = s->x.active_ms + idle - now;
    }
    return least < INT64_MAX ? least : h2->conn->active_ms + idle - now;
}

/* A stream may be there without one: what is answered early may still send its body, which is
 * dropped. */
static bool has_requests(const struct http2 *h2)
{
    LIST_EACH(struct stream, s, &h2->streams, link) {
        if (s->x.active)
            return true;
    }
    return false;
}

static void on_tick(struct conn *c)
{
    int64_t idle = clock_real_delay(c->worker->clock, c->idle_ms);
    int64_t left = time_left(c->http2, idle);

    free_dead(c->http2);
    if (left > 0) {
        conn_arm_real(c, left);
        return;
    }
    conn_arm(c, c->idle_ms);
    if (!has_requests(c->http2)) {
        leave(c->http2);
        send_pending(c->http2);
        conn_close(c);
        return;
    }
    c->http2->sending = true; /* so that no stream goes while we walk */
    LIST_EACH(struct stream, s, &c->http2->streams, link) {
        if (s->x.active && s->x.active_ms + idle <= conn_now(c))
            exchange_time_out(&s->x);
    }
    c->http2->sending = false;
    send_pending(c->http2);
}

static void on_drained(struct conn *c)
{
    free_dead(c->http2);
    send_pending(c->http2);
}

static bool on_ended(struct conn *c)
{
    (void)c;
    return false;
}

static bool is_busy(const struct conn *c)
{
    return c->http2 != NULL && has_requests(c->http2);
}

static void on_part(struct conn *c)
{
    if (c->http2 == NULL)
        return;
    LIST_EACH(struct stream, s, &c->http2->streams, link)
        exchange_abandon(&s->x);
}

static void on_free(struct conn *c)
{
    struct http2 *h2 = c->http2;

    if (h2 == NULL)
        return;
    LIST_EACH(struct stream, s, &h2->streams, link)
        free_stream(s);
    free_dead(h2);
    nghttp2_session_del(h2->session);
    free(h2);
}

const struct conn_protocol http2_protocol = {
    .begin = on_begin,
    .read = on_bytes,
    .ended = on_ended,
    .tick = on_tick,
    .drained = on_drained,
    .is_busy = is_busy,
    .part = on_part,
    .free = on_free,
};
