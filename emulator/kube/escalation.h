/* Nobody gives what he does not have: the check of roles and bindings that are written. */
#pragma once

#include "kube/call.h"

/* Judges a write of an RBAC object, @old NULL when it is new. False: refused. */
bool escalation_check(struct kube_call *c, const cJSON *old, const cJSON *doc);
