/* kube-proxy's table: which pods stand behind the node ports of a Service, on each node. Pure over
 * documents; the fabric says where addresses are on this machine. */
#pragma once

#include "base/json.h"
#include "dataplane/dp_config.h"
#include "net/fabric.h"
#include "store/object.h"

/* The node ports of @service under @key ("cluster/namespace/name"), to be handed to the data
 * plane; NULL when it has none. @endpoints is its Endpoints document, NULL when there is none;
 * @nodes are the cluster's. */
struct dp_service *node_ports_compile(struct str key, const cJSON *service, const cJSON *endpoints,
                                      const struct object_list *nodes, struct fabric *fabric);

/* A node's InternalIP; empty when it has none, or is Fargate's, where no kube-proxy answers at
 * node ports from outside. */
struct str node_port_address(const cJSON *node);
