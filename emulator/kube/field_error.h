/* What is wrong with a field of an object, in the words of the Kubernetes API.
 * Source: k8s.io/apimachinery pkg/util/validation/field. */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/str.h"

enum field_error_type {
    FIELD_REQUIRED,
    FIELD_INVALID,
    FIELD_DUPLICATE,
    FIELD_NOT_FOUND,
    FIELD_NOT_SUPPORTED,
    FIELD_FORBIDDEN,
    FIELD_TOO_LONG,
    FIELD_TOO_MANY,
    FIELD_TYPE_INVALID,
    FIELD_INTERNAL,
};

struct field_error {
    struct field_error *next;
    enum field_error_type type;
    struct str field;  /* "spec.containers[0].name" */
    struct str value;  /* as printed: strings quoted, others as JSON; empty where none is shown */
    struct str detail; /* may be empty */
};

/* Errors in the order of their finding; all memory is of @arena. */
struct field_errors {
    struct arena *arena;
    struct field_error *first, **tail;
    size_t n;
};

struct field_errors field_errors_new(struct arena *a);

/* Adds one; @value is read, not kept, and may be NULL. @field and @fmt are copied. */
void field_error_add(struct field_errors *e, enum field_error_type type, struct str field,
                     const cJSON *value, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* As field_error_add, with the printed form of the value given. */
void field_error_add_text(struct field_errors *e, enum field_error_type type, struct str field,
                          struct str value, struct str detail);

/* "Unsupported value" with the list of what is: `supported values: "A", "B"`. */
void field_error_unsupported(struct field_errors *e, struct str field, const cJSON *value,
                             const char *const *supported, size_t n);

/* `Invalid value: "x": detail`: what stands behind the field's name. In @a. */
struct str field_error_body(struct arena *a, const struct field_error *e);

/* "FieldValueInvalid": the reason of a Status cause. */
const char *field_error_reason(enum field_error_type type);
