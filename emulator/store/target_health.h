/* The health of targets as the data plane found it and DescribeTargetHealth tells it. Kept in the
 * connection's temporary database: it dies with the process, and is found anew after a start. */
#pragma once

#include "store/store.h"

/* States and reasons as the API spells them; reason and description are empty when healthy. */
struct target_health {
    struct str group_arn;
    struct str target_id;
    int64_t port;
    struct str state; /* "initial", "healthy", "unhealthy", "unused", "draining", "unavailable" */
    struct str reason;
    struct str description;
};

/* *ret_health in @a. A target of which nothing is known yet is initial /
 * Elb.RegistrationInProgress. 0 or a negative error of the store. */
int target_health_get(struct store *s, struct arena *a, struct str group_arn, struct str target_id,
                      int64_t port, struct target_health *ret_health);

/* Sets or replaces what is known of one target; *ret_changed tells whether anything did. */
int target_health_put(struct store *s, const struct target_health *health, bool *ret_changed);

/* Forgets one target, or with an empty id the whole group. */
int target_health_forget(struct store *s, struct str group_arn, struct str target_id, int64_t port);
