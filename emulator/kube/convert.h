/* Between the versions of one resource: every version is kept in one stored form.
 * Source: Kubernetes API Reference of each version; conversion of Ingress as its deprecation
 * guide tells. */
#pragma once

#include "base/json.h"
#include "kube/kinds.h"

/* Turns @doc, a document of @from, into one of @to (rows of one stored form), in place; sets
 * apiVersion and kind. */
void kube_convert(const struct kind *from, const struct kind *to, cJSON *doc);
