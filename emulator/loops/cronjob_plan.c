/* The due times of CronJobs. */
#include "loops/cronjob_plan.h"

enum { MOST_COUNTED = 1000 };

struct cronjob_plan cronjob_plan(const struct cronjob_view *v)
{
    struct cronjob_plan p = {0};
    int64_t from = v->since, at;

    /* What lies before the deadline is not even looked at. */
    if (v->deadline_ms >= 0 && v->now - v->deadline_ms > from)
        from = v->now - v->deadline_ms;
    for (at = cron_next(&v->schedule, from); at >= 0 && at <= v->now;
         at = cron_next(&v->schedule, at)) {
        p.due = at;
        if (++p.missed < MOST_COUNTED)
            continue;
        /* after a long time without the controller: go on from near now */
        from = v->now - (at - v->since) / MOST_COUNTED * 2;
        at = from > at ? from : at;
    }
    p.next = at;
    p.too_late = p.due > 0 && v->deadline_ms >= 0 && p.due + v->deadline_ms < v->now;
    return p;
}
