/* Discovery: which kinds are served. The legacy lists, and the aggregated form in both its
 * versions, chosen by Accept. Source: kubernetes-api.md §1.2; Kubernetes "API Discovery". */
#pragma once

#include "kube/call.h"

/* Answers /api, /apis, /api/v1, /apis/<group> and /apis/<group>/<version>. False, with the call
 * untouched, when there is no such group or version. */
bool discovery_answer(struct kube_call *c);
