/* Where pods get their addresses and Fargate its nodes: the loops ask, the cloud side answers. The
 * EC2 side implements it, main hands it over; without one (unit tests) addresses are counted up. */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

struct fargate_size {
    int64_t milli_cpu, memory; /* bytes */
};

struct provision {
    void *data;

    /* A VPC address for a pod on a node (its document). Asking again for a pod gives the same.
     * Empty, with *ret_why, when the subnet has none left. In @a. */
    struct str (*pod_address)(void *data, struct arena *a, struct str cluster, const cJSON *node,
                              const cJSON *pod, struct str *ret_why);
    void (*release_pod_address)(void *data, struct str cluster, struct str pod_uid);

    /* Makes the micro-VM of a pod that a Fargate profile wants: an interface in one of the
     * profile's subnets, and its Node object. The node's name, in @a; empty with *ret_why. Asking
     * again for a pod gives the same. */
    struct str (*fargate_node)(void *data, struct arena *a, struct str cluster, const cJSON *pod,
                               struct str profile, const struct fargate_size *size,
                               struct str *ret_why);
    /* The pod is gone: so is its node. */
    void (*remove_fargate_node)(void *data, struct str cluster, struct str node);
};
