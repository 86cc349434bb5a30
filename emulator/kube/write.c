/* Writing objects: what the server itself sets, optimistic locking, no-op writes, and the one
 * transaction at the end. Source: Kubernetes API Conventions, "Metadata", "Concurrency Control". */
#include "kube/write.h"

#include <errno.h>

#include "kube/admission.h"
#include "kube/answer.h"
#include "kube/authz.h"
#include "kube/body.h"
#include "kube/convert.h"
#include "kube/managed_fields.h"
#include "kube/service.h"
#include "kube/strategy.h"
#include "kube/validation.h"

enum { GENERATED_BASE = 58, GENERATED_TRIES = 8 };

struct str write_now(struct kube_call *c)
{
    return clock_rfc3339(c->arena, clock_now(c->kube->clock));
}

struct object_key write_key(const struct kube_call *c, struct str name)
{
    bool namespaced = (c->target.kind->flags & KIND_NAMESPACED) != 0;

    return cluster_key(c->cluster, c->target.kind->stored, namespaced ? c->target.ns : S(""), name);
}

static void move_first(cJSON *doc, struct str key)
{
    cJSON *item = json_member(doc, key);

    if (item == NULL || item == doc->child)
        return;
    item = cJSON_DetachItemViaPointer(doc, item);
    json_insert(doc, 0, item);
}

void write_order_members(cJSON *doc)
{
    move_first(doc, S("metadata"));
    move_first(doc, S("apiVersion"));
    move_first(doc, S("kind"));
}

/* --- keeping ---------------------------------------------------------------------------- */

/* Without what changes by itself. */
static bool says_the_same(struct object *old, cJSON *doc)
{
    const cJSON *was = object_doc(old);

    json_put_str(json_need_object(doc, "metadata"), S("resourceVersion"),
                 json_str(was, "metadata.resourceVersion"));
    return json_equal(was, doc);
}

static bool commit(struct kube_call *c, int r)
{
    if (r == 0)
        r = store_commit(c->kube->store);
    else
        store_rollback(c->kube->store);
    return r == 0 || call_store_failed(c, r);
}

struct object *write_keep(struct kube_call *c, struct object *old, struct object_key key,
                          cJSON *doc)
{
    struct object *now = NULL;
    int r;

    body_arrange(kind_of_stored(key.resource), doc);
    if (old != NULL && says_the_same(old, doc))
        return old;
    if (c->query.dry_run) {
        call_answer_doc(c, 200, NULL);
        c->doc = doc;
        return NULL;
    }
    r = store_begin(c->kube->store);
    if (r < 0) {
        (void)call_store_failed(c, r);
        return NULL;
    }
    if (!commit(c, object_put(c->kube->objects, key, call_disown(c, doc), &now)))
        return NULL;
    if (authz_is_rbac(key.resource))
        authz_forget(c->cluster);
    return now;
}

struct object *write_remove(struct kube_call *c, struct object *o)
{
    struct str resource = o->key.resource;
    struct object *last = NULL;
    int r;

    if (c->query.dry_run)
        return o;
    r = store_begin(c->kube->store);
    if (r < 0) {
        (void)call_store_failed(c, r);
        return NULL;
    }
    if (!commit(c, object_remove(c->kube->objects, o->key, &last)))
        return NULL;
    if (authz_is_rbac(resource))
        authz_forget(c->cluster);
    return last;
}

bool write_is_released(const struct kind *stored, const cJSON *doc)
{
    const cJSON *finalizers = json_get(doc, "metadata.finalizers");

    if (json_str(doc, "metadata.deletionTimestamp").n == 0 || cJSON_GetArraySize(finalizers) > 0 ||
        json_int(doc, "metadata.deletionGracePeriodSeconds", 0) > 0)
        return false;
    return !str_is(stored->stored, "namespaces") ||
           cJSON_GetArraySize(json_get(doc, "spec.finalizers")) == 0;
}

/* The answer to a write that was kept; a dry run has its document already. */
static void answer_kept(struct kube_call *c, int status, struct object *o)
{
    if (o != NULL) {
        call_answer_object(c, status, o);
        return;
    }
    if (!c->query.dry_run || c->state != CALL_DOC || c->status >= 400)
        return;
    c->status = status;
    kube_convert(kind_stored_form(c->target.kind), c->target.kind, c->doc);
}

/* --- metadata --------------------------------------------------------------------------- */

static bool check_namespace(struct kube_call *c, cJSON *metadata)
{
    struct str ns = json_str(metadata, "namespace");

    if ((c->target.kind->flags & KIND_NAMESPACED) == 0) {
        json_remove(metadata, S("namespace"));
        return true;
    }
    if (ns.n > 0 && !str_eq(ns, c->target.ns))
        return call_bad_request(c, "the namespace of the provided object does not match the "
                                   "namespace sent on the request");
    json_put_str(metadata, S("namespace"), c->target.ns);
    return true;
}

static struct str generate_name(struct kube_call *c, struct str base)
{
    struct str tail = ids_from(c->kube->ids, c->arena, 5, IDS_KUBE);

    base = str_first(base, GENERATED_BASE);
    return arena_printf(c->arena, "%.*s%.*s", STR_ARG(base), STR_ARG(tail));
}

/* Names a new object; false when it has no name that is free. */
static bool choose_name(struct kube_call *c, cJSON *metadata)
{
    struct str name = json_str(metadata, "name"), base = json_str(metadata, "generateName");
    struct field_errors e = field_errors_new(c->arena);

    if (name.n > 0)
        return true;
    if (base.n == 0) {
        field_error_add(&e, FIELD_REQUIRED, S("metadata.name"), NULL,
                        "name or generateName is required");
        return call_invalid(c, c->target.kind, S(""), &e);
    }
    for (int i = 0; i < GENERATED_TRIES; i++) {
        name = generate_name(c, base);
        if (object_get(c->kube->objects, write_key(c, name)) == NULL) {
            json_put_str(metadata, S("name"), name);
            return true;
        }
    }
    return call_exists(c, c->target.kind, name);
}

static void stamp_new(struct kube_call *c, const struct kind *stored, cJSON *metadata)
{
    static const struct str cleared[] = {STR_INIT("deletionTimestamp"),
                                         STR_INIT("deletionGracePeriodSeconds"),
                                         STR_INIT("selfLink"), STR_INIT("generation")};

    for (size_t i = 0; i < ARRAY_LEN(cleared); i++)
        json_remove(metadata, cleared[i]);
    json_put_str(metadata, S("uid"), ids_uuid(c->kube->ids, c->arena));
    json_put_str(metadata, S("creationTimestamp"), write_now(c));
    if ((stored->flags & KIND_GENERATION) != 0)
        json_put_int(metadata, S("generation"), 1);
}

/* What of metadata only the server changes. */
static void carry_metadata(const cJSON *old, cJSON *doc)
{
    static const struct str carried[] = {STR_INIT("uid"), STR_INIT("creationTimestamp"),
                                         STR_INIT("generation"), STR_INIT("deletionTimestamp"),
                                         STR_INIT("deletionGracePeriodSeconds")};
    cJSON *metadata = json_need_object(doc, "metadata");

    for (size_t i = 0; i < ARRAY_LEN(carried); i++) {
        const cJSON *item = json_member(json_get(old, "metadata"), carried[i]);

        if (item == NULL)
            json_remove(metadata, carried[i]);
        else
            json_put(metadata, carried[i], cJSON_Duplicate(item, true));
    }
    json_remove(metadata, S("selfLink"));
}

/* Whether anything outside metadata and status differs. */
static bool spec_differs(const cJSON *old, const cJSON *doc)
{
    static const char *const beside[] = {"metadata", "status", "apiVersion", "kind"};
    size_t members[2] = {0};
    const cJSON *docs[2] = {old, doc};

    for (size_t d = 0; d < 2; d++)
        JSON_EACH(item, docs[d]) {
            bool counts = true;

            for (size_t i = 0; i < ARRAY_LEN(beside); i++)
                counts = counts && strcmp(item->string, beside[i]) != 0;
            if (!counts)
                continue;
            members[d]++;
            if (d == 0 && !json_equal(item, json_member(doc, str_c(item->string))))
                return true;
        }
    return members[0] != members[1];
}

static void count_generation(const struct kind *stored, const cJSON *old, cJSON *doc)
{
    if ((stored->flags & KIND_GENERATION) != 0 && spec_differs(old, doc))
        json_put_int(json_need_object(doc, "metadata"), S("generation"),
                     json_int(old, "metadata.generation", 0) + 1);
}

/* Who owns what of @doc, from here on. @was: NULL for a new object. */
static cJSON *follow(struct kube_call *c, const cJSON *was, const cJSON *doc)
{
    return c->is_managed ? c->managed : managed_track(c, was, doc);
}

static void put_managed(struct kube_call *c, cJSON *doc, cJSON *managed)
{
    cJSON *metadata = json_need_object(doc, "metadata");

    if (managed != NULL)
        json_put(metadata, S("managedFields"), call_disown(c, managed));
    else
        json_remove(metadata, S("managedFields"));
}

/* --- create ----------------------------------------------------------------------------- */

static bool prepare_new(struct kube_call *c, const struct kind *stored, cJSON *doc)
{
    cJSON *metadata = json_need_object(doc, "metadata");

    if (json_str(metadata, "resourceVersion").n > 0)
        return kube_call_fail(c,
                              &(struct kube_failure){
                                  .code = 500,
                                  .message = S("resourceVersion should not be set on objects to be "
                                               "created")});
    json_remove(metadata, S("resourceVersion"));
    if (!check_namespace(c, metadata) || !choose_name(c, metadata))
        return false;
    stamp_new(c, stored, metadata);
    strategy_prepare_create(c, stored, doc);
    return true;
}

static bool validate(struct kube_call *c, const struct kind *stored, const cJSON *old,
                     const cJSON *doc)
{
    struct field_errors errors = field_errors_new(c->arena);

    kube_validate(c->target.kind, stored, old, doc, &errors);
    return errors.n == 0 ||
           call_invalid(c, c->target.kind, json_str(doc, "metadata.name"), &errors);
}

void write_create(struct kube_call *c, cJSON *doc)
{
    const struct kind *stored = kind_stored_form(c->target.kind);
    struct object *old, *now;
    struct object_key key;

    kube_convert(c->target.kind, stored, doc);
    body_default(stored, doc);
    put_managed(c, doc, follow(c, NULL, doc));
    if (!prepare_new(c, stored, doc))
        return;
    key = write_key(c, arena_str(c->arena, json_str(doc, "metadata.name")));
    if (!admission_create(c, stored, doc))
        return;
    body_default(stored, doc);
    old = object_get(c->kube->objects, key);
    if (!validate(c, stored, NULL, doc) || (old == NULL && !service_allocate(c, NULL, doc)))
        return;
    if (old != NULL && json_str(object_doc(old), "metadata.deletionTimestamp").n > 0) {
        struct str what = kind_qualified(c->target.kind, c->arena);

        (void)kube_call_fail(
            c, &(struct kube_failure){
                   .code = 409,
                   .reason = "AlreadyExists",
                   .message = arena_printf(c->arena,
                                           "object is being deleted: %.*s \"%.*s\" already exists",
                                           STR_ARG(what), STR_ARG(key.name)),
                   .name = key.name,
                   .group = c->target.kind->group,
                   .kind = c->target.kind->plural,
               });
        return;
    }
    if (old != NULL) {
        (void)call_exists(c, c->target.kind, key.name);
        return;
    }
    now = write_keep(c, NULL, key, doc);
    answer_kept(c, 201, now);
}

void kube_create(struct kube_call *c)
{
    cJSON *doc = body_read_object(c);

    if (doc != NULL)
        write_create(c, doc);
}

/* --- update ----------------------------------------------------------------------------- */

static bool check_identity(struct kube_call *c, struct object *old, cJSON *doc)
{
    cJSON *metadata = json_need_object(doc, "metadata");
    struct str name = json_str(metadata, "name"), uid = json_str(metadata, "uid");

    if (name.n > 0 && !str_eq(name, c->target.name))
        return call_bad_request(
            c, "the name of the object (%.*s) does not match the name on the URL (%.*s)",
            STR_ARG(name), STR_ARG(c->target.name));
    json_put_str(metadata, S("name"), c->target.name);
    if (!check_namespace(c, metadata))
        return false;
    if (old != NULL && uid.n > 0 && !str_eq(uid, old->uid))
        return call_conflict(c, c->target.kind, c->target.name,
                             "Precondition failed: UID in precondition: %.*s, UID in object meta: "
                             "%.*s",
                             STR_ARG(uid), STR_ARG(old->uid));
    return true;
}

static bool check_lock(struct kube_call *c, struct object *old, const cJSON *doc)
{
    struct str rv = json_str(doc, "metadata.resourceVersion");
    int64_t given = 0;

    if (rv.n == 0 || str_is(rv, "0")) {
        struct field_errors e = field_errors_new(c->arena);

        if ((c->target.kind->flags & KIND_LOCKED) == 0)
            return true;
        field_error_add_text(&e, FIELD_INVALID, S("metadata.resourceVersion"), S("0x0"),
                             S("must be specified for an update"));
        return call_invalid(c, c->target.kind, c->target.name, &e);
    }
    if (str_to_int(rv, &given) && given == old->rv)
        return true;
    return call_modified(c, c->target.kind, c->target.name);
}

static bool check_finalizers(struct kube_call *c, const cJSON *old, const cJSON *doc)
{
    struct field_errors e = field_errors_new(c->arena);

    if (json_str(old, "metadata.deletionTimestamp").n == 0)
        return true;
    JSON_EACH(f, json_get(doc, "metadata.finalizers")) {
        bool known = false;

        JSON_EACH(had, json_get(old, "metadata.finalizers"))
            known = known || json_equal(had, f);
        if (!known)
            field_error_add(&e, FIELD_FORBIDDEN, S("metadata.finalizers"), NULL,
                            "no new finalizers can be added if the object is being deleted, found "
                            "new finalizers []string{\"%.*s\"}",
                            STR_ARG(json_text(f)));
    }
    return e.n == 0 || call_invalid(c, c->target.kind, c->target.name, &e);
}

/* The new state of @old by @doc (stored form): what the subresource lets through. NULL: refused. */
static cJSON *merge_update(struct kube_call *c, const struct kind *stored, struct object *old,
                           cJSON *doc)
{
    const cJSON *was = object_doc(old);

    if (str_is(c->target.sub, "status"))
        return call_own(c, strategy_with_status(stored, was, doc));
    if (str_is(c->target.sub, "finalize")) {
        cJSON *merged = call_own(c, object_copy_doc(old));

        json_put(json_need_object(merged, "spec"), S("finalizers"),
                 cJSON_Duplicate(json_need_array(doc, "spec.finalizers"), true));
        return merged;
    }
    strategy_prepare_update(c, stored, was, doc);
    carry_metadata(was, doc);
    return doc;
}

void write_update(struct kube_call *c, struct object *old, cJSON *doc)
{
    const struct kind *stored = kind_stored_form(c->target.kind);
    const cJSON *was = object_doc(old);
    cJSON *managed;
    struct object *now;

    if (!check_lock(c, old, doc))
        return;
    kube_convert(c->target.kind, stored, doc);
    body_default(stored, doc);
    managed = follow(c, was, doc);
    doc = merge_update(c, stored, old, doc);
    if (doc == NULL || !check_finalizers(c, was, doc))
        return;
    put_managed(c, doc, managed);
    if (c->target.sub.n == 0 && !admission_update(c, stored, was, doc))
        return;
    if (c->target.sub.n == 0 && !validate(c, stored, was, doc))
        return;
    if (c->target.sub.n == 0 && !service_allocate(c, was, doc))
        return;
    count_generation(stored, was, doc);
    if (write_is_released(stored, doc) && !c->query.dry_run) {
        now = write_remove(c, old);
        if (now != NULL)
            call_answer_object(c, 200, now);
        return;
    }
    now = write_keep(c, old, old->key, doc);
    answer_kept(c, 200, now);
}

void kube_update(struct kube_call *c)
{
    const struct kind *k = c->target.kind;
    struct object *old = object_get(c->kube->objects, write_key(c, c->target.name));
    cJSON *doc = body_read_object(c);

    if (doc == NULL || !check_identity(c, old, doc))
        return;
    if (old != NULL) {
        write_update(c, old, doc);
        return;
    }
    if ((k->flags & KIND_UPSERT) == 0 || c->target.sub.n > 0) {
        (void)call_not_found(c, k, c->target.name);
        return;
    }
    json_remove(json_get(doc, "metadata"), S("resourceVersion"));
    json_remove(json_get(doc, "metadata"), S("uid"));
    write_create(c, doc);
}
