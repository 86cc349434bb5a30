/* Questions that are answered, never stored: access reviews, token reviews, whoami. */
#pragma once

#include "kube/call.h"

/* Handles a create of a review; false when the kind is none. */
bool kube_review(struct kube_call *c);
