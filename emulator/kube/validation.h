/* Whether an object is a valid one, in the words of the Kubernetes API. Pure. */
#pragma once

#include "base/json.h"
#include "kube/field_error.h"
#include "kube/kinds.h"

/* Judges @doc, of @stored, asked for through the row @k (whose version may name fields otherwise),
 * after defaulting; @old is the object before, NULL for a new one. */
void kube_validate(const struct kind *k, const struct kind *stored, const cJSON *old,
                   const cJSON *doc, struct field_errors *errors);
