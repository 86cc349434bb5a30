/* Who the caller is. */
#pragma once

#include "kube/call.h"

/* Sets c->user by client certificate, bearer token or as anonymous, then by the Impersonate
 * headers. False: refused with 401 (or 403 for an impersonation that is not allowed). */
bool authn_identify(struct kube_call *c);

/* The user that a bearer token names. False when it is not to be believed; *ret_user in @a. */
bool authn_token(struct kube_cluster *c, struct arena *a, struct str token, struct str audience,
                 struct rbac_user *ret_user, struct kube_call *owner);

/* What the API server itself is called as an audience. */
#define API_AUDIENCE S("https://kubernetes.default.svc")
