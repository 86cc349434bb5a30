/* ReplicaSets, and ReplicationControllers, which differ in their selector: as many pods as wanted,
 * and their status.
 * Source: kubernetes-api.md §6.3; pkg/controller/replicaset. */
#include "loops/loop_kinds.h"

#include "base/macros.h"
#include "loops/claim.h"
#include "loops/pods.h"
#include "loops/replicaset_plan.h"
#include "loops/selector.h"

enum {
    MOST_AT_ONCE = 500, /* pods made or deleted in one pass */
    MS = 1000,
};

struct set_view {
    struct controller *controller;
    struct arena *arena;
    struct object *object;
    const cJSON *doc;
    struct object **pods; /* its active pods */
    size_t pods_n;
    struct str failure; /* why a pod could not be made */
};

static selects_cb *selects_of(const struct controller *c)
{
    return c->kind == &replicaset_loop ? selects_by_selector : selects_by_map;
}

/* The pods that are its own and count. */
static void claim(struct set_view *v)
{
    struct claimed own = claim_pods(v->controller, v->arena, v->object, selects_of(v->controller));

    v->pods = own.at;
    v->pods_n = 0;
    for (size_t i = 0; i < own.n; i++)
        if (pod_is_active(object_doc(own.at[i])))
            v->pods[v->pods_n++] = own.at[i];
}

/* --- more or fewer ---------------------------------------------------------------------- */

static void make_pods(struct set_view *v, int64_t missing)
{
    struct str ns = v->object->key.ns;

    for (int64_t i = 0; i < missing && i < MOST_AT_ONCE; i++) {
        CLEANUP(json_freep)
        cJSON *pod = pod_from_template(v->doc, json_get(v->doc, "spec.template"), ns);
        struct written w = pod_create(v->controller, v->arena, v->object->key.cluster, v->doc, pod);

        if (!written_ok(w)) {
            v->failure = w.message.n > 0 ? w.message : S("no answer");
            queue_retry(&v->controller->queue, &v->object->key);
            return;
        }
    }
    queue_forget(&v->controller->queue, &v->object->key);
    if (missing > MOST_AT_ONCE)
        queue_add(&v->controller->queue, &v->object->key);
}

static int64_t deletion_cost(const cJSON *pod)
{
    int64_t cost = 0;

    (void)str_to_int(json_text(json_member(json_get(pod, "metadata.annotations"),
                                           S("controller.kubernetes.io/pod-deletion-cost"))),
                     &cost);
    return cost;
}

static int phase_rank(const cJSON *pod)
{
    struct str phase = json_str(pod, "status.phase");

    return str_is(phase, "Running") ? 2 : str_is(phase, "Unknown") ? 1 : 0;
}

static int64_t on_same_node(const struct set_view *v, struct str node)
{
    int64_t n = 0;

    for (size_t i = 0; i < v->pods_n; i++)
        n += str_eq(json_str(object_doc(v->pods[i]), "spec.nodeName"), node);
    return n;
}

static void drop_pods(struct set_view *v, int64_t too_many)
{
    struct rank_pod *ranked = arena_array(v->arena, v->pods_n, sizeof *ranked);

    for (size_t i = 0; i < v->pods_n; i++) {
        const cJSON *pod = object_doc(v->pods[i]);
        struct str node = json_str(pod, "spec.nodeName");

        ranked[i] = (struct rank_pod){
            .assigned = node.n > 0,
            .phase = phase_rank(pod),
            .ready = pod_is_ready(pod),
            .cost = deletion_cost(pod),
            .same_node = v->pods_n < MOST_AT_ONCE ? on_same_node(v, node) : 0,
            .ready_since = pod_ready_since(pod),
            .restarts = pod_restarts(pod),
            .created = json_time(pod, "metadata.creationTimestamp"),
            .index = i,
        };
    }
    rank_for_deletion(ranked, v->pods_n);
    for (int64_t i = 0; i < too_many && i < MOST_AT_ONCE; i++)
        (void)pod_delete(v->controller, v->arena, v->doc, v->pods[ranked[i].index]);
    if (too_many > MOST_AT_ONCE)
        queue_add(&v->controller->queue, &v->object->key);
}

/* --- status ----------------------------------------------------------------------------- */

static void put_count(cJSON *status, const char *name, int64_t n)
{
    if (n > 0)
        json_put_int(status, str_c(name), n);
    else
        json_remove(status, str_c(name));
}

static void put_failure(const struct set_view *v, cJSON *status)
{
    struct condition c = {"ReplicaFailure", "True", S("FailedCreate"), v->failure};
    cJSON *at = (cJSON *)(uintptr_t)find_condition(status, c.type);

    if (v->failure.n > 0)
        (void)set_condition(status, &c, now_text(v->controller->world, v->arena), false);
    else if (at != NULL)
        cJSON_Delete(cJSON_DetachItemViaPointer(json_get(status, "conditions"), at));
}

static void write_status(struct set_view *v)
{
    int64_t min_ready = json_int(v->doc, "spec.minReadySeconds", 0) * MS, next = 0;
    int64_t now = clock_now(v->controller->world->clock), ready = 0, available = 0, labeled = 0;
    struct labels wanted =
        labels_of_tree(v->arena, json_get(v->doc, "spec.template.metadata.labels"));
    const cJSON *wanted_tree = json_get(v->doc, "spec.template.metadata.labels");
    struct object *o = object_get(v->controller->world->objects, v->object->key);

    if (o == NULL)
        return;
    for (size_t i = 0; i < v->pods_n; i++) {
        const cJSON *pod = v->pods[i] == NULL ? NULL : object_doc(v->pods[i]);
        int64_t since = pod_ready_since(pod), left = since + min_ready - now;

        labeled += wanted.n == 0 || label_map_matches(wanted_tree, labels_of(v->pods[i]));
        ready += since > 0;
        available += since > 0 && (min_ready == 0 || left <= 0);
        if (since > 0 && left > 0 && (next == 0 || left < next))
            next = left;
    }
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(o);
    cJSON *status = json_need_object(doc, "status");
    json_put_int(status, S("replicas"), (int64_t)v->pods_n);
    put_count(status, "fullyLabeledReplicas", labeled);
    put_count(status, "readyReplicas", ready);
    put_count(status, "availableReplicas", available);
    json_put_int(status, S("observedGeneration"), json_int(doc, "metadata.generation", 1));
    put_failure(v, status);
    if (!json_equal(doc, object_doc(o)))
        (void)loop_update(v->controller, v->arena, &o->key, "status", doc);
    if (next > 0)
        queue_add_after(&v->controller->queue, &v->object->key, next);
}

static void reconcile(struct controller *c, struct arena *a, const struct object_key *key)
{
    struct set_view v = {.controller = c, .arena = a};
    int64_t missing;

    v.object = object_get(c->world->objects, *key);
    if (v.object == NULL)
        return;
    v.doc = object_doc(v.object);
    claim(&v);
    missing = json_int(v.doc, "spec.replicas", 1) - (int64_t)v.pods_n;
    if (!is_deleting(v.doc) && missing > 0)
        make_pods(&v, missing);
    else if (!is_deleting(v.doc) && missing < 0)
        drop_pods(&v, -missing);
    if (missing != 0)
        claim(&v);
    write_status(&v);
}

static void heard_pod(struct controller *c, const struct object_change *change)
{
    heard_pod_of(c, change, c->kind == &replicaset_loop ? "ReplicaSet" : "ReplicationController",
                 selects_of(c));
}

static const struct controller_watch watches[] = {
    {"apps/replicasets", heard_self},
    {"pods",             heard_pod },
};

const struct controller_kind replicaset_loop = {
    .name = "replicaset-controller",
    .user = "system:serviceaccount:kube-system:replicaset-controller",
    .resource = "apps/replicasets",
    .watches = watches,
    .watches_n = ARRAY_LEN(watches),
    .sync = reconcile,
};

static const struct controller_watch old_watches[] = {
    {"replicationcontrollers", heard_self},
    {"pods",                   heard_pod },
};

const struct controller_kind replication_loop = {
    .name = "replication-controller",
    .user = "system:serviceaccount:kube-system:replication-controller",
    .resource = "replicationcontrollers",
    .watches = old_watches,
    .watches_n = ARRAY_LEN(old_watches),
    .sync = reconcile,
};
