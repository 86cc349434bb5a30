/* The columns of pods. */
#pragma once

#include "kube/table_columns.h"

extern const struct table_column table_pod_columns[];
extern const size_t table_pod_column_count;

/* Why a pod that ended did: the conditions of its row. */
void table_pod_conditions(struct buf *b, const struct table_row *r);
