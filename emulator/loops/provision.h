/* The cloud side of a cluster: node groups become EC2 instances with their interfaces and Node
 * objects, pods get addresses of their node's subnet, Fargate pods a node of their own.
 * Source: reference aws-eks-iam-ec2 sections 5.6, 6.3 and 6.4. */
#pragma once

#include "loops/placement.h"
#include "store/ec2.h"
#include "store/eks.h"
#include "store/object.h"
#include "store/object_writer.h"

struct provisioner;

/* Looks after every cluster from now on. All borrowed. */
struct provisioner *provisioner_start(struct objects *objects, struct object_writer *writer);
void provisioner_stop(struct provisioner *p);

/* What the scheduler and the kubelet ask (placement.h); borrowed from the provisioner. */
const struct provision *provisioner_placement(struct provisioner *p);

/* Brings instances and nodes of all clusters in line with their node groups; done by itself when
 * something changes, and by main once a cluster's server is open. */
void provisioner_sync(struct provisioner *p);
