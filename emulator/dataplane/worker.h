/* A worker: one thread with a loop of its own, its listening sockets, its client and back-end
 * connections, and what it was told of load balancers and services. For the files of this folder
 * only. Everything here but the inbox belongs to the worker's thread (before it starts and after
 * it ended, to the control thread). */
#pragma once

#include <openssl/ssl.h>
#include <uv.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/list.h"
#include "base/map.h"
#include "dataplane/cookie.h"
#include "dataplane/dataplane.h"
#include "dataplane/http_body.h"
#include "dataplane/http_head.h"
#include "dataplane/regex.h"
#include "dataplane/sock.h"

struct worker;

/* --- what outlives a configuration ---------------------------------------------------------- */

/* A target as one worker uses it: its connections and the requests they carry. */
struct endpoint {
    unsigned refs;
    struct worker *worker;
    char *key; /* group, id, port and address; the map's key */
    struct sockaddr_in at;
    bool tls;   /* it speaks HTTPS */
    bool http2; /* and HTTP/2 */
    bool was_healthy;
    int64_t slow_from_ms; /* the world's time at which its slow start began; 0: none */
    unsigned in_flight;
    unsigned seen;    /* the last worker.round that had it */
    struct link idle; /* struct upstream, most recently used first */
    struct link busy;
};

/* A target group as one worker uses it. */
struct group_state {
    unsigned refs;
    struct worker *worker;
    char *arn;
    size_t next;   /* round robin */
    unsigned seen; /* the last worker.round that had it */
};

/* A load balancer's configuration bound to this worker's state. Requests hold it, so that each
 * ends under what it began with. */
struct live {
    unsigned refs;
    struct dp_balancer *config;
    struct group_state **groups; /* by dp_group.index */
    struct endpoint **endpoints; /* by dp_target.slot */
};

/* One load balancer, from its first configuration to its removal. */
struct balancer {
    unsigned refs;
    struct worker *worker;
    char *arn;
    struct live *live; /* NULL once it was removed */
    struct link doors;
};

/* A listening socket. */
struct acceptor {
    uv_tcp_t tcp; /* .data is the door */
    struct link link;
    struct worker *worker;
    struct balancer *balancer; /* NULL: a common door, shared by Host or server name */
    bool tls;                  /* of a common door; at others the listener says it */
    uint16_t listener_port;
    struct sockaddr_in at;
    char zone[32]; /* of the address; empty at a common door */
    bool kept;     /* while a new configuration is taken up */
};

struct live *live_ref(struct live *l);
void live_unref(struct live *l);
struct endpoint *endpoint_ref(struct endpoint *e);
void endpoint_unref(struct endpoint *e);
struct balancer *balancer_ref(struct balancer *b);
void balancer_unref(struct balancer *b);

/* Takes up a configuration (ours from now on), or with NULL the end of the load balancer. */
void balancer_apply(struct worker *w, struct str arn, struct dp_balancer *config);

/* The load balancer that a request at a common door is for, by its Host or its server name (empty
 * without SNI); NULL when none is. @tls: only listeners of that kind count. */
struct balancer *balancer_find(struct worker *w, struct str host, uint16_t port, bool tls);

/* --- the worker ------------------------------------------------------------------------------ */

enum order_kind { ORDER_BALANCER, ORDER_SERVICE, ORDER_CLOCK, ORDER_STOP };

/* From the control thread. */
struct order {
    struct link link;
    enum order_kind kind;
    char *key;                    /* ARN or service key */
    struct dp_balancer *balancer; /* NULL: removed */
    struct dp_service *service;
};

struct health;
struct http2_shared;
struct upstream2_shared;

struct worker {
    uv_loop_t loop;
    uv_thread_t thread;
    uv_async_t wake;
    uv_mutex_t lock;   /* of the inbox */
    struct link inbox; /* struct order */
    size_t told;       /* orders that were not obeyed yet; under the lock too */
    struct dataplane *plane;
    unsigned index;
    bool stopping, running;
    bool more_doors;
    bool alone;                                   /* the only worker */
    struct sockaddr_in common_http, common_https; /* port 0: there is none */
    struct clock *clock;
    struct ids ids;

    unsigned round; /* counts configurations taken up */

    struct map balancers; /* by ARN */
    struct map names;     /* names to load balancers */
    struct map services;  /* struct service_state by key */
    struct map endpoints; /* by key */
    struct map groups;    /* struct group_state by ARN */
    struct link common_doors;
    struct link conns;     /* client connections */
    struct link relays;    /* of node ports */
    struct health *health; /* the first worker's */

    struct sock_rooms rooms;
    struct http2_shared *http2;
    struct cookie_seal seal;
    struct link logs; /* struct log_batch */
    uv_timer_t log_timer;
    struct regex_scratch regex;
    SSL_CTX *peek; /* reads whom a TLS client wants at a common door */
    struct upstream2_shared *http2_targets;
    SSL_CTX *to_targets_h2;
    SSL_CTX *to_targets; /* of connections to targets that speak HTTPS */
    struct gather to_client, to_target;
    struct http_fields request_fields, response_fields;
    llhttp_t chunks;
    int64_t date_second;
    char date[32];
};

/* Makes everything but the thread. 0 or a negative UV_* error. */
int worker_init(struct worker *w, struct dataplane *plane, unsigned index,
                const struct dataplane_settings *settings);
void worker_deinit(struct worker *w);

/* Runs the loop until everything is closed; the thread's function. */
void worker_run(void *data);

/* Hands an order over (from the control thread). Takes over what it points at. */
void worker_tell(struct worker *w, const struct order *order);

/* Whether every order was obeyed (from the control thread). */
bool worker_is_settled(struct worker *w);

/* Opens a listening socket; 0 and *ret_door, or a negative UV_* error. @balancer is referenced. */
int acceptor_open(struct worker *w, const struct sockaddr_in *at, struct balancer *balancer,
                  uint16_t listener_port, bool tls, struct link *list, struct acceptor **ret_door);
void acceptor_close(struct acceptor *d);

/* A bound, listening IPv4 socket; where there are several workers each has its own at the same
 * address. */
int listen_at(struct worker *w, uv_tcp_t *tcp, const struct sockaddr_in *at,
              uv_connection_cb on_connection);

/* Closes everything that belongs to load balancers; the worker ends. */
void balancers_close(struct worker *w);

/* The Date header's value of now; valid until the next second. */
struct str worker_date(struct worker *w);
