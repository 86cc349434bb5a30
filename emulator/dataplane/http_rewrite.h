/* Heads as the load balancer sends them on: a request to its target, a response to its client.
 * Pure functions that write into given room. */
#pragma once

#include "dataplane/client.h"
#include "dataplane/dp_config.h"
#include "dataplane/http_head.h"
#include "dataplane/text.h"

/* What a request's new head depends on beside the request itself. */
struct forward_facts {
    const struct dp_attributes *attributes;
    struct str dns_name; /* the load balancer's */
    const struct client *client;
    const struct dp_listener *listener;
    struct str host;    /* what a transform made of it; empty: the request's own */
    int64_t now_ms;     /* the world's time, for the trace id */
    uint64_t random[2]; /* for the trace id: 24 hex digits of it are used */
};

/* Writes the request head for an HTTP/1.1 target; the body keeps its framing. *ret_trace is the
 * trace id in it. */
void request_head_rewrite(struct text *t, const struct request_head *h,
                          const struct forward_facts *f, struct str *ret_trace);

/* How a response is framed to an HTTP/1.x client. */
struct reply_framing {
    bool chunked;
    bool length_known;
    uint64_t length;
    bool keep_alive;                    /* the connection stays open */
    bool upgrade;                       /* it becomes a WebSocket */
    struct str date;                    /* of now, for a target that sent none */
    struct str cookies;                 /* lines of the load balancer's own */
    const struct dp_listener *listener; /* for its response headers */
};

/* Writes the head of a target's response. */
void response_head_rewrite(struct text *t, const struct response_head *h,
                           const struct reply_framing *f);

/* An answer of the load balancer's own. */
struct own_answer {
    unsigned status;
    struct str reason;       /* empty: the standard one */
    struct str content_type; /* empty: no such header */
    struct str location;     /* of a redirect, else empty */
    struct str body;
};

/* Writes its head. @listener may be NULL: nothing was routed. */
void own_answer_head(struct text *t, const struct own_answer *a, struct str date, bool keep_alive,
                     const struct dp_listener *listener);

/* The standard reason phrase; empty for codes that have none. */
struct str http_reason(unsigned status);

/* The page that the load balancer itself shows for @status; false when it has none. */
bool page_find(unsigned status, struct own_answer *ret_answer);

/* At a common door, for a Host that belongs to nobody. No load balancer would say this: it is
 * ours. */
void page_unknown_host(struct own_answer *ret_answer);

/* What a client hears that speaks HTTP to a TLS listener. */
void page_clear_to_tls(struct own_answer *ret_answer);

/* Whether the connection ends after this page. */
bool page_closes(unsigned status);

/* Fills a redirect's Location. False when it grows too long. */
bool redirect_location(struct text *t, const struct dp_action *a, const struct request_head *h,
                       bool tls, uint16_t listener_port, struct str dns_name);
