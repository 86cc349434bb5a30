/* The scale subresource: how many replicas a workload has, in one shape for all kinds. */
#pragma once

#include "kube/call.h"

/* get, update and patch of autoscaling/v1 Scale. */
void scale_answer(struct kube_call *c);
