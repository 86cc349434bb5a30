/* YAML by libyaml's document, turned into cJSON node by node. */
#include "yaml_tree.h"

#include <yaml.h>

#include "base/macros.h"

enum { DEEPEST = 64, MOST_NODES = 100000 };

struct reading {
    yaml_document_t *document;
    unsigned nodes; /* made so far: aliases may not multiply without end */
};

static cJSON *node_to_json(struct reading *r, int index, unsigned depth);

static struct str scalar_text(const yaml_node_t *node)
{
    return str_n((const char *)node->data.scalar.value, node->data.scalar.length);
}

/* Plain scalars have YAML's core types; quoted ones are texts. */
static cJSON *scalar_to_json(const yaml_node_t *node)
{
    struct str text = scalar_text(node);
    int64_t number;

    if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        if (text.n == 0 || str_is(text, "null") || str_is(text, "~"))
            return cJSON_CreateNull();
        if (str_is(text, "true") || str_is(text, "false"))
            return cJSON_CreateBool(str_is(text, "true"));
        if (str_to_int(text, &number))
            return cJSON_CreateNumber((double)number);
    }
    return json_new_str(text);
}

static bool add_items(struct reading *r, cJSON *array, const yaml_node_t *node, unsigned depth)
{
    for (const yaml_node_item_t *at = node->data.sequence.items.start;
         at < node->data.sequence.items.top; at++) {
        cJSON *item = node_to_json(r, *at, depth + 1);

        if (item == NULL)
            return false;
        cJSON_AddItemToArray(array, item);
    }
    return true;
}

static bool add_members(struct reading *r, cJSON *object, const yaml_node_t *node, unsigned depth)
{
    for (const yaml_node_pair_t *at = node->data.mapping.pairs.start;
         at < node->data.mapping.pairs.top; at++) {
        const yaml_node_t *key = yaml_document_get_node(r->document, at->key);
        cJSON *value;

        if (key == NULL || key->type != YAML_SCALAR_NODE)
            return false;
        value = node_to_json(r, at->value, depth + 1);
        if (value == NULL)
            return false;
        json_put(object, scalar_text(key), value);
    }
    return true;
}

static cJSON *node_to_json(struct reading *r, int index, unsigned depth)
{
    const yaml_node_t *node = yaml_document_get_node(r->document, index);
    CLEANUP(json_freep) cJSON *tree = NULL;

    if (node == NULL || depth > DEEPEST || ++r->nodes > MOST_NODES)
        return NULL;
    if (node->type == YAML_SCALAR_NODE)
        return scalar_to_json(node);
    if (node->type == YAML_SEQUENCE_NODE) {
        tree = cJSON_CreateArray();
        return add_items(r, tree, node, depth) ? TAKE(tree) : NULL;
    }
    tree = cJSON_CreateObject();
    return add_members(r, tree, node, depth) ? TAKE(tree) : NULL;
}

cJSON *yaml_tree_parse(struct arena *a, struct str text, struct str *ret_error)
{
    yaml_document_t document;
    struct reading r = {.document = &document};
    yaml_parser_t parser;
    cJSON *tree = NULL;

    yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.at, text.n);
    if (!yaml_parser_load(&parser, &document)) {
        *ret_error = arena_printf(a, "yaml: line %zu: %s", parser.problem_mark.line + 1,
                                  parser.problem == NULL ? "it can't be read" : parser.problem);
    } else {
        const yaml_node_t *root = yaml_document_get_root_node(&document);

        tree = root == NULL ? cJSON_CreateNull() : node_to_json(&r, 1, 0);
        if (tree == NULL)
            *ret_error = S("yaml: it nests too deep, or a key is no text");
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return tree;
}
