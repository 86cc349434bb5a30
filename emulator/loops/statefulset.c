/* StatefulSets: pods with a name of their own, in order, each with its claims; rolled over by
 * statefulset_plan.c.
 * Source: kubernetes-api.md §6.3; pkg/controller/statefulset. */
#include "loops/loop_kinds.h"

#include "base/macros.h"
#include "loops/claim.h"
#include "loops/pods.h"
#include "loops/revision.h"
#include "loops/statefulset_plan.h"

enum {
    MS = 1000,
    SAYS_POD_INDEX = 28,
    MOST_REPLICAS = 10000, /* DIFFERS: what is asked for beyond is not made */
};

#define NAME_LABEL  "statefulset.kubernetes.io/pod-name"
#define INDEX_LABEL "apps.kubernetes.io/pod-index"

struct stateful_view {
    struct controller *controller;
    struct arena *arena;
    struct object_key key;
    struct object *object;
    const cJSON *doc;
    struct revision update;
    struct str current;      /* hash of the revision before; update.hash when there is none */
    struct str current_name; /* of the same */
    int64_t first, replicas; /* ordinals */
    struct object **wanted;  /* by ordinal; NULL: there is none */
    struct object **extra;   /* beyond them, by ordinal */
    struct stateful_pod *facts, *extra_facts;
    size_t extra_n;
    int64_t next; /* when a pod becomes available, ms from now */
};

/* --- looking ---------------------------------------------------------------------------------- */

/* The number behind the last '-' of "<set>-<ordinal>", -1 for another name. */
static int64_t ordinal_of(const struct stateful_view *v, struct str pod)
{
    int64_t n = -1;

    if (pod.n <= v->key.name.n + 1 || !str_starts(pod, v->key.name) ||
        pod.at[v->key.name.n] != '-' || !str_to_int(str_from(pod, v->key.name.n + 1), &n))
        return -1;
    return n;
}

static struct stateful_pod fact_of(struct stateful_view *v, struct object *o)
{
    const cJSON *pod = object_doc(o);
    int64_t wait = json_int(v->doc, "spec.minReadySeconds", 0) * MS;
    int64_t since = pod_ready_since(pod);
    int64_t left = since + wait - clock_now(v->controller->world->clock);

    if (since > 0 && wait > 0 && left > 0 && (v->next == 0 || left < v->next))
        v->next = left;
    return (struct stateful_pod){
        .exists = true,
        .terminating = is_deleting(pod),
        .over = pod_is_over(pod),
        .healthy = since > 0 && (wait == 0 || left <= 0),
        .fresh = str_eq(label_value(labels_of(o), S(REVISION_LABEL)), v->update.hash),
    };
}

/* Keeps @o among the extra ones, which are in order of their ordinals. */
static void add_extra(struct stateful_view *v, struct object *o)
{
    size_t at = v->extra_n++;

    for (; at > 0 && ordinal_of(v, v->extra[at - 1]->key.name) > ordinal_of(v, o->key.name); at--)
        v->extra[at] = v->extra[at - 1];
    v->extra[at] = o;
}

static void look_at_pods(struct stateful_view *v)
{
    struct claimed pods = claim_pods(v->controller, v->arena, v->object, selects_by_selector);

    v->next = 0;
    v->extra_n = 0;
    v->wanted = arena_array(v->arena, (size_t)v->replicas, sizeof(struct object *));
    v->facts = arena_array(v->arena, (size_t)v->replicas, sizeof *v->facts);
    v->extra = arena_array(v->arena, pods.n, sizeof(struct object *));
    v->extra_facts = arena_array(v->arena, pods.n, sizeof *v->extra_facts);
    for (size_t i = 0; i < pods.n; i++) {
        int64_t ordinal = ordinal_of(v, pods.at[i]->key.name);

        if (ordinal < 0)
            continue;
        if (ordinal >= v->first && ordinal < v->first + v->replicas) {
            v->wanted[ordinal - v->first] = pods.at[i];
            v->facts[ordinal - v->first] = fact_of(v, pods.at[i]);
        } else {
            add_extra(v, pods.at[i]);
        }
    }
    for (size_t i = 0; i < v->extra_n; i++)
        v->extra_facts[i] = fact_of(v, v->extra[i]);
}

/* The hash behind a revision's name "<set>-<hash>". */
static struct str hash_of_name(const struct stateful_view *v, struct str name)
{
    return str_from(name, v->key.name.n + 1);
}

static bool find_revisions(struct stateful_view *v)
{
    struct claimed pods = claim_pods(v->controller, v->arena, v->object, selects_by_selector);
    struct str *used = arena_array(v->arena, pods.n + 1, sizeof *used);
    struct str current = json_str(v->doc, "status.currentRevision");

    for (size_t i = 0; i < pods.n; i++)
        used[i] = label_value(labels_of(pods.at[i]), S(REVISION_LABEL));
    used[pods.n] = hash_of_name(v, current);
    v->update = revision_of(v->controller, v->arena, v->object, used, pods.n + 1);
    v->current_name = current.n > 0 ? arena_str(v->arena, current) : v->update.name;
    v->current = hash_of_name(v, v->current_name);
    return v->update.hash.n > 0;
}

static bool look(struct stateful_view *v)
{
    v->object = object_get(v->controller->world->objects, v->key);
    if (v->object == NULL)
        return false;
    v->doc = object_doc(v->object);
    v->first = json_int(v->doc, "spec.ordinals.start", 0);
    v->replicas = json_int(v->doc, "spec.replicas", 1);
    if (v->replicas < 0)
        v->replicas = 0;
    if (v->replicas > MOST_REPLICAS)
        v->replicas = MOST_REPLICAS;
    return true;
}

/* --- claims ----------------------------------------------------------------------------------- */

static struct str claim_name(const struct stateful_view *v, const cJSON *template, struct str pod)
{
    return arena_printf(v->arena, "%.*s-%.*s", STR_ARG(json_str(template, "metadata.name")),
                        STR_ARG(pod));
}

static cJSON *new_claim(const struct stateful_view *v, const cJSON *template, struct str name)
{
    cJSON *claim = new_object("v1", "PersistentVolumeClaim", v->key.ns, name);
    cJSON *labels = json_need_object(json_get(claim, "metadata"), "labels");

    JSON_EACH(item, json_get(template, "metadata.labels"))
        json_put_str(labels, str_c(item->string), json_text(item));
    JSON_EACH(item, json_get(v->doc, "spec.selector.matchLabels"))
        json_put_str(labels, str_c(item->string), json_text(item));
    JSON_EACH(item, json_get(template, "metadata.annotations"))
        json_put_str(json_need_object(json_get(claim, "metadata"), "annotations"),
                     str_c(item->string), json_text(item));
    json_put(claim, S("spec"), cJSON_Duplicate(json_get(template, "spec"), true));
    return claim;
}

/* The claims of one pod, made where they are missing; they outlive it. */
static bool need_claims(const struct stateful_view *v, struct str pod)
{
    JSON_EACH(template, json_get(v->doc, "spec.volumeClaimTemplates")) {
        struct str name = claim_name(v, template, pod);
        struct object_key key = key_of(v->key.cluster, "persistentvolumeclaims", v->key.ns, name);
        struct written w;

        if (object_get(v->controller->world->objects, key) != NULL)
            continue;
        CLEANUP(json_freep) cJSON *claim = new_claim(v, template, name);
        w = loop_create(v->controller, v->arena, &key, claim);
        if (!written_ok(w)) {
            event_warning(v->controller, v->key.cluster, v->doc, "FailedCreate",
                          arena_printf(v->arena,
                                       "create Claim %.*s for Pod %.*s in StatefulSet %.*s failed "
                                       "error: %.*s",
                                       STR_ARG(name), STR_ARG(pod), STR_ARG(v->key.name),
                                       STR_ARG(w.message)));
            return false;
        }
        event_normal(v->controller, v->key.cluster, v->doc, "SuccessfulCreate",
                     arena_printf(v->arena,
                                  "create Claim %.*s Pod %.*s in StatefulSet %.*s success",
                                  STR_ARG(name), STR_ARG(pod), STR_ARG(v->key.name)));
    }
    return true;
}

static void mount_claims(const struct stateful_view *v, cJSON *spec, struct str pod)
{
    cJSON *volumes = json_need_array(spec, "volumes");

    JSON_EACH(template, json_get(v->doc, "spec.volumeClaimTemplates")) {
        struct str name = json_str(template, "metadata.name");
        cJSON *volume = cJSON_CreateObject();

        for (cJSON *old = volumes->child, *next; old != NULL; old = next) {
            next = old->next;
            if (str_eq(json_str(old, "name"), name))
                cJSON_Delete(cJSON_DetachItemViaPointer(volumes, old));
        }
        json_put_str(volume, S("name"), name);
        json_put_str(json_need_object(volume, "persistentVolumeClaim"), S("claimName"),
                     claim_name(v, template, pod));
        cJSON_AddItemToArray(volumes, volume);
    }
    if (volumes->child == NULL)
        json_remove(spec, S("volumes"));
}

/* --- pods ------------------------------------------------------------------------------------- */

static cJSON *new_pod(const struct stateful_view *v, struct str name, int64_t ordinal, bool fresh)
{
    const struct loop_cluster *cluster = world_cluster(v->controller->world, v->key.cluster);
    struct str hash = fresh ? v->update.hash : v->current;
    const cJSON *template = revision_template(v->controller, v->arena, v->object, hash);
    cJSON *pod = pod_from_template(
        v->doc, template != NULL ? template : json_get(v->doc, "spec.template"), v->key.ns);
    cJSON *metadata = json_get(pod, "metadata"), *spec = json_need_object(pod, "spec");
    cJSON *labels = json_need_object(metadata, "labels");

    json_put_str(metadata, S("name"), name);
    json_put_str(labels, S(NAME_LABEL), name);
    json_put_str(labels, S(REVISION_LABEL), template != NULL ? hash : v->update.hash);
    if (cluster->minor >= SAYS_POD_INDEX)
        json_put_str(labels, S(INDEX_LABEL), arena_printf(v->arena, "%lld", (long long)ordinal));
    json_put_str(spec, S("hostname"), name);
    if (json_str(v->doc, "spec.serviceName").n > 0)
        json_put_str(spec, S("subdomain"), json_str(v->doc, "spec.serviceName"));
    mount_claims(v, spec, name);
    return pod;
}

static void say(const struct stateful_view *v, bool ok, const char *verb, struct str pod,
                struct str why)
{
    bool create = str_is(S("create"), verb);
    struct str text =
        arena_printf(v->arena, "%s Pod %.*s in StatefulSet %.*s %s%.*s", verb, STR_ARG(pod),
                     STR_ARG(v->key.name), ok ? "successful" : "failed error: ", STR_ARG(why));

    if (ok)
        event_normal(v->controller, v->key.cluster, v->doc,
                     create ? "SuccessfulCreate" : "SuccessfulDelete", text);
    else
        event_warning(v->controller, v->key.cluster, v->doc,
                      create ? "FailedCreate" : "FailedDelete", text);
}

static void make_pod(const struct stateful_view *v, int64_t index, bool fresh)
{
    struct str name =
        arena_printf(v->arena, "%.*s-%lld", STR_ARG(v->key.name), (long long)(v->first + index));
    struct object_key key = key_of(v->key.cluster, "pods", v->key.ns, name);
    struct written w;

    if (!need_claims(v, name)) {
        queue_retry(&v->controller->queue, &v->key);
        return;
    }
    CLEANUP(json_freep) cJSON *pod = new_pod(v, name, v->first + index, fresh);
    w = loop_create(v->controller, v->arena, &key, pod);
    if (written_ok(w)) {
        queue_forget(&v->controller->queue, &v->key);
        say(v, true, "create", name, (struct str){0});
    } else if (!str_is(w.reason, "AlreadyExists")) {
        say(v, false, "create", name, w.message);
        queue_retry(&v->controller->queue, &v->key);
    } else {
        queue_retry(&v->controller->queue, &v->key);
    }
}

static void drop_pod(const struct stateful_view *v, struct object *pod, bool again)
{
    struct str name = arena_str(v->arena, pod->key.name);
    bool failed = str_is(json_str(object_doc(pod), "status.phase"), "Failed");
    struct written w;

    if (again)
        event_warning(v->controller, v->key.cluster, v->doc,
                      failed ? "RecreatingFailedPod" : "RecreatingTerminatedPod",
                      arena_printf(v->arena, "StatefulSet %.*s/%.*s is recreating %s Pod %.*s",
                                   STR_ARG(v->key.ns), STR_ARG(v->key.name),
                                   failed ? "failed" : "terminated", STR_ARG(name)));
    w = loop_delete(v->controller, v->arena,
                    &(struct object_key){pod->key.cluster, S("pods"), pod->key.ns, name}, pod->uid,
                    NULL);
    if (w.status != 404)
        say(v, written_ok(w), "delete", name, w.message);
}

static void bring_about(struct stateful_view *v)
{
    const cJSON *partition = json_get(v->doc, "spec.updateStrategy.rollingUpdate.partition");
    int64_t kept = json_int(v->doc, "spec.updateStrategy.rollingUpdate.partition", 0);
    struct stateful_plan plan = {
        .wanted = v->facts,
        .wanted_n = (size_t)v->replicas,
        .extra = v->extra_facts,
        .extra_n = v->extra_n,
        .parallel = str_is(json_str(v->doc, "spec.podManagementPolicy"), "Parallel"),
        .on_delete = str_is(json_str(v->doc, "spec.updateStrategy.type"), "OnDelete"),
        .has_partition = partition != NULL,
        .partition = (size_t)(kept < 0 ? 0 : kept),
        .current_replicas = str_eq(v->current, v->update.hash)
                                ? 0
                                : (size_t)json_int(v->doc, "status.currentReplicas", 0),
        .deleting = is_deleting(v->doc),
    };

    statefulset_plan(&plan);
    for (size_t i = 0; i < plan.wanted_n; i++) {
        if (plan.wanted[i].drop)
            drop_pod(v, v->wanted[i], plan.wanted[i].make);
        if (plan.wanted[i].make)
            make_pod(v, (int64_t)i, plan.wanted[i].make_fresh);
    }
    for (size_t i = 0; i < plan.extra_n; i++)
        if (plan.extra[i].drop)
            drop_pod(v, v->extra[i], false);
}

/* --- status ----------------------------------------------------------------------------------- */

struct stateful_count {
    int64_t all, ready, available, current, updated;
};

static void count_pod(const struct stateful_view *v, struct stateful_count *n, struct object *o,
                      const struct stateful_pod *fact)
{
    if (o == NULL)
        return;
    n->all++;
    n->ready += pod_is_ready(object_doc(o));
    n->available += fact->healthy;
    if (fact->terminating)
        return;
    n->updated += fact->fresh;
    n->current += str_eq(label_value(labels_of(o), S(REVISION_LABEL)), v->current);
}

static void put_unless_zero(cJSON *status, const char *name, int64_t n)
{
    if (n > 0)
        json_put_int(status, str_c(name), n);
    else
        json_remove(status, str_c(name));
}

static void write_status(struct stateful_view *v)
{
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(v->object);
    cJSON *status = json_need_object(doc, "status");
    struct stateful_count n = {0};
    bool rolled;

    for (int64_t i = 0; i < v->replicas; i++)
        count_pod(v, &n, v->wanted[i], &v->facts[i]);
    for (size_t i = 0; i < v->extra_n; i++)
        count_pod(v, &n, v->extra[i], &v->extra_facts[i]);
    rolled = n.updated == n.all && n.ready == n.all && n.all == v->replicas;
    if (rolled && !str_is(json_str(doc, "spec.updateStrategy.type"), "OnDelete")) {
        v->current_name = v->update.name;
        n.current = n.updated;
    }
    json_put_int(status, S("replicas"), n.all);
    put_unless_zero(status, "readyReplicas", n.ready);
    put_unless_zero(status, "currentReplicas", n.current);
    put_unless_zero(status, "updatedReplicas", n.updated);
    json_put_int(status, S("availableReplicas"), n.available);
    json_put_str(status, S("currentRevision"), v->current_name);
    json_put_str(status, S("updateRevision"), v->update.name);
    json_put_int(status, S("collisionCount"), json_int(status, "collisionCount", 0));
    json_put_int(status, S("observedGeneration"), json_int(doc, "metadata.generation", 1));
    if (!json_equal(doc, object_doc(v->object)))
        (void)loop_update(v->controller, v->arena, &v->key, "status", doc);
}

static void reconcile(struct controller *c, struct arena *a, const struct object_key *key)
{
    struct stateful_view v = {.controller = c, .arena = a, .key = *key};

    if (!look(&v) || is_deleting(v.doc))
        return;
    if (!find_revisions(&v)) {
        queue_retry(&c->queue, key);
        return;
    }
    look_at_pods(&v);
    bring_about(&v);
    if (!look(&v))
        return;
    look_at_pods(&v);
    write_status(&v);
    if (v.next > 0)
        queue_add_after(&c->queue, key, v.next);
}

static void heard_pod(struct controller *c, const struct object_change *change)
{
    heard_pod_of(c, change, "StatefulSet", selects_by_selector);
}

static const struct controller_watch watches[] = {
    {"apps/statefulsets", heard_self},
    {"pods",              heard_pod },
};

const struct controller_kind statefulset_loop = {
    .name = "statefulset-controller",
    .user = "system:serviceaccount:kube-system:statefulset-controller",
    .resource = "apps/statefulsets",
    .watches = watches,
    .watches_n = ARRAY_LEN(watches),
    .sync = reconcile,
};
