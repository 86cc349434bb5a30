/* Schedules of CronJobs: five fields or a descriptor ("@daily"), in UTC. Pure.
 * Source: kubernetes-api.md §6.3; robfig/cron v3, standard parser. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct cron {
    uint64_t minutes, hours, days, months, weekdays; /* bits */
    bool any_day, any_weekday;                       /* '*': the other one of both decides */
    int64_t every_ms;                                /* "@every 90s"; 0: the bits */
};

/* Reads a schedule; false and *ret_why (in @a) when it is none. */
bool cron_parse(struct arena *a, struct str text, struct cron *ret_cron, struct str *ret_why);

/* The first time after @ms, in ms; -1 when there is none within five years. */
int64_t cron_next(const struct cron *c, int64_t ms);
