/* Services: cluster addresses and node ports. What is taken is what other Services have, so
 * nothing is kept beside the objects. */
#pragma once

#include "kube/call.h"

/* Gives @doc (a Service in the stored form; anything else is left alone) its addresses and ports,
 * or keeps those of @old (NULL for a new one). False: refused. */
bool service_allocate(struct kube_call *c, const cJSON *old, cJSON *doc);

/* Takes out of an update what only the type before needed. */
void service_prepare_update(struct kube_call *c, const cJSON *old, cJSON *doc);
