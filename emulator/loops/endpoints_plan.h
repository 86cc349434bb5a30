/* The addresses behind a Service: which pods, on which ports, ready or not. Pure over documents.
 * Source: kubernetes-api.md §6.3; endpoints and endpointslice controllers. */
#pragma once

#include "loops/controller.h"

/* One pod behind a Service. */
struct endpoint {
    const cJSON *pod;
    struct str ip, node;
    bool ready;       /* in Endpoints' sense: counts as ready */
    bool serving;     /* its Ready condition */
    bool terminating; /* is being deleted */
};

/* Pods that the Service selects and that have an address, ordered by address. In @a. @terminating:
 * pods that are being deleted are in the list too (slices have them, Endpoints do not). */
struct endpoint *endpoints_of(struct arena *a, const cJSON *service, const struct object_list *pods,
                              bool terminating, size_t *ret_n);

/* The subsets of an Endpoints object; the caller's. */
cJSON *endpoints_subsets(struct arena *a, const cJSON *service, const struct endpoint *at,
                         size_t n);

/* The number behind a Service port's targetPort in a pod; 0 when the pod has no port of the
 * name. */
int64_t endpoint_port(const cJSON *pod, const cJSON *service_port);

/* The ports of an endpoint slice for one pod, [{name, protocol, port, appProtocol}]; the caller's.
 * Pods whose lists are equal share slices. */
cJSON *slice_ports(const cJSON *service, const cJSON *pod);

/* One endpoint of a slice; the caller's. @zone of its node, may be empty. */
cJSON *slice_endpoint(const cJSON *service, const struct endpoint *e, struct str zone);
