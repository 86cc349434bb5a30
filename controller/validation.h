/* The checks that the AWS SDK makes on the client's side before it sends anything, and the error
 * that collects them. Source: aws-sdk-go 1.23, aws/request/validation.go. */
#pragma once

#include "values.h"

/* Zero-initialise but for @a. */
struct validation {
    struct arena *a;
    unsigned count;
    struct str lines;
};

void validation_required(struct validation *v, const char *path);
void validation_min_size(struct validation *v, int64_t least, const char *path);
void validation_min_value(struct validation *v, int64_t least, const char *path);

/* "InvalidParameter: 2 validation error(s) found.\n- …", or empty when nothing was found. */
struct str validation_error(const struct validation *v);

/* The keys of tags in a call of Elastic Load Balancing: "CreateLoadBalancerInput.Tags". */
void validation_tags(struct validation *v, const struct pairs *tags, const char *path);
