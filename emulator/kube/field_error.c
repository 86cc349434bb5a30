/* Field errors and how they print. Source: k8s.io/apimachinery pkg/util/validation/field. */
#include "kube/field_error.h"

#include "base/buf.h"

static const struct {
    const char *reason, *text;
    bool shows_value;
} types[] = {
    [FIELD_REQUIRED] = {"FieldValueRequired",     "Required value",    false},
    [FIELD_INVALID] = {"FieldValueInvalid",      "Invalid value",     true },
    [FIELD_DUPLICATE] = {"FieldValueDuplicate",    "Duplicate value",   true },
    [FIELD_NOT_FOUND] = {"FieldValueNotFound",     "Not found",         true },
    [FIELD_NOT_SUPPORTED] = {"FieldValueNotSupported", "Unsupported value", true },
    [FIELD_FORBIDDEN] = {"FieldValueForbidden",    "Forbidden",         false},
    [FIELD_TOO_LONG] = {"FieldValueTooLong",      "Too long",          false},
    [FIELD_TOO_MANY] = {"FieldValueTooMany",      "Too many",          true },
    [FIELD_TYPE_INVALID] = {"FieldValueTypeInvalid",  "Invalid value",     true },
    [FIELD_INTERNAL] = {"InternalError",          "Internal error",    false},
};

enum { LONGEST_VALUE = 64 << 10 };

struct field_errors field_errors_new(struct arena *a)
{
    return (struct field_errors){.arena = a};
}

void field_error_add_text(struct field_errors *e, enum field_error_type type, struct str field,
                          struct str value, struct str detail)
{
    struct field_error *one = arena_alloc(e->arena, sizeof *one);

    *one = (struct field_error){
        .type = type,
        .field = arena_str(e->arena, field),
        .value = arena_str(e->arena, value),
        .detail = arena_str(e->arena, detail),
    };
    if (e->tail == NULL)
        e->tail = &e->first;
    *e->tail = one;
    e->tail = &one->next;
    e->n++;
}

static struct str print_value(struct arena *a, const cJSON *value)
{
    CLEANUP(buf_free) struct buf b = buf_init(LONGEST_VALUE);

    if (value == NULL)
        return (struct str){0};
    json_write(&b, value);
    return arena_str(a, buf_str(&b));
}

void field_error_add(struct field_errors *e, enum field_error_type type, struct str field,
                     const cJSON *value, const char *fmt, ...)
{
    struct str detail;
    va_list args;

    va_start(args, fmt);
    detail = arena_vprintf(e->arena, fmt, args);
    va_end(args);
    field_error_add_text(e, type, field, print_value(e->arena, value), detail);
}

void field_error_unsupported(struct field_errors *e, struct str field, const cJSON *value,
                             const char *const *supported, size_t n)
{
    CLEANUP(buf_free) struct buf b = buf_init(LONGEST_VALUE);

    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s\"%s\"", i == 0 ? "supported values: " : ", ", supported[i]);
    field_error_add_text(e, FIELD_NOT_SUPPORTED, field, print_value(e->arena, value), buf_str(&b));
}

struct str field_error_body(struct arena *a, const struct field_error *e)
{
    bool value = types[e->type].shows_value;

    return arena_printf(a, "%s%s%.*s%s%.*s", types[e->type].text, value ? ": " : "",
                        value ? (int)e->value.n : 0, e->value.n > 0 ? e->value.at : "",
                        e->detail.n > 0 ? ": " : "", STR_ARG(e->detail));
}

const char *field_error_reason(enum field_error_type type)
{
    return types[type].reason;
}
