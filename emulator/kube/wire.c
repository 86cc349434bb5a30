/* Wires. Ownership: a wire owns its stream or WebSocket, and is freed when that is gone, after
 * on_closed. */
#include "kube/wire.h"

#include <stdlib.h>

#include "base/memory.h"

struct wire {
    struct stream *stream; /* one of these two */
    struct websocket *socket;
    const struct wire_events *events;
    void *data;
};

struct stream *call_upgrade(struct kube_call *c, struct http_headers headers)
{
    struct kube_out *out = c->out;

    c->state = CALL_STREAM;
    if (c->ended != NULL)
        *c->ended = true;
    call_deinit(c);
    return out->upgrade(out, 101, headers); /* the arena goes with it */
}

/* --- over a stream -------------------------------------------------------------------------- */

static void on_stream_bytes(void *data, struct str bytes)
{
    struct wire *w = data;

    w->events->on_bytes(w->data, bytes);
}

static void on_stream_end(void *data)
{
    struct wire *w = data;

    stream_close(w->stream);
}

static void on_stream_failed(void *data, int error UNUSED, struct str why UNUSED)
{
    on_stream_end(data);
}

static void on_drained(void *data)
{
    struct wire *w = data;

    w->events->on_drained(w->data);
}

static void on_closed(void *data)
{
    struct wire *w = data;

    w->events->on_closed(w->data);
    free(w);
}

struct wire *wire_accept_stream(struct kube_call *c, struct http_headers headers,
                                const struct wire_events *events, void *data)
{
    static const struct stream_events stream_events = {
        .on_bytes = on_stream_bytes,
        .on_end = on_stream_end,
        .on_drained = on_drained,
        .on_failed = on_stream_failed,
        .on_closed = on_closed,
    };
    struct stream *s = call_upgrade(c, headers);
    struct wire *w;

    if (s == NULL)
        return NULL;
    w = xcalloc(sizeof *w);
    *w = (struct wire){.stream = s, .events = events, .data = data};
    stream_set_events(s, &stream_events, w);
    stream_read_start(s);
    return w;
}

/* --- over a WebSocket ----------------------------------------------------------------------- */

static void on_message(void *data, bool text UNUSED, struct str payload)
{
    struct wire *w = data;

    w->events->on_bytes(w->data, payload);
}

struct wire *wire_accept_websocket(struct kube_call *c, const char *protocol,
                                   const struct wire_events *events, void *data)
{
    static const struct websocket_events socket_events = {on_message, on_drained, on_closed};
    struct stream *s = call_upgrade(c, ws_accept_headers(c->arena, c->request->headers, protocol));
    struct wire *w;

    if (s == NULL)
        return NULL;
    w = xcalloc(sizeof *w);
    *w = (struct wire){.events = events, .data = data};
    w->socket = websocket_new(s, &socket_events, w);
    return w;
}

/* --- both ----------------------------------------------------------------------------------- */

void wire_write(struct wire *w, struct str bytes)
{
    if (w->socket != NULL)
        websocket_send(w->socket, false, S(""), bytes);
    else
        stream_write(w->stream, bytes);
}

size_t wire_queued(const struct wire *w)
{
    return w->socket != NULL ? websocket_queued(w->socket) : stream_queued(w->stream);
}

void wire_hold(struct wire *w, bool held)
{
    if (w->socket != NULL)
        websocket_hold(w->socket, held);
    else if (held)
        stream_read_stop(w->stream);
    else
        stream_read_start(w->stream);
}

void wire_close(struct wire *w)
{
    enum { FINE = 1000 };

    if (w->socket != NULL)
        websocket_close(w->socket, FINE, S(""));
    else
        stream_close_when_sent(w->stream);
}
