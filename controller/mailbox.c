/* A queue under a mutex, and an async handle that wakes the loop. */
#include "mailbox.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/macros.h"
#include "base/memory.h"

struct letter {
    struct link link;
    mailbox_cb *run;
    void *data;
};

struct mailbox {
    uv_async_t wake; /* .data is the mailbox */
    uv_mutex_t lock; /* of letters */
    struct link letters;
};

static void deliver(struct mailbox *m)
{
    struct link now;

    list_init(&now);
    uv_mutex_lock(&m->lock);
    LIST_EACH(struct letter, l, &m->letters, link) {
        list_remove(&l->link);
        list_append(&now, &l->link);
    }
    uv_mutex_unlock(&m->lock);
    LIST_EACH(struct letter, l, &now, link) {
        list_remove(&l->link);
        l->run(l->data);
        free(l);
    }
}

static void on_wake(uv_async_t *wake)
{
    deliver(wake->data);
}

struct mailbox *mailbox_new(uv_loop_t *loop)
{
    struct mailbox *m = xcalloc(sizeof *m);

    list_init(&m->letters);
    uv_mutex_init(&m->lock);
    uv_async_init(loop, &m->wake, on_wake);
    m->wake.data = m;
    return m;
}

void mailbox_post(struct mailbox *m, mailbox_cb *run, void *data)
{
    struct letter *l = xcalloc(sizeof *l);

    l->run = run;
    l->data = data;
    uv_mutex_lock(&m->lock);
    list_append(&m->letters, &l->link);
    uv_mutex_unlock(&m->lock);
    uv_async_send(&m->wake);
}

static void on_closed(uv_handle_t *h)
{
    struct mailbox *m = h->data;

    uv_mutex_destroy(&m->lock);
    free(m);
}

void mailbox_close(struct mailbox *m)
{
    deliver(m);
    uv_close((uv_handle_t *)&m->wake, on_closed);
}
