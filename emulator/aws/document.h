/* A shape's value as JSON text, and back: what an API takes only to show it again is kept so, as it
 * was given, absent members absent. */
#pragma once

#include "base/arena.h"
#include "schema/shape.h"

/* In @a; empty when @value is NULL. */
struct str document_write(struct arena *a, const struct shape *shape, const void *value);

/* In @a; never NULL: an empty @text gives a value without members. */
void *document_read(struct arena *a, const struct shape *shape, struct str text);

/* The same members in another shape, as a request's become an answer's; NULL for NULL. */
void *document_convert(struct arena *a, const struct shape *from, const void *value,
                       const struct shape *to);

/* ["a","b"], and back. In @a. */
struct str document_write_list(struct arena *a, const struct str_list *list);
struct str_list document_read_list(struct arena *a, struct str text);

/* Words parted by spaces, and back: lists of ids. In @a. */
struct str words_join(struct arena *a, const struct str_list *list);
struct str_list words_split(struct arena *a, struct str words);
