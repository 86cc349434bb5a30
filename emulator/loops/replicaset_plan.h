/* Which pods of a ReplicaSet go first when there are too many. Pure.
 * Source: kubernetes-api.md §6.3; pkg/controller, ActivePodsWithRanks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct rank_pod {
    bool assigned; /* has a node */
    int phase;     /* 0 Pending, 1 Unknown, 2 Running */
    bool ready;
    int64_t cost;                           /* controller.kubernetes.io/pod-deletion-cost */
    int64_t same_node;                      /* pods of the set on its node */
    int64_t ready_since, restarts, created; /* ms */
    size_t index;                           /* the caller's */
};

/* Orders @pods so that those to delete come first. */
void rank_for_deletion(struct rank_pod *pods, size_t n);
