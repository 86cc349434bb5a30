/* Every service there is; a row in services.c each. */
#pragma once

#include "aws/service.h"

extern const struct aws_service *const aws_services[];
extern const size_t aws_service_count;

/* The service that a request is for, and why: by the name in its credential scope, its target, its
 * host, its action and version, or its path, whichever comes first. NULL when nobody knows it;
 * *ret_name is then the name that was asked for, as far as there is one. */
const struct aws_service *aws_route(struct arena *a, const struct http_request *r,
                                    struct str scope_service, const struct form *form,
                                    struct str *ret_name);
