/* YAML by a table of fields, over libyaml's document tree. */
#include "schema/yaml_shape.h"

#include <yaml.h>

#include "base/buf.h"
#include "schema/shape_access.h"

/* Aliases may name one node many times; what is read in all is bounded. */
enum { MOST_NODES = 200000 };

struct reader {
    struct yaml_file *file;
    yaml_document_t document;
    struct str *why;
    size_t nodes;
};

static bool complain(struct reader *r, yaml_mark_t mark, struct str expected)
{
    *r->why = arena_printf(r->file->arena, "%.*s:%zu:%zu: expected %.*s", STR_ARG(r->file->name),
                           mark.line + 1, mark.column + 1, STR_ARG(expected));
    return false;
}

static bool expect(struct reader *r, const yaml_node_t *node, const struct yaml_field *f)
{
    return complain(r, node->start_mark, str_c(f->expected));
}

static bool read_text(struct reader *r, const yaml_node_t *node, const struct yaml_field *f,
                      struct str *ret_text)
{
    struct yaml_place *place;
    struct str text;

    if (++r->nodes > MOST_NODES)
        return complain(r, node->start_mark, S("a smaller file"));
    if (node->type != YAML_SCALAR_NODE)
        return expect(r, node, f);
    text = arena_str(r->file->arena,
                     str_n((const char *)node->data.scalar.value, node->data.scalar.length));
    if (f->pattern != NULL && !shape_pattern_holds(text, f->pattern))
        return expect(r, node, f);
    place = arena_alloc(r->file->arena, sizeof *place);
    *place = (struct yaml_place){r->file->places, text, node->start_mark.line + 1,
                                 node->start_mark.column + 1};
    r->file->places = place;
    *ret_text = text;
    return true;
}

static yaml_node_t *node_at(struct reader *r, int index)
{
    return yaml_document_get_node(&r->document, index);
}

static bool read_struct(struct reader *r, const yaml_node_t *node, const struct yaml_shape *shape,
                        void *value);

static bool read_texts(struct reader *r, const yaml_node_t *node, const struct yaml_field *f,
                       struct str_list *list)
{
    size_t n;

    if (node->type != YAML_SEQUENCE_NODE)
        return expect(r, node, f);
    n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    list->at = arena_array(r->file->arena, n + 1, sizeof *list->at);
    for (size_t i = 0; i < n; i++)
        if (!read_text(r, node_at(r, node->data.sequence.items.start[i]), f, &list->at[list->n++]))
            return false;
    return true;
}

static bool read_pairs(struct reader *r, const yaml_node_t *node, const struct yaml_field *f,
                       struct str_map *map)
{
    struct yaml_field any = *f;
    size_t n;

    any.pattern = NULL;
    if (node->type != YAML_MAPPING_NODE)
        return expect(r, node, f);
    n = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
    map->at = arena_array(r->file->arena, n + 1, sizeof *map->at);
    for (size_t i = 0; i < n; i++) {
        const yaml_node_pair_t *pair = &node->data.mapping.pairs.start[i];

        if (!read_text(r, node_at(r, pair->key), &any, &map->at[i].key) ||
            !read_text(r, node_at(r, pair->value), &any, &map->at[i].value))
            return false;
        map->n++;
    }
    return true;
}

static bool read_list(struct reader *r, const yaml_node_t *node, const struct yaml_field *f,
                      struct any_list *list)
{
    size_t n;

    if (node->type != YAML_SEQUENCE_NODE)
        return expect(r, node, f);
    n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    list->at = arena_array(r->file->arena, n + 1, f->of->size);
    for (size_t i = 0; i < n; i++)
        if (!read_struct(r, node_at(r, node->data.sequence.items.start[i]), f->of,
                         (char *)list->at + list->n++ * f->of->size))
            return false;
    return true;
}

static bool read_field(struct reader *r, const yaml_node_t *node, const struct yaml_field *f,
                       void *value)
{
    void *at = (char *)value + f->offset;
    struct str text;
    int64_t count;

    switch (f->kind) {
    case YAML_TEXT:
        return read_text(r, node, f, at);
    case YAML_COUNT:
        if (!read_text(r, node, f, &text))
            return false;
        if (!str_to_int(text, &count) || count < 0)
            return expect(r, node, f);
        *(int64_t *)at = count;
        return true;
    case YAML_FLAG:
        if (!read_text(r, node, f, &text))
            return false;
        if (!str_is(text, "true") && !str_is(text, "false"))
            return complain(r, node->start_mark, S("true or false"));
        *(bool *)at = str_is(text, "true");
        return true;
    case YAML_TEXTS:
        return read_texts(r, node, f, at);
    case YAML_PAIRS:
        return read_pairs(r, node, f, at);
    case YAML_LIST:
        return read_list(r, node, f, at);
    }
    return false;
}

static const struct yaml_field *find_field(const struct yaml_shape *shape, const yaml_node_t *key)
{
    for (size_t i = 0; key->type == YAML_SCALAR_NODE && i < shape->count; i++)
        if (str_is(str_n((const char *)key->data.scalar.value, key->data.scalar.length),
                   shape->fields[i].name))
            return &shape->fields[i];
    return NULL;
}

/* "one of the fields of a subnet: id, zone, cidr". */
static struct str field_names(struct reader *r, const struct yaml_shape *shape)
{
    CLEANUP(buf_free) struct buf b = buf_init(4096);

    buf_printf(&b, "one of the fields of %s:", shape->name);
    for (size_t i = 0; i < shape->count; i++)
        buf_printf(&b, "%s %s", i > 0 ? "," : "", shape->fields[i].name);
    return arena_str(r->file->arena, buf_str(&b));
}

static bool read_struct(struct reader *r, const yaml_node_t *node, const struct yaml_shape *shape,
                        void *value)
{
    uint64_t seen = 0;

    if (node->type != YAML_MAPPING_NODE)
        return complain(r, node->start_mark,
                        arena_printf(r->file->arena, "a mapping that describes %s", shape->name));
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_at(r, pair->key);
        const struct yaml_field *f = find_field(shape, key);

        if (f == NULL)
            return complain(r, key->start_mark, field_names(r, shape));
        if (!read_field(r, node_at(r, pair->value), f, value))
            return false;
        seen |= UINT64_C(1) << (f - shape->fields);
    }
    for (size_t i = 0; i < shape->count; i++)
        if (shape->fields[i].required && (seen >> i & 1) == 0)
            return complain(r, node->start_mark,
                            arena_printf(r->file->arena, "%s to have %s (%s)", shape->name,
                                         shape->fields[i].name, shape->fields[i].expected));
    return true;
}

bool yaml_read(struct yaml_file *f, struct str text, const struct yaml_shape *shape,
               void **ret_value, struct str *ret_why)
{
    struct reader r = {.file = f, .why = ret_why};
    void *value = arena_alloc(f->arena, shape->size);
    yaml_parser_t parser;
    yaml_node_t *root;
    bool ok;

    (void)yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.n > 0 ? text.at : ""),
                                 text.n);
    if (yaml_parser_load(&parser, &r.document) == 0) {
        ok = complain(&r, parser.problem_mark, S("YAML"));
        yaml_parser_delete(&parser);
        return ok;
    }
    root = yaml_document_get_root_node(&r.document);
    ok = root != NULL ? read_struct(&r, root, shape, value)
                      : complain(&r, (yaml_mark_t){0}, S("something: the file is empty"));
    yaml_document_delete(&r.document);
    yaml_parser_delete(&parser);
    if (ok)
        *ret_value = value;
    return ok;
}

struct str yaml_complain(struct yaml_file *f, struct str at, const char *expected)
{
    for (const struct yaml_place *p = f->places; p != NULL; p = p->next)
        if (p->text.at == at.at)
            return arena_printf(f->arena, "%.*s:%zu:%zu: expected %s", STR_ARG(f->name), p->line,
                                p->column, expected);
    return arena_printf(f->arena, "%.*s: expected %s", STR_ARG(f->name), expected);
}
