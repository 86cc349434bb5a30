/* Tables: what kubectl get prints. Source: Kubernetes API Concepts, "Receiving resources as
 * Tables". */
#pragma once

#include "base/buf.h"
#include "kube/call.h"

/* Writes {"kind":"Table", …} of @list, as c->query.include_object and c->table_version say; @rv is
 * the list's resourceVersion, @continue_token empty without more pages, @behind negative where it
 * is not told. */
void table_write(struct buf *b, struct kube_call *c, struct object_list list, int64_t rv,
                 struct str continue_token, int64_t behind);

/* Writes a Table of the one object @o, for watches; the columns only when asked. */
void table_write_row(struct buf *b, struct kube_call *c, struct object *o, bool columns);
