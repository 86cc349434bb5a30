/* Privilege escalation. Source: Kubernetes "Using RBAC Authorization", "Privilege escalation
 * prevention and bootstrapping"; pkg/registry/rbac for the order of the checks and the words. */
#include "kube/escalation.h"

#include "kube/authz.h"

#define RBAC_GROUP S("rbac.authorization.k8s.io")

static bool may(struct kube_call *c, const char *verb, struct str resource, struct str ns,
                struct str name)
{
    struct rbac_request r = {
        .verb = str_c(verb), .group = RBAC_GROUP, .resource = resource, .ns = ns, .name = name};

    return authz_allows(c->cluster, c->arena, &c->user, &r, NULL);
}

/* "a" "b": as Go quotes a list. */
static struct str quoted(struct arena *a, struct rbac_strings words)
{
    struct str all = {0};

    for (size_t i = 0; i < words.n; i++)
        all =
            arena_printf(a, "%.*s%s\"%.*s\"", STR_ARG(all), i > 0 ? " " : "", STR_ARG(words.at[i]));
    return all;
}

/* Whether the user's own rules in @ns cover @wanted. */
static bool covers(struct kube_call *c, struct str ns, struct str name, struct rbac_rules wanted)
{
    struct rbac_rules held = rbac_rules_of(authz_policy(c->cluster), c->arena, &c->user, ns);
    struct str missing = rbac_missing(c->arena, held, wanted);

    if (missing.n == 0)
        return true;
    return call_forbidden(c, c->target.kind, name,
                          "user \"%.*s\" (groups=[%.*s]) is attempting to grant RBAC permissions "
                          "not currently held:\n%.*s",
                          STR_ARG(c->user.name), STR_ARG(quoted(c->arena, c->user.groups)),
                          STR_ARG(missing));
}

/* --- roles ---------------------------------------------------------------------------------- */

static bool same(const cJSON *a, const cJSON *b)
{
    bool none_a = cJSON_GetArraySize(a) == 0, none_b = cJSON_GetArraySize(b) == 0;

    return none_a || none_b ? none_a && none_b : json_equal(a, b);
}

/* What a role that gathers others may come to grant: everything. */
static struct rbac_rules everything(struct arena *a)
{
    struct rbac_rule *rules = arena_array(a, 2, sizeof *rules);
    struct str *star = arena_alloc(a, sizeof *star);
    struct rbac_strings all = {star, 1};

    *star = S("*");
    rules[0] = (struct rbac_rule){.verbs = all, .groups = all, .resources = all};
    rules[1] = (struct rbac_rule){.verbs = all, .urls = all};
    return (struct rbac_rules){rules, 2};
}

static bool check_role(struct kube_call *c, const cJSON *old, const cJSON *doc)
{
    struct str name = json_str(doc, "metadata.name");
    const cJSON *gathers = json_get(doc, "aggregationRule");

    if (may(c, "escalate", c->target.kind->plural, c->target.ns, name))
        return true;
    if (old != NULL && same(json_get(old, "rules"), json_get(doc, "rules")) &&
        (gathers == NULL || (json_get(old, "aggregationRule") != NULL &&
                             json_equal(json_get(old, "aggregationRule"), gathers))))
        return true;
    if (!covers(c, c->target.ns, name, rbac_rules_read(c->arena, doc)))
        return false;
    return gathers == NULL || covers(c, c->target.ns, name, everything(c->arena));
}

/* --- bindings ------------------------------------------------------------------------------- */

static bool check_binding(struct kube_call *c, const cJSON *old, const cJSON *doc)
{
    bool cluster_role = str_is(json_str(doc, "roleRef.kind"), "ClusterRole");
    struct str role = json_str(doc, "roleRef.name"), ns = cluster_role ? S("") : c->target.ns;
    struct str plural = cluster_role ? S("clusterroles") : S("roles");
    struct rbac_rules rules;

    if (old != NULL && same(json_get(old, "subjects"), json_get(doc, "subjects")))
        return true;
    if (may(c, "bind", plural, c->target.ns, role))
        return true;
    if (!rbac_role_rules(authz_policy(c->cluster), ns, role, &rules))
        return call_not_found(c, kind_find(0, RBAC_GROUP, S("v1"), plural), role);
    return covers(c, c->target.ns, json_str(doc, "metadata.name"), rules);
}

bool escalation_check(struct kube_call *c, const cJSON *old, const cJSON *doc)
{
    struct str plural = c->target.kind->plural;

    if (rbac_in_group(&c->user, S("system:masters")))
        return true;
    if (str_is(plural, "roles") || str_is(plural, "clusterroles"))
        return check_role(c, old, doc);
    return check_binding(c, old, doc);
}
