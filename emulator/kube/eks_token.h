/* EKS' tokens: a presigned call of STS that proves who its maker is, and what Kubernetes takes that
 * one for. */
#pragma once

#include "kube/call.h"

#define EKS_TOKEN_PREFIX S("k8s-aws-v1.")

/* Who made a token. Text in the arena of the check. */
struct eks_identity {
    struct str arn;       /* as GetCallerIdentity tells it */
    struct str canonical; /* of a session, its role without a path: what aws-auth names */
    struct str principal; /* the same with its path: what access entries name */
    struct str account, user_id, session, access_key;
};

/* Whether @token is a call of GetCallerIdentity for the cluster named @cluster, signed by a key
 * that is known, less than fifteen minutes ago. *ret_identity in @a. */
bool eks_token_check(struct kube *k, struct arena *a, struct str token, struct str cluster,
                     struct eks_identity *ret_identity);

/* The Kubernetes user that the cluster maps an identity to, as its mode of authentication says: by
 * its access entries, as its creator, by the ConfigMap kube-system/aws-auth. False when it maps to
 * nobody. *ret_user in @a; its extra is @owner's. */
bool eks_map_user(struct kube_cluster *c, struct arena *a, const struct eks_identity *i,
                  struct rbac_user *ret_user, struct kube_call *owner);

/* Whether an access policy lets @u, who came with such a token, do what @r asks. */
bool eks_access_allows(struct kube_cluster *c, struct arena *a, const struct rbac_user *u,
                       const struct rbac_request *r);
