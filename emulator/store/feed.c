/* The change feed: two queues of announcements, one open, one committed. */
#include "store/feed.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

struct announcement {
    struct link link;
    struct change change;
    char key[];
};

void feed_init(struct feed *f)
{
    *f = (struct feed){0};
    list_init(&f->subscribers);
    list_init(&f->open);
    list_init(&f->ready);
}

static void drop(struct announcement *a)
{
    list_remove(&a->link);
    if (a->change.detail != NULL)
        a->change.detail->release(a->change.detail);
    free(a);
}

static void drop_all(struct link *queue)
{
    LIST_EACH(struct announcement, a, queue, link)
        drop(a);
}

void feed_deinit(struct feed *f)
{
    drop_all(&f->open);
    drop_all(&f->ready);
}

void feed_set_wake(struct feed *f, void (*wake)(void *data), void *data)
{
    f->wake = wake;
    f->wake_data = data;
}

void feed_subscribe(struct feed *f, struct feed_subscriber *sub, feed_cb *heard, void *data)
{
    sub->heard = heard;
    sub->data = data;
    list_append(&f->subscribers, &sub->link);
}

void feed_unsubscribe(struct feed_subscriber *sub)
{
    list_remove(&sub->link);
}

void feed_announce_detail(struct store *s, enum change_topic topic, struct str key,
                          struct change_detail *detail)
{
    struct announcement *a = xcalloc(sizeof *a + key.n + 1);

    assert(store_in_transaction(s));
    if (key.n > 0)
        memcpy(a->key, key.at, key.n);
    a->change = (struct change){topic, str_n(a->key, key.n), detail};
    list_append(&store_feed(s)->open, &a->link);
}

void feed_announce(struct store *s, enum change_topic topic, struct str key)
{
    feed_announce_detail(s, topic, key, NULL);
}

void feed_commit(struct feed *f)
{
    bool any = !list_empty(&f->open);

    LIST_EACH(struct announcement, a, &f->open, link) {
        list_remove(&a->link);
        list_append(&f->ready, &a->link);
    }
    if (any && !f->delivering && f->wake != NULL)
        f->wake(f->wake_data);
}

void feed_rollback(struct feed *f)
{
    drop_all(&f->open);
}

void feed_deliver(struct store *s)
{
    struct feed *f = store_feed(s);

    if (f->delivering)
        return;
    f->delivering = true;
    while (!list_empty(&f->ready)) {
        struct announcement *a = container_of(f->ready.next, struct announcement, link);

        assert(!store_in_transaction(s));
        list_remove(&a->link);
        LIST_EACH(struct feed_subscriber, sub, &f->subscribers, link)
            sub->heard(sub->data, &a->change);
        drop(a);
    }
    f->delivering = false;
}
