/* The client's side of HTTP/2 towards targets. The head that was rewritten for HTTP/1.1 is taken
 * apart into fields, and the fields of the response are put together into such a head, so that
 * everything else is the same as with HTTP/1.1 targets.
 * Ownership: the upstream owns its session from upstream2_start() until upstream2_free(), when
 * libuv has returned its handles; so a callback of nghttp2 may end the exchange and close the
 * upstream. While nghttp2 is reading nothing may be sent: upstream2_flush() then does nothing, and
 * comes again at the end. Source: RFC 9113; Application Load Balancers User Guide, "Target groups",
 * "Protocol version". */
#include "dataplane/upstream_http2.h"

#include <stdlib.h>

#include <nghttp2/nghttp2.h>

#include "base/macros.h"
#include "base/memory.h"

enum { FIELDS_MAX = 512, OUT_MAX = 64 * 1024 * 1024, WINDOW = 1 << 20 };

struct upstream2_shared {
    nghttp2_session_callbacks *callbacks;
};

struct upstream2 {
    nghttp2_session *session;
    int32_t stream;  /* of the running request; 0: none */
    struct buf head; /* of the response, or its trailers */
    bool has_head, receiving, gone;
    struct buf out; /* of the request's body */
    size_t out_at;
    bool out_ended, deferred;
};

/* --- sending ---------------------------------------------------------------------------------- */

static struct gather *gather_of(struct upstream *u)
{
    return &u->endpoint->worker->to_target;
}

static ssize_t on_send(nghttp2_session *session, const uint8_t *at, size_t n, int flags, void *data)
{
    struct upstream *u = data;

    (void)session, (void)flags;
    if (sock_is_full(&u->sock))
        return NGHTTP2_ERR_WOULDBLOCK;
    gather_copy(gather_of(u), str_n((const char *)at, n));
    return (ssize_t)n;
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                        size_t n, nghttp2_data_source *source, void *data)
{
    struct upstream *u = data;
    struct upstream2 *h2 = u->http2;
    struct gather *g = gather_of(u);

    (void)session, (void)frame, (void)source;
    if (sock_is_full(&u->sock))
        return NGHTTP2_ERR_WOULDBLOCK;
    if (g->n + 2 >= GATHER_MAX && gather_flush(g) < 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    gather_copy(g, str_n((const char *)head, 9));
    gather_add(g, str_n(h2->out.at + h2->out_at, n));
    h2->out_at += n;
    return 0;
}

static ssize_t on_body_wanted(nghttp2_session *session, int32_t id, uint8_t *to, size_t most,
                              uint32_t *flags, nghttp2_data_source *source, void *data)
{
    struct upstream2 *h2 = ((struct upstream *)data)->http2;
    size_t left = h2->out.n - h2->out_at;

    (void)session, (void)id, (void)to, (void)source;
    if (left == 0 && !h2->out_ended) {
        h2->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (left <= most && h2->out_ended)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)(left < most ? left : most);
}

int upstream2_flush(struct upstream *u)
{
    struct upstream2 *h2 = u->http2;
    struct gather *g = gather_of(u);
    int r, sent;

    if (h2->receiving || u->closing)
        return 0;
    gather_begin(g, &u->sock);
    r = nghttp2_session_send(h2->session);
    sent = gather_flush(g);
    if (h2->out_at == h2->out.n) {
        buf_reset(&h2->out);
        h2->out_at = 0;
    }
    return sent < 0 ? sent : r != 0 ? UV_EPROTO : 0;
}

bool upstream2_is_full(const struct upstream *u)
{
    return u->http2->out.n - u->http2->out_at > SOCK_HIGH_WATER;
}

/* --- the request ------------------------------------------------------------------------------ */

static nghttp2_nv field_of(struct str name, struct str value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.at,
                        .namelen = name.n,
                        .value = (uint8_t *)(uintptr_t)value.at,
                        .valuelen = value.n};
}

static bool stays_here(struct str name)
{
    return str_eq(name, S("transfer-encoding")) || str_eq(name, S("connection")) ||
           str_eq(name, S("upgrade")) || str_eq(name, S("host"));
}

static void lower(struct str s)
{
    char *at = (char *)(uintptr_t)s.at; /* the worker's own room */

    for (size_t i = 0; i < s.n; i++)
        if (at[i] >= 'A' && at[i] <= 'Z')
            at[i] = (char)(at[i] + 32);
}

void upstream2_request(struct upstream *u, struct str head, bool has_body, bool grpc)
{
    nghttp2_data_provider body = {.read_callback = on_body_wanted};
    struct upstream2 *h2 = u->http2;
    struct str rest = head, line, method, target;
    nghttp2_nv fields[FIELDS_MAX];
    size_t n = 4;

    (void)str_next(&rest, '\n', &line);
    (void)str_cut(line, ' ', &method, &target);
    target = str_first(target, str_rchr(target, ' '));
    fields[0] = field_of(S(":method"), method);
    fields[1] = field_of(S(":scheme"), u->endpoint->tls ? S("https") : S("http"));
    fields[2] = field_of(S(":authority"), (struct str){0});
    fields[3] = field_of(S(":path"), target);
    while (str_next(&rest, '\n', &line) && line.n > 1 && n + 1 < FIELDS_MAX) {
        struct str name, value;

        if (!str_cut(str_first(line, line.n - 1), ':', &name, &value))
            continue;
        lower(name);
        if (str_eq(name, S("host")))
            fields[2] = field_of(S(":authority"), str_trim(value));
        if (!stays_here(name))
            fields[n++] = field_of(name, str_trim(value));
    }
    if (grpc)
        fields[n++] = field_of(S("te"), S("trailers"));
    h2->has_head = h2->deferred = h2->out_ended = false;
    h2->out_at = 0;
    buf_reset(&h2->out);
    buf_reset(&h2->head);
    h2->stream = nghttp2_submit_request(h2->session, NULL, fields, n, has_body ? &body : NULL, u);
}

static void resume(struct upstream2 *h2)
{
    if (!h2->deferred)
        return;
    h2->deferred = false;
    (void)nghttp2_session_resume_data(h2->session, h2->stream);
}

void upstream2_body(struct upstream *u, struct str content)
{
    buf_add(&u->http2->out, content);
    resume(u->http2);
}

void upstream2_body_end(struct upstream *u)
{
    u->http2->out_ended = true;
    resume(u->http2);
}

/* --- the response ----------------------------------------------------------------------------- */

static bool is_ours(const struct upstream *u, int32_t id)
{
    return u->exchange != NULL && id != 0 && id == u->http2->stream;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name_at,
                     size_t name_n, const uint8_t *value_at, size_t value_n, uint8_t flags,
                     void *data)
{
    struct upstream *u = data;
    struct str name = str_n((const char *)name_at, name_n);
    struct str value = str_n((const char *)value_at, value_n);

    (void)session, (void)flags;
    if (!is_ours(u, frame->hd.stream_id))
        return 0;
    if (str_eq(name, S(":status")))
        buf_printf(&u->http2->head, "HTTP/1.1 %.*s\r\n", STR_ARG(value));
    else
        buf_printf(&u->http2->head, "%.*s: %.*s\r\n", STR_ARG(name), STR_ARG(value));
    return 0;
}

static void end_response(struct upstream *u)
{
    u->http2->stream = 0;
    exchange_upstream_end(u->exchange); /* releases us */
}

/* The head is whole; false when it is malformed. */
static bool take_head(struct upstream *u, bool last)
{
    struct upstream2 *h2 = u->http2;
    struct response_head head = {.fields = u->endpoint->worker->response_fields};

    if (!last && str_find(buf_str(&h2->head), S("\r\ncontent-length:")) == STR_NONE)
        buf_add(&h2->head, S("transfer-encoding: chunked\r\n"));
    buf_add(&h2->head, S("\r\n"));
    if (h2->head.full || !response_head_read(buf_str(&h2->head), u->to_head || last, &head))
        return false;
    if (head.status >= 200) {
        h2->has_head = true;
        exchange_upstream_head(u->exchange, &head);
    }
    buf_reset(&h2->head);
    return true;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    struct upstream *u = data;
    struct upstream2 *h2 = u->http2;
    bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

    (void)session;
    h2->gone |= frame->hd.type == NGHTTP2_GOAWAY;
    if (!is_ours(u, frame->hd.stream_id))
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && !h2->has_head && !take_head(u, last)) {
        exchange_upstream_failed(u->exchange, UV_EPROTO);
        return 0;
    }
    if (frame->hd.type == NGHTTP2_HEADERS && h2->head.n > 0 && u->exchange != NULL)
        exchange_upstream_trailers(u->exchange, buf_str(&h2->head));
    if (last && h2->has_head && is_ours(u, frame->hd.stream_id))
        end_response(u);
    return 0;
}

static int on_content(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *at,
                      size_t n, void *data)
{
    struct upstream *u = data;

    (void)session, (void)flags;
    if (is_ours(u, id))
        exchange_upstream_content(u->exchange, str_n((const char *)at, n));
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *data)
{
    struct upstream *u = data;

    (void)session, (void)error;
    if (!is_ours(u, id))
        return 0;
    u->http2->stream = 0;
    exchange_upstream_failed(u->exchange, UV_ECONNRESET); /* its end would have come before */
    return 0;
}

void upstream2_read(struct upstream *u, struct str bytes)
{
    struct upstream2 *h2 = u->http2;
    struct exchange *x = u->exchange;
    ssize_t n;
    int r;

    if (x != NULL)
        x->active_ms = (int64_t)uv_now(&u->endpoint->worker->loop);
    h2->receiving = true;
    n = nghttp2_session_mem_recv(h2->session, (const uint8_t *)bytes.at, bytes.n);
    h2->receiving = false;
    if (u->closing)
        return;
    r = n < 0 ? UV_EPROTO : upstream2_flush(u);
    h2->gone |= !nghttp2_session_want_read(h2->session);
    if (r < 0) {
        upstream_fail(u, r);
        return;
    }
    x = u->exchange;
    if (x == NULL || h2->stream == 0)
        return;
    if (h2->has_head)
        x->ops->flush(x);
    if (u->exchange == x && !upstream2_is_full(u) && !sock_is_full(&u->sock))
        exchange_upstream_drained(x);
}

bool upstream2_is_reusable(const struct upstream *u)
{
    return !u->http2->gone && u->http2->stream == 0;
}

/* --- life ------------------------------------------------------------------------------------- */

void upstream2_start(struct upstream *u)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH,         0     },
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW},
    };
    struct upstream2 *h2 = xcalloc(sizeof *h2);

    u->http2 = h2;
    h2->head = buf_init(HTTP_RESPONSE_FIELDS_MAX + 1024);
    h2->out = buf_init(OUT_MAX);
    if (nghttp2_session_client_new(&h2->session, u->endpoint->worker->http2_targets->callbacks,
                                   u) != 0)
        abort(); /* out of memory */
    (void)nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings));
    (void)nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0, WINDOW);
}

void upstream2_free(struct upstream *u)
{
    struct upstream2 *h2 = u->http2;

    if (h2 == NULL)
        return;
    nghttp2_session_del(h2->session);
    buf_free(&h2->head);
    buf_free(&h2->out);
    free(h2);
}

struct upstream2_shared *upstream2_shared_new(void)
{
    struct upstream2_shared *s = xcalloc(sizeof *s);
    nghttp2_session_callbacks *c;

    if (nghttp2_session_callbacks_new(&s->callbacks) != 0)
        abort(); /* out of memory */
    c = s->callbacks;
    nghttp2_session_callbacks_set_send_callback(c, on_send);
    nghttp2_session_callbacks_set_send_data_callback(c, on_send_data);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_content);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    return s;
}

void upstream2_shared_free(struct upstream2_shared *s)
{
    if (s == NULL)
        return;
    nghttp2_session_callbacks_del(s->callbacks);
    free(s);
}
