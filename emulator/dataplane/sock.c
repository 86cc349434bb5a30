/* A worker's TCP connections. Bytes that the kernel does not take at once are copied into one
 * chunk, which libuv owns until on_written(). */
#include "dataplane/sock.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/memory.h"
#include "dataplane/secure.h"

struct chunk {
    uv_write_t req;
    struct sock *sock; /* lives at least until its requests are cancelled by closing */
    char bytes[];
};

static uv_stream_t *stream_of(struct sock *s)
{
    return (uv_stream_t *)&s->tcp;
}

void sock_rooms_init(struct sock_rooms *rooms)
{
    rooms->read = xcalloc(SOCK_READ_ROOM);
    rooms->plain = xcalloc(SOCK_READ_ROOM);
    rooms->record = xcalloc(SOCK_RECORD);
    secure_rooms_init(rooms);
}

void sock_rooms_free(struct sock_rooms *rooms)
{
    free(rooms->read);
    free(rooms->plain);
    free(rooms->record);
    secure_rooms_free(rooms);
}

int sock_init(struct sock *s, uv_loop_t *loop, struct sock_rooms *rooms)
{
    s->rooms = rooms;
    s->secure = NULL;
    s->connected = s->closing = s->reading = s->nowhere = false;
    return uv_tcp_init(loop, &s->tcp);
}

size_t sock_queued(const struct sock *s)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&s->tcp) +
           (s->secure != NULL ? secure_waiting(s) : 0);
}

bool sock_is_full(const struct sock *s)
{
    return sock_queued(s) > SOCK_HIGH_WATER;
}

static void on_written(uv_write_t *req, int status)
{
    struct chunk *c = container_of(req, struct chunk, req);
    struct sock *s = c->sock;

    free(c);
    if (s->closing)
        return;
    if (status < 0)
        s->on_failed(s, status);
    else if (sock_queued(s) <= SOCK_LOW_WATER)
        s->on_drained(s);
}

static int queue_rest(struct sock *s, const uv_buf_t *bufs, unsigned n, size_t total)
{
    struct chunk *c = xcalloc(sizeof *c + total);
    size_t at = 0;
    uv_buf_t whole;
    int r;

    c->sock = s;
    for (unsigned i = 0; i < n; at += bufs[i].len, i++)
        memcpy(c->bytes + at, bufs[i].base, bufs[i].len);
    whole = uv_buf_init(c->bytes, (unsigned)total);
    r = uv_write(&c->req, stream_of(s), &whole, 1, on_written);
    if (r < 0)
        free(c);
    return r;
}

int sock_send_raw(struct sock *s, uv_buf_t *bufs, unsigned n)
{
    size_t sent = 0, total = 0;

    if (s->connected && uv_stream_get_write_queue_size(stream_of(s)) == 0) {
        int r = uv_try_write(stream_of(s), bufs, n);

        if (r < 0 && r != UV_EAGAIN)
            return r;
        sent = r > 0 ? (size_t)r : 0;
    }
    while (n > 0 && sent >= bufs->len) {
        sent -= bufs->len;
        bufs++;
        n--;
    }
    if (n == 0)
        return 0;
    bufs->base += sent;
    bufs->len -= sent;
    for (unsigned i = 0; i < n; i++)
        total += bufs[i].len;
    return queue_rest(s, bufs, n, total);
}

int sock_write(struct sock *s, uv_buf_t *bufs, unsigned n)
{
    if (s->closing)
        return UV_ECANCELED;
    if (s->nowhere)
        return 0;
    return s->secure != NULL ? secure_write(s, bufs, n) : sock_send_raw(s, bufs, n);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret_buf)
{
    const struct sock *s = container_of(h, struct sock, tcp);

    (void)suggested;
    *ret_buf = uv_buf_init(s->rooms->read, SOCK_READ_ROOM);
}

static void on_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct sock *s = container_of(stream, struct sock, tcp);

    if (n == 0)
        return;
    if (n < 0)
        s->reading = false;
    if (s->secure != NULL && n > 0)
        secure_read(s, str_n(buf->base, (size_t)n));
    else
        s->on_read(s, n, buf->base);
}

void sock_read_start(struct sock *s)
{
    if (s->reading || s->closing)
        return;
    s->reading = uv_read_start(stream_of(s), on_alloc, on_bytes) == 0;
}

void sock_read_stop(struct sock *s)
{
    if (!s->reading)
        return;
    s->reading = false;
    (void)uv_read_stop(stream_of(s));
}

void sock_end(struct sock *s)
{
    if (s->closing)
        return;
    if (s->secure != NULL)
        secure_end(s);
    (void)uv_shutdown(&s->shutdown, stream_of(s), NULL);
}

void sock_close(struct sock *s, uv_close_cb on_closed)
{
    assert(!s->closing);
    s->closing = true;
    s->reading = false;
    secure_free(s);
    uv_close((uv_handle_t *)&s->tcp, on_closed);
}

void sock_peer(const struct sock *s, uint32_t *ret_address, uint16_t *ret_port)
{
    struct sockaddr_in in = {0};
    int n = sizeof in;

    *ret_address = 0;
    *ret_port = 0;
    if (uv_tcp_getpeername(&s->tcp, (struct sockaddr *)&in, &n) < 0 || in.sin_family != AF_INET)
        return;
    *ret_address = ntohl(in.sin_addr.s_addr);
    *ret_port = ntohs(in.sin_port);
}

/* --- gathering ---------------------------------------------------------------------------- */

void gather_begin(struct gather *g, struct sock *to)
{
    assert(g->n == 0);
    g->to = to;
    g->text.n = 0;
    g->text.full = false;
    g->error = 0;
}

static void send_gathered(struct gather *g)
{
    int r = g->n > 0 ? sock_write(g->to, g->bufs, g->n) : 0;

    g->n = 0;
    g->text.n = 0;
    if (r < 0 && g->error == 0)
        g->error = r;
}

void gather_add(struct gather *g, struct str bytes)
{
    uv_buf_t *last = g->n > 0 ? &g->bufs[g->n - 1] : NULL;

    if (bytes.n == 0)
        return;
    if (last != NULL && last->base + last->len == bytes.at) {
        last->len += bytes.n;
        return;
    }
    assert(g->n < GATHER_MAX);
    g->bufs[g->n++] = uv_buf_init((char *)bytes.at, (unsigned)bytes.n);
    if (g->n == GATHER_MAX)
        send_gathered(g);
}

void gather_text(struct gather *g, size_t from)
{
    gather_add(g, str_n(g->text.at + from, g->text.n - from));
}

void gather_copy(struct gather *g, struct str bytes)
{
    size_t from;

    if (bytes.n > g->text.room - g->text.n)
        send_gathered(g);
    from = g->text.n;
    text_add(&g->text, bytes);
    gather_text(g, from);
}

int gather_flush(struct gather *g)
{
    send_gathered(g);
    return g->error;
}
