/* The data plane as the rest of the house sees it: worker threads that carry the traffic of load
 * balancers and node ports, and check the health of targets. The control thread hands over
 * immutable objects (dp_config.h); health results come back by callback on the control thread.
 * All functions here are the control thread's. */
#pragma once

#include <uv.h>

#include "base/clock.h"
#include "base/ids.h"
#include "dataplane/dp_config.h"

struct dataplane;

/* What a health check found; text is borrowed for the call. */
struct dp_health_report {
    struct str group_arn;
    struct str target_id;
    uint16_t target_port;
    enum dp_target_state state; /* INITIAL, HEALTHY or UNHEALTHY */
    struct str reason;          /* "Target.Timeout" …; empty when healthy */
    struct str description;
};

enum dp_log_kind { DP_LOG_ACCESS, DP_LOG_CONNECTION };

/* Finished lines of one load balancer; borrowed for the call. */
struct dp_log {
    enum dp_log_kind kind;
    struct str arn;
    const struct dp_log_place *place;
    uint32_t node; /* an address of the load balancer */
    struct str lines;
};

typedef void dp_log_cb(void *data, const struct dp_log *log);
typedef void dp_health_cb(void *data, const struct dp_health_report *report);

struct dataplane_settings {
    unsigned workers; /* at least 1 */
    /* The common doors, by Host and by server name; NULL: none. Port 0 picks one. */
    const struct sockaddr_in *http, *https;
    struct clock *clock;       /* borrowed */
    const uint8_t *cookie_key; /* COOKIE_KEY_BYTES of cookie.h; borrowed for the call */
    struct ids *ids;           /* forked for each worker; borrowed for the call */
    bool more_doors;           /* listener ports other than 80 open beside the common door too,
                                  where they are free */
    dp_health_cb *on_health;   /* may be NULL */
    dp_log_cb *on_log;         /* likewise */
    void *data;                /* for both */
};

/* Starts the workers; @loop is the control thread's, where callbacks run. 0 and *ret, or a
 * negative UV_* error of a common door (nothing is left running); *ret_https_failed tells of
 * which. */
int dataplane_start(uv_loop_t *loop, const struct dataplane_settings *settings,
                    struct dataplane **ret_dataplane, bool *ret_https_failed);

/* Where the common doors are; the port is settled even if 0 was asked for, and 0 when there is no
 * such door. */
struct sockaddr_in dataplane_http_address(const struct dataplane *d);
struct sockaddr_in dataplane_https_address(const struct dataplane *d);

/* Puts a sealed load balancer in the place of the one with the same ARN, or removes it. Takes
 * over the caller's reference. Requests in flight end under what they began with. */
void dataplane_put_balancer(struct dataplane *d, struct dp_balancer *b);
void dataplane_remove_balancer(struct dataplane *d, struct str arn);

/* Likewise the node ports of a Service. */
void dataplane_put_service(struct dataplane *d, struct dp_service *s);
void dataplane_remove_service(struct dataplane *d, struct str key);

/* Whether every worker has taken up everything that was put or removed so far. */
bool dataplane_is_settled(const struct dataplane *d);

/* The world's clock was stepped or has another rate: what waits for it looks again. */
void dataplane_clock_changed(struct dataplane *d);

/* Closes every socket and ends the threads; @on_closed comes last, from the loop. */
void dataplane_close(struct dataplane *d, void (*on_closed)(void *data), void *data);
