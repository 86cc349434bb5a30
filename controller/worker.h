/* Threads that each work through one pass at a time. */
#pragma once

#include "mailbox.h"

struct worker;

/* In the worker's thread. */
typedef void worker_run_cb(void *job);

/* Loop thread, once @run has returned. */
typedef void worker_done_cb(struct worker *w, void *job);

struct worker *worker_start(struct mailbox *mailbox, worker_run_cb *run, worker_done_cb *done);

/* Loop thread. Only when it has no job. */
void worker_give(struct worker *w, void *job);

/* Loop thread. The thread ends after its job; @on_ended is called then, and the worker is freed. */
void worker_close(struct worker *w, void (*on_ended)(void *data), void *data);
