/* The way back from the workers to the control thread. */
#pragma once

#include "dataplane/dataplane.h"

/* Queues a copy of a report for the control thread. Any worker's thread. */
void plane_report(struct dataplane *d, const struct dp_health_report *report);
