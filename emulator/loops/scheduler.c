/* The schedulers: default-scheduler puts pods on the cluster's nodes, fargate-scheduler has a node
 * made for each of its pods. Keeps books of what is asked for on each node, so that one more pod
 * costs no walk over all others; they are filled from the store when a cluster is first looked at,
 * and follow the feed from then on.
 * Source: kubernetes-api.md §6.4; aws-eks-iam-ec2.md §6.3. */
#include "loops/loop_kinds.h"

#include <stdlib.h>

#include "base/macros.h"
#include "base/memory.h"
#include "base/quantity.h"
#include "loops/fargate_plan.h"
#include "loops/placement.h"
#include "loops/pods.h"
#include "loops/scheduler_plan.h"

enum {
    ENOUGH_NODES = 100, /* are compared; all only where none of those fits */
    TRY_AGAIN_MS = 60 * 1000,
};

#define PROFILE_LABEL "eks.amazonaws.com/fargate-profile"

struct node_book {
    struct arena arena;
    struct str id;         /* "cluster|name", key in the map */
    struct object *object; /* a reference; NULL: pods name it, but it is not there */
    int64_t cpu, memory, pods;
    int64_t used_cpu, used_memory, used_pods;
    bool unschedulable, ready, tainted;
};

/* What a pod takes on its node. */
struct pod_book {
    struct arena arena;
    struct str id;   /* uid, key in the map */
    struct str node; /* id of the node */
    struct pod_request request;
};

struct waiting_pod {
    struct arena arena;
    struct str id;
    struct object_key key;
};

struct scheduler {
    struct map nodes, pods;
    struct map waiting; /* struct waiting_pod: did not fit last time */
    struct map loaded;  /* names of clusters whose books are filled */
    size_t turn;        /* where the next search begins */
    struct arena arena;
};

/* --- books ------------------------------------------------------------------------------ */

static struct str node_id(struct arena *a, struct str cluster, struct str name)
{
    return arena_printf(a, "%.*s|%.*s", STR_ARG(cluster), STR_ARG(name));
}

static struct node_book *need_node(struct scheduler *s, struct str cluster, struct str name)
{
    struct arena a = {0};
    struct str id = node_id(&a, cluster, name);
    struct node_book *n = map_get(&s->nodes, id);

    if (n == NULL) {
        n = xcalloc(sizeof *n);
        n->id = arena_str(&n->arena, id);
        (void)map_put(&s->nodes, n->id, n);
    }
    arena_free(&a);
    return n;
}

static void free_node(struct scheduler *s, struct node_book *n)
{
    (void)map_remove(&s->nodes, n->id);
    object_unref(n->object);
    arena_free(&n->arena);
    free(n);
}

static bool node_is_ready(const cJSON *doc)
{
    const cJSON *ready = find_condition(json_get(doc, "status"), "Ready");

    return ready == NULL || str_is(json_str(ready, "status"), "True");
}

static void book_node(struct scheduler *s, struct object *o, bool gone)
{
    struct node_book *n = need_node(s, o->key.cluster, o->key.name);
    const cJSON *doc = object_doc(o), *room = json_get(doc, "status.allocatable");

    object_unref(n->object);
    n->object = gone ? NULL : object_ref(o);
    n->cpu = quantity_of(json_get(room, "cpu"));
    n->memory = quantity_of(json_get(room, "memory"));
    n->pods = quantity_of(json_get(room, "pods")) / 1000;
    n->unschedulable = json_bool(doc, "spec.unschedulable", false);
    n->ready = node_is_ready(doc);
    n->tainted = json_get(doc, "spec.taints") != NULL;
    if (gone && n->used_pods == 0)
        free_node(s, n);
}

static void unbook_pod(struct scheduler *s, struct str uid)
{
    struct pod_book *p = map_remove(&s->pods, uid);
    struct node_book *n = p == NULL ? NULL : map_get(&s->nodes, p->node);

    if (p == NULL)
        return;
    if (n != NULL) {
        n->used_cpu -= p->request.milli_cpu;
        n->used_memory -= p->request.memory;
        n->used_pods--;
        if (n->object == NULL && n->used_pods == 0)
            free_node(s, n);
    }
    arena_free(&p->arena);
    free(p);
}

static void book_pod(struct scheduler *s, struct object *o)
{
    const cJSON *doc = object_doc(o);
    struct str node = json_str(doc, "spec.nodeName");
    struct node_book *n;
    struct pod_book *p;

    if (node.n == 0 || pod_is_over(doc)) {
        unbook_pod(s, o->uid);
        return;
    }
    if (map_get(&s->pods, o->uid) != NULL)
        return; /* requests and node never change */
    p = xcalloc(sizeof *p);
    n = need_node(s, o->key.cluster, node);
    p->id = arena_str(&p->arena, o->uid);
    p->node = arena_str(&p->arena, n->id);
    p->request = pod_request_of(doc);
    n->used_cpu += p->request.milli_cpu;
    n->used_memory += p->request.memory;
    n->used_pods++;
    (void)map_put(&s->pods, p->id, p);
}

/* Fills the books of a cluster once. */
static void load(struct controller *c, struct arena *a, struct str cluster)
{
    struct scheduler *s = c->own;
    struct object_list all;
    struct str name;

    if (map_get(&s->loaded, cluster) != NULL)
        return;
    name = arena_str(&s->arena, cluster);
    (void)map_put(&s->loaded, name, s);
    all = object_list(c->world->objects, a, cluster, S("nodes"), (struct str){0});
    for (size_t i = 0; i < all.n; i++)
        book_node(s, all.at[i], false);
    all = object_list(c->world->objects, a, cluster, S("pods"), (struct str){0});
    for (size_t i = 0; i < all.n; i++)
        book_pod(s, all.at[i]);
}

/* --- pods that fit nowhere -------------------------------------------------------------- */

static void remember_waiting(struct scheduler *s, const struct object_key *key, struct str uid)
{
    struct waiting_pod *w = map_get(&s->waiting, uid);

    if (w != NULL)
        return;
    w = xcalloc(sizeof *w);
    w->id = arena_str(&w->arena, uid);
    w->key = key_of(arena_str(&w->arena, key->cluster), "pods", arena_str(&w->arena, key->ns),
                    arena_str(&w->arena, key->name));
    (void)map_put(&s->waiting, w->id, w);
}

static void forget_waiting(struct scheduler *s, struct str uid)
{
    struct waiting_pod *w = map_remove(&s->waiting, uid);

    if (w == NULL)
        return;
    arena_free(&w->arena);
    free(w);
}

/* There is more room than before: who waits tries again. */
static void wake_waiting(struct controller *c, struct str cluster)
{
    struct scheduler *s = c->own;
    const struct map_entry *e;
    size_t at = 0;

    while ((e = map_next(&s->waiting, &at)) != NULL) {
        const struct waiting_pod *w = e->value;

        if (str_eq(w->key.cluster, cluster))
            queue_add(&c->queue, &w->key);
    }
}

static const char *component_of(const cJSON *pod)
{
    return str_is(json_str(pod, "spec.schedulerName"), "fargate-scheduler") ? "fargate-scheduler"
                                                                            : "default-scheduler";
}

static void say(struct controller *c, struct str cluster, const cJSON *pod, const char *type,
                const char *reason, struct str message)
{
    event_record(c, cluster, pod,
                 &(struct event){.type = str_c(type),
                                 .reason = str_c(reason),
                                 .message = message,
                                 .component = component_of(pod)});
}

static void refuse(struct controller *c, struct arena *a, struct object *o, struct str reason,
                   struct str message)
{
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(o);
    struct condition condition = {"PodScheduled", "False", reason, message};

    say(c, o->key.cluster, doc, "Warning", "FailedScheduling", message);
    if (set_condition(json_need_object(doc, "status"), &condition, now_text(c->world, a), false))
        (void)loop_update(c, a, &o->key, "status", doc);
    remember_waiting(c->own, &o->key, o->uid);
    queue_add_after(&c->queue, &o->key, TRY_AGAIN_MS);
}

/* --- binding ---------------------------------------------------------------------------- */

static void bind_pod(struct controller *c, struct arena *a, struct object *o, struct str node)
{
    CLEANUP(json_freep)
    cJSON *binding = new_object("v1", "Binding", o->key.ns, o->key.name);
    cJSON *target = json_need_object(binding, "target");
    struct object_key key = o->key;
    struct written w;

    json_put_str(target, S("apiVersion"), S("v1"));
    json_put_str(target, S("kind"), S("Node"));
    json_put_str(target, S("name"), node);
    w = loop_write(
        c, a,
        &(struct object_write){
            .verb = OBJECT_CREATE, .key = key, .subresource = S("binding"), .body = binding});
    if (!written_ok(w)) {
        if (w.status != 404)
            queue_retry(&c->queue, &key);
        return;
    }
    queue_forget(&c->queue, &key);
    forget_waiting(c->own, o->uid);
    say(c, key.cluster, object_doc(o), "Normal", "Scheduled",
        arena_printf(a, "Successfully assigned %.*s/%.*s to %.*s", STR_ARG(key.ns),
                     STR_ARG(key.name), STR_ARG(node)));
}

/* --- the default scheduler -------------------------------------------------------------- */

struct search {
    struct controller *controller;
    struct arena *arena;
    struct object *pod;
    struct node_fit *nodes;
    size_t n;
};

static bool wants_host_ports(const cJSON *pod)
{
    JSON_EACH(container, json_get(pod, "spec.containers"))
        JSON_EACH(port, json_get(container, "ports"))
            if (json_int(port, "hostPort", 0) != 0)
                return true;
    return false;
}

/* The pods that are on a node already, for host ports. */
static void fill_others(const struct search *s, struct node_fit *fit)
{
    struct object_list all = object_list(s->controller->world->objects, s->arena,
                                         s->pod->key.cluster, S("pods"), (struct str){0});
    const cJSON **others = arena_array(s->arena, all.n, sizeof(const cJSON *));

    for (size_t i = 0; i < all.n; i++) {
        const cJSON *doc = object_doc(all.at[i]);

        if (str_eq(json_str(doc, "spec.nodeName"), fit->name) && !pod_is_over(doc))
            others[fit->others_n++] = doc;
    }
    fit->others = others;
}

/* How many pods of the same owner are on each node: spread over it. */
static void count_siblings(struct search *s)
{
    const cJSON *ref = controller_ref(object_doc(s->pod));
    struct str uid = json_str(ref, "uid");
    struct object_list all;

    if (uid.n == 0 || s->n > ENOUGH_NODES)
        return;
    all = object_list(s->controller->world->objects, s->arena, s->pod->key.cluster, S("pods"),
                      s->pod->key.ns);
    if (all.n > 10 * ENOUGH_NODES)
        return; /* the emptier node does it, then */
    for (size_t i = 0; i < all.n; i++) {
        const cJSON *doc = object_doc(all.at[i]);
        struct str node = json_str(doc, "spec.nodeName");

        if (node.n == 0 || !is_controlled_by(doc, uid) || !pod_is_active(doc))
            continue;
        for (size_t k = 0; k < s->n; k++)
            s->nodes[k].same_owner += str_eq(s->nodes[k].name, node);
    }
}

static struct node_fit fit_of(const struct node_book *n)
{
    return (struct node_fit){
        .name = n->object->key.name,
        .labels = labels_of(n->object),
        .taints = n->tainted ? json_get(object_doc(n->object), "spec.taints") : NULL,
        .unschedulable = n->unschedulable,
        .ready = n->ready,
        .cpu = n->cpu,
        .memory = n->memory,
        .pods = n->pods,
        .used_cpu = n->used_cpu,
        .used_memory = n->used_memory,
        .used_pods = n->used_pods,
    };
}

/* Some nodes of the pod's cluster, at most @most, another part of them each time. */
static void find_nodes(struct search *s, size_t most)
{
    struct scheduler *books = s->controller->own;
    size_t all = map_count(&books->nodes), at = books->turn, seen = 0;
    bool ports = wants_host_ports(object_doc(s->pod));
    struct str cluster = s->pod->key.cluster;

    s->n = 0;
    s->nodes = arena_array(s->arena, most < all ? most : all, sizeof *s->nodes);
    for (; s->n < most && seen < all; seen++) {
        const struct map_entry *e = map_next(&books->nodes, &at);
        const struct node_book *n;

        if (e == NULL) {
            at = 0;
            e = map_next(&books->nodes, &at);
        }
        n = e->value;
        if (n->object == NULL || !str_eq(n->object->key.cluster, cluster))
            continue;
        s->nodes[s->n] = fit_of(n);
        if (ports)
            fill_others(s, &s->nodes[s->n]);
        s->n++;
    }
    books->turn = seen < all ? at : 0;
}

static struct schedule_result search(struct search *s, size_t most)
{
    find_nodes(s, most);
    count_siblings(s);
    return schedule_plan(s->arena, object_doc(s->pod), s->nodes, s->n);
}

static void schedule(struct controller *c, struct arena *a, struct object *o)
{
    struct search s = {.controller = c, .arena = a, .pod = o};
    struct schedule_result result = search(&s, ENOUGH_NODES);

    if (result.node.n == 0 && s.n == ENOUGH_NODES)
        result = search(&s, SIZE_MAX);
    if (result.node.n > 0)
        bind_pod(c, a, o, arena_str(a, result.node));
    else
        refuse(c, a, o, S("Unschedulable"), result.message);
}

/* --- Fargate ---------------------------------------------------------------------------- */

static void annotate(struct controller *c, struct arena *a, struct object *o, struct str capacity)
{
    CLEANUP(json_freep) cJSON *patch = cJSON_CreateObject();
    cJSON *annotations = json_need_object(patch, "metadata.annotations");

    json_put_str(annotations, S("CapacityProvisioned"), capacity);
    json_put_str(annotations, S("Logging"), S("LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND"));
    (void)loop_patch(c, a, &o->key, "", patch);
}

static void schedule_on_fargate(struct controller *c, struct arena *a, struct object *o)
{
    const struct provision *p = c->world->provision;
    const cJSON *doc = object_doc(o);
    struct fargate_plan plan = fargate_plan_of(a, doc);
    struct str why = S("no nodes available to schedule pods"), node = {0};
    struct str profile = label_value(labels_of(o), S(PROFILE_LABEL));

    if (plan.message.n > 0) {
        refuse(c, a, o, plan.reason, plan.message);
        return;
    }
    if (p != NULL && p->fargate_node != NULL)
        node = p->fargate_node(p->data, a, o->key.cluster, doc, profile, &plan.size, &why);
    if (node.n == 0) {
        refuse(c, a, o, S("Unschedulable"), why);
        return;
    }
    annotate(c, a, o, plan.capacity);
    o = object_get(c->world->objects, o->key);
    if (o == NULL)
        return;
    say(c, o->key.cluster, object_doc(o), "Warning", "LoggingDisabled",
        S("Disabled logging because aws-logging configmap was not found. configmap "
          "\"aws-logging\" not found"));
    bind_pod(c, a, o, node);
}

/* --- the loop --------------------------------------------------------------------------- */

static void reconcile(struct controller *c, struct arena *a, const struct object_key *key)
{
    struct object *o = object_get(c->world->objects, *key);
    const cJSON *doc;
    struct str scheduler;

    load(c, a, key->cluster);
    if (o == NULL)
        return;
    doc = object_doc(o);
    scheduler = json_str(doc, "spec.schedulerName");
    if (json_str(doc, "spec.nodeName").n > 0 || !pod_is_active(doc))
        return;
    if (str_is(scheduler, "fargate-scheduler"))
        schedule_on_fargate(c, a, o);
    else if (scheduler.n == 0 || str_is(scheduler, "default-scheduler"))
        schedule(c, a, o);
}

static void on_pod_gone(struct controller *c, struct object *o)
{
    const struct provision *p = c->world->provision;
    struct str node = json_str(object_doc(o), "spec.nodeName");

    unbook_pod(c->own, o->uid);
    forget_waiting(c->own, o->uid);
    if (p != NULL && p->remove_fargate_node != NULL && str_starts(node, S("fargate-ip-")))
        p->remove_fargate_node(p->data, o->key.cluster, node);
    wake_waiting(c, o->key.cluster);
}

static void heard_pod(struct controller *c, const struct object_change *change)
{
    struct scheduler *s = c->own;

    if (change->event == OBJECT_DELETED) {
        on_pod_gone(c, change->now);
        return;
    }
    if (json_str(object_doc(change->now), "spec.nodeName").n == 0)
        queue_add(&c->queue, &change->now->key);
    if (map_get(&s->loaded, change->now->key.cluster) != NULL)
        book_pod(s, change->now);
}

/* A node that only tells its status again makes no room. */
static bool makes_room(const struct object_change *change)
{
    const cJSON *old, *now = object_doc(change->now);

    if (change->old == NULL)
        return true;
    old = object_doc(change->old);
    return !json_equal(json_get(old, "spec"), json_get(now, "spec")) ||
           !json_equal(json_get(old, "metadata.labels"), json_get(now, "metadata.labels")) ||
           !json_equal(json_get(old, "status.allocatable"), json_get(now, "status.allocatable")) ||
           node_is_ready(old) != node_is_ready(now);
}

static void heard_node(struct controller *c, const struct object_change *change)
{
    struct scheduler *s = c->own;

    if (map_get(&s->loaded, change->now->key.cluster) == NULL)
        return;
    book_node(s, change->now, change->event == OBJECT_DELETED);
    if (change->event != OBJECT_DELETED && makes_room(change))
        wake_waiting(c, change->now->key.cluster);
}

static int open_scheduler(struct controller *c)
{
    c->own = xcalloc(sizeof(struct scheduler));
    return 0;
}

static void forget_cluster(struct controller *c, struct str cluster)
{
    struct scheduler *s = c->own;
    struct arena a = {0};
    struct str prefix = node_id(&a, cluster, (struct str){0});
    struct map_entry *e;
    size_t at = 0;

    (void)map_remove(&s->loaded, cluster);
    while ((e = map_next(&s->waiting, &at)) != NULL)
        if (str_eq(((struct waiting_pod *)e->value)->key.cluster, cluster))
            forget_waiting(s, ((struct waiting_pod *)e->value)->id);
    for (at = 0; (e = map_next(&s->pods, &at)) != NULL;)
        if (str_starts(((struct pod_book *)e->value)->node, prefix))
            unbook_pod(s, ((struct pod_book *)e->value)->id);
    for (at = 0; (e = map_next(&s->nodes, &at)) != NULL;)
        if (str_starts(((struct node_book *)e->value)->id, prefix))
            free_node(s, e->value);
    arena_free(&a);
}

static void close_scheduler(struct controller *c)
{
    struct scheduler *s = c->own;
    struct map_entry *e;
    size_t at = 0;

    while ((e = map_next(&s->pods, &at)) != NULL)
        unbook_pod(s, ((struct pod_book *)e->value)->id);
    for (at = 0; (e = map_next(&s->nodes, &at)) != NULL;)
        free_node(s, e->value);
    for (at = 0; (e = map_next(&s->waiting, &at)) != NULL;)
        forget_waiting(s, ((struct waiting_pod *)e->value)->id);
    map_free(&s->pods);
    map_free(&s->nodes);
    map_free(&s->waiting);
    map_free(&s->loaded);
    arena_free(&s->arena);
    free(s);
}

static const struct controller_watch watches[] = {
    {"pods",  heard_pod },
    {"nodes", heard_node},
};

const struct controller_kind scheduler_loop = {
    .name = "default-scheduler",
    .user = "system:kube-scheduler",
    .resource = "pods",
    .watches = watches,
    .watches_n = ARRAY_LEN(watches),
    .sync = reconcile,
    .open = open_scheduler,
    .close = close_scheduler,
    .forget = forget_cluster,
};
