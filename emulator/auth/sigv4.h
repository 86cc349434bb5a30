/* AWS Signature Version 4: reading who signed a request, and checking the signature. Pure.
 * Source: IAM User Guide, "AWS Signature Version 4 for API requests". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "net/http.h"

/* What a request says about its signer, from its Authorization header or its query. */
struct sigv4 {
    struct str access_key;
    struct str date, region, service; /* of the credential scope; date is YYYYMMDD */
    struct str signed_headers;        /* "host;x-amz-date" */
    struct str signature;             /* lower-case hex */
    struct str token;                 /* X-Amz-Security-Token; empty when none */
    struct str timestamp;             /* YYYYMMDD'T'HHMMSS'Z' */
    bool presigned;                   /* in the query */
    int64_t expires_s;                /* of a presigned request */
};

/* The parts of a request that are signed. */
struct sigv4_request {
    struct str method;
    struct str path;  /* raw, as on the wire */
    struct str query; /* raw, without '?' */
    struct http_headers headers;
    struct str body;
};

enum sigv4_found { SIGV4_NONE, SIGV4_FOUND, SIGV4_BROKEN };

/* Looks for a signature. SIGV4_BROKEN: there is one, but not in its form. *ret_sigv4 lies in @a
 * and in the request. */
enum sigv4_found sigv4_read(struct arena *a, const struct sigv4_request *r,
                            struct sigv4 *ret_sigv4);

enum sigv4_verdict {
    SIGV4_VALID,
    SIGV4_MISMATCH, /* SignatureDoesNotMatch */
    SIGV4_EXPIRED,  /* the time is more than five minutes off, or the presigned URL is too old */
};

/* Checks @s against @secret at @now (milliseconds). @extra, which may be empty, holds headers that
 * are signed but did not come along (a Kubernetes token's x-k8s-aws-id). */
enum sigv4_verdict sigv4_verify(const struct sigv4_request *r, const struct sigv4 *s,
                                struct str secret, int64_t now, struct http_headers extra);

/* Milliseconds of a timestamp "20261124T131100Z"; false when it is none. */
bool sigv4_parse_time(struct str timestamp, int64_t *ret_ms);

/* Signs @r (whose headers have Host and X-Amz-Date already) and gives the Authorization header's
 * value, in @a. @signed_headers as in struct sigv4. */
struct str sigv4_authorization(struct arena *a, const struct sigv4_request *r,
                               const struct sigv4 *scope, struct str secret);
