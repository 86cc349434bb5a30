/* Node objects of EC2 instances and of Fargate's micro-VMs. Pure.
 * Source: reference aws-eks-iam-ec2 sections 6.3, 6.4; kubernetes-api section 6.5. */
#pragma once

#include "base/ids.h"
#include "base/json.h"
#include "loops/placement.h"
#include "store/ec2.h"
#include "store/eks.h"

/* The whole document, status included; the caller's. */
cJSON *node_object_of_instance(struct arena *a, const struct cluster *c, const struct nodegroup *g,
                               const struct instance *i, const struct network_interface *eni,
                               int64_t now);
cJSON *node_object_of_fargate(struct arena *a, struct ids *ids, const struct cluster *c,
                              struct str name, const struct network_interface *eni,
                              const struct fargate_size *size, int64_t now);
