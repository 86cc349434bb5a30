/* How other threads get things done on the loop's thread: a letter is a function and its data,
 * run there in the order of posting. */
#pragma once

#include <uv.h>

struct mailbox;

typedef void mailbox_cb(void *data);

/* Loop thread. Free with mailbox_close. */
struct mailbox *mailbox_new(uv_loop_t *loop);

/* Any thread. @run is called on the loop's thread; after mailbox_close it still runs, once, before
 * that returns. */
void mailbox_post(struct mailbox *m, mailbox_cb *run, void *data);

/* Loop thread, when no other thread posts any more: runs what is left; freed by the loop. */
void mailbox_close(struct mailbox *m);
