/* LabelSelectors. Source: Kubernetes "Labels and Selectors"; k8s.io/apimachinery's
 * LabelSelectorAsSelector for the printed form. */
#include "kube/label_selector.h"

#include <stdlib.h>

/* One thing that a selector demands. */
struct demand {
    struct str key, op;  /* op as documents have it; empty: equals the one value */
    struct str value;    /* of an equality */
    const cJSON *values; /* of the others */
};

static int by_key(const void *a, const void *b)
{
    return str_cmp(((const struct demand *)a)->key, ((const struct demand *)b)->key);
}

static const cJSON *labels_of(const cJSON *selector)
{
    const cJSON *labels = json_member(selector, S("matchLabels"));

    if (labels != NULL || json_member(selector, S("matchExpressions")) != NULL)
        return labels;
    return selector; /* a plain map, or an empty selector */
}

static size_t demands_of(struct arena *a, const cJSON *selector, struct demand **ret)
{
    const cJSON *labels = labels_of(selector);
    const cJSON *expressions = json_member(selector, S("matchExpressions"));
    size_t room = (size_t)(cJSON_GetArraySize(labels) + cJSON_GetArraySize(expressions)), n = 0;
    struct demand *at = arena_array(a, room + 1, sizeof *at);

    JSON_EACH(label, labels)
        if (cJSON_IsString(label))
            at[n++] = (struct demand){.key = str_c(label->string), .value = json_text(label)};
    if (cJSON_IsArray(expressions))
        JSON_EACH(e, expressions)
            at[n++] = (struct demand){.key = json_str(e, "key"),
                                      .op = json_str(e, "operator"),
                                      .values = json_get(e, "values")};
    qsort(at, n, sizeof *at, by_key);
    *ret = at;
    return n;
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void print_values(struct arena *a, struct buf *b, const cJSON *values)
{
    struct str *sorted = arena_array(a, (size_t)cJSON_GetArraySize(values) + 1, sizeof *sorted);
    size_t n = 0;

    JSON_EACH(v, values)
        sorted[n++] = json_text(v);
    qsort(sorted, n, sizeof *sorted, by_text);
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%s%.*s", i == 0 ? "" : ",", STR_ARG(sorted[i]));
}

static void print_demand(struct arena *a, struct buf *b, const struct demand *d)
{
    if (d->op.n == 0) {
        buf_printf(b, "%.*s=%.*s", STR_ARG(d->key), STR_ARG(d->value));
    } else if (str_is(d->op, "Exists")) {
        buf_add(b, d->key);
    } else if (str_is(d->op, "DoesNotExist")) {
        buf_printf(b, "!%.*s", STR_ARG(d->key));
    } else {
        buf_printf(b, "%.*s %s (", STR_ARG(d->key), str_is(d->op, "In") ? "in" : "notin");
        print_values(a, b, d->values);
        buf_char(b, ')');
    }
}

struct str label_selector_print(struct arena *a, const cJSON *selector)
{
    enum { LONGEST = 64 << 10 };
    CLEANUP(buf_free) struct buf b = buf_init(LONGEST);
    struct demand *demands;
    size_t n = demands_of(a, selector, &demands);

    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_char(&b, ',');
        print_demand(a, &b, &demands[i]);
    }
    return arena_str(a, buf_str(&b));
}

static bool is_among(const cJSON *values, struct str value)
{
    JSON_EACH(v, values)
        if (str_eq(json_text(v), value))
            return true;
    return false;
}

static bool is_met(const struct demand *d, const cJSON *labels)
{
    const cJSON *label = json_member(labels, d->key);
    struct str value = json_text(label);

    if (d->op.n == 0)
        return label != NULL && str_eq(value, d->value);
    if (str_is(d->op, "Exists"))
        return label != NULL;
    if (str_is(d->op, "DoesNotExist"))
        return label == NULL;
    if (str_is(d->op, "In"))
        return label != NULL && is_among(d->values, value);
    if (str_is(d->op, "NotIn"))
        return label == NULL || !is_among(d->values, value);
    return false;
}

bool label_selector_matches(const cJSON *selector, const cJSON *labels)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct demand *demands;
    size_t n;

    if (!cJSON_IsObject(selector))
        return false;
    n = demands_of(&a, selector, &demands);
    for (size_t i = 0; i < n; i++)
        if (!is_met(&demands[i], labels))
            return false;
    return true;
}
