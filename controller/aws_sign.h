/* AWS Signature Version 4, the client's side. Source: AWS General Reference, "Signature Version 4
 * signing process". Pure. */
#pragma once

#include "net/http.h"
#include "values.h"

struct aws_keys {
    struct str id, secret, token; /* token.n == 0: none */
};

struct aws_signing {
    struct aws_keys keys;
    struct str service, region;
    struct str host;                 /* as the Host header has it */
    struct str content_type, target; /* target.n == 0: no X-Amz-Target */
    struct str body;
    int64_t now_ms;
};

/* The headers to send with a POST of / (Host is the HTTP client's). In @a. */
struct http_headers aws_sign(struct arena *a, const struct aws_signing *s);
