/* The XML of an AWS answer as a small tree in an arena, read by expat. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

struct xml_node {
    struct str name, text;
    struct xml_node *first, *last, *next, *parent;
};

/* False when @text is no XML, or nests too deep. Namespaces are left out of names. */
bool xml_parse(struct arena *a, struct str text, struct xml_node **ret_root);

/* The first child of that name; or at a path of names parted by dots. NULL when there is none
 * (or @node is NULL). */
const struct xml_node *xml_at(const struct xml_node *node, const char *path);

/* Its text; at == NULL when it is not there. */
struct str xml_text_at(const struct xml_node *node, const char *path);
int64_t xml_int_at(const struct xml_node *node, const char *path, int64_t otherwise);

/* Walks the children of one name: XML_EACH(item, list, "member"). */
#define XML_EACH(item, list, child) \
    for (const struct xml_node *item = xml_at((list), (child)); item != NULL; item = xml_next(item))
const struct xml_node *xml_next(const struct xml_node *node);
