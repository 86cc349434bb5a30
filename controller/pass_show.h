/* How values look in the log, where several parts of the pass show them. In @a. */
#pragma once

#include "action.h"
#include "found.h"

struct str show_attributes(struct arena *a, const struct pairs *attributes);
struct str show_conditions(struct arena *a, const struct conditions *conditions);

/* "i-1:80, i-2:80". */
struct str show_targets(struct arena *a, const struct targets *targets);
