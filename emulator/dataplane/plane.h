/* The way back from the workers to the control thread. Any worker's thread. */
#pragma once

#include "dataplane/dataplane.h"

struct log_batch;

/* Queues a copy of a report for the control thread. */
void plane_report(struct dataplane *d, const struct dp_health_report *report);

/* Queues log lines; takes them over. */
void plane_log(struct dataplane *d, struct log_batch *batch);
