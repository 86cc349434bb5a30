/* What STS's files share. */
#pragma once

#include "aws/service.h"
#include "base/json.h"
#include "schema/aws/sts.h"
#include "store/iam.h"

/* --- sessions (sts_session.c) ---------------------------------------------------------------- */

/* A policy given with a session, by text or by the ARNs of managed policies. */
struct sts_limits {
    struct str policy;
    const struct sts_policy_descriptor_type *arns;
    size_t arn_count;
};

/* The session policies as their JSON array (empty: none), and how much of the space for them they
 * take, in percent. False, with *ret_done, for those that are malformed, missing or too large. */
bool sts_read_limits(struct call *c, const struct sts_limits *limits, struct str *ret_policies,
                     struct opt_int *ret_packed, struct done *ret_done);

/* The role that a request assumes, of whatever account; NULL when there is none. False, with
 * *ret_done, for what is no ARN of a role. */
bool sts_find_role(struct call *c, struct str arn, struct iam_entity **ret_role,
                   struct done *ret_done);

/* How long the session of @role will last; false, with *ret_done, when it may not. @chained: the
 * caller is a role's session itself. */
bool sts_role_seconds(struct call *c, const struct iam_entity *role, struct opt_int asked,
                      bool chained, int64_t *ret_seconds, struct done *ret_done);

/* Names the session's principal: *x gets account, arn, user_id, kind and entity. */
void sts_become_role(struct call *c, const struct iam_entity *role, struct str session_name,
                     struct iam_session *x);

/* Gives @x its key and times, and stores it. *ret_credentials as the API shows them. 0 or a
 * negative error of the store. */
int sts_issue(struct call *c, struct iam_session *x, int64_t seconds,
              struct sts_credentials *ret_credentials);

/* --- session tags (sts_assume.c) ------------------------------------------------------------- */

/* Puts checked tags into the object @into. */
bool sts_read_tags(struct call *c, const struct sts_tag *tags, size_t n, cJSON *into,
                   struct done *ret_done);
/* Tags, or keys of transitive ones, as a session keeps them; empty when there are none. */
struct str sts_tags_text(struct call *c, const cJSON *tags);

/* --- the operations -------------------------------------------------------------------------- */

struct done sts_assume_role_with_web_identity(struct call *c, const void *input);
struct done sts_assume_role(struct call *c, const void *input);
struct done sts_get_session_token(struct call *c, const void *input);
struct done sts_get_federation_token(struct call *c, const void *input);
