/* One load balancer from the store's rows to the data plane's object, and the states of its
 * targets. Reads the store; writes nothing. Control thread only. */
#pragma once

#include "base/map.h"
#include "dataplane/dp_config.h"
#include "net/fabric.h"
#include "store/elbv2.h"
#include "store/target_health.h"

struct routing_compiler {
    struct store *store;
    struct fabric *fabric;
    bool security_groups;
    struct arena *arena;              /* for the pass; what is compiled has its own */
    const struct dp_balancer *before; /* what it was compiled to last; NULL: nothing yet */
    struct map *uses; /* ids of security groups, interfaces and instances that were looked at;
                         values are not NULL, keys live in @arena */
};

/* The states of targets that a pass found, to be written where DescribeTargetHealth reads. */
struct routed_health {
    struct routed_health *next;
    struct target_health health;
};

/* Compiles and seals the load balancer. 0 and *ret_balancer (a reference of the caller's) and
 * *ret_health (in @c->arena), or a negative error of the store. */
int routing_compile_balancer(struct routing_compiler *c, const struct load_balancer *lb,
                             struct dp_balancer **ret_balancer, struct routed_health **ret_health);

/* The targets of a group that no load balancer uses: unused, but draining ones. */
int routing_unused_group(struct routing_compiler *c, struct str group_arn,
                         struct routed_health **ret_health);
