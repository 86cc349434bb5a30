/* What IAM is asked about: from the rule in an operation's row and the call's input to ARNs. */
#pragma once

#include "aws/service.h"

/* The resources of @c by @rule (struct aws_op: resource), in its arena; {"*"} for a rule that
 * gives none. */
struct str_list resources_of(struct call *c, const char *rule);

/* The tags that a resource has now, as pairs of key and value. In the call's arena. */
struct str_map resource_tags(struct call *c, struct str arn);

/* Tags and keys of tags that the input gives. @type: for EC2, only those that are meant for this
 * type of resource, where it is not empty. */
struct request_tags {
    struct str_map tags;
    struct str_list keys;
};
struct request_tags request_tags_of(struct call *c, struct str type);

/* EC2's types of resources that are created with tags: "security-group" … */
struct str_list tag_specification_types(struct call *c);
