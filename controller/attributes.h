/* The attributes of load balancers and target groups that v1.1.4 knows, their defaults and
 * ranges. Every known attribute always has a wanted value, so what was changed by hand is put
 * back. Pure. */
#pragma once

#include "values.h"

enum attribute_family { LOAD_BALANCER_ATTRIBUTES, TARGET_GROUP_ATTRIBUTES };

/* The full set: defaults, overlaid by @given. False and *ret_error when a value is refused or
 * @given names an attribute that is not known; @forgiving: unknown ones are left out (they come
 * from AWS). In @a. */
bool attributes_read(struct arena *a, enum attribute_family family, const struct pairs *given,
                     bool forgiving, struct pairs *ret, struct str *ret_error);

/* What must be modified to get from @found to @wanted, in the order of the table. Bucket and
 * prefix of access logs count only while these are wanted: ELB takes no empty bucket. */
struct pairs attributes_diff(struct arena *a, const struct pairs *found,
                             const struct pairs *wanted);
