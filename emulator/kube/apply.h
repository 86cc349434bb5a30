/* Server-side apply. Source: Kubernetes "Server-Side Apply". */
#pragma once

#include "kube/call.h"

/* Applies the request's document to @old (NULL: it is created). */
void kube_apply(struct kube_call *c, struct object *old);
