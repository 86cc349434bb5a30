/* Connections to targets: made, pooled by target, used for one request at a time. Worker thread
 * only. */
#pragma once

#include "base/buf.h"
#include "dataplane/exchange.h"

struct upstream2;

enum { UPSTREAM_CONNECT_MS = 10 * 1000, UPSTREAM_HANDSHAKE_MS = 10 * 1000 };

struct upstream {
    struct sock sock;
    uv_connect_t connect;
    uv_timer_t timer; /* connecting, or idle in the pool */
    struct link link; /* of the endpoint's idle or busy ones */
    struct endpoint *endpoint;
    struct exchange *exchange; /* NULL while it is idle or closing */
    struct upstream2 *http2;   /* the target speaks HTTP/2; else NULL */
    struct buf in;             /* a head that is not complete */
    size_t scanned;
    bool has_head, reusable, to_head;
    struct http_body_reader body;
    int64_t idle_since; /* ms of the loop */
    int64_t idle_ms;    /* how long it may lie in the pool */
    unsigned handles;   /* still held by libuv */
    bool closing;
};

/* A connection for @x: one of the pool, or a new one that is being made. With @reachable false
 * nothing answers, and it ends in a connect timeout. NULL when no socket could be made. */
struct upstream *upstream_open(struct exchange *x, struct endpoint *e, bool reachable,
                               int64_t idle_ms);

/* Gives it back: into the pool when both sides of the exchange are complete and it may be used
 * again, else closed. */
void upstream_release(struct upstream *u, bool reuse);

/* The connection broke, or what came over it is no response. */
void upstream_fail(struct upstream *u, int error);

/* The client can't take more for now, or can again. */
void upstream_pause(struct upstream *u);
void upstream_resume(struct upstream *u);

/* Closes the pool of a target that is no more; with @cut also ends the requests on it. */
void upstream_retire(struct endpoint *e, bool cut);
