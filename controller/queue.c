/* The queue. */
#include "queue.h"

#include <stdlib.h>

#include "base/macros.h"
#include "base/memory.h"

/* A key's own back-off, and the bucket that all of them share. */
static const int64_t first_delay_ms = 5, longest_delay_ms = 1000 * 1000;
static const double bucket_rate = 10, bucket_size = 100; /* a second; at once */

struct queue_item {
    struct link link; /* while it is ready */
    char *key;
    bool ready;   /* waits in line */
    bool working; /* somebody works on it */
    bool again;   /* was added meanwhile */
    unsigned failures;
    int64_t due_ms; /* comes back then; INT64_MAX: not delayed */
};

void queue_init(struct queue *q)
{
    *q = (struct queue){0};
    list_init(&q->ready);
}

static void item_free(struct queue_item *item)
{
    free(item->key);
    free(item);
}

void queue_free(struct queue *q)
{
    size_t at = 0;
    struct map_entry *e;

    while ((e = map_next(&q->items, &at)) != NULL)
        item_free(e->value);
    map_free(&q->items);
}

static void make_ready(struct queue *q, struct queue_item *item)
{
    if (item->working) {
        item->again = true;
    } else if (!item->ready) {
        item->ready = true;
        list_append(&q->ready, &item->link);
    }
}

void queue_add(struct queue *q, struct str key)
{
    struct queue_item *item = map_get(&q->items, key);

    if (item == NULL) {
        item = xcalloc(sizeof *item);
        item->key = xcalloc(key.n + 1);
        memcpy(item->key, key.at, key.n);
        item->due_ms = INT64_MAX;
        map_put(&q->items, str_c(item->key), item);
    }
    make_ready(q, item);
}

static void wake_delayed(struct queue *q, int64_t now_ms)
{
    size_t at = 0;
    struct map_entry *e;

    while ((e = map_next(&q->items, &at)) != NULL) {
        struct queue_item *item = e->value;

        if (item->due_ms > now_ms)
            continue;
        item->due_ms = INT64_MAX;
        make_ready(q, item);
    }
}

bool queue_take(struct queue *q, int64_t now_ms, struct str *ret_key)
{
    struct queue_item *item;

    wake_delayed(q, now_ms);
    if (list_empty(&q->ready))
        return false;
    item = container_of(q->ready.next, struct queue_item, link);
    list_remove(&item->link);
    item->ready = false;
    item->working = true;
    *ret_key = str_c(item->key);
    return true;
}

static int64_t own_delay(unsigned failures)
{
    return failures >= 18 ? longest_delay_ms : first_delay_ms << failures;
}

/* How long the shared bucket makes one more retry wait. */
static int64_t bucket_delay(struct queue *q, int64_t now_ms)
{
    if (!q->filled)
        q->tokens = bucket_size;
    else
        q->tokens += (double)(now_ms - q->bucket_at_ms) * bucket_rate / 1000;
    if (q->tokens > bucket_size)
        q->tokens = bucket_size;
    q->filled = true;
    q->bucket_at_ms = now_ms;
    q->tokens -= 1;
    return q->tokens >= 0 ? 0 : (int64_t)(-q->tokens * 1000 / bucket_rate);
}

static int64_t longest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void queue_done(struct queue *q, struct str key, bool failed, int64_t pause_ms, int64_t now_ms)
{
    struct queue_item *item = map_get(&q->items, key);
    int64_t due_ms;

    if (item == NULL)
        return;
    item->working = false;
    if (failed) {
        due_ms =
            now_ms + longest(pause_ms, longest(own_delay(item->failures), bucket_delay(q, now_ms)));
        item->failures++;
        if (due_ms < item->due_ms)
            item->due_ms = due_ms;
    } else {
        item->failures = 0;
    }
    if (item->again) {
        item->again = false;
        make_ready(q, item);
    }
    if (item->ready || item->due_ms != INT64_MAX)
        return;
    (void)map_remove(&q->items, key);
    item_free(item);
}

int64_t queue_next_ms(const struct queue *q)
{
    int64_t next = INT64_MAX;
    size_t at = 0;
    struct map_entry *e;

    while ((e = map_next(&q->items, &at)) != NULL) {
        const struct queue_item *item = e->value;

        if (item->due_ms < next)
            next = item->due_ms;
    }
    return next;
}
