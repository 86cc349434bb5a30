/* What kinds the API server serves: asked for once, at the start, group by group as client-go's
 * REST mapper does it. Waits. Source: controller-runtime 0.1.10, pkg/client/apiutil. */
#pragma once

#include "kube_client.h"

struct discovery {
    bool served[8]; /* by the index of the kind that is needed */
};

/* False and *ret_error when the server can't be asked. */
bool discovery_run(struct kube_client *c, struct blocking_http *http, struct arena *a,
                   struct discovery *ret, struct str *ret_error);

/* Empty when all kinds that the controller needs are served; else what is missing. */
struct str discovery_missing(struct arena *a, const struct discovery *d);
