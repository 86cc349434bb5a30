/* What every new cluster has. */
#pragma once

#include "kube/cluster.h"

/* Makes what is missing, in one transaction. 0 or a negative error of the store. */
int bootstrap_cluster(struct kube_cluster *c);
