/* Places, findings and checks of single values. Source: k8s.io/apimachinery
 * pkg/util/validation/field and pkg/apis/meta/v1/validation. */
#include "kube/validation_checks.h"

struct str at_child(struct checks *c, struct str place, const char *name)
{
    if (place.n == 0)
        return str_c(name);
    return arena_printf(c->arena, "%.*s.%s", STR_ARG(place), name);
}

struct str at_index(struct checks *c, struct str place, size_t i)
{
    return arena_printf(c->arena, "%.*s[%zu]", STR_ARG(place), i);
}

struct str at_key(struct checks *c, struct str place, struct str key)
{
    return arena_printf(c->arena, "%.*s[%.*s]", STR_ARG(place), STR_ARG(key));
}

/* --- findings ----------------------------------------------------------------------------- */

void find_required(struct checks *c, struct str place, const char *detail)
{
    field_error_add(c->errors, FIELD_REQUIRED, place, NULL, "%s", detail);
}

void find_forbidden(struct checks *c, struct str place, const char *detail)
{
    field_error_add(c->errors, FIELD_FORBIDDEN, place, NULL, "%s", detail);
}

void find_invalid(struct checks *c, struct str place, const cJSON *value, const char *detail)
{
    if (value == NULL)
        field_error_add_text(c->errors, FIELD_INVALID, place, S("null"), str_c(detail));
    else
        field_error_add(c->errors, FIELD_INVALID, place, value, "%s", detail);
}

void find_invalid_text(struct checks *c, struct str place, struct str value, const char *detail)
{
    CLEANUP(json_freep) cJSON *item = json_new_str(value);

    find_invalid(c, place, item, detail);
}

void find_duplicate(struct checks *c, struct str place, const cJSON *value)
{
    field_error_add(c->errors, FIELD_DUPLICATE, place, value, "%s", "");
}

void find_unsupported(struct checks *c, struct str place, const cJSON *value,
                      const char *const *supported, size_t n)
{
    CLEANUP(json_freep) cJSON *empty = json_new_str(S(""));

    field_error_unsupported(c->errors, place, value != NULL ? value : empty, supported, n);
}

/* --- words and numbers -------------------------------------------------------------------- */

void check_word(struct checks *c, struct str place, struct str word, word_check *check)
{
    struct word_faults f = {.arena = c->arena};

    check(&f, word);
    for (size_t i = 0; i < f.n; i++)
        find_invalid_text(c, place, word, arena_cstr(c->arena, f.at[i]));
}

void need_word(struct checks *c, struct str place, struct str word, word_check *check)
{
    if (word.n == 0)
        find_required(c, place, "");
    else
        check_word(c, place, word, check);
}

void check_choice(struct checks *c, struct str place, const cJSON *value,
                  const char *const *choices, size_t n)
{
    struct str word = json_text(value);

    if (value == NULL || cJSON_IsNull(value))
        return;
    for (size_t i = 0; i < n; i++)
        if (str_is(word, choices[i]))
            return;
    if (word.n == 0)
        find_required(c, place, "");
    else
        find_unsupported(c, place, value, choices, n);
}

void check_not_negative(struct checks *c, struct str place, const cJSON *object, const char *member)
{
    const cJSON *value = json_get(object, member);

    if (cJSON_IsNumber(value) && value->valuedouble < 0)
        find_invalid(c, at_child(c, place, member), value, "must be greater than or equal to 0");
}

void check_port_number(struct checks *c, struct str place, const cJSON *value)
{
    CLEANUP(json_freep) cJSON *zero = cJSON_CreateNumber(0);

    if (value == NULL)
        value = zero;
    if (!cJSON_IsNumber(value) || value->valuedouble < 1 || value->valuedouble > 65535)
        find_invalid(c, place, value, "must be between 1 and 65535, inclusive");
}

void check_port(struct checks *c, struct str place, const cJSON *value)
{
    if (cJSON_IsString(value))
        check_word(c, place, json_text(value), word_port_name);
    else if (value != NULL && !cJSON_IsNull(value))
        check_port_number(c, place, value);
}

void check_int_or_percent(struct checks *c, struct str place, const cJSON *value)
{
    if (cJSON_IsString(value))
        check_word(c, place, json_text(value), word_percent);
    else if (cJSON_IsNumber(value) && value->valuedouble < 0)
        find_invalid(c, place, value, "must be greater than or equal to 0");
}

static bool is_empty(const cJSON *item)
{
    return item == NULL || cJSON_IsNull(item) ||
           ((cJSON_IsObject(item) || cJSON_IsArray(item)) && item->child == NULL);
}

void check_immutable(struct checks *c, struct str place, const cJSON *old, const cJSON *now)
{
    if (is_empty(old) && is_empty(now))
        return;
    if (old == NULL || now == NULL || !json_equal(old, now))
        find_invalid(c, place, now, "field is immutable");
}

/* --- labels and annotations ---------------------------------------------------------------- */

void check_labels(struct checks *c, struct str place, const cJSON *labels)
{
    JSON_EACH(label, labels) {
        check_word(c, place, str_c(label->string), word_qualified_name);
        if (cJSON_IsString(label))
            check_word(c, place, json_text(label), word_label_value);
    }
}

static void check_expression(struct checks *c, struct str place, const cJSON *e)
{
    const cJSON *values = json_get(e, "values"), *op = json_get(e, "operator");
    struct str word = json_text(op);
    int n = cJSON_GetArraySize(values);
    size_t i = 0;

    if (str_is(word, "In") || str_is(word, "NotIn")) {
        if (n == 0)
            find_required(c, at_child(c, place, "values"),
                          "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (str_is(word, "Exists") || str_is(word, "DoesNotExist")) {
        if (n > 0)
            find_forbidden(c, at_child(c, place, "values"),
                           "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else {
        find_invalid_text(c, at_child(c, place, "operator"), word, "not a valid selector operator");
    }
    check_word(c, at_child(c, place, "key"), json_str(e, "key"), word_qualified_name);
    JSON_EACH(v, values)
        check_word(c, at_index(c, at_child(c, place, "values"), i++), json_text(v),
                   word_label_value);
}

void check_label_selector(struct checks *c, struct str place, const cJSON *selector)
{
    struct str list = at_child(c, place, "matchExpressions");
    size_t i = 0;

    check_labels(c, at_child(c, place, "matchLabels"), json_get(selector, "matchLabels"));
    JSON_EACH(e, json_get(selector, "matchExpressions"))
        check_expression(c, at_index(c, list, i++), e);
}

static struct str lower(struct arena *a, struct str text)
{
    char *copy = arena_cstr(a, text);

    for (size_t i = 0; i < text.n; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] + 'a' - 'A');
    return str_n(copy, text.n);
}

void check_annotations(struct checks *c, struct str place, const cJSON *annotations)
{
    enum { MOST_BYTES = 256 << 10 };
    size_t bytes = 0;

    JSON_EACH(note, annotations) {
        struct word_faults f = {.arena = c->arena};

        word_qualified_name(&f, lower(c->arena, str_c(note->string)));
        for (size_t i = 0; i < f.n; i++)
            find_invalid_text(c, place, str_c(note->string), arena_cstr(c->arena, f.at[i]));
        bytes += strlen(note->string) + json_text(note).n;
    }
    if (bytes > MOST_BYTES)
        field_error_add(c->errors, FIELD_TOO_LONG, place, NULL, "may not be more than %d bytes",
                        MOST_BYTES);
}

void check_data_keys(struct checks *c, struct str place, const cJSON *data)
{
    JSON_EACH(item, data)
        check_word(c, at_key(c, place, str_c(item->string)), str_c(item->string), word_config_key);
}
