/* The garbage collector: what nobody owns any more goes. Knows every object by uid, and for each
 * who depends on it; filled when a cluster is first looked at, it follows the feed from then on.
 *
 * Ownership: a node is in the map as long as its object is there or somebody refers to it; an edge
 * belongs to the dependent and is in its owner's list.
 * Source: kubernetes-api.md §6.3 (GC), §2.4; pkg/controller/garbagecollector. */
#include "loops/loop_kinds.h"

#include <stdlib.h>

#include "base/macros.h"
#include "base/memory.h"
#include "loops/garbage_plan.h"

struct node {
    struct str uid;
    struct object_key key; /* of the object, when it exists */
    bool exists;
    struct link dependents; /* struct edge */
    struct edge *edges;     /* to its owners, in the order of its references */
    size_t edges_n;
    char text[]; /* of uid and key */
};

struct edge {
    struct link link; /* in owner->dependents */
    struct node *owner, *dependent;
    bool blocks; /* blockOwnerDeletion */
};

struct garbage {
    struct map nodes;  /* by uid */
    struct map loaded; /* names of clusters */
    struct arena arena;
};

/* --- the graph ---------------------------------------------------------------------------- */

static struct str put_text(char **at, struct str s)
{
    struct str copy = str_n(*at, s.n);

    if (s.n > 0)
        memcpy(*at, s.at, s.n);
    *at += s.n;
    return copy;
}

static struct node *new_node(struct garbage *g, struct str uid, const struct object_key *key)
{
    struct node *n =
        xcalloc(sizeof *n + uid.n + key->cluster.n + key->resource.n + key->ns.n + key->name.n);
    char *at = n->text;

    n->uid = put_text(&at, uid);
    n->key = (struct object_key){put_text(&at, key->cluster), put_text(&at, key->resource),
                                 put_text(&at, key->ns), put_text(&at, key->name)};
    list_init(&n->dependents);
    (void)map_put(&g->nodes, n->uid, n);
    return n;
}

static void free_if_idle(struct garbage *g, struct node *n)
{
    if (n->exists || !list_empty(&n->dependents))
        return;
    (void)map_remove(&g->nodes, n->uid);
    free(n->edges);
    free(n);
}

static void drop_edges(struct garbage *g, struct node *n)
{
    struct edge *edges = n->edges;
    size_t count = n->edges_n;

    n->edges = NULL;
    n->edges_n = 0;
    for (size_t i = 0; i < count; i++) {
        list_remove(&edges[i].link);
        if (edges[i].owner != n)
            free_if_idle(g, edges[i].owner);
    }
    free(edges);
}

/* Nobody is there yet: only the uid is known. */
static struct node *need_owner(struct garbage *g, struct str uid)
{
    static const struct object_key nowhere = {0};
    struct node *n = map_get(&g->nodes, uid);

    return n != NULL ? n : new_node(g, uid, &nowhere);
}

static void put_edges(struct garbage *g, struct node *n, const cJSON *refs)
{
    size_t i = 0;

    drop_edges(g, n);
    n->edges_n = (size_t)cJSON_GetArraySize(refs);
    if (n->edges_n == 0)
        return;
    n->edges = xcalloc(n->edges_n * sizeof *n->edges);
    JSON_EACH(ref, refs) {
        struct edge *e = &n->edges[i++];

        e->dependent = n;
        e->owner = need_owner(g, json_str(ref, "uid"));
        e->blocks = json_bool(ref, "blockOwnerDeletion", false);
        list_append(&e->owner->dependents, &e->link);
    }
}

/* The node of an object that is there; one that was only referred to gets its place now. */
static struct node *need_node(struct garbage *g, struct object *o)
{
    struct node *old = map_get(&g->nodes, o->uid), *n;

    if (old != NULL && old->exists)
        return old;
    if (old != NULL)
        (void)map_remove(&g->nodes, old->uid);
    n = new_node(g, o->uid, &o->key);
    n->exists = true;
    if (old == NULL)
        return n;
    while (!list_empty(&old->dependents)) {
        struct edge *e = container_of(old->dependents.next, struct edge, link);

        list_remove(&e->link);
        e->owner = n;
        list_append(&n->dependents, &e->link);
    }
    free(old);
    return n;
}

/* Events come and go by themselves, own nothing and are owned by nobody. */
static bool is_of_interest(const struct object *o)
{
    return !str_is(o->key.resource, "events");
}

/* Most objects have no owner: their text says so without a parser. */
static bool mentions(const struct object *o, struct str member)
{
    return str_find(o->json, member) != STR_NONE;
}

static void note(struct garbage *g, struct object *o)
{
    const cJSON *refs = mentions(o, S("\"ownerReferences\""))
                            ? json_get(object_doc(o), "metadata.ownerReferences")
                            : NULL;
    struct node *n = need_node(g, o);

    if (refs != NULL || n->edges_n > 0)
        put_edges(g, n, refs);
}

static void load(struct controller *c, struct arena *a, struct str cluster)
{
    struct garbage *g = c->own;
    struct str *resources, name;
    size_t n;

    if (map_get(&g->loaded, cluster) != NULL)
        return;
    name = arena_str(&g->arena, cluster);
    (void)map_put(&g->loaded, name, g);
    n = object_resources(c->world->objects, a, cluster, &resources);
    for (size_t i = 0; i < n; i++) {
        struct object_list all =
            object_list(c->world->objects, a, cluster, resources[i], (struct str){0});

        for (size_t k = 0; k < all.n; k++)
            if (is_of_interest(all.at[k]))
                note(g, all.at[k]);
    }
}

/* --- looking ------------------------------------------------------------------------------ */

static bool has_finalizer(const cJSON *doc, const char *name)
{
    JSON_EACH(item, json_get(doc, "metadata.finalizers"))
        if (str_is(json_text(item), name))
            return true;
    return false;
}

static bool waits_for_dependents(struct controller *c, const struct node *n)
{
    struct object *o = n->exists ? object_get(c->world->objects, n->key) : NULL;

    return o != NULL && str_eq(o->uid, n->uid) && is_deleting(object_doc(o)) &&
           has_finalizer(object_doc(o), "foregroundDeletion");
}

static struct str group_of(struct str api_version)
{
    size_t slash = str_rchr(api_version, '/');

    return slash == STR_NONE ? (struct str){0} : str_first(api_version, slash);
}

/* An owner of another namespace is none. */
static bool is_elsewhere(const struct node *owner, struct str ns)
{
    return owner->exists && owner->key.ns.n > 0 && !str_eq(owner->key.ns, ns);
}

static enum owner_state state_of(struct controller *c, const struct edge *e, const cJSON *ref)
{
    const struct node *owner = e->owner;
    struct object *o = owner->exists ? object_get(c->world->objects, owner->key) : NULL;
    const cJSON *doc;

    if (o == NULL || !str_eq(o->uid, owner->uid) || is_elsewhere(owner, e->dependent->key.ns))
        return OWNER_GONE;
    doc = object_doc(o);
    if (!str_eq(json_str(ref, "name"), o->key.name) ||
        !str_eq(json_str(ref, "kind"), json_str(doc, "kind")) ||
        !str_eq(group_of(json_str(ref, "apiVersion")), group_of(json_str(doc, "apiVersion"))))
        return OWNER_GONE;
    return is_deleting(doc) && has_finalizer(doc, "foregroundDeletion") ? OWNER_WAITING
                                                                        : OWNER_LIVES;
}

static void view_dependents(struct controller *c, const struct node *n, struct garbage_view *v)
{
    LIST_EACH(struct edge, e, &n->dependents, link) {
        if (!e->dependent->exists)
            continue;
        v->dependents++;
        v->blocking_dependents += e->blocks;
        v->dependent_waits |= waits_for_dependents(c, e->dependent);
    }
}

static struct garbage_view view_of(struct controller *c, struct arena *a, const struct node *n,
                                   const cJSON *doc)
{
    enum owner_state *owners = arena_array(a, n->edges_n, sizeof *owners);
    struct garbage_view v = {
        .owners = owners,
        .owners_n = n->edges_n,
        .deleting = is_deleting(doc),
        .foreground = has_finalizer(doc, "foregroundDeletion"),
        .orphan = has_finalizer(doc, "orphan"),
    };
    size_t i = 0;

    JSON_EACH(ref, json_get(doc, "metadata.ownerReferences"))
        if (i < n->edges_n) {
            owners[i] = state_of(c, &n->edges[i], ref);
            i++;
        }
    view_dependents(c, n, &v);
    return v;
}

/* --- doing -------------------------------------------------------------------------------- */

static void tell_elsewhere(struct controller *c, struct arena *a, const struct node *n,
                           const cJSON *doc)
{
    size_t i = 0;

    JSON_EACH(ref, json_get(doc, "metadata.ownerReferences")) {
        if (i < n->edges_n && is_elsewhere(n->edges[i].owner, n->key.ns))
            event_warning(c, n->key.cluster, doc, "OwnerRefInvalidNamespace",
                          arena_printf(a,
                                       "ownerRef [%.*s/%.*s, namespace: %.*s, name: %.*s, uid: "
                                       "%.*s] does not exist in namespace \"%.*s\"",
                                       STR_ARG(json_str(ref, "apiVersion")),
                                       STR_ARG(json_str(ref, "kind")), STR_ARG(n->key.ns),
                                       STR_ARG(json_str(ref, "name")),
                                       STR_ARG(json_str(ref, "uid")), STR_ARG(n->key.ns)));
        i++;
    }
}

/* Writes @doc, whose metadata was changed; an answer of "gone" or "changed" comes with news. */
static void write_back(struct controller *c, struct arena *a, const struct object_key *key,
                       const cJSON *doc)
{
    struct written w = loop_update(c, a, key, "", doc);

    if (!written_ok(w) && w.status != 404)
        queue_retry(&c->queue, key);
}

static void drop_finalizer(struct controller *c, struct arena *a, struct object *o,
                           const char *name)
{
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(o);
    cJSON *list = json_get(doc, "metadata.finalizers");

    for (cJSON *item = list == NULL ? NULL : list->child, *next; item != NULL; item = next) {
        next = item->next;
        if (str_is(json_text(item), name))
            cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
    }
    if (list != NULL && list->child == NULL)
        json_remove(json_get(doc, "metadata"), S("finalizers"));
    write_back(c, a, &o->key, doc);
}

/* Drops the references to @uid; with @uid empty all those that do not live. */
static void drop_refs(struct controller *c, struct arena *a, struct object *o, struct str uid,
                      const struct garbage_view *v)
{
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(o);
    cJSON *list = json_get(doc, "metadata.ownerReferences");
    size_t i = 0;

    for (cJSON *ref = list == NULL ? NULL : list->child, *next; ref != NULL; ref = next, i++) {
        next = ref->next;
        if (uid.n > 0 ? str_eq(json_str(ref, "uid"), uid)
                      : i < v->owners_n && v->owners[i] != OWNER_LIVES)
            cJSON_Delete(cJSON_DetachItemViaPointer(list, ref));
    }
    if (list != NULL && list->child == NULL)
        json_remove(json_get(doc, "metadata"), S("ownerReferences"));
    write_back(c, a, &o->key, doc);
}

static void unblock(struct controller *c, struct arena *a, struct object *o)
{
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(o);

    JSON_EACH(ref, json_get(doc, "metadata.ownerReferences"))
        json_put_bool(ref, S("blockOwnerDeletion"), false);
    write_back(c, a, &o->key, doc);
}

static void remove_object(struct controller *c, struct arena *a, struct object *o,
                          const char *policy)
{
    struct object_key key = o->key;
    struct written w = loop_delete(c, a, &key, o->uid, policy);

    if (!written_ok(w) && w.status != 404 && w.status != 409)
        queue_retry(&c->queue, &key);
}

static void look_at_dependents(struct controller *c, const struct node *n)
{
    LIST_EACH(struct edge, e, &n->dependents, link)
        if (e->dependent->exists)
            queue_add(&c->queue, &e->dependent->key);
}

static void orphan_dependents(struct controller *c, struct arena *a, const struct node *n,
                              struct object *o)
{
    struct object_key *keys;
    size_t count = 0, i = 0;

    LIST_EACH(struct edge, e, &n->dependents, link)
        count += e->dependent->exists;
    keys = arena_array(a, count, sizeof *keys);
    LIST_EACH(struct edge, e, &n->dependents, link)
        if (e->dependent->exists)
            keys[i++] = e->dependent->key;
    for (i = 0; i < count; i++) {
        struct object *dependent = object_get(c->world->objects, keys[i]);

        if (dependent != NULL)
            drop_refs(c, a, dependent, o->uid, NULL);
    }
    o = object_get(c->world->objects, n->key);
    if (o != NULL)
        drop_finalizer(c, a, o, "orphan");
}

static void act(struct controller *c, struct arena *a, const struct node *n, struct object *o,
                const struct garbage_view *v)
{
    switch (garbage_plan(v)) {
    case GARBAGE_NONE:
        break;
    case GARBAGE_DROP_REFS:
        drop_refs(c, a, o, (struct str){0}, v);
        break;
    case GARBAGE_DELETE:
        remove_object(c, a, o, "Background");
        break;
    case GARBAGE_UNBLOCK:
        unblock(c, a, o);
        o = object_get(c->world->objects, n->key);
        if (o != NULL)
            remove_object(c, a, o, "Foreground");
        break;
    case GARBAGE_DELETE_FOREGROUND:
        remove_object(c, a, o, "Foreground");
        break;
    case GARBAGE_DELETE_ORPHAN:
        remove_object(c, a, o, "Orphan");
        break;
    case GARBAGE_DELETE_DEPENDENTS:
        look_at_dependents(c, n);
        break;
    case GARBAGE_END_FOREGROUND:
        drop_finalizer(c, a, o, "foregroundDeletion");
        break;
    case GARBAGE_ORPHAN_DEPENDENTS:
        orphan_dependents(c, a, n, o);
        break;
    }
}

static void reconcile(struct controller *c, struct arena *a, const struct object_key *key)
{
    struct garbage *g = c->own;
    struct object *o = object_get(c->world->objects, *key);
    struct garbage_view v;
    struct node *n;

    load(c, a, key->cluster);
    n = o == NULL ? NULL : map_get(&g->nodes, o->uid);
    if (n == NULL || (n->edges_n == 0 && !mentions(o, S("\"deletionTimestamp\""))))
        return;
    v = view_of(c, a, n, object_doc(o));
    tell_elsewhere(c, a, n, object_doc(o));
    act(c, a, n, o, &v);
}

/* --- hearing ------------------------------------------------------------------------------ */

/* Owners that wait may have waited for this one. */
static void look_at_owners(struct controller *c, const struct node *n)
{
    for (size_t i = 0; i < n->edges_n; i++)
        if (waits_for_dependents(c, n->edges[i].owner))
            queue_add(&c->queue, &n->edges[i].owner->key);
}

static void on_gone(struct controller *c, struct object *o)
{
    struct garbage *g = c->own;
    struct node *n = map_get(&g->nodes, o->uid);

    if (n == NULL)
        return;
    n->exists = false;
    look_at_owners(c, n);
    look_at_dependents(c, n);
    drop_edges(g, n);
    free_if_idle(g, n);
}

static void heard(struct controller *c, const struct object_change *change)
{
    struct garbage *g = c->own;
    struct object *o = change->now;
    struct arena a = {0};
    struct node *n;

    if (!is_of_interest(o))
        return;
    load(c, &a, o->key.cluster);
    arena_free(&a);
    if (change->event == OBJECT_DELETED) {
        on_gone(c, o);
        return;
    }
    note(g, o);
    n = map_get(&g->nodes, o->uid);
    if (n->edges_n > 0 || mentions(o, S("\"deletionTimestamp\"")))
        queue_add(&c->queue, &o->key);
    look_at_owners(c, n);
}

static int open_garbage(struct controller *c)
{
    c->own = xcalloc(sizeof(struct garbage));
    return 0;
}

static void forget_garbage(struct controller *c, struct str cluster)
{
    struct garbage *g = c->own;
    struct map_entry *e;
    size_t at = 0;

    (void)map_remove(&g->loaded, cluster);
    while ((e = map_next(&g->nodes, &at)) != NULL) {
        struct node *n = e->value;

        if (n->exists && str_eq(n->key.cluster, cluster)) {
            n->exists = false;
            drop_edges(g, n);
        }
    }
    for (at = 0; (e = map_next(&g->nodes, &at)) != NULL;)
        free_if_idle(g, e->value);
}

static void close_garbage(struct controller *c)
{
    struct garbage *g = c->own;
    struct map_entry *e;
    size_t at = 0;

    while ((e = map_next(&g->nodes, &at)) != NULL) {
        struct node *n = e->value;

        free(n->edges);
        free(n);
    }
    map_free(&g->nodes);
    map_free(&g->loaded);
    arena_free(&g->arena);
    free(g);
}

static const struct controller_watch watches[] = {
    {ANY_RESOURCE, heard},
};

const struct controller_kind garbage_loop = {
    .name = "garbage-collector-controller",
    .user = "system:serviceaccount:kube-system:generic-garbage-collector",
    .resource = ANY_RESOURCE,
    .watches = watches,
    .watches_n = ARRAY_LEN(watches),
    .sync = reconcile,
    .open = open_garbage,
    .close = close_garbage,
    .forget = forget_garbage,
};
