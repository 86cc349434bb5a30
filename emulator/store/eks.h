/* EKS: clusters, node groups, Fargate profiles. Lists (subnets, security groups) are words parted
 * by spaces; selectors are JSON. Changes announce CHANGE_EKS with the cluster's name. */
#pragma once

#include "store/row.h"

extern const char eks_schema_1[];

#define CLUSTER_COLUMNS(X)                                                                   \
    X(TEXT, name)                                                                            \
    X(TEXT, account) X(TEXT, region) X(TEXT, version) X(TEXT, status) X(TEXT, role_arn)      \
        X(TEXT, vpc) X(TEXT, subnets) X(TEXT, security_groups) X(TEXT, cluster_group)        \
            X(TEXT, issuer_id) X(TEXT, service_cidr) X(TEXT, authentication) X(INT, created) \
                X(INT, port)
struct cluster { /* issuer_id: 32 upper-case hex; cluster_group: the cluster security group;
                  * port: where its API server listens, 0 until it does */
    struct cluster *next;
    ROW_FIELDS(CLUSTER_COLUMNS)
};
extern const struct row_table cluster_table;

#define NODEGROUP_COLUMNS(X)                                                              \
    X(TEXT, name)                                                                         \
    X(TEXT, cluster) X(TEXT, arn) X(TEXT, status) X(TEXT, subnets) X(TEXT, instance_type) \
        X(TEXT, node_role) X(TEXT, labels) X(TEXT, ami_type) X(TEXT, capacity_type)       \
            X(INT, minimum) X(INT, desired) X(INT, maximum) X(INT, disk) X(TEXT, version) \
                X(INT, created) X(INT, modified)
struct nodegroup { /* labels: a JSON object */
    struct nodegroup *next;
    ROW_FIELDS(NODEGROUP_COLUMNS)
};
extern const struct row_table nodegroup_table;

#define FARGATE_PROFILE_COLUMNS(X)                                                   \
    X(TEXT, name)                                                                    \
    X(TEXT, cluster) X(TEXT, arn) X(TEXT, status) X(TEXT, role_arn) X(TEXT, subnets) \
        X(TEXT, selectors) X(INT, created)
struct fargate_profile { /* selectors: [{"namespace": …, "labels": {…}}] */
    struct fargate_profile *next;
    ROW_FIELDS(FARGATE_PROFILE_COLUMNS)
};
extern const struct row_table fargate_profile_table;

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
int cluster_delete(struct store *s, struct str name);
int nodegroup_insert(struct store *s, const struct nodegroup *n);
int nodegroup_update(struct store *s, const struct nodegroup *n);
int nodegroup_delete(struct store *s, struct str cluster, struct str name);
int fargate_profile_insert(struct store *s, const struct fargate_profile *p);
int fargate_profile_delete(struct store *s, struct str cluster, struct str name);

/* "https://oidc.eks.<region>.amazonaws.com/id/<issuer id>". In @a. */
struct str cluster_issuer(struct arena *a, const struct cluster *c);
struct str cluster_arn(struct arena *a, const struct cluster *c);

/* Where the cluster's signing key lies among the settings, and the key itself as PEM (empty while
 * there is none). In @a. 0 or a negative error of the store. */
struct str cluster_signing_key_name(struct arena *a, struct str cluster);
int cluster_signing_key(struct store *s, struct arena *a, struct str cluster, struct str *ret_pem);
