/* Routing: what the store says of load balancers, targets and Services, compiled for the data
 * plane, and what the data plane finds out about targets, written where DescribeTargetHealth
 * reads it. Owns the data plane. Control thread only. */
#pragma once

#include "dataplane/dataplane.h"
#include "net/fabric.h"
#include "store/object.h"

struct routing;

/* Everything is borrowed and outlives it. */
struct routing_options {
    uv_loop_t *loop;
    struct objects *objects;
    struct fabric *fabric;
    unsigned workers;
    const struct sockaddr_in *http, *https; /* the common doors; NULL: none */
    bool more_doors;                        /* see dataplane_settings */
    struct str log_folder;                  /* S3's buckets are its folders; empty: no logs */
    bool security_groups;                   /* whether they stop traffic */
};

/* Starts the data plane and everything that the store has. 0 and *ret_routing, or a negative UV_*
 * error of a common door; *ret_https_failed tells of which. */
int routing_start(const struct routing_options *o, struct routing **ret_routing,
                  bool *ret_https_failed);

/* The data plane, for its addresses and for clock changes; borrowed. */
struct dataplane *routing_dataplane(struct routing *r);

/* Ends the data plane; @on_stopped (may be NULL) comes from the loop when nothing of ours is left.
 * NULL is fine. */
void routing_stop(struct routing *r, void (*on_stopped)(void *data), void *data);
