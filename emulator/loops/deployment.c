/* Deployments: a ReplicaSet for each template, rolled over by deployment_plan.c; revisions for
 * kubectl rollout; status and conditions.
 * Source: kubernetes-api.md §6.2; pkg/controller/deployment (sync.go, progress.go, util). */
#include "loops/loop_kinds.h"

#include <stdlib.h>

#include "base/macros.h"
#include "base/quantity.h"
#include "loops/deployment_plan.h"
#include "loops/deployment_status.h"
#include "loops/pods.h"
#include "loops/selector.h"
#include "loops/template.h"

enum {
    MOST_COLLISIONS = 16,
    DEFAULT_HISTORY = 10,
};

#define REVISION   "deployment.kubernetes.io/revision"
#define HISTORY    "deployment.kubernetes.io/revision-history"
#define DESIRED    "deployment.kubernetes.io/desired-replicas"
#define MOST       "deployment.kubernetes.io/max-replicas"
#define APPLIED    "kubectl.kubernetes.io/last-applied-configuration"
#define HASH_LABEL "pod-template-hash"

/* One look at a Deployment and its sets. */
struct deployment_view {
    struct controller *controller;
    struct arena *arena;
    struct object_key key;
    struct object *object;
    const cJSON *doc;
    struct object *fresh; /* the ReplicaSet of the current template */
    struct object **old;  /* the others, oldest first */
    size_t old_n;
    struct rollout rollout;
    struct rollout_set fresh_set;
};

static const cJSON *annotation(const cJSON *doc, const char *name)
{
    return json_member(json_get(doc, "metadata.annotations"), str_c(name));
}

static int64_t annotation_int(const cJSON *doc, const char *name, int64_t otherwise)
{
    int64_t value;

    return str_to_int(json_text(annotation(doc, name)), &value) ? value : otherwise;
}

/* --- looking ---------------------------------------------------------------------------- */

static int by_age(const void *left, const void *right)
{
    struct object *const *a = left, *const *b = right;
    struct str x = json_str(object_doc(*a), "metadata.creationTimestamp");
    struct str y = json_str(object_doc(*b), "metadata.creationTimestamp");
    int order = str_cmp(x, y);

    if (order == 0) /* made in one second: by revision */
        order = annotation_int(object_doc(*a), REVISION, 0) <
                        annotation_int(object_doc(*b), REVISION, 0)
                    ? -1
                    : 1;
    return order;
}

static void find_sets(struct deployment_view *v)
{
    struct object_list all = object_list(v->controller->world->objects, v->arena, v->key.cluster,
                                         S("apps/replicasets"), v->key.ns);
    struct object **own = arena_array(v->arena, all.n, sizeof(struct object *));
    struct str uid = v->object->uid;
    size_t n = 0;

    for (size_t i = 0; i < all.n; i++)
        if (is_controlled_by(object_doc(all.at[i]), uid))
            own[n++] = all.at[i];
    qsort(own, n, sizeof(struct object *), by_age);
    v->old = own;
    v->fresh = NULL;
    v->old_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (v->fresh == NULL && template_equal(object_doc(own[i]), v->doc))
            v->fresh = own[i];
        else
            v->old[v->old_n++] = own[i];
    }
}

static struct rollout_set set_of(struct object *o)
{
    const cJSON *doc = object_doc(o);

    return (struct rollout_set){
        .spec = json_int(doc, "spec.replicas", 1),
        .available = json_int(doc, "status.availableReplicas", 0),
        .most = annotation_int(doc, MOST, 0),
        .desired = annotation_int(doc, DESIRED, -1),
    };
}

static bool runs_old_pods(const struct deployment_view *v)
{
    struct object_list pods =
        object_list(v->controller->world->objects, v->arena, v->key.cluster, S("pods"), v->key.ns);

    for (size_t i = 0; i < pods.n; i++)
        for (size_t k = 0; k < v->old_n; k++)
            if (is_controlled_by(object_doc(pods.at[i]), v->old[k]->uid) &&
                !pod_is_over(object_doc(pods.at[i])))
                return true;
    return false;
}

static void fill_rollout(struct deployment_view *v)
{
    const cJSON *rolling = json_get(v->doc, "spec.strategy.rollingUpdate");
    struct rollout *r = &v->rollout;

    *r = (struct rollout){
        .replicas = json_int(v->doc, "spec.replicas", 1),
        .recreate = str_is(json_str(v->doc, "spec.strategy.type"), "Recreate"),
        .paused = json_bool(v->doc, "spec.paused", false),
        .old_n = v->old_n,
    };
    if (!r->recreate) {
        r->max_surge = int_or_percent(json_get(rolling, "maxSurge"), r->replicas, true, 1);
        r->max_unavailable =
            int_or_percent(json_get(rolling, "maxUnavailable"), r->replicas, false, 1);
        rollout_resolve(r->replicas, &r->max_surge, &r->max_unavailable);
    } else {
        r->old_pods_run = runs_old_pods(v);
    }
    r->old = arena_array(v->arena, v->old_n, sizeof *r->old);
    for (size_t i = 0; i < v->old_n; i++)
        r->old[i] = set_of(v->old[i]);
    if (v->fresh != NULL) {
        v->fresh_set = set_of(v->fresh);
        r->fresh = &v->fresh_set;
    }
}

/* --- ReplicaSets ------------------------------------------------------------------------ */

static bool is_copied(struct str name)
{
    static const char *const own[] = {APPLIED, REVISION, HISTORY,
                                      DESIRED, MOST,     "deprecated.deployment.rollback.to"};

    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (str_is(name, own[i]))
            return false;
    return true;
}

/* The annotations of a set: the Deployment's, and the numbers that a rollout reads. */
static void put_annotations(const struct deployment_view *v, cJSON *set)
{
    cJSON *to = json_need_object(json_get(set, "metadata"), "annotations");

    JSON_EACH(item, json_get(v->doc, "metadata.annotations"))
        if (is_copied(str_c(item->string)))
            json_put_str(to, str_c(item->string), json_text(item));
    json_put_str(to, S(DESIRED), arena_printf(v->arena, "%lld", (long long)v->rollout.replicas));
    json_put_str(
        to, S(MOST),
        arena_printf(v->arena, "%lld", (long long)(v->rollout.replicas + v->rollout.max_surge)));
}

static int64_t newest_old_revision(const struct deployment_view *v)
{
    int64_t newest = 0;

    for (size_t i = 0; i < v->old_n; i++) {
        int64_t revision = annotation_int(object_doc(v->old[i]), REVISION, 0);

        if (revision > newest)
            newest = revision;
    }
    return newest;
}

/* The set becomes the newest revision; a set that was it before remembers its older number. */
static void put_revision(const struct deployment_view *v, cJSON *set)
{
    cJSON *to = json_need_object(json_get(set, "metadata"), "annotations");
    struct str old = json_text(json_member(to, S(REVISION)));
    struct str history = json_text(json_member(to, S(HISTORY)));
    int64_t have = annotation_int(set, REVISION, 0), want = newest_old_revision(v) + 1;

    if (have >= want)
        return;
    if (old.n > 0)
        json_put_str(to, S(HISTORY),
                     arena_printf(v->arena, "%.*s%s%.*s", STR_ARG(history),
                                  history.n > 0 ? "," : "", STR_ARG(old)));
    json_put_str(to, S(REVISION), arena_printf(v->arena, "%lld", (long long)want));
}

static cJSON *new_set(const struct deployment_view *v, struct str hash)
{
    struct str name = arena_printf(v->arena, "%.*s-%.*s", STR_ARG(v->key.name), STR_ARG(hash));
    cJSON *set = new_object("apps/v1", "ReplicaSet", v->key.ns, name);
    cJSON *metadata = json_get(set, "metadata"), *spec = json_need_object(set, "spec");
    cJSON *template = template_plain(v->doc);
    cJSON *labels = cJSON_Duplicate(json_get(template, "metadata.labels"), true);
    int64_t ready_seconds = json_int(v->doc, "spec.minReadySeconds", 0);

    json_put(metadata, S("labels"), labels == NULL ? cJSON_CreateObject() : labels);
    json_put_str(json_get(metadata, "labels"), S(HASH_LABEL), hash);
    cJSON_AddItemToArray(json_need_array(metadata, "ownerReferences"), new_controller_ref(v->doc));
    json_put_int(spec, S("replicas"), rollout_first_size(&v->rollout));
    if (ready_seconds > 0)
        json_put_int(spec, S("minReadySeconds"), ready_seconds);
    json_put(spec, S("selector"), cJSON_Duplicate(json_get(v->doc, "spec.selector"), true));
    json_put_str(json_need_object(spec, "selector.matchLabels"), S(HASH_LABEL), hash);
    json_put(spec, S("template"), template);
    json_put_str(json_need_object(template, "metadata.labels"), S(HASH_LABEL), hash);
    put_annotations(v, set);
    put_revision(v, set);
    return set;
}

static void say_scaled(const struct deployment_view *v, struct str name, int64_t from, int64_t to)
{
    const struct loop_cluster *cluster = world_cluster(v->controller->world, v->key.cluster);
    const char *way = to > from ? "up" : "down";
    struct str text;

    if (cluster->minor > 0 && cluster->minor <= 25)
        text = arena_printf(v->arena, "Scaled %s replica set %.*s to %lld", way, STR_ARG(name),
                            (long long)to);
    else
        text = arena_printf(v->arena, "Scaled %s replica set %.*s from %lld to %lld", way,
                            STR_ARG(name), (long long)from, (long long)to);
    event_normal(v->controller, v->key.cluster, v->doc, "ScalingReplicaSet", text);
}

static void set_progressing(const struct deployment_view *v, const char *status, const char *reason,
                            struct str message);

/* Makes the set of the current template. A name that is taken by another template's set counts
 * one collision up and takes the next name. */
static bool create_set(struct deployment_view *v)
{
    int64_t collisions = json_int(v->doc, "status.collisionCount", 0);
    struct controller *c = v->controller;

    for (int64_t i = 0; i < MOST_COLLISIONS; i++) {
        CLEANUP(json_freep)
        cJSON *set = new_set(v, template_hash(v->arena, v->doc, collisions + i));
        struct object_key key = v->key;
        struct written w;
        int64_t size;

        key.resource = S("apps/replicasets");
        key.name = json_str(set, "metadata.name");
        w = loop_create(c, v->arena, &key, set);
        if (w.status == 409 && str_is(w.reason, "AlreadyExists"))
            continue;
        size = json_int(set, "spec.replicas", 0);
        if (!written_ok(w)) {
            set_progressing(v, "False", "ReplicaSetCreateError",
                            arena_printf(v->arena,
                                         "Failed to create new replica set \"%.*s\": %.*s",
                                         STR_ARG(key.name), STR_ARG(w.message)));
            queue_retry(&c->queue, &v->key);
            return false;
        }
        if (size > 0)
            say_scaled(v, key.name, 0, size);
        set_progressing(
            v, "True", "NewReplicaSetCreated",
            arena_printf(v->arena, "Created new replica set \"%.*s\"", STR_ARG(key.name)));
        return true;
    }
    return false;
}

/* Brings annotations, revision and size of one set to what is wanted. */
static void update_set(const struct deployment_view *v, struct object *set, int64_t want,
                       bool is_fresh)
{
    int64_t have = json_int(object_doc(set), "spec.replicas", 1);

    if (!is_fresh && want == have)
        return;
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(set);
    put_annotations(v, doc);
    if (is_fresh)
        put_revision(v, doc);
    json_put_int(json_need_object(doc, "spec"), S("replicas"), want);
    if (is_fresh && json_get(v->doc, "spec.minReadySeconds") != NULL)
        json_put_int(json_need_object(doc, "spec"), S("minReadySeconds"),
                     json_int(v->doc, "spec.minReadySeconds", 0));
    if (json_equal(doc, object_doc(set)))
        return;
    if (!written_ok(loop_update(v->controller, v->arena, &set->key, "", doc)))
        queue_retry(&v->controller->queue, &v->key);
    else if (want != have)
        say_scaled(v, set->key.name, have, want);
}

/* --- the Deployment itself -------------------------------------------------------------- */

static void write_revision(struct deployment_view *v)
{
    struct str revision =
        v->fresh == NULL ? (struct str){0} : json_text(annotation(object_doc(v->fresh), REVISION));
    cJSON *patch;

    if (revision.n == 0 || str_eq(json_text(annotation(v->doc, REVISION)), revision))
        return;
    patch = cJSON_CreateObject();
    json_put_str(json_need_object(patch, "metadata.annotations"), S(REVISION), revision);
    (void)loop_patch(v->controller, v->arena, &v->key, "", patch);
    cJSON_Delete(patch);
}

static void set_progressing(const struct deployment_view *v, const char *status, const char *reason,
                            struct str message)
{
    struct object *o = object_get(v->controller->world->objects, v->key);
    struct condition c = {"Progressing", status, str_c(reason), message};

    if (o == NULL || json_get(v->doc, "spec.progressDeadlineSeconds") == NULL)
        return;
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(o);
    if (set_condition(json_need_object(doc, "status"), &c, now_text(v->controller->world, v->arena),
                      true))
        (void)loop_update(v->controller, v->arena, &v->key, "status", doc);
}

/* Sets without replicas beyond the history's length go, the oldest revisions first. */
static void clean_up(const struct deployment_view *v)
{
    int64_t limit = json_int(v->doc, "spec.revisionHistoryLimit", DEFAULT_HISTORY);
    int64_t too_many = (int64_t)v->old_n - limit;

    for (size_t i = 0; i < v->old_n && too_many > 0; i++) {
        const cJSON *doc = object_doc(v->old[i]);

        if (json_int(doc, "spec.replicas", 1) != 0 || json_int(doc, "status.replicas", 0) != 0 ||
            is_deleting(doc))
            continue;
        (void)loop_delete(v->controller, v->arena, &v->old[i]->key, v->old[i]->uid, "Background");
        too_many--;
    }
}

static void write_status(struct deployment_view *v)
{
    struct deployment_sets sets = {.fresh = v->fresh == NULL ? NULL : object_doc(v->fresh)};
    struct object *o = object_get(v->controller->world->objects, v->key);
    int64_t now = clock_now(v->controller->world->clock), deadline;

    if (o == NULL)
        return;
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(o);
    const cJSON **old = arena_array(v->arena, v->old_n, sizeof(const cJSON *));
    for (size_t i = 0; i < v->old_n; i++)
        old[i] = object_doc(v->old[i]);
    sets.old = old;
    sets.old_n = v->old_n;
    deadline = deployment_status_plan(v->arena, doc, &sets, v->rollout.max_unavailable, now);
    if (!json_equal(doc, object_doc(o)))
        (void)loop_update(v->controller, v->arena, &v->key, "status", doc);
    if (deadline > 0)
        queue_add_after(&v->controller->queue, &v->key, deadline);
}

static void look(struct deployment_view *v)
{
    v->object = object_get(v->controller->world->objects, v->key);
    if (v->object == NULL)
        return;
    v->doc = object_doc(v->object);
    find_sets(v);
    fill_rollout(v);
}

static void roll(struct deployment_view *v)
{
    rollout_plan(&v->rollout);
    if (v->fresh != NULL)
        update_set(v, v->fresh, v->rollout.fresh->want, !v->rollout.paused);
    for (size_t i = 0; i < v->old_n; i++)
        update_set(v, v->old[i], v->rollout.old[i].want, false);
}

static void reconcile(struct controller *c, struct arena *a, const struct object_key *key)
{
    struct deployment_view v = {.controller = c, .arena = a, .key = *key};

    look(&v);
    if (v.object == NULL)
        return;
    if (!is_deleting(v.doc)) {
        bool may_create =
            v.fresh == NULL && !v.rollout.paused && !(v.rollout.recreate && v.rollout.old_pods_run);

        if (may_create && create_set(&v))
            look(&v);
        if (v.object == NULL)
            return;
        roll(&v);
        look(&v); /* what was written shows in the status */
        if (v.object == NULL)
            return;
        write_revision(&v);
        clean_up(&v);
    }
    write_status(&v);
}

static void heard_set(struct controller *c, const struct object_change *change)
{
    heard_controlled(c, change, "Deployment");
}

/* A Recreate waits for the end of old pods. */
static void heard_pod(struct controller *c, const struct object_change *change)
{
    const cJSON *ref = controller_ref(object_doc(change->now));
    struct object_key key;
    struct object *set;

    if (change->event != OBJECT_DELETED || ref == NULL ||
        !str_is(json_str(ref, "kind"), "ReplicaSet"))
        return;
    key = key_of(change->now->key.cluster, "apps/replicasets", change->now->key.ns,
                 json_str(ref, "name"));
    set = object_get(c->world->objects, key);
    ref = set == NULL ? NULL : controller_ref(object_doc(set));
    if (ref == NULL)
        return;
    key = key_of(key.cluster, "apps/deployments", key.ns, json_str(ref, "name"));
    queue_add(&c->queue, &key);
}

static const struct controller_watch watches[] = {
    {"apps/deployments", heard_self},
    {"apps/replicasets", heard_set },
    {"pods",             heard_pod },
};

const struct controller_kind deployment_loop = {
    .name = "deployment-controller",
    .user = "system:serviceaccount:kube-system:deployment-controller",
    .resource = "apps/deployments",
    .watches = watches,
    .watches_n = ARRAY_LEN(watches),
    .sync = reconcile,
};
