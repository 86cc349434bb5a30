/* StatefulSets: which pod is made, which one goes, and what has to be waited for. Pure.
 * Source: kubernetes-api.md §6.3; pkg/controller/statefulset, stateful_set_control.go. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One ordinal. */
struct stateful_pod {
    bool exists;
    bool terminating;
    bool over;       /* Failed or Succeeded: it is made again */
    bool healthy;    /* running, ready, and long enough so */
    bool fresh;      /* of the newest template */
    bool make, drop; /* results */
    bool make_fresh; /* with make: of the newest template, else of the one before */
};

struct stateful_plan {
    struct stateful_pod *wanted; /* by ordinal, from the first one */
    size_t wanted_n;
    struct stateful_pod *extra; /* beyond the wanted ones, by ordinal */
    size_t extra_n;
    bool parallel;  /* podManagementPolicy Parallel: nobody waits */
    bool on_delete; /* updateStrategy OnDelete */
    bool has_partition;
    size_t partition;        /* of the wanted ones, these first keep the template before */
    size_t current_replicas; /* of the status: what is not rolled over yet */
    bool deleting;           /* the set itself */
};

/* Fills the results. */
void statefulset_plan(struct stateful_plan *p);
