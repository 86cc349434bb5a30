/* Roles and bindings. Source: Kubernetes, pkg/apis/rbac/validation. */
#include "kube/validation_kinds.h"

#define RBAC_GROUP "rbac.authorization.k8s.io"

static bool is_namespaced(const struct checks *c)
{
    return (c->kind->flags & KIND_NAMESPACED) != 0;
}

static int count(const cJSON *rule, const char *member)
{
    return cJSON_GetArraySize(json_get(rule, member));
}

static void check_rule(struct checks *c, struct str place, const cJSON *rule)
{
    if (count(rule, "verbs") == 0)
        find_required(c, at_child(c, place, "verbs"), "verbs must contain at least one value");
    if (count(rule, "nonResourceURLs") > 0) {
        struct str urls = at_child(c, place, "nonResourceURLs");

        if (is_namespaced(c))
            find_invalid(c, urls, json_get(rule, "nonResourceURLs"),
                         "namespaced rules cannot apply to non-resource URLs");
        if (count(rule, "apiGroups") > 0 || count(rule, "resources") > 0 ||
            count(rule, "resourceNames") > 0)
            find_invalid(c, urls, json_get(rule, "nonResourceURLs"),
                         "rules cannot apply to both regular resources and non-resource URLs");
        return;
    }
    if (count(rule, "apiGroups") == 0)
        find_required(c, at_child(c, place, "apiGroups"),
                      "resource rules must supply at least one api group");
    if (count(rule, "resources") == 0)
        find_required(c, at_child(c, place, "resources"),
                      "resource rules must supply at least one resource");
}

void validate_role(struct checks *c, const cJSON *old, const cJSON *doc)
{
    size_t i = 0;

    (void)old;
    JSON_EACH(rule, json_get(doc, "rules"))
        check_rule(c, at_index(c, S("rules"), i++), rule);
}

/* --- bindings ------------------------------------------------------------------------------- */

static void check_group(struct checks *c, struct str place, const cJSON *holder, const char *wanted)
{
    const char *const only[] = {wanted};
    const cJSON *group = json_get(holder, "apiGroup");

    if (group == NULL || str_is(json_text(group), wanted)) /* absent: defaulted */
        return;
    find_unsupported(c, at_child(c, place, "apiGroup"), group, only, 1);
}

static void check_subject(struct checks *c, struct str place, const cJSON *subject)
{
    static const char *const kinds_of[] = {"Group", "ServiceAccount", "User"};
    struct str kind = json_str(subject, "kind"), name = json_str(subject, "name");

    if (name.n == 0)
        find_required(c, at_child(c, place, "name"), "");
    if (str_is(kind, "ServiceAccount")) {
        if (name.n > 0)
            check_word(c, at_child(c, place, "name"), name, word_dns_subdomain);
        check_group(c, place, subject, "");
        if (!is_namespaced(c) && json_str(subject, "namespace").n == 0)
            find_required(c, at_child(c, place, "namespace"), "");
    } else if (str_is(kind, "User") || str_is(kind, "Group")) {
        check_group(c, place, subject, RBAC_GROUP);
    } else {
        find_unsupported(c, at_child(c, place, "kind"), json_get(subject, "kind"), kinds_of,
                         ARRAY_LEN(kinds_of));
    }
}

static void check_reference(struct checks *c, const cJSON *ref)
{
    static const char *const either[] = {"ClusterRole", "Role"};
    struct str kind = json_str(ref, "kind");
    bool fits = str_is(kind, "ClusterRole") || (is_namespaced(c) && str_is(kind, "Role"));

    check_group(c, S("roleRef"), ref, RBAC_GROUP);
    if (!fits)
        find_unsupported(c, S("roleRef.kind"), json_get(ref, "kind"), either,
                         is_namespaced(c) ? 2 : 1);
    need_word(c, S("roleRef.name"), json_str(ref, "name"), word_path_segment);
}

void validate_binding(struct checks *c, const cJSON *old, const cJSON *doc)
{
    const cJSON *ref = json_get(doc, "roleRef");
    size_t i = 0;

    check_reference(c, ref);
    JSON_EACH(subject, json_get(doc, "subjects"))
        check_subject(c, at_index(c, S("subjects"), i++), subject);
    if (old != NULL && !json_equal(json_get(old, "roleRef"), ref))
        find_invalid(c, S("roleRef"), ref, "cannot change roleRef");
}
