/* The TLS of a listener, from the store's rows to the data plane's object. Reads the store; writes
 * nothing. Control thread only. */
#pragma once

#include "loops/routing_balancer.h"

/* Fills in to->tls. @before: what the load balancer was compiled to last time (may be NULL); where
 * nothing changed its TLS is shared. A listener whose certificates can't be used has none, which is
 * logged. 0 or a negative error of the store. */
int routing_compile_tls(struct routing_compiler *c, const struct listener *from, bool http2,
                        const struct dp_balancer *before, struct dp_listener *to);
