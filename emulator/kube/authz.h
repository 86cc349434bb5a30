/* Whether the caller may: RBAC over the cluster's own objects. */
#pragma once

#include "kube/call.h"

/* The compiled policy, made again when a role or binding changed. Borrowed until control is back
 * in the event loop. */
const struct rbac_policy *authz_policy(struct kube_cluster *c);

/* A role or binding changed. */
void authz_forget(struct kube_cluster *c);
bool authz_is_rbac(struct str resource);

/* Writes the rules of ClusterRoles that are put together from others, after one changed. */
void authz_aggregate(struct kube_cluster *c, const struct object_change *change);

/* Whether @u may, by RBAC or by EKS' access policies. *ret_reason as rbac_allows gives it. */
bool authz_allows(struct kube_cluster *c, struct arena *a, const struct rbac_user *u,
                  const struct rbac_request *r, struct str *ret_reason);

/* Judges the call's target. False: refused with 403. */
bool authz_check(struct kube_call *c);

/* What the call's target is, as RBAC sees it. */
struct rbac_request authz_request(const struct kube_call *c);

/* `User "u" cannot get resource "pods" in API group "" in the namespace "x"`. In @a. */
struct str authz_denial(struct arena *a, const struct rbac_user *u, const struct rbac_request *r,
                        struct str reason);
