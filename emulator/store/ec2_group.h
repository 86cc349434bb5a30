/* Security groups as they are made: with the rules that AWS gives them. Inside the caller's
 * transaction. */
#pragma once

#include "store/ec2.h"

/* Makes the group with a new id (g->id where the caller set one) and the default rule: everything
 * out. @self: its members may reach each other too. 0, -EEXIST when the VPC has that name, or a
 * negative error of the store. */
int security_group_make(struct store *s, struct arena *a, struct security_group *g, bool self);

/* Adds @rule under a new id, which it gets. */
int security_group_rule_make(struct store *s, struct arena *a, struct security_group_rule *rule);

/* Whether an interface has the group, or another group's rule names it. */
int security_group_in_use(struct store *s, struct arena *a, struct str id, bool *ret_used);

/* An EC2 id: @prefix, "-", 17 lower-case hex. In @a. */
struct str ec2_new_id(struct store *s, struct arena *a, const char *prefix);
