/* JSON documents: cJSON trees with paths, slices and our own writer (integers stay integers).
 * A tree is owned by whoever parsed or created it, until it is added to another tree. */
#pragma once

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/str.h"

#define JSON_EACH(item, parent) \
    for (cJSON *item = (parent) == NULL ? NULL : (parent)->child; item != NULL; item = item->next)

/* Parses the whole of @text. NULL when it is no JSON, has text behind its end or nests deeper
 * than cJSON allows (1000); *ret_offset (may be NULL) is then the byte where it broke. */
cJSON *json_parse(struct str text, size_t *ret_offset);

/* For CLEANUP(json_freep). */
void json_freep(cJSON **tree);

/* The member at a path of object keys parted by dots ("spec.template.metadata"), or NULL. Keys
 * that hold dots themselves are asked for one at a time with json_member. */
cJSON *json_get(const cJSON *tree, const char *path);
cJSON *json_member(const cJSON *object, struct str key);

/* Scalars at a path; the default when absent or of another type. Strings are borrowed from the
 * tree, and NUL-terminated. */
struct str json_str(const cJSON *tree, const char *path);
int64_t json_int(const cJSON *tree, const char *path, int64_t otherwise);
bool json_bool(const cJSON *tree, const char *path, bool otherwise);

/* The text of a string item; empty for anything else. */
struct str json_text(const cJSON *item);

/* Sets one member of @object, replacing what was there; @value is taken over. */
void json_put(cJSON *object, struct str key, cJSON *value);
void json_put_str(cJSON *object, struct str key, struct str value);
void json_put_int(cJSON *object, struct str key, int64_t value);
void json_put_bool(cJSON *object, struct str key, bool value);
void json_remove(cJSON *object, struct str key);

/* Puts @item, taken over, before the element (or member) at @at; at the end when there is none.
 * (cJSON_InsertItemInArray drops it in the version of Debian 12.) */
void json_insert(cJSON *parent, size_t at, cJSON *item);

/* The object (or array) at a path, made where it is missing or of another type. */
cJSON *json_need_object(cJSON *tree, const char *path);
cJSON *json_need_array(cJSON *tree, const char *path);

/* A string item from a slice. */
cJSON *json_new_str(struct str value);

/* Deep equality: objects in any order of keys, numbers by value. */
bool json_equal(const cJSON *a, const cJSON *b);

/* Writes @tree without spaces; sets b->full when it does not fit. A number that has a valuestring
 * is written as that. */
void json_write(struct buf *b, const cJSON *tree);

/* Writes @s quoted and escaped as JSON demands. Bytes that are no UTF-8 become U+FFFD. */
void json_write_str(struct buf *b, struct str s);
