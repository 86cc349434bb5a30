/* Byte streams. Bytes are pulled through the layers: the socket fills `raw`, each TLS layer takes
 * its records from the layer below, and the owner gets what comes out on top. So a stop holds at
 * once and exactly, and a layer can be put on in the middle of a read.
 *
 * Sending keeps two buffers: one that libuv is writing, one that gathers what comes meanwhile.
 *
 * Ways to the end: stream_close (owner), a failed write or read (on_failed, then the owner
 * closes), stream_close_when_sent (lingers: sends, says FIN, reads until the other end closes, so
 * that no reset destroys an answer on its way). Memory is freed in on_handle_closed only. */
#include "net/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/memory.h"

enum {
    MOST_LAYERS = 3,
    PIECE = 16 * 1024, /* one TLS record */
    READ_ROOM = 64 * 1024,
    SEND_CAP = 256 * 1024 * 1024, /* a writer that never looks at stream_queued is cut off here */
    FLUSH_MS = 10000,             /* for stream_close_when_sent */
    LINGER_MS = 2000,
    TLS_HANDSHAKE_RECORD = 0x16,
};

/* What pull() answers besides a count of bytes. */
enum { PULL_AGAIN = 0, PULL_END = -1, PULL_FAILED = -2 };

enum stream_state { OPEN, LINGERING, CLOSING };

struct layer {
    SSL *ssl; /* over memory BIOs, which it owns */
    bool ready;
};

struct stream {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } socket;
    uv_timer_t timer; /* pumps later (OPEN), or bounds the end (LINGERING) */
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
    enum stream_state state;
    unsigned handles;

    struct stream_events events;
    void *data;
    stream_connect_cb *on_connected;
    void *connect_data;

    struct layer layers[MOST_LAYERS];
    size_t layer_count;
    SSL_CTX *detect; /* a reference; set while the next byte decides */

    struct buf raw;    /* read from the socket, not yet taken by a layer or the owner */
    struct buf unread; /* for the owner, before anything else */
    bool reading;      /* the owner wants bytes */
    bool raw_ended;    /* the socket's FIN was read */
    bool told_end;
    bool pumping;
    int error; /* why it failed; told once by pump */
    bool told_failed;
    char why[128];

    struct buf waiting; /* plain bytes until a client's handshake is done */
    struct buf flying;  /* libuv's */
    struct buf pending; /* next */
    bool write_in_flight;
    bool ending, ended; /* FIN asked for; FIN passed to libuv */
};

static void pump(struct stream *s);
static void flush(struct stream *s);

/* --- life ------------------------------------------------------------------------------ */

static void on_handle_closed(uv_handle_t *h)
{
    struct stream *s = h->data;

    if (--s->handles > 0)
        return;
    for (size_t i = 0; i < s->layer_count; i++)
        SSL_free(s->layers[i].ssl);
    SSL_CTX_free(s->detect);
    buf_free(&s->raw);
    buf_free(&s->unread);
    buf_free(&s->waiting);
    buf_free(&s->flying);
    buf_free(&s->pending);
    if (s->events.on_closed != NULL)
        s->events.on_closed(s->data);
    free(s);
}

void stream_close(struct stream *s)
{
    if (s->state == CLOSING)
        return;
    s->state = CLOSING;
    uv_close(&s->socket.handle, on_handle_closed);
    uv_close((uv_handle_t *)&s->timer, on_handle_closed);
}

bool stream_is_closing(const struct stream *s)
{
    return s->state != OPEN;
}

static void on_linger_over(uv_timer_t *timer)
{
    stream_close(timer->data);
}

static void on_soon(uv_timer_t *timer)
{
    pump(timer->data);
}

/* Pumps from the loop, so that no callback runs inside a call of the owner's. */
static void pump_soon(struct stream *s)
{
    if (s->state == OPEN)
        (void)uv_timer_start(&s->timer, on_soon, 0, 0);
}

static void fail(struct stream *s, int error, const char *why)
{
    if (s->error != 0 || s->state == CLOSING)
        return;
    s->error = error;
    (void)snprintf(s->why, sizeof s->why, "%s", why);
    if (s->state == LINGERING)
        stream_close(s);
    else
        pump_soon(s);
}

static void fail_tls(struct stream *s, SSL *ssl)
{
    long verify = SSL_get_verify_result(ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    ERR_clear_error();
    if (verify != X509_V_OK && !SSL_is_server(ssl))
        reason = X509_verify_cert_error_string(verify);
    fail(s, -EPROTO, reason != NULL ? reason : "TLS failed");
}

static struct stream *new_stream(void)
{
    struct stream *s = xcalloc(sizeof *s);

    s->raw = buf_init(SEND_CAP);
    s->unread = buf_init(SEND_CAP);
    s->waiting = buf_init(SEND_CAP);
    s->flying = buf_init(SEND_CAP);
    s->pending = buf_init(SEND_CAP);
    return s;
}

/* Gives the loop the timer; the socket was given before. */
static void adopt(struct stream *s, uv_loop_t *loop)
{
    (void)uv_timer_init(loop, &s->timer);
    s->timer.data = s->socket.handle.data = s;
    s->handles = 2;
}

int stream_accept(uv_stream_t *listener, struct stream **ret_stream)
{
    struct stream *s = new_stream();
    int r;

    if (listener->type == UV_TCP)
        r = uv_tcp_init(listener->loop, &s->socket.tcp);
    else
        r = uv_pipe_init(listener->loop, &s->socket.pipe, 0);
    if (r < 0) {
        free(s);
        return r;
    }
    adopt(s, listener->loop);
    r = uv_accept(listener, &s->socket.stream);
    if (r < 0) {
        stream_close(s);
        return r;
    }
    if (listener->type == UV_TCP)
        (void)uv_tcp_nodelay(&s->socket.tcp, 1);
    *ret_stream = s;
    return 0;
}

int stream_open(uv_loop_t *loop, uv_os_sock_t fd, struct stream **ret_stream)
{
    bool tcp = uv_guess_handle(fd) == UV_TCP;
    struct stream *s = new_stream();
    int r;

    r = tcp ? uv_tcp_init(loop, &s->socket.tcp) : uv_pipe_init(loop, &s->socket.pipe, 0);
    if (r < 0) {
        free(s);
        return r;
    }
    adopt(s, loop);
    r = tcp ? uv_tcp_open(&s->socket.tcp, fd) : uv_pipe_open(&s->socket.pipe, fd);
    if (r < 0) {
        stream_close(s);
        return r;
    }
    *ret_stream = s;
    return 0;
}

static void on_connect(uv_connect_t *req, int status)
{
    struct stream *s = container_of(req, struct stream, connect);

    if (s->state == OPEN)
        s->on_connected(s->connect_data, status);
}

int stream_connect(uv_loop_t *loop, const struct sockaddr *to, stream_connect_cb *on_connected,
                   void *data, struct stream **ret_stream)
{
    struct stream *s = new_stream();
    int r = uv_tcp_init(loop, &s->socket.tcp);

    if (r < 0) {
        free(s);
        return r;
    }
    adopt(s, loop);
    s->on_connected = on_connected;
    s->connect_data = data;
    (void)uv_tcp_nodelay(&s->socket.tcp, 1);
    r = uv_tcp_connect(&s->connect, &s->socket.tcp, to, on_connect);
    if (r < 0) {
        stream_close(s);
        return r;
    }
    *ret_stream = s;
    return 0;
}

void stream_set_events(struct stream *s, const struct stream_events *events, void *data)
{
    s->events = events != NULL ? *events : (struct stream_events){0};
    s->data = data;
}

/* --- layers ---------------------------------------------------------------------------- */

static SSL *new_ssl(SSL_CTX *ctx)
{
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL *ssl = SSL_new(ctx);

    if (in == NULL || out == NULL || ssl == NULL) {
        BIO_free(in);
        BIO_free(out);
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_bio(ssl, in, out);
    return ssl;
}

static int push_layer(struct stream *s, SSL_CTX *ctx, bool server)
{
    SSL *ssl;

    if (s->layer_count == MOST_LAYERS)
        return -E2BIG;
    ssl = new_ssl(ctx);
    if (ssl == NULL)
        return -ENOMEM;
    if (server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    s->layers[s->layer_count++] = (struct layer){.ssl = ssl};
    return 0;
}

int stream_serve(struct stream *s, enum stream_security security, SSL_CTX *tls)
{
    SSL_CTX_free(s->detect);
    s->detect = NULL;
    if (security == STREAM_CLEAR)
        return 0;
    if (s->layer_count == MOST_LAYERS)
        return -E2BIG;
    if (security == STREAM_TLS)
        return push_layer(s, tls, true);
    SSL_CTX_up_ref(tls);
    s->detect = tls;
    return 0;
}

static void update_reading(struct stream *s);

static int expect_name(SSL *ssl, struct str name)
{
    char text[256];
    unsigned char address[16];

    if (name.n == 0 || name.n >= sizeof text)
        return -EINVAL;
    memcpy(text, name.at, name.n);
    text[name.n] = '\0';
    if (uv_inet_pton(AF_INET, text, address) == 0 || uv_inet_pton(AF_INET6, text, address) == 0)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), text) == 1 ? 0 : -EINVAL;
    return SSL_set_tlsext_host_name(ssl, text) == 1 && SSL_set1_host(ssl, text) == 1 ? 0 : -EINVAL;
}

int stream_start_tls(struct stream *s, SSL_CTX *tls, struct str name)
{
    int r = push_layer(s, tls, false);

    if (r == 0)
        r = expect_name(s->layers[s->layer_count - 1].ssl, name);
    if (r < 0)
        return r;
    update_reading(s);
    pump_soon(s);
    return 0;
}

/* --- sending --------------------------------------------------------------------------- */

/* Sends down what layer @level produced, through the layers below it. */
static void drain_layer(struct stream *s, size_t level);

static void send_below(struct stream *s, size_t level, struct str bytes)
{
    if (level == 0) {
        buf_add(&s->pending, bytes);
        if (s->pending.full)
            fail(s, -ENOBUFS, "the other end does not read");
        return;
    }
    for (size_t at = 0; at < bytes.n;) {
        struct str piece = str_first(str_from(bytes, at), PIECE);
        SSL *ssl = s->layers[level - 1].ssl;
        int n = SSL_write(ssl, piece.at, (int)piece.n);

        if (n <= 0) {
            fail_tls(s, ssl);
            return;
        }
        at += (size_t)n;
    }
    drain_layer(s, level - 1);
}

static void drain_layer(struct stream *s, size_t level)
{
    BIO *out = SSL_get_wbio(s->layers[level].ssl);
    char *at = NULL;
    long n = BIO_get_mem_data(out, &at);

    if (n <= 0)
        return;
    send_below(s, level, str_n(at, (size_t)n));
    (void)BIO_reset(out);
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
    (void)req, (void)status;
}

/* Everything that was asked for has left: the FIN, or the lingering's last part. */
static void on_all_sent(struct stream *s)
{
    if (s->ending && !s->ended) {
        s->ended = true;
        if (uv_shutdown(&s->shutdown, &s->socket.stream, on_shutdown) < 0 && s->state == LINGERING)
            stream_close(s);
    }
    if (s->state == LINGERING) {
        if (s->raw_ended)
            stream_close(s);
        else
            (void)uv_timer_start(&s->timer, on_linger_over, LINGER_MS, 0);
    }
}

static void on_written(uv_write_t *req, int status)
{
    struct stream *s = container_of(req, struct stream, write);

    s->write_in_flight = false;
    buf_free(&s->flying);
    if (s->state == CLOSING)
        return;
    if (status < 0) {
        fail(s, status, uv_strerror(status));
        return;
    }
    flush(s);
    if (s->state == OPEN && !s->write_in_flight && s->error == 0 && s->events.on_drained != NULL)
        s->events.on_drained(s->data);
}

static void write_flying(struct stream *s)
{
    struct buf empty = s->flying;
    uv_buf_t rest;
    int r;

    s->flying = s->pending;
    s->pending = empty;
    rest = uv_buf_init(s->flying.at, (unsigned)s->flying.n);
    r = uv_write(&s->write, &s->socket.stream, &rest, 1, on_written);
    if (r < 0) {
        buf_reset(&s->flying);
        fail(s, r, uv_strerror(r));
        return;
    }
    s->write_in_flight = true;
}

/* Gives the gathered bytes to the socket: at once what it takes, the rest by libuv. */
static void flush(struct stream *s)
{
    if (s->write_in_flight || s->state == CLOSING || s->error != 0)
        return;
    if (s->pending.n > 0) {
        uv_buf_t all = uv_buf_init(s->pending.at, (unsigned)s->pending.n);
        int n = uv_try_write(&s->socket.stream, &all, 1);

        if (n < 0 && n != UV_EAGAIN) {
            fail(s, n, uv_strerror(n));
            return;
        }
        if (n > 0)
            buf_consume(&s->pending, (size_t)n);
        if (s->pending.n == 0 && s->pending.room > READ_ROOM)
            buf_free(&s->pending);
    }
    if (s->pending.n > 0)
        write_flying(s);
    else
        on_all_sent(s);
}

static bool top_ready(const struct stream *s)
{
    return s->layer_count == 0 || s->layers[s->layer_count - 1].ready;
}

void stream_write(struct stream *s, struct str bytes)
{
    if (s->state != OPEN || s->error != 0 || s->ending || bytes.n == 0)
        return;
    if (!top_ready(s)) {
        buf_add(&s->waiting, bytes);
        return;
    }
    send_below(s, s->layer_count, bytes);
    flush(s);
}

size_t stream_queued(const struct stream *s)
{
    return s->flying.n + s->pending.n + s->waiting.n;
}

/* TLS's own end (close_notify) of every layer, from the top down. */
static void notify_close(struct stream *s)
{
    for (size_t level = s->layer_count; level-- > 0;) {
        if (!s->layers[level].ready)
            continue;
        (void)SSL_shutdown(s->layers[level].ssl);
        ERR_clear_error();
        drain_layer(s, level);
    }
}

void stream_end(struct stream *s)
{
    if (s->state != OPEN || s->ending || s->error != 0)
        return;
    notify_close(s);
    s->ending = true;
    flush(s);
}

void stream_close_when_sent(struct stream *s)
{
    if (s->state != OPEN)
        return;
    if (s->error != 0) {
        stream_close(s);
        return;
    }
    stream_end(s);
    s->events = (struct stream_events){.on_closed = s->events.on_closed};
    s->state = LINGERING;
    s->reading = true;
    buf_reset(&s->raw);
    (void)uv_timer_start(&s->timer, on_linger_over, FLUSH_MS, 0);
    update_reading(s);
    if (s->error != 0)
        stream_close(s);
    else if (!s->write_in_flight)
        on_all_sent(s);
}

/* --- reading --------------------------------------------------------------------------- */

static int pull_raw(struct stream *s, char *at, size_t room)
{
    size_t n = s->raw.n < room ? s->raw.n : room;

    if (n == 0)
        return s->raw_ended ? PULL_END : PULL_AGAIN;
    memcpy(at, s->raw.at, n);
    buf_consume(&s->raw, n);
    return (int)n;
}

/* The handshake of a layer is over: send what waited for it, and tell a client. */
static void on_handshake_done(struct stream *s, size_t level)
{
    struct layer *layer = &s->layers[level];

    layer->ready = true;
    if (level + 1 != s->layer_count)
        return;
    if (s->waiting.n > 0) {
        send_below(s, s->layer_count, buf_str(&s->waiting));
        buf_reset(&s->waiting);
    }
    flush(s);
    if (!SSL_is_server(layer->ssl) && s->state == OPEN && s->events.on_ready != NULL)
        s->events.on_ready(s->data);
}

/* Plain bytes out of the layers below @level: a count, or PULL_*. */
static int pull(struct stream *s, size_t level, char *at, size_t room)
{
    struct layer *layer = level > 0 ? &s->layers[level - 1] : NULL;

    if (layer == NULL)
        return pull_raw(s, at, room);
    for (;;) {
        char piece[PIECE];
        int n, why, below;

        ERR_clear_error();
        n = SSL_read(layer->ssl, at, (int)room);
        why = SSL_get_error(layer->ssl, n);
        drain_layer(s, level - 1);
        if (!layer->ready && SSL_is_init_finished(layer->ssl)) {
            on_handshake_done(s, level - 1);
            if (s->state == CLOSING)
                return PULL_AGAIN;
        }
        if (n > 0)
            return n;
        if (why == SSL_ERROR_ZERO_RETURN)
            return PULL_END;
        if (why != SSL_ERROR_WANT_READ) {
            flush(s); /* the alert that says why */
            fail_tls(s, layer->ssl);
            return PULL_FAILED;
        }
        below = pull(s, level - 1, piece, sizeof piece);
        if (below == PULL_END && !layer->ready) {
            fail(s, UV_ECONNRESET, "the connection was closed during the TLS handshake");
            return PULL_FAILED;
        }
        if (below <= 0)
            return below;
        (void)BIO_write(SSL_get_rbio(layer->ssl), piece, below);
    }
}

static void give(struct stream *s, struct str bytes)
{
    if (s->state == OPEN && s->error == 0 && s->events.on_bytes != NULL)
        s->events.on_bytes(s->data, bytes);
}

/* Gives @bytes to the owner; where the first byte was to decide (of a connection, or of what is
 * inside a CONNECT) and says TLS, to a new layer. */
static void give_or_detect(struct stream *s, struct str bytes)
{
    SSL_CTX *tls = s->detect;
    int r = 0;

    if (tls == NULL) {
        give(s, bytes);
        return;
    }
    s->detect = NULL;
    if ((unsigned char)bytes.at[0] != TLS_HANDSHAKE_RECORD) {
        give(s, bytes);
    } else if ((r = push_layer(s, tls, true)) == 0) {
        SSL *ssl = s->layers[s->layer_count - 1].ssl;

        (void)BIO_write(SSL_get_rbio(ssl), bytes.at, (int)bytes.n);
    } else {
        fail(s, r, "too many TLS layers");
    }
    SSL_CTX_free(tls);
}

static void give_unread(struct stream *s)
{
    CLEANUP(buf_free) struct buf bytes = s->unread;

    s->unread = buf_init(SEND_CAP);
    give_or_detect(s, buf_str(&bytes));
}

static void finish_reading(struct stream *s, int why)
{
    if (why == PULL_END && !s->told_end) {
        s->told_end = true;
        if (s->state == OPEN && s->events.on_end != NULL)
            s->events.on_end(s->data);
    }
}

static bool may_pump(const struct stream *s)
{
    return s->state == OPEN && s->error == 0 && !s->told_end && (s->reading || !top_ready(s));
}

static void pump_bytes(struct stream *s)
{
    char piece[PIECE];

    while (may_pump(s)) {
        int n;

        if (s->unread.n > 0 && s->reading) {
            give_unread(s);
            continue;
        }
        n = pull(s, s->layer_count, piece, sizeof piece);
        if (n == PULL_AGAIN || n == PULL_FAILED)
            break;
        if (n < 0)
            finish_reading(s, n);
        else if (!s->reading)
            buf_add(&s->unread, str_n(piece, (size_t)n)); /* came with the handshake's last */
        else
            give_or_detect(s, str_n(piece, (size_t)n));
    }
}

/* Moves bytes up as long as the owner wants them and there are any; then tells a failure. */
static void pump(struct stream *s)
{
    if (s->pumping || s->state == CLOSING)
        return;
    s->pumping = true;
    pump_bytes(s);
    s->pumping = false;
    flush(s);
    if (s->error != 0 && !s->told_failed && s->state == OPEN) {
        s->told_failed = true;
        (void)uv_read_stop(&s->socket.stream);
        if (s->events.on_failed != NULL)
            s->events.on_failed(s->data, s->error, str_c(s->why));
        else
            stream_close(s);
    }
    update_reading(s);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret_buf)
{
    struct stream *s = h->data;
    char *at;

    (void)suggested;
    at = buf_reserve(&s->raw, READ_ROOM);
    *ret_buf = uv_buf_init(at, at != NULL ? READ_ROOM : 0);
}

static void on_read(uv_stream_t *handle, ssize_t n, const uv_buf_t *buf)
{
    struct stream *s = handle->data;

    (void)buf;
    if (n == 0)
        return;
    if (n > 0) {
        buf_commit(&s->raw, (size_t)n);
    } else if (n == UV_EOF) {
        s->raw_ended = true;
        (void)uv_read_stop(handle);
    } else {
        fail(s, (int)n, uv_strerror((int)n));
    }
    if (s->state == LINGERING) {
        buf_reset(&s->raw);
        if (s->raw_ended && !s->write_in_flight)
            stream_close(s);
        return;
    }
    pump(s);
    if (s->raw.n == 0)
        buf_free(&s->raw); /* an idle connection holds no buffer */
}

static void update_reading(struct stream *s)
{
    bool want = s->state != CLOSING && s->error == 0 && !s->raw_ended &&
                (s->reading || !top_ready(s)) && s->raw.n < READ_ROOM;

    if (s->state == CLOSING)
        return;
    if (want)
        (void)uv_read_start(&s->socket.stream, on_alloc, on_read); /* UV_EALREADY: fine */
    else
        (void)uv_read_stop(&s->socket.stream);
}

void stream_read_start(struct stream *s)
{
    if (s->state != OPEN || s->reading)
        return;
    s->reading = true;
    update_reading(s);
    if (!s->pumping)
        pump_soon(s);
}

void stream_read_stop(struct stream *s)
{
    if (s->state != OPEN)
        return;
    s->reading = false;
    update_reading(s);
}

void stream_unread(struct stream *s, struct str bytes)
{
    buf_add(&s->unread, bytes);
    if (s->reading && !s->pumping)
        pump_soon(s);
}

/* --- facts ----------------------------------------------------------------------------- */

int stream_peer(const struct stream *s, struct sockaddr_storage *ret_addr)
{
    int n = sizeof *ret_addr;

    if (s->socket.handle.type != UV_TCP)
        return UV_ENOTSUP;
    return uv_tcp_getpeername(&s->socket.tcp, (struct sockaddr *)ret_addr, &n);
}

int stream_local(const struct stream *s, struct sockaddr_storage *ret_addr)
{
    int n = sizeof *ret_addr;

    if (s->socket.handle.type != UV_TCP)
        return UV_ENOTSUP;
    return uv_tcp_getsockname(&s->socket.tcp, (struct sockaddr *)ret_addr, &n);
}

SSL *stream_tls(const struct stream *s)
{
    return s->layer_count > 0 ? s->layers[s->layer_count - 1].ssl : NULL;
}

struct str stream_sni(const struct stream *s)
{
    SSL *ssl = stream_tls(s);

    return ssl == NULL ? (struct str){0}
                       : str_c(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
}
