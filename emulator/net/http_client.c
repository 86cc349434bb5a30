/* The HTTP/1.1 client. A call belongs to its client until on_done; a connection belongs to its
 * client until its stream is closed, and serves one call at a time. Setting a connection up is a
 * row of steps, of which each destination needs some: resolve, connect, TLS with the proxy,
 * CONNECT, TLS with the server.
 *
 * Ways to a call's end: its answer is complete, its connection failed (and it may not be sent once
 * more), its time is up, it was cancelled, its client closes; all through call_finish.
 * Source: RFC 9110 §9.3.6, RFC 9112 §9.3. */
#include "net/http_client.h"

#include <errno.h>
#include <stdlib.h>

#include <llhttp.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/macros.h"
#include "base/memory.h"
#include "net/dns.h"
#include "net/http_proxy.h"
#include "net/stream.h"

enum {
    MOST_IDLE = 8,
    IDLE_MS = 60 * 1000,
    TIMEOUT_MS = 30 * 1000,
    COLLECT_LIMIT = 64 * 1024 * 1024,
    HEAD_LIMIT = 256 * 1024,
    REQUEST_CAP = 1024 * 1024 * 1024,
};

enum step { STEP_RESOLVE, STEP_CONNECT, STEP_PROXY_TLS, STEP_TUNNEL, STEP_TLS, STEP_READY };

struct http_client {
    struct http_client_options options;
    char *proxy_http, *proxy_https, *no_proxy;
    struct link calls, connections;
    unsigned open; /* calls and connections that the loop still knows */
    bool closing;
    void (*on_closed)(void *data);
    void *closed_data;
};

/* How a URL is reached. */
struct route {
    struct http_url url, proxy;
    bool proxied;   /* through proxy */
    bool tunnelled; /* by CONNECT: https */
};

struct connection {
    struct link link;
    struct http_client *client;
    struct http_call *call; /* NULL while idle or closing */
    char *key;              /* what it is good for: scheme, host, port, proxy */
    bool used;              /* it has answered before */
    bool closing;
    unsigned handles;

    enum step step;
    struct dns_query *query;
    struct sockaddr_storage addresses[DNS_MOST_ADDRESSES];
    size_t address_count, next_address;
    struct stream *stream;
    uv_timer_t timer; /* how long it stays idle */

    llhttp_t parser;
    struct buf text; /* of the head that is being read */
    struct span {
        size_t name, name_n, value, value_n;
    } * spans;
    size_t span_count, span_room;
    bool in_value, complete, keep_alive;
};

struct http_call {
    struct link link;
    struct http_client *client;
    struct connection *connection; /* NULL before the first and after the last */
    struct arena arena;
    struct http_call_options options; /* all text in the arena */
    struct route route;
    uv_timer_t timer;
    bool retried, heard, finished;
    struct http_result result;
    struct buf body;
};

static void connection_close(struct connection *c);
static void connection_failed(struct connection *c, int error, struct str why);
static void advance(struct connection *c);
static void call_begin(struct http_call *call);

/* --- life ------------------------------------------------------------------------------ */

void http_client_read_environment(struct http_client_options *o)
{
    const char *upper[] = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"};
    const char *lower[] = {"http_proxy", "https_proxy", "no_proxy"};
    const char **to[] = {&o->proxy_http, &o->proxy_https, &o->no_proxy};

    for (size_t i = 0; i < ARRAY_LEN(to); i++) {
        const char *value = getenv(upper[i]);

        *to[i] = value != NULL && value[0] != '\0' ? value : getenv(lower[i]);
    }
}

static char *copy_or_empty(const char *s)
{
    return xstrdup(s != NULL ? s : "");
}

struct http_client *http_client_new(const struct http_client_options *o)
{
    struct http_client *c = xcalloc(sizeof *c);

    c->options = *o;
    c->proxy_http = copy_or_empty(o->proxy_http);
    c->proxy_https = copy_or_empty(o->proxy_https);
    c->no_proxy = copy_or_empty(o->no_proxy);
    if (o->most_idle == 0)
        c->options.most_idle = MOST_IDLE;
    if (o->idle_ms <= 0)
        c->options.idle_ms = IDLE_MS;
    list_init(&c->calls);
    list_init(&c->connections);
    return c;
}

static void client_finish(struct http_client *c)
{
    if (!c->closing || c->open > 0)
        return;
    free(c->proxy_http);
    free(c->proxy_https);
    free(c->no_proxy);
    if (c->on_closed != NULL)
        c->on_closed(c->closed_data);
    free(c);
}

static void on_call_closed(uv_handle_t *h)
{
    struct http_call *call = h->data;
    struct http_client *c = call->client;

    buf_free(&call->body);
    arena_free(&call->arena);
    free(call);
    c->open--;
    client_finish(c);
}

/* Takes the call off its connection; what is under way there is worth nothing any more. */
static void call_detach(struct http_call *call)
{
    struct connection *c = TAKE(call->connection);

    if (c == NULL)
        return;
    c->call = NULL;
    connection_close(c);
}

static void call_release(struct http_call *call)
{
    call->finished = true;
    list_remove(&call->link);
    call_detach(call);
    uv_close((uv_handle_t *)&call->timer, on_call_closed);
}

static void call_finish(struct http_call *call, int error, struct str why)
{
    if (call->finished)
        return;
    call_release(call);
    call->result.error = error;
    call->result.why = arena_str(&call->arena, why);
    if (call->options.on_data == NULL)
        call->result.body = buf_str(&call->body);
    call->options.on_done(call->options.data, &call->result);
}

void http_call_cancel(struct http_call *call)
{
    if (call != NULL && !call->finished)
        call_release(call);
}

void http_call_pause(struct http_call *call)
{
    if (call->connection != NULL && call->connection->stream != NULL)
        stream_read_stop(call->connection->stream);
}

void http_call_resume(struct http_call *call)
{
    if (call->connection != NULL && call->connection->stream != NULL)
        stream_read_start(call->connection->stream);
}

void http_client_close(struct http_client *c, void (*on_closed)(void *data), void *data)
{
    c->closing = true;
    c->on_closed = on_closed;
    c->closed_data = data;
    c->open++; /* so that it is not finished under our feet */
    while (!list_empty(&c->calls))
        call_finish(container_of(c->calls.next, struct http_call, link), -ECANCELED,
                    S("the client was closed"));
    LIST_EACH(struct connection, k, &c->connections, link)
        connection_close(k);
    c->open--;
    client_finish(c);
}

/* --- connections ----------------------------------------------------------------------- */

static void connection_part_closed(struct connection *c)
{
    struct http_client *client = c->client;

    if (--c->handles > 0)
        return;
    list_remove(&c->link);
    buf_free(&c->text);
    free(c->spans);
    free(c->key);
    free(c);
    client->open--;
    client_finish(client);
}

static void on_timer_closed(uv_handle_t *h)
{
    connection_part_closed(h->data);
}

static void on_stream_closed(void *data)
{
    struct connection *c = data;

    c->stream = NULL;
    connection_part_closed(c);
}

static void connection_close(struct connection *c)
{
    if (c->closing)
        return;
    c->closing = true;
    dns_cancel(TAKE(c->query));
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
    if (c->stream != NULL)
        stream_close(c->stream);
}

static void on_idle_over(uv_timer_t *timer)
{
    connection_close(timer->data);
}

static unsigned count_idle(const struct http_client *client, const char *key)
{
    unsigned count = 0;

    LIST_EACH(const struct connection, c, &client->connections, link)
        count += c->call == NULL && !c->closing && str_is(str_c(c->key), key);
    return count;
}

/* The answer is complete: back to the pool, or closed; then the call hears of it. */
static void connection_complete(struct connection *c)
{
    struct http_call *call = TAKE(c->call);

    call->connection = NULL;
    c->used = true;
    if (!c->keep_alive || c->client->closing ||
        count_idle(c->client, c->key) >= c->client->options.most_idle) {
        connection_close(c);
    } else {
        stream_read_start(c->stream);
        (void)uv_timer_start(&c->timer, on_idle_over, (uint64_t)c->client->options.idle_ms, 0);
    }
    call_finish(call, 0, (struct str){0});
}

/* A kept connection that the server had closed meanwhile says nothing: the request is sent once
 * more on a new one. */
static bool may_retry(const struct connection *c, const struct http_call *call)
{
    return c->used && !call->heard && !call->retried && !c->client->closing;
}

static void connection_failed(struct connection *c, int error, struct str why)
{
    struct http_call *call = TAKE(c->call);
    bool retry = call != NULL && may_retry(c, call);

    connection_close(c);
    if (call == NULL)
        return;
    call->connection = NULL;
    if (!retry) {
        call_finish(call, error, why);
        return;
    }
    call->retried = true;
    call_begin(call);
}

/* --- reading an answer ----------------------------------------------------------------- */

static struct connection *connection_of(llhttp_t *parser)
{
    return container_of(parser, struct connection, parser);
}

static int on_field(llhttp_t *parser, const char *at, size_t n)
{
    struct connection *c = connection_of(parser);

    if (c->in_value || c->span_count == 0) {
        if (c->span_count == c->span_room) {
            c->span_room = c->span_room == 0 ? 16 : 2 * c->span_room;
            c->spans = xrealloc(c->spans, c->span_room * sizeof *c->spans);
        }
        c->spans[c->span_count++] = (struct span){.name = c->text.n, .value = c->text.n};
    }
    c->in_value = false;
    c->spans[c->span_count - 1].name_n += n;
    buf_add(&c->text, str_n(at, n));
    c->spans[c->span_count - 1].value = c->text.n;
    return c->text.full ? -1 : 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t n)
{
    struct connection *c = connection_of(parser);

    c->in_value = true;
    c->spans[c->span_count - 1].value_n += n;
    buf_add(&c->text, str_n(at, n));
    return c->text.full ? -1 : 0;
}

static int on_value_end(llhttp_t *parser)
{
    connection_of(parser)->in_value = true;
    return 0;
}

static bool is_interim(const llhttp_t *parser)
{
    return parser->status_code / 100 == 1 && parser->status_code != 101;
}

static void copy_head(struct connection *c, struct http_call *call)
{
    struct str text = arena_str(&call->arena, buf_str(&c->text));
    struct http_header *headers = arena_array(&call->arena, c->span_count, sizeof *headers);

    for (size_t i = 0; i < c->span_count; i++) {
        const struct span *span = &c->spans[i];

        headers[i].name = str_first(str_from(text, span->name), span->name_n);
        headers[i].value = str_trim(str_first(str_from(text, span->value), span->value_n));
    }
    call->result.headers = (struct http_headers){headers, c->span_count};
    call->result.status = c->parser.status_code;
}

static int on_head(llhttp_t *parser)
{
    struct connection *c = connection_of(parser);
    struct http_call *call = c->call;

    if (c->step == STEP_TUNNEL || is_interim(parser))
        return 1; /* no body follows */
    copy_head(c, call);
    if (call->options.on_data != NULL)
        (void)uv_timer_stop(&call->timer);
    if (call->options.on_head != NULL)
        call->options.on_head(call->options.data, &call->result);
    if (c->call == NULL)
        return -1; /* cancelled meanwhile */
    return str_is(call->options.method, "HEAD") ? 1 : 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t n)
{
    struct connection *c = connection_of(parser);
    struct http_call *call = c->call;

    if (call->options.on_data != NULL)
        call->options.on_data(call->options.data, str_n(at, n));
    else
        buf_add(&call->body, str_n(at, n));
    return c->call == NULL || call->body.full ? -1 : 0;
}

static int on_message(llhttp_t *parser)
{
    struct connection *c = connection_of(parser);

    c->complete = true;
    c->keep_alive = llhttp_should_keep_alive(parser) != 0;
    return HPE_PAUSED;
}

static void expect_answer(struct connection *c)
{
    static const llhttp_settings_t settings = {
        .on_header_field = on_field,
        .on_header_value = on_value,
        .on_header_value_complete = on_value_end,
        .on_headers_complete = on_head,
        .on_body = on_body,
        .on_message_complete = on_message,
    };

    llhttp_init(&c->parser, HTTP_RESPONSE, &settings);
    c->span_count = 0;
    c->in_value = c->complete = false;
    buf_reset(&c->text);
}

static void tunnel_answered(struct connection *c)
{
    int status = c->parser.status_code;
    struct arena a = {0};

    if (status / 100 == 2)
        advance(c);
    else
        connection_failed(c, -ECONNREFUSED,
                          arena_printf(&a, "the proxy answered CONNECT with %d", status));
    arena_free(&a);
}

/* A message is over: an interim one, the proxy's, or the answer. Returns whether bytes behind it
 * are still to be parsed. */
static bool message_over(struct connection *c, size_t left)
{
    if (is_interim(&c->parser)) {
        expect_answer(c);
        return true;
    }
    if (c->step == STEP_TUNNEL) {
        tunnel_answered(c);
        return false;
    }
    if (left > 0)
        c->keep_alive = false; /* nothing was asked that this could answer */
    connection_complete(c);
    return false;
}

static void on_bytes(void *data, struct str bytes)
{
    struct connection *c = data;
    llhttp_errno_t error = HPE_OK;

    if (c->call == NULL) { /* idle: nothing should come */
        connection_close(c);
        return;
    }
    c->call->heard = true;
    while (bytes.n > 0) {
        error = llhttp_execute(&c->parser, bytes.at, bytes.n);
        if (!c->complete)
            break;
        bytes = str_from(bytes, (size_t)(llhttp_get_error_pos(&c->parser) - bytes.at));
        if (!message_over(c, bytes.n))
            return;
    }
    if (error == HPE_OK || c->call == NULL)
        return;
    if (c->call->body.full)
        connection_failed(c, -EMSGSIZE, S("the answer is too large"));
    else
        connection_failed(c, -EPROTO, S("the answer is malformed"));
}

static void on_end(void *data)
{
    struct connection *c = data;

    if (c->call != NULL && c->step == STEP_READY && c->call->result.status != 0 &&
        llhttp_message_needs_eof(&c->parser) != 0 && llhttp_finish(&c->parser) == HPE_OK)
        c->complete = true;
    if (c->call != NULL && c->complete) {
        c->keep_alive = false;
        connection_complete(c);
        return;
    }
    connection_failed(c, UV_ECONNRESET, S("the connection was closed before the answer's end"));
}

static void on_failed(void *data, int error, struct str why)
{
    connection_failed(data, error, why);
}

static void on_ready(void *data)
{
    advance(data);
}

/* --- setting a connection up ----------------------------------------------------------- */

static const struct stream_events events = {
    .on_ready = on_ready,
    .on_bytes = on_bytes,
    .on_end = on_end,
    .on_failed = on_failed,
    .on_closed = on_stream_closed,
};

static void try_next_address(struct connection *c);

static void on_connected(void *data, int error)
{
    struct connection *c = data;
    struct stream *failed;

    if (error == 0) {
        advance(c);
        return;
    }
    if (c->next_address == c->address_count) {
        connection_failed(c, error, str_c(uv_strerror(error)));
        return;
    }
    failed = TAKE(c->stream);
    stream_set_events(failed, NULL, NULL);
    stream_close(failed);
    c->handles--;
    try_next_address(c);
}

static void try_next_address(struct connection *c)
{
    int r = UV_EHOSTUNREACH;

    while (c->next_address < c->address_count) {
        const struct sockaddr *to = (const void *)&c->addresses[c->next_address++];

        r = stream_connect(c->client->options.loop, to, on_connected, c, &c->stream);
        if (r == 0) {
            stream_set_events(c->stream, &events, c);
            c->handles++;
            return;
        }
    }
    connection_failed(c, r, str_c(uv_strerror(r)));
}

static void on_resolved(void *data, int error, const struct sockaddr_storage *addresses, size_t n)
{
    struct connection *c = data;

    c->query = NULL;
    if (error < 0) {
        connection_failed(c, error, str_c(uv_strerror(error)));
        return;
    }
    for (size_t i = 0; i < n; i++)
        c->addresses[i] = addresses[i];
    c->address_count = n;
    advance(c);
}

static void start_tls(struct connection *c, struct str name)
{
    SSL_CTX *tls = c->client->options.tls;
    int r = tls != NULL ? stream_start_tls(c->stream, tls, name) : -ENOTSUP;

    if (r < 0)
        connection_failed(c, r, S("TLS cannot be started"));
}

static void write_tunnel(struct connection *c)
{
    CLEANUP(buf_free) struct buf text = buf_init(HEAD_LIMIT);
    const struct http_url *url = &c->call->route.url;

    buf_printf(&text, "CONNECT %.*s:%u HTTP/1.1\r\nHost: %.*s:%u\r\n\r\n", STR_ARG(url->host),
               url->port, STR_ARG(url->host), url->port);
    expect_answer(c);
    stream_write(c->stream, buf_str(&text));
    stream_read_start(c->stream);
}

static bool needs_body_length(struct str method, struct str body)
{
    return body.n > 0 || str_is(method, "POST") || str_is(method, "PUT") || str_is(method, "PATCH");
}

static void write_request(struct connection *c)
{
    CLEANUP(buf_free) struct buf text = buf_init(REQUEST_CAP);
    const struct http_call_options *o = &c->call->options;
    const struct route *route = &c->call->route;
    struct str target = route->proxied && !route->tunnelled ? o->url : route->url.target;

    buf_printf(&text, "%.*s %s%.*s HTTP/1.1\r\n", STR_ARG(o->method),
               target.at[0] == '?' ? "/" : "", STR_ARG(target));
    if (!http_header_has(o->headers, S("Host")))
        buf_printf(&text, "Host: %.*s\r\n", STR_ARG(route->url.authority));
    for (size_t i = 0; i < o->headers.n; i++)
        if (!str_ieq(o->headers.at[i].name, S("Content-Length")))
            buf_printf(&text, "%.*s: %.*s\r\n", STR_ARG(o->headers.at[i].name),
                       STR_ARG(o->headers.at[i].value));
    if (needs_body_length(o->method, o->body))
        buf_printf(&text, "Content-Length: %zu\r\n", o->body.n);
    buf_add(&text, S("\r\n"));
    buf_add(&text, o->body);
    expect_answer(c);
    stream_write(c->stream, buf_str(&text));
    stream_read_start(c->stream);
}

static bool step_is_needed(enum step step, const struct route *route)
{
    switch (step) {
    case STEP_PROXY_TLS:
        return route->proxied && route->proxy.tls;
    case STEP_TUNNEL:
        return route->tunnelled;
    case STEP_TLS:
        return route->url.tls;
    case STEP_RESOLVE:
    case STEP_CONNECT:
    case STEP_READY:
        break;
    }
    return true;
}

/* Goes on with the next step that this connection needs. */
static void advance(struct connection *c)
{
    const struct route *route = &c->call->route;

    do
        c->step++;
    while (!step_is_needed(c->step, route));
    switch (c->step) {
    case STEP_RESOLVE:
        break;
    case STEP_CONNECT:
        try_next_address(c);
        break;
    case STEP_PROXY_TLS:
        start_tls(c, route->proxy.host);
        break;
    case STEP_TUNNEL:
        write_tunnel(c);
        break;
    case STEP_TLS:
        start_tls(c, route->url.host);
        break;
    case STEP_READY:
        write_request(c);
        break;
    }
}

/* --- calls ----------------------------------------------------------------------------- */

static bool find_route(struct http_client *c, struct str url, struct route *ret_route)
{
    struct route route = {0};
    const char *proxy;

    if (!http_parse_url(url, &route.url))
        return false;
    proxy = route.url.tls ? c->proxy_https : c->proxy_http;
    if (proxy[0] != '\0' &&
        !http_proxy_is_bypassed(str_c(c->no_proxy), route.url.host, route.url.port)) {
        if (!http_parse_url(str_c(proxy), &route.proxy))
            return false;
        route.proxied = true;
        route.tunnelled = route.url.tls;
    }
    *ret_route = route;
    return true;
}

/* What a connection is good for. Plain requests through a proxy share its connections. */
static struct str route_key(struct arena *a, const struct route *r)
{
    struct str proxy = r->proxied ? r->proxy.authority : S("");

    if (r->proxied && !r->tunnelled)
        return arena_printf(a, "proxy %.*s", STR_ARG(proxy));
    return arena_printf(a, "%s %.*s:%u %.*s", r->url.tls ? "https" : "http", STR_ARG(r->url.host),
                        r->url.port, STR_ARG(proxy));
}

static struct connection *find_idle(struct http_client *client, struct str key)
{
    LIST_EACH(struct connection, c, &client->connections, link)
        if (c->call == NULL && !c->closing && c->step == STEP_READY && str_eq(str_c(c->key), key))
            return c;
    return NULL;
}

static void connection_open(struct http_call *call, struct str key)
{
    struct connection *c = xcalloc(sizeof *c);
    const struct route *route = &call->route;
    const struct http_url *to = route->proxied ? &route->proxy : &route->url;

    c->client = call->client;
    c->client->open++;
    c->call = call;
    call->connection = c;
    c->key = xstrdup(arena_cstr(&call->arena, key));
    c->text = buf_init(HEAD_LIMIT);
    (void)uv_timer_init(c->client->options.loop, &c->timer);
    c->timer.data = c;
    c->handles = 1;
    list_append(&c->client->connections, &c->link);
    c->query = dns_resolve(c->client->options.loop, to->host, to->port, on_resolved, c);
}

static void call_begin(struct http_call *call)
{
    struct str key = route_key(&call->arena, &call->route);
    struct connection *idle = call->retried ? NULL : find_idle(call->client, key);

    if (idle == NULL) {
        connection_open(call, key);
        return;
    }
    (void)uv_timer_stop(&idle->timer);
    idle->call = call;
    call->connection = idle;
    write_request(idle);
}

static void on_timeout(uv_timer_t *timer)
{
    call_finish(timer->data, UV_ETIMEDOUT, S("there was no answer in time"));
}

static void on_bad_url(uv_timer_t *timer)
{
    call_finish(timer->data, -EINVAL, S("the URL, or the proxy's, is malformed"));
}

static void copy_options(struct http_call *call, const struct http_call_options *o)
{
    struct arena *a = &call->arena;
    struct http_header *headers = arena_array(a, o->headers.n, sizeof *headers);

    call->options = *o;
    call->options.method = arena_str(a, o->method);
    call->options.url = arena_str(a, o->url);
    call->options.body = arena_str(a, o->body);
    for (size_t i = 0; i < o->headers.n; i++)
        headers[i] = (struct http_header){arena_str(a, o->headers.at[i].name),
                                          arena_str(a, o->headers.at[i].value)};
    call->options.headers = (struct http_headers){headers, o->headers.n};
}

struct http_call *http_client_send(struct http_client *c, const struct http_call_options *o)
{
    struct http_call *call = xcalloc(sizeof *call);
    int64_t limit = o->timeout_ms == 0 ? TIMEOUT_MS : o->timeout_ms;

    call->client = c;
    c->open++;
    copy_options(call, o);
    call->body = buf_init(o->body_limit > 0 ? o->body_limit : COLLECT_LIMIT);
    (void)uv_timer_init(c->options.loop, &call->timer);
    call->timer.data = call;
    list_append(&c->calls, &call->link);
    if (!find_route(c, call->options.url, &call->route)) {
        (void)uv_timer_start(&call->timer, on_bad_url, 0, 0);
        return call;
    }
    if (limit > 0)
        (void)uv_timer_start(&call->timer, on_timeout, (uint64_t)limit, 0);
    call_begin(call);
    return call;
}
