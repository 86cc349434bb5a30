/* Client connections that speak HTTP/1.x. Worker thread only. */
#pragma once

#include "dataplane/exchange.h"

/* Takes a waiting connection from @door. */
void front_accept(struct acceptor *door);

/* Closes every connection that has no request in progress and belongs to no load balancer any
 * more; with @all closes all of them. */
void front_sweep(struct worker *w, bool all);
