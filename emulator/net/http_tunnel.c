/* CONNECT passed through: joins the client with the real server that it asked for. The tunnel
 * lives until both are joined or the attempt failed; it holds the exchange meanwhile.
 * Source: RFC 9110 §9.3.6. */
#include <stdlib.h>

#include "base/macros.h"
#include "base/memory.h"
#include "net/dns.h"
#include "net/http_connection.h"

struct tunnel {
    struct http_exchange *exchange;
    uv_loop_t *loop;
    struct dns_query *query;
    struct stream *stream; /* towards the server; NULL while none is tried */
    struct sockaddr_storage addresses[DNS_MOST_ADDRESSES];
    size_t count, next;
};

static void try_next(struct tunnel *t);

/* Refuses and is gone. */
static void give_up(struct tunnel *t, int error)
{
    struct http_exchange *x = t->exchange;
    struct str text = arena_printf(&x->arena, "502 Bad Gateway: %.*s: %s\n",
                                   STR_ARG(x->request.authority), uv_strerror(error));

    x->on_gone = NULL;
    http_answer(x, 502, HTTP_HEADERS({S("Content-Type"), S("text/plain; charset=utf-8")}), text);
    free(t);
}

/* The client went away before the server answered. */
static void on_gone(void *data)
{
    struct tunnel *t = data;

    dns_cancel(t->query);
    if (t->stream != NULL)
        stream_close(t->stream);
    http_exchange_free(t->exchange);
    free(t);
}

static void on_connected(void *data, int error)
{
    struct tunnel *t = data;
    struct stream *server = TAKE(t->stream), *client;

    if (error < 0) {
        stream_close(server);
        if (t->next < t->count)
            try_next(t);
        else
            give_up(t, error);
        return;
    }
    client = http_upgrade(t->exchange, 200, HTTP_NO_HEADERS);
    if (client != NULL)
        stream_relay(client, server);
    else
        stream_close(server);
    free(t);
}

static void try_next(struct tunnel *t)
{
    int r = UV_EHOSTUNREACH;

    while (t->next < t->count) {
        const struct sockaddr *to = (const void *)&t->addresses[t->next++];

        r = stream_connect(t->loop, to, on_connected, t, &t->stream);
        if (r == 0)
            return;
    }
    give_up(t, r);
}

static void on_resolved(void *data, int error, const struct sockaddr_storage *addresses, size_t n)
{
    struct tunnel *t = data;

    t->query = NULL;
    if (error < 0) {
        give_up(t, error);
        return;
    }
    for (size_t i = 0; i < n; i++)
        t->addresses[i] = addresses[i];
    t->count = n;
    try_next(t);
}

void http_tunnel(struct http_exchange *x, struct str host, uint16_t port)
{
    struct tunnel *t;

    if (x->connection == NULL) {
        http_exchange_free(x);
        return;
    }
    t = xcalloc(sizeof *t);
    t->exchange = x;
    t->loop = x->connection->server->options.loop;
    http_on_gone(x, on_gone, t);
    t->query = dns_resolve(t->loop, host, port, on_resolved, t);
}
