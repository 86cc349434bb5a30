/* Fargate: what a pod's micro-VM is sized, and what Fargate refuses. Pure.
 * Source: aws-eks-iam-ec2.md §6.3. */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "loops/placement.h"

struct fargate_plan {
    struct fargate_size size;
    struct str capacity;        /* "0.25vCPU 0.5GB" */
    struct str reason, message; /* set: it cannot run there */
};

/* Text in @a. */
struct fargate_plan fargate_plan_of(struct arena *a, const cJSON *pod);
