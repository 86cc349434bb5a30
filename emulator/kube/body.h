/* What a request carries: decoded, checked for unknown fields, defaulted. */
#pragma once

#include "kube/call.h"
#include "schema/kube/decode.h"

enum { LARGEST_BODY = 3145728 };

/* The document of a create or update in the version of c->target.kind (or of the subresource's own
 * kind), apiVersion and kind set; owned by the call. NULL: refused. */
cJSON *body_read_object(struct kube_call *c);

/* The DeleteOptions of a delete, owned by the call; an empty object when there are none. */
cJSON *body_read_delete_options(struct kube_call *c);

/* The JSON of a patch. NULL: refused. */
cJSON *body_read_patch(struct kube_call *c);

/* A document that was put together from a valid one and a patch: checked as a body is, with the
 * words of a patch. False: refused. */
bool body_check_patched(struct kube_call *c, cJSON *doc);

/* Fills in what the type @k defaults. */
void body_default(const struct kind *k, cJSON *doc);

/* Puts the members of @doc into the order in which the API writes them. */
void body_arrange(const struct kind *k, cJSON *doc);

/* Changes @doc by a strategic merge patch; false and *ret_why: it cannot be. */
bool body_strategic_merge(struct kube_call *c, cJSON *doc, const cJSON *patch, struct str *ret_why);
