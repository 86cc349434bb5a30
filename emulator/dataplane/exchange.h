/* One request and its response, whatever protocol the client speaks: routing, the target's
 * connection, and the way back. The client's side (front.c) owns it and gives it the request; it
 * answers through front_ops. Worker thread only. */
#pragma once

#include "dataplane/client.h"
#include "dataplane/http_rewrite.h"
#include "dataplane/record.h"
#include "dataplane/worker.h"

struct exchange;
struct upstream;

/* Where a request goes, and what its answer's cookies depend on. */
struct choice {
    const struct dp_group *group;
    const struct dp_target *target;
    bool new_group;       /* drawn: the answer says which */
    bool was_sticky;      /* the application's cookie kept it */
    uint64_t application; /* digest of that cookie */
    bool chromium;        /* the client's SameSite=None needs Secure */
    bool bad_cookie;      /* a cookie of ours that nobody can read */
};

/* What the client's side does for an exchange. */
struct front_ops {
    void (*send_head)(struct exchange *x, const struct response_head *h);
    void (*send_content)(struct exchange *x, struct str content); /* borrowed until flush */
    void (*send_trailers)(struct exchange *x, struct str lines);  /* NULL: they are dropped */
    void (*send_end)(struct exchange *x);
    void (*send_answer)(struct exchange *x, const struct own_answer *a); /* whole, with its end */
    void (*flush)(struct exchange *x);     /* everything that was sent leaves now */
    void (*finished)(struct exchange *x);  /* response over and flushed: the exchange is free */
    void (*abort)(struct exchange *x);     /* the response can't be completed */
    void (*tunnel)(struct exchange *x);    /* the head was a 101; NULL: never asked for */
    void (*want_body)(struct exchange *x); /* there is room for more of the request's body */
};

struct exchange {
    const struct front_ops *ops;
    struct worker *worker;
    const struct client *client; /* who asks; set by the front */
    /* the request */
    bool active; /* between exchange_begin and finished, abort or abandon */
    bool http10, http2;
    bool to_head;      /* HEAD */
    bool chunked;      /* so the body goes to the target */
    bool request_done; /* its body has been read to the end */
    bool response_started, response_done;
    bool wants_upgrade; /* the request asks for a WebSocket, and the client's side can do it */
    bool tunnel;        /* the target has agreed: bytes go both ways as they are */
    bool close_after;   /* an ambiguous request: both connections end after it */
    unsigned status;
    int64_t active_ms; /* when a byte last came or went, by the loop's clock */
    /* where it goes */
    struct live *live;
    const struct dp_listener *listener;
    const struct dp_rule *rule;
    struct choice choice;
    struct record record;
    struct str cookies; /* lines of the load balancer's own for the head that is being sent */
    struct endpoint *endpoint;
    struct upstream *upstream;
};

/* Routes a request that was read and answers it or sends it on. @live is referenced. What is sent
 * to the target waits in worker->to_target for exchange_flush_request. */
void exchange_begin(struct exchange *x, struct live *live, const struct dp_listener *listener,
                    const struct request_head *h);

/* Content of the request's body, borrowed until the flush; and its end. */
void exchange_body(struct exchange *x, struct str content);
void exchange_body_end(struct exchange *x);
void exchange_flush_request(struct exchange *x);

/* Whether the target is slow to take the request's body. */
bool exchange_is_full(const struct exchange *x);

/* An answer of the load balancer's own instead of a response; also before exchange_begin. */
void exchange_answer(struct exchange *x, const struct own_answer *a);

/* Likewise its page for @status. */
void exchange_refuse(struct exchange *x, unsigned status);

/* The client has ended its side of a tunnel. */
void exchange_tunnel_end(struct exchange *x);

/* The client is gone: nothing is sent any more. */
void exchange_abandon(struct exchange *x);

/* Nothing came or went for the idle timeout: 408, 504 or the end. */
void exchange_time_out(struct exchange *x);

/* The client's queue has room again. */
void exchange_client_drained(struct exchange *x);

/* --- from the target's connection (upstream.c) ----------------------------------------------- */

/* The connection could not be made (a negative UV_* error) or broke. */
void exchange_upstream_failed(struct exchange *x, int error);
void exchange_upstream_head(struct exchange *x, const struct response_head *h);
void exchange_upstream_content(struct exchange *x, struct str content);
/* "name: value" lines, behind the content. */
void exchange_upstream_trailers(struct exchange *x, struct str lines);
void exchange_upstream_end(struct exchange *x);
void exchange_upstream_drained(struct exchange *x);
