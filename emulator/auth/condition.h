/* Conditions of IAM policies: operators over the keys of a request's context. Pure. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

/* One key of the context with its values ("aws:RequestTag/team": "blue"). */
struct context_key {
    struct str name; /* compared without regard to case */
    const struct str *values;
    size_t count;
};

struct context {
    const struct context_key *keys;
    size_t count;
};

/* The key's entry, or NULL. */
const struct context_key *context_find(const struct context *c, struct str name);

/* Whether @name is an operator, with its prefixes and suffix ("ForAnyValue:StringLikeIfExists"). */
bool condition_operator_known(struct str name);

/* Judges a Condition block: all operators, all their keys. @variables: whether ${…} is replaced
 * (Version 2012-10-17). A missing block (NULL) holds. */
bool condition_holds(const cJSON *block, const struct context *context, bool variables);

/* Replaces policy variables of @text: "${aws:username}", "${key, 'otherwise'}", "${*}". In @a.
 * False when a variable has neither value nor default: the statement then does not match. */
bool condition_expand(struct arena *a, struct str text, const struct context *context,
                      struct str *ret_text);
