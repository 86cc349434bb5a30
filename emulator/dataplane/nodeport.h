/* kube-proxy's share: each node's address listens at the node ports of Services, and connections
 * go on to one of their pods. Worker thread only. */
#pragma once

#include "dataplane/worker.h"

/* Takes up the node ports of a Service (ours from now on), or with NULL their end. Connections in
 * progress go on. */
void service_apply(struct worker *w, struct str key, struct dp_service *config);

/* Closes every node port and every connection through one. */
void services_close(struct worker *w);
