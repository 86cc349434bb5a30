/* The HTTP server's answers: heads, bodies whole or in chunks, compression, upgrades.
 * Source: RFC 9110 §6.4, §8.6; RFC 9112 §6, §7.1, §9.3. */
#include <stdlib.h>

#define ZLIB_CONST /* its input pointer is const then */
#include <zlib.h>

#include "base/memory.h"
#include "net/http_connection.h"

enum {
    MOST_HEAD = 256 * 1024,
    SMALL_BODY = 64 * 1024, /* goes out in one piece with its head */
    GZIP_LEVEL = 1,         /* as the Kubernetes API server's */
};

/* A header is one line, whatever it was made from. */
static void add_clean(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_char(b, s.at[i] == '\r' || s.at[i] == '\n' || s.at[i] == '\0' ? ' ' : s.at[i]);
}

static void add_header(struct buf *b, struct str name, struct str value)
{
    add_clean(b, name);
    buf_add(b, S(": "));
    add_clean(b, value);
    buf_add(b, S("\r\n"));
}

static void add_status_and_headers(struct buf *b, int status, struct http_headers headers)
{
    buf_printf(b, "HTTP/1.1 %d %.*s\r\n", status, STR_ARG(http_status_text(status)));
    for (size_t i = 0; i < headers.n; i++)
        add_header(b, headers.at[i].name, headers.at[i].value);
}

static void add_common(struct buf *b, const struct http_exchange *x, struct http_headers headers)
{
    const struct clock *clock = x->connection->server->options.clock;

    if (clock != NULL && !http_header_has(headers, S("Date"))) {
        buf_add(b, S("Date: "));
        http_write_date(b, clock_now(clock));
        buf_add(b, S("\r\n"));
    }
    if (http_header_has(headers, S("Connection")))
        return;
    if (!x->keep_alive)
        buf_add(b, S("Connection: close\r\n"));
    else if (x->request.minor == 0)
        buf_add(b, S("Connection: keep-alive\r\n"));
}

static bool status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* "gzip", "gzip;q=0.5", "*", but not "gzip;q=0". */
static bool takes_gzip(struct http_headers headers)
{
    for (size_t i = 0; i < headers.n; i++) {
        struct str rest = headers.at[i].value, part;

        if (!str_ieq(headers.at[i].name, S("Accept-Encoding")))
            continue;
        while (str_next(&rest, ',', &part)) {
            struct str coding = str_trim(part), weight = {0};

            (void)str_cut(coding, ';', &coding, &weight);
            weight = str_trim(weight);
            if (str_ieq(str_trim(coding), S("gzip")))
                return !str_eq(weight, S("q=0")) && !str_starts(weight, S("q=0.0"));
        }
    }
    return false;
}

static bool compress_body(struct str body, struct buf *out)
{
    z_stream z = {0};
    char *at;
    int r;

    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    at = buf_reserve(out, deflateBound(&z, body.n));
    if (at == NULL) {
        (void)deflateEnd(&z);
        return false;
    }
    z.next_in = (const unsigned char *)body.at;
    z.avail_in = (unsigned)body.n;
    z.next_out = (unsigned char *)at;
    z.avail_out = (unsigned)(out->room - out->n);
    r = deflate(&z, Z_FINISH);
    buf_commit(out, z.total_out);
    (void)deflateEnd(&z);
    return r == Z_STREAM_END;
}

static bool wants_gzip(const struct http_exchange *x, int status, struct http_headers headers,
                       struct str body)
{
    size_t from = x->connection->server->options.gzip_from;

    return from > 0 && body.n >= from && status_has_body(status) &&
           !http_header_has(headers, S("Content-Encoding")) && takes_gzip(x->request.headers);
}

static void send_whole(struct http_exchange *x, int status, struct http_headers headers,
                       struct str body)
{
    CLEANUP(buf_free)
    struct buf head = buf_init(MOST_HEAD + SMALL_BODY), packed = buf_init(SIZE_MAX / 2);
    struct stream *out = x->connection->stream;

    add_status_and_headers(&head, status, headers);
    if (wants_gzip(x, status, headers, body) && compress_body(body, &packed)) {
        body = buf_str(&packed);
        buf_add(&head, S("Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"));
    }
    if (status_has_body(status) && !http_header_has(headers, S("Content-Length")))
        buf_printf(&head, "Content-Length: %zu\r\n", body.n);
    add_common(&head, x, headers);
    buf_add(&head, S("\r\n"));
    if (x->head_only || !status_has_body(status))
        body = (struct str){0};
    if (body.n <= SMALL_BODY) {
        buf_add(&head, body);
        body = (struct str){0};
    }
    stream_write(out, buf_str(&head));
    stream_write(out, body);
}

void http_answer(struct http_exchange *x, int status, struct http_headers headers, struct str body)
{
    if (x->connection != NULL && x->started) {
        http_abort(x); /* an answer is on its way already: the client must see that it broke */
        return;
    }
    if (x->connection != NULL)
        send_whole(x, status, headers, body);
    http_connection_done(x);
}

void http_start(struct http_exchange *x, int status, struct http_headers headers)
{
    CLEANUP(buf_free) struct buf head = buf_init(MOST_HEAD);
    bool sized = http_header_has(headers, S("Content-Length"));

    if (x->connection == NULL || x->started)
        return;
    x->started = true;
    x->chunked = !sized && x->request.minor >= 1 && status_has_body(status) && !x->head_only;
    if (!sized && !x->chunked && status_has_body(status) && !x->head_only)
        x->keep_alive = false; /* the body ends with the connection */
    add_status_and_headers(&head, status, headers);
    if (x->chunked)
        buf_add(&head, S("Transfer-Encoding: chunked\r\n"));
    add_common(&head, x, headers);
    buf_add(&head, S("\r\n"));
    stream_write(x->connection->stream, buf_str(&head));
}

void http_write(struct http_exchange *x, struct str bytes)
{
    CLEANUP(buf_free) struct buf piece = buf_init(SIZE_MAX / 2);

    if (x->connection == NULL || !x->started || x->head_only || bytes.n == 0)
        return;
    if (!x->chunked) {
        stream_write(x->connection->stream, bytes);
        return;
    }
    buf_printf(&piece, "%zx\r\n", bytes.n);
    buf_add(&piece, bytes);
    buf_add(&piece, S("\r\n"));
    stream_write(x->connection->stream, buf_str(&piece));
}

void http_end(struct http_exchange *x)
{
    if (x->connection != NULL && x->started && x->chunked)
        stream_write(x->connection->stream, S("0\r\n\r\n"));
    if (x->connection != NULL && !x->started)
        http_abort(x); /* nothing was said: the client must not take it for an answer */
    else
        http_connection_done(x);
}

void http_abort(struct http_exchange *x)
{
    struct http_connection *c = x->connection;

    x->on_gone = NULL;
    if (c != NULL)
        http_connection_close(c); /* lets go of the exchange */
    http_exchange_free(x);
}

size_t http_queued(const struct http_exchange *x)
{
    return x->connection != NULL ? stream_queued(x->connection->stream) : 0;
}

void http_on_gone(struct http_exchange *x, void (*on_gone)(void *data), void *data)
{
    x->on_gone = on_gone;
    x->gone_data = data;
}

void http_on_drained(struct http_exchange *x, void (*on_drained)(void *data), void *data)
{
    x->on_drained = on_drained;
    x->drained_data = data;
}

bool http_is_gone(const struct http_exchange *x)
{
    return x->connection == NULL;
}

struct stream *http_upgrade(struct http_exchange *x, int status, struct http_headers headers)
{
    CLEANUP(buf_free) struct buf head = buf_init(MOST_HEAD);
    struct http_connection *c = x->connection;
    struct stream *stream = NULL;

    if (c != NULL) {
        add_status_and_headers(&head, status, headers);
        buf_add(&head, S("\r\n"));
        stream_write(c->stream, buf_str(&head));
        x->on_gone = NULL;
        stream = http_connection_release(c);
    }
    http_exchange_free(x);
    return stream;
}

void http_accept_connect(struct http_exchange *x)
{
    struct http_connection *c = x->connection;

    if (c != NULL) {
        stream_write(c->stream, S("HTTP/1.1 200 Connection established\r\n\r\n"));
        http_connection_nest(c, x->request.authority);
    }
    http_connection_done(x);
}
