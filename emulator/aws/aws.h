/* The AWS APIs, as main sees them. */
#pragma once

#include "base/json.h"
#include "net/http_server.h"
#include "schema/shape.h"
#include "store/store.h"

struct aws;
struct ca;
struct objects;

enum iam_mode { IAM_ENFORCE, IAM_AUDIT, IAM_OFF };

struct aws_options {
    struct store *store; /* borrowed, like all of these */
    uv_loop_t *loop;
    enum iam_mode iam;
    struct str region;       /* where a request names none */
    struct str lb_domain;    /* what load balancer names end in: "localhost" */
    int64_t provisioning_ms; /* how long a new load balancer is */
    struct str_list limits;  /* "NAME=N": account limits that are held */
    struct str s3_folder;    /* the buckets are its folders */
    struct str kube_host;    /* where the clusters' API servers listen */
    const struct ca *ca;     /* signs the certificates that ACM gives; may be NULL in tests */
};

/* Whether every one of @limits is "NAME=N" with a name that there is; *ret_bad is the first that is
 * not. */
bool elb_limits_are_valid(const struct str_list *limits, struct str *ret_bad);

/* Puts the policies that AWS manages into a world that lacks them. 0 or a negative error. */
int aws_load_managed_policies(struct store *s);

struct aws *aws_new(const struct aws_options *o);
void aws_free(struct aws *aws);

/* An http_handle_cb; @data is the aws. */
void aws_handle(void *data, struct http_exchange *x, const struct http_request *r);

/* The calls so far, the last some thousand, oldest first: [{time, service, action, principal,
 * status, code}]. To be freed. */
cJSON *aws_calls(const struct aws *aws);

/* Every service with its modelled operations, and which of them have a handler: [{service, signing,
 * version, protocol, operations: [{name, handled}]}]. To be freed. */
cJSON *aws_operations(void);

const struct aws_options *aws_options_of(const struct aws *aws);
