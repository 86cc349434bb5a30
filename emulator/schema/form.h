/* application/x-www-form-urlencoded: the body, or the query, of the Query protocols. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

struct form_field {
    struct str name, value;
};

/* Fields ordered by their names' parts (parted by dots), so that all fields below one name lie
 * together. */
struct form {
    struct form_field *at;
    size_t n;
};

/* Reads @text; slices in @a. False when it is malformed or has too many fields. */
bool form_parse(struct arena *a, struct str text, struct form *ret_form);

/* The first value of the field called exactly so; false when there is none. */
bool form_get(const struct form *f, struct str name, struct str *ret_value);
