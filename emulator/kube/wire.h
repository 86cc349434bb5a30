/* Bytes both ways on a connection that an upgrade made: over its stream, or in the binary messages
 * of a WebSocket. */
#pragma once

#include <stdbool.h>

#include "kube/call.h"
#include "net/websocket.h"

struct wire;

struct wire_events {
    void (*on_bytes)(void *data, struct str bytes);
    void (*on_drained)(void *data); /* everything written has left */
    void (*on_closed)(void *data);  /* the last callback: the wire is gone */
};

/* Each answers the call's upgrade, after which the call and its arena are gone; so @data is the
 * heap's. NULL when the client had gone before: nothing of @events comes then. */
struct wire *wire_accept_stream(struct kube_call *c, struct http_headers headers,
                                const struct wire_events *events, void *data);
struct wire *wire_accept_websocket(struct kube_call *c, const char *protocol,
                                   const struct wire_events *events, void *data);

void wire_write(struct wire *w, struct str bytes);
size_t wire_queued(const struct wire *w);
void wire_hold(struct wire *w, bool held);

/* Behind what is queued. */
void wire_close(struct wire *w);

/* Answers 101, hands the connection over and ends the call. NULL when the client had gone. */
struct stream *call_upgrade(struct kube_call *c, struct http_headers headers);
