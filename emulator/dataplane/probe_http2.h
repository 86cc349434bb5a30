/* A health check's one request over HTTP/2: GET for groups of version HTTP2, a gRPC call for GRPC.
 * For health.c. Worker thread only. */
#pragma once

#include "dataplane/worker.h"

struct probe2;

/* Begins the session and sends the request; what it needs of @g is copied. @authority: "ip:port".
 */
struct probe2 *probe2_new(struct sock *s, const struct dp_group *g, struct str authority);
void probe2_free(struct probe2 *p); /* NULL is fine */

/* Takes what came; false when it is no HTTP/2. *ret_done: *ret_code is the HTTP status, or for gRPC
 * its grpc-status. */
bool probe2_read(struct probe2 *p, struct str bytes, bool *ret_done, unsigned *ret_code);
