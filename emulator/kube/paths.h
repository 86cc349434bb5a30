/* What is asked of the server itself: versions, health, discovery, OpenAPI, token issuer. */
#pragma once

#include "kube/call.h"

/* Answers a call whose target is a path. */
void kube_path(struct kube_call *c);
