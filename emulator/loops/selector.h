/* Label selectors: matchLabels and matchExpressions, as workloads and affinities use them. Pure.
 * Source: apimachinery, LabelSelectorAsSelector. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/json.h"
#include "store/object.h"

struct labels {
    const struct object_label *at;
    size_t n;
};

/* The labels of an object; borrowed from it. */
struct labels labels_of(const struct object *o);

/* The labels of a metadata tree's "labels" (may be NULL); the array is in @a. */
struct labels labels_of_tree(struct arena *a, const cJSON *labels);

/* The value, or absent (at == NULL). */
struct str label_value(struct labels l, struct str key);

/* Whether a metav1.LabelSelector selects @l. NULL selects nothing; an empty one everything. */
bool selector_matches(const cJSON *selector, struct labels l);

/* Whether each pair of a plain map (a Service's selector, a nodeSelector) is in @l. */
bool label_map_matches(const cJSON *pairs, struct labels l);

/* One requirement {key, operator, values}: In, NotIn, Exists, DoesNotExist, Gt, Lt. */
bool requirement_matches(const cJSON *requirement, struct labels l);
