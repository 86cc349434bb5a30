/* Endpoints and EndpointSlices of Services that select pods.
 * Source: kubernetes-api.md §6.3; pkg/controller/endpoint and endpointslice. */
#include "loops/loop_kinds.h"

#include "base/macros.h"
#include "loops/endpoints_plan.h"
#include "loops/pods.h"
#include "loops/selector.h"

enum { MOST_IN_SLICE = 100 };

#define TRIGGER_TIME "endpoints.kubernetes.io/last-change-trigger-time"
#define MANAGED_BY   "endpointslice-controller.k8s.io"

static bool selects(const cJSON *service)
{
    const cJSON *selector = json_get(service, "spec.selector");

    return selector != NULL && selector->child != NULL &&
           !str_is(json_str(service, "spec.type"), "ExternalName");
}

static struct object_list pods_of(struct controller *c, struct arena *a,
                                  const struct object_key *key)
{
    return object_list(c->world->objects, a, key->cluster, S("pods"), key->ns);
}

static void copy_labels(cJSON *to, const cJSON *service)
{
    JSON_EACH(item, json_get(service, "metadata.labels"))
        json_put_str(to, str_c(item->string), json_text(item));
}

/* --- Endpoints -------------------------------------------------------------------------- */

static cJSON *wanted_endpoints(struct controller *c, struct arena *a, const struct object_key *key,
                               const cJSON *service, struct object *old)
{
    struct object_list pods = pods_of(c, a, key);
    cJSON *doc =
        old != NULL ? object_copy_doc(old) : new_object("v1", "Endpoints", key->ns, key->name);
    cJSON *metadata = json_get(doc, "metadata"), *subsets;
    size_t n;
    struct endpoint *at = endpoints_of(a, service, &pods, false, &n);

    json_remove(metadata, S("labels"));
    copy_labels(json_need_object(metadata, "labels"), service);
    if (str_is(json_str(service, "spec.clusterIP"), "None"))
        json_put_str(json_need_object(metadata, "labels"), S("service.kubernetes.io/headless"),
                     S(""));
    if (json_get(metadata, "labels")->child == NULL)
        json_remove(metadata, S("labels"));
    subsets = endpoints_subsets(a, service, at, n);
    if (subsets->child != NULL) {
        json_put(doc, S("subsets"), subsets);
    } else {
        json_remove(doc, S("subsets"));
        cJSON_Delete(subsets);
    }
    return doc;
}

static void reconcile_endpoints(struct controller *c, struct arena *a, const struct object_key *key)
{
    struct object *service = object_get(c->world->objects, *key), *old;
    struct object_key at = key_of(key->cluster, "endpoints", key->ns, key->name);
    struct written w;

    old = object_get(c->world->objects, at);
    if (service == NULL) {
        if (old != NULL &&
            label_value(labels_of(old), S("endpoints.kubernetes.io/managed-by")).at == NULL)
            (void)loop_delete(c, a, &at, old->uid, NULL);
        return;
    }
    if (!selects(object_doc(service)) || is_deleting(object_doc(service)))
        return;
    CLEANUP(json_freep) cJSON *doc = wanted_endpoints(c, a, key, object_doc(service), old);
    if (old != NULL && json_equal(doc, object_doc(old)))
        return;
    json_put_str(json_need_object(json_get(doc, "metadata"), "annotations"), S(TRIGGER_TIME),
                 now_text(c->world, a));
    w = old == NULL ? loop_create(c, a, &at, doc) : loop_update(c, a, &at, "", doc);
    if (!written_ok(w) && w.status != 0)
        queue_retry(&c->queue, key);
}

/* --- slices ----------------------------------------------------------------------------- */

struct slice_view {
    struct controller *controller;
    struct arena *arena;
    struct object_key key; /* of the Service */
    const cJSON *service;
    cJSON *wanted; /* [{ports, endpoints}] */
    struct object **old;
    size_t old_n;
};

static struct str zone_of(const struct slice_view *v, struct str node)
{
    struct object_key key = key_of(v->key.cluster, "nodes", (struct str){0}, node);
    struct object *o = object_get(v->controller->world->objects, key);

    return o == NULL ? (struct str){0}
                     : label_value(labels_of(o), S("topology.kubernetes.io/zone"));
}

static cJSON *slice_with_room(cJSON *wanted, const cJSON *ports)
{
    cJSON *slice;

    JSON_EACH(item, wanted)
        if (json_equal(json_get(item, "ports"), ports) &&
            cJSON_GetArraySize(json_get(item, "endpoints")) < MOST_IN_SLICE)
            return item;
    slice = cJSON_CreateObject();
    json_put(slice, S("endpoints"), cJSON_CreateArray());
    json_put(slice, S("ports"), cJSON_Duplicate(ports, true));
    cJSON_AddItemToArray(wanted, slice);
    return slice;
}

static void want_slices(struct slice_view *v)
{
    struct object_list pods = pods_of(v->controller, v->arena, &v->key);
    size_t n;
    struct endpoint *at = endpoints_of(v->arena, v->service, &pods, true, &n);

    v->wanted = cJSON_CreateArray();
    for (size_t i = 0; i < n; i++) {
        CLEANUP(json_freep) cJSON *ports = slice_ports(v->service, at[i].pod);
        cJSON *slice = slice_with_room(v->wanted, ports);

        cJSON_AddItemToArray(json_get(slice, "endpoints"),
                             slice_endpoint(v->service, &at[i], zone_of(v, at[i].node)));
    }
    if (v->wanted->child == NULL) { /* one slice stands even when it is empty */
        cJSON *slice = cJSON_CreateObject();

        json_put(slice, S("endpoints"), cJSON_CreateArray());
        json_put(slice, S("ports"), cJSON_CreateArray());
        cJSON_AddItemToArray(v->wanted, slice);
    }
}

static void find_slices(struct slice_view *v)
{
    struct object_list all = object_list(v->controller->world->objects, v->arena, v->key.cluster,
                                         S("discovery.k8s.io/endpointslices"), v->key.ns);

    v->old = arena_array(v->arena, all.n, sizeof(struct object *));
    for (size_t i = 0; i < all.n; i++) {
        struct labels labels = labels_of(all.at[i]);

        if (str_eq(label_value(labels, S("kubernetes.io/service-name")), v->key.name) &&
            str_is(label_value(labels, S("endpointslice.kubernetes.io/managed-by")), MANAGED_BY))
            v->old[v->old_n++] = all.at[i];
    }
}

static cJSON *new_slice(const struct slice_view *v)
{
    cJSON *doc = new_object("discovery.k8s.io/v1", "EndpointSlice", v->key.ns, (struct str){0});
    cJSON *metadata = json_get(doc, "metadata");

    json_put_str(metadata, S("generateName"),
                 arena_printf(v->arena, "%.*s-", STR_ARG(v->key.name)));
    json_put_str(doc, S("addressType"), S("IPv4"));
    cJSON_AddItemToArray(json_need_array(metadata, "ownerReferences"),
                         new_controller_ref(v->service));
    return doc;
}

static void fill_slice(const struct slice_view *v, cJSON *doc, const cJSON *wanted)
{
    cJSON *labels = json_need_object(json_get(doc, "metadata"), "labels");

    copy_labels(labels, v->service);
    json_put_str(labels, S("endpointslice.kubernetes.io/managed-by"), S(MANAGED_BY));
    json_put_str(labels, S("kubernetes.io/service-name"), v->key.name);
    if (str_is(json_str(v->service, "spec.clusterIP"), "None"))
        json_put_str(labels, S("service.kubernetes.io/headless"), S(""));
    json_put(doc, S("endpoints"), cJSON_Duplicate(json_get(wanted, "endpoints"), true));
    json_put(doc, S("ports"), cJSON_Duplicate(json_get(wanted, "ports"), true));
}

static void write_slice(const struct slice_view *v, struct object *old, const cJSON *wanted)
{
    CLEANUP(json_freep) cJSON *doc = old == NULL ? new_slice(v) : object_copy_doc(old);
    struct object_key key =
        key_of(v->key.cluster, "discovery.k8s.io/endpointslices", v->key.ns, (struct str){0});
    struct written w;

    fill_slice(v, doc, wanted);
    if (old != NULL && json_equal(doc, object_doc(old)))
        return;
    json_put_str(json_need_object(json_get(doc, "metadata"), "annotations"), S(TRIGGER_TIME),
                 now_text(v->controller->world, v->arena));
    if (old != NULL)
        key.name = old->key.name;
    w = old == NULL ? loop_create(v->controller, v->arena, &key, doc)
                    : loop_update(v->controller, v->arena, &key, "", doc);
    if (!written_ok(w) && w.status != 0)
        queue_retry(&v->controller->queue, &v->key);
}

static void write_slices(const struct slice_view *v)
{
    size_t used = 0;

    JSON_EACH(wanted, v->wanted) {
        write_slice(v, used < v->old_n ? v->old[used] : NULL, wanted);
        used++;
    }
    for (; used < v->old_n; used++)
        (void)loop_delete(v->controller, v->arena, &v->old[used]->key, v->old[used]->uid, NULL);
}

static void reconcile_slices(struct controller *c, struct arena *a, const struct object_key *key)
{
    struct slice_view v = {.controller = c, .arena = a, .key = *key};
    struct object *service = object_get(c->world->objects, *key);

    find_slices(&v);
    if (service == NULL) { /* their owner is gone; the collector would take them too */
        for (size_t i = 0; i < v.old_n; i++)
            (void)loop_delete(c, a, &v.old[i]->key, v.old[i]->uid, NULL);
        return;
    }
    v.service = object_doc(service);
    if (!selects(v.service) || is_deleting(v.service))
        return;
    want_slices(&v);
    write_slices(&v);
    cJSON_Delete(v.wanted);
}

/* --- hearing ---------------------------------------------------------------------------- */

/* What endpoints show of a pod. */
static bool shows_otherwise(const struct object_change *change)
{
    const cJSON *old, *now = object_doc(change->now);

    if (change->old == NULL || change->event == OBJECT_DELETED)
        return true;
    old = object_doc(change->old);
    return pod_is_ready(old) != pod_is_ready(now) || is_deleting(old) != is_deleting(now) ||
           pod_is_over(old) != pod_is_over(now) ||
           !str_eq(json_str(old, "status.podIP"), json_str(now, "status.podIP")) ||
           !json_equal(json_get(old, "metadata.labels"), json_get(now, "metadata.labels"));
}

/* The Services that select a pod, before or after the change. */
static void heard_pod(struct controller *c, const struct object_change *change)
{
    struct arena a = {0};
    struct object_list services;

    if (!shows_otherwise(change))
        return;
    services = object_list(c->world->objects, &a, change->now->key.cluster, S("services"),
                           change->now->key.ns);
    for (size_t i = 0; i < services.n; i++) {
        const cJSON *doc = object_doc(services.at[i]), *selector = json_get(doc, "spec.selector");

        if (selects(doc) &&
            (label_map_matches(selector, labels_of(change->now)) ||
             (change->old != NULL && label_map_matches(selector, labels_of(change->old)))))
            queue_add(&c->queue, &services.at[i]->key);
    }
    arena_free(&a);
}

/* Someone else's change of what is ours is put right. */
static void heard_endpoints(struct controller *c, const struct object_change *change)
{
    struct object_key key =
        key_of(change->now->key.cluster, "services", change->now->key.ns, change->now->key.name);

    queue_add(&c->queue, &key);
}

static void heard_slice(struct controller *c, const struct object_change *change)
{
    struct str service = label_value(labels_of(change->now), S("kubernetes.io/service-name"));
    struct object_key key =
        key_of(change->now->key.cluster, "services", change->now->key.ns, service);

    if (service.n > 0)
        queue_add(&c->queue, &key);
}

static const struct controller_watch endpoints_watches[] = {
    {"services",  heard_self     },
    {"pods",      heard_pod      },
    {"endpoints", heard_endpoints},
};

const struct controller_kind endpoints_loop = {
    .name = "endpoint-controller",
    .user = "system:serviceaccount:kube-system:endpoint-controller",
    .resource = "services",
    .watches = endpoints_watches,
    .watches_n = ARRAY_LEN(endpoints_watches),
    .sync = reconcile_endpoints,
};

static const struct controller_watch slice_watches[] = {
    {"services",                        heard_self },
    {"pods",                            heard_pod  },
    {"discovery.k8s.io/endpointslices", heard_slice},
};

const struct controller_kind endpoint_slice_loop = {
    .name = "endpoint-slice-controller",
    .user = "system:serviceaccount:kube-system:endpointslice-controller",
    .resource = "services",
    .watches = slice_watches,
    .watches_n = ARRAY_LEN(slice_watches),
    .sync = reconcile_slices,
};
