/* Attributes of load balancers, listeners and target groups, from the API's keys and values to the
 * members of the data plane's objects. Pure; control thread only. */
#pragma once

#include "dataplane/dp_config.h"
#include "store/elbv2.h"

/* Each fills in what the attributes say; @a is the compiled object's arena. Unknown keys are no
 * business of the data plane. */
void routing_read_balancer_attributes(struct arena *a, const struct lb_attribute *first,
                                      struct dp_attributes *to);
void routing_read_listener_attributes(struct arena *a, const struct lb_attribute *first,
                                      struct dp_listener *to);
void routing_read_group_attributes(struct arena *a, const struct lb_attribute *first,
                                   struct dp_group *to);
