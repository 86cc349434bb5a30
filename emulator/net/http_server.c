/* The HTTP/1.1 server: listeners, connections, reading requests. A connection belongs to its
 * server until its stream and timer are closed; an exchange belongs to the handler until it is
 * ended. Ways to a connection's end: the client's (on_failed, on_end), a refused request, an
 * answer that closes, a time-out, http_abort, the stream handed over, the server's close; all go
 * through http_connection_close, lingering_close or http_connection_release.
 * Source: RFC 9112. */
#include <stdlib.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/memory.h"
#include "net/dns.h"
#include "net/http_connection.h"

enum {
    HEAD_LIMIT = 64 * 1024,
    BODY_LIMIT = 3 * 1024 * 1024,
    HEAD_TIMEOUT_MS = 60 * 1000,
    IDLE_TIMEOUT_MS = 180 * 1000,
    MOST_INPUT = 128 * 1024, /* read ahead of the current request */
    BACKLOG = 1024,
};

struct listener {
    struct link link;
    struct http_server *server;
    uv_tcp_t tcp;
};

static void process(struct http_connection *c, struct str bytes);
static void refuse(struct http_connection *c, int status, struct str reason);

/* --- the end --------------------------------------------------------------------------- */

static void server_finish(struct http_server *s)
{
    if (!s->closing || !list_empty(&s->listeners) || !list_empty(&s->connections))
        return;
    if (s->on_closed != NULL)
        s->on_closed(s->closed_data);
    free(s);
}

void http_exchange_free(struct http_exchange *x)
{
    if (x == NULL)
        return;
    buf_free(&x->body);
    arena_free(&x->arena);
    free(x);
}

static void connection_part_closed(struct http_connection *c)
{
    struct http_server *s = c->server;

    if (--c->handles > 0)
        return;
    list_remove(&c->link);
    buf_free(&c->input);
    buf_free(&c->text);
    free(c->spans);
    free(c);
    server_finish(s);
}

static void on_timer_closed(uv_handle_t *h)
{
    connection_part_closed(h->data);
}

static void on_stream_closed(void *data)
{
    struct http_connection *c = data;

    c->stream = NULL;
    if (!c->closing) { /* it lingered to its end */
        c->closing = true;
        uv_close((uv_handle_t *)&c->timer, on_timer_closed);
    }
    connection_part_closed(c);
}

/* The exchange goes on without a connection: nobody hears what it says. One that is still being
 * read has no handler yet and is freed. */
static void let_exchange_go(struct http_connection *c)
{
    struct http_exchange *x = TAKE(c->exchange);
    bool handled = c->reading == READING_DONE;

    if (x == NULL)
        return;
    x->connection = NULL;
    if (!handled)
        http_exchange_free(x);
    else if (x->on_gone != NULL)
        x->on_gone(x->gone_data);
}

void http_connection_close(struct http_connection *c)
{
    if (c->closing)
        return;
    c->closing = true;
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
    if (c->stream != NULL)
        stream_close(c->stream);
    let_exchange_go(c);
}

/* Closes behind what was written. */
static void lingering_close(struct http_connection *c)
{
    if (c->closing)
        return;
    (void)uv_timer_stop(&c->timer);
    c->refused = true;
    stream_close_when_sent(c->stream);
    let_exchange_go(c);
}

static struct str rest_of_input(const struct http_connection *c)
{
    return str_from(buf_str(&c->input), c->input_at);
}

struct stream *http_connection_release(struct http_connection *c)
{
    struct stream *stream = TAKE(c->stream);

    stream_read_stop(stream);
    stream_set_events(stream, NULL, NULL);
    stream_unread(stream, rest_of_input(c));
    c->handles--;
    c->exchange = NULL;
    c->closing = true;
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
    return stream;
}

/* --- time ------------------------------------------------------------------------------ */

static void on_head_timeout(uv_timer_t *timer)
{
    refuse(timer->data, 408, S("The request did not arrive in time."));
}

static void on_idle_timeout(uv_timer_t *timer)
{
    lingering_close(timer->data);
}

static void limit_time(struct http_connection *c, uv_timer_cb on_timeout, int64_t ms)
{
    (void)uv_timer_start(&c->timer, on_timeout, (uint64_t)ms, 0);
}

static void on_next(uv_timer_t *timer)
{
    process(timer->data, (struct str){0});
}

/* --- reading a head -------------------------------------------------------------------- */

static struct http_connection *connection_of(llhttp_t *parser)
{
    return container_of(parser, struct http_connection, parser);
}

static int on_target(llhttp_t *parser, const char *at, size_t n)
{
    struct http_connection *c = connection_of(parser);

    buf_add(&c->text, str_n(at, n));
    c->target_n += n;
    return 0;
}

static struct http_span *next_span(struct http_connection *c)
{
    if (c->span_count == c->span_room) {
        c->span_room = c->span_room == 0 ? 16 : 2 * c->span_room;
        c->spans = xrealloc(c->spans, c->span_room * sizeof *c->spans);
    }
    c->spans[c->span_count] = (struct http_span){.name = c->text.n, .value = c->text.n};
    return &c->spans[c->span_count++];
}

static int on_field(llhttp_t *parser, const char *at, size_t n)
{
    struct http_connection *c = connection_of(parser);

    if (c->reading != READING_HEAD)
        return 0; /* a trailer: nobody asks for it */
    if (c->in_value || c->span_count == 0)
        (void)next_span(c);
    c->in_value = false;
    c->spans[c->span_count - 1].name_n += n;
    buf_add(&c->text, str_n(at, n));
    c->spans[c->span_count - 1].value = c->text.n;
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t n)
{
    struct http_connection *c = connection_of(parser);

    if (c->reading != READING_HEAD)
        return 0; /* a trailer: nobody asks for it */
    c->in_value = true;
    c->spans[c->span_count - 1].value_n += n;
    buf_add(&c->text, str_n(at, n));
    return 0;
}

static int on_value_end(llhttp_t *parser)
{
    connection_of(parser)->in_value = true; /* also when the value was empty */
    return 0;
}

/* The head's text into the exchange: from here on its slices are safe. */
static void copy_head(struct http_connection *c, struct http_request *r)
{
    struct str text = arena_str(r->arena, buf_str(&c->text));
    struct http_header *headers = arena_array(r->arena, c->span_count, sizeof *headers);

    for (size_t i = 0; i < c->span_count; i++) {
        const struct http_span *span = &c->spans[i];

        headers[i].name = str_first(str_from(text, span->name), span->name_n);
        headers[i].value = str_trim(str_first(str_from(text, span->value), span->value_n));
    }
    r->headers = (struct http_headers){headers, c->span_count};
    r->target = str_first(text, c->target_n);
    r->method = str_c(llhttp_method_name((llhttp_method_t)c->parser.method));
    r->minor = c->parser.http_minor;
}

static struct str lower(struct arena *a, struct str s)
{
    char *out = arena_alloc(a, s.n + 1);

    for (size_t i = 0; i < s.n; i++)
        out[i] = s.at[i] >= 'A' && s.at[i] <= 'Z' ? (char)(s.at[i] + 32) : s.at[i];
    return str_n(out, s.n);
}

/* Cuts the target apart (RFC 9112 §3.2). False when it has none of the four forms. */
static bool cut_target(struct http_request *r)
{
    struct http_url url;
    struct str rest = r->target;

    r->authority = http_header_get(r->headers, S("Host"));
    if (str_is(r->method, "CONNECT")) {
        r->authority = r->target;
        return true;
    }
    if (r->target.n > 0 && r->target.at[0] != '/' && !str_is(r->target, "*")) {
        if (!http_parse_url(r->target, &url))
            return false;
        r->absolute = true;
        r->authority = url.authority;
        rest = url.target;
    }
    r->path = rest;
    (void)str_cut(rest, '?', &r->path, &r->query);
    if (r->path.n == 0)
        r->path = S("/");
    return true;
}

static size_t count_headers(struct http_headers headers, struct str name)
{
    size_t count = 0;

    for (size_t i = 0; i < headers.n; i++)
        count += str_ieq(headers.at[i].name, name);
    return count;
}

/* What RFC 9112 makes every server check in a head that the parser understood. 0, or the status
 * and *ret_why to refuse with. */
static int judge_head(struct http_connection *c, struct http_request *r, struct str *ret_why)
{
    size_t hosts = count_headers(r->headers, S("Host"));
    struct str expect = http_header_get(r->headers, S("Expect"));
    uint16_t port;

    if (c->parser.http_major != 1) {
        *ret_why = S("Only HTTP/1.0 and HTTP/1.1 are spoken here.");
        return 505;
    }
    *ret_why = S("The request is malformed.");
    for (size_t i = 0; i < r->headers.n; i++) /* the parser lets "Name : value" pass */
        if (r->headers.at[i].name.n == 0 || str_chr(r->headers.at[i].name, ' ') != STR_NONE)
            return 400;
    *ret_why = S("The request target is malformed.");
    if (!cut_target(r))
        return 400;
    *ret_why = S("The Host header is missing, repeated or malformed.");
    if (hosts > 1 || (hosts == 0 && r->minor >= 1 && !str_is(r->method, "CONNECT")))
        return 400;
    if (r->authority.n > 0 && !http_cut_authority(r->authority, 80, &r->host, &port))
        return 400;
    r->host = lower(r->arena, r->host);
    if (expect.n > 0 && !str_ieq(expect, S("100-continue"))) {
        *ret_why = S("The expectation is unknown.");
        return 417;
    }
    *ret_why = S("The request body is too large.");
    if ((c->parser.flags & F_CONTENT_LENGTH) != 0 &&
        c->parser.content_length > c->server->options.body_limit)
        return 413;
    return 0;
}

static bool expects_body(const struct http_connection *c)
{
    return (c->parser.flags & F_CHUNKED) != 0 ||
           ((c->parser.flags & F_CONTENT_LENGTH) != 0 && c->parser.content_length > 0);
}

static int on_head(llhttp_t *parser)
{
    struct http_connection *c = connection_of(parser);
    struct http_exchange *x = c->exchange;
    struct str why;
    int status;

    copy_head(c, &x->request);
    x->head_only = str_is(x->request.method, "HEAD");
    status = judge_head(c, &x->request, &why);
    if (status != 0) {
        refuse(c, status, why);
        return -1;
    }
    c->reading = READING_BODY;
    if (expects_body(c) && x->request.minor >= 1 &&
        http_header_has(x->request.headers, S("Expect")))
        stream_write(c->stream, S("HTTP/1.1 100 Continue\r\n\r\n"));
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t n)
{
    struct http_connection *c = connection_of(parser);

    buf_add(&c->exchange->body, str_n(at, n));
    if (!c->exchange->body.full)
        return 0;
    refuse(c, 413, S("The request body is too large."));
    return -1;
}

static int on_message(llhttp_t *parser)
{
    struct http_connection *c = connection_of(parser);

    c->reading = READING_DONE;
    c->exchange->keep_alive = llhttp_should_keep_alive(parser) != 0;
    return HPE_PAUSED;
}

static const llhttp_settings_t *parser_settings(void)
{
    static const llhttp_settings_t settings = {
        .on_url = on_target,
        .on_header_field = on_field,
        .on_header_value = on_value,
        .on_header_value_complete = on_value_end,
        .on_headers_complete = on_head,
        .on_body = on_body,
        .on_message_complete = on_message,
    };

    return &settings;
}

/* --- a request ------------------------------------------------------------------------- */

static void begin_request(struct http_connection *c)
{
    struct http_exchange *x = xcalloc(sizeof *x);

    x->connection = c;
    x->request.arena = &x->arena;
    x->body = buf_init(c->server->options.body_limit);
    c->exchange = x;
    c->reading = READING_HEAD;
    c->head_bytes = c->span_count = c->target_n = 0;
    c->in_value = false;
    buf_reset(&c->text);
    llhttp_init(&c->parser, HTTP_REQUEST, parser_settings());
    limit_time(c, on_head_timeout, c->server->options.head_timeout_ms);
}

static struct str address_text(struct arena *a, const struct sockaddr_storage *addr,
                               uint16_t *ret_port)
{
    char text[INET6_ADDRSTRLEN] = "";

    if (addr->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)addr;

        *ret_port = ntohs(v4->sin_port);
        (void)uv_ip4_name(v4, text, sizeof text);
    } else if (addr->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)addr;

        *ret_port = ntohs(v6->sin6_port);
        (void)uv_ip6_name(v6, text, sizeof text);
    }
    return arena_str(a, str_c(text));
}

/* Who asks, and through what. */
static void describe_client(struct http_connection *c, struct http_request *r)
{
    struct sockaddr_storage addr = {0};
    SSL *ssl = stream_tls(c->stream);

    if (stream_peer(c->stream, &addr) == 0)
        r->peer = address_text(r->arena, &addr, &r->peer_port);
    if (stream_local(c->stream, &addr) == 0)
        r->local = address_text(r->arena, &addr, &r->local_port);
    r->via = arena_str(r->arena, str_c(c->via));
    r->tls = ssl != NULL;
    if (ssl == NULL)
        return;
    r->sni = arena_str(r->arena, stream_sni(c->stream));
    tls_peer_read(ssl, r->arena, &r->tls_client);
}

static void hand_to_owner(struct http_connection *c)
{
    struct http_exchange *x = c->exchange;

    (void)uv_timer_stop(&c->timer);
    describe_client(c, &x->request);
    x->request.body = buf_str(&x->body);
    c->server->options.handle(c->server->options.data, x, &x->request);
}

/* Answers what the server itself must answer, and closes. */
static void refuse(struct http_connection *c, int status, struct str reason)
{
    struct http_exchange *x = TAKE(c->exchange);
    struct http_refusal refusal = {.status = status, .reason = reason};

    if (c->refused || c->closing || x == NULL) {
        http_exchange_free(x);
        return;
    }
    refusal.content_type = S("text/plain; charset=utf-8");
    refusal.body = arena_printf(&x->arena, "%d %.*s: %.*s\n", status,
                                STR_ARG(http_status_text(status)), STR_ARG(reason));
    if (c->server->options.refuse != NULL)
        c->server->options.refuse(c->server->options.data, &x->request, &refusal);
    x->keep_alive = false;
    c->refused = true;
    http_answer(x, refusal.status, HTTP_HEADERS({S("Content-Type"), refusal.content_type}),
                refusal.body);
}

void http_connection_done(struct http_exchange *x)
{
    struct http_connection *c = x->connection;
    bool keep_alive = x->keep_alive;

    if (c == NULL) {
        http_exchange_free(x);
        return;
    }
    c->exchange = NULL;
    http_exchange_free(x);
    if (!keep_alive || c->server->closing) {
        lingering_close(c);
        return;
    }
    if (c->processing)
        return;
    limit_time(c, on_next, 0); /* from the loop: the owner may be in the middle of something */
}

void http_connection_nest(struct http_connection *c, struct str authority)
{
    const struct http_server_options *o = &c->server->options;
    enum stream_security inside = o->tls != NULL ? STREAM_DETECT : STREAM_CLEAR;

    (void)snprintf(c->via, sizeof c->via, "%.*s", STR_ARG(authority));
    c->exchange->keep_alive = true;
    stream_unread(c->stream, rest_of_input(c));
    c->input_at = c->input.n;
    if (stream_serve(c->stream, inside, o->tls) < 0)
        c->exchange->keep_alive = false;
}

static void refuse_syntax(struct http_connection *c)
{
    const char *reason = llhttp_get_error_reason(&c->parser);

    log_debug("http", "malformed request: %s", reason != NULL ? reason : "unknown");
    refuse(c, 400, S("The request is malformed."));
}

/* Feeds the parser one run of bytes; returns how many it took. Less than all only at a request's
 * end or when the connection is through. */
static size_t feed(struct http_connection *c, struct str bytes)
{
    size_t most = c->server->options.head_limit, taken = bytes.n;
    llhttp_errno_t error;

    if (c->exchange == NULL)
        begin_request(c);
    if (c->reading == READING_HEAD && bytes.n > most - c->head_bytes) {
        /* Only as much as a head may have: so the body behind it is not counted. */
        taken = most - c->head_bytes;
        if (taken == 0) {
            refuse(c, 431, S("The request's head is too large."));
            return 0;
        }
    }
    if (c->reading == READING_HEAD)
        c->head_bytes += taken;
    error = llhttp_execute(&c->parser, bytes.at, taken);
    if (error == HPE_OK)
        return taken;
    if (c->reading == READING_DONE && c->exchange != NULL)
        return (size_t)(llhttp_get_error_pos(&c->parser) - bytes.at);
    refuse_syntax(c);
    return bytes.n;
}

static bool may_process(const struct http_connection *c)
{
    return !c->closing && !c->refused && c->stream != NULL &&
           (c->exchange == NULL || c->reading != READING_DONE);
}

/* Works through @bytes until a request is complete or they are used up; returns how many it
 * took. */
static size_t read_request(struct http_connection *c, struct str bytes)
{
    size_t at = 0;

    while (at < bytes.n && may_process(c))
        at += feed(c, str_from(bytes, at));
    return at;
}

static void hand_over_if_complete(struct http_connection *c)
{
    if (c->exchange != NULL && c->reading == READING_DONE && !c->refused)
        hand_to_owner(c);
}

/* What was read ahead, request by request, as long as answers come at once. */
static void process_input(struct http_connection *c)
{
    while (may_process(c) && c->input_at < c->input.n) {
        c->input_at += read_request(c, rest_of_input(c));
        hand_over_if_complete(c);
    }
    if (c->input_at > 0)
        buf_consume(&c->input, c->input_at);
    c->input_at = 0;
}

static void after_process(struct http_connection *c)
{
    if (c->closing || c->refused)
        return;
    if (c->exchange == NULL) {
        limit_time(c, on_idle_timeout, c->server->options.idle_timeout_ms);
        if (c->peer_ended) {
            lingering_close(c);
            return;
        }
    }
    if (c->input.n >= MOST_INPUT)
        stream_read_stop(c->stream);
    else
        stream_read_start(c->stream);
}

/* New bytes, or none when an answer has made way for the next request. */
static void process(struct http_connection *c, struct str bytes)
{
    size_t done = 0;

    c->processing = true;
    if (c->input.n == 0)
        done = read_request(c, bytes);
    if (!c->closing && !c->refused)
        buf_add(&c->input, str_from(bytes, done));
    hand_over_if_complete(c);
    process_input(c);
    c->processing = false;
    after_process(c);
}

/* --- the stream's events --------------------------------------------------------------- */

static void on_bytes(void *data, struct str bytes)
{
    process(data, bytes);
}

/* The client finished sending. Who waits for a whole answer gets it; a stream has lost its
 * reader. */
static void on_end(void *data)
{
    struct http_connection *c = data;
    struct http_exchange *x = c->exchange;

    c->peer_ended = true;
    if (x == NULL || c->reading != READING_DONE)
        lingering_close(c);
    else if (x->started)
        http_connection_close(c);
}

static void on_drained(void *data)
{
    struct http_connection *c = data;

    if (c->exchange != NULL && c->exchange->on_drained != NULL)
        c->exchange->on_drained(c->exchange->drained_data);
}

static void on_failed(void *data, int error, struct str why)
{
    log_debug("http", "connection failed: %.*s (%d)", STR_ARG(why), error);
    http_connection_close(data);
}

static int adopt(struct http_server *s, struct stream *stream)
{
    static const struct stream_events events = {
        .on_bytes = on_bytes,
        .on_end = on_end,
        .on_drained = on_drained,
        .on_failed = on_failed,
        .on_closed = on_stream_closed,
    };
    struct http_connection *c;
    int r = stream_serve(stream, s->options.security, s->options.tls);

    if (r < 0) {
        stream_close(stream);
        return r;
    }
    c = xcalloc(sizeof *c);
    c->server = s;
    c->stream = stream;
    c->handles = 2;
    c->input = buf_init(4 * MOST_INPUT);
    c->text = buf_init(s->options.head_limit);
    (void)uv_timer_init(s->options.loop, &c->timer);
    c->timer.data = c;
    list_append(&s->connections, &c->link);
    stream_set_events(stream, &events, c);
    stream_read_start(stream);
    limit_time(c, on_idle_timeout, s->options.head_timeout_ms);
    return 0;
}

/* --- the server ------------------------------------------------------------------------ */

static size_t or_default(size_t value, size_t otherwise)
{
    return value > 0 ? value : otherwise;
}

struct http_server *http_server_new(const struct http_server_options *o)
{
    struct http_server *s = xcalloc(sizeof *s);

    s->options = *o;
    s->options.head_limit = or_default(o->head_limit, HEAD_LIMIT);
    s->options.body_limit = or_default(o->body_limit, BODY_LIMIT);
    if (o->head_timeout_ms <= 0)
        s->options.head_timeout_ms = HEAD_TIMEOUT_MS;
    if (o->idle_timeout_ms <= 0)
        s->options.idle_timeout_ms = IDLE_TIMEOUT_MS;
    list_init(&s->listeners);
    list_init(&s->connections);
    return s;
}

static void on_connection(uv_stream_t *handle, int status)
{
    struct listener *l = handle->data;
    struct stream *stream;
    int r = status;

    if (r == 0)
        r = stream_accept(handle, &stream);
    if (r == 0)
        r = adopt(l->server, stream);
    if (r < 0)
        log_warning("http", "a connection was not accepted: %s", uv_strerror(r));
}

static void on_listener_closed(uv_handle_t *h)
{
    struct listener *l = h->data;
    struct http_server *s = l->server;

    list_remove(&l->link);
    free(l);
    server_finish(s);
}

int http_server_listen(struct http_server *s, struct str address, uint16_t port, uint16_t *ret_port)
{
    struct sockaddr_storage addr;
    int n = sizeof addr, r;
    struct listener *l;

    if (!dns_resolve_now(address, port, &addr))
        return UV_EINVAL;
    l = xcalloc(sizeof *l);
    l->server = s;
    r = uv_tcp_init(s->options.loop, &l->tcp);
    if (r < 0) {
        free(l);
        return r;
    }
    l->tcp.data = l;
    list_append(&s->listeners, &l->link);
    r = uv_tcp_bind(&l->tcp, (const struct sockaddr *)&addr, 0);
    if (r == 0)
        r = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection);
    if (r == 0)
        r = uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&addr, &n);
    if (r < 0) {
        uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
        return r;
    }
    if (ret_port != NULL) /* both families have the port at the same place */
        *ret_port = ntohs(((const struct sockaddr_in *)(const void *)&addr)->sin_port);
    return 0;
}

int http_server_serve_fd(struct http_server *s, uv_os_sock_t fd)
{
    struct stream *stream;
    int r = stream_open(s->options.loop, fd, &stream);

    return r < 0 ? r : adopt(s, stream);
}

void http_server_close(struct http_server *s, void (*on_closed)(void *data), void *data)
{
    if (s->closing)
        return;
    s->closing = true;
    s->on_closed = on_closed;
    s->closed_data = data;
    LIST_EACH(struct listener, l, &s->listeners, link)
        if (!uv_is_closing((uv_handle_t *)&l->tcp))
            uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
    LIST_EACH(struct http_connection, c, &s->connections, link)
        http_connection_close(c);
    server_finish(s);
}
