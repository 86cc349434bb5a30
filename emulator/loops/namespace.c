/* The end of a namespace: everything in it is deleted, then its finalizer goes.
 * Source: kubernetes-api.md §6.1, §2.4; namespace-controller's conditions. */
#include "loops/loop_kinds.h"

#include "base/macros.h"

enum { LOOK_AGAIN_MS = 1000 };

struct remains {
    size_t objects, finalizers;
    struct str first_finalizer, first_resource;
};

/* Deletes what is not being deleted yet; counts what is left. */
static void delete_resource(struct controller *c, struct arena *a, const struct object_key *ns,
                            struct str resource, struct remains *left)
{
    struct object_list all = object_list(c->world->objects, a, ns->cluster, resource, ns->name);

    for (size_t i = 0; i < all.n; i++) {
        struct object *o = all.at[i];
        struct object_key key = o->key;

        if (!is_deleting(object_doc(o)))
            (void)loop_delete(c, a, &key, (struct str){0}, "Background");
        o = object_get(c->world->objects, key);
        if (o == NULL)
            continue;
        left->objects++;
        left->first_resource = resource;
        JSON_EACH(finalizer, json_get(object_doc(o), "metadata.finalizers")) {
            left->finalizers++;
            left->first_finalizer = arena_str(a, json_text(finalizer));
        }
    }
}

static struct remains delete_content(struct controller *c, struct arena *a,
                                     const struct object_key *ns)
{
    struct remains left = {0};
    struct str *resources;
    size_t n = object_resources(c->world->objects, a, ns->cluster, &resources);

    for (size_t i = 0; i < n; i++)
        if (!str_is(resources[i], "namespaces"))
            delete_resource(c, a, ns, resources[i], &left);
    return left;
}

static struct condition condition(const char *type, bool bad, const char *good_reason,
                                  const char *bad_reason, struct str good, struct str text)
{
    return (struct condition){type, bad ? "True" : "False", str_c(bad ? bad_reason : good_reason),
                              bad ? text : good};
}

static void write_conditions(struct controller *c, struct arena *a, const struct object_key *key,
                             const struct remains *left)
{
    struct object *o = object_get(c->world->objects, *key);
    struct str now = now_text(c->world, a);
    const struct condition wants[] = {
        condition("NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered", "",
                  S("All resources successfully discovered"), S("")),
        condition("NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions", "",
                  S("All legacy kube types successfully parsed"), S("")),
        condition("NamespaceDeletionContentFailure", false, "ContentDeleted", "",
                  S("All content successfully deleted, may be waiting on finalization"), S("")),
        condition("NamespaceContentRemaining", left->objects > 0, "ContentRemoved",
                  "SomeResourcesRemain", S("All content successfully removed"),
                  arena_printf(a, "Some resources are remaining: %.*s has %zu resource instances",
                               STR_ARG(left->first_resource), left->objects)),
        condition("NamespaceFinalizersRemaining", left->finalizers > 0, "ContentHasNoFinalizers",
                  "SomeFinalizersRemain", S("All content-preserving finalizers finished"),
                  arena_printf(a,
                               "Some content in the namespace has finalizers remaining: %.*s in "
                               "%zu resource instances",
                               STR_ARG(left->first_finalizer), left->finalizers)),
    };
    bool changed = false;

    if (o == NULL)
        return;
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(o);
    for (size_t i = 0; i < ARRAY_LEN(wants); i++)
        changed |= set_condition(json_need_object(doc, "status"), &wants[i], now, false);
    if (changed)
        (void)loop_update(c, a, key, "status", doc);
}

static void finalize(struct controller *c, struct arena *a, const struct object_key *key)
{
    struct object *o = object_get(c->world->objects, *key);

    if (o == NULL)
        return;
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(o);
    json_put(json_need_object(doc, "spec"), S("finalizers"), cJSON_CreateArray());
    if (!written_ok(loop_update(c, a, key, "finalize", doc)))
        queue_retry(&c->queue, key);
}

static void reconcile(struct controller *c, struct arena *a, const struct object_key *key)
{
    struct object *o = object_get(c->world->objects, *key);
    struct remains left;

    if (o == NULL || !is_deleting(object_doc(o)))
        return;
    left = delete_content(c, a, key);
    if (left.objects > 0) {
        write_conditions(c, a, key, &left);
        queue_add_after(&c->queue, key, LOOK_AGAIN_MS);
        return;
    }
    finalize(c, a, key);
}

/* Something of a namespace went away: perhaps it was the last. */
static void heard_gone(struct controller *c, const struct object_change *change)
{
    struct object_key key =
        key_of(change->now->key.cluster, "namespaces", (struct str){0}, change->now->key.ns);
    struct object *ns;

    if (change->event != OBJECT_DELETED || key.name.n == 0)
        return;
    ns = object_get(c->world->objects, key);
    if (ns != NULL && is_deleting(object_doc(ns)))
        queue_add(&c->queue, &key);
}

static const struct controller_watch watches[] = {
    {"namespaces",                  heard_self},
    {"pods",                        heard_gone},
    {"apps/replicasets",            heard_gone},
    {"networking.k8s.io/ingresses", heard_gone},
    {"services",                    heard_gone},
};

const struct controller_kind namespace_loop = {
    .name = "namespace-controller",
    .user = "system:serviceaccount:kube-system:namespace-controller",
    .resource = "namespaces",
    .watches = watches,
    .watches_n = ARRAY_LEN(watches),
    .sync = reconcile,
};
