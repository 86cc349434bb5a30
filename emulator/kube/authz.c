/* Authorisation of calls. The policy is compiled from the RBAC objects in memory when it is first
 * needed after a change: a walk over some hundred small documents.
 * Source: Kubernetes "Authorization Overview"; words of k8s.io/apiserver's responsewriters. */
#include "kube/authz.h"

#include "kube/eks_token.h"
#include "kube/routes.h"

static const struct str rbac_resources[] = {
    STR_INIT("rbac.authorization.k8s.io/clusterroles"),
    STR_INIT("rbac.authorization.k8s.io/roles"),
    STR_INIT("rbac.authorization.k8s.io/clusterrolebindings"),
    STR_INIT("rbac.authorization.k8s.io/rolebindings"),
};
enum { ROLE_RESOURCES = 2 };

bool authz_is_rbac(struct str resource)
{
    return str_starts(resource, S("rbac.authorization.k8s.io/"));
}

void authz_forget(struct kube_cluster *c)
{
    c->policy = NULL;
}

const struct rbac_policy *authz_policy(struct kube_cluster *c)
{
    CLEANUP(arena_free) struct arena a = {0};

    if (c->policy != NULL)
        return c->policy;
    arena_free(&c->policy_arena);
    c->policy = rbac_policy_new(&c->policy_arena);
    for (size_t i = 0; i < ARRAY_LEN(rbac_resources); i++) {
        struct object_list list =
            object_list(c->kube->objects, &a, c->options.name, rbac_resources[i], S(""));

        for (size_t j = 0; j < list.n; j++) {
            CLEANUP(json_freep) cJSON *doc = object_copy_doc(list.at[j]);

            (i < ROLE_RESOURCES ? rbac_policy_add_role
                                : rbac_policy_add_binding)(c->policy, list.at[j]->key.ns, doc);
        }
    }
    return c->policy;
}

struct rbac_request authz_request(const struct kube_call *c)
{
    const struct kube_target *t = &c->target;

    if (!t->is_resource)
        return (struct rbac_request){.verb = t->verb, .path = t->path};
    return (struct rbac_request){
        .verb = t->verb,
        .group = t->group,
        .resource = t->resource,
        .subresource = t->sub,
        .ns = t->ns,
        .name = t->name,
    };
}

/* As the server escapes what it repeats to the client. */
static struct str escaped(struct arena *a, struct str s)
{
    struct buf b = buf_init(s.n * 5 + 1);
    struct str out;

    for (size_t i = 0; i < s.n; i++) {
        if (s.at[i] == '&')
            buf_add(&b, S("&amp;"));
        else if (s.at[i] == '<')
            buf_add(&b, S("&lt;"));
        else if (s.at[i] == '>')
            buf_add(&b, S("&gt;"));
        else
            buf_char(&b, s.at[i]);
    }
    out = arena_str(a, buf_str(&b));
    buf_free(&b);
    return out;
}

struct str authz_denial(struct arena *a, const struct rbac_user *u, const struct rbac_request *r,
                        struct str reason)
{
    struct str user = escaped(a, u->name), where, what;

    if (r->path.n > 0) {
        struct str path = escaped(a, r->path);

        return arena_printf(a, "User \"%.*s\" cannot %.*s path \"%.*s\"%s%.*s", STR_ARG(user),
                            STR_ARG(r->verb), STR_ARG(path), reason.n > 0 ? ": " : "",
                            STR_ARG(reason));
    }
    what = r->subresource.n == 0
               ? r->resource
               : arena_printf(a, "%.*s/%.*s", STR_ARG(r->resource), STR_ARG(r->subresource));
    where = r->ns.n == 0 ? S("at the cluster scope")
                         : arena_printf(a, "in the namespace \"%.*s\"", STR_ARG(r->ns));
    where = escaped(a, where);
    return arena_printf(
        a, "User \"%.*s\" cannot %.*s resource \"%.*s\" in API group \"%.*s\" %.*s%s%.*s",
        STR_ARG(user), STR_ARG(r->verb), STR_ARG(escaped(a, what)), STR_ARG(escaped(a, r->group)),
        STR_ARG(where), reason.n > 0 ? ": " : "", STR_ARG(reason));
}

static bool refuse(struct kube_call *c, const struct rbac_request *r, struct str reason)
{
    struct str why = authz_denial(c->arena, &c->user, r, reason), what;

    if (r->path.n > 0)
        return kube_call_fail(
            c, &(struct kube_failure){
                   .code = 403,
                   .reason = "Forbidden",
                   .message = arena_printf(c->arena, "forbidden: %.*s", STR_ARG(why)),
               });
    what = r->group.n == 0
               ? r->resource
               : arena_printf(c->arena, "%.*s.%.*s", STR_ARG(r->resource), STR_ARG(r->group));
    if (r->name.n > 0)
        what = arena_printf(c->arena, "%.*s \"%.*s\"", STR_ARG(what), STR_ARG(r->name));
    return kube_call_fail(c, &(struct kube_failure){
                                 .code = 403,
                                 .reason = "Forbidden",
                                 .message = arena_printf(c->arena, "%.*s is forbidden: %.*s",
                                                         STR_ARG(what), STR_ARG(why)),
                                 .name = r->name,
                                 .group = r->group,
                                 .kind = r->resource,
                             });
}

bool authz_allows(struct kube_cluster *c, struct arena *a, const struct rbac_user *u,
                  const struct rbac_request *r, struct str *ret_reason)
{
    return rbac_allows(authz_policy(c), a, u, r, ret_reason) || eks_access_allows(c, a, u, r);
}

bool authz_check(struct kube_call *c)
{
    struct rbac_request r = authz_request(c);
    struct str reason;

    if (authz_allows(c->cluster, c->arena, &c->user, &r, &reason))
        return true;
    return refuse(c, &r, reason);
}

/* --- aggregation -------------------------------------------------------------------------- */

static bool has_label(const struct object *role, struct str key, struct str value)
{
    for (size_t i = 0; i < role->label_count; i++)
        if (str_eq(role->labels[i].key, key))
            return str_eq(role->labels[i].value, value);
    return false;
}

static bool selects(const cJSON *selector, const struct object *role)
{
    const cJSON *wanted = json_get(selector, "matchLabels");

    if (wanted == NULL || wanted->child == NULL)
        return false;
    JSON_EACH(label, wanted)
        if (!has_label(role, str_c(label->string), json_text(label)))
            return false;
    return true;
}

static bool is_part_of(const cJSON *whole, const struct object *role)
{
    JSON_EACH(selector, json_get(whole, "aggregationRule.clusterRoleSelectors"))
        if (selects(selector, role))
            return true;
    return false;
}

static bool has_rule(const cJSON *rules, const cJSON *rule)
{
    JSON_EACH(one, rules)
        if (json_equal(one, rule))
            return true;
    return false;
}

/* The rules of every role that @whole selects, in the order of their names, each once. */
static cJSON *gather_rules(struct object_list roles, const struct object *self, const cJSON *whole)
{
    cJSON *rules = cJSON_CreateArray();

    for (size_t i = 0; i < roles.n; i++) {
        if (roles.at[i] == self || !is_part_of(whole, roles.at[i]))
            continue;
        JSON_EACH(rule, json_get(object_doc(roles.at[i]), "rules"))
            if (!has_rule(rules, rule))
                cJSON_AddItemToArray(rules, cJSON_Duplicate(rule, true));
    }
    return rules;
}

static int put_rules(struct kube_cluster *c, struct object *o, cJSON *doc)
{
    struct store *s = c->kube->store;
    int r = store_begin(s);

    if (r < 0) {
        cJSON_Delete(doc);
        return r;
    }
    r = object_put(c->kube->objects, o->key, doc, NULL);
    if (r == 0)
        return store_commit(s);
    store_rollback(s);
    return r;
}

/* Whether a change of a role may change what @whole, kept in @o, gathers. */
static bool concerns(const cJSON *whole, const struct object *o, const struct object_change *change)
{
    return str_eq(o->key.name, change->now->key.name) || is_part_of(whole, change->now) ||
           (change->old != NULL && is_part_of(whole, change->old));
}

void authz_aggregate(struct kube_cluster *c, const struct object_change *change)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct object_list roles;

    if (!str_eq(change->now->key.resource, rbac_resources[0]))
        return;
    roles = object_list(c->kube->objects, &a, c->options.name, rbac_resources[0], S(""));
    for (size_t i = 0; i < roles.n; i++) {
        CLEANUP(json_freep) cJSON *doc = NULL;
        cJSON *rules;

        if (str_find(roles.at[i]->json, S("\"aggregationRule\"")) == STR_NONE)
            continue; /* nearly all of them: not worth parsing */
        if (!concerns(object_doc(roles.at[i]), roles.at[i], change))
            continue;
        doc = object_copy_doc(roles.at[i]);
        if (json_get(doc, "aggregationRule") == NULL)
            continue;
        rules = gather_rules(roles, roles.at[i], doc);
        if (json_equal(json_get(doc, "rules"), rules)) {
            cJSON_Delete(rules);
            continue;
        }
        json_put(doc, S("rules"), rules);
        authz_forget(c);
        if (put_rules(c, roles.at[i], TAKE(doc)) < 0)
            return;
    }
}
