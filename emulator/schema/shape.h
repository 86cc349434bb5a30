/* Shapes as data: what an operation takes and gives, as rows that a codec walks. The rows and the
 * structs come from one list, so they cannot drift apart. The lists are generated
 * (scripts/generate_aws_shapes) and never edited.
 *
 * A member that was not given is absent: a string, blob or list with at == NULL, a number or
 * boolean with set == false, a struct that is NULL. Absent members are not encoded. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct opt_int {
    bool set;
    int64_t v;
};

struct opt_bool {
    bool set, v;
};

struct opt_real {
    bool set;
    double v;
};

struct str_list {
    struct str *at;
    size_t n;
};

struct int_list {
    int64_t *at;
    size_t n;
};

/* A map of strings to strings, in the order in which it came. */
struct str_pair {
    struct str key, value;
};

struct str_map {
    struct str_pair *at;
    size_t n;
};

/* A map of strings to structs; in answers only. */
struct struct_pair {
    struct str key;
    const void *value;
};

struct struct_map {
    struct struct_pair *at;
    size_t n;
};

#define OPT_INT(value)  ((struct opt_int){true, (value)})
#define OPT_BOOL(value) ((struct opt_bool){true, (value)})

enum shape_kind {
    SHAPE_STRING,
    SHAPE_INTEGER, /* of any width: struct opt_int */
    SHAPE_BOOLEAN,
    SHAPE_REAL,
    SHAPE_TIME, /* struct opt_int, milliseconds since the epoch */
    SHAPE_BLOB, /* decoded bytes */
    SHAPE_STRUCT,
    SHAPE_LIST,       /* of structs */
    SHAPE_STRINGS,    /* a list of strings */
    SHAPE_INTEGERS,   /* a list of numbers */
    SHAPE_MAP,        /* of strings to strings: struct str_map */
    SHAPE_STRUCT_MAP, /* of strings to structs: struct struct_map; decoded as absent */
    SHAPE_OTHER,      /* what no handler needs yet: decoded as absent, never encoded */
};

enum shape_place { IN_BODY, IN_PATH, IN_QUERY, IN_HEADER };

enum shape_flag {
    REQUIRED = 1,
    FLATTENED = 2,  /* Query: no "member" level */
    EPOCH_TIME = 4, /* a timestamp as a number of seconds */
    BOUNDED = 8,    /* least and most count */
    NUMBERS = 16,   /* a map whose values are numbers; they are texts here, and given out only */
};

struct shape;

/* One member. With BOUNDED, @least and @most bound
 * a number, a length or a count (INT64_MIN and INT64_MAX where open). */
struct shape_row {
    const char *wire;  /* its name in answers, and in requests of all but EC2 */
    const char *query; /* its name in requests of the EC2 protocol; NULL: as wire */
    const char *item;  /* Query: what an element of the list is called; "member" mostly */
    enum shape_kind kind;
    enum shape_place place;
    unsigned flags;
    size_t offset;
    const struct shape *of; /* of a struct, or of a list's elements */
    int64_t least, most;
    const char *values;  /* enumeration: words parted by '|'; NULL: any */
    const char *pattern; /* a regular expression for the whole value; NULL: any */
};

struct shape {
    const char *name; /* as in the model */
    size_t size;      /* of its struct */
    const struct shape_row *rows;
    size_t count;
};

/* A modelled error: what a handler answers with. */
struct fault {
    const char *code;
    int status;
};

enum aws_protocol { AWS_QUERY, AWS_EC2_QUERY, AWS_JSON, AWS_REST_JSON };

/* One modelled operation. */
struct aws_model_operation {
    const char *name;
    const char *method, *uri;           /* "POST", "/"; REST-JSON has labels: "/clusters/{name}" */
    int status;                         /* of a success; 200 mostly */
    const struct shape *input, *output; /* NULL where there is none */
    const char *wrapper;                /* Query: "DescribeTagsResult"; NULL: none */
};

struct aws_model {
    const char *name;    /* ours: "elbv2" */
    const char *signing; /* in the credential scope: "elasticloadbalancing" */
    const char *version; /* "2015-12-01" */
    const char *xmlns;   /* of Query answers; NULL: none */
    const char *target;  /* JSON: the prefix of X-Amz-Target; NULL: none */
    enum aws_protocol protocol;
    int json_minor;                               /* JSON 1.0 or 1.1 */
    const struct aws_model_operation *operations; /* by name, in byte order */
    size_t operation_count;
    const struct fault *const *faults;
    size_t fault_count;
};
