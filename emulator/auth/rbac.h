/* Kubernetes' role based access control: may this user do this? A policy is compiled from the
 * RBAC objects of a cluster; deciding is pure. Source: Kubernetes "Using RBAC Authorization". */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

struct rbac_strings {
    struct str *at;
    size_t n;
};

struct rbac_rule {
    struct rbac_strings verbs, groups, resources, names, urls;
};

struct rbac_rules {
    struct rbac_rule *at;
    size_t n;
};

/* Who asks. */
struct rbac_user {
    struct str name, uid;
    struct rbac_strings groups;
    const cJSON *extra; /* {key: [values]} or NULL; borrowed */
};

/* What is asked: a resource, or a path when @path is not empty. */
struct rbac_request {
    struct str verb;
    struct str group, resource, subresource;
    struct str ns, name;
    struct str path;
};

struct rbac_policy;

/* An empty policy in @a. Objects are copied into @a when added. */
struct rbac_policy *rbac_policy_new(struct arena *a);

/* Adds a Role (@ns not empty) or ClusterRole, a RoleBinding or ClusterRoleBinding: documents of
 * rbac.authorization.k8s.io/v1. Unknown shapes count as empty. */
void rbac_policy_add_role(struct rbac_policy *p, struct str ns, const cJSON *role);
void rbac_policy_add_binding(struct rbac_policy *p, struct str ns, const cJSON *binding);

/* Whether @u may. *ret_reason (in @a; may be NULL): why, as a review's status words it; when denied
 * it is empty, or names what kept a binding from counting (a role that does not exist). */
bool rbac_allows(const struct rbac_policy *p, struct arena *a, const struct rbac_user *u,
                 const struct rbac_request *r, struct str *ret_reason);

/* Every rule that holds for @u in @ns (cluster-wide ones included), in binding order. In @a. */
struct rbac_rules rbac_rules_of(const struct rbac_policy *p, struct arena *a,
                                const struct rbac_user *u, struct str ns);

/* The rules that a role document spells out. In @a. */
struct rbac_rules rbac_rules_read(struct arena *a, const cJSON *role);

/* The rules of @ns's Role (or of a ClusterRole when @ns is empty); false when there is none. */
bool rbac_role_rules(const struct rbac_policy *p, struct str ns, struct str name,
                     struct rbac_rules *ret_rules);

/* Of @wanted, what @held does not cover, one rule for each verb, group and resource that is
 * missing, as "{APIGroups:[…], Resources:[…], Verbs:[…]}" lines; empty when all is covered. In @a.
 */
struct str rbac_missing(struct arena *a, struct rbac_rules held, struct rbac_rules wanted);

bool rbac_in_group(const struct rbac_user *u, struct str group);
