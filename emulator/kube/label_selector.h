/* LabelSelectors as documents have them ({matchLabels, matchExpressions}), and the plain maps of
 * older fields. Pure. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

/* "app=web,tier in (a,b),!x": requirements by key. In @a; empty when it demands nothing. */
struct str label_selector_print(struct arena *a, const cJSON *selector);

/* Whether it selects an object with @labels (may be NULL). No selector selects nothing, an empty
 * one everything. */
bool label_selector_matches(const cJSON *selector, const cJSON *labels);
