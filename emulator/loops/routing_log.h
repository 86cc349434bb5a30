/* Log lines of load balancers into files, where S3 would have them. Control thread only. */
#pragma once

#include "dataplane/dataplane.h"

struct routing_logs;

/* @folder: the buckets are its folders; empty: nothing is written. Borrowed, like @clock and @ids.
 */
struct routing_logs *routing_logs_new(struct str folder, const struct clock *clock,
                                      struct ids *ids);
void routing_logs_free(struct routing_logs *l); /* NULL is fine */

/* Appends lines to the file of the current five minutes. */
void routing_logs_write(struct routing_logs *l, const struct dp_log *log);

/* Puts the test file that AWS puts when logging is turned on, once. */
void routing_logs_test(struct routing_logs *l, const struct dp_balancer *b);
