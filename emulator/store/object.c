/* Kubernetes objects over SQLite, with everything that is current in memory.
 *
 * Tables: object_version has a row a change (the log; a deletion has one too), object says which
 * row is each object's current state. So a write stores the document once, and the history is a
 * range of the primary key.
 *
 * Ownership: the cache holds one reference to each current object; the undo list of the running
 * transaction and every announced change hold theirs. An object whose last reference went is put
 * in the grave and freed by objects_sweep(), so that what a caller borrowed stays readable until
 * control is back in the event loop.
 *
 * Source: Kubernetes API Concepts, "Resource versions". */
#include "store/object.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "store/setting.h"

const char object_schema_1[] =
    "CREATE TABLE object_version ("
    "  rv INTEGER PRIMARY KEY,"
    "  previous_rv INTEGER NOT NULL," /* 0 when there was none */
    "  event INTEGER NOT NULL,"       /* enum object_event */
    "  cluster TEXT NOT NULL, resource TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL,"
    "  doc TEXT NOT NULL"
    ");"
    "CREATE TABLE object ("
    "  cluster TEXT NOT NULL, resource TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL,"
    "  rv INTEGER NOT NULL,"
    "  PRIMARY KEY (cluster, resource, ns, name)"
    ") WITHOUT ROWID;"
    "INSERT INTO setting (name, value) VALUES ('object/compacted-rv', '1');";

enum {
    LARGEST_DOC = 8 << 20, /* a request body is at most 3 MiB; defaulting adds to it */
    TREES_KEPT = 24,       /* parsed documents that survive a sweep */
    HISTORY_KEPT = 10000,  /* changes that a watch may start from */
    HISTORY_SLACK = 1000,  /* compaction goes in steps of this */
};

/* An object with what its users do not see. */
struct held {
    struct object o; /* first */
    struct objects *os;
    unsigned refs;
    cJSON *tree;
    struct link parsed; /* in os->trees, newest first, while there is a tree */
    struct link grave;  /* in os->dead, once there is no reference */
    char bytes[];       /* namespace, name, uid, labels' texts and the document */
};

/* All objects of one resource of one cluster, ordered by namespace, then name. Made once and
 * kept: its texts are borrowed by the objects' keys. */
struct shelf {
    struct str cluster, resource, id;
    struct held **at;
    size_t n, room;
    char bytes[];
};

struct undo {
    struct shelf *shelf;
    struct held *old, *now; /* old NULL: was added; now NULL: was removed */
    int64_t rv;             /* the newest before this change */
};

struct objects {
    struct store *store;
    struct store_hook hook;
    struct map shelves; /* by id: cluster, NUL, resource */
    int64_t rv, compacted_rv;
    struct undo *undo;
    size_t undo_count, undo_room;
    struct link trees, dead;
    size_t tree_count;
    size_t held_count; /* objects that exist; the last one takes a closed cache with it */
    bool closed;
};

static struct held *held_of(struct object *o)
{
    return container_of(o, struct held, o);
}

/* --- one object ------------------------------------------------------------------------- */

static struct str put_text(char **at, struct str s)
{
    char *start = *at;

    if (s.n > 0)
        memcpy(start, s.at, s.n);
    start[s.n] = '\0';
    *at += s.n + 1;
    return str_n(start, s.n);
}

static size_t label_bytes(const cJSON *labels, size_t *ret_count)
{
    size_t n = 0;

    *ret_count = 0;
    JSON_EACH(label, labels) {
        if (!cJSON_IsString(label))
            continue;
        n += sizeof(struct object_label) + strlen(label->string) + json_text(label).n + 2;
        ++*ret_count;
    }
    return n;
}

/* An object with one reference, which is the caller's. @shelf's texts are borrowed. */
static struct held *held_new(struct objects *os, const struct shelf *shelf, struct object_key key,
                             int64_t rv, const cJSON *doc, struct str json)
{
    const cJSON *labels = json_get(doc, "metadata.labels");
    struct str uid = json_str(doc, "metadata.uid");
    size_t label_count, label_room = label_bytes(labels, &label_count);
    struct held *h = xcalloc(sizeof *h + label_room + _Alignof(struct object_label) + key.ns.n +
                             key.name.n + uid.n + json.n + 4);
    uintptr_t past = (uintptr_t)h->bytes % _Alignof(struct object_label);
    char *aligned = h->bytes + (past == 0 ? 0 : _Alignof(struct object_label) - past);
    struct object_label *label = (struct object_label *)(void *)aligned;
    char *at = aligned + label_count * sizeof *label;

    os->held_count++;
    h->os = os;
    h->refs = 1;
    h->o.rv = rv;
    h->o.labels = label;
    h->o.label_count = label_count;
    JSON_EACH(item, labels)
        if (cJSON_IsString(item))
            *label++ = (struct object_label){put_text(&at, str_c(item->string)),
                                             put_text(&at, json_text(item))};
    h->o.key = (struct object_key){shelf->cluster, shelf->resource, put_text(&at, key.ns),
                                   put_text(&at, key.name)};
    h->o.uid = put_text(&at, uid);
    h->o.json = put_text(&at, json);
    return h;
}

static void drop_tree(struct held *h)
{
    if (h->tree == NULL)
        return;
    list_remove(&h->parsed);
    h->os->tree_count--;
    cJSON_Delete(TAKE(h->tree));
}

static void objects_free(struct objects *os)
{
    struct map_entry *e;
    size_t at = 0;

    while ((e = map_next(&os->shelves, &at)) != NULL) {
        struct shelf *shelf = e->value;

        free(shelf->at);
        free(shelf);
    }
    map_free(&os->shelves);
    free(os->undo);
    free(os);
}

static void held_free(struct held *h)
{
    struct objects *os = h->os;

    drop_tree(h);
    list_remove(&h->grave);
    free(h);
    if (--os->held_count == 0 && os->closed)
        objects_free(os);
}

struct object *object_ref(struct object *o)
{
    struct held *h = held_of(o);

    if (h->refs++ == 0)
        list_remove(&h->grave);
    return o;
}

void object_unref(struct object *o)
{
    struct held *h;

    if (o == NULL)
        return;
    h = held_of(o);
    assert(h->refs > 0);
    if (--h->refs > 0)
        return;
    if (h->os->closed)
        held_free(h);
    else
        list_append(&h->os->dead, &h->grave);
}

void object_unrefp(struct object **o)
{
    object_unref(*o);
}

static void keep_tree(struct held *h, cJSON *tree)
{
    h->tree = tree;
    h->os->tree_count++;
    list_prepend(&h->os->trees, &h->parsed);
}

const cJSON *object_doc(struct object *o)
{
    struct held *h = held_of(o);

    if (h->tree == NULL) {
        cJSON *tree = object_copy_doc(o);

        keep_tree(h, tree);
        return tree;
    }
    list_remove(&h->parsed);
    list_prepend(&h->os->trees, &h->parsed);
    return h->tree;
}

cJSON *object_copy_doc(struct object *o)
{
    cJSON *tree = json_parse(o->json, NULL);

    assert(tree != NULL); /* our own writer wrote it */
    return tree;
}

/* --- shelves ---------------------------------------------------------------------------- */

enum { LONGEST_ID = 1024 };

static struct str shelf_id(char *room, struct str cluster, struct str resource)
{
    if (cluster.n + resource.n + 1 > LONGEST_ID)
        return (struct str){0};
    if (cluster.n > 0)
        memcpy(room, cluster.at, cluster.n);
    room[cluster.n] = '\0';
    if (resource.n > 0)
        memcpy(room + cluster.n + 1, resource.at, resource.n);
    return str_n(room, cluster.n + 1 + resource.n);
}

static struct shelf *shelf_find(const struct objects *os, struct str cluster, struct str resource)
{
    char room[LONGEST_ID];
    struct str id = shelf_id(room, cluster, resource);

    return id.n == 0 ? NULL : map_get(&os->shelves, id);
}

static struct shelf *shelf_need(struct objects *os, struct str cluster, struct str resource)
{
    char room[LONGEST_ID];
    struct str id = shelf_id(room, cluster, resource);
    struct shelf *shelf = map_get(&os->shelves, id);

    assert(id.n > 0);
    if (shelf != NULL)
        return shelf;
    shelf = xcalloc(sizeof *shelf + id.n);
    memcpy(shelf->bytes, id.at, id.n);
    shelf->id = str_n(shelf->bytes, id.n);
    shelf->cluster = str_first(shelf->id, cluster.n);
    shelf->resource = str_n(shelf->bytes + cluster.n + 1, resource.n);
    (void)map_put(&os->shelves, shelf->id, shelf);
    return shelf;
}

static int order(const struct object *o, struct str ns, struct str name)
{
    int r = str_cmp(o->key.ns, ns);

    return r != 0 ? r : str_cmp(o->key.name, name);
}

/* The first place whose object does not come before (@ns, @name). */
static size_t shelf_seek(const struct shelf *shelf, struct str ns, struct str name)
{
    size_t low = 0, high = shelf->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (order(&shelf->at[middle]->o, ns, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct held *shelf_get(const struct shelf *shelf, struct str ns, struct str name)
{
    size_t i = shelf_seek(shelf, ns, name);

    return i < shelf->n && order(&shelf->at[i]->o, ns, name) == 0 ? shelf->at[i] : NULL;
}

static void shelf_insert(struct shelf *shelf, struct held *h)
{
    size_t i = shelf_seek(shelf, h->o.key.ns, h->o.key.name);

    if (shelf->n == shelf->room) {
        shelf->room = shelf->room == 0 ? 8 : shelf->room * 2;
        shelf->at = xrealloc(shelf->at, shelf->room * sizeof(struct held *));
    }
    memmove(shelf->at + i + 1, shelf->at + i, (shelf->n - i) * sizeof(struct held *));
    shelf->at[i] = h;
    shelf->n++;
}

static void shelf_take(struct shelf *shelf, const struct held *h)
{
    size_t i = shelf_seek(shelf, h->o.key.ns, h->o.key.name);

    assert(i < shelf->n && shelf->at[i] == h);
    shelf->n--;
    memmove(shelf->at + i, shelf->at + i + 1, (shelf->n - i) * sizeof(struct held *));
}

/* Makes @now the current one in place of @old (either may be NULL), moving the shelf's reference.
 */
static void shelf_swap(struct shelf *shelf, struct held *old, struct held *now)
{
    if (now != NULL)
        (void)object_ref(&now->o);
    if (old != NULL && now != NULL)
        shelf->at[shelf_seek(shelf, old->o.key.ns, old->o.key.name)] = now;
    else if (now != NULL)
        shelf_insert(shelf, now);
    else if (old != NULL)
        shelf_take(shelf, old);
    if (old != NULL)
        object_unref(&old->o);
}

/* --- transactions ----------------------------------------------------------------------- */

static void note_undo(struct objects *os, struct shelf *shelf, struct held *old, struct held *now)
{
    if (os->undo_count == os->undo_room) {
        os->undo_room = os->undo_room == 0 ? 8 : os->undo_room * 2;
        os->undo = xrealloc(os->undo, os->undo_room * sizeof *os->undo);
    }
    if (old != NULL)
        (void)object_ref(&old->o);
    if (now != NULL)
        (void)object_ref(&now->o);
    os->undo[os->undo_count++] = (struct undo){shelf, old, now, os->rv};
}

static void on_transaction_ended(void *data, bool committed)
{
    struct objects *os = data;

    while (os->undo_count > 0) {
        struct undo *u = &os->undo[--os->undo_count];

        if (!committed) {
            shelf_swap(u->shelf, u->now, u->old);
            os->rv = u->rv;
        }
        object_unref(u->old == NULL ? NULL : &u->old->o);
        object_unref(u->now == NULL ? NULL : &u->now->o);
    }
}

/* --- opening ---------------------------------------------------------------------------- */

static int load_current(struct objects *os)
{
    static const char sql[] = "SELECT v.rv, v.cluster, v.resource, v.ns, v.name, v.doc"
                              "  FROM object AS o JOIN object_version AS v ON v.rv = o.rv";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(os->store, &q, sql);

    while (r >= 0 && (r = stmt_step(&q)) == STMT_ROW) {
        CLEANUP(arena_free) struct arena a = {0};
        struct object_key key = {stmt_str(&q, "cluster", &a), stmt_str(&q, "resource", &a),
                                 stmt_str(&q, "ns", &a), stmt_str(&q, "name", &a)};
        struct str json = stmt_str(&q, "doc", &a);
        CLEANUP(json_freep) cJSON *doc = json_parse(json, NULL);
        struct shelf *shelf = shelf_need(os, key.cluster, key.resource);

        if (doc == NULL) {
            log_error("store", "object %.*s/%.*s is damaged", STR_ARG(key.resource),
                      STR_ARG(key.name));
            return -EIO;
        }
        shelf_insert(shelf, held_new(os, shelf, key, stmt_int(&q, "rv"), doc, json));
    }
    return r;
}

static int load_counters(struct objects *os)
{
    static const char sql[] =
        "SELECT coalesce(max(rv), 1) AS rv,"
        "       (SELECT value FROM setting WHERE name = 'object/compacted-rv') AS compacted"
        "  FROM object_version";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(os->store, &q, sql);

    if (r < 0)
        return r;
    r = stmt_step(&q);
    if (r == STMT_ROW) {
        os->rv = stmt_int(&q, "rv");
        os->compacted_rv = stmt_int(&q, "compacted");
    }
    return r < 0 ? r : 0;
}

int objects_open(struct store *s, struct objects **ret_objects)
{
    struct objects *os = xcalloc(sizeof *os);
    int r;

    os->store = s;
    list_init(&os->trees);
    list_init(&os->dead);
    store_hook_add(s, &os->hook, on_transaction_ended, os);
    r = load_counters(os);
    if (r == 0)
        r = load_current(os);
    if (r < 0) {
        objects_close(os);
        return r;
    }
    *ret_objects = os;
    return 0;
}

void objects_close(struct objects *os)
{
    struct map_entry *e;
    size_t at = 0;

    if (os == NULL)
        return;
    store_hook_remove(&os->hook);
    on_transaction_ended(os, true);
    while ((e = map_next(&os->shelves, &at)) != NULL) {
        struct shelf *shelf = e->value;

        for (size_t i = 0; i < shelf->n; i++)
            object_unref(&shelf->at[i]->o);
    }
    LIST_EACH(struct held, h, &os->dead, grave)
        held_free(h);
    os->closed = true;
    if (os->held_count == 0)
        objects_free(os);
}

struct store *objects_store(const struct objects *os)
{
    return os->store;
}

void objects_sweep(struct objects *os)
{
    LIST_EACH(struct held, h, &os->dead, grave)
        held_free(h);
    while (os->tree_count > TREES_KEPT)
        drop_tree(container_of(os->trees.prev, struct held, parsed));
    if (os->rv - os->compacted_rv > HISTORY_KEPT + HISTORY_SLACK &&
        !store_in_transaction(os->store))
        (void)objects_compact(os, os->compacted_rv + HISTORY_SLACK);
}

/* --- reading ---------------------------------------------------------------------------- */

struct object *object_get(struct objects *os, struct object_key key)
{
    const struct shelf *shelf = shelf_find(os, key.cluster, key.resource);
    struct held *h = shelf == NULL ? NULL : shelf_get(shelf, key.ns, key.name);

    return h == NULL ? NULL : &h->o;
}

struct object_list object_list(struct objects *os, struct arena *a, struct str cluster,
                               struct str resource, struct str ns)
{
    const struct shelf *shelf = shelf_find(os, cluster, resource);
    struct object_list list = {0};
    size_t i;

    if (shelf == NULL || shelf->n == 0)
        return list;
    i = ns.n == 0 ? 0 : shelf_seek(shelf, ns, (struct str){0});
    list.at = arena_array(a, shelf->n - i > 0 ? shelf->n - i : 1, sizeof *list.at);
    for (; i < shelf->n && (ns.n == 0 || str_eq(shelf->at[i]->o.key.ns, ns)); i++)
        list.at[list.n++] = &shelf->at[i]->o;
    return list;
}

size_t object_count(struct objects *os, struct str cluster, struct str resource)
{
    const struct shelf *shelf = shelf_find(os, cluster, resource);

    return shelf == NULL ? 0 : shelf->n;
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

size_t object_resources(struct objects *os, struct arena *a, struct str cluster,
                        struct str **ret_resources)
{
    struct str *names = arena_array(a, map_count(&os->shelves) + 1, sizeof *names);
    struct map_entry *e;
    size_t at = 0, n = 0;

    while ((e = map_next(&os->shelves, &at)) != NULL) {
        const struct shelf *shelf = e->value;

        if (shelf->n > 0 && str_eq(shelf->cluster, cluster))
            names[n++] = shelf->resource;
    }
    qsort(names, n, sizeof *names, by_bytes);
    *ret_resources = names;
    return n;
}

int64_t objects_rv(const struct objects *os)
{
    return os->rv;
}

int64_t objects_compacted_rv(const struct objects *os)
{
    return os->compacted_rv;
}

/* --- writing ---------------------------------------------------------------------------- */

const struct object_change *object_change_of(const struct change *change)
{
    if (change->topic != CHANGE_OBJECT || change->detail == NULL)
        return NULL;
    return container_of(change->detail, struct object_change, detail);
}

static void change_release(struct change_detail *detail)
{
    struct object_change *c = container_of(detail, struct object_change, detail);

    object_unref(c->old);
    object_unref(c->now);
    free(c);
}

static void announce(struct objects *os, enum object_event event, struct held *old,
                     struct held *now)
{
    struct object_change *c = xcalloc(sizeof *c);

    *c = (struct object_change){
        .detail = {change_release},
        .event = event,
        .old = old == NULL ? NULL : object_ref(&old->o),
        .now = object_ref(&now->o),
    };
    feed_announce_detail(os->store, CHANGE_OBJECT, now->o.key.resource, &c->detail);
}

static int insert_version(struct objects *os, const struct object *o, enum object_event event,
                          int64_t previous_rv)
{
    static const char sql[] =
        "INSERT INTO object_version (rv, previous_rv, event, cluster, resource, ns, name, doc)"
        " VALUES (:rv, :previous, :event, :cluster, :resource, :ns, :name, :doc)";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(os->store, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_int(&q, ":rv", o->rv);
    stmt_bind_int(&q, ":previous", previous_rv);
    stmt_bind_int(&q, ":event", event);
    stmt_bind_str(&q, ":cluster", o->key.cluster);
    stmt_bind_str(&q, ":resource", o->key.resource);
    stmt_bind_str(&q, ":ns", o->key.ns);
    stmt_bind_str(&q, ":name", o->key.name);
    stmt_bind_str(&q, ":doc", o->json);
    return stmt_run(&q);
}

static int point_current(struct objects *os, const struct object *o)
{
    static const char sql[] =
        "INSERT INTO object (cluster, resource, ns, name, rv)"
        " VALUES (:cluster, :resource, :ns, :name, :rv)"
        " ON CONFLICT (cluster, resource, ns, name) DO UPDATE SET rv = excluded.rv";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(os->store, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":cluster", o->key.cluster);
    stmt_bind_str(&q, ":resource", o->key.resource);
    stmt_bind_str(&q, ":ns", o->key.ns);
    stmt_bind_str(&q, ":name", o->key.name);
    stmt_bind_int(&q, ":rv", o->rv);
    return stmt_run(&q);
}

static int drop_current(struct objects *os, const struct object *o)
{
    static const char sql[] = "DELETE FROM object WHERE cluster = :cluster"
                              " AND resource = :resource AND ns = :ns AND name = :name";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(os->store, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":cluster", o->key.cluster);
    stmt_bind_str(&q, ":resource", o->key.resource);
    stmt_bind_str(&q, ":ns", o->key.ns);
    stmt_bind_str(&q, ":name", o->key.name);
    return stmt_run(&q);
}

/* @doc under the next resourceVersion, as an object that nobody else knows yet. */
static struct held *next_version(struct objects *os, const struct shelf *shelf,
                                 struct object_key key, cJSON *doc)
{
    CLEANUP(buf_free) struct buf json = buf_init(LARGEST_DOC);
    CLEANUP(arena_free) struct arena a = {0};
    int64_t rv = os->rv + 1;

    json_put_str(json_need_object(doc, "metadata"), S("resourceVersion"),
                 arena_printf(&a, "%lld", (long long)rv));
    json_write(&json, doc);
    if (json.full)
        return NULL;
    return held_new(os, shelf, key, rv, doc, buf_str(&json));
}

static int write_version(struct objects *os, struct shelf *shelf, enum object_event event,
                         struct held *old, struct held *now)
{
    int r = insert_version(os, &now->o, event, old == NULL ? 0 : old->o.rv);

    if (r == 0)
        r = event == OBJECT_DELETED ? drop_current(os, &now->o) : point_current(os, &now->o);
    if (r < 0)
        return r;
    note_undo(os, shelf, old, event == OBJECT_DELETED ? NULL : now);
    announce(os, event, old, now);
    os->rv = now->o.rv;
    shelf_swap(shelf, old, event == OBJECT_DELETED ? NULL : now);
    return 0;
}

int object_put(struct objects *os, struct object_key key, cJSON *doc, struct object **ret_object)
{
    CLEANUP(json_freep) cJSON *mine = doc;
    struct shelf *shelf = shelf_need(os, key.cluster, key.resource);
    struct held *old = shelf_get(shelf, key.ns, key.name);
    struct held *now = next_version(os, shelf, key, mine);
    int r;

    assert(store_in_transaction(os->store));
    if (now == NULL)
        return -E2BIG;
    r = write_version(os, shelf, old == NULL ? OBJECT_ADDED : OBJECT_MODIFIED, old, now);
    if (r == 0) {
        keep_tree(now, TAKE(mine)); /* whoever hears of the change wants it */
        if (ret_object != NULL)
            *ret_object = &now->o;
    }
    object_unref(&now->o);
    return r;
}

int object_remove(struct objects *os, struct object_key key, struct object **ret_object)
{
    struct shelf *shelf = shelf_find(os, key.cluster, key.resource);
    struct held *old = shelf == NULL ? NULL : shelf_get(shelf, key.ns, key.name);
    CLEANUP(json_freep) cJSON *doc = NULL;
    struct held *now;
    int r;

    assert(store_in_transaction(os->store));
    if (old == NULL)
        return -ENOENT;
    doc = object_copy_doc(&old->o);
    now = next_version(os, shelf, old->o.key, doc);
    if (now == NULL)
        return -E2BIG;
    r = write_version(os, shelf, OBJECT_DELETED, old, now);
    if (r == 0) {
        keep_tree(now, TAKE(doc));
        if (ret_object != NULL)
            *ret_object = &now->o;
    }
    object_unref(&now->o);
    return r;
}

int objects_remove_cluster(struct objects *os, struct str cluster)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct str *resources;
    size_t n = object_resources(os, &a, cluster, &resources);

    for (size_t i = 0; i < n; i++) {
        struct object_list list = object_list(os, &a, cluster, resources[i], (struct str){0});

        for (size_t j = 0; j < list.n; j++) {
            int r = object_remove(os, list.at[j]->key, NULL);

            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* --- history ---------------------------------------------------------------------------- */

/* The state that change @rv left behind, for the caller to unref; NULL when it was forgotten. */
static int version_at(struct objects *os, const struct shelf *shelf, struct object_key key,
                      int64_t rv, struct object **ret_object)
{
    static const char sql[] = "SELECT doc FROM object_version WHERE rv = :rv";
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(json_freep) cJSON *doc = NULL;
    CLEANUP(stmt_done) struct stmt q = {0};
    struct str json;
    int r = stmt_open(os->store, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_int(&q, ":rv", rv);
    r = stmt_step(&q);
    if (r != STMT_ROW)
        return r;
    json = stmt_str(&q, "doc", &a);
    doc = json_parse(json, NULL);
    if (doc == NULL)
        return -EIO;
    *ret_object = &held_new(os, shelf, key, rv, doc, json)->o;
    return 0;
}

static int tell_row(struct objects *os, const struct shelf *shelf, struct stmt *q,
                    object_history_cb *tell, void *data)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(object_unrefp) struct object *old = NULL;
    CLEANUP(object_unrefp) struct object *now = NULL;
    CLEANUP(json_freep) cJSON *doc = NULL;
    struct object_key key = {shelf->cluster, shelf->resource, stmt_str(q, "ns", &a),
                             stmt_str(q, "name", &a)};
    int64_t previous = stmt_int(q, "previous_rv");
    struct str json = stmt_str(q, "doc", &a);
    int r = previous == 0 ? 0 : version_at(os, shelf, key, previous, &old);

    doc = json_parse(json, NULL);
    if (r < 0 || doc == NULL)
        return r < 0 ? r : -EIO;
    now = &held_new(os, shelf, key, stmt_int(q, "rv"), doc, json)->o;
    tell(data, &(struct object_change){
                   .event = (enum object_event)stmt_int(q, "event"), .old = old, .now = now});
    return 0;
}

int objects_since(struct objects *os, struct str cluster, struct str resource, int64_t rv,
                  object_history_cb *tell, void *data)
{
    static const char sql[] =
        "SELECT rv, previous_rv, event, ns, name, doc FROM object_version"
        " WHERE rv > :rv AND cluster = :cluster AND resource = :resource ORDER BY rv";
    CLEANUP(stmt_done) struct stmt q = {0};
    const struct shelf *shelf = shelf_need(os, cluster, resource);
    int r;

    if (rv < os->compacted_rv)
        return -ESTALE;
    if (rv >= os->rv)
        return 0;
    r = stmt_open(os->store, &q, sql);
    if (r < 0)
        return r;
    stmt_bind_int(&q, ":rv", rv);
    stmt_bind_str(&q, ":cluster", cluster);
    stmt_bind_str(&q, ":resource", resource);
    while ((r = stmt_step(&q)) == STMT_ROW) {
        r = tell_row(os, shelf, &q, tell, data);
        if (r < 0)
            return r;
    }
    return r;
}

static int forget(struct objects *os, int64_t rv)
{
    /* The newest row stays even when it is a deletion: the counter is read from it at start. */
    static const char sql[] =
        "DELETE FROM object_version AS v WHERE rv <= :to AND rv < :newest"
        " AND NOT EXISTS (SELECT 1 FROM object AS o WHERE o.cluster = v.cluster"
        "   AND o.resource = v.resource AND o.ns = v.ns AND o.name = v.name AND o.rv = v.rv)";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(os->store, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_int(&q, ":to", rv);
    stmt_bind_int(&q, ":newest", os->rv);
    return stmt_run(&q);
}

int objects_compact(struct objects *os, int64_t rv)
{
    CLEANUP(arena_free) struct arena a = {0};
    int r;

    if (rv <= os->compacted_rv || rv > os->rv)
        return 0;
    r = store_begin(os->store);
    if (r < 0)
        return r;
    r = forget(os, rv);
    if (r == 0)
        r = setting_put(os->store, S("object/compacted-rv"),
                        arena_printf(&a, "%lld", (long long)rv));
    if (r < 0) {
        store_rollback(os->store);
        return r;
    }
    r = store_commit(os->store);
    if (r == 0)
        os->compacted_rv = rv;
    return r;
}
