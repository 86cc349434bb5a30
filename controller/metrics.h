/* What /metrics counts. Any thread. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);

/* Adds one to a counter with up to two labels: metrics_count(m, "aws_api_requests", "service",
 * S("ec2"), "operation", S("DescribeSubnets")). Labels may be NULL. */
void metrics_count(struct metrics *m, const char *name, const char *label, struct str value,
                   const char *label2, struct str value2);

/* In Prometheus's text form, with the prefix aws_alb_ingress_controller_. */
void metrics_write(struct metrics *m, struct buf *out);
