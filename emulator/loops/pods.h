/* What several loops ask about pods. Pure functions over documents. */
#pragma once

#include "loops/controller.h"

/* Ready condition True. */
bool pod_is_ready(const cJSON *pod);

/* Since when (ms), 0 when it is not. */
int64_t pod_ready_since(const cJSON *pod);

/* Phase Succeeded or Failed. */
bool pod_is_over(const cJSON *pod);

/* Neither over nor being deleted. */
bool pod_is_active(const cJSON *pod);

int64_t pod_restarts(const cJSON *pod);

/* A pod from a template of @owner: labels, annotations, finalizers, spec, the owner's reference;
 * named by generateName "<owner>-". The caller's. */
cJSON *pod_from_template(const cJSON *owner, const cJSON *template, struct str ns);

/* Makes a pod for @owner and records SuccessfulCreate or FailedCreate. */
struct written pod_create(struct controller *c, struct arena *a, struct str cluster,
                          const cJSON *owner, const cJSON *pod);

/* Deletes a pod of @owner and records SuccessfulDelete. */
struct written pod_delete(struct controller *c, struct arena *a, const cJSON *owner,
                          struct object *pod);
