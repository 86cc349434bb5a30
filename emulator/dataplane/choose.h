/* Which target group and which target a request goes to: weights, algorithms, zones, slow start,
 * and the cookies that keep a client where it was. Worker thread only. */
#pragma once

#include "dataplane/exchange.h"

/* Chooses for @h under @a. 0 or the status of the load balancer's answer: 503 when nothing can take
 * the request, 464 when the group's protocol version does not go with the client's. */
unsigned choose(struct exchange *x, const struct dp_action *a, const struct request_head *h,
                struct choice *ret_choice);

/* Writes the Set-Cookie lines that the target's answer @h gets. */
void choose_write_cookies(struct exchange *x, const struct response_head *h, struct text *t);
