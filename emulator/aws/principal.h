/* The policies that bind a caller. */
#pragma once

#include "aws/service.h"

/* The policy of a document that was checked when it was stored; NULL for one that is malformed all
 * the same. It lives as long as the call. */
struct policy *policy_of_document(struct call *c, struct str document);

/* What binds the caller of @c: not to be asked for root. In the call's arena. 0 or a negative
 * error of the store. */
int policies_of_caller(struct call *c, struct policy_set *ret_set);

/* The documents of a user, role or group (of a user its groups' too) as a set. */
struct iam_entity;
int policies_of_entity(struct call *c, const struct iam_entity *e, struct policy_set *ret_set);
