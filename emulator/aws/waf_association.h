/* Which web ACL protects which resource: a resource has one at most, of each of the two services.
 * An association lives as long as its resource. */
#pragma once

#include "aws/service.h"
#include "store/resource.h"

/* @kind: "waf-regional/association" or "wafv2/association". The web ACL's ARN, or empty. */
int waf_association_find(struct call *c, const char *kind, struct str resource,
                         struct str *ret_acl);
int waf_association_put(struct call *c, const char *kind, struct str resource, struct str acl);
int waf_association_remove(struct call *c, const char *kind, struct str resource);
/* ARNs of the resources that @acl protects and that are there. */
int waf_association_list(struct call *c, const char *kind, struct str acl,
                         struct str_list *ret_resources);

/* Whether a web ACL can protect it: an Application Load Balancer of the caller's that is there.
 * *ret_fits is false for ARNs of other kinds of things. */
int waf_resource_exists(struct call *c, struct str arn, bool *ret_fits, bool *ret_exists);
