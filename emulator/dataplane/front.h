/* Client connections: accepted at a door, secured where the listener wants it, and then given to
 * the protocol that the client speaks (http1.c, http2.c). Worker thread only. */
#pragma once

#include "base/buf.h"
#include "dataplane/client.h"
#include "dataplane/exchange.h"
#include "dataplane/secure.h"

struct conn;
struct dp_tls;
struct http2;

/* What a protocol does with a connection. */
struct conn_protocol {
    void (*begin)(struct conn *c);               /* the first bytes may come */
    void (*read)(struct conn *c, struct str at); /* plain bytes, borrowed for the call */
    bool (*ended)(struct conn *c);               /* the client sends no more; false: it is gone */
    void (*tick)(struct conn *c);                /* the timer fired */
    void (*drained)(struct conn *c);             /* the queue fell below the low mark */
    bool (*is_busy)(const struct conn *c);       /* a request is in progress */
    void (*part)(struct conn *c);                /* it closes: its requests are given up */
    void (*free)(struct conn *c);                /* last of all */
};

extern const struct conn_protocol http1_protocol;

enum conn_phase {
    PHASE_TLS,    /* the handshake is not over */
    PHASE_OPEN,   /* the protocol's */
    PHASE_HOLD,   /* not admitted: nothing is read, nothing answered */
    PHASE_LINGER, /* everything is said; what still comes is dropped */
    PHASE_CLOSING,
};

/* HTTP/1.x: one request at a time; pipelined ones wait in `in`, answers leave in order. */
enum http1_state {
    HTTP1_IDLE,   /* no byte of a request yet */
    HTTP1_HEAD,   /* some of a head */
    HTTP1_BODY,   /* the head is read, its body is not */
    HTTP1_WAIT,   /* the request is read, the response is not complete */
    HTTP1_TUNNEL, /* a WebSocket: bytes go through */
};

struct http1 {
    enum http1_state state;
    struct buf in;
    size_t scanned;
    bool running;  /* inside run() */
    bool keep;     /* the connection outlives the current response */
    bool chunked;  /* the current response goes out in chunks */
    bool in_chunk; /* a chunk was begun in the gather */
    unsigned chunk_buf;
    size_t chunk_bytes;
    struct http_body_reader body;
    struct exchange x;
};

struct conn {
    struct sock sock;
    uv_timer_t timer;
    struct link link;
    struct worker *worker;
    struct balancer *balancer; /* of its own door, or of the name it asked for; NULL: each request's
                                  Host tells */
    struct dp_tls *tls;        /* a reference; NULL in clear */
    struct client client;
    struct arena arena; /* what the client's facts point at */
    char zone[32];      /* the client's */
    enum conn_phase phase;
    const struct conn_protocol *protocol;
    int64_t opened_ms, active_ms, idle_ms; /* by the loop's clock */
    unsigned handles;                      /* still held by libuv */
    struct http1 http1;
    struct http2 *http2;
};

/* Takes a waiting connection from @door. */
void front_accept(struct acceptor *door);

/* Closes every connection that has no request in progress and belongs to no load balancer any
 * more; with @all closes all of them. */
void front_sweep(struct worker *w, bool all);

/* --- for the protocols ----------------------------------------------------------------------- */

static inline int64_t conn_now(const struct conn *c)
{
    return (int64_t)uv_now(&c->worker->loop);
}

/* The timer fires after @ms of the world's time. */
void conn_arm(struct conn *c, int64_t ms);

/* Likewise after @real milliseconds of the machine's. */
void conn_arm_real(struct conn *c, int64_t real);

/* What becomes of a request. */
enum conn_route {
    ROUTE_TO,      /* *ret_live and *ret_listener, borrowed */
    ROUTE_UNKNOWN, /* no load balancer answers to its Host */
    ROUTE_NOWHERE, /* nothing listens here any more */
    ROUTE_HOLD,    /* the security groups do not admit the client */
};

enum conn_route conn_route(struct conn *c, const struct request_head *h, struct live **ret_live,
                           const struct dp_listener **ret_listener);

/* Whether the connection has lived as long as its load balancer lets it. */
bool conn_is_old(const struct conn *c, const struct dp_attributes *a);

/* Idempotent; from any callback. */
void conn_close(struct conn *c);

/* Closes behind what is queued. The client may still be sending: closing with its bytes unread
 * would reset the connection and could take our answer from it, so they are read and dropped for
 * a while. */
void conn_linger(struct conn *c);

/* Goes silent, as a closed security group does. */
void conn_hold(struct conn *c);
