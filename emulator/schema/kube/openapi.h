/* Schemas of OpenAPI from the table of shapes, one at a time, and OpenAPI v2 as protobuf.
 * Source: OpenAPI 2.0 and 3.0; the extensions that kubectl reads: kubernetes-api reference §1.3;
 * gnostic's openapi.v2 messages. */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "schema/kube/type.h"

enum openapi_dialect { OPENAPI_V2, OPENAPI_V3 };

/* "io.k8s.api.apps.v1.Deployment". In @a. */
struct str openapi_name(struct arena *a, const struct kube_type *t);

/* {"$ref": …} of the shape. The caller's. */
cJSON *openapi_ref(enum openapi_dialect d, const struct kube_type *t);

/* The schema of the shape: the caller's. */
cJSON *openapi_schema(enum openapi_dialect d, const struct kube_type *t);

/* Schemas that are no struct (times, quantities …), one for each @i from 0; NULL behind the last.
 * *ret_name is constant. The caller's. */
cJSON *openapi_scalar(enum openapi_dialect d, size_t i, struct str *ret_name);

/* Marks @t and all that it holds in @marks, of kube_type_count elements. */
void openapi_reach(const struct kube_type *t, bool *marks);

/* --- v2 in protobuf: each adds one field of the Document ------------------------------------ */

void openapi_proto_head(struct buf *b, struct str title, struct str version);
void openapi_proto_path(struct buf *b, struct str path, const cJSON *item);
void openapi_proto_definition(struct buf *b, struct str name, const cJSON *schema);
