/* What EKS puts into a cluster's VPC: its security group and the control plane's interfaces.
 * Inside the caller's transaction. */
#pragma once

#include "store/eks.h"

/* Makes the cluster security group, with its tags; c->cluster_group gets its id. */
int cluster_group_make(struct store *s, struct arena *a, struct cluster *c);

/* Makes the control plane's interfaces, one in each of the first two zones of the subnets. */
int cluster_interfaces_make(struct store *s, struct arena *a, const struct cluster *c);

/* Removes the interfaces, and the group unless somebody else uses it still. */
int cluster_network_remove(struct store *s, struct arena *a, const struct cluster *c);
