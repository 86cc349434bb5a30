/* EKS: clusters, node groups, Fargate profiles. Lists (subnets, security groups) are words parted
 * by spaces; selectors are JSON. Changes announce CHANGE_EKS with the cluster's name. */
#pragma once

#include "store/row.h"

extern const char eks_schema_1[];

#define CLUSTER_COLUMNS(X)                                                                      \
    X(TEXT, name)                                                                               \
    X(TEXT, account)                                                                            \
    X(TEXT, region)                                                                             \
    X(TEXT, version)                                                                            \
    X(TEXT, status) X(TEXT, role_arn) X(TEXT, vpc) X(TEXT, subnets) X(TEXT, security_groups)    \
        X(TEXT, cluster_group) X(TEXT, issuer_id) X(TEXT, service_cidr) X(TEXT, authentication) \
            X(INT, created) X(INT, port) X(TEXT, settings) X(TEXT, token) X(TEXT, creator)
struct cluster { /* issuer_id: 32 upper-case hex; cluster_group: the cluster security group;
                  * port: where its API server listens, 0 until it does; settings: what the API
                  * only echoes, in its JSON; token: the client's, of its creation; creator: the
                  * IAM principal, empty for the account's root */
    struct cluster *next;
    ROW_FIELDS(CLUSTER_COLUMNS)
};
extern const struct row_table cluster_table;

#define NODEGROUP_COLUMNS(X)                                                                     \
    X(TEXT, name)                                                                                \
    X(TEXT, cluster)                                                                             \
    X(TEXT, arn)                                                                                 \
    X(TEXT, status)                                                                              \
    X(TEXT, subnets) X(TEXT, instance_type) X(TEXT, node_role) X(TEXT, labels) X(TEXT, ami_type) \
        X(TEXT, capacity_type) X(INT, minimum) X(INT, desired) X(INT, maximum) X(INT, disk)      \
            X(TEXT, version) X(INT, created) X(INT, modified) X(TEXT, settings) X(TEXT, token)
struct nodegroup { /* labels: a JSON object; settings and token as a cluster's */
    struct nodegroup *next;
    ROW_FIELDS(NODEGROUP_COLUMNS)
};
extern const struct row_table nodegroup_table;

#define FARGATE_PROFILE_COLUMNS(X) \
    X(TEXT, name)                  \
    X(TEXT, cluster)               \
    X(TEXT, arn)                   \
    X(TEXT, status)                \
    X(TEXT, role_arn) X(TEXT, subnets) X(TEXT, selectors) X(INT, created) X(TEXT, token)
struct fargate_profile { /* selectors: [{"namespace": …, "labels": {…}}] */
    struct fargate_profile *next;
    ROW_FIELDS(FARGATE_PROFILE_COLUMNS)
};
extern const struct row_table fargate_profile_table;

/* Who may come in, and as whom. Groups are a JSON array. */
#define ACCESS_ENTRY_COLUMNS(X) \
    X(TEXT, cluster)            \
    X(TEXT, principal)          \
    X(TEXT, arn)                \
    X(TEXT, username) X(TEXT, kubernetes_groups) X(TEXT, type) X(INT, created) X(INT, modified)
struct access_entry {
    struct access_entry *next;
    ROW_FIELDS(ACCESS_ENTRY_COLUMNS)
};
extern const struct row_table access_entry_table;

/* An access policy of a principal: in the whole cluster, or in namespaces (a JSON array). */
#define ACCESS_POLICY_COLUMNS(X) \
    X(TEXT, cluster)             \
    X(TEXT, principal)           \
    X(TEXT, policy) X(TEXT, scope) X(TEXT, namespaces) X(INT, created) X(INT, modified)
struct access_policy {
    struct access_policy *next;
    ROW_FIELDS(ACCESS_POLICY_COLUMNS)
};
extern const struct row_table access_policy_table;

/* What hangs on a cluster and nobody but the API asks for: add-ons, updates, pod identity
 * associations, identity providers. The document is the API's own JSON of it. */
#define EKS_ITEM_COLUMNS(X) \
    X(TEXT, cluster) X(TEXT, kind) X(TEXT, name) X(TEXT, parent) X(TEXT, arn) X(TEXT, document)
struct eks_item { /* parent: the node group or add-on of an update */
    struct eks_item *next;
    ROW_FIELDS(EKS_ITEM_COLUMNS)
};
extern const struct row_table eks_item_table;

/* All clusters of an account's region, or of the world when both are empty; by creation. */
int cluster_list(struct store *s, struct arena *a, struct str account, struct str region,
                 struct cluster **ret_first);
/* The cluster of that name in an account's region (anywhere when both are empty), or NULL. */
int cluster_find(struct store *s, struct arena *a, struct str account, struct str region,
                 struct str name, struct cluster **ret_cluster);
int cluster_find_by_issuer(struct store *s, struct arena *a, struct str issuer_id,
                           struct cluster **ret_cluster);
int nodegroup_list(struct store *s, struct arena *a, struct str cluster,
                   struct nodegroup **ret_first);
int nodegroup_find(struct store *s, struct arena *a, struct str cluster, struct str name,
                   struct nodegroup **ret_nodegroup);
int fargate_profile_list(struct store *s, struct arena *a, struct str cluster,
                         struct fargate_profile **ret_first);
int fargate_profile_find(struct store *s, struct arena *a, struct str cluster, struct str name,
                         struct fargate_profile **ret_profile);

int cluster_insert(struct store *s, const struct cluster *c);
int cluster_update(struct store *s, const struct cluster *c);
/* With everything that hangs on it but node groups and profiles, which must be gone before. */
int cluster_delete(struct store *s, struct str name);
int nodegroup_insert(struct store *s, const struct nodegroup *n);
int nodegroup_update(struct store *s, const struct nodegroup *n);
int nodegroup_delete(struct store *s, struct str cluster, struct str name);
int fargate_profile_insert(struct store *s, const struct fargate_profile *p);
int fargate_profile_delete(struct store *s, struct str cluster, struct str name);

/* Of a cluster in order of creation, one when @principal is not empty. */
int access_entry_list(struct store *s, struct arena *a, struct str cluster, struct str principal,
                      struct access_entry **ret_first);
int access_entry_insert(struct store *s, const struct access_entry *e);
int access_entry_update(struct store *s, const struct access_entry *e);
/* With its policies. */
int access_entry_delete(struct store *s, struct str cluster, struct str principal);
int access_policy_list(struct store *s, struct arena *a, struct str cluster, struct str principal,
                       struct access_policy **ret_first);
/* Adds one, or gives the one that is there another scope. */
int access_policy_put(struct store *s, const struct access_policy *p);
int access_policy_delete(struct store *s, struct str cluster, struct str principal,
                         struct str policy);

/* Of a cluster and a kind in order of creation, one when @name is not empty. */
int eks_item_list(struct store *s, struct arena *a, struct str cluster, struct str kind,
                  struct str name, struct eks_item **ret_first);
int eks_item_insert(struct store *s, const struct eks_item *i);
int eks_item_update(struct store *s, const struct eks_item *i);
int eks_item_delete(struct store *s, struct str cluster, struct str kind, struct str name);

/* "https://oidc.eks.<region>.amazonaws.com/id/<issuer id>". In @a. */
struct str cluster_issuer(struct arena *a, const struct cluster *c);
struct str cluster_arn(struct arena *a, const struct cluster *c);

/* Where the cluster's signing key lies among the settings, and the key itself as PEM (empty while
 * there is none). In @a. 0 or a negative error of the store. */
struct str cluster_signing_key_name(struct arena *a, struct str cluster);
int cluster_signing_key(struct store *s, struct arena *a, struct str cluster, struct str *ret_pem);
