/* The instance metadata service, and the OIDC issuers: what answers beside the APIs. */
#pragma once

#include "net/http_server.h"

struct aws;
struct metadata;

/* Whether a request is for an instance's metadata. */
bool metadata_is_for(const struct http_request *r);

/* Answer what is theirs; false, with nothing done, for other requests. */
bool metadata_handle(struct aws *aws, struct http_exchange *x, const struct http_request *r);
bool issuer_handle(struct aws *aws, struct http_exchange *x, const struct http_request *r);

/* NULL is fine. */
void metadata_free(struct metadata *m);
