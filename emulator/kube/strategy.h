/* What kinds do with their objects before they are kept: the server's own fields, what a client
 * cannot set, what an update cannot change. One row a kind that has any. */
#pragma once

#include "kube/call.h"

struct kube_write;

/* Sets the server's fields of a new object of the stored form: status, finalizers, labels. @c may
 * be NULL for namespaces. */
void strategy_prepare_create(struct kube_call *c, const struct kind *stored, cJSON *doc);

/* Carries over from @old what an update of the main resource does not touch. */
void strategy_prepare_update(struct kube_call *c, const struct kind *stored, const cJSON *old,
                             cJSON *doc);

/* The object that a write to the status subresource makes of @old: owned by the caller. */
cJSON *strategy_with_status(const struct kind *stored, const cJSON *old, const cJSON *given);

/* The quality of service class of a pod: "Guaranteed", "Burstable" or "BestEffort". */
const char *strategy_qos_class(const cJSON *pod);
