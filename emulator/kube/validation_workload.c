/* What makes pods from a template. Source: Kubernetes, pkg/apis/{apps,core,policy,autoscaling}/
 * validation. */
#include "kube/validation_kinds.h"

#include "kube/label_selector.h"

static const char *const always[] = {"Always"};

/* --- selector and template ------------------------------------------------------------------ */

/* A LabelSelector that must be there and say something; @whose: "deployment". */
static void check_selector(struct checks *c, const cJSON *selector, const char *whose)
{
    if (selector == NULL || cJSON_IsNull(selector)) {
        find_required(c, S("spec.selector"), "");
        return;
    }
    check_label_selector(c, S("spec.selector"), selector);
    if (cJSON_GetArraySize(json_get(selector, "matchLabels")) +
            cJSON_GetArraySize(json_get(selector, "matchExpressions")) ==
        0)
        find_invalid(c, S("spec.selector"), selector,
                     arena_printf(c->arena, "empty selector is invalid for %s", whose).at);
}

static bool is_empty(struct checks *c, const cJSON *selector)
{
    return cJSON_IsObject(selector) && label_selector_print(c->arena, selector).n == 0;
}

/* Pods of the template are to be found by the selector, and to be started again. @what:
 * "ReplicaSet". */
static void check_template(struct checks *c, const cJSON *doc, const char *what)
{
    const cJSON *template = json_get(doc, "spec.template"), *labels, *policy;
    const cJSON *selector = json_get(doc, "spec.selector");

    if (template == NULL) {
        find_required(c, S("spec.template"), "");
        return;
    }
    labels = json_get(template, "metadata.labels");
    if (!is_empty(c, selector) && !label_selector_matches(selector, labels))
        find_invalid(c, S("spec.template.metadata.labels"), labels,
                     "`selector` does not match template `labels`");
    check_pod_template(c, S("spec.template"), template);
    policy = json_get(template, "spec.restartPolicy");
    if (json_text(policy).n > 0 && !str_is(json_text(policy), "Always"))
        find_unsupported(c, S("spec.template.spec.restartPolicy"), policy, always,
                         ARRAY_LEN(always));
    if (json_get(template, "spec.activeDeadlineSeconds") != NULL)
        find_forbidden(
            c, S("spec.template.spec.activeDeadlineSeconds"),
            arena_printf(c->arena, "activeDeadlineSeconds in %s is not Supported", what).at);
}

static void check_counts(struct checks *c, const cJSON *doc, const char *const *members, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_not_negative(c, S("spec"), json_get(doc, "spec"), members[i]);
}

/* --- rolling updates ------------------------------------------------------------------------ */

static int64_t amount_of(const cJSON *item, int64_t otherwise)
{
    struct str text = json_text(item);
    int64_t n;

    if (cJSON_IsNumber(item))
        return (int64_t)item->valuedouble;
    if (text.n > 1 && str_to_int(str_first(text, text.n - 1), &n))
        return n;
    return otherwise;
}

static void check_share(struct checks *c, struct str place, const cJSON *item)
{
    check_int_or_percent(c, place, item);
    if (cJSON_IsString(item) && amount_of(item, 0) > 100)
        find_invalid(c, place, item, "must not be greater than 100%");
}

static void check_rolling(struct checks *c, struct str place, const cJSON *rolling)
{
    const cJSON *unavailable = json_get(rolling, "maxUnavailable");
    const cJSON *surge = json_get(rolling, "maxSurge");

    check_share(c, at_child(c, place, "maxUnavailable"), unavailable);
    check_int_or_percent(c, at_child(c, place, "maxSurge"), surge);
    if (amount_of(unavailable, 1) == 0 && amount_of(surge, 1) == 0)
        find_invalid(c, at_child(c, place, "maxUnavailable"), unavailable,
                     "may not be 0 when `maxSurge` is 0");
}

static void check_strategy(struct checks *c, const cJSON *strategy)
{
    static const char *const types[] = {"Recreate", "RollingUpdate"};
    const cJSON *type = json_get(strategy, "type"), *rolling = json_get(strategy, "rollingUpdate");

    if (str_is(json_text(type), "Recreate")) {
        if (rolling != NULL)
            find_forbidden(c, S("spec.strategy.rollingUpdate"),
                           "may not be specified when strategy `type` is 'Recreate'");
    } else if (json_text(type).n == 0 || str_is(json_text(type), "RollingUpdate")) {
        check_rolling(c, S("spec.strategy.rollingUpdate"), rolling);
    } else {
        find_unsupported(c, S("spec.strategy"), type, types, ARRAY_LEN(types));
    }
}

/* --- the kinds ------------------------------------------------------------------------------ */

static void keep_selector(struct checks *c, const cJSON *old, const cJSON *doc)
{
    if (old != NULL)
        check_immutable(c, S("spec.selector"), json_get(old, "spec.selector"),
                        json_get(doc, "spec.selector"));
}

void validate_deployment(struct checks *c, const cJSON *old, const cJSON *doc)
{
    static const char *const counts[] = {"minReadySeconds", "revisionHistoryLimit",
                                         "progressDeadlineSeconds"};
    const cJSON *deadline = json_get(doc, "spec.progressDeadlineSeconds");

    check_not_negative(c, S("spec"), json_get(doc, "spec"), "replicas");
    check_selector(c, json_get(doc, "spec.selector"), "deployment");
    check_template(c, doc, "ReplicaSet");
    check_strategy(c, json_get(doc, "spec.strategy"));
    check_counts(c, doc, counts, ARRAY_LEN(counts));
    if (cJSON_IsNumber(deadline) &&
        deadline->valuedouble <= (double)json_int(doc, "spec.minReadySeconds", 0))
        find_invalid(c, S("spec.progressDeadlineSeconds"), deadline,
                     "must be greater than minReadySeconds");
    keep_selector(c, old, doc);
}

void validate_replicaset(struct checks *c, const cJSON *old, const cJSON *doc)
{
    static const char *const counts[] = {"replicas", "minReadySeconds"};

    check_counts(c, doc, counts, ARRAY_LEN(counts));
    check_selector(c, json_get(doc, "spec.selector"), "deployment");
    check_template(c, doc, "ReplicaSet");
    keep_selector(c, old, doc);
}

void validate_daemonset(struct checks *c, const cJSON *old, const cJSON *doc)
{
    static const char *const counts[] = {"minReadySeconds", "revisionHistoryLimit"};
    const cJSON *rolling = json_get(doc, "spec.updateStrategy.rollingUpdate");

    check_selector(c, json_get(doc, "spec.selector"), "daemonset");
    check_template(c, doc, "DaemonSet");
    check_counts(c, doc, counts, ARRAY_LEN(counts));
    check_share(c, S("spec.updateStrategy.rollingUpdate.maxUnavailable"),
                json_get(rolling, "maxUnavailable"));
    keep_selector(c, old, doc);
}

/* What of a StatefulSet may change: the rest of its spec stays as it was made. */
static void check_statefulset_update(struct checks *c, const cJSON *old, const cJSON *now)
{
    static const char *const may[] = {"replicas",
                                      "ordinals",
                                      "template",
                                      "updateStrategy",
                                      "revisionHistoryLimit",
                                      "persistentVolumeClaimRetentionPolicy",
                                      "minReadySeconds"};
    CLEANUP(json_freep) cJSON *a = cJSON_Duplicate(old, true);
    CLEANUP(json_freep) cJSON *b = cJSON_Duplicate(now, true);

    for (size_t i = 0; i < ARRAY_LEN(may); i++) {
        json_remove(a, str_c(may[i]));
        json_remove(b, str_c(may[i]));
    }
    if (!json_equal(a, b))
        find_forbidden(c, S("spec"),
                       "updates to statefulset spec for fields other than 'replicas', 'ordinals', "
                       "'template', 'updateStrategy', 'revisionHistoryLimit', "
                       "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are "
                       "forbidden");
}

void validate_statefulset(struct checks *c, const cJSON *old, const cJSON *doc)
{
    static const char *const counts[] = {"replicas", "minReadySeconds", "revisionHistoryLimit"};
    static const char *const policies[] = {"OrderedReady", "Parallel"};
    static const char *const strategies[] = {"RollingUpdate", "OnDelete"};

    CHECK_CHOICE(c, S("spec.podManagementPolicy"), json_get(doc, "spec.podManagementPolicy"),
                 policies);
    CHECK_CHOICE(c, S("spec.updateStrategy"), json_get(doc, "spec.updateStrategy.type"),
                 strategies);
    check_counts(c, doc, counts, ARRAY_LEN(counts));
    check_selector(c, json_get(doc, "spec.selector"), "statefulset");
    check_template(c, doc, "StatefulSet");
    if (old != NULL)
        check_statefulset_update(c, json_get(old, "spec"), json_get(doc, "spec"));
}

void validate_controller(struct checks *c, const cJSON *old, const cJSON *doc)
{
    static const char *const counts[] = {"minReadySeconds", "replicas"};

    (void)old;
    if (cJSON_GetArraySize(json_get(doc, "spec.selector")) == 0)
        find_required(c, S("spec.selector"), "");
    check_counts(c, doc, counts, ARRAY_LEN(counts));
    check_template(c, doc, "ReplicationController");
}

/* --- budgets and autoscalers ---------------------------------------------------------------- */

void validate_budget(struct checks *c, const cJSON *old, const cJSON *doc)
{
    const cJSON *spec = json_get(doc, "spec");

    (void)old;
    if (json_get(spec, "minAvailable") != NULL && json_get(spec, "maxUnavailable") != NULL)
        find_invalid(c, S("spec"), spec, "minAvailable and maxUnavailable cannot be both set");
    check_share(c, S("spec.minAvailable"), json_get(spec, "minAvailable"));
    check_share(c, S("spec.maxUnavailable"), json_get(spec, "maxUnavailable"));
    check_label_selector(c, S("spec.selector"), json_get(spec, "selector"));
}

void validate_autoscaler(struct checks *c, const cJSON *old, const cJSON *doc)
{
    const cJSON *spec = json_get(doc, "spec"), *least = json_get(spec, "minReplicas");
    const cJSON *most = json_get(spec, "maxReplicas");
    CLEANUP(json_freep) cJSON *zero = cJSON_CreateNumber(0);

    (void)old;
    if (most == NULL)
        most = zero;
    if (cJSON_IsNumber(least) && least->valuedouble < 1)
        find_invalid(c, S("spec.minReplicas"), least, "must be greater than or equal to 1");
    if (most->valuedouble < 1)
        find_invalid(c, S("spec.maxReplicas"), most, "must be greater than 0");
    if (most->valuedouble < (double)json_int(spec, "minReplicas", 1))
        find_invalid(c, S("spec.maxReplicas"), most,
                     "must be greater than or equal to `minReplicas`");
    need_word(c, S("spec.scaleTargetRef.kind"), json_str(spec, "scaleTargetRef.kind"),
              word_path_segment);
    need_word(c, S("spec.scaleTargetRef.name"), json_str(spec, "scaleTargetRef.name"),
              word_path_segment);
}
