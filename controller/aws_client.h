/* Calls of the AWS APIs: addresses, signing, retries, errors. For worker threads: every call
 * waits for its answer. One client is shared by all workers. */
#pragma once

#include "aws_query.h"
#include "base/clock.h"
#include "base/json.h"
#include "blocking_http.h"
#include "xml_tree.h"

enum aws_service {
    AWS_EC2,
    AWS_ELB,
    AWS_TAGGING,
    AWS_WAF,
    AWS_ACM,
    AWS_IAM,
    AWS_STS,
};

struct aws_client;
struct credentials;
struct metrics;

struct aws_client_options {
    struct blocking_http *http;      /* borrowed, as everything here */
    struct http_client *connections; /* with the TLS settings and proxies for AWS */
    struct credentials *credentials;
    const struct clock *clock;
    struct metrics *metrics;
    struct str region;
    struct str endpoint; /* AWS_ENDPOINT_URL: instead of every service's own; empty: none */
    int64_t max_retries;
    bool debug; /* log every call */
};

struct aws_client *aws_client_new(const struct aws_client_options *o);
void aws_client_free(struct aws_client *c);

/* Either it worked, and there is an answer, or it did not, and there is an error. */
struct aws_answer {
    const struct xml_node *xml; /* the root, of query services; in the caller's arena */
    cJSON *json;                /* of JSON services; freed by aws_answer_free */
    struct str code;            /* of an error: "LoadBalancerNotFound" */
    struct str error;           /* "Code: message\n\tstatus code: 400, request id: …" */
};

void aws_answer_free(struct aws_answer *answer); /* for CLEANUP */

/* Calls @action with the parameters of @q (its Action and Version are added here). True when it
 * worked. Everything but the JSON is in @a. */
bool aws_call_query(struct aws_client *c, struct arena *a, enum aws_service service,
                    const char *action, const struct query *q, struct aws_answer *ret);

/* Likewise with a JSON body. */
bool aws_call_json(struct aws_client *c, struct arena *a, enum aws_service service,
                   const char *action, const cJSON *body, struct aws_answer *ret);

/* Whether the region has the service, as the SDK of v1.1.4 knew it. */
bool aws_has_service(enum aws_service service, struct str region);

/* Where a service is reached: "https://ec2.us-west-2.amazonaws.com". In @a. */
struct str aws_endpoint(struct arena *a, enum aws_service service, struct str region,
                        struct str endpoint);
