/* Answers in XML and JSON. Source: Smithy specification, the AWS protocols' serialisation rules. */
#include "base/base64.h"
#include "base/clock.h"
#include "base/xml.h"
#include "schema/codec.h"
#include "schema/shape_access.h"

/* A scalar as the text of XML. False when the kind is none. */
static bool scalar_text(struct arena *a, const struct shape_row *row, const void *member,
                        bool whole_seconds, struct str *ret_text)
{
    int64_t number;

    switch (row->kind) {
    case SHAPE_STRING:
        *ret_text = *(const struct str *)member;
        return true;
    case SHAPE_BLOB:
        *ret_text = base64_encode(a, *(const struct str *)member);
        return true;
    case SHAPE_BOOLEAN:
        *ret_text = ((const struct opt_bool *)member)->v ? S("true") : S("false");
        return true;
    case SHAPE_INTEGER:
        number = ((const struct opt_int *)member)->v;
        *ret_text = arena_printf(a, "%lld", (long long)number);
        return true;
    case SHAPE_REAL:
        *ret_text = arena_printf(a, "%.17g", ((const struct opt_real *)member)->v);
        return true;
    case SHAPE_TIME:
        number = ((const struct opt_int *)member)->v;
        *ret_text = whole_seconds ? clock_rfc3339(a, number) : clock_rfc3339_ms(a, number);
        return true;
    default:
        return false;
    }
}

/* --- XML ------------------------------------------------------------------------------------ */

static void xml_list(struct buf *b, const struct shape_row *row, const struct any_list *list,
                     const struct xml_style *style)
{
    bool flattened = (row->flags & FLATTENED) != 0;
    struct str item = str_c(flattened ? row->wire : row->item);

    if (!flattened)
        xml_open(b, str_c(row->wire));
    for (size_t i = 0; i < list->n; i++) {
        if (row->kind == SHAPE_STRINGS) {
            xml_element(b, item, ((const struct str *)list->at)[i]);
            continue;
        }
        xml_open(b, item);
        if (row->kind == SHAPE_LIST)
            xml_encode(b, row->of, (const char *)list->at + i * row->of->size, style);
        else
            buf_printf(b, "%lld", (long long)((const int64_t *)list->at)[i]);
        xml_close(b, item);
    }
    if (!flattened)
        xml_close(b, str_c(row->wire));
}

static void xml_map(struct buf *b, const struct shape_row *row, const struct str_map *map)
{
    xml_open(b, str_c(row->wire));
    for (size_t i = 0; i < map->n; i++) {
        xml_open(b, S("entry"));
        xml_element(b, S("key"), map->at[i].key);
        xml_element(b, S("value"), map->at[i].value);
        xml_close(b, S("entry"));
    }
    xml_close(b, str_c(row->wire));
}

void xml_encode(struct buf *b, const struct shape *shape, const void *value,
                const struct xml_style *style)
{
    struct arena a = {0};

    for (size_t i = 0; i < shape->count; i++) {
        const struct shape_row *row = &shape->rows[i];
        const void *member = member_of(value, row);
        struct str text;

        if (!member_is_set(value, row))
            continue;
        if (scalar_text(&a, row, member, style->whole_seconds, &text)) {
            xml_element(b, str_c(row->wire), text);
        } else if (row->kind == SHAPE_STRUCT) {
            xml_open(b, str_c(row->wire));
            xml_encode(b, row->of, *(void *const *)member, style);
            xml_close(b, str_c(row->wire));
        } else if (row->kind == SHAPE_MAP) {
            xml_map(b, row, member);
        } else {
            xml_list(b, row, member, style);
        }
    }
    arena_free(&a);
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void json_list(struct buf *b, const struct shape_row *row, const struct any_list *list)
{
    buf_char(b, '[');
    for (size_t i = 0; i < list->n; i++) {
        if (i > 0)
            buf_char(b, ',');
        if (row->kind == SHAPE_STRINGS)
            json_write_str(b, ((const struct str *)list->at)[i]);
        else if (row->kind == SHAPE_LIST)
            json_encode(b, row->of, (const char *)list->at + i * row->of->size);
        else
            buf_printf(b, "%lld", (long long)((const int64_t *)list->at)[i]);
    }
    buf_char(b, ']');
}

static void json_map(struct buf *b, const struct shape_row *row, const struct str_map *map)
{
    buf_char(b, '{');
    for (size_t i = 0; i < map->n; i++) {
        if (i > 0)
            buf_char(b, ',');
        json_write_str(b, map->at[i].key);
        buf_char(b, ':');
        if ((row->flags & NUMBERS) != 0)
            buf_add(b, map->at[i].value);
        else
            json_write_str(b, map->at[i].value);
    }
    buf_char(b, '}');
}

static void json_struct_map(struct buf *b, const struct shape_row *row,
                            const struct struct_map *map)
{
    buf_char(b, '{');
    for (size_t i = 0; i < map->n; i++) {
        if (i > 0)
            buf_char(b, ',');
        json_write_str(b, map->at[i].key);
        buf_char(b, ':');
        json_encode(b, row->of, map->at[i].value);
    }
    buf_char(b, '}');
}

static void json_member_value(struct buf *b, const struct shape_row *row, const void *member)
{
    struct arena a = {0};
    struct str text;

    switch (row->kind) {
    case SHAPE_STRUCT:
        json_encode(b, row->of, *(void *const *)member);
        break;
    case SHAPE_LIST:
    case SHAPE_STRINGS:
    case SHAPE_INTEGERS:
        json_list(b, row, member);
        break;
    case SHAPE_MAP:
        json_map(b, row, member);
        break;
    case SHAPE_STRUCT_MAP:
        json_struct_map(b, row, member);
        break;
    case SHAPE_TIME:
        if ((row->flags & EPOCH_TIME) != 0) {
            int64_t ms = ((const struct opt_int *)member)->v;

            buf_printf(b, "%lld.%03lld", (long long)(ms / 1000), (long long)(ms % 1000));
            break;
        } /* fall through */
    default:
        if (scalar_text(&a, row, member, false, &text)) {
            bool quoted =
                row->kind == SHAPE_STRING || row->kind == SHAPE_BLOB || row->kind == SHAPE_TIME;

            if (quoted)
                json_write_str(b, text);
            else
                buf_add(b, text);
        }
    }
    arena_free(&a);
}

void json_encode(struct buf *b, const struct shape *shape, const void *value)
{
    bool first = true;

    buf_char(b, '{');
    for (size_t i = 0; i < shape->count; i++) {
        const struct shape_row *row = &shape->rows[i];

        if (row->place != IN_BODY || !member_is_set(value, row))
            continue;
        if (!first)
            buf_char(b, ',');
        first = false;
        json_write_str(b, str_c(row->wire));
        buf_char(b, ':');
        json_member_value(b, row, member_of(value, row));
    }
    buf_char(b, '}');
}
