/* Filters and scores of the scheduler. */
#include "loops/scheduler_plan.h"

#include <stdlib.h>

#include "base/macros.h"
#include "base/quantity.h"

enum { MOST_REASONS = 64 };

static struct pod_request request_of(const cJSON *container)
{
    const cJSON *requests = json_get(container, "resources.requests");

    return (struct pod_request){quantity_of(json_get(requests, "cpu")),
                                quantity_of(json_get(requests, "memory"))};
}

struct pod_request pod_request_of(const cJSON *pod)
{
    struct pod_request sum = {0};

    JSON_EACH(container, json_get(pod, "spec.containers")) {
        struct pod_request r = request_of(container);

        sum.milli_cpu += r.milli_cpu;
        sum.memory += r.memory;
    }
    JSON_EACH(container, json_get(pod, "spec.initContainers")) {
        struct pod_request r = request_of(container);

        sum.milli_cpu = r.milli_cpu > sum.milli_cpu ? r.milli_cpu : sum.milli_cpu;
        sum.memory = r.memory > sum.memory ? r.memory : sum.memory;
    }
    return sum;
}

/* --- taints ----------------------------------------------------------------------------- */

static bool tolerates(const cJSON *toleration, const cJSON *taint)
{
    struct str effect = json_str(toleration, "effect"), key = json_str(toleration, "key");
    struct str op = json_str(toleration, "operator");

    if (effect.n > 0 && !str_eq(effect, json_str(taint, "effect")))
        return false;
    if (key.n > 0 && !str_eq(key, json_str(taint, "key")))
        return false;
    if (str_is(op, "Exists"))
        return true;
    return key.n > 0 && str_eq(json_str(toleration, "value"), json_str(taint, "value"));
}

static bool is_tolerated(const cJSON *taint, const cJSON *pod)
{
    JSON_EACH(toleration, json_get(pod, "spec.tolerations"))
        if (tolerates(toleration, taint))
            return true;
    return false;
}

const cJSON *untolerated_taint(const cJSON *taints, const cJSON *pod)
{
    JSON_EACH(taint, taints) {
        if (str_is(json_str(taint, "effect"), "PreferNoSchedule"))
            continue;
        if (!is_tolerated(taint, pod))
            return taint;
    }
    return NULL;
}

/* --- affinity --------------------------------------------------------------------------- */

static bool term_matches(const cJSON *term, struct str name, struct labels labels)
{
    const struct object_label field = {S("metadata.name"), name};
    const struct labels fields = {&field, 1};
    const cJSON *expressions = json_get(term, "matchExpressions");
    const cJSON *by_field = json_get(term, "matchFields");

    if ((expressions == NULL || expressions->child == NULL) &&
        (by_field == NULL || by_field->child == NULL))
        return false; /* an empty term matches nothing */
    JSON_EACH(requirement, expressions)
        if (!requirement_matches(requirement, labels))
            return false;
    JSON_EACH(requirement, by_field)
        if (!requirement_matches(requirement, fields))
            return false;
    return true;
}

bool node_selected(const cJSON *pod, struct str name, struct labels labels)
{
    const cJSON *terms =
        json_get(pod, "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution."
                      "nodeSelectorTerms");

    if (!label_map_matches(json_get(pod, "spec.nodeSelector"), labels))
        return false;
    if (terms == NULL)
        return true;
    JSON_EACH(term, terms)
        if (term_matches(term, name, labels))
            return true;
    return false;
}

/* --- host ports ------------------------------------------------------------------------- */

static bool wants_port(const cJSON *pod, int64_t port, struct str protocol)
{
    JSON_EACH(container, json_get(pod, "spec.containers"))
        JSON_EACH(p, json_get(container, "ports"))
            if (json_int(p, "hostPort", 0) == port && str_eq(json_str(p, "protocol"), protocol))
                return true;
    return false;
}

static bool ports_are_free(const cJSON *pod, const struct node_fit *node)
{
    JSON_EACH(container, json_get(pod, "spec.containers"))
        JSON_EACH(p, json_get(container, "ports")) {
            int64_t port = json_int(p, "hostPort", 0);

            for (size_t i = 0; port != 0 && i < node->others_n; i++)
                if (wants_port(node->others[i], port, json_str(p, "protocol")))
                    return false;
        }
    return true;
}

/* --- filters ---------------------------------------------------------------------------- */

struct reasons {
    struct arena *arena;
    struct str at[MOST_REASONS];
    int64_t count[MOST_REASONS];
    size_t n;
    int64_t hopeless, full; /* nodes that no preemption would free; the others */
};

static void add_reason(struct reasons *r, struct str reason)
{
    for (size_t i = 0; i < r->n; i++)
        if (str_eq(r->at[i], reason)) {
            r->count[i]++;
            return;
        }
    if (r->n == MOST_REASONS)
        return;
    r->at[r->n] = reason;
    r->count[r->n++] = 1;
}

static bool refuse(struct reasons *r, struct str reason, bool hopeless)
{
    add_reason(r, reason);
    r->hopeless += hopeless;
    r->full += !hopeless;
    return false;
}

static struct str taint_text(struct arena *a, struct str key, struct str value)
{
    return arena_printf(a, "node(s) had untolerated taint {%.*s: %.*s}", STR_ARG(key),
                        STR_ARG(value));
}

static bool has_room(struct reasons *r, const struct pod_request *want, const struct node_fit *n)
{
    bool pods = n->used_pods + 1 <= n->pods;
    bool cpu = want->milli_cpu == 0 || n->used_cpu + want->milli_cpu <= n->cpu;
    bool memory = want->memory == 0 || n->used_memory + want->memory <= n->memory;

    if (pods && cpu && memory)
        return true;
    if (!pods)
        add_reason(r, S("Too many pods"));
    if (!cpu)
        add_reason(r, S("Insufficient cpu"));
    if (!memory)
        add_reason(r, S("Insufficient memory"));
    r->full++;
    return false;
}

static bool fits(struct reasons *r, const cJSON *pod, const struct pod_request *want,
                 const struct node_fit *n)
{
    static const struct str not_ready = STR_INIT("node.kubernetes.io/not-ready");
    const cJSON *taint = untolerated_taint(n->taints, pod);

    if (n->unschedulable &&
        (taint == NULL || str_is(json_str(taint, "key"), "node.kubernetes.io/unschedulable")))
        return refuse(r, S("node(s) were unschedulable"), true);
    if (taint != NULL)
        return refuse(r, taint_text(r->arena, json_str(taint, "key"), json_str(taint, "value")),
                      true);
    if (!n->ready)
        return refuse(r, taint_text(r->arena, not_ready, (struct str){0}), true);
    if (!node_selected(pod, n->name, n->labels))
        return refuse(r, S("node(s) didn't match Pod's node affinity/selector"), true);
    if (!ports_are_free(pod, n))
        return refuse(r, S("node(s) didn't have free ports for the requested pod ports"), false);
    return has_room(r, want, n);
}

/* --- the choice ------------------------------------------------------------------------- */

/* Spread first, then the emptier node, then the name. */
static bool is_better(const struct node_fit *a, const struct node_fit *b)
{
    if (a->same_owner != b->same_owner)
        return a->same_owner < b->same_owner;
    if (a->used_pods != b->used_pods)
        return a->used_pods < b->used_pods;
    return str_cmp(a->name, b->name) < 0;
}

static int by_text(const void *left, const void *right)
{
    return str_cmp(*(const struct str *)left, *(const struct str *)right);
}

static struct str join(struct arena *a, struct str *parts, size_t n)
{
    struct str out = {0};

    qsort(parts, n, sizeof *parts, by_text);
    for (size_t i = 0; i < n; i++)
        out = arena_printf(a, "%.*s%s%.*s", STR_ARG(out), i > 0 ? ", " : "", STR_ARG(parts[i]));
    return out;
}

static struct str explain(struct arena *a, const struct reasons *r, size_t nodes)
{
    struct str parts[MOST_REASONS], preemption[2];
    size_t n = 0;

    if (nodes == 0)
        return S("no nodes available to schedule pods");
    for (size_t i = 0; i < r->n; i++)
        parts[i] = arena_printf(a, "%lld %.*s", (long long)r->count[i], STR_ARG(r->at[i]));
    if (r->full > 0)
        preemption[n++] = arena_printf(a, "%lld No preemption victims found for incoming pod",
                                       (long long)r->full);
    if (r->hopeless > 0)
        preemption[n++] = arena_printf(a, "%lld Preemption is not helpful for scheduling",
                                       (long long)r->hopeless);
    return arena_printf(a,
                        "0/%zu nodes are available: %.*s. preemption: 0/%zu nodes are available: "
                        "%.*s.",
                        nodes, STR_ARG(join(a, parts, r->n)), nodes,
                        STR_ARG(join(a, preemption, n)));
}

struct schedule_result schedule_plan(struct arena *a, const cJSON *pod,
                                     const struct node_fit *nodes, size_t n)
{
    struct pod_request want = pod_request_of(pod);
    const struct node_fit *best = NULL;
    struct reasons reasons = {.arena = a};

    for (size_t i = 0; i < n; i++)
        if (fits(&reasons, pod, &want, &nodes[i]) && (best == NULL || is_better(&nodes[i], best)))
            best = &nodes[i];
    if (best != NULL)
        return (struct schedule_result){.node = best->name};
    return (struct schedule_result){.message = explain(a, &reasons, n)};
}
