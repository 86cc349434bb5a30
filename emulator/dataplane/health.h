/* Health checks of all targets of all load balancers, by one worker. Worker thread only, but for
 * health_free. */
#pragma once

#include "dataplane/worker.h"

struct health *health_new(struct worker *w);

/* The targets of the load balancer @arn are those of @config (borrowed for the call) from now on;
 * NULL: it is gone. New ones are checked at once. */
void health_apply(struct health *h, struct str arn, struct dp_balancer *config);

/* The world's clock was changed: due times are looked at again. */
void health_look(struct health *h);

/* Ends all checks. */
void health_close(struct health *h);

/* After the loop has ended. NULL is fine. */
void health_free(struct health *h);
