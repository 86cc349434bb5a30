/* Following who owns what. Source: kubernetes-api reference §3.7; Kubernetes "Server-Side Apply",
 * "Field management". */
#include "kube/managed_fields.h"

#include <stdlib.h>

#include "kube/convert.h"
#include "kube/write.h"

enum { MOST_UPDATERS = 10, LONGEST_NAME = 128 };

/* --- versions --------------------------------------------------------------------------------- */

static const struct kind *kind_in(const struct kind *like, struct str api_version)
{
    struct str group = {0}, version = api_version;

    (void)str_cut(api_version, '/', &group, &version);
    for (size_t i = 0; i < kind_count; i++)
        if (str_eq(kinds[i].stored, like->stored) && str_eq(kinds[i].group, group) &&
            str_eq(kinds[i].version, version))
            return &kinds[i];
    return NULL;
}

struct versioned managed_version(struct kube_call *c, const cJSON *doc, struct str api_version)
{
    const struct kind *stored = kind_stored_form(c->target.kind);
    const struct kind *k = kind_in(c->target.kind, api_version);
    struct kube_problems p = kube_problems_new(c->arena);
    CLEANUP(json_freep) cJSON *copy = NULL;
    struct versioned v = {0};

    if (k == NULL)
        return v;
    v.type = kube_type_find(k->group, k->version, k->kind);
    if (v.type == NULL)
        return v;
    copy = doc != NULL ? cJSON_Duplicate(doc, true) : cJSON_CreateObject();
    if (doc != NULL && k != stored)
        kube_convert(stored, k, copy);
    json_remove(json_get(copy, "metadata"), S("managedFields"));
    v.doc = call_own(c, kube_normalise(v.type, copy, &p));
    if (v.doc == NULL)
        v.type = NULL;
    return v;
}

/* --- entries --------------------------------------------------------------------------------- */

static bool same_manager(const struct manager *a, const struct manager *b)
{
    return str_eq(a->name, b->name) && str_eq(a->operation, b->operation) &&
           str_eq(a->subresource, b->subresource) &&
           (str_is(a->operation, "Apply") || str_eq(a->version, b->version));
}

struct manager *managers_find(struct managers *m, const struct manager *like)
{
    for (struct manager *e = m->first; e != NULL; e = e->next)
        if (same_manager(e, like))
            return e;
    return NULL;
}

struct manager *managers_add(struct kube_call *c, struct managers *m, const struct manager *like)
{
    struct manager *e = arena_alloc(c->arena, sizeof *e);

    *e = *like;
    e->next = m->first;
    m->first = e;
    return e;
}

static void managers_remove(struct managers *m, const struct manager *gone)
{
    struct manager **at = &m->first;

    while (*at != NULL && *at != gone)
        at = &(*at)->next;
    if (*at != NULL)
        *at = gone->next;
}

bool managers_read(struct kube_call *c, const cJSON *list, struct managers *ret)
{
    struct managers m = {0};

    JSON_EACH(item, list) {
        struct manager e = {
            .name = json_str(item, "manager"),
            .operation = json_str(item, "operation"),
            .version = json_str(item, "apiVersion"),
            .subresource = json_str(item, "subresource"),
            .time = json_str(item, "time"),
        };

        if ((!str_is(e.operation, "Apply") && !str_is(e.operation, "Update")) || e.version.n == 0 ||
            !str_is(json_str(item, "fieldsType"), "FieldsV1"))
            return false;
        e.set = call_own(c, field_set_read(json_get(item, "fieldsV1")));
        (void)managers_add(c, &m, &e);
    }
    *ret = m;
    return true;
}

static int compare_managers(const void *a, const void *b)
{
    const struct manager *x = *(const struct manager *const *)a;
    const struct manager *y = *(const struct manager *const *)b;
    const struct str texts[][2] = {
        {x->operation,   y->operation  },
        {x->time,        y->time       },
        {x->name,        y->name       },
        {x->version,     y->version    },
        {x->subresource, y->subresource}
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        int order = str_cmp(texts[i][0], texts[i][1]);

        if (order != 0)
            return order;
    }
    return 0;
}

static struct manager **sorted(struct kube_call *c, const struct managers *m, size_t *ret_n)
{
    struct manager **all;
    size_t n = 0;

    for (struct manager *e = m->first; e != NULL; e = e->next)
        n++;
    all = arena_array(c->arena, n + 1, sizeof(struct manager *));
    n = 0;
    for (struct manager *e = m->first; e != NULL; e = e->next)
        all[n++] = e;
    qsort(all, n, sizeof(struct manager *), compare_managers);
    *ret_n = n;
    return all;
}

static void put_some(cJSON *entry, const char *name, struct str value)
{
    if (value.n > 0)
        json_put_str(entry, str_c(name), value);
}

cJSON *managers_write(struct kube_call *c, const struct managers *m)
{
    size_t n;
    struct manager **all = sorted(c, m, &n);
    cJSON *list = n > 0 ? cJSON_CreateArray() : NULL;

    for (size_t i = 0; i < n; i++) {
        cJSON *entry = cJSON_CreateObject();

        put_some(entry, "manager", all[i]->name);
        put_some(entry, "operation", all[i]->operation);
        put_some(entry, "apiVersion", all[i]->version);
        put_some(entry, "time", all[i]->time);
        json_put_str(entry, S("fieldsType"), S("FieldsV1"));
        json_put(entry, S("fieldsV1"), field_set_write(all[i]->set));
        put_some(entry, "subresource", all[i]->subresource);
        cJSON_AddItemToArray(list, entry);
    }
    return list;
}

/* Of many that updated, the oldest of one version become one. */
static void cap_updaters(struct kube_call *c, struct managers *m)
{
    struct manager ancient = {.name = S("ancient-changes"), .operation = S("Update")}, *bucket;
    size_t n, updaters = 0, first = 0;
    struct manager **all = sorted(c, m, &n);

    for (size_t i = 0; i < n; i++) {
        if (str_is(all[i]->operation, "Update") && updaters++ == 0)
            first = i;
    }
    for (size_t i = first; updaters > MOST_UPDATERS && i < n; i++)
        for (size_t j = i + 1; updaters > MOST_UPDATERS && j < n; j++) {
            if (all[i] == NULL || all[j] == NULL || !str_eq(all[i]->version, all[j]->version))
                continue;
            ancient.version = all[i]->version;
            bucket = managers_find(m, &ancient);
            if (bucket == NULL) {
                bucket = all[i];
                bucket->name = ancient.name;
                bucket->subresource = (struct str){0};
            }
            if (bucket != all[j]) {
                bucket->set = call_own(c, field_set_union(bucket->set, all[j]->set));
                bucket->time = all[j]->time;
                managers_remove(m, all[j]);
                all[j] = NULL;
                updaters--;
            }
        }
}

/* --- sets ------------------------------------------------------------------------------------ */

void managed_strip(cJSON *set)
{
    static const char *const nobodys[] = {"f:apiVersion",
                                          "f:kind",
                                          "f:metadata",
                                          "f:metadata f:name",
                                          "f:metadata f:namespace",
                                          "f:metadata f:creationTimestamp",
                                          "f:metadata f:selfLink",
                                          "f:metadata f:uid",
                                          "f:metadata f:generation",
                                          "f:metadata f:managedFields",
                                          "f:metadata f:resourceVersion"};

    for (size_t i = 0; i < ARRAY_LEN(nobodys); i++)
        field_set_drop(set, nobodys[i]);
}

void managed_filter(const struct kube_call *c, cJSON *set)
{
    bool status = str_is(c->target.sub, "status");

    for (cJSON *item = set->child, *next; item != NULL; item = next) {
        next = item->next;
        if (status ? strcmp(item->string, "f:status") != 0
                   : (c->target.kind->flags & KIND_STATUS) != 0 &&
                         strcmp(item->string, "f:status") == 0)
            cJSON_Delete(cJSON_DetachItemViaPointer(set, item));
    }
}

struct manager managed_self(struct kube_call *c, struct str operation)
{
    static const struct {
        const char *prefix, *name;
    } loops[] = {
        {"system:kube-scheduler",              "kube-scheduler"         },
        {"system:node:",                       "kubelet"                },
        {"system:serviceaccount:kube-system:", "kube-controller-manager"},
    };
    struct str name = c->query.manager, tail;
    const struct kind_sub *sub = c->target.kind_sub;

    if (c->request == NULL)
        for (size_t i = 0; i < ARRAY_LEN(loops); i++)
            if (str_starts(name, str_c(loops[i].prefix))) {
                name = str_c(loops[i].name);
                break;
            }
    if (name.n == 0 && c->request != NULL) {
        name = http_header_get(c->request->headers, S("User-Agent"));
        (void)str_cut(name, '/', &name, &tail);
        name = str_first(name, LONGEST_NAME);
    }
    return (struct manager){
        .name = name.n > 0 ? name : S("unknown"),
        .operation = operation,
        .version = kind_api_version(c->target.kind, c->arena),
        .subresource = sub != NULL ? str_c(sub->name) : S(""),
    };
}

void managers_take(struct kube_call *c, struct managers *m, const struct manager *self,
                   const cJSON *was, const cJSON *now)
{
    struct str version = {0};
    cJSON *lost = NULL;

    for (struct manager *e = m->first, *next; e != NULL; e = next) {
        next = e->next;
        if (same_manager(e, self))
            continue;
        if (lost == NULL || !str_eq(version, e->version)) { /* mostly all are of one version */
            struct versioned old = managed_version(c, was, e->version);
            struct versioned new = managed_version(c, now, e->version);
            CLEANUP(field_changes_free) struct field_changes ch = {0};
            CLEANUP(json_freep) cJSON *changed = NULL;

            if (old.type == NULL || new.type == NULL) {
                managers_remove(m, e);
                continue;
            }
            ch = field_set_compare(new.type, old.doc, new.doc);
            changed = field_set_union(ch.added, ch.modified);
            lost = call_own(c, field_set_union(changed, ch.removed));
            managed_filter(c, lost);
            version = e->version;
        }
        e->set = call_own(c, field_set_difference(e->set, lost));
        if (field_set_is_empty(e->set))
            managers_remove(m, e);
    }
}

/* --- updates --------------------------------------------------------------------------------- */

/* The entries from which an update starts: those that it brings, or else the object's. */
static void start_from(struct kube_call *c, const cJSON *was, const cJSON *now,
                       struct managers *ret)
{
    const cJSON *given = json_get(now, "metadata.managedFields");
    const cJSON *live = json_get(was, "metadata.managedFields");
    bool reset = cJSON_GetArraySize(given) == 1 && given->child->child == NULL;

    *ret = (struct managers){0};
    if (reset)
        return;
    if (c->target.sub.n == 0 && managers_read(c, given, ret) && ret->first != NULL)
        return;
    if (!managers_read(c, live, ret))
        *ret = (struct managers){0};
}

cJSON *managed_track(struct kube_call *c, const cJSON *was, const cJSON *now)
{
    struct manager self = managed_self(c, S("Update")), *old;
    CLEANUP(field_changes_free) struct field_changes ch = {0};
    struct versioned before, after;
    struct managers m;
    cJSON *mine;

    start_from(c, was, now, &m);
    if (m.first == NULL && (was != NULL || c->request == NULL))
        return NULL;
    before = managed_version(c, was, self.version);
    after = managed_version(c, now, self.version);
    if (before.type == NULL || after.type == NULL)
        return call_own(c, managers_write(c, &m));
    managers_take(c, &m, &(struct manager){.name = S("\n")}, was, now);
    ch = field_set_compare(after.type, before.doc, after.doc);
    mine = call_own(c, field_set_union(ch.added, ch.modified));
    managed_filter(c, mine);
    managed_strip(mine);
    if (!field_set_is_empty(mine)) {
        old = managers_find(&m, &self);
        if (old == NULL) {
            self.set = mine;
            old = managers_add(c, &m, &self);
        } else {
            old->set = call_own(c, field_set_union(old->set, mine));
        }
        old->time = write_now(c);
        cap_updaters(c, &m);
    }
    return call_own(c, managers_write(c, &m));
}
