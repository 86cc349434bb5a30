/* A world for the loops' tests: a store in memory, a stopped clock, the fake runtime, and a small
 * writer that stands in for the API server's pipeline (ids, generations, status apart from spec,
 * graceful deletion of pods, finalizers; no defaults, no validation). */
#pragma once

#include "loops/loops.h"

#include "base/clock.h"
#include "base/ids.h"
#include "runtime/fake.h"
#include "runtime/image_catalogue.h"
#include "store/feed.h"
#include "store/object.h"
#include "store/object_writer.h"
#include "store/store.h"
#include "test.h"

#define CLUSTER S("sample")

struct world {
    struct arena arena;
    struct clock clock;
    struct ids ids;
    struct store *store;
    struct objects *objects;
    struct object_writer writer;
    struct image_catalogue catalogue;
    struct pod_runtime *runtime;
    struct loops *loops;
    struct jwt_key *key;
};

static struct world *world_of_writer(struct object_writer *w)
{
    return container_of(w, struct world, writer);
}

static void merge(cJSON *to, const cJSON *patch)
{
    JSON_EACH(item, patch) {
        struct str name = str_c(item->string);

        if (cJSON_IsNull(item))
            json_remove(to, name);
        else if (cJSON_IsObject(item))
            merge(json_need_object(to, item->string), item);
        else
            json_put(to, name, cJSON_Duplicate(item, true));
    }
}

static int64_t generation(const cJSON *doc)
{
    return json_int(doc, "metadata.generation", 0);
}

static int put(struct world *w, struct object_key key, cJSON *doc, cJSON **ret)
{
    struct object *o = NULL;

    CHECK("a transaction begins", store_begin(w->store) == 0);
    CHECK("an object is put", object_put(w->objects, key, doc, &o) == 0);
    CHECK("it is committed", store_commit(w->store) == 0);
    *ret = object_copy_doc(o);
    return 200;
}

static int refusal(int status, const char *reason, cJSON **ret)
{
    *ret = cJSON_CreateObject();
    json_put_str(*ret, S("reason"), str_c(reason));
    json_put_str(*ret, S("message"), str_c(reason));
    return status;
}

static int create(struct world *w, const struct object_write *what, cJSON **ret)
{
    cJSON *doc = cJSON_Duplicate(what->body, true), *metadata = json_need_object(doc, "metadata");
    struct object_key key = what->key;

    if (key.name.n == 0)
        key.name = json_str(metadata, "name");
    if (key.name.n == 0)
        key.name = arena_printf(&w->arena, "%.*s%.*s", STR_ARG(json_str(metadata, "generateName")),
                                STR_ARG(ids_from(&w->ids, &w->arena, 5, IDS_KUBE)));
    key.name = arena_str(&w->arena, key.name);
    if (object_get(w->objects, key) != NULL) {
        cJSON_Delete(doc);
        return refusal(409, "AlreadyExists", ret);
    }
    json_put_str(metadata, S("name"), key.name);
    if (key.ns.n > 0)
        json_put_str(metadata, S("namespace"), key.ns);
    json_put_str(metadata, S("uid"), ids_uuid(&w->ids, &w->arena));
    json_put_str(metadata, S("creationTimestamp"), clock_rfc3339(&w->arena, clock_now(&w->clock)));
    json_put_int(metadata, S("generation"), 1);
    if (!str_is(key.resource, "nodes"))
        json_remove(doc, S("status"));
    if (str_is(key.resource, "pods"))
        json_put_str(json_need_object(doc, "status"), S("phase"), S("Pending"));
    return put(w, key, doc, ret);
}

static int bind_pod(struct world *w, const struct object_write *what, struct object *o, cJSON **ret)
{
    cJSON *doc = object_copy_doc(o), *condition = cJSON_CreateObject();

    json_put_str(json_need_object(doc, "spec"), S("nodeName"), json_str(what->body, "target.name"));
    json_put_str(condition, S("type"), S("PodScheduled"));
    json_put_str(condition, S("status"), S("True"));
    json_put(json_need_object(doc, "status"), S("conditions"), cJSON_CreateArray());
    cJSON_AddItemToArray(json_get(doc, "status.conditions"), condition);
    return put(w, o->key, doc, ret);
}

static int update(struct world *w, const struct object_write *what, struct object *o,
                  const cJSON *body, cJSON **ret)
{
    bool status = str_is(what->subresource, "status");
    cJSON *doc = status ? object_copy_doc(o) : cJSON_Duplicate(body, true);
    const cJSON *kept = json_get(status ? body : object_doc(o), "status");

    if (kept != NULL)
        json_put(doc, S("status"), cJSON_Duplicate(kept, true));
    else
        json_remove(doc, S("status"));
    if (!json_equal(json_get(doc, "spec"), json_get(object_doc(o), "spec")))
        json_put_int(json_get(doc, "metadata"), S("generation"), generation(object_doc(o)) + 1);
    if (json_equal(doc, object_doc(o))) {
        *ret = doc;
        return 200;
    }
    if (json_str(doc, "metadata.deletionTimestamp").n > 0 &&
        json_get(json_get(doc, "metadata.finalizers"), "") == NULL &&
        cJSON_GetArraySize(json_get(doc, "metadata.finalizers")) == 0 &&
        !str_is(o->key.resource, "pods") &&
        cJSON_GetArraySize(json_get(doc, "spec.finalizers")) == 0) {
        struct object_key key = o->key;

        CHECK("a transaction begins", store_begin(w->store) == 0);
        CHECK("the last finalizer's end removes it", object_remove(w->objects, key, NULL) == 0);
        CHECK("it is committed", store_commit(w->store) == 0);
        *ret = doc;
        return 200;
    }
    return put(w, o->key, doc, ret);
}

static void mark_deleted(struct world *w, cJSON *doc, int64_t grace)
{
    cJSON *metadata = json_get(doc, "metadata");

    json_put_str(metadata, S("deletionTimestamp"),
                 clock_rfc3339(&w->arena, clock_now(&w->clock) + grace * 1000));
    json_put_int(metadata, S("deletionGracePeriodSeconds"), grace);
}

static int delete (struct world *w, const struct object_write *what, struct object *o, cJSON **ret)
{
    struct str policy = json_str(what->body, "propagationPolicy");
    struct str uid = json_str(what->body, "preconditions.uid");
    int64_t grace = json_int(what->body, "gracePeriodSeconds", 30);
    cJSON *doc = object_copy_doc(o);

    if (uid.n > 0 && !str_eq(uid, o->uid)) {
        cJSON_Delete(doc);
        return refusal(409, "Conflict", ret);
    }
    if (str_is(policy, "Foreground"))
        cJSON_AddItemToArray(json_need_array(doc, "metadata.finalizers"),
                             cJSON_CreateString("foregroundDeletion"));
    if (str_is(policy, "Orphan"))
        cJSON_AddItemToArray(json_need_array(doc, "metadata.finalizers"),
                             cJSON_CreateString("orphan"));
    if (str_is(o->key.resource, "pods") && json_str(doc, "spec.nodeName").n > 0 && grace > 0) {
        mark_deleted(w, doc, grace);
        return put(w, o->key, doc, ret);
    }
    if (cJSON_GetArraySize(json_get(doc, "metadata.finalizers")) > 0 ||
        cJSON_GetArraySize(json_get(doc, "spec.finalizers")) > 0) {
        mark_deleted(w, doc, 0);
        return put(w, o->key, doc, ret);
    }
    CHECK("a transaction begins", store_begin(w->store) == 0);
    CHECK("it is removed", object_remove(w->objects, o->key, NULL) == 0);
    CHECK("it is committed", store_commit(w->store) == 0);
    *ret = doc;
    return 200;
}

static int write_one(struct world *w, const struct object_write *what, cJSON **ret)
{
    struct object *o = what->key.name.n == 0 ? NULL : object_get(w->objects, what->key);
    cJSON *patched;
    int status;

    if (what->verb == OBJECT_CREATE && what->subresource.n == 0)
        return create(w, what, ret);
    if (o == NULL)
        return refusal(404, "NotFound", ret);
    if (what->verb == OBJECT_CREATE)
        return bind_pod(w, what, o, ret);
    if (what->verb == OBJECT_DELETE)
        return delete (w, what, o, ret);
    if (what->verb == OBJECT_UPDATE)
        return update(w, what, o, what->body, ret);
    patched = object_copy_doc(o);
    merge(patched, what->body);
    status = update(w, what, o, patched, ret);
    cJSON_Delete(patched);
    return status;
}

static void write_object(struct object_writer *writer, const struct object_write *what,
                         object_written_cb *done, void *data)
{
    cJSON *answer = NULL;
    int status = write_one(world_of_writer(writer), what, &answer);

    if (done != NULL)
        done(data, status, answer);
    cJSON_Delete(answer);
}

/* Creates an object from JSON text, as a client would. */
static void have(struct world *w, const char *resource, const char *text)
{
    cJSON *doc = json_parse(str_c(text), NULL), *answer = NULL;
    struct object_write what = {
        .verb = OBJECT_CREATE,
        .key = {CLUSTER, str_c(resource), json_str(doc, "metadata.namespace"), {0}},
        .body = doc,
    };
    int status = write_one(w, &what, &answer);

    CHECK(text, doc != NULL && status == 200);
    cJSON_Delete(doc);
    cJSON_Delete(answer);
}

static struct object *get(struct world *w, const char *resource, const char *ns, const char *name)
{
    return object_get(w->objects,
                      (struct object_key){CLUSTER, str_c(resource), str_c(ns), str_c(name)});
}

/* Changes an object by a merge patch, as a client would. */
static void change(struct world *w, const char *resource, const char *ns, const char *name,
                   const char *subresource, const char *patch)
{
    cJSON *doc = json_parse(str_c(patch), NULL), *answer = NULL;
    struct object_write what = {
        .verb = OBJECT_MERGE_PATCH,
        .key = {CLUSTER, str_c(resource), str_c(ns), str_c(name)},
        .subresource = str_c(subresource),
        .body = doc,
    };

    CHECK(patch, write_one(w, &what, &answer) == 200);
    cJSON_Delete(doc);
    cJSON_Delete(answer);
}

static void drop(struct world *w, const char *resource, const char *ns, const char *name,
                 const char *options)
{
    cJSON *doc = json_parse(str_c(options), NULL), *answer = NULL;
    struct object_write what = {
        .verb = OBJECT_DELETE,
        .key = {CLUSTER, str_c(resource), str_c(ns), str_c(name)},
        .body = doc,
    };

    CHECK(name, write_one(w, &what, &answer) == 200);
    cJSON_Delete(doc);
    cJSON_Delete(answer);
}

/* Lets the loops work until nothing is due, stopped containers included. */
static void settle(struct world *w)
{
    enum { MOST = 100000 };

    do
        loops_settle(w->loops, MOST);
    while (fake_runtime_finish_stops(w->runtime) > 0);
}

/* The same after some time. */
static void pass(struct world *w, int64_t ms)
{
    clock_step(&w->clock, ms);
    settle(w);
}

static void start_loops(struct world *w)
{
    struct loops_options o = {.objects = w->objects, .writer = &w->writer, .runtime = w->runtime};
    struct loops_cluster c = {
        .name = CLUSTER,
        .kube_host = S("127.0.0.1"),
        .kube_port = 6443,
        .ca_pem = S("PEM"),
        .issuer = S("https://issuer"),
        .signing_key = w->key,
        .minor = 32,
    };

    w->loops = loops_start(&o);
    loops_add_cluster(w->loops, &c);
}

static void open_runtime(struct world *w)
{
    struct runtime_options o = {.clock = &w->clock, .catalogue = &w->catalogue};

    w->runtime = fake_runtime_new(&o);
}

static void open_world(struct world *w)
{
    struct str why = {0};

    *w = (struct world){.writer = {write_object}};
    clock_init(&w->clock);
    clock_set_rate(&w->clock, 0);
    ids_init(&w->ids, 7);
    CHECK("a store", store_open(":memory:", &w->clock, &w->ids, &w->arena, &w->store, &why) == 0);
    CHECK("objects", objects_open(w->store, &w->objects) == 0);
    image_catalogue_init(&w->catalogue);
    CHECK("images", image_catalogue_read_builtin(&w->catalogue, &w->arena, &why) == 0);
    open_runtime(w);
    start_loops(w);
    have(w, "nodes",
         "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"n1\",\"labels\":{"
         "\"topology.kubernetes.io/zone\":\"a\"}},\"status\":{\"allocatable\":{\"cpu\":\"2\","
         "\"memory\":\"4Gi\",\"pods\":\"29\"},\"addresses\":[{\"type\":\"InternalIP\","
         "\"address\":\"192.168.1.1\"}]}}");
    have(w, "nodes",
         "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"n2\"},\"status\":{"
         "\"allocatable\":{\"cpu\":\"2\",\"memory\":\"4Gi\",\"pods\":\"29\"},\"addresses\":[{"
         "\"type\":\"InternalIP\",\"address\":\"192.168.1.2\"}]}}");
    have(w, "namespaces",
         "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"ns\"},\"spec\":{"
         "\"finalizers\":[\"kubernetes\"]}}");
}

static void close_world(struct world *w)
{
    loops_stop(w->loops, NULL, NULL);
    pod_runtime_close(w->runtime, NULL, NULL);
    image_catalogue_deinit(&w->catalogue);
    feed_deliver(w->store);
    objects_close(w->objects);
    store_close(w->store);
    jwt_key_free(w->key);
    arena_free(&w->arena);
}
