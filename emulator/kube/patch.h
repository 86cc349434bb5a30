/* patch: of objects and their subresources. */
#pragma once

#include "kube/call.h"

enum patch_type { PATCH_JSON, PATCH_MERGE, PATCH_STRATEGIC, PATCH_APPLY };

void kube_patch(struct kube_call *c);

/* The kind of patch by the request's Content-Type; false: refused with 415. */
bool patch_read_type(struct kube_call *c, enum patch_type *ret_type);

/* @doc changed by @patch: a new tree, owned by the call; NULL: refused. @doc, owned by the call,
 * may be eaten. */
cJSON *patch_apply(struct kube_call *c, enum patch_type type, cJSON *doc, const cJSON *patch);
