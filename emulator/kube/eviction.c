/* Eviction. The budget that is judged is worked out from the pods at that moment, so that it holds
 * whether or not somebody keeps the budgets' status.
 * Source: Kubernetes "API-initiated Eviction", "Specifying a Disruption Budget". */
#include "kube/eviction.h"

#include "kube/body.h"
#include "kube/delete.h"
#include "kube/label_selector.h"

struct budget {
    struct str name;
    int64_t expected, healthy, desired;
};

static bool is_ready(const cJSON *pod)
{
    JSON_EACH(condition, json_get(pod, "status.conditions"))
        if (str_is(json_str(condition, "type"), "Ready"))
            return str_is(json_str(condition, "status"), "True");
    return false;
}

/* A count or a share of @total, rounded up. */
static int64_t share_of(const cJSON *item, int64_t total)
{
    struct str text = json_text(item);
    int64_t percent;

    if (cJSON_IsNumber(item))
        return (int64_t)item->valuedouble;
    if (text.n == 0 || text.at[text.n - 1] != '%' ||
        !str_to_int(str_first(text, text.n - 1), &percent))
        return 0;
    return (total * percent + 99) / 100;
}

static struct budget budget_of(struct kube_call *c, struct object *pdb)
{
    const cJSON *spec = json_get(object_doc(pdb), "spec");
    struct object_list pods =
        object_list(c->kube->objects, c->arena, c->cluster->options.name, S("pods"), pdb->key.ns);
    struct budget b = {.name = pdb->key.name};

    for (size_t i = 0; i < pods.n; i++) {
        const cJSON *pod = object_doc(pods.at[i]);

        if (!label_selector_matches(json_get(spec, "selector"), json_get(pod, "metadata.labels")))
            continue;
        b.expected++;
        b.healthy += is_ready(pod) && json_str(pod, "metadata.deletionTimestamp").n == 0;
    }
    if (json_get(spec, "maxUnavailable") != NULL)
        b.desired = b.expected - share_of(json_get(spec, "maxUnavailable"), b.expected);
    else if (json_get(spec, "minAvailable") != NULL)
        b.desired = share_of(json_get(spec, "minAvailable"), b.expected);
    else
        b.desired = b.expected - 1;
    if (b.desired < 0)
        b.desired = 0;
    return b;
}

static bool refuse(struct kube_call *c, const struct budget *b)
{
    struct kube_cause cause = {
        .reason = "DisruptionBudget",
        .message = arena_printf(c->arena,
                                "The disruption budget %.*s needs %lld healthy pods and has %lld "
                                "currently",
                                STR_ARG(b->name), (long long)b->desired, (long long)b->healthy),
    };

    return kube_call_fail(
        c, &(struct kube_failure){
               .code = 429,
               .reason = "TooManyRequests",
               .message = S("Cannot evict pod as it would violate the pod's disruption budget."),
               .causes = &cause,
               .cause_count = 1,
           });
}

/* Whether the budgets that cover the pod let it go. */
static bool check_budgets(struct kube_call *c, const cJSON *pod)
{
    struct object_list budgets = object_list(c->kube->objects, c->arena, c->cluster->options.name,
                                             S("policy/poddisruptionbudgets"), c->target.ns);
    struct object *covering = NULL;
    struct budget b;

    for (size_t i = 0; i < budgets.n; i++) {
        const cJSON *selector = json_get(object_doc(budgets.at[i]), "spec.selector");

        if (!label_selector_matches(selector, json_get(pod, "metadata.labels")))
            continue;
        if (covering != NULL)
            return call_internal(c, "This pod has more than one PodDisruptionBudget, which the "
                                    "eviction subresource does not support.");
        covering = budgets.at[i];
    }
    if (covering == NULL)
        return true;
    b = budget_of(c, covering);
    return b.healthy > b.desired || !is_ready(pod) || refuse(c, &b);
}

/* Pods that do not run yet, or no more, are always let go. */
static bool is_budgeted(const cJSON *pod)
{
    struct str phase = json_str(pod, "status.phase");

    return json_str(pod, "metadata.deletionTimestamp").n == 0 && str_is(phase, "Running");
}

void eviction_pod(struct kube_call *c)
{
    struct object *pod = cluster_get(c->cluster, S("pods"), c->target.ns, c->target.name);
    const cJSON *eviction = body_read_object(c), *options;

    if (eviction == NULL)
        return;
    if (pod == NULL) {
        (void)call_not_found(c, c->target.kind, c->target.name);
        return;
    }
    if (json_str(eviction, "metadata.name").n > 0 &&
        !str_eq(json_str(eviction, "metadata.name"), c->target.name)) {
        (void)call_bad_request(c,
                               "name in URL does not match name in Eviction object: %.*s != "
                               "%.*s",
                               STR_ARG(json_str(eviction, "metadata.name")),
                               STR_ARG(c->target.name));
        return;
    }
    if (is_budgeted(object_doc(pod)) && !check_budgets(c, object_doc(pod)))
        return;
    options = json_get(eviction, "deleteOptions");
    c->given_body = options != NULL ? options : call_own(c, cJSON_CreateObject());
    c->target.sub = S("");
    kube_delete(c);
    if (c->status == 200)
        call_answer_success(c, 201);
}
