/* Kubernetes objects: documents of the stored version of their kind, under one global
 * resourceVersion that only grows and is never used twice, with a log of changes that is the
 * history of watches. The durable truth is SQLite; reading is from a cache in memory that holds
 * every object's encoded bytes.
 *
 * Lifetimes. An object is immutable; a change makes a new one. What object_get and object_list
 * return is borrowed and stays valid, tree included, until objects_sweep(), which runs when
 * control is back in the event loop. Who keeps an object longer takes a reference with object_ref,
 * and asks for the tree again (object_doc) each time it is needed.
 *
 * Source: Kubernetes API Concepts, "Resource versions" and "Efficient detection of changes". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "store/feed.h"
#include "store/store.h"

extern const char object_schema_1[];

struct objects;

/* Where an object is. @resource names the kind's one stored form: "<plural>" for the core group,
 * "<group>/<plural>" for others ("pods", "apps/deployments", "networking.k8s.io/ingresses",
 * "rbac.authorization.k8s.io/clusterroles"). @ns is empty for kinds without namespaces. */
struct object_key {
    struct str cluster, resource, ns, name;
};

struct object_label {
    struct str key, value;
};

struct object {
    struct object_key key;
    struct str uid;
    int64_t rv;
    struct str json; /* the document: apiVersion, kind, metadata (resourceVersion included) … */
    const struct object_label *labels;
    size_t label_count;
};

enum object_event { OBJECT_ADDED, OBJECT_MODIFIED, OBJECT_DELETED };

/* The detail of a CHANGE_OBJECT announcement. @old is the object before (NULL when added). @now is
 * the object after; of a deleted one its last state under the resourceVersion of the deletion,
 * so @now is never NULL. Borrowed for the callback. The change's key is the object's resource. */
struct object_change {
    struct change_detail detail; /* first: a change_detail of CHANGE_OBJECT may be cast */
    enum object_event event;
    struct object *old, *now;
};

/* The change that an announcement carries, or NULL when it is of another topic. */
const struct object_change *object_change_of(const struct change *change);

/* Loads every object. @s is borrowed and outlives it. 0 and *ret_objects, or a negative error of
 * the store. */
int objects_open(struct store *s, struct objects **ret_objects);

/* The cache goes; objects that somebody still refers to stay. NULL is fine. */
void objects_close(struct objects *os);
struct store *objects_store(const struct objects *os);

/* Frees what was replaced, and the trees that were not used lately. Call it from the event loop,
 * where nobody holds a borrowed object; a unit test need not. */
void objects_sweep(struct objects *os);

struct object *object_ref(struct object *o);
/* NULL is fine. */
void object_unref(struct object *o);
/* For CLEANUP. */
void object_unrefp(struct object **o);

/* The document as a tree: parsed when first asked for, borrowed, never to be changed. */
const cJSON *object_doc(struct object *o);

/* A tree of one's own, to be changed and given back; the caller's. */
cJSON *object_copy_doc(struct object *o);

/* --- reading ---------------------------------------------------------------------------- */

/* The object, or NULL. */
struct object *object_get(struct objects *os, struct object_key key);

struct object_list {
    struct object **at; /* ordered by namespace, then name */
    size_t n;
};

/* All objects of @resource in @ns (every namespace when @ns is empty); the array lives in @a.
 * Objects may be written while it is walked. */
struct object_list object_list(struct objects *os, struct arena *a, struct str cluster,
                               struct str resource, struct str ns);

/* How many there are of @resource, in all namespaces. */
size_t object_count(struct objects *os, struct str cluster, struct str resource);

/* The resources of @cluster that have objects, in byte order; in @a. */
size_t object_resources(struct objects *os, struct arena *a, struct str cluster,
                        struct str **ret_resources);

/* The newest resourceVersion of the world; at least 1. */
int64_t objects_rv(const struct objects *os);

/* --- writing: inside a transaction ------------------------------------------------------- */

/* Creates or replaces the object at @key with @doc, which is taken over: metadata.resourceVersion
 * is set to the next one, the change is logged and announced. The document's own name and
 * namespace must be @key's; nothing else of it is looked at. 0 and *ret_object (may be NULL;
 * borrowed), or a negative error of the store. A rollback undoes the cache too. */
int object_put(struct objects *os, struct object_key key, cJSON *doc, struct object **ret_object);

/* Removes the object at @key; *ret_object (may be NULL) is its last state under the deletion's
 * resourceVersion. 0, -ENOENT when there is none, or a negative error of the store. */
int object_remove(struct objects *os, struct object_key key, struct object **ret_object);

/* Removes every object of @cluster, each change announced. */
int objects_remove_cluster(struct objects *os, struct str cluster);

/* --- history ---------------------------------------------------------------------------- */

typedef void object_history_cb(void *data, const struct object_change *change);

/* Tells @tell, in order, every change of @resource (all namespaces) after @rv. @old of a change may
 * be NULL where the state before was forgotten. 0; -ESTALE when @rv lies before the compaction
 * point, with nothing told; or a negative error of the store. */
int objects_since(struct objects *os, struct str cluster, struct str resource, int64_t rv,
                  object_history_cb *tell, void *data);

/* The oldest resourceVersion that a watch can start from. */
int64_t objects_compacted_rv(const struct objects *os);

/* Forgets changes up to @rv. For tests and for the store's own housekeeping; own transaction. */
int objects_compact(struct objects *os, int64_t rv);
