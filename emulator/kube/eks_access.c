/* Access policies: what EKS' own authorizer grants beside RBAC.
 * Source: Amazon EKS User Guide, "Associate access policies with access entries", "Review access
 * policy permissions". */
#include "kube/authz.h"
#include "kube/eks_token.h"
#include "store/eks.h"

#define POLICY_ARN "arn:aws:eks::aws:cluster-access-policy/"

/* What a policy grants is what the ClusterRole of the same meaning does. */
static const struct {
    struct str policy, role;
} policies[] = {
    {STR_INIT(POLICY_ARN "AmazonEKSClusterAdminPolicy"), STR_INIT("cluster-admin")},
    {STR_INIT(POLICY_ARN "AmazonEKSAdminPolicy"),        STR_INIT("admin")        },
    {STR_INIT(POLICY_ARN "AmazonEKSEditPolicy"),         STR_INIT("edit")         },
    {STR_INIT(POLICY_ARN "AmazonEKSViewPolicy"),         STR_INIT("view")         },
};

static struct rbac_strings one(struct arena *a, struct str word)
{
    struct str *at = arena_alloc(a, sizeof *at);

    *at = word;
    return (struct rbac_strings){at, word.n > 0 ? 1 : 0};
}

/* What is asked, as a rule that must be covered. */
static struct rbac_rules as_rules(struct arena *a, const struct rbac_request *r)
{
    struct rbac_rule *rule = arena_alloc(a, sizeof *rule);
    struct str resource = r->resource;
    struct rbac_strings groups = one(a, r->group);

    groups.n = 1; /* the core group is the empty word */
    if (r->subresource.n > 0)
        resource = arena_printf(a, "%.*s/%.*s", STR_ARG(resource), STR_ARG(r->subresource));
    if (r->path.n > 0)
        *rule = (struct rbac_rule){.verbs = one(a, r->verb), .urls = one(a, r->path)};
    else
        *rule = (struct rbac_rule){.verbs = one(a, r->verb),
                                   .groups = groups,
                                   .resources = one(a, resource),
                                   .names = one(a, r->name)};
    return (struct rbac_rules){rule, 1};
}

static bool is_read(struct str verb)
{
    return str_is(verb, "get") || str_is(verb, "list") || str_is(verb, "watch");
}

static bool policy_grants(struct kube_cluster *c, struct arena *a, struct str policy,
                          const struct rbac_request *r)
{
    struct rbac_rules held;

    if (str_is(policy, POLICY_ARN "AmazonEKSAdminViewPolicy"))
        return r->path.n == 0 && is_read(r->verb);
    for (size_t i = 0; i < ARRAY_LEN(policies); i++)
        if (str_eq(policy, policies[i].policy))
            return rbac_role_rules(authz_policy(c), S(""), policies[i].role, &held) &&
                   rbac_missing(a, held, as_rules(a, r)).n == 0;
    return false;
}

/* A policy of the whole cluster, or of namespaces that the request is in one of. */
static bool is_in_scope(const struct access_policy *p, struct str ns)
{
    CLEANUP(json_freep) cJSON *namespaces = NULL;

    if (!str_is(p->scope, "namespace"))
        return true;
    namespaces = json_parse(p->namespaces, NULL);
    JSON_EACH(item, namespaces) {
        struct str wanted = json_text(item);
        bool prefix = wanted.n > 0 && wanted.at[wanted.n - 1] == '*';

        if (prefix ? str_starts(ns, str_first(wanted, wanted.n - 1)) : str_eq(ns, wanted))
            return ns.n > 0;
    }
    return false;
}

/* "arn:aws:iam::A:role/path/R" without the path. */
static struct str canonical(struct arena *a, struct str arn)
{
    size_t role = str_find(arn, S(":role/")), slash = str_rchr(arn, '/');

    if (role == STR_NONE || slash == STR_NONE)
        return arn;
    return arena_printf(a, "%.*s%.*s", STR_ARG(str_first(arn, role + sizeof ":role/" - 1)),
                        STR_ARG(str_from(arn, slash + 1)));
}

static bool entry_allows(struct kube_cluster *c, struct arena *a, struct str principal,
                         const struct rbac_request *r)
{
    struct access_policy *first = NULL;

    if (access_policy_list(c->kube->store, a, c->options.name, principal, &first) < 0)
        return false;
    for (const struct access_policy *p = first; p != NULL; p = p->next)
        if (is_in_scope(p, r->ns) && policy_grants(c, a, p->policy, r))
            return true;
    return false;
}

bool eks_access_allows(struct kube_cluster *c, struct arena *a, const struct rbac_user *u,
                       const struct rbac_request *r)
{
    struct str arn = json_text(cJSON_GetArrayItem(json_get(u->extra, "canonicalArn"), 0));
    struct access_entry *first = NULL;

    if (arn.n == 0 || access_entry_list(c->kube->store, a, c->options.name, S(""), &first) < 0)
        return false;
    for (const struct access_entry *e = first; e != NULL; e = e->next)
        if (str_eq(canonical(a, e->principal), arn) && entry_allows(c, a, e->principal, r))
            return true;
    return false;
}
