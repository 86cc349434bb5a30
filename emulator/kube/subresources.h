/* Subresources that are more than a part of the object: log, binding, eviction, token, scale … */
#pragma once

#include "kube/body.h"
#include "kube/call.h"

/* Handles the call when its subresource is one of these; false, with the call untouched, when it
 * is not. */
bool kube_subresource(struct kube_call *c);

/* Assigns the pod c->target.name as @binding says, and answers. */
void binding_apply(struct kube_call *c, const cJSON *binding);
