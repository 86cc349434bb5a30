/* The Query protocols: names parted by dots become nested structs. The fields are ordered so that
 * all below one name are neighbours; a range of them is one value.
 * Source: Smithy specification, "AWS Query protocol" and "AWS EC2 Query protocol". */
#include "base/memory.h"
#include "schema/decode_scalar.h"
#include "schema/shape_access.h"

#include <stdlib.h>

enum { DEEPEST = 32 };

/* Fields that share the first @skip bytes of their names. */
struct range {
    const struct form_field *at;
    size_t n, skip;
};

struct reader {
    struct arena *arena;
    struct problems *problems;
    bool ec2;
    int depth;
};

/* The part of a field's name behind @skip, up to the next dot. */
static struct str part_of(const struct form_field *f, size_t skip)
{
    struct str rest = str_from(f->name, skip);

    return str_first(rest, str_chr(rest, '.') == STR_NONE ? rest.n : str_chr(rest, '.'));
}

/* Takes the fields that begin with the same part off the front of @r. */
static bool next_group(struct range *r, struct str *ret_part, struct range *ret_group)
{
    struct str part;
    size_t n = 0;

    if (r->n == 0)
        return false;
    part = part_of(r->at, r->skip);
    while (n < r->n && str_eq(part_of(&r->at[n], r->skip), part))
        n++;
    *ret_part = part;
    *ret_group = (struct range){r->at, n, r->skip + part.n + 1};
    r->at += n;
    r->n -= n;
    return true;
}

/* The group's own value: the field whose name ends here. */
static bool own_value(const struct range *group, struct str *ret_value)
{
    if (group->n == 0 || group->at[0].name.n + 1 != group->skip)
        return false;
    *ret_value = group->at[0].value;
    return true;
}

/* What lies below the group, without its own value. */
static struct range below(const struct range *group)
{
    struct str ignored;
    struct range r = *group;

    if (own_value(group, &ignored)) {
        r.at++;
        r.n--;
    }
    return r;
}

/* The name of what a group holds, as the request wrote it. */
static struct str name_of(const struct range *group)
{
    return str_first(group->at[0].name, group->skip - 1);
}

static void decode_struct(struct reader *r, const struct shape *shape, void *value,
                          struct range fields);

/* --- lists and maps ------------------------------------------------------------------------ */

struct element {
    int64_t index;
    struct range fields;
};

static int by_index(const void *left, const void *right)
{
    const struct element *l = left, *r = right;

    return l->index < r->index ? -1 : l->index > r->index;
}

/* Collects the numbered groups below @group, in the order of their numbers; gaps are fine. */
static size_t collect_elements(struct reader *r, struct range fields, struct element **ret_elements)
{
    struct element *all = arena_array(r->arena, fields.n, sizeof *all);
    struct str part;
    size_t n = 0;

    while (fields.n > 0) {
        struct element e;

        if (next_group(&fields, &part, &e.fields) && str_to_int(part, &e.index) && e.index >= 0)
            all[n++] = e;
    }
    if (n > 0)
        qsort(all, n, sizeof *all, by_index);
    *ret_elements = all;
    return n;
}

/* Where a list's or map's numbered elements are: below "member" ("entry"), or right here. */
static struct range numbered(struct reader *r, const struct shape_row *row, struct range group,
                             const char *level)
{
    struct range fields = below(&group), inner;
    struct str part;

    if (r->ec2 || (row->flags & FLATTENED) != 0)
        return fields;
    while (next_group(&fields, &part, &inner))
        if (str_is(part, level))
            return below(&inner);
    return (struct range){0};
}

static void decode_list(struct reader *r, const struct shape_row *row, void *member,
                        struct range group)
{
    struct element *elements;
    size_t n = collect_elements(r, numbered(r, row, group, row->item), &elements);
    size_t size = row->kind == SHAPE_LIST      ? row->of->size
                  : row->kind == SHAPE_STRINGS ? sizeof(struct str)
                                               : sizeof(int64_t);
    struct any_list *list = member;

    list->at = arena_array(r->arena, n > 0 ? n : 1, size);
    for (size_t i = 0; i < n; i++) {
        void *at = (char *)list->at + i * size;
        struct shape_row scalar = {.kind = SHAPE_STRING};
        struct opt_int number = {0};
        struct str text;

        if (row->kind == SHAPE_LIST) {
            decode_struct(r, row->of, at, elements[i].fields);
        } else if (own_value(&elements[i].fields, &text) && row->kind == SHAPE_STRINGS) {
            decode_scalar(r->arena, &scalar, at, text, name_of(&elements[i].fields), r->problems);
        } else if (own_value(&elements[i].fields, &text)) {
            scalar.kind = SHAPE_INTEGER;
            decode_scalar(r->arena, &scalar, &number, text, name_of(&elements[i].fields),
                          r->problems);
            *(int64_t *)at = number.v;
        }
        list->n++;
    }
}

static void decode_map(struct reader *r, const struct shape_row *row, struct str_map *map,
                       struct range group)
{
    struct element *elements;
    size_t n = collect_elements(r, numbered(r, row, group, "entry"), &elements);

    map->at = arena_array(r->arena, n > 0 ? n : 1, sizeof *map->at);
    for (size_t i = 0; i < n; i++) {
        struct range fields = below(&elements[i].fields), half;
        struct str_pair pair = {S(""), S("")};
        struct str part;

        while (next_group(&fields, &part, &half))
            (void)own_value(&half, str_is(part, "key") ? &pair.key : &pair.value);
        map->at[map->n++] = pair;
    }
}

/* --- members ------------------------------------------------------------------------------- */

static void decode_member(struct reader *r, const struct shape_row *row, void *member,
                          struct range group)
{
    struct str text;
    void *inner;

    switch (row->kind) {
    case SHAPE_STRUCT:
        inner = arena_alloc(r->arena, row->of->size);
        decode_struct(r, row->of, inner, group);
        *(void **)member = inner;
        break;
    case SHAPE_LIST:
    case SHAPE_STRINGS:
    case SHAPE_INTEGERS:
        decode_list(r, row, member, group);
        break;
    case SHAPE_MAP:
        decode_map(r, row, member, group);
        break;
    case SHAPE_STRUCT_MAP:
    case SHAPE_OTHER:
        break;
    default:
        if (own_value(&group, &text))
            decode_scalar(r->arena, row, member, text, name_of(&group), r->problems);
    }
}

static const struct shape_row *find_row(const struct reader *r, const struct shape *shape,
                                        struct str name)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct shape_row *row = &shape->rows[i];
        struct str wire = str_c(row->query != NULL ? row->query : row->wire);

        /* EC2's names begin with a capital letter, whatever the model says. */
        if (r->ec2 && row->query == NULL && wire.n > 0 && name.n == wire.n &&
            (name.at[0] == wire.at[0] || name.at[0] == wire.at[0] - ('a' - 'A')) &&
            str_eq(str_from(name, 1), str_from(wire, 1)))
            return row;
        if (str_eq(name, wire))
            return row;
    }
    return NULL;
}

static void decode_struct(struct reader *r, const struct shape *shape, void *value,
                          struct range fields)
{
    struct range inner = below(&fields), group;
    struct str part;

    if (r->depth >= DEEPEST)
        return;
    r->depth++;
    while (next_group(&inner, &part, &group)) {
        const struct shape_row *row = find_row(r, shape, part);

        if (row != NULL)
            decode_member(r, row, member_at(value, row), group);
        else if (r->ec2)
            problem_note(r->arena, r->problems, PROBLEM_UNKNOWN, name_of(&group), (struct str){0},
                         S("Member is not known"));
    }
    r->depth--;
}

/* Fields of every request, which are no members. */
static bool is_envelope(struct str name)
{
    static const char *const names[] = {"Action",          "Version",          "AWSAccessKeyId",
                                        "SignatureMethod", "SignatureVersion", "Signature",
                                        "Timestamp",       "SecurityToken"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_is(name, names[i]))
            return true;
    return str_starts(name, S("X-Amz-"));
}

void *query_decode(struct arena *a, const struct shape *shape, const struct form *form, bool ec2,
                   struct problems *p)
{
    struct form_field *kept = arena_array(a, form->n, sizeof *kept);
    struct reader r = {.arena = a, .problems = p, .ec2 = ec2};
    void *value = arena_alloc(a, shape->size);
    size_t n = 0;

    for (size_t i = 0; i < form->n; i++)
        if (!is_envelope(form->at[i].name))
            kept[n++] = form->at[i];
    decode_struct(&r, shape, value, (struct range){kept, n, 0});
    return value;
}
