/* The loops' way into the API server. */
#pragma once

#include "kube/cluster.h"

void writer_init(struct kube *k);
