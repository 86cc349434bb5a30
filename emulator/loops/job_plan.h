/* Jobs: how many pods to start or stop, and when a Job is over. Pure.
 * Source: kubernetes-api.md §6.3; pkg/controller/job (job_controller.go, backoff_utils.go). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job_view {
    int64_t parallelism;
    int64_t completions; /* negative: none given, the first success decides */
    int64_t backoff_limit;
    int64_t deadline_ms; /* negative: none */
    bool suspended;
    bool never; /* restartPolicy Never: a failed pod is a failure; else its restarts are */
    int64_t active, succeeded, failed; /* pods */
    int64_t restarts;                  /* of containers of the active pods */
    int64_t started, now;              /* ms; started 0: not yet */
    int64_t last_failure;              /* ms, 0: none since the last success */
    int64_t failures_in_row;           /* since then */
};

enum job_verdict { JOB_RUNS, JOB_COMPLETE, JOB_BACKOFF_EXCEEDED, JOB_DEADLINE_EXCEEDED };

struct job_plan {
    enum job_verdict verdict;
    int64_t create, remove; /* pods, now */
    int64_t wait_ms;        /* look again then; 0: nothing to wait for */
};

struct job_plan job_plan(const struct job_view *v);

/* The pause after @failures in a row: 10 s, 20 s … at most six minutes. */
int64_t job_backoff_ms(int64_t failures);

/* --- indexed Jobs ----------------------------------------------------------------------------- */

/* Which of the indexes from 0 on, @n of them, are missing from @taken; the first @most of them go
 * to
 * @ret. How many there are. */
size_t job_missing_indexes(const bool *taken, size_t n, size_t most, int64_t *ret);
