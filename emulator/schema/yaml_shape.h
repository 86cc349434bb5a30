/* Files that people write, in YAML, read by a table of fields. What does not fit is told by file,
 * line and column, and what was expected there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "schema/shape.h"

struct yaml_shape;

enum yaml_kind {
    YAML_TEXT,  /* struct str */
    YAML_COUNT, /* int64_t, not negative */
    YAML_FLAG,  /* bool */
    YAML_TEXTS, /* struct str_list */
    YAML_PAIRS, /* struct str_map: a mapping of texts */
    YAML_LIST,  /* {struct X *at; size_t n;} of @of */
};

struct yaml_field {
    const char *name;
    enum yaml_kind kind;
    bool required;
    size_t offset;
    const struct yaml_shape *of;
    const char *pattern;  /* of a text, or each of the texts; NULL: any */
    const char *expected; /* what to tell when it does not fit: "an IPv4 block, as 10.0.0.0/16" */
};

struct yaml_shape {
    const char *name; /* "a subnet" */
    size_t size;
    const struct yaml_field *fields;
    size_t count;
};

/* Where a text of the file stood; for checks that the table cannot make. */
struct yaml_place {
    struct yaml_place *next;
    struct str text;
    size_t line, column; /* from 1 */
};

struct yaml_file {
    struct arena *arena;
    struct str name; /* for messages */
    struct yaml_place *places;
};

/* Reads @text (of the file f->name) as a @shape; *ret_value is its struct, in f->arena. False and
 * *ret_why when it does not fit. */
bool yaml_read(struct yaml_file *f, struct str text, const struct yaml_shape *shape,
               void **ret_value, struct str *ret_why);

/* "file:line:column: expected …" for a text that yaml_read gave. In f->arena. */
struct str yaml_complain(struct yaml_file *f, struct str at, const char *expected);
