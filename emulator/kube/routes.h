/* From a request line to what is asked: the resource or path, the verb, the options. */
#pragma once

#include "kube/call.h"

/* Reads method, path and query into c->target. Never fails: what is no resource is a path, and a
 * resource that is not served has no kind. */
void route_target(struct kube_call *c, struct str method, struct str path, struct str query);

/* Reads the query's options into c->query, of any verb. False: it is refused. */
bool route_query(struct kube_call *c, struct str query);
