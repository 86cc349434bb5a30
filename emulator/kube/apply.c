/* Server-side apply: the applied document is laid over the live one, what its manager applied
 * before and does not any more is taken out, and what others own is a conflict.
 * Source: kubernetes-api reference §3.7; sigs.k8s.io/structured-merge-diff, Updater.Apply. */
#include "kube/apply.h"

#include "kube/answer.h"
#include "kube/body.h"
#include "kube/convert.h"
#include "kube/managed_fields.h"
#include "kube/write.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* One apply on its way. */
struct apply {
    struct kube_call *call;
    const cJSON *was; /* the stored document; NULL: there is none */
    struct versioned live;
    cJSON *applied; /* as the client said it, read by the shapes; the call's */
    struct managers managers;
    struct manager self;
    cJSON *merged; /* of the request's version; the call's */
};

/* --- the request ----------------------------------------------------------------------------- */

static bool need_manager(struct kube_call *c)
{
    struct field_errors e = field_errors_new(c->arena);

    if (c->query.manager.n > 0)
        return true;
    field_error_add(&e, FIELD_REQUIRED, S("fieldManager"), NULL, "is required for apply patch");
    return call_invalid_kind(c, S("meta.k8s.io"), S("PatchOptions"), S(""), &e);
}

/* The words for an applied document that does not fit its shape. */
static bool untyped(struct apply *a, struct str why)
{
    struct kube_call *c = a->call;

    return kube_call_fail(
        c, &(struct kube_failure){
               .code = 500,
               .message = arena_printf(c->arena,
                                       "failed to create typed patch object (%.*s/%.*s; %.*s, "
                                       "Kind=%.*s): %.*s",
                                       STR_ARG(c->target.ns), STR_ARG(c->target.name),
                                       STR_ARG(a->self.version), STR_ARG(c->target.kind->kind),
                                       STR_ARG(why))});
}

/* All that does not fit, as one text. */
static struct str complaints(struct arena *a, const struct kube_problems *p)
{
    struct str all = S("errors:");

    if (p->strict_count == 1)
        return p->strict->text;
    for (const struct kube_complaint *s = p->strict; s != NULL; s = s->next)
        all = arena_printf(a, "%.*s\n  %.*s", STR_ARG(all), STR_ARG(s->text));
    return all;
}

static bool check_identity(struct apply *a, const cJSON *tree)
{
    struct kube_call *c = a->call;
    struct str version = json_str(tree, "apiVersion"), kind = json_str(tree, "kind");
    struct str name = json_str(tree, "metadata.name");
    struct str ns = json_str(tree, "metadata.namespace");

    if (kind.n == 0)
        return call_bad_request(c, "Object 'Kind' is missing in '%.*s'",
                                STR_ARG(str_first(c->request->body, 256)));
    if (!str_eq(version, a->self.version) || !str_eq(kind, c->target.kind->kind))
        return call_bad_request(c,
                                "Incorrect version specified in apply patch. Specified patch "
                                "version: %.*s, expected: %.*s",
                                STR_ARG(version), STR_ARG(a->self.version));
    if (name.n > 0 && !str_eq(name, c->target.name))
        return call_bad_request(
            c, "the name of the object (%.*s) does not match the name on the URL (%.*s)",
            STR_ARG(name), STR_ARG(c->target.name));
    if (ns.n > 0 && !str_eq(ns, c->target.ns))
        return call_bad_request(c, "the namespace of the provided object does not match the "
                                   "namespace sent on the request");
    if (json_get(tree, "metadata.managedFields") != NULL &&
        !cJSON_IsNull(json_get(tree, "metadata.managedFields")))
        return call_bad_request(c, "metadata.managedFields must be nil");
    return true;
}

static bool read_applied(struct apply *a)
{
    struct kube_call *c = a->call;
    struct kube_problems p = kube_problems_new(c->arena), shape = kube_problems_new(c->arena);
    cJSON *tree;

    if (c->request == NULL || c->request->body.n > LARGEST_BODY)
        return kube_call_fail(
            c, &(struct kube_failure){
                   .code = 413,
                   .reason = "RequestEntityTooLarge",
                   .message = arena_printf(c->arena, "Request entity too large: limit is %d",
                                           LARGEST_BODY)});
    tree = call_own(c, kube_parse_yaml(c->request->body, &p));
    if (tree == NULL)
        return call_bad_request(c, "error decoding YAML: %.*s", STR_ARG(p.error));
    if (!cJSON_IsObject(tree))
        return call_bad_request(c, "error decoding YAML: the patch is no object");
    if (p.strict != NULL && str_is(c->query.validation, "Strict"))
        return call_bad_request(c, "error strict decoding patch: %.*s", STR_ARG(p.strict->text));
    if (p.strict != NULL && !str_is(c->query.validation, "Ignore"))
        call_warn(c, p.strict->text);
    if (!check_identity(a, tree))
        return false;
    a->applied = call_own(c, kube_read_sparse(a->live.type, tree, &shape));
    if (a->applied == NULL)
        return untyped(a, shape.error);
    if (shape.strict != NULL)
        return untyped(a, complaints(c->arena, &shape));
    json_put_str(json_need_object(a->applied, "metadata"), S("name"), c->target.name);
    if ((c->target.kind->flags & KIND_NAMESPACED) != 0)
        json_put_str(json_need_object(a->applied, "metadata"), S("namespace"), c->target.ns);
    return true;
}

/* --- owners ---------------------------------------------------------------------------------- */

/* An object that nobody was followed on is owned as a whole by whoever was before. */
static void own_before(struct apply *a)
{
    struct kube_call *c = a->call;
    struct versioned empty = managed_version(c, NULL, a->self.version);
    struct manager before = managed_self(c, S("Update"));
    struct field_changes ch;

    if (a->was == NULL || a->managers.first != NULL || empty.type == NULL)
        return;
    ch = field_set_compare(a->live.type, empty.doc, a->live.doc);
    before.name = S("before-first-apply");
    before.time = write_now(c);
    before.set = call_own(c, field_set_union(ch.added, ch.modified));
    field_changes_free(&ch);
    managed_filter(c, before.set);
    managed_strip(before.set);
    if (!field_set_is_empty(before.set))
        (void)managers_add(c, &a->managers, &before);
}

static cJSON *set_with_parents(struct apply *a, const cJSON *doc)
{
    struct kube_problems p = kube_problems_new(a->call->arena);
    CLEANUP(json_freep) cJSON *set = field_set_of(a->live.type, doc, &p);

    return call_own(a->call,
                    set == NULL ? cJSON_CreateObject() : field_set_with_parents(a->live.type, set));
}

/* Takes out of a->merged what the manager applied last (@last) and nobody owns now. */
static void prune(struct apply *a, const cJSON *last)
{
    struct kube_call *c = a->call;
    const struct kube_type *t = a->live.type;
    cJSON *all = call_own(c, cJSON_CreateObject()), *mine, *merged, *kept, *gone;
    cJSON *doc = a->merged;

    if (field_set_is_empty(last))
        return;
    for (const struct manager *m = a->managers.first; m != NULL; m = m->next)
        all = call_own(c, field_set_union(all, m->set));
    all = call_own(c, field_set_with_parents(t, all));
    mine = call_own(c, field_set_with_parents(t, last));
    merged = set_with_parents(a, doc);
    /* What is owned comes back, and so does what the manager never had. */
    kept = set_with_parents(a, call_own(c, kube_apply_remove(t, doc, mine)));
    kept = call_own(c, field_set_union(kept, all));
    gone = call_own(c, field_set_difference(merged, kept));
    kept = set_with_parents(a, call_own(c, kube_apply_remove(t, doc, gone)));
    gone = call_own(c, field_set_difference(merged, kept));
    gone = call_own(c, field_set_intersection(gone, mine));
    a->merged = call_own(c, kube_apply_remove(t, doc, gone));
}

/* --- conflicts ------------------------------------------------------------------------------- */

struct conflicts {
    struct kube_call *call;
    struct str with; /* `"kubectl" using apps/v1` */
    struct kube_cause *causes;
    size_t n, room;
    struct str lines;
};

static void add_conflict(void *data, struct str path)
{
    struct conflicts *k = data;
    struct arena *a = k->call->arena;

    if (k->n == k->room) {
        struct kube_cause *more = arena_array(a, k->room * 2 + 8, sizeof *more);

        if (k->n > 0)
            memcpy(more, k->causes, k->n * sizeof *more);
        k->causes = more;
        k->room = k->room * 2 + 8;
    }
    path = arena_str(a, path);
    k->causes[k->n++] = (struct kube_cause){
        .reason = "FieldManagerConflict",
        .message = arena_printf(a, "conflict with %.*s", STR_ARG(k->with)),
        .field = path,
    };
    k->lines = arena_printf(a, "%.*s\n- %.*s", STR_ARG(k->lines), STR_ARG(path));
}

static struct str describe(struct arena *a, const struct manager *m)
{
    struct str text = arena_printf(a, "\"%.*s\"", STR_ARG(m->name));

    if (m->subresource.n > 0)
        text = arena_printf(a, "%.*s with subresource \"%.*s\"", STR_ARG(text),
                            STR_ARG(m->subresource));
    if (str_is(m->operation, "Update"))
        text = arena_printf(a, "%.*s using %.*s", STR_ARG(text), STR_ARG(m->version));
    return text;
}

/* Fields that kubectl's own record of a client-side apply says are still as it applied them. */
static cJSON *allowed_conflicts(struct apply *a)
{
    struct kube_call *c = a->call;
    struct kube_problems p = kube_problems_new(c->arena);
    struct str record =
        json_text(json_member(json_get(a->live.doc, "metadata.annotations"), S(LAST_APPLIED)));
    CLEANUP(json_freep) cJSON *tree = NULL, *last = NULL, *set = NULL, *changed = NULL;
    CLEANUP(field_changes_free) struct field_changes ch = {0};

    if (!str_is(a->self.name, "kubectl") || record.n == 0)
        return cJSON_CreateObject();
    tree = kube_parse_json(record, &p);
    last = tree != NULL ? kube_read_sparse(a->live.type, tree, &p) : NULL;
    set = last != NULL ? field_set_of(a->live.type, last, &p) : NULL;
    if (set == NULL)
        return cJSON_CreateObject();
    ch = field_set_compare(a->live.type, last, a->live.doc);
    changed = field_set_union(ch.modified, ch.removed);
    return field_set_difference(set, changed);
}

/* False when others own what the apply would change: 409 was answered. */
static bool check_conflicts(struct apply *a, const struct field_changes *ch)
{
    struct kube_call *c = a->call;
    struct conflicts k = {.call = c};
    CLEANUP(json_freep) cJSON *changed = field_set_union(ch->added, ch->modified);
    CLEANUP(json_freep) cJSON *allowed = allowed_conflicts(a);
    struct str message = {0};

    for (const struct manager *m = a->managers.first; m != NULL; m = m->next) {
        CLEANUP(json_freep) cJSON *common = NULL, *left = NULL;
        size_t before = k.n;

        if (m == managers_find(&a->managers, &a->self))
            continue;
        common = field_set_intersection(m->set, changed);
        left = field_set_difference(common, allowed);
        k.with = describe(c->arena, m);
        k.lines = (struct str){0};
        field_set_each(left, add_conflict, &k);
        if (k.n > before)
            message = arena_printf(c->arena, "%.*s%sconflicts with %.*s:%.*s", STR_ARG(message),
                                   message.n > 0 ? "\n" : "", STR_ARG(k.with), STR_ARG(k.lines));
    }
    if (k.n == 0)
        return true;
    if (k.n == 1)
        message = arena_printf(c->arena, "Apply failed with 1 conflict: %.*s: %.*s",
                               STR_ARG(k.causes[0].message), STR_ARG(k.causes[0].field));
    else
        message =
            arena_printf(c->arena, "Apply failed with %zu conflicts: %.*s", k.n, STR_ARG(message));
    return kube_call_fail(c, &(struct kube_failure){.code = 409,
                                                    .reason = "Conflict",
                                                    .message = message,
                                                    .causes = k.causes,
                                                    .cause_count = k.n});
}

/* --- the whole ------------------------------------------------------------------------------- */

/* The annotation in which kubectl keeps what it applied follows a server-side apply of its own,
 * and keeps its owner. */
static void follow_last_applied(struct apply *a, cJSON *doc)
{
    cJSON *annotations = json_get(doc, "metadata.annotations");
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_BODY);
    cJSON *copy;

    if (!str_is(a->self.name, "kubectl") ||
        json_text(json_member(annotations, S(LAST_APPLIED))).n == 0)
        return;
    copy = call_own(a->call, cJSON_Duplicate(a->applied, true));
    json_remove(json_get(copy, "metadata.annotations"), S(LAST_APPLIED));
    kube_sort_tree(copy);
    json_write(&b, copy);
    buf_char(&b, '\n');
    if (!b.full)
        json_put_str(annotations, S(LAST_APPLIED), buf_str(&b));
}

static bool own_applied(struct apply *a, struct manager **ret_mine, cJSON **ret_last)
{
    struct kube_call *c = a->call;
    struct kube_problems p = kube_problems_new(c->arena);
    cJSON *set = call_own(c, field_set_of(a->live.type, a->applied, &p));
    struct manager *mine = managers_find(&a->managers, &a->self);

    if (set == NULL)
        return untyped(a, p.error);
    managed_filter(c, set);
    *ret_last = mine != NULL ? mine->set : NULL;
    if (mine == NULL)
        mine = managers_add(c, &a->managers, &a->self);
    mine->set = set;
    mine->version = a->self.version;
    *ret_mine = mine;
    return true;
}

static bool merge(struct apply *a)
{
    struct kube_call *c = a->call;
    struct kube_problems p = kube_problems_new(c->arena);
    CLEANUP(field_changes_free) struct field_changes ch = {0};
    struct manager *mine;
    cJSON *last;

    if (!own_applied(a, &mine, &last))
        return false;
    a->merged = call_own(c, kube_apply_merge(a->live.type, a->live.doc, a->applied, &p));
    prune(a, last);
    ch = field_set_compare(a->live.type, a->live.doc, a->merged);
    managed_filter(c, ch.added);
    managed_filter(c, ch.modified);
    if (!c->query.force && !check_conflicts(a, &ch))
        return false;
    if (!json_equal(a->live.doc, a->merged))
        mine->time = write_now(c);
    managed_strip(mine->set);
    return true;
}

/* The others lose what changed; then the entries are the call's, for the write. */
static void settle(struct apply *a, const cJSON *now)
{
    struct kube_call *c = a->call;
    struct manager *mine = managers_find(&a->managers, &a->self);

    managers_take(c, &a->managers, mine, a->was, now);
    if (field_set_is_empty(mine->set))
        mine->set = call_own(c, cJSON_CreateObject());
    c->managed = call_own(c, managers_write(c, &a->managers));
    c->is_managed = true;
}

void kube_apply(struct kube_call *c, struct object *old)
{
    struct apply a = {.call = c, .was = old != NULL ? object_doc(old) : NULL};
    const struct kind *stored = kind_stored_form(c->target.kind);
    cJSON *doc, *now;

    if (!need_manager(c))
        return;
    a.self = managed_self(c, S("Apply"));
    a.live = managed_version(c, a.was, a.self.version);
    if (a.live.type == NULL) {
        (void)call_internal(c, "no shape for %.*s", STR_ARG(c->target.kind->kind));
        return;
    }
    if (!managers_read(c, json_get(a.was, "metadata.managedFields"), &a.managers))
        a.managers = (struct managers){0};
    if (!read_applied(&a))
        return;
    own_before(&a);
    if (!merge(&a))
        return;
    doc = a.merged;
    if (!body_check_patched(c, doc))
        return;
    now = call_own(c, cJSON_Duplicate(doc, true));
    kube_convert(c->target.kind, stored, now);
    settle(&a, now);
    follow_last_applied(&a, doc);
    if (old != NULL)
        write_update(c, old, doc);
    else if (c->target.sub.n > 0)
        (void)call_not_found(c, c->target.kind, c->target.name);
    else
        write_create(c, doc);
}
