/* Listener rules found without looking at each of them. Pure. */
#pragma once

#include "dataplane/rule.h"

struct rule_index;

/* Made at sealing, in @a, over rules that are in order already. NULL for so few that a walk is as
 * good. */
struct rule_index *rule_index_new(struct arena *a, const struct dp_rule *rules, size_t n);

/* The first rule in order whose conditions are all true; NULL when there is none. */
const struct dp_rule *rule_index_find(const struct rule_index *i, const struct dp_rule *rules,
                                      const struct rule_request *r);
