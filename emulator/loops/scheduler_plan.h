/* Which node a pod goes to, and the words for none. Pure.
 * Source: kubernetes-api.md §6.4; kube-scheduler's NodeUnschedulable, TaintToleration,
 * NodeAffinity, NodePorts and NodeResourcesFit, in that order. */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "loops/selector.h"

struct pod_request {
    int64_t milli_cpu, memory; /* memory in thousandths of a byte */
};

/* What the containers ask for: the sum, or the largest init container where that is more. */
struct pod_request pod_request_of(const cJSON *pod);

struct node_fit {
    struct str name;
    struct labels labels;
    const cJSON *taints; /* spec.taints */
    bool unschedulable, ready;
    int64_t cpu, memory, pods; /* allocatable, thousandths; pods whole */
    int64_t used_cpu, used_memory, used_pods;
    int64_t same_owner;         /* pods of the same owner there */
    const cJSON *const *others; /* pods there whose host ports count; may be NULL */
    size_t others_n;
};

struct schedule_result {
    struct str node;    /* empty: none fits */
    struct str message; /* why none does, in @a */
};

/* @nodes_total: all nodes of the cluster, for the message. */
struct schedule_result schedule_plan(struct arena *a, const cJSON *pod,
                                     const struct node_fit *nodes, size_t n);

/* Whether a taint with effect NoSchedule or NoExecute stands against the pod; the taint or NULL. */
const cJSON *untolerated_taint(const cJSON *taints, const cJSON *pod);

/* nodeSelector and required node affinity. */
bool node_selected(const cJSON *pod, struct str name, struct labels labels);
