/* Targets that speak HTTP/2: what is different from upstream.c's HTTP/1.1. A connection carries one
 * request at a time, as there. For upstream.c and exchange.c. Worker thread only. */
#pragma once

#include "dataplane/upstream.h"

/* What all such connections of a worker share; NULL is fine to free. */
struct upstream2_shared *upstream2_shared_new(void);
void upstream2_shared_free(struct upstream2_shared *s);

/* A new connection begins with its session. */
void upstream2_start(struct upstream *u);
void upstream2_free(struct upstream *u);

/* The request's head as HTTP/1.1 has it, then its body. @grpc: the target may send trailers. */
void upstream2_request(struct upstream *u, struct str head, bool has_body, bool grpc);
void upstream2_body(struct upstream *u, struct str content);
void upstream2_body_end(struct upstream *u);

/* 0 or a negative UV_* error. */
int upstream2_flush(struct upstream *u);

bool upstream2_is_full(const struct upstream *u);

/* Plain bytes from the target. */
void upstream2_read(struct upstream *u, struct str bytes);

/* Whether another request may follow. */
bool upstream2_is_reusable(const struct upstream *u);
