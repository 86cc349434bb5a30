/* The RBAC that every cluster starts with, as rows.
 * Source: Kubernetes "Using RBAC Authorization", "Default roles and role bindings". */
#pragma once

#include <stddef.h>

/* One rule. Lists are space separated; "core" is the group without a name. */
struct bootstrap_rule {
    const char *role; /* a ClusterRole; rows of one role stand together */
    const char *verbs, *groups, *resources;
    const char *urls; /* instead of groups and resources */
};

/* A ClusterRole with a label, or put together from those that have it. */
struct bootstrap_role {
    const char *name;
    const char *label; /* "rbac.authorization.k8s.io/aggregate-to-…": it is part of that, or NULL */
    const char *gathers; /* the label of the roles that it is put together from, or NULL */
};

/* A ClusterRoleBinding of the role of the same name. */
struct bootstrap_binding {
    const char *role, *kind, *subject; /* an account's is "namespace/name"; NULL: nobody */
};

extern const struct bootstrap_rule bootstrap_rules[];
extern const size_t bootstrap_rule_count;
extern const struct bootstrap_role bootstrap_roles[];
extern const size_t bootstrap_role_count;
extern const struct bootstrap_binding bootstrap_bindings[];
extern const size_t bootstrap_binding_count;
