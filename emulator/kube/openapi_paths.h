/* The paths of OpenAPI: what can be called, from the table of kinds. */
#pragma once

#include "base/json.h"
#include "kube/kinds.h"
#include "schema/kube/openapi.h"

/* Calls @each with every path of the kind's resource and its subresources; the path item is
 * @each's only for the call. */
void openapi_each_path(const struct kind *k, enum openapi_dialect d,
                       void (*each)(void *data, struct str path, const cJSON *item), void *data);
