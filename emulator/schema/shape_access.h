/* Reaching into structs by their rows; for codecs, and for what walks any shape. */
#pragma once

#include "schema/shape.h"

/* Lists of structs all look like this, whatever they hold. */
struct any_list {
    void *at;
    size_t n;
};

static inline void *member_at(void *value, const struct shape_row *row)
{
    return (char *)value + row->offset;
}

static inline const void *member_of(const void *value, const struct shape_row *row)
{
    return (const char *)value + row->offset;
}

/* Whether the member was given. */
bool member_is_set(const void *value, const struct shape_row *row);

/* The row of that wire name, or NULL. */
const struct shape_row *shape_find(const struct shape *shape, struct str wire);

/* Whether the whole of @value fits a regular expression (validate.c). */
bool shape_pattern_holds(struct str value, const char *pattern);
