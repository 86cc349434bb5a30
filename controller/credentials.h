/* Where the AWS keys come from, in the SDK's order: the environment, a web identity token (IRSA),
 * the shared credentials file, the container endpoint, the instance's role. Temporary keys are
 * fetched again before they expire. Shared by the workers. */
#pragma once

#include "aws_sign.h"
#include "base/clock.h"
#include "blocking_http.h"

struct credentials;

struct credentials_options {
    struct blocking_http *http;      /* borrowed, as everything here */
    struct http_client *connections; /* for STS, with AWS's TLS settings */
    const struct clock *clock;
    const char *(*variable)(const char *name); /* getenv */
    struct str endpoint;                       /* AWS_ENDPOINT_URL, or empty */
};

struct credentials *credentials_new(const struct credentials_options *o);
void credentials_free(struct credentials *c);

/* The keys to sign with now, in @a. False and *ret_error as the SDK words it. Waits; workers
 * only. */
bool credentials_get(struct credentials *c, struct arena *a, struct aws_keys *ret_keys,
                     struct str *ret_error);

/* AWS said that they have expired: they are fetched anew next time. */
void credentials_expire(struct credentials *c);

/* One member of the instance's metadata ("mac"), version 1. False and *ret_error when it can't be
 * had. */
bool instance_metadata_get(struct credentials *c, struct arena *a, const char *path,
                           struct str *ret_text, struct str *ret_error);
