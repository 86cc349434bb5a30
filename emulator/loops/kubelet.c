/* The kubelet of every node: pods that are bound get an address, files and containers; what they
 * become is written to their status; pods that are deleted are stopped and then removed.
 *
 * Memory: one worker a pod (kubelet_worker.h). After a restart of the server workers are made anew
 * from the pods' status: containers that ran are started again, with a restart counted.
 * Source: kubernetes-api.md §6.5. */
#include "loops/loop_kinds.h"

#include <stdlib.h>

#include "base/macros.h"
#include "base/memory.h"
#include "loops/kubelet_worker.h"
#include "loops/placement.h"
#include "loops/pod_volumes.h"
#include "loops/pods.h"

enum {
    MS = 1000,
    MOUNT_RETRY_MS = 1000,
    ADDRESS_RETRY_MS = 1000,
    UNKNOWN_EXIT = 255,
};

struct kubelet {
    struct map workers; /* by key text */
    struct link orphans;
    uint32_t last_address; /* counted up where nobody provides addresses */
};

/* --- workers ---------------------------------------------------------------------------- */

static struct str key_id(struct arena *a, const struct object_key *key)
{
    return arena_printf(a, "%.*s|%.*s|%.*s", STR_ARG(key->cluster), STR_ARG(key->ns),
                        STR_ARG(key->name));
}

static bool runs_anything(const struct pod_worker *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->containers[i].running != NULL)
            return true;
    return false;
}

/* Its containers have ended (or are let go): the runtime and the subnet forget the pod. */
static void free_worker(struct pod_worker *w)
{
    struct loop_world *world = w->controller->world;
    const struct provision *p = world->provision;
    bool running = runs_anything(w);

    for (size_t i = 0; i < w->n; i++) {
        container_stop_probes(&w->containers[i]);
        if (w->containers[i].running != NULL)
            pod_runtime_detach(w->containers[i].running);
        free(w->containers[i].wait_message);
    }
    if (!running) {
        pod_runtime_remove_pod(world->runtime, w->uid);
        if (p != NULL && p->release_pod_address != NULL)
            p->release_pod_address(p->data, w->key.cluster, w->uid);
    }
    list_remove(&w->link);
    arena_free(&w->arena);
    free(w);
}

static void take_status(struct container_worker *c, const cJSON *status, int64_t now);

static void add_containers(struct pod_worker *w, const cJSON *doc, bool init, size_t *at)
{
    JSON_EACH(spec, json_get(doc, init ? "spec.initContainers" : "spec.containers")) {
        struct container_worker *c = &w->containers[*at];

        c->pod = w;
        c->name = arena_str(&w->arena, json_str(spec, "name"));
        c->index = init ? *at : *at - w->init_n;
        c->init = init;
        c->wait_reason = init || w->init_n == 0 ? "ContainerCreating" : "PodInitializing";
        JSON_EACH(status,
                  json_get(doc, init ? "status.initContainerStatuses" : "status.containerStatuses"))
            if (str_eq(json_str(status, "name"), c->name))
                take_status(c, status, clock_now(w->controller->world->clock));
        (*at)++;
    }
}

/* What an earlier server knew about a container. One that ran was cut off; what became of it is
 * not known, which the kubelet shows as exit code 255. */
static void take_status(struct container_worker *c, const cJSON *status, int64_t now)
{
    const cJSON *ended = json_get(status, "state.terminated");
    const cJSON *running = json_get(status, "state.running");

    c->restarts = json_int(status, "restartCount", 0);
    if (ended == NULL && running == NULL)
        return;
    c->phase = CONTAINER_ENDED;
    c->wait_reason = NULL;
    c->end = (struct container_end){
        .set = true,
        .code = ended != NULL ? (int)json_int(ended, "exitCode", 0) : UNKNOWN_EXIT,
        .reason = ended == NULL ? "Unknown" : NULL,
        .started = json_time(ended != NULL ? ended : running, "startedAt"),
        .finished = ended != NULL ? json_time(ended, "finishedAt") : now,
    };
}

static struct str node_address(const cJSON *node)
{
    JSON_EACH(address, json_get(node, "status.addresses"))
        if (str_is(json_str(address, "type"), "InternalIP"))
            return json_str(address, "address");
    return (struct str){0};
}

static struct pod_worker *new_worker(struct controller *c, struct object *o)
{
    struct kubelet *k = c->own;
    struct pod_worker *w = xcalloc(sizeof *w);
    const cJSON *doc = object_doc(o);
    struct arena *a = &w->arena;
    int64_t since = json_time(doc, "status.startTime");
    size_t at = 0;

    w->controller = c;
    w->key = key_of(arena_str(a, o->key.cluster), "pods", arena_str(a, o->key.ns),
                    arena_str(a, o->key.name));
    w->id = key_id(a, &w->key);
    w->uid = arena_str(a, o->uid);
    w->node = arena_str(a, json_str(doc, "spec.nodeName"));
    w->started_at = since > 0 ? since : clock_now(c->world->clock);
    w->init_n = (size_t)cJSON_GetArraySize(json_get(doc, "spec.initContainers"));
    w->n = w->init_n + (size_t)cJSON_GetArraySize(json_get(doc, "spec.containers"));
    w->containers = arena_array(a, w->n, sizeof *w->containers);
    add_containers(w, doc, true, &at);
    add_containers(w, doc, false, &at);
    (void)map_put(&k->workers, w->id, w);
    return w;
}

static struct pod_worker *find_worker(struct controller *c, const struct object_key *key)
{
    struct kubelet *k = c->own;
    struct arena a = {0};
    struct pod_worker *w = map_get(&k->workers, key_id(&a, key));

    arena_free(&a);
    return w;
}

void kubelet_container_of_orphan_ended(struct pod_worker *w)
{
    if (!runs_anything(w))
        free_worker(w);
}

/* The pod object is gone while containers may still run; the end of the last one frees @w. */
static void abandon(struct kubelet *k, struct pod_worker *w)
{
    (void)map_remove(&k->workers, w->id);
    w->orphan = true;
    list_append(&k->orphans, &w->link);
    for (size_t i = 0; i < w->n; i++)
        container_stop(&w->containers[i], NULL, 0);
    kubelet_container_of_orphan_ended(w);
}

/* --- sandbox ---------------------------------------------------------------------------- */

static struct str count_address(struct kubelet *k, struct arena *a)
{
    enum { PER_BYTE = 256 };

    k->last_address++;
    return arena_printf(a, "192.168.%u.%u", 128 + k->last_address / PER_BYTE % 64,
                        k->last_address % PER_BYTE);
}

static bool need_address(struct pod_worker *w, struct arena *a, const cJSON *doc)
{
    struct loop_world *world = w->controller->world;
    const struct provision *p = world->provision;
    struct object_key key = key_of(w->key.cluster, "nodes", (struct str){0}, w->node);
    struct object *node = object_get(world->objects, key);
    struct str address = json_str(doc, "status.podIP"), why = {0};
    const cJSON *node_doc = node == NULL ? NULL : object_doc(node);

    if (w->address.n > 0)
        return true;
    w->host_address = arena_str(&w->arena, node_address(node_doc));
    if (json_bool(doc, "spec.hostNetwork", false))
        address = w->host_address;
    else if (p != NULL && p->pod_address != NULL)
        address = p->pod_address(p->data, a, w->key.cluster, node_doc, doc, &why);
    else if (address.n == 0)
        address = count_address(w->controller->own, a);
    w->address = arena_str(&w->arena, address);
    if (address.n == 0)
        event_record(w->controller, w->key.cluster, doc,
                     &(struct event){
                         .type = S("Warning"),
                         .reason = S("FailedCreatePodSandBox"),
                         .message = arena_printf(a,
                                                 "Failed to create pod sandbox: rpc error: code = "
                                                 "Unknown desc = failed to set up network for "
                                                 "sandbox: %.*s",
                                                 STR_ARG(why)),
                         .host = w->node});
    return address.n > 0;
}

static bool need_sandbox(struct pod_worker *w, struct arena *a, const cJSON *doc)
{
    const struct loop_cluster *cluster = world_cluster(w->controller->world, w->key.cluster);

    if (!need_address(w, a, doc)) {
        queue_add_after(&w->controller->queue, &w->key, ADDRESS_RETRY_MS);
        return false;
    }
    return pod_runtime_add_pod(w->controller->world->runtime, &(struct pod_sandbox){
                                                                  .uid = w->uid,
                                                                  .namespace = w->key.ns,
                                                                  .name = w->key.name,
                                                                  .address = w->address,
                                                                  .kube_host = cluster->kube_host,
                                                                  .kube_port = cluster->kube_port,
                                                              }) == 0;
}

static bool is_renewal_due(const struct pod_worker *w)
{
    return w->renew_at > 0 && clock_now(w->controller->world->clock) >= w->renew_at;
}

static bool need_volumes(struct pod_worker *w, struct arena *a, const cJSON *doc)
{
    struct str volume, why;
    int64_t renew = 0;

    if (w->has_volumes && !is_renewal_due(w))
        return true;
    if (pod_volumes_write(w->controller, a, w->key.cluster, doc, &renew, &volume, &why) < 0) {
        event_record(w->controller, w->key.cluster, doc,
                     &(struct event){.type = S("Warning"),
                                     .reason = S("FailedMount"),
                                     .message = arena_printf(
                                         a, "MountVolume.SetUp failed for volume \"%.*s\" : %.*s",
                                         STR_ARG(volume), STR_ARG(why)),
                                     .host = w->node});
        queue_add_after(&w->controller->queue, &w->key, MOUNT_RETRY_MS);
        return w->has_volumes;
    }
    w->has_volumes = true;
    w->renew_at = renew > 0 ? clock_now(w->controller->world->clock) + renew : 0;
    return true;
}

/* --- containers ------------------------------------------------------------------------- */

static const cJSON *spec_of(const struct container_worker *c, const cJSON *doc)
{
    return cJSON_GetArrayItem(json_get(doc, c->init ? "spec.initContainers" : "spec.containers"),
                              (int)c->index);
}

static bool is_sidecar(const cJSON *spec)
{
    return str_is(json_str(spec, "restartPolicy"), "Always");
}

/* Init containers run one after the other; true once all have done their part. */
static bool init_is_done(struct pod_worker *w, struct arena *a, const cJSON *doc)
{
    for (size_t i = 0; i < w->init_n; i++) {
        struct container_worker *c = &w->containers[i];
        const cJSON *spec = spec_of(c, doc);

        container_step(c, a, doc, spec);
        if (is_sidecar(spec) && c->phase == CONTAINER_RUNNING)
            continue;
        if (c->phase != CONTAINER_ENDED || c->end.code != 0)
            return false;
    }
    return true;
}

static void soonest(int64_t *next, int64_t at)
{
    if (at > 0 && (*next == 0 || at < *next))
        *next = at;
}

static void run(struct pod_worker *w, struct arena *a, const cJSON *doc)
{
    int64_t now = clock_now(w->controller->world->clock), next = 0;

    if (!need_sandbox(w, a, doc) || !need_volumes(w, a, doc))
        return;
    if (init_is_done(w, a, doc))
        for (size_t i = w->init_n; i < w->n; i++)
            container_step(&w->containers[i], a, doc, spec_of(&w->containers[i], doc));
    for (size_t i = 0; i < w->n; i++)
        soonest(&next, container_probe(&w->containers[i], doc, spec_of(&w->containers[i], doc)));
    soonest(&next, w->renew_at);
    if (next > 0)
        queue_add_after(&w->controller->queue, &w->key, next > now ? next - now : 1);
}

/* --- status and the end ----------------------------------------------------------------- */

static void write_status(struct pod_worker *w, struct arena *a)
{
    struct loop_world *world = w->controller->world;
    struct object *o = object_get(world->objects, w->key);
    const struct loop_cluster *cluster = world_cluster(world, w->key.cluster);

    if (o == NULL || !str_eq(o->uid, w->uid))
        return;
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(o);
    kubelet_status_plan(a, w, doc, clock_now(world->clock), cluster->minor);
    if (json_equal(doc, object_doc(o)))
        return;
    if (!written_ok(loop_update(w->controller, a, &w->key, "status", doc)))
        queue_retry(&w->controller->queue, &w->key);
}

/* The last word about a pod that was deleted: it is removed for good. */
static void remove_pod(struct controller *c, struct arena *a, const struct object_key *key,
                       struct str uid)
{
    CLEANUP(json_freep) cJSON *options = cJSON_CreateObject();
    struct written w;

    json_put_int(options, S("gracePeriodSeconds"), 0);
    json_put_str(json_need_object(options, "preconditions"), S("uid"), uid);
    w = loop_write(c, a,
                   &(struct object_write){.verb = OBJECT_DELETE, .key = *key, .body = options});
    if (!written_ok(w) && w.status != 404 && w.status != 0)
        queue_retry(&c->queue, key);
}

static void terminate(struct pod_worker *w, struct arena *a, const cJSON *doc)
{
    int64_t grace = json_int(doc, "metadata.deletionGracePeriodSeconds", 0) * MS;

    for (size_t i = 0; i < w->n; i++)
        container_stop(&w->containers[i], doc, grace);
    if (runs_anything(w)) {
        write_status(w, a);
        return;
    }
    write_status(w, a);
    remove_pod(w->controller, a, &w->key, w->uid);
}

/* --- the loop --------------------------------------------------------------------------- */

static void reconcile(struct controller *c, struct arena *a, const struct object_key *key)
{
    struct object *o = object_get(c->world->objects, *key);
    struct pod_worker *w = find_worker(c, key);
    const cJSON *doc;

    if (w != NULL && (o == NULL || !str_eq(o->uid, w->uid))) {
        abandon(c->own, w);
        w = NULL;
    }
    if (o == NULL)
        return;
    doc = object_doc(o);
    if (json_str(doc, "spec.nodeName").n == 0)
        return;
    if (w == NULL && (is_deleting(doc) || pod_is_over(doc))) {
        if (is_deleting(doc))
            remove_pod(c, a, key, o->uid);
        return;
    }
    if (w == NULL)
        w = new_worker(c, o);
    if (is_deleting(doc)) {
        terminate(w, a, doc);
        return;
    }
    if (!pod_is_over(doc))
        run(w, a, doc);
    write_status(w, a);
}

static void heard_pod(struct controller *c, const struct object_change *change)
{
    if (change->event == OBJECT_DELETED || find_worker(c, &change->now->key) != NULL ||
        json_str(object_doc(change->now), "spec.nodeName").n > 0)
        queue_add(&c->queue, &change->now->key);
}

/* Pods whose volumes or variables wait for what has come now. */
static void heard_config(struct controller *c, const struct object_change *change)
{
    struct kubelet *k = c->own;
    const struct map_entry *e;
    size_t at = 0;

    if (change->event != OBJECT_ADDED)
        return;
    while ((e = map_next(&k->workers, &at)) != NULL) {
        const struct pod_worker *w = e->value;

        if (str_eq(w->key.ns, change->now->key.ns) &&
            str_eq(w->key.cluster, change->now->key.cluster) && !runs_anything(w))
            queue_add(&c->queue, &w->key);
    }
}

static int open_kubelet(struct controller *c)
{
    struct kubelet *k = xcalloc(sizeof *k);

    list_init(&k->orphans);
    c->own = k;
    return 0;
}

static void forget_cluster(struct controller *c, struct str cluster)
{
    struct kubelet *k = c->own;
    struct map_entry *e;
    size_t at = 0;

    while ((e = map_next(&k->workers, &at)) != NULL)
        if (str_eq(((struct pod_worker *)e->value)->key.cluster, cluster))
            abandon(k, e->value);
}

static void close_kubelet(struct controller *c)
{
    struct kubelet *k = c->own;
    struct map_entry *e;
    size_t at = 0;

    while ((e = map_next(&k->workers, &at)) != NULL)
        free_worker(e->value);
    LIST_EACH(struct pod_worker, w, &k->orphans, link)
        free_worker(w);
    map_free(&k->workers);
    free(k);
}

static const struct controller_watch watches[] = {
    {"pods",       heard_pod   },
    {"configmaps", heard_config},
    {"secrets",    heard_config},
};

const struct controller_kind kubelet_loop = {
    .name = "kubelet",
    .user = "system:node",
    .resource = "pods",
    .watches = watches,
    .watches_n = ARRAY_LEN(watches),
    .sync = reconcile,
    .open = open_kubelet,
    .close = close_kubelet,
    .forget = forget_cluster,
};
