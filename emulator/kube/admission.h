/* What happens to objects between decoding and keeping: the built-in admission plugins, in the
 * order a real server has them, and EKS' two webhooks. */
#pragma once

#include "kube/call.h"

/* May change @doc (stored form). False: refused. */
bool admission_create(struct kube_call *c, const struct kind *stored, cJSON *doc);
bool admission_update(struct kube_call *c, const struct kind *stored, const cJSON *old, cJSON *doc);

/* Whether the object may be deleted at all. */
bool admission_delete(struct kube_call *c, struct object *o);
