/* pods/eviction: deleting a pod, unless a disruption budget forbids it. */
#pragma once

#include "kube/call.h"

void eviction_pod(struct kube_call *c);
