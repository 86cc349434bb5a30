/* The shapes of the Kubernetes API as data: one row a Go struct, one row a field of it. The rows
 * are in types.c, written by scripts/generate_kube_schema from k8s.io/api; decoding, defaulting,
 * merging, apply, pruning and OpenAPI all walk them. Rows are offsets, not pointers, so that they
 * stay in pages that are never written. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* What one value is; a list or a map holds values of the shape. */
enum kube_shape {
    KUBE_STRING,
    KUBE_BOOL,
    KUBE_INT32,
    KUBE_INT64,
    KUBE_FLOAT,
    KUBE_BYTES,      /* base64 in JSON */
    KUBE_TIME,       /* RFC 3339, whole seconds */
    KUBE_MICRO_TIME, /* RFC 3339, six digits */
    KUBE_DURATION,   /* "1m30s" in JSON, nanoseconds in protobuf */
    KUBE_QUANTITY,   /* "100m" */
    KUBE_INT_OR_STRING,
    KUBE_STRINGS, /* a list of strings that is a message of its own in protobuf */
    KUBE_RAW,     /* any JSON: RawExtension, FieldsV1 */
    KUBE_STRUCT,
};

enum kube_container { KUBE_ONE, KUBE_LIST, KUBE_MAP };

enum kube_field_flag {
    KUBE_POINTER = 1 << 0,       /* zero and absent differ */
    KUBE_OMIT_EMPTY = 1 << 1,    /* not written when empty; a struct is written all the same */
    KUBE_OMIT_ZERO = 1 << 2,     /* a struct (or time) of nothing but zeros is not written */
    KUBE_REQUIRED = 1 << 3,      /* by the API's documentation; decoding does not ask */
    KUBE_LIST_SET = 1 << 4,      /* apply: a set of scalars */
    KUBE_LIST_MAP = 1 << 5,      /* apply: elements are found by their keys */
    KUBE_ATOMIC = 1 << 6,        /* apply: owned as a whole (list, map or struct) */
    KUBE_PATCH_MERGE = 1 << 7,   /* strategic merge: merged; lists of structs by patch_key */
    KUBE_RETAIN_KEYS = 1 << 8,   /* strategic merge: $retainKeys */
    KUBE_PATCH_REPLACE = 1 << 9, /* strategic merge: the patch replaces it */
    KUBE_POINTERS = 1 << 10,     /* the elements of the list or map are pointers */
    KUBE_NULLABLE = 1 << 11,     /* null is a value of it: for OpenAPI */
};

struct kube_field {
    uint32_t name;     /* in JSON: offset in kube_texts */
    uint32_t go;       /* the element's Go type, as errors print it */
    uint16_t type;     /* of KUBE_STRUCT: index in kube_types */
    uint16_t extra;    /* index in kube_extras; 0: none of these */
    uint16_t flags;    /* enum kube_field_flag */
    uint8_t shape;     /* enum kube_shape */
    uint8_t container; /* enum kube_container */
    uint8_t number;    /* in protobuf; 0: not there */
    uint8_t within;    /* the number of the inlined Go struct that holds it in protobuf; 0: none */
    uint8_t deeper;    /* and of the one inlined in that */
};

/* What few fields have; texts are offsets in kube_texts, 0 (the empty text) where absent. */
struct kube_extra {
    uint32_t list_keys; /* apply: "containerPort,protocol" */
    uint32_t patch_key; /* strategic merge: "containerPort" */
    uint32_t value;     /* default, as JSON */
    uint32_t values;    /* enumeration: "Always|Never", in byte order */
    uint32_t container; /* the Go type of the list or map where it has a name: "v1.ResourceList" */
};

enum kube_type_flag {
    KUBE_IS_KIND = 1 << 0,     /* has apiVersion and kind */
    KUBE_TYPE_ATOMIC = 1 << 1, /* apply: a struct that is owned as a whole */
    KUBE_IS_META = 1 << 2,     /* of meta/v1: its kinds are in every group */
};

struct kube_type {
    uint32_t package; /* "apps/v1", "core/v1", "meta/v1" */
    uint32_t name;    /* "Deployment" */
    uint32_t group;   /* "rbac.authorization.k8s.io" */
    uint16_t first;   /* of its fields in kube_fields */
    uint8_t count;
    uint8_t flags; /* enum kube_type_flag */
};

enum { KUBE_MOST_FIELDS = 64 }; /* of one struct; the generator holds to it */

extern const char kube_texts[];
extern const struct kube_type kube_types[]; /* sorted by package, then name */
extern const size_t kube_type_count;
extern const struct kube_field kube_fields[];
extern const struct kube_extra kube_extras[];

/* The release that the shapes were made from: "v0.34.2". */
extern const char kube_schema_release[];

static inline const char *kube_text(uint32_t offset)
{
    return kube_texts + offset;
}

static inline const char *kube_field_name(const struct kube_field *f)
{
    return kube_texts + f->name;
}

static inline const struct kube_type *kube_field_type(const struct kube_field *f)
{
    return &kube_types[f->type];
}

static inline const struct kube_extra *kube_field_extra(const struct kube_field *f)
{
    return &kube_extras[f->extra];
}

/* The shape of a kind, or NULL. Options and Status (meta/v1) are found under every group. */
const struct kube_type *kube_type_find(struct str group, struct str version, struct str kind);

/* The shape by its Go name: "core/v1", "PodSpec"; or NULL. */
const struct kube_type *kube_type_named(struct str package, struct str name);

/* The version of the package: "v1" of "apps/v1". */
struct str kube_type_version(const struct kube_type *t);

/* The field of that name in JSON, or NULL. */
const struct kube_field *kube_type_field(const struct kube_type *t, struct str name);

/* The field at @i < t->count, in the order of Go's encoder. */
static inline const struct kube_field *kube_type_at(const struct kube_type *t, size_t i)
{
    return &kube_fields[t->first + i];
}
