/* Defaulting: what the API server fills in after decoding.
 * Source: kubernetes-api reference §5.4; "+default" markers of k8s.io/api. */
#pragma once

#include "base/json.h"
#include "schema/kube/type.h"

/* Fills @doc, a normalised document of shape @t, in place. Allocation (addresses, node ports) and
 * admission (service account, tolerations) are not defaulting. */
void kube_default(const struct kube_type *t, cJSON *doc);

/* Puts the members of @doc and of all that is in it into the order of the Go structs, where later
 * steps added some at the end. */
void kube_arrange(const struct kube_type *t, cJSON *doc);
