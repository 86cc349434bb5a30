/* Pods and their specs. Source: Kubernetes, pkg/apis/core/validation, for what is checked, in which
 * order and in which words. */
#include "kube/validation_kinds.h"

static const char *const restart_policies[] = {"Always", "OnFailure", "Never"};
static const char *const dns_policies[] = {"ClusterFirstWithHostNet", "ClusterFirst", "Default",
                                           "None"};
static const char *const preemption_policies[] = {"PreemptLowerPriority", "Never"};
static const char *const taint_effects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute"};
static const char *const toleration_operators[] = {"Equal", "Exists"};

/* --- tolerations -------------------------------------------------------------------------- */

static void check_toleration(struct checks *c, struct str place, const cJSON *t)
{
    struct str key = json_str(t, "key"), op = json_str(t, "operator"), value = json_str(t, "value");
    struct str effect = json_str(t, "effect"), at_operator = at_child(c, place, "operator");
    struct word_faults f = {.arena = c->arena};

    if (key.n > 0)
        check_word(c, at_child(c, place, "key"), key, word_qualified_name);
    else if (!str_is(op, "Exists"))
        find_invalid_text(c, at_operator, op,
                          "operator must be Exists when `key` is empty, which means \"match all "
                          "values and all keys\"");
    if (json_get(t, "tolerationSeconds") != NULL && !str_is(effect, "NoExecute"))
        find_invalid_text(c, at_child(c, place, "effect"), effect,
                          "effect must be 'NoExecute' when `tolerationSeconds` is set");
    if (op.n == 0 || str_is(op, "Equal")) {
        word_label_value(&f, value);
        for (size_t i = 0; i < f.n; i++)
            find_invalid_text(c, at_operator, value, arena_cstr(c->arena, f.at[i]));
    } else if (str_is(op, "Exists")) {
        if (value.n > 0)
            find_invalid_text(c, at_operator, value,
                              "value must be empty when `operator` is 'Exists'");
    } else {
        find_unsupported(c, at_operator, json_get(t, "operator"), toleration_operators,
                         ARRAY_LEN(toleration_operators));
    }
    if (effect.n > 0)
        CHECK_CHOICE(c, at_child(c, place, "effect"), json_get(t, "effect"), taint_effects);
}

void check_tolerations(struct checks *c, struct str place, const cJSON *tolerations)
{
    size_t i = 0;

    JSON_EACH(t, tolerations)
        check_toleration(c, at_index(c, place, i++), t);
}

/* --- the spec ----------------------------------------------------------------------------- */

static void check_host_network(struct checks *c, struct str place, const cJSON *spec, bool pod)
{
    struct str list = at_child(c, place, "containers");
    size_t i = 0;

    if (!json_bool(spec, "hostNetwork", false))
        return;
    JSON_EACH(container, json_get(spec, "containers")) {
        struct str ports = at_child(c, at_index(c, list, i++), "ports");
        size_t j = 0;

        JSON_EACH(port, json_get(container, "ports")) {
            int64_t number = json_int(port, "containerPort", 0);
            int64_t host = json_int(port, "hostPort", pod ? number : 0);

            if ((pod || host != 0) && host != number)
                find_invalid(c, at_child(c, at_index(c, ports, j), "hostPort"),
                             json_get(port, "hostPort"),
                             "must match `containerPort` when `hostNetwork` is true");
            j++;
        }
    }
}

static void check_words_of(struct checks *c, struct str place, const cJSON *spec)
{
    static const struct {
        const char *member;
        word_check *form;
    } words[] = {
        {"serviceAccountName", word_dns_subdomain},
        {"nodeName",           word_dns_subdomain},
        {"hostname",           word_dns_label    },
        {"subdomain",          word_dns_label    },
        {"priorityClassName",  word_dns_subdomain},
        {"runtimeClassName",   word_dns_subdomain},
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (json_str(spec, words[i].member).n > 0)
            check_word(c, at_child(c, place, words[i].member), json_str(spec, words[i].member),
                       words[i].form);
}

static void check_host_aliases(struct checks *c, struct str place, const cJSON *aliases)
{
    size_t i = 0;

    JSON_EACH(alias, aliases) {
        struct str one = at_index(c, place, i++), list = at_child(c, one, "hostnames");
        size_t j = 0;

        check_word(c, at_child(c, one, "ip"), json_str(alias, "ip"), word_ip);
        JSON_EACH(name, json_get(alias, "hostnames"))
            check_word(c, at_index(c, list, j++), json_text(name), word_dns_subdomain);
    }
}

static void check_gates(struct checks *c, struct str place, const cJSON *spec)
{
    struct str gates = at_child(c, place, "readinessGates");
    size_t i = 0;

    JSON_EACH(gate, json_get(spec, "readinessGates"))
        check_word(c, at_child(c, at_index(c, gates, i++), "conditionType"),
                   json_str(gate, "conditionType"), word_qualified_name);
    gates = at_child(c, place, "schedulingGates");
    i = 0;
    JSON_EACH(gate, json_get(spec, "schedulingGates"))
        check_word(c, at_index(c, gates, i++), json_str(gate, "name"), word_qualified_name);
}

static void check_deadline(struct checks *c, struct str place, const cJSON *spec)
{
    const cJSON *deadline = json_get(spec, "activeDeadlineSeconds");

    if (cJSON_IsNumber(deadline) &&
        (deadline->valuedouble < 1 || deadline->valuedouble > 2147483647))
        find_invalid(c, at_child(c, place, "activeDeadlineSeconds"), deadline,
                     "must be between 1 and 2147483647, inclusive");
}

void check_pod_spec(struct checks *c, struct str place, const cJSON *spec, bool pod)
{
    const cJSON *containers = json_get(spec, "containers");

    check_volumes(c, at_child(c, place, "volumes"), json_get(spec, "volumes"));
    if (cJSON_GetArraySize(containers) == 0)
        find_required(c, at_child(c, place, "containers"), "");
    check_containers(c, at_child(c, place, "containers"), containers, NULL, spec, false);
    check_containers(c, at_child(c, place, "initContainers"), json_get(spec, "initContainers"),
                     containers, spec, true);
    check_host_network(c, place, spec, pod);
    CHECK_CHOICE(c, at_child(c, place, "restartPolicy"), json_get(spec, "restartPolicy"),
                 restart_policies);
    CHECK_CHOICE(c, at_child(c, place, "dnsPolicy"), json_get(spec, "dnsPolicy"), dns_policies);
    check_labels(c, at_child(c, place, "nodeSelector"), json_get(spec, "nodeSelector"));
    check_gates(c, place, spec);
    check_words_of(c, place, spec);
    check_deadline(c, place, spec);
    check_tolerations(c, at_child(c, place, "tolerations"), json_get(spec, "tolerations"));
    check_host_aliases(c, at_child(c, place, "hostAliases"), json_get(spec, "hostAliases"));
    CHECK_CHOICE(c, at_child(c, place, "preemptionPolicy"), json_get(spec, "preemptionPolicy"),
                 preemption_policies);
}

void check_pod_template(struct checks *c, struct str place, const cJSON *template)
{
    check_labels(c, at_child(c, place, "labels"), json_get(template, "metadata.labels"));
    check_annotations(c, at_child(c, place, "annotations"),
                      json_get(template, "metadata.annotations"));
    check_pod_spec(c, at_child(c, place, "spec"), json_get(template, "spec"), false);
    if (cJSON_GetArraySize(json_get(template, "spec.ephemeralContainers")) > 0)
        find_forbidden(c, at_child(c, place, "spec.ephemeralContainers"),
                       "ephemeral containers not allowed in pod template");
}

void validate_podtemplate(struct checks *c, const cJSON *old, const cJSON *doc)
{
    (void)old;
    check_pod_template(c, S("template"), json_get(doc, "template"));
}

/* --- updates ------------------------------------------------------------------------------- */

static void copy_images(cJSON *spec, const cJSON *from, const char *list)
{
    int i = 0;

    JSON_EACH(container, json_get(spec, list)) {
        struct str image = json_str(cJSON_GetArrayItem(json_get(from, list), i++), "image");

        json_put_str(container, S("image"), image);
    }
}

static void copy_member(cJSON *to, const cJSON *from, const char *member)
{
    const cJSON *item = json_get(from, member);

    if (item == NULL)
        json_remove(to, str_c(member));
    else
        json_put(to, str_c(member), cJSON_Duplicate(item, true));
}

/* Tolerations may only be added to, and their seconds changed. */
static bool keeps_tolerations(const cJSON *old, const cJSON *now)
{
    JSON_EACH(had, json_get(old, "tolerations")) {
        bool found = false;

        JSON_EACH(t, json_get(now, "tolerations")) {
            CLEANUP(json_freep) cJSON *a = cJSON_Duplicate(had, true);
            CLEANUP(json_freep) cJSON *b = cJSON_Duplicate(t, true);

            json_remove(a, S("tolerationSeconds"));
            json_remove(b, S("tolerationSeconds"));
            found = found || json_equal(a, b);
        }
        if (!found)
            return false;
    }
    return true;
}

/* Whether what may change is all that did. */
static bool same_beside(const cJSON *old, const cJSON *now)
{
    static const char *const free_members[] = {"activeDeadlineSeconds", "tolerations",
                                               "schedulingGates"};
    CLEANUP(json_freep) cJSON *munged = cJSON_Duplicate(now, true);

    if (json_get(old, "schedulingGates") != NULL) { /* a gated pod may still be directed */
        copy_member(munged, old, "nodeSelector");
        copy_member(munged, old, "affinity");
    }
    copy_images(munged, old, "containers");
    copy_images(munged, old, "initContainers");
    for (size_t i = 0; i < ARRAY_LEN(free_members); i++)
        copy_member(munged, old, free_members[i]);
    if (json_int(old, "terminationGracePeriodSeconds", 0) < 0 &&
        json_int(now, "terminationGracePeriodSeconds", 0) == 1)
        copy_member(munged, old, "terminationGracePeriodSeconds");
    return json_equal(munged, old);
}

static void check_pod_update(struct checks *c, const cJSON *old, const cJSON *now)
{
    const cJSON *had = json_get(old, "containers"), *has = json_get(now, "containers");

    if (cJSON_GetArraySize(had) != cJSON_GetArraySize(has)) {
        find_forbidden(c, S("spec.containers"), "pod updates may not add or remove containers");
        return;
    }
    if (!keeps_tolerations(old, now))
        find_forbidden(c, S("spec.tolerations"),
                       "existing toleration can not be modified except its tolerationSeconds");
    if (!same_beside(old, now))
        find_forbidden(c, S("spec"),
                       "pod updates may not change fields other than `spec.containers[*].image`,"
                       "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
                       "`spec.tolerations` (only additions to existing tolerations),"
                       "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
                       "previously negative)\n");
}

static void check_pod_containers(struct checks *c, const cJSON *doc, const char *list)
{
    size_t i = 0;

    JSON_EACH(container, json_get(doc, list)) {
        struct str image = json_str(container, "image"), place = at_index(c, str_c(list), i++);

        if (str_trim(image).n != image.n)
            find_invalid_text(c, at_child(c, place, "image"), image,
                              "must not have leading or trailing whitespace");
    }
}

void validate_pod(struct checks *c, const cJSON *old, const cJSON *doc)
{
    check_pod_spec(c, S("spec"), json_get(doc, "spec"), true);
    check_pod_containers(c, doc, "spec.containers");
    check_pod_containers(c, doc, "spec.initContainers");
    if (old != NULL)
        check_pod_update(c, json_get(old, "spec"), json_get(doc, "spec"));
}
