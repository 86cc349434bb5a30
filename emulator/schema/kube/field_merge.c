/* Documents by sets of fields: an applied document laid over the live one, and fields taken out. */
#include "schema/kube/field_set.h"
#include "schema/kube/field_walk.h"

struct merge {
    struct arena *arena;
    struct kube_problems *p;
};

static cJSON *merge_value(struct merge *m, enum field_relation is, const struct kube_field *f,
                          const struct kube_type *t, const cJSON *live, const cJSON *applied);

/* --- lists ----------------------------------------------------------------------------------- */

/* An element of a list under its step. */
struct element {
    struct str step;
    const cJSON *item;
    bool shared, done;
};

struct elements {
    struct element *at;
    size_t n;
};

static struct elements elements_of(struct merge *m, const struct kube_field *f, const cJSON *list)
{
    size_t n = (size_t)cJSON_GetArraySize(list), i = 0;
    struct elements e = {arena_array(m->arena, n + 1, sizeof *e.at), n};

    JSON_EACH(item, list)
        e.at[i++] = (struct element){field_element_step(m->arena, f, item), item, false, false};
    return e;
}

static struct element *find(struct elements e, struct str step)
{
    for (size_t i = 0; i < e.n; i++)
        if (str_eq(e.at[i].step, step))
            return &e.at[i];
    return NULL;
}

/* The next applied element, from @from on, that is live too. */
static const struct element *next_shared(struct elements applied, size_t from)
{
    for (size_t i = from; i < applied.n; i++)
        if (applied.at[i].shared && !applied.at[i].done)
            return &applied.at[i];
    return NULL;
}

static void add_merged(struct merge *m, const struct kube_field *f, cJSON *out,
                       const struct element *live, struct element *applied)
{
    const struct kube_type *t = f->shape == KUBE_STRUCT ? kube_field_type(f) : NULL;

    if (applied != NULL)
        applied->done = true;
    cJSON_AddItemToArray(out, merge_value(m, field_relation_of_element(f), NULL, t,
                                          live != NULL ? live->item : NULL,
                                          applied != NULL ? applied->item : NULL));
}

/* The applied elements come in their order, the others where they stood between them. */
static cJSON *merge_list(struct merge *m, const struct kube_field *f, const cJSON *live,
                         const cJSON *applied)
{
    struct elements l = elements_of(m, f, live), r = elements_of(m, f, applied);
    cJSON *out = cJSON_CreateArray();
    size_t i = 0, j = 0;

    for (size_t k = 0; k < r.n; k++)
        r.at[k].shared = find(l, r.at[k].step) != NULL;
    while (i < l.n || j < r.n) {
        struct element *other = i < l.n ? find(r, l.at[i].step) : NULL;
        const struct element *next = next_shared(r, j);

        if (i < l.n && j < r.n && str_eq(l.at[i].step, r.at[j].step)) {
            add_merged(m, f, out, &l.at[i++], &r.at[j++]);
        } else if (i < l.n && j < r.n && other != NULL && next != NULL &&
                   !str_eq(next->step, l.at[i].step)) {
            i++; /* its turn is not yet */
        } else if (i < l.n && other == NULL) {
            add_merged(m, f, out, &l.at[i++], NULL);
        } else {
            if (i < l.n && other->done)
                i++;
            if (j < r.n) {
                add_merged(m, f, out, find(l, r.at[j].step), &r.at[j]);
                j++;
            }
        }
    }
    return out;
}

/* --- structs and maps ------------------------------------------------------------------------ */

static void add_member(struct merge *m, enum field_relation is, const struct kube_field *f,
                       const struct kube_type *t, cJSON *out, const char *name, const cJSON *live,
                       const cJSON *applied)
{
    const struct kube_field *member = is == FIELD_STRUCT ? kube_type_field(t, str_c(name)) : f;
    enum field_relation kind = FIELD_LEAF;

    if (member != NULL)
        kind = is == FIELD_STRUCT ? field_relation_of(member) : field_relation_of_element(member);
    cJSON_AddItemToObject(
        out, name,
        merge_value(m, kind, member,
                    member != NULL && member->shape == KUBE_STRUCT ? kube_field_type(member) : NULL,
                    live, applied));
}

static cJSON *merge_value(struct merge *m, enum field_relation is, const struct kube_field *f,
                          const struct kube_type *t, const cJSON *live, const cJSON *applied)
{
    cJSON *out;

    if (is == FIELD_LEAF || (field_is_empty(live) && field_is_empty(applied)))
        return cJSON_Duplicate(applied != NULL ? applied : live, true);
    if (is == FIELD_SET || is == FIELD_KEYED)
        return merge_list(m, f, live, applied);
    out = cJSON_CreateObject();
    JSON_EACH(item, live)
        add_member(m, is, f, t, out, item->string, item, json_member(applied, str_c(item->string)));
    JSON_EACH(item, applied)
        if (json_member(live, str_c(item->string)) == NULL)
            add_member(m, is, f, t, out, item->string, NULL, item);
    return out;
}

cJSON *kube_apply_merge(const struct kube_type *t, const cJSON *live, const cJSON *applied,
                        struct kube_problems *p)
{
    struct arena arena = {0};
    struct merge m = {&arena, p};
    cJSON *out = merge_value(&m, FIELD_STRUCT, NULL, t, live, applied);

    arena_free(&arena);
    return out;
}

/* --- taking out ------------------------------------------------------------------------------ */

static bool is_named(const cJSON *set)
{
    return set != NULL && json_member(set, S(".")) != NULL;
}

static cJSON *without(struct arena *a, enum field_relation is, const struct kube_field *f,
                      const struct kube_type *t, const cJSON *value, const cJSON *set);

static cJSON *list_without(struct arena *a, const struct kube_field *f, const cJSON *list,
                           const cJSON *set)
{
    cJSON *out = cJSON_CreateArray();

    JSON_EACH(item, list) {
        const cJSON *step = json_member(set, field_element_step(a, f, item));

        if (!is_named(step))
            cJSON_AddItemToArray(out, without(a, field_relation_of_element(f), NULL,
                                              f->shape == KUBE_STRUCT ? kube_field_type(f) : NULL,
                                              item, step));
    }
    return out;
}

static cJSON *without(struct arena *a, enum field_relation is, const struct kube_field *f,
                      const struct kube_type *t, const cJSON *value, const cJSON *set)
{
    cJSON *out;

    if (set == NULL || is == FIELD_LEAF || cJSON_IsNull(value))
        return cJSON_Duplicate(value, true);
    if (is == FIELD_SET || is == FIELD_KEYED)
        return list_without(a, f, value, set);
    out = cJSON_CreateObject();
    JSON_EACH(item, value) {
        struct str key = arena_printf(a, "f:%s", item->string);
        const cJSON *step = json_member(set, key);
        const struct kube_field *member =
            is == FIELD_STRUCT ? kube_type_field(t, str_c(item->string)) : f;
        enum field_relation kind = FIELD_LEAF;

        if (is_named(step))
            continue;
        if (member != NULL)
            kind =
                is == FIELD_STRUCT ? field_relation_of(member) : field_relation_of_element(member);
        cJSON_AddItemToObject(
            out, item->string,
            without(a, kind, member,
                    member != NULL && member->shape == KUBE_STRUCT ? kube_field_type(member) : NULL,
                    item, step));
    }
    return out;
}

cJSON *kube_apply_remove(const struct kube_type *t, const cJSON *doc, const cJSON *set)
{
    struct arena arena = {0};
    cJSON *out = without(&arena, FIELD_STRUCT, NULL, t, doc, set);

    arena_free(&arena);
    return out;
}
