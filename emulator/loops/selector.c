/* Label selectors over the label arrays of store/object.h. */
#include "loops/selector.h"

#include "base/macros.h"

struct labels labels_of(const struct object *o)
{
    return (struct labels){o->labels, o->label_count};
}

struct labels labels_of_tree(struct arena *a, const cJSON *labels)
{
    size_t room = (size_t)cJSON_GetArraySize(labels), n = 0;
    struct object_label *at = arena_array(a, room, sizeof *at);

    JSON_EACH(item, labels)
        at[n++] = (struct object_label){str_c(item->string), json_text(item)};
    return (struct labels){at, n};
}

struct str label_value(struct labels l, struct str key)
{
    for (size_t i = 0; i < l.n; i++)
        if (str_eq(l.at[i].key, key))
            return l.at[i].value.at == NULL ? S("") : l.at[i].value;
    return (struct str){0};
}

bool label_map_matches(const cJSON *pairs, struct labels l)
{
    JSON_EACH(item, pairs) {
        struct str value = label_value(l, str_c(item->string));

        if (value.at == NULL || !str_eq(value, json_text(item)))
            return false;
    }
    return true;
}

static bool holds(const cJSON *values, struct str value)
{
    JSON_EACH(item, values)
        if (str_eq(json_text(item), value))
            return true;
    return false;
}

static bool op_in(struct str value, const cJSON *values)
{
    return value.at != NULL && holds(values, value);
}

static bool op_not_in(struct str value, const cJSON *values)
{
    return value.at == NULL || !holds(values, value);
}

static bool op_exists(struct str value, const cJSON *values)
{
    (void)values;
    return value.at != NULL;
}

static bool op_absent(struct str value, const cJSON *values)
{
    (void)values;
    return value.at == NULL;
}

static bool compare(struct str value, const cJSON *values, int sign)
{
    int64_t have, want;

    if (value.at == NULL || values == NULL || !str_to_int(value, &have) ||
        !str_to_int(json_text(values->child), &want))
        return false;
    return sign > 0 ? have > want : have < want;
}

static bool op_greater(struct str value, const cJSON *values)
{
    return compare(value, values, 1);
}

static bool op_less(struct str value, const cJSON *values)
{
    return compare(value, values, -1);
}

static const struct {
    const char *name;
    bool (*holds)(struct str value, const cJSON *values);
} operators[] = {
    {"In",           op_in     },
    {"NotIn",        op_not_in },
    {"Exists",       op_exists },
    {"DoesNotExist", op_absent },
    {"Gt",           op_greater},
    {"Lt",           op_less   },
};

bool requirement_matches(const cJSON *requirement, struct labels l)
{
    struct str op = json_str(requirement, "operator");
    struct str value = label_value(l, json_str(requirement, "key"));

    for (size_t i = 0; i < ARRAY_LEN(operators); i++)
        if (str_is(op, operators[i].name))
            return operators[i].holds(value, json_get(requirement, "values"));
    return false;
}

bool selector_matches(const cJSON *selector, struct labels l)
{
    if (selector == NULL || !label_map_matches(json_get(selector, "matchLabels"), l))
        return false;
    JSON_EACH(item, json_get(selector, "matchExpressions"))
        if (!requirement_matches(item, l))
            return false;
    return true;
}
