/* DaemonSets: which nodes get a pod, which pods go, in what order a rollout replaces them. Pure.
 * Source: kubernetes-api.md §6.3; pkg/controller/daemon (nodeShouldRunDaemonPod, rollingUpdate). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "loops/selector.h"

enum daemon_verdict {
    DAEMON_WANTED, /* the node should have a pod */
    DAEMON_STAYS,  /* one that is there may stay, none is made */
    DAEMON_GOES,   /* none may be there */
};

/* What @pod (made from the template) may do on a node of these labels and taints. */
enum daemon_verdict daemon_verdict(const cJSON *pod, struct str node, struct labels labels,
                                   const cJSON *taints);

struct daemon_pod {
    size_t node;   /* index in nodes */
    bool deleting; /* on its way out */
    bool over;     /* Failed or Succeeded: it is to be replaced */
    bool failed;
    bool fresh;     /* of the present template */
    bool available; /* ready long enough */
    int64_t created;
    bool doomed;     /* result: delete it */
    bool say_failed; /* result: because it failed */
};

struct daemon_plan {
    const enum daemon_verdict *nodes;
    size_t nodes_n;
    struct daemon_pod *pods;
    size_t pods_n;
    bool on_delete; /* updateStrategy OnDelete: old pods stay */
    int64_t max_unavailable, max_surge;
    bool *create; /* result: by node, a pod is to be made */
};

/* Fills the results. */
void daemonset_plan(struct arena *a, struct daemon_plan *p);
