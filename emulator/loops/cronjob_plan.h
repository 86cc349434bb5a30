/* CronJobs: which time is due now, and when to look again. Pure.
 * Source: pkg/controller/cronjob, cronjob_controllerv2.go and utils.go. */
#pragma once

#include "loops/cron.h"

struct cronjob_view {
    struct cron schedule;
    int64_t since;       /* the last scheduled time, or the CronJob's creation; ms */
    int64_t now;         /* ms */
    int64_t deadline_ms; /* startingDeadlineSeconds; negative: none */
};

struct cronjob_plan {
    int64_t due;    /* the time to start a Job for, ms; 0: none */
    int64_t missed; /* how many times have passed since, the due one included */
    bool too_late;  /* it is due, but longer than the deadline allows */
    int64_t next;   /* the first time after now; negative: never again */
};

struct cronjob_plan cronjob_plan(const struct cronjob_view *v);
