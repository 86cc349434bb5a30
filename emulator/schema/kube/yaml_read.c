/* YAML to the tree that sigs.k8s.io/yaml would give: the first document, keys as strings in byte
 * order, numbers with their text. Aliases are copied, so what they add up to is bounded. */
#include <yaml.h>

#include "base/base64.h"
#include "base/memory.h"
#include "schema/kube/decode.h"
#include "schema/kube/normalise.h"
#include "schema/kube/yaml_scalar.h"

enum { MOST_NODES = 400000, DEEPEST = 500 };

struct reader {
    yaml_document_t document;
    struct str text;
    struct kube_problems *p;
    struct str doubled; /* keys, a line each */
    size_t nodes;
    int depth;
};

static cJSON *read_node(struct reader *r, int index);

static struct str text_of(const yaml_node_t *node)
{
    return str_n((const char *)node->data.scalar.value, node->data.scalar.length);
}

static bool tagged(const yaml_node_t *node, const char *tag)
{
    return node->tag != NULL && strcmp((const char *)node->tag, tag) == 0;
}

static cJSON *number_item(struct str text)
{
    cJSON *item = cJSON_CreateNull();

    item->type = cJSON_Number;
    item->valuestring = xcalloc(text.n + 1);
    memcpy(item->valuestring, text.at, text.n);
    cJSON_SetNumberHelper(item, strtod(item->valuestring, NULL));
    return item;
}

/* The bytes between two marks, which count characters. */
static struct str between(struct str text, size_t from, size_t to)
{
    size_t start = 0, at = 0;

    for (size_t n = 0; at < text.n; at++) {
        if (((unsigned char)text.at[at] & 0xc0) == 0x80)
            continue;
        if (n == from)
            start = at;
        if (n++ == to)
            break;
    }
    return str_n(text.at + start, at - start);
}

/* Whether a plain scalar has its "!!str" from the document: libyaml gives it to all. */
static bool is_called_string(const struct reader *r, const yaml_node_t *node)
{
    size_t length = node->end_mark.index - node->start_mark.index;
    struct str whole;

    if (!tagged(node, YAML_STR_TAG) || length <= node->data.scalar.length)
        return false;
    whole = between(r->text, node->start_mark.index, node->end_mark.index);
    return str_chr(str_first(whole, whole.n - node->data.scalar.length), '!') != STR_NONE;
}

static enum yaml_scalar resolve(struct reader *r, const yaml_node_t *node, struct str *ret_json)
{
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || is_called_string(r, node))
        return YAML_IS_STRING;
    return yaml_scalar_resolve(r->p->arena, text_of(node), ret_json);
}

static cJSON *read_scalar(struct reader *r, const yaml_node_t *node)
{
    struct str json = {0}, text = text_of(node);

    if (memchr(text.n > 0 ? text.at : "", '\0', text.n) != NULL) /* DIFFERS: texts end there */
        return kube_refuse(r->p, "the character U+0000 is not supported in strings");
    if (tagged(node, "tag:yaml.org,2002:binary")) {
        if (!base64_decode(r->p->arena, text, &text))
            return kube_refuse(r->p, "yaml: !!binary value contains invalid base64 data");
        return json_new_str(text);
    }
    switch (resolve(r, node, &json)) {
    case YAML_IS_NULL:
        return cJSON_CreateNull();
    case YAML_IS_BOOL:
        return cJSON_CreateBool(str_is(json, "true"));
    case YAML_IS_NUMBER:
        return number_item(json);
    case YAML_IS_STRING:
    case YAML_IS_MERGE:
        break;
    }
    return json_new_str(text);
}

static cJSON *read_sequence(struct reader *r, const yaml_node_t *node)
{
    CLEANUP(json_freep) cJSON *list = cJSON_CreateArray();

    for (const yaml_node_item_t *at = node->data.sequence.items.start;
         at < node->data.sequence.items.top; at++) {
        cJSON *item = read_node(r, *at);

        if (item == NULL)
            return NULL;
        cJSON_AddItemToArray(list, item);
    }
    return TAKE(list);
}

/* --- mappings --------------------------------------------------------------------------- */

static bool read_key(struct reader *r, const yaml_node_t *key, struct str *ret_text,
                     bool *ret_merge)
{
    struct str json = {0};
    enum yaml_scalar is;

    *ret_merge = false;
    if (key->type != YAML_SCALAR_NODE)
        return kube_refuse(r->p, "yaml: invalid map key") != NULL;
    is = resolve(r, key, &json);
    if (is == YAML_IS_NULL)
        return kube_refuse(r->p, "unsupported map key of type: %%!s(<nil>), key: <nil>") != NULL;
    *ret_merge = is == YAML_IS_MERGE;
    *ret_text = is == YAML_IS_BOOL || is == YAML_IS_NUMBER ? json : text_of(key);
    return true;
}

static void note_double(struct reader *r, const yaml_node_t *key, struct str text)
{
    r->doubled = arena_printf(r->p->arena, "%.*s\n  line %zu: key \"%.*s\" already set in map",
                              STR_ARG(r->doubled), key->start_mark.line + 1, STR_ARG(text));
}

/* What "<<" brings: members of one mapping, or of several, where the key is not there yet. */
static bool merge_in(struct reader *r, cJSON *object, const yaml_node_t *from, int index)
{
    CLEANUP(json_freep) cJSON *tree = read_node(r, index);
    bool list = from->type == YAML_SEQUENCE_NODE;

    if (tree == NULL)
        return false;
    for (cJSON *one = list ? tree->child : tree; one != NULL; one = list ? one->next : NULL) {
        if (!cJSON_IsObject(one))
            return kube_refuse(r->p, "yaml: map merge requires map or sequence of maps as the "
                                     "value") != NULL;
        JSON_EACH(item, one)
            if (json_member(object, str_c(item->string)) == NULL)
                json_put(object, str_c(item->string), cJSON_Duplicate(item, true));
    }
    return true;
}

static bool read_pair(struct reader *r, cJSON *object, const yaml_node_pair_t *pair)
{
    const yaml_node_t *key = yaml_document_get_node(&r->document, pair->key);
    struct str name;
    bool merge;
    cJSON *value;

    if (!read_key(r, key, &name, &merge))
        return false;
    if (merge)
        return true;
    value = read_node(r, pair->value);
    if (value == NULL)
        return false;
    if (json_member(object, name) != NULL) {
        note_double(r, key, name);
        json_remove(object, name);
    }
    json_put(object, name, value);
    return true;
}

static cJSON *read_mapping(struct reader *r, const yaml_node_t *node)
{
    CLEANUP(json_freep) cJSON *object = cJSON_CreateObject();
    const yaml_node_pair_t *first = node->data.mapping.pairs.start;
    const yaml_node_pair_t *end = node->data.mapping.pairs.top;

    for (const yaml_node_pair_t *pair = first; pair < end; pair++)
        if (!read_pair(r, object, pair))
            return NULL;
    for (const yaml_node_pair_t *pair = first; pair < end; pair++) {
        struct str name;
        bool merge;

        (void)read_key(r, yaml_document_get_node(&r->document, pair->key), &name, &merge);
        if (merge &&
            !merge_in(r, object, yaml_document_get_node(&r->document, pair->value), pair->value))
            return NULL;
    }
    kube_sort_members(object);
    return TAKE(object);
}

static cJSON *read_node(struct reader *r, int index)
{
    const yaml_node_t *node = yaml_document_get_node(&r->document, index);
    cJSON *tree;

    if (++r->nodes > MOST_NODES)
        return kube_refuse(r->p, "yaml: document contains excessive aliasing");
    if (++r->depth > DEEPEST)
        return kube_refuse(r->p, "yaml: exceeded max depth");
    if (node->type == YAML_SEQUENCE_NODE)
        tree = read_sequence(r, node);
    else if (node->type == YAML_MAPPING_NODE)
        tree = read_mapping(r, node);
    else
        tree = read_scalar(r, node);
    r->depth--;
    return tree;
}

static void *broken(struct kube_problems *p, const yaml_parser_t *parser)
{
    size_t line =
        parser->context_mark.line > 0 ? parser->context_mark.line : parser->problem_mark.line;
    const char *why = parser->problem != NULL ? parser->problem : "unknown problem parsing YAML";

    if (line == 0)
        return kube_refuse(p, "yaml: %s", why);
    line += parser->error == YAML_SCANNER_ERROR;
    return kube_refuse(p, "yaml: line %zu: %s", line, why);
}

cJSON *kube_parse_yaml(struct str text, struct kube_problems *p)
{
    struct reader r = {.p = p, .text = text};
    yaml_parser_t parser;
    cJSON *tree;

    (void)yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.n > 0 ? text.at : ""),
                                 text.n);
    if (yaml_parser_load(&parser, &r.document) == 0) {
        tree = broken(p, &parser);
        yaml_parser_delete(&parser);
        return tree;
    }
    tree = yaml_document_get_root_node(&r.document) == NULL ? cJSON_CreateNull() : read_node(&r, 1);
    yaml_document_delete(&r.document);
    yaml_parser_delete(&parser);
    if (r.doubled.n > 0)
        kube_complain(p, "yaml: unmarshal errors:%.*s", STR_ARG(r.doubled));
    return tree;
}
