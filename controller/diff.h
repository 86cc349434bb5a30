/* What has to be done to get from what there is to what is wanted. Pure. */
#pragma once

#include "found.h"
#include "model.h"

/* Tags to set and tags to take away. */
void diff_tags(struct arena *a, const struct pairs *found, const struct pairs *wanted,
               struct pairs *ret_set, struct pairs *ret_remove);

/* The permissions of @source that @target has not, each compared as a whole: protocol, ports and
 * the sets of ranges and groups, without descriptions. */
struct permissions diff_permissions(struct arena *a, const struct permissions *source,
                                    const struct permissions *target);

/* The targets of @source that @target has not, by id and port; sorted. */
struct targets diff_targets(struct arena *a, const struct targets *source,
                            const struct targets *target);

bool diff_target_group(const struct target_group *found, const struct wanted_target_group *wanted);

/* @certificate: the default one, at == NULL for none. */
bool diff_listener(const struct listener *found, const struct wanted_listener *wanted,
                   struct str certificate);

enum rule_change { RULE_CREATE, RULE_MODIFY, RULE_DELETE };

struct rule_step {
    enum rule_change change;
    const struct wanted_rule *wanted; /* of a new or changed rule */
    const struct rule *found;         /* of a changed or surplus one */
};

struct rule_steps {
    struct rule_step *at;
    size_t n;
};

/* By priority: first what is new, then what differs, then what is left over. */
struct rule_steps diff_rules(struct arena *a, const struct rules *found,
                             const struct wanted_listener *wanted);
