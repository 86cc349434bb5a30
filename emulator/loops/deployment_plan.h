/* The arithmetic of Deployments: how many replicas each ReplicaSet should have now. Pure.
 * Source: kubernetes-api.md §6.2; pkg/controller/deployment (rolling.go, sync.go). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One ReplicaSet of the Deployment. */
struct rollout_set {
    int64_t spec;      /* spec.replicas */
    int64_t available; /* status.availableReplicas */
    int64_t most;      /* its annotation max-replicas; 0: none */
    int64_t desired;   /* its annotation desired-replicas; negative: none */
    int64_t want;      /* out: spec.replicas as it should be */
};

struct rollout {
    int64_t replicas; /* of the Deployment */
    int64_t max_surge, max_unavailable;
    bool recreate, paused;
    bool old_pods_run;         /* for Recreate: some pod of an old set is not over yet */
    struct rollout_set *fresh; /* the set of the current template, or NULL */
    struct rollout_set *old;   /* the others, by age, oldest first */
    size_t old_n;
};

/* maxSurge and maxUnavailable of @replicas as both are resolved together: never both 0. */
void rollout_resolve(int64_t replicas, int64_t *max_surge, int64_t *max_unavailable);

/* What the set of the current template starts with when it is made. */
int64_t rollout_first_size(const struct rollout *r);

/* Whether the number of replicas was changed, rather than the template. */
bool rollout_is_scaling(const struct rollout *r);

/* Sets `want` of every set. One step: called again when the sets have followed. */
void rollout_plan(struct rollout *r);
