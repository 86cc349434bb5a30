/* A thread, a slot for its job, and letters to the loop. */
#include "worker.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

struct worker {
    struct mailbox *mailbox; /* borrowed */
    worker_run_cb *run;
    worker_done_cb *done;
    uv_thread_t thread;
    uv_mutex_t lock; /* of job and closing */
    uv_cond_t changed;
    void *job;
    bool closing;
    void *finished; /* the job that a letter is on its way for */
    void (*on_ended)(void *data);
    void *data;
};

static void tell_done(void *data)
{
    struct worker *w = data;
    void *job = w->finished;

    w->finished = NULL;
    w->done(w, job);
}

static void tell_ended(void *data)
{
    struct worker *w = data;

    (void)uv_thread_join(&w->thread);
    uv_cond_destroy(&w->changed);
    uv_mutex_destroy(&w->lock);
    w->on_ended(w->data);
    free(w);
}

/* Waits for a job; NULL when there will be none. */
static void *next_job(struct worker *w)
{
    void *job;

    uv_mutex_lock(&w->lock);
    while (w->job == NULL && !w->closing)
        uv_cond_wait(&w->changed, &w->lock);
    job = w->job;
    w->job = NULL;
    uv_mutex_unlock(&w->lock);
    return job;
}

static void work(void *data)
{
    struct worker *w = data;
    void *job;

    while ((job = next_job(w)) != NULL) {
        w->run(job);
        w->finished = job;
        mailbox_post(w->mailbox, tell_done, w);
    }
    mailbox_post(w->mailbox, tell_ended, w);
}

struct worker *worker_start(struct mailbox *mailbox, worker_run_cb *run, worker_done_cb *done)
{
    struct worker *w = xcalloc(sizeof *w);

    w->mailbox = mailbox;
    w->run = run;
    w->done = done;
    uv_mutex_init(&w->lock);
    uv_cond_init(&w->changed);
    (void)uv_thread_create(&w->thread, work, w);
    return w;
}

void worker_give(struct worker *w, void *job)
{
    uv_mutex_lock(&w->lock);
    w->job = job;
    uv_cond_signal(&w->changed);
    uv_mutex_unlock(&w->lock);
}

void worker_close(struct worker *w, void (*on_ended)(void *data), void *data)
{
    w->on_ended = on_ended;
    w->data = data;
    uv_mutex_lock(&w->lock);
    w->closing = true;
    uv_cond_signal(&w->changed);
    uv_mutex_unlock(&w->lock);
}
