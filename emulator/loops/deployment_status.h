/* The status of a Deployment, from its ReplicaSets. Pure. */
#pragma once

#include "base/arena.h"
#include "base/json.h"

struct deployment_sets {
    const cJSON *fresh; /* of the current template; NULL while there is none */
    const cJSON *const *old;
    size_t old_n;
};

/* Rewrites doc.status: counts, Available, Progressing, ReplicaFailure, observedGeneration. @now is
 * the world's time. Returns in how many milliseconds the progress deadline has to be looked at,
 * 0 for never. Source: pkg/controller/deployment, progress.go and calculateStatus. */
int64_t deployment_status_plan(struct arena *a, cJSON *doc, const struct deployment_sets *sets,
                               int64_t max_unavailable, int64_t now);
