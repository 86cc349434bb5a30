/* The patches that the API takes. All are pure: operands are read, the result is the caller's.
 * Source: kubernetes-api reference §3.5, RFC 7386, RFC 6902, k8s.io/apimachinery strategicpatch. */
#pragma once

#include "schema/kube/decode.h"

/* Strategic merge of @patch into @base, a document of shape @t. The result is not normalised.
 * NULL with p->error. */
cJSON *kube_strategic_merge(const struct kube_type *t, const cJSON *base, const cJSON *patch,
                            struct kube_problems *p);

/* RFC 7386. Never NULL. */
cJSON *kube_merge_patch(const cJSON *base, const cJSON *patch);

enum { KUBE_MOST_PATCH_OPERATIONS = 10000 };

/* RFC 6902. NULL with p->error, for a patch that is none (@*ret_malformed) or that does not
 * apply. The caller answers 413 for more than KUBE_MOST_PATCH_OPERATIONS. */
cJSON *kube_json_patch(const cJSON *base, const cJSON *operations, struct kube_problems *p,
                       bool *ret_malformed);
