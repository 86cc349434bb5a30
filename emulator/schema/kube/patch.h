/* Strategic merge patch. (RFC 6902 and RFC 7386, which ask for no shapes, are kube/json_patch.h.)
 * Source: kubernetes-api reference §3.5; k8s.io/apimachinery util/strategicpatch. */
#pragma once

#include "schema/kube/decode.h"

/* Strategic merge of @patch (an object) into @base, a document of shape @t. Both are read; the
 * result is the caller's and not normalised. NULL with p->error. */
cJSON *kube_strategic_merge(const struct kube_type *t, const cJSON *base, const cJSON *patch,
                            struct kube_problems *p);
