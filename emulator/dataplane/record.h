/* What is written down of requests and connections: lines of access logs and connection logs, in
 * AWS's own format, gathered on the worker and handed to the control thread in batches. Worker
 * thread only, but for log_batch_free.
 * Source: Application Load Balancers User Guide, "Access logs", "Connection logs". */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "dataplane/dataplane.h"
#include "dataplane/http_head.h"

struct conn;
struct exchange;
struct worker;

/* Of one request, from its head to its end. Times are the loop's, in ms; 0: not yet. */
struct record {
    char *block;               /* holds the texts; NULL: no line will be written */
    struct str request, agent; /* of the client */
    struct str trace;
    char *trace_room;   /* in the block */
    int64_t created_ms; /* the world's */
    int64_t began, sent, headed;
    unsigned target_status;
    uint64_t received, answered; /* bytes from the client, to the client */
    enum desync_class class;
    const char *class_reason;
    const char *error_reason; /* static; NULL: none */
    struct str redirect;      /* in the block of its own */
    char *redirect_block;
    bool websocket;
};

/* A request was read and is about to be routed. */
void record_begin(struct exchange *x, const struct request_head *h);

/* It has gone to a target, under this trace id. */
void record_sent(struct exchange *x, struct str trace);

/* It was answered with a redirect to @location. */
void record_redirect(struct exchange *x, struct str location);

/* It is over: the line is written. */
void record_end(struct exchange *x);

/* A TLS handshake is over, well or not. */
void record_handshake(struct conn *c, bool done);

/* --- batches ---------------------------------------------------------------------------------- */

struct log_batch {
    struct link link;
    struct dp_balancer *config; /* a reference */
    enum dp_log_kind kind;
    struct buf lines;
};

void log_batch_free(struct log_batch *b);

/* Hands everything to the control thread now. */
void record_flush(struct worker *w);
