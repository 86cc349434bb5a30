/* RBAC: rules, bindings and the decision. Everything lives in the policy's arena.
 * Source: Kubernetes "Using RBAC Authorization"; rule matching as its "Referring to resources". */
#include "auth/rbac.h"

enum subject_kind { SUBJECT_USER, SUBJECT_GROUP, SUBJECT_ACCOUNT };

struct subject {
    enum subject_kind kind;
    struct str name; /* an account's is its whole user name */
};

struct role {
    struct role *next;
    struct str ns, name;
    struct rbac_rules rules;
};

struct binding {
    struct binding *next;
    struct str ns, name; /* ns empty: a ClusterRoleBinding */
    struct str role_kind, role_name;
    struct subject *subjects;
    size_t subject_count;
};

struct rbac_policy {
    struct arena *arena;
    struct role *roles, **role_tail;
    struct binding *bindings, **binding_tail;
};

struct rbac_policy *rbac_policy_new(struct arena *a)
{
    struct rbac_policy *p = arena_alloc(a, sizeof *p);

    p->arena = a;
    p->role_tail = &p->roles;
    p->binding_tail = &p->bindings;
    return p;
}

/* --- reading documents ------------------------------------------------------------------ */

static struct rbac_strings read_strings(struct arena *a, const cJSON *list)
{
    struct rbac_strings s = {0};

    if (!cJSON_IsArray(list))
        return s;
    s.at = arena_array(a, (size_t)cJSON_GetArraySize(list) + 1, sizeof *s.at);
    JSON_EACH(item, list)
        if (cJSON_IsString(item))
            s.at[s.n++] = arena_str(a, json_text(item));
    return s;
}

struct rbac_rules rbac_rules_read(struct arena *a, const cJSON *role)
{
    const cJSON *list = json_get(role, "rules");
    struct rbac_rules rules = {0};

    if (!cJSON_IsArray(list))
        return rules;
    rules.at = arena_array(a, (size_t)cJSON_GetArraySize(list) + 1, sizeof *rules.at);
    JSON_EACH(rule, list)
        rules.at[rules.n++] = (struct rbac_rule){
            .verbs = read_strings(a, json_get(rule, "verbs")),
            .groups = read_strings(a, json_get(rule, "apiGroups")),
            .resources = read_strings(a, json_get(rule, "resources")),
            .names = read_strings(a, json_get(rule, "resourceNames")),
            .urls = read_strings(a, json_get(rule, "nonResourceURLs")),
        };
    return rules;
}

void rbac_policy_add_role(struct rbac_policy *p, struct str ns, const cJSON *role)
{
    struct role *r = arena_alloc(p->arena, sizeof *r);

    r->ns = arena_str(p->arena, ns);
    r->name = arena_str(p->arena, json_str(role, "metadata.name"));
    r->rules = rbac_rules_read(p->arena, role);
    *p->role_tail = r;
    p->role_tail = &r->next;
}

static bool read_subject(struct arena *a, struct str ns, const cJSON *doc, struct subject *ret)
{
    struct str kind = json_str(doc, "kind"), name = json_str(doc, "name");
    struct str home = json_str(doc, "namespace");

    if (str_is(kind, "User") || str_is(kind, "Group")) {
        *ret = (struct subject){str_is(kind, "User") ? SUBJECT_USER : SUBJECT_GROUP,
                                arena_str(a, name)};
        return true;
    }
    if (!str_is(kind, "ServiceAccount"))
        return false;
    if (home.n == 0)
        home = ns;
    *ret = (struct subject){SUBJECT_ACCOUNT, arena_printf(a, "system:serviceaccount:%.*s:%.*s",
                                                          STR_ARG(home), STR_ARG(name))};
    return true;
}

void rbac_policy_add_binding(struct rbac_policy *p, struct str ns, const cJSON *binding)
{
    struct binding *b = arena_alloc(p->arena, sizeof *b);
    const cJSON *subjects = json_get(binding, "subjects");

    b->ns = arena_str(p->arena, ns);
    b->name = arena_str(p->arena, json_str(binding, "metadata.name"));
    b->role_kind = arena_str(p->arena, json_str(binding, "roleRef.kind"));
    b->role_name = arena_str(p->arena, json_str(binding, "roleRef.name"));
    if (cJSON_IsArray(subjects)) {
        b->subjects =
            arena_array(p->arena, (size_t)cJSON_GetArraySize(subjects) + 1, sizeof *b->subjects);
        JSON_EACH(subject, subjects)
            if (read_subject(p->arena, ns, subject, &b->subjects[b->subject_count]))
                b->subject_count++;
    }
    *p->binding_tail = b;
    p->binding_tail = &b->next;
}

/* --- matching --------------------------------------------------------------------------- */

static bool has(struct rbac_strings list, struct str s)
{
    for (size_t i = 0; i < list.n; i++)
        if (str_eq(list.at[i], s))
            return true;
    return false;
}

static bool has_or_star(struct rbac_strings list, struct str s)
{
    return has(list, S("*")) || has(list, s);
}

bool rbac_in_group(const struct rbac_user *u, struct str group)
{
    return has(u->groups, group);
}

/* "pods", "pods/log", "*" and, for a part of any resource, "*" "/log". */
static bool matches_resource(struct rbac_strings list, struct str resource, struct str sub)
{
    for (size_t i = 0; i < list.n; i++) {
        struct str r = list.at[i], head, tail;

        if (str_is(r, "*"))
            return true;
        if (sub.n == 0) {
            if (str_eq(r, resource))
                return true;
            continue;
        }
        if (str_cut(r, '/', &head, &tail) && str_eq(tail, sub) &&
            (str_is(head, "*") || str_eq(head, resource)))
            return true;
    }
    return false;
}

static bool matches_url(struct rbac_strings list, struct str path)
{
    for (size_t i = 0; i < list.n; i++) {
        struct str u = list.at[i];

        if (str_eq(u, path) || str_is(u, "*"))
            return true;
        if (u.n > 0 && u.at[u.n - 1] == '*' && str_starts(path, str_first(u, u.n - 1)))
            return true;
    }
    return false;
}

static bool rule_allows(const struct rbac_rule *rule, const struct rbac_request *r)
{
    if (!has_or_star(rule->verbs, r->verb))
        return false;
    if (r->path.n > 0)
        return matches_url(rule->urls, r->path);
    return has_or_star(rule->groups, r->group) &&
           matches_resource(rule->resources, r->resource, r->subresource) &&
           (rule->names.n == 0 || (r->name.n > 0 && has(rule->names, r->name)));
}

static bool rules_allow(struct rbac_rules rules, const struct rbac_request *r)
{
    for (size_t i = 0; i < rules.n; i++)
        if (rule_allows(&rules.at[i], r))
            return true;
    return false;
}

static const struct subject *subject_of(const struct binding *b, const struct rbac_user *u)
{
    for (size_t i = 0; i < b->subject_count; i++) {
        const struct subject *s = &b->subjects[i];

        if (s->kind == SUBJECT_GROUP ? has(u->groups, s->name) : str_eq(s->name, u->name))
            return s;
    }
    return NULL;
}

bool rbac_role_rules(const struct rbac_policy *p, struct str ns, struct str name,
                     struct rbac_rules *ret_rules)
{
    for (const struct role *r = p->roles; r != NULL; r = r->next)
        if (str_eq(r->name, name) && str_eq(r->ns, ns)) {
            *ret_rules = r->rules;
            return true;
        }
    return false;
}

static bool binding_rules(const struct rbac_policy *p, const struct binding *b,
                          struct rbac_rules *ret_rules)
{
    struct str ns = str_is(b->role_kind, "Role") ? b->ns : (struct str){0};

    return rbac_role_rules(p, ns, b->role_name, ret_rules);
}

static struct str word_subject(struct arena *a, const struct subject *s)
{
    static const char *const words[] = {"User", "Group", "ServiceAccount"};
    struct str name = s->name;

    if (s->kind == SUBJECT_ACCOUNT) { /* "name/namespace", as the API server words it */
        struct str rest = str_from(name, sizeof "system:serviceaccount:" - 1), ns, account;

        if (str_cut(rest, ':', &ns, &account))
            name = arena_printf(a, "%.*s/%.*s", STR_ARG(account), STR_ARG(ns));
    }
    return arena_printf(a, "%s \"%.*s\"", words[s->kind], STR_ARG(name));
}

static struct str word_binding(struct arena *a, const struct binding *b, const struct subject *s)
{
    struct str who = word_subject(a, s);
    bool cluster = b->ns.n == 0;

    return arena_printf(a, "RBAC: allowed by %s \"%.*s%s%.*s\" of %.*s \"%.*s\" to %.*s",
                        cluster ? "ClusterRoleBinding" : "RoleBinding", STR_ARG(b->name),
                        cluster ? "" : "/", STR_ARG(b->ns), STR_ARG(b->role_kind),
                        STR_ARG(b->role_name), STR_ARG(who));
}

static struct str word_missing_role(struct arena *a, const struct binding *b)
{
    bool role = str_is(b->role_kind, "Role");

    return arena_printf(a, "%s.rbac.authorization.k8s.io \"%.*s\" not found",
                        role ? "role" : "clusterrole", STR_ARG(b->role_name));
}

bool rbac_allows(const struct rbac_policy *p, struct arena *a, const struct rbac_user *u,
                 const struct rbac_request *r, struct str *ret_reason)
{
    struct str reason = {0}, missing = {0};
    bool allowed = rbac_in_group(u, S("system:masters"));

    for (const struct binding *b = p->bindings; b != NULL && !allowed; b = b->next) {
        const struct subject *s;
        struct rbac_rules rules;

        if (b->ns.n > 0 && (r->path.n > 0 || !str_eq(b->ns, r->ns)))
            continue;
        s = subject_of(b, u);
        if (s == NULL)
            continue;
        if (!binding_rules(p, b, &rules)) {
            missing = missing.n == 0
                          ? arena_printf(a, "RBAC: %.*s", STR_ARG(word_missing_role(a, b)))
                          : missing;
            continue;
        }
        allowed = rules_allow(rules, r);
        if (allowed && ret_reason != NULL)
            reason = word_binding(a, b, s);
    }
    if (ret_reason != NULL)
        *ret_reason = allowed ? reason : missing;
    return allowed;
}

struct rbac_rules rbac_rules_of(const struct rbac_policy *p, struct arena *a,
                                const struct rbac_user *u, struct str ns)
{
    struct rbac_rules all = {0}, rules;
    size_t room = 3; /* two for system:masters, and never nothing */

    for (const struct role *r = p->roles; r != NULL; r = r->next)
        room += r->rules.n;
    for (const struct binding *b = p->bindings; b != NULL; b = b->next)
        room += binding_rules(p, b, &rules) ? rules.n : 0;
    all.at = arena_array(a, room, sizeof *all.at);
    if (rbac_in_group(u, S("system:masters"))) {
        struct str *star = arena_alloc(a, sizeof *star);
        struct rbac_strings any = {star, 1};

        *star = S("*");
        all.at[all.n++] = (struct rbac_rule){.verbs = any, .groups = any, .resources = any};
        all.at[all.n++] = (struct rbac_rule){.verbs = any, .urls = any};
    }
    for (const struct binding *b = p->bindings; b != NULL; b = b->next) {
        if ((b->ns.n > 0 && !str_eq(b->ns, ns)) || subject_of(b, u) == NULL ||
            !binding_rules(p, b, &rules))
            continue;
        for (size_t i = 0; i < rules.n; i++)
            all.at[all.n++] = rules.at[i];
    }
    return all;
}

/* --- escalation ------------------------------------------------------------------------- */

/* Whether one of @held covers the single verb, group, resource (or path) and name of @r. */
static bool held_covers(struct rbac_rules held, const struct rbac_request *r)
{
    for (size_t i = 0; i < held.n; i++) {
        const struct rbac_rule *h = &held.at[i];

        if (!has_or_star(h->verbs, r->verb))
            continue;
        if (r->path.n > 0 ? matches_url(h->urls, r->path)
                          : has_or_star(h->groups, r->group) &&
                                matches_resource(h->resources, r->resource, r->subresource) &&
                                (h->names.n == 0 || (r->name.n > 0 && has(h->names, r->name))))
            return true;
    }
    return false;
}

static struct rbac_strings or_nothing(struct rbac_strings s, struct str *nothing)
{
    return s.n > 0 ? s : (struct rbac_strings){nothing, 1};
}

static void miss_resources(struct arena *a, struct rbac_rules held, const struct rbac_rule *w,
                           struct str *missing)
{
    struct str nothing = {0};
    struct rbac_strings names = or_nothing(w->names, &nothing);

    for (size_t v = 0; v < w->verbs.n; v++)
        for (size_t g = 0; g < w->groups.n; g++)
            for (size_t r = 0; r < w->resources.n; r++)
                for (size_t n = 0; n < names.n; n++) {
                    struct str resource = w->resources.at[r], sub = {0};
                    struct rbac_request q;

                    (void)str_cut(resource, '/', &resource, &sub);
                    q = (struct rbac_request){.verb = w->verbs.at[v],
                                              .group = w->groups.at[g],
                                              .resource = resource,
                                              .subresource = sub,
                                              .name = names.at[n]};
                    if (held_covers(held, &q))
                        continue;
                    *missing = arena_printf(
                        a,
                        "%.*s\n{APIGroups:[\"%.*s\"], Resources:[\"%.*s\"]%s%.*s%s, "
                        "Verbs:[\"%.*s\"]}",
                        STR_ARG(*missing), STR_ARG(q.group), STR_ARG(w->resources.at[r]),
                        q.name.n > 0 ? ", ResourceNames:[\"" : "", STR_ARG(q.name),
                        q.name.n > 0 ? "\"]" : "", STR_ARG(q.verb));
                }
}

static void miss_urls(struct arena *a, struct rbac_rules held, const struct rbac_rule *w,
                      struct str *missing)
{
    for (size_t v = 0; v < w->verbs.n; v++)
        for (size_t i = 0; i < w->urls.n; i++) {
            struct rbac_request q = {.verb = w->verbs.at[v], .path = w->urls.at[i]};

            if (!held_covers(held, &q))
                *missing = arena_printf(a, "%.*s\n{NonResourceURLs:[\"%.*s\"], Verbs:[\"%.*s\"]}",
                                        STR_ARG(*missing), STR_ARG(q.path), STR_ARG(q.verb));
        }
}

struct str rbac_missing(struct arena *a, struct rbac_rules held, struct rbac_rules wanted)
{
    struct str missing = {0};

    for (size_t i = 0; i < wanted.n; i++) {
        miss_resources(a, held, &wanted.at[i], &missing);
        miss_urls(a, held, &wanted.at[i], &missing);
    }
    return str_from(missing, 1); /* without the first line end */
}
