/* The rules of Jobs. */
#include "loops/job_plan.h"

enum { FIRST_BACKOFF_MS = 10 * 1000, LONGEST_BACKOFF_MS = 360 * 1000 };

int64_t job_backoff_ms(int64_t failures)
{
    int64_t ms = FIRST_BACKOFF_MS;

    if (failures <= 0)
        return 0;
    for (int64_t i = 1; i < failures && ms < LONGEST_BACKOFF_MS; i++)
        ms *= 2;
    return ms > LONGEST_BACKOFF_MS ? LONGEST_BACKOFF_MS : ms;
}

static bool too_many_failures(const struct job_view *v)
{
    if (v->failed > v->backoff_limit)
        return true;
    /* Containers that are restarted in place count too; with a limit of 0 the first one is it. */
    return !v->never && (v->backoff_limit == 0 ? v->restarts > 0 : v->restarts >= v->backoff_limit);
}

static bool is_complete(const struct job_view *v)
{
    if (v->completions >= 0)
        return v->succeeded >= v->completions;
    return v->succeeded > 0 && v->active == 0;
}

/* How many pods should run at once. */
static int64_t wanted_active(const struct job_view *v)
{
    int64_t left;

    if (v->completions < 0)
        return v->succeeded > 0 ? v->active : v->parallelism;
    left = v->completions - v->succeeded;
    return left < v->parallelism ? left : v->parallelism;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

struct job_plan job_plan(const struct job_view *v)
{
    struct job_plan p = {0};
    int64_t wanted, pause;

    if (too_many_failures(v))
        p.verdict = JOB_BACKOFF_EXCEEDED;
    else if (v->deadline_ms >= 0 && v->started > 0 && !v->suspended &&
             v->now - v->started >= v->deadline_ms)
        p.verdict = JOB_DEADLINE_EXCEEDED;
    else if (is_complete(v))
        p.verdict = JOB_COMPLETE;
    if (p.verdict != JOB_RUNS || v->suspended) {
        p.remove = v->active;
        return p;
    }
    if (v->deadline_ms >= 0 && v->started > 0)
        p.wait_ms = v->started + v->deadline_ms - v->now;
    wanted = wanted_active(v);
    if (v->active > wanted)
        p.remove = v->active - wanted;
    if (v->active >= wanted)
        return p;
    pause = v->last_failure + job_backoff_ms(v->failures_in_row) - v->now;
    if (v->failures_in_row > 0 && pause > 0)
        p.wait_ms = sooner(p.wait_ms, pause);
    else
        p.create = wanted - v->active;
    return p;
}

size_t job_missing_indexes(const bool *taken, size_t n, size_t most, int64_t *ret)
{
    size_t found = 0;

    for (size_t i = 0; i < n && found < most; i++)
        if (!taken[i])
            ret[found++] = (int64_t)i;
    return found;
}
