/* Reaching into structs by their rows. */
#include "schema/shape_access.h"

#include "base/arena.h"
#include "schema/codec.h"

bool member_is_set(const void *value, const struct shape_row *row)
{
    const void *member = member_of(value, row);

    switch (row->kind) {
    case SHAPE_STRING:
    case SHAPE_BLOB:
        return ((const struct str *)member)->at != NULL;
    case SHAPE_INTEGER:
    case SHAPE_TIME:
        return ((const struct opt_int *)member)->set;
    case SHAPE_BOOLEAN:
        return ((const struct opt_bool *)member)->set;
    case SHAPE_REAL:
        return ((const struct opt_real *)member)->set;
    case SHAPE_STRUCT:
        return *(void *const *)member != NULL;
    case SHAPE_LIST:
    case SHAPE_STRINGS:
    case SHAPE_INTEGERS:
    case SHAPE_MAP:
    case SHAPE_STRUCT_MAP:
        return ((const struct any_list *)member)->at != NULL;
    case SHAPE_OTHER:
        break;
    }
    return false;
}

const struct shape_row *shape_find(const struct shape *shape, struct str wire)
{
    for (size_t i = 0; i < shape->count; i++)
        if (str_is(wire, shape->rows[i].wire))
            return &shape->rows[i];
    return NULL;
}

static struct str scalar_text(struct arena *a, const struct shape_row *row, const void *member)
{
    if (row->kind == SHAPE_STRING)
        return *(const struct str *)member;
    if (row->kind == SHAPE_BOOLEAN)
        return ((const struct opt_bool *)member)->v ? S("true") : S("false");
    return arena_printf(a, "%lld", (long long)((const struct opt_int *)member)->v);
}

struct str_list shape_texts(struct arena *a, const struct shape *shape, const void *value,
                            struct str name)
{
    const struct shape_row *row = shape_find(shape, name);
    struct str *text;

    if (row == NULL || !member_is_set(value, row))
        return (struct str_list){0};
    if (row->kind == SHAPE_STRINGS)
        return *(const struct str_list *)member_of(value, row);
    if (row->kind != SHAPE_STRING && row->kind != SHAPE_BOOLEAN && row->kind != SHAPE_INTEGER)
        return (struct str_list){0};
    text = arena_alloc(a, sizeof *text);
    *text = scalar_text(a, row, member_of(value, row));
    return (struct str_list){text, 1};
}

static void own_texts(struct arena *a, struct str *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        texts[i] = arena_str(a, texts[i]);
}

void shape_own(struct arena *a, const struct shape *shape, void *value)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct shape_row *row = &shape->rows[i];
        void *member = member_at(value, row);
        struct any_list *list = member;

        if (!member_is_set(value, row))
            continue;
        if (row->kind == SHAPE_STRING || row->kind == SHAPE_BLOB)
            own_texts(a, member, 1);
        else if (row->kind == SHAPE_STRINGS)
            own_texts(a, list->at, list->n);
        else if (row->kind == SHAPE_MAP) /* pairs are two texts side by side */
            own_texts(a, list->at, list->n * 2);
        else if (row->kind == SHAPE_STRUCT)
            shape_own(a, row->of, *(void **)member);
        for (size_t k = 0; row->kind == SHAPE_LIST && k < list->n; k++)
            shape_own(a, row->of, (char *)list->at + k * row->of->size);
    }
}
