/* DaemonSets: a pod for each node that should have one, rolled over by daemonset_plan.c. The pods
 * are bound to their nodes by an affinity that the scheduler obeys.
 * Source: kubernetes-api.md §6.3; pkg/controller/daemon. */
#include "loops/loop_kinds.h"

#include "base/macros.h"
#include "base/quantity.h"
#include "loops/claim.h"
#include "loops/daemonset_plan.h"
#include "loops/pods.h"
#include "loops/revision.h"

enum { MS = 1000 };

struct daemon_view {
    struct controller *controller;
    struct arena *arena;
    struct object_key key;
    struct object *object;
    const cJSON *doc;
    struct revision revision;
    struct object_list nodes;
    enum daemon_verdict *verdicts;
    struct claimed pods;
    struct daemon_pod *facts; /* of the pods that name a node that is there */
    size_t *fact_of;          /* by pod: index in facts, or SIZE_MAX */
    size_t facts_n;
    int64_t next; /* when a pod becomes available, ms from now; 0: nothing to wait for */
};

/* --- the pod of a node ------------------------------------------------------------------------ */

static void tolerate(cJSON *spec, const char *key, const char *effect)
{
    cJSON *t = cJSON_CreateObject();

    json_put_str(t, S("key"), str_c(key));
    json_put_str(t, S("operator"), S("Exists"));
    json_put_str(t, S("effect"), str_c(effect));
    cJSON_AddItemToArray(json_need_array(spec, "tolerations"), t);
}

static void add_tolerations(cJSON *spec)
{
    static const struct {
        const char *key, *effect;
        bool host_network; /* only then */
    } added[] = {
        {"node.kubernetes.io/not-ready",           "NoExecute",  false},
        {"node.kubernetes.io/unreachable",         "NoExecute",  false},
        {"node.kubernetes.io/disk-pressure",       "NoSchedule", false},
        {"node.kubernetes.io/memory-pressure",     "NoSchedule", false},
        {"node.kubernetes.io/pid-pressure",        "NoSchedule", false},
        {"node.kubernetes.io/unschedulable",       "NoSchedule", false},
        {"node.kubernetes.io/network-unavailable", "NoSchedule", true },
    };

    for (size_t i = 0; i < ARRAY_LEN(added); i++)
        if (!added[i].host_network || json_bool(spec, "hostNetwork", false))
            tolerate(spec, added[i].key, added[i].effect);
}

/* Its required terms, each with the node's name; one where it had none. */
static void pin_to_node(cJSON *spec, struct str node)
{
    cJSON *terms =
        json_need_array(json_need_object(spec, "affinity.nodeAffinity."
                                               "requiredDuringSchedulingIgnoredDuringExecution"),
                        "nodeSelectorTerms");

    if (terms->child == NULL)
        cJSON_AddItemToArray(terms, cJSON_CreateObject());
    JSON_EACH(term, terms) {
        cJSON *field = cJSON_CreateObject(), *fields = cJSON_CreateArray();

        json_put_str(field, S("key"), S("metadata.name"));
        json_put_str(field, S("operator"), S("In"));
        cJSON_AddItemToArray(json_need_array(field, "values"), json_new_str(node));
        cJSON_AddItemToArray(fields, field);
        json_put(term, S("matchFields"), fields);
    }
}

static cJSON *new_pod(const struct daemon_view *v, struct str node)
{
    cJSON *pod = pod_from_template(v->doc, json_get(v->doc, "spec.template"), v->key.ns);
    cJSON *spec = json_need_object(pod, "spec");
    cJSON *labels = json_need_object(json_get(pod, "metadata"), "labels");

    json_put_str(labels, S(REVISION_LABEL), v->revision.hash);
    json_put_str(
        labels, S("pod-template-generation"),
        arena_printf(v->arena, "%lld", (long long)json_int(v->doc, "metadata.generation", 1)));
    add_tolerations(spec);
    if (node.n > 0)
        pin_to_node(spec, node);
    return pod;
}

/* --- looking ---------------------------------------------------------------------------------- */

static void judge_nodes(struct daemon_view *v)
{
    CLEANUP(json_freep) cJSON *pod = new_pod(v, (struct str){0});

    v->nodes = object_list(v->controller->world->objects, v->arena, v->key.cluster, S("nodes"),
                           (struct str){0});
    v->verdicts = arena_array(v->arena, v->nodes.n, sizeof *v->verdicts);
    for (size_t i = 0; i < v->nodes.n; i++)
        v->verdicts[i] = daemon_verdict(pod, v->nodes.at[i]->key.name, labels_of(v->nodes.at[i]),
                                        json_get(object_doc(v->nodes.at[i]), "spec.taints"));
}

/* The node of a pod, also of one that waits to be scheduled; empty for none. */
static struct str node_of(const cJSON *pod)
{
    struct str bound = json_str(pod, "spec.nodeName");

    if (bound.n > 0)
        return bound;
    JSON_EACH(term,
              json_get(pod, "spec.affinity.nodeAffinity."
                            "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"))
        JSON_EACH(field, json_get(term, "matchFields"))
            if (str_is(json_str(field, "key"), "metadata.name"))
                return json_text(cJSON_GetArrayItem(json_get(field, "values"), 0));
    return bound;
}

static size_t node_index(const struct daemon_view *v, struct str name)
{
    for (size_t i = 0; i < v->nodes.n; i++)
        if (str_eq(v->nodes.at[i]->key.name, name))
            return i;
    return SIZE_MAX;
}

static bool is_available(struct daemon_view *v, const cJSON *pod)
{
    int64_t since = pod_ready_since(pod);
    int64_t left = since + json_int(v->doc, "spec.minReadySeconds", 0) * MS -
                   clock_now(v->controller->world->clock);

    if (since == 0)
        return false;
    if (left > 0 && (v->next == 0 || left < v->next))
        v->next = left;
    return left <= 0 || json_int(v->doc, "spec.minReadySeconds", 0) == 0;
}

static void look_at_pods(struct daemon_view *v)
{
    v->pods = claim_pods(v->controller, v->arena, v->object, selects_by_selector);
    v->facts = arena_array(v->arena, v->pods.n, sizeof *v->facts);
    v->fact_of = arena_array(v->arena, v->pods.n, sizeof *v->fact_of);
    v->facts_n = 0;
    for (size_t i = 0; i < v->pods.n; i++) {
        const cJSON *pod = object_doc(v->pods.at[i]);
        size_t node = node_index(v, node_of(pod));

        v->fact_of[i] = node == SIZE_MAX ? SIZE_MAX : v->facts_n;
        if (node == SIZE_MAX)
            continue;
        v->facts[v->facts_n++] = (struct daemon_pod){
            .node = node,
            .deleting = is_deleting(pod),
            .over = pod_is_over(pod),
            .failed = str_is(json_str(pod, "status.phase"), "Failed"),
            .fresh =
                str_eq(label_value(labels_of(v->pods.at[i]), S(REVISION_LABEL)), v->revision.hash),
            .available = is_available(v, pod),
            .created = json_time(pod, "metadata.creationTimestamp"),
        };
    }
}

static bool look(struct daemon_view *v)
{
    v->object = object_get(v->controller->world->objects, v->key);
    if (v->object == NULL)
        return false;
    v->doc = object_doc(v->object);
    v->next = 0;
    judge_nodes(v);
    look_at_pods(v);
    return true;
}

static struct revision find_revision(struct daemon_view *v)
{
    struct claimed pods = claim_pods(v->controller, v->arena, v->object, selects_by_selector);
    struct str *used = arena_array(v->arena, pods.n, sizeof *used);

    for (size_t i = 0; i < pods.n; i++)
        used[i] = label_value(labels_of(pods.at[i]), S(REVISION_LABEL));
    return revision_of(v->controller, v->arena, v->object, used, pods.n);
}

/* --- doing ------------------------------------------------------------------------------------ */

static void delete_pods(const struct daemon_view *v)
{
    for (size_t i = 0; i < v->pods.n; i++) {
        const struct daemon_pod *fact = v->fact_of[i] == SIZE_MAX ? NULL : &v->facts[v->fact_of[i]];

        if (fact == NULL ? is_deleting(object_doc(v->pods.at[i])) : !fact->doomed)
            continue;
        if (fact != NULL && fact->say_failed)
            event_warning(v->controller, v->key.cluster, v->doc, "FailedDaemonPod",
                          arena_printf(v->arena,
                                       "Found failed daemon pod %.*s/%.*s on node %.*s, will try "
                                       "to kill it",
                                       STR_ARG(v->key.ns), STR_ARG(v->pods.at[i]->key.name),
                                       STR_ARG(v->nodes.at[fact->node]->key.name)));
        (void)pod_delete(v->controller, v->arena, v->doc, v->pods.at[i]);
    }
}

static void make_pods(const struct daemon_view *v, const bool *create)
{
    for (size_t i = 0; i < v->nodes.n; i++) {
        if (!create[i])
            continue;
        CLEANUP(json_freep) cJSON *pod = new_pod(v, v->nodes.at[i]->key.name);
        if (!written_ok(pod_create(v->controller, v->arena, v->key.cluster, v->doc, pod))) {
            queue_retry(&v->controller->queue, &v->key);
            return;
        }
    }
    queue_forget(&v->controller->queue, &v->key);
}

static int64_t wanted_nodes(const struct daemon_view *v)
{
    int64_t n = 0;

    for (size_t i = 0; i < v->nodes.n; i++)
        n += v->verdicts[i] == DAEMON_WANTED;
    return n;
}

static void bring_about(struct daemon_view *v)
{
    const cJSON *rolling = json_get(v->doc, "spec.updateStrategy.rollingUpdate");
    int64_t wanted = wanted_nodes(v);
    struct daemon_plan plan = {
        .nodes = v->verdicts,
        .nodes_n = v->nodes.n,
        .pods = v->facts,
        .pods_n = v->facts_n,
        .on_delete = str_is(json_str(v->doc, "spec.updateStrategy.type"), "OnDelete"),
        .max_unavailable = int_or_percent(json_get(rolling, "maxUnavailable"), wanted, true, 1),
        .max_surge = int_or_percent(json_get(rolling, "maxSurge"), wanted, true, 0),
    };

    daemonset_plan(v->arena, &plan);
    delete_pods(v);
    make_pods(v, plan.create);
}

/* --- status ----------------------------------------------------------------------------------- */

struct daemon_count {
    int64_t current, misscheduled, ready, available, updated;
};

static struct daemon_count count_pods(const struct daemon_view *v)
{
    struct daemon_count n = {0};
    bool *seen = arena_array(v->arena, v->nodes.n, sizeof *seen);

    for (size_t i = 0; i < v->pods.n; i++) {
        const struct daemon_pod *f = v->fact_of[i] == SIZE_MAX ? NULL : &v->facts[v->fact_of[i]];

        if (f == NULL || f->deleting || f->over || seen[f->node])
            continue;
        seen[f->node] = true;
        if (v->verdicts[f->node] != DAEMON_WANTED) {
            n.misscheduled++;
            continue;
        }
        n.current++;
        n.ready += pod_is_ready(object_doc(v->pods.at[i]));
        n.available += f->available;
        n.updated += f->fresh;
    }
    return n;
}

static void put_unless_zero(cJSON *status, const char *name, int64_t n)
{
    if (n > 0)
        json_put_int(status, str_c(name), n);
    else
        json_remove(status, str_c(name));
}

static void write_status(const struct daemon_view *v)
{
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(v->object);
    cJSON *status = json_need_object(doc, "status");
    struct daemon_count n = count_pods(v);
    int64_t wanted = wanted_nodes(v);

    json_put_int(status, S("currentNumberScheduled"), n.current);
    json_put_int(status, S("numberMisscheduled"), n.misscheduled);
    json_put_int(status, S("desiredNumberScheduled"), wanted);
    json_put_int(status, S("numberReady"), n.ready);
    json_put_int(status, S("observedGeneration"), json_int(doc, "metadata.generation", 1));
    put_unless_zero(status, "updatedNumberScheduled", n.updated);
    put_unless_zero(status, "numberAvailable", n.available);
    put_unless_zero(status, "numberUnavailable", wanted - n.available);
    if (!json_equal(doc, object_doc(v->object)))
        (void)loop_update(v->controller, v->arena, &v->key, "status", doc);
}

static void reconcile(struct controller *c, struct arena *a, const struct object_key *key)
{
    struct daemon_view v = {.controller = c, .arena = a, .key = *key};

    v.object = object_get(c->world->objects, *key);
    if (v.object == NULL)
        return;
    v.doc = object_doc(v.object);
    if (!is_deleting(v.doc)) {
        v.revision = find_revision(&v);
        if (v.revision.hash.n == 0) {
            queue_retry(&c->queue, key);
            return;
        }
        if (!look(&v))
            return;
        bring_about(&v);
    }
    if (!look(&v))
        return;
    write_status(&v);
    if (v.next > 0)
        queue_add_after(&c->queue, key, v.next);
}

static void heard_pod(struct controller *c, const struct object_change *change)
{
    heard_pod_of(c, change, "DaemonSet", selects_by_selector);
}

/* A node that only tells its status again changes nothing. */
static void heard_node(struct controller *c, const struct object_change *change)
{
    struct arena a = {0};
    struct object_list all;

    if (change->event == OBJECT_MODIFIED && change->old != NULL &&
        json_equal(json_get(object_doc(change->old), "spec"),
                   json_get(object_doc(change->now), "spec")) &&
        json_equal(json_get(object_doc(change->old), "metadata.labels"),
                   json_get(object_doc(change->now), "metadata.labels")))
        return;
    all = object_list(c->world->objects, &a, change->now->key.cluster, S("apps/daemonsets"),
                      (struct str){0});
    for (size_t i = 0; i < all.n; i++)
        queue_add(&c->queue, &all.at[i]->key);
    arena_free(&a);
}

static const struct controller_watch watches[] = {
    {"apps/daemonsets", heard_self},
    {"pods",            heard_pod },
    {"nodes",           heard_node},
};

const struct controller_kind daemonset_loop = {
    .name = "daemonset-controller",
    .user = "system:serviceaccount:kube-system:daemon-set-controller",
    .resource = "apps/daemonsets",
    .watches = watches,
    .watches_n = ARRAY_LEN(watches),
    .sync = reconcile,
};
