/* Label and field selectors. Source: Kubernetes "Labels and Selectors", "Field Selectors". */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "kube/kinds.h"
#include "store/object.h"

enum selector_operator {
    SELECT_EQUALS,
    SELECT_NOT_EQUALS,
    SELECT_IN,
    SELECT_NOT_IN,
    SELECT_EXISTS,
    SELECT_NOT_EXISTS,
    SELECT_GREATER,
    SELECT_LESS,
};

struct selector_term {
    struct str key;
    enum selector_operator op;
    struct str *values;
    size_t value_count;
    const char *path;  /* of a field selector: where the document has it */
    const char *alias; /* and where it may be instead (source of an Event); or NULL */
};

struct selector {
    struct selector_term *terms; /* all must hold; none: everything is selected */
    size_t n;
};

/* Reads "a=b,c in (d,e),!f" into *ret_selector, all in @a. False and *ret_why when it is none. */
bool selector_parse_labels(struct arena *a, struct str text, struct selector *ret_selector,
                           struct str *ret_why);

/* Reads "metadata.name=x,status.phase!=Running"; only the fields that @k knows. */
bool selector_parse_fields(struct arena *a, const struct kind *k, struct str text,
                           struct selector *ret_selector, struct str *ret_why);

bool selector_matches_labels(const struct selector *s, const struct object *o);

/* Fields are looked up in the stored form of the object. */
bool selector_matches_fields(const struct selector *s, struct object *o);

/* The value that "metadata.name" must equal, or empty. */
struct str selector_wanted_name(const struct selector *s);
