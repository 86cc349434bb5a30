/* Expat's events made into a tree. */
#include "xml_tree.h"

#include <expat.h>

enum { DEEPEST = 64 };

struct building {
    struct arena *a;
    XML_Parser parser;
    struct xml_node *root, *open;
    unsigned depth;
};

static void on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct building *b = data;
    struct xml_node *node;

    (void)attributes;
    if (++b->depth > DEEPEST) {
        XML_StopParser(b->parser, XML_FALSE);
        return;
    }
    node = arena_alloc(b->a, sizeof *node);
    *node =
        (struct xml_node){.name = arena_str(b->a, str_c(name)), .text = S(""), .parent = b->open};
    if (b->open == NULL)
        b->root = node;
    else if (b->open->last == NULL)
        b->open->first = b->open->last = node;
    else
        b->open->last = b->open->last->next = node;
    b->open = node;
}

static void on_end(void *data, const XML_Char *name)
{
    struct building *b = data;

    (void)name;
    b->depth--;
    b->open = b->open->parent;
}

static void on_text(void *data, const XML_Char *at, int n)
{
    struct building *b = data;
    struct xml_node *node = b->open;

    if (node == NULL || (node->first != NULL && str_trim(str_n(at, (size_t)n)).n == 0))
        return;
    node->text = node->text.n == 0 ? arena_str(b->a, str_n(at, (size_t)n))
                                   : arena_printf(b->a, "%.*s%.*s", STR_ARG(node->text), n, at);
}

bool xml_parse(struct arena *a, struct str text, struct xml_node **ret_root)
{
    struct building b = {.a = a, .parser = XML_ParserCreate(NULL)};
    bool ok;

    if (b.parser == NULL || text.n > INT32_MAX)
        return false;
    XML_SetUserData(b.parser, &b);
    XML_SetElementHandler(b.parser, on_start, on_end);
    XML_SetCharacterDataHandler(b.parser, on_text);
    ok = XML_Parse(b.parser, text.n > 0 ? text.at : "", (int)text.n, 1) == XML_STATUS_OK;
    XML_ParserFree(b.parser);
    if (ok)
        *ret_root = b.root;
    return ok;
}

static const struct xml_node *find(const struct xml_node *node, struct str name)
{
    while (node != NULL && !str_eq(node->name, name))
        node = node->next;
    return node;
}

const struct xml_node *xml_at(const struct xml_node *node, const char *path)
{
    struct str rest = str_c(path), name;

    while (node != NULL && str_next(&rest, '.', &name))
        node = find(node->first, name);
    return node;
}

const struct xml_node *xml_next(const struct xml_node *node)
{
    return find(node->next, node->name);
}

struct str xml_text_at(const struct xml_node *node, const char *path)
{
    const struct xml_node *at = xml_at(node, path);

    return at == NULL ? (struct str){0} : at->text;
}

int64_t xml_int_at(const struct xml_node *node, const char *path, int64_t otherwise)
{
    int64_t value;

    return str_to_int(str_trim(xml_text_at(node, path)), &value) ? value : otherwise;
}
