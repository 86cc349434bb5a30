/* The common part of all loops. Owns controllers and their queues; the world is the caller's. */
#include "loops/controller.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"

static void work(void *data, const struct object_key *key)
{
    struct controller *c = data;
    struct arena a = {0};

    if (world_cluster(c->world, key->cluster) != NULL)
        c->kind->sync(c, &a, key);
    arena_free(&a);
}

struct controller *controller_new(struct loop_world *w, const struct controller_kind *kind)
{
    struct controller *c = xcalloc(sizeof *c);

    c->kind = kind;
    c->world = w;
    queue_init(&c->queue, &w->pump, work, c);
    if (kind->open != NULL && kind->open(c) < 0) {
        queue_deinit(&c->queue);
        free(c);
        return NULL;
    }
    list_append(&w->controllers, &c->link);
    return c;
}

void controller_free(struct controller *c)
{
    if (c == NULL)
        return;
    if (c->kind->close != NULL)
        c->kind->close(c);
    queue_deinit(&c->queue);
    list_remove(&c->link);
    free(c);
}

static void look_at_resource(struct controller *c, struct arena *a, struct str cluster,
                             struct str resource)
{
    struct object_list all = object_list(c->world->objects, a, cluster, resource, (struct str){0});

    for (size_t i = 0; i < all.n; i++)
        queue_add(&c->queue, &all.at[i]->key);
}

void controller_look_at(struct controller *c, const struct loop_cluster *cluster)
{
    struct str one = str_c(c->kind->resource), *resources = &one;
    struct arena a = {0};
    size_t n = 1;

    if (str_is(one, ANY_RESOURCE))
        n = object_resources(c->world->objects, &a, cluster->name, &resources);
    for (size_t i = 0; i < n; i++)
        look_at_resource(c, &a, cluster->name, resources[i]);
    arena_free(&a);
}

void controller_hear(struct controller *c, const struct object_change *change)
{
    for (size_t i = 0; i < c->kind->watches_n; i++) {
        const struct controller_watch *w = &c->kind->watches[i];

        if (str_is(change->now->key.resource, w->resource) ||
            strcmp(w->resource, ANY_RESOURCE) == 0)
            w->heard(c, change);
    }
}

struct loop_cluster *world_cluster(struct loop_world *w, struct str name)
{
    LIST_EACH(struct loop_cluster, cluster, &w->clusters, link)
        if (str_eq(cluster->name, name))
            return cluster;
    return NULL;
}

/* --- hearing ---------------------------------------------------------------------------- */

void heard_self(struct controller *c, const struct object_change *change)
{
    queue_add(&c->queue, &change->now->key);
}

static void hear_controller_of(struct controller *c, struct object *o, const char *kind)
{
    const cJSON *ref = o == NULL ? NULL : controller_ref(object_doc(o));
    struct object_key key;

    if (ref == NULL || !str_is(json_str(ref, "kind"), kind))
        return;
    key = key_of(o->key.cluster, c->kind->resource, o->key.ns, json_str(ref, "name"));
    queue_add(&c->queue, &key);
}

void heard_controlled(struct controller *c, const struct object_change *change, const char *kind)
{
    hear_controller_of(c, change->now, kind);
    if (change->old != NULL)
        hear_controller_of(c, change->old, kind);
}

/* --- reading ---------------------------------------------------------------------------- */

const cJSON *controller_ref(const cJSON *doc)
{
    JSON_EACH(ref, json_get(doc, "metadata.ownerReferences"))
        if (json_bool(ref, "controller", false))
            return ref;
    return NULL;
}

bool is_controlled_by(const cJSON *doc, struct str uid)
{
    const cJSON *ref = controller_ref(doc);

    return ref != NULL && str_eq(json_str(ref, "uid"), uid);
}

bool is_deleting(const cJSON *doc)
{
    return json_str(doc, "metadata.deletionTimestamp").n > 0;
}

struct object_key key_of(struct str cluster, const char *resource, struct str ns, struct str name)
{
    return (struct object_key){cluster, str_c(resource), ns, name};
}

int64_t json_time(const cJSON *doc, const char *path)
{
    int64_t ms = 0;

    (void)clock_parse_rfc3339(json_str(doc, path), &ms);
    return ms;
}

/* --- writing ---------------------------------------------------------------------------- */

/* A write whose answer may come when nobody waits for it any more. */
struct pending {
    struct arena *arena; /* NULL: nobody waits */
    struct written *to;
    bool answered;
};

static void on_written(void *data, int status, const cJSON *answer)
{
    struct pending *p = data;

    p->answered = true;
    if (p->arena == NULL) {
        free(p);
        return;
    }
    *p->to = (struct written){
        .status = status,
        .name = arena_str(p->arena, json_str(answer, "metadata.name")),
        .reason = arena_str(p->arena, json_str(answer, "reason")),
        .message = arena_str(p->arena, json_str(answer, "message")),
    };
}

struct written loop_write(struct controller *c, struct arena *a, const struct object_write *what)
{
    struct written written = {0};
    struct object_write full = *what;
    struct pending *p = xcalloc(sizeof *p);

    if (full.user.n == 0)
        full.user = str_c(c->kind->user);
    p->arena = a;
    p->to = &written;
    object_write_do(c->world->writer, &full, on_written, p);
    if (p->answered)
        free(p);
    else
        p->arena = NULL;
    if (written.status >= 400 && written.status != 404 && written.status != 409)
        log_debug("loops", "%s: %.*s %.*s/%.*s: %d %.*s", c->kind->name, STR_ARG(full.key.resource),
                  STR_ARG(full.key.ns), STR_ARG(full.key.name), written.status,
                  STR_ARG(written.message));
    return written;
}

struct written loop_create(struct controller *c, struct arena *a, const struct object_key *key,
                           const cJSON *body)
{
    return loop_write(c, a,
                      &(struct object_write){.verb = OBJECT_CREATE, .key = *key, .body = body});
}

struct written loop_update(struct controller *c, struct arena *a, const struct object_key *key,
                           const char *subresource, const cJSON *body)
{
    return loop_write(
        c, a,
        &(struct object_write){
            .verb = OBJECT_UPDATE, .key = *key, .subresource = str_c(subresource), .body = body});
}

struct written loop_patch(struct controller *c, struct arena *a, const struct object_key *key,
                          const char *subresource, const cJSON *merge_patch)
{
    return loop_write(c, a,
                      &(struct object_write){.verb = OBJECT_MERGE_PATCH,
                                             .key = *key,
                                             .subresource = str_c(subresource),
                                             .body = merge_patch});
}

struct written loop_delete(struct controller *c, struct arena *a, const struct object_key *key,
                           struct str uid, const char *propagation)
{
    CLEANUP(json_freep) cJSON *options = cJSON_CreateObject();

    if (uid.n > 0)
        json_put_str(json_need_object(options, "preconditions"), S("uid"), uid);
    if (propagation != NULL)
        json_put_str(options, S("propagationPolicy"), str_c(propagation));
    return loop_write(c, a,
                      &(struct object_write){.verb = OBJECT_DELETE, .key = *key, .body = options});
}

cJSON *new_object(const char *api_version, const char *kind, struct str ns, struct str name)
{
    cJSON *doc = cJSON_CreateObject(), *metadata;

    json_put_str(doc, S("apiVersion"), str_c(api_version));
    json_put_str(doc, S("kind"), str_c(kind));
    metadata = json_need_object(doc, "metadata");
    if (name.n > 0)
        json_put_str(metadata, S("name"), name);
    if (ns.n > 0)
        json_put_str(metadata, S("namespace"), ns);
    return doc;
}

cJSON *new_controller_ref(const cJSON *owner)
{
    cJSON *ref = cJSON_CreateObject();

    json_put_str(ref, S("apiVersion"), json_str(owner, "apiVersion"));
    json_put_str(ref, S("kind"), json_str(owner, "kind"));
    json_put_str(ref, S("name"), json_str(owner, "metadata.name"));
    json_put_str(ref, S("uid"), json_str(owner, "metadata.uid"));
    json_put_bool(ref, S("controller"), true);
    json_put_bool(ref, S("blockOwnerDeletion"), true);
    return ref;
}

struct str now_text(const struct loop_world *w, struct arena *a)
{
    return clock_rfc3339(a, clock_now(w->clock));
}

const cJSON *find_condition(const cJSON *status, const char *type)
{
    JSON_EACH(condition, json_get(status, "conditions"))
        if (str_is(json_str(condition, "type"), type))
            return condition;
    return NULL;
}

bool set_condition(cJSON *status, const struct condition *want, struct str now, bool with_update)
{
    cJSON *at = (cJSON *)(uintptr_t)find_condition(status, want->type);
    bool turned = at == NULL || !str_is(json_str(at, "status"), want->status);

    if (!turned && str_eq(json_str(at, "reason"), want->reason) &&
        str_eq(json_str(at, "message"), want->message))
        return false;
    if (at == NULL) {
        at = cJSON_CreateObject();
        cJSON_AddItemToArray(json_need_array(status, "conditions"), at);
        json_put_str(at, S("type"), str_c(want->type));
    }
    json_put_str(at, S("status"), str_c(want->status));
    if (with_update)
        json_put_str(at, S("lastUpdateTime"), now);
    if (turned)
        json_put_str(at, S("lastTransitionTime"), now);
    json_remove(at, S("reason"));
    json_remove(at, S("message"));
    if (want->reason.n > 0)
        json_put_str(at, S("reason"), want->reason);
    if (want->message.n > 0)
        json_put_str(at, S("message"), want->message);
    return true;
}
