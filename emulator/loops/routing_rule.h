/* Listener rules from the API's structures to the data plane's. Pure. */
#pragma once

#include "base/json.h"
#include "dataplane/dp_config.h"

/* Finds a target group of the load balancer by its ARN; NULL when it has none of that name. */
typedef struct dp_group *find_group_cb(void *data, struct str arn);

/* A rule in the API's own structures and member names; each may be NULL. */
struct routing_rule_text {
    const cJSON *conditions, *actions, *transforms;
};

/* Fills @rule. What it points at is copied into @a. Actions that come before the last one
 * (authentication) are not carried out. */
void routing_compile_rule(struct arena *a, struct dp_rule *rule,
                          const struct routing_rule_text *text, find_group_cb *find, void *data);

/* "200,202-204" to ranges in @a; what is none is left out. */
void routing_compile_matcher(struct arena *a, struct str text, struct dp_health_settings *health);
