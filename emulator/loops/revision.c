/* ControllerRevisions of an owner. */
#include "loops/revision.h"

#include <stdlib.h>

#include "base/macros.h"
#include "loops/template.h"

enum { DEFAULT_HISTORY = 10, MOST_COLLISIONS = 16 };

#define RESOURCE "apps/controllerrevisions"

struct revisions {
    struct object **at; /* by number, oldest first */
    size_t n;
};

static int64_t number_of(struct object *o)
{
    return json_int(object_doc(o), "revision", 0);
}

static int by_number(const void *left, const void *right)
{
    struct object *const *a = left, *const *b = right;
    int64_t x = number_of(*a), y = number_of(*b);

    return x < y ? -1 : x > y;
}

static struct revisions list_own(struct controller *c, struct arena *a, struct object *owner)
{
    struct object_list all =
        object_list(c->world->objects, a, owner->key.cluster, S(RESOURCE), owner->key.ns);
    struct revisions own = {.at = arena_array(a, all.n, sizeof(struct object *))};

    for (size_t i = 0; i < all.n; i++)
        if (is_controlled_by(object_doc(all.at[i]), owner->uid))
            own.at[own.n++] = all.at[i];
    if (own.n > 1)
        qsort(own.at, own.n, sizeof *own.at, by_number);
    return own;
}

static struct str hash_of(struct object *o)
{
    for (size_t i = 0; i < o->label_count; i++)
        if (str_is(o->labels[i].key, REVISION_LABEL))
            return o->labels[i].value;
    return (struct str){0};
}

static struct revision revision_at(struct arena *a, struct object *o)
{
    return (struct revision){arena_str(a, o->key.name), arena_str(a, hash_of(o)), number_of(o)};
}

static bool has_template_of(struct object *o, const cJSON *owner)
{
    CLEANUP(json_freep) cJSON *want = template_plain(owner);
    CLEANUP(json_freep) cJSON *have = template_plain(json_get(object_doc(o), "data"));

    json_remove(have, S("$patch"));
    return json_equal(want, have);
}

/* One of old becomes the newest again. */
static void renumber(struct controller *c, struct arena *a, struct object *o, int64_t number)
{
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(o);

    json_put_int(doc, S("revision"), number);
    (void)loop_update(c, a, &o->key, "", doc);
}

static cJSON *new_revision(struct arena *a, struct object *owner, struct str hash, int64_t number)
{
    const cJSON *doc = object_doc(owner);
    struct str name = arena_printf(a, "%.*s-%.*s", STR_ARG(owner->key.name), STR_ARG(hash));
    cJSON *revision = new_object("apps/v1", "ControllerRevision", owner->key.ns, name);
    cJSON *metadata = json_get(revision, "metadata"), *template = template_plain(doc);
    cJSON *labels = cJSON_Duplicate(json_get(template, "metadata.labels"), true);

    json_put(metadata, S("labels"), labels != NULL ? labels : cJSON_CreateObject());
    json_put_str(json_get(metadata, "labels"), S(REVISION_LABEL), hash);
    JSON_EACH(item, json_get(doc, "metadata.annotations"))
        json_put_str(json_need_object(metadata, "annotations"), str_c(item->string),
                     json_text(item));
    cJSON_AddItemToArray(json_need_array(metadata, "ownerReferences"), new_controller_ref(doc));
    json_put_str(template, S("$patch"), S("replace"));
    json_put(json_need_object(revision, "data.spec"), S("template"), template);
    json_put_int(revision, S("revision"), number);
    return revision;
}

/* A name that another template has counts one collision up and takes the next. */
static struct revision make(struct controller *c, struct arena *a, struct object *owner,
                            int64_t number)
{
    int64_t collisions = json_int(object_doc(owner), "status.collisionCount", 0);

    for (int64_t i = 0; i < MOST_COLLISIONS; i++) {
        struct str hash = template_hash(a, object_doc(owner), collisions + i);
        CLEANUP(json_freep) cJSON *doc = new_revision(a, owner, hash, number);
        struct object_key key =
            key_of(owner->key.cluster, RESOURCE, owner->key.ns, json_str(doc, "metadata.name"));
        struct written w = loop_create(c, a, &key, doc);

        if (written_ok(w))
            return (struct revision){arena_str(a, key.name), hash, number};
        if (w.status != 409)
            break;
    }
    return (struct revision){0};
}

static bool is_used(struct object *o, struct str keep, const struct str *used, size_t n)
{
    struct str hash = hash_of(o);

    for (size_t i = 0; i < n; i++)
        if (str_eq(used[i], hash))
            return true;
    return str_eq(hash, keep);
}

static void drop_old(struct controller *c, struct arena *a, struct object *owner,
                     const struct revisions *own, struct str keep, const struct str *used, size_t n)
{
    int64_t limit = json_int(object_doc(owner), "spec.revisionHistoryLimit", DEFAULT_HISTORY);
    int64_t unused = 0;

    for (size_t i = 0; i < own->n; i++)
        unused += !is_used(own->at[i], keep, used, n);
    for (size_t i = 0; i < own->n && unused > limit; i++)
        if (!is_used(own->at[i], keep, used, n)) {
            (void)loop_delete(c, a, &own->at[i]->key, own->at[i]->uid, NULL);
            unused--;
        }
}

struct revision revision_of(struct controller *c, struct arena *a, struct object *owner,
                            const struct str *used, size_t used_n)
{
    struct revisions own = list_own(c, a, owner);
    int64_t newest = own.n == 0 ? 0 : number_of(own.at[own.n - 1]);
    struct revision found = {0};

    for (size_t i = own.n; found.name.n == 0 && i-- > 0;)
        if (has_template_of(own.at[i], object_doc(owner))) {
            found = revision_at(a, own.at[i]);
            if (found.number < newest) {
                found.number = newest + 1;
                renumber(c, a, own.at[i], found.number);
            }
        }
    if (found.name.n == 0 && !is_deleting(object_doc(owner)))
        found = make(c, a, owner, newest + 1);
    drop_old(c, a, owner, &own, found.hash, used, used_n);
    return found;
}

const cJSON *revision_template(struct controller *c, struct arena *a, struct object *owner,
                               struct str hash)
{
    struct revisions own = list_own(c, a, owner);

    for (size_t i = 0; i < own.n; i++)
        if (str_eq(hash_of(own.at[i]), hash))
            return json_get(object_doc(own.at[i]), "data.spec.template");
    return NULL;
}
