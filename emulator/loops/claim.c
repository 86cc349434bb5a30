/* Adoption and release. */
#include "loops/claim.h"

#include "base/macros.h"
#include "loops/pods.h"

bool selects_by_selector(const cJSON *owner, struct labels labels)
{
    return selector_matches(json_get(owner, "spec.selector"), labels);
}

bool selects_by_map(const cJSON *owner, struct labels labels)
{
    const cJSON *map = json_get(owner, "spec.selector");

    return map != NULL && map->child != NULL && label_map_matches(map, labels);
}

static void adopt(struct controller *c, struct arena *a, struct object *owner, struct object *pod)
{
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(pod);

    cJSON_AddItemToArray(json_need_array(doc, "metadata.ownerReferences"),
                         new_controller_ref(object_doc(owner)));
    (void)loop_update(c, a, &pod->key, "", doc);
}

/* A pod whose labels do not fit any more lives on by itself. */
static void release(struct controller *c, struct arena *a, struct object *pod)
{
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(pod);
    cJSON *refs = json_get(doc, "metadata.ownerReferences");
    cJSON *ref = (cJSON *)(uintptr_t)controller_ref(doc);

    cJSON_Delete(cJSON_DetachItemViaPointer(refs, ref));
    if (refs->child == NULL)
        json_remove(json_get(doc, "metadata"), S("ownerReferences"));
    (void)loop_update(c, a, &pod->key, "", doc);
}

struct claimed claim_pods(struct controller *c, struct arena *a, struct object *owner,
                          selects_cb *selects)
{
    struct object_list all =
        object_list(c->world->objects, a, owner->key.cluster, S("pods"), owner->key.ns);
    struct claimed own = {.at = arena_array(a, all.n, sizeof(struct object *))};
    bool living = !is_deleting(object_doc(owner));

    for (size_t i = 0; i < all.n; i++) {
        bool fits = selects(object_doc(owner), labels_of(all.at[i]));
        struct object *pod = all.at[i];
        const cJSON *ref;

        if (!fits && str_find(pod->json, owner->uid) == STR_NONE)
            continue; /* no need to parse it */
        ref = controller_ref(object_doc(pod));
        if (ref != NULL && !str_eq(json_str(ref, "uid"), owner->uid))
            continue;
        if (ref != NULL && !fits && living)
            release(c, a, pod);
        else if (ref == NULL && fits && living && pod_is_active(object_doc(pod)))
            adopt(c, a, owner, pod);
        else if (ref == NULL)
            continue;
        pod = fits ? object_get(c->world->objects, pod->key) : NULL;
        if (pod != NULL)
            own.at[own.n++] = pod;
    }
    return own;
}

void heard_pod_of(struct controller *c, const struct object_change *change, const char *kind,
                  selects_cb *selects)
{
    struct arena a = {0};
    struct object_list owners;

    heard_controlled(c, change, kind);
    if (change->event == OBJECT_DELETED || change->now->label_count == 0 ||
        object_count(c->world->objects, change->now->key.cluster, str_c(c->kind->resource)) == 0 ||
        controller_ref(object_doc(change->now)) != NULL)
        return;
    owners = object_list(c->world->objects, &a, change->now->key.cluster, str_c(c->kind->resource),
                         change->now->key.ns);
    for (size_t i = 0; i < owners.n; i++)
        if (selects(object_doc(owners.at[i]), labels_of(change->now)))
            queue_add(&c->queue, &owners.at[i]->key);
    arena_free(&a);
}
