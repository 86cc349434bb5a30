/* Work queues. An item belongs to its queue's map; it is linked in the pump's ready list or sits
 * in its heap, or in neither while it only remembers its failures. */
#include "loops/queue.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

enum {
    FIRST_PAUSE_MS = 50,
    LONGEST_PAUSE_MS = 60 * 1000,
    MOST_FAILURES = 16, /* counted */
    NOWHERE = -1,
};

struct work_item {
    struct link ready;
    struct work_queue *queue;
    struct arena arena; /* of the key */
    struct object_key key;
    struct str text; /* the key as one text, in the queue's map */
    int64_t due;     /* the world's time, while in the heap */
    long at;         /* in the heap, or NOWHERE */
    unsigned failures;
};

/* --- the heap --------------------------------------------------------------------------- */

static void heap_set(struct work_pump *p, size_t at, struct work_item *w)
{
    p->due[at] = w;
    w->at = (long)at;
}

static void heap_up(struct work_pump *p, size_t at)
{
    struct work_item *w = p->due[at];

    while (at > 0 && p->due[(at - 1) / 2]->due > w->due) {
        heap_set(p, at, p->due[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_set(p, at, w);
}

static void heap_down(struct work_pump *p, size_t at)
{
    struct work_item *w = p->due[at];

    for (;;) {
        size_t child = 2 * at + 1;

        if (child + 1 < p->due_n && p->due[child + 1]->due < p->due[child]->due)
            child++;
        if (child >= p->due_n || p->due[child]->due >= w->due)
            break;
        heap_set(p, at, p->due[child]);
        at = child;
    }
    heap_set(p, at, w);
}

static void heap_add(struct work_pump *p, struct work_item *w)
{
    if (p->due_n == p->due_room) {
        p->due_room = p->due_room == 0 ? 64 : p->due_room * 2;
        p->due = xrealloc(p->due, p->due_room * sizeof(struct work_item *));
    }
    heap_set(p, p->due_n++, w);
    heap_up(p, p->due_n - 1);
}

static void heap_remove(struct work_pump *p, struct work_item *w)
{
    size_t at = (size_t)w->at;
    struct work_item *last;

    if (w->at == NOWHERE)
        return;
    w->at = NOWHERE;
    last = p->due[--p->due_n];
    if (last == w)
        return;
    heap_set(p, at, last);
    heap_up(p, at);
    heap_down(p, (size_t)last->at);
}

/* --- items ------------------------------------------------------------------------------ */

static struct str key_text(struct arena *a, const struct object_key *k)
{
    return arena_printf(a, "%.*s|%.*s|%.*s|%.*s", STR_ARG(k->cluster), STR_ARG(k->resource),
                        STR_ARG(k->ns), STR_ARG(k->name));
}

static struct work_item *find_item(struct work_queue *q, const struct object_key *key)
{
    struct arena a = {0};
    struct work_item *w = map_get(&q->items, key_text(&a, key));

    arena_free(&a);
    return w;
}

static struct work_item *need_item(struct work_queue *q, const struct object_key *key)
{
    struct work_item *w = find_item(q, key);

    if (w != NULL)
        return w;
    w = xcalloc(sizeof *w);
    w->queue = q;
    w->at = NOWHERE;
    w->key = (struct object_key){
        .cluster = arena_str(&w->arena, key->cluster),
        .resource = arena_str(&w->arena, key->resource),
        .ns = arena_str(&w->arena, key->ns),
        .name = arena_str(&w->arena, key->name),
    };
    w->text = key_text(&w->arena, &w->key);
    (void)map_put(&q->items, w->text, w);
    return w;
}

static void free_item(struct work_item *w)
{
    list_remove(&w->ready);
    heap_remove(w->queue->pump, w);
    (void)map_remove(&w->queue->items, w->text);
    arena_free(&w->arena);
    free(w);
}

/* An item that waits for nothing and remembers nothing. */
static bool is_idle(const struct work_item *w)
{
    return w->ready.next == NULL && w->at == NOWHERE && w->failures == 0;
}

/* --- the pump --------------------------------------------------------------------------- */

void pump_init(struct work_pump *p, const struct clock *clock)
{
    *p = (struct work_pump){.clock = clock};
    list_init(&p->queues);
    list_init(&p->ready);
}

void pump_deinit(struct work_pump *p)
{
    assert(list_empty(&p->queues));
    free(p->due);
}

static void wake(struct work_pump *p, int64_t ms)
{
    if (p->wake != NULL)
        p->wake(p->wake_data, ms);
}

static void make_ready(struct work_item *w)
{
    heap_remove(w->queue->pump, w);
    list_append(&w->queue->pump->ready, &w->ready);
}

static void work_on(struct work_item *w)
{
    struct work_queue *q = w->queue;
    struct arena a = {0};
    struct object_key key = {
        .cluster = arena_str(&a, w->key.cluster),
        .resource = arena_str(&a, w->key.resource),
        .ns = arena_str(&a, w->key.ns),
        .name = arena_str(&a, w->key.name),
    };

    list_remove(&w->ready);
    if (is_idle(w))
        free_item(w);
    q->work(q->data, &key);
    arena_free(&a);
}

int64_t pump_run(struct work_pump *p, size_t most)
{
    int64_t now = clock_now(p->clock);

    while (p->due_n > 0 && p->due[0]->due <= now)
        make_ready(p->due[0]);
    while (most-- > 0 && !list_empty(&p->ready))
        work_on(container_of(p->ready.next, struct work_item, ready));
    if (!list_empty(&p->ready))
        return 0;
    if (p->due_n == 0)
        return -1;
    now = clock_now(p->clock);
    return p->due[0]->due <= now ? 0 : p->due[0]->due - now;
}

/* --- queues ----------------------------------------------------------------------------- */

void queue_init(struct work_queue *q, struct work_pump *p, work_cb *work, void *data)
{
    *q = (struct work_queue){.pump = p, .work = work, .data = data};
    list_append(&p->queues, &q->link);
}

void queue_deinit(struct work_queue *q)
{
    struct map_entry *e;
    size_t at = 0;

    while ((e = map_next(&q->items, &at)) != NULL)
        free_item(e->value);
    map_free(&q->items);
    list_remove(&q->link);
}

void queue_add(struct work_queue *q, const struct object_key *key)
{
    struct work_item *w = need_item(q, key);

    if (w->ready.next != NULL)
        return;
    make_ready(w);
    wake(q->pump, 0);
}

void queue_add_after(struct work_queue *q, const struct object_key *key, int64_t ms)
{
    struct work_item *w;
    int64_t due = clock_now(q->pump->clock) + ms;

    if (ms <= 0) {
        queue_add(q, key);
        return;
    }
    w = need_item(q, key);
    if (w->ready.next != NULL || (w->at != NOWHERE && w->due <= due))
        return;
    heap_remove(q->pump, w);
    w->due = due;
    heap_add(q->pump, w);
    wake(q->pump, ms);
}

void queue_retry(struct work_queue *q, const struct object_key *key)
{
    struct work_item *w = need_item(q, key);
    int64_t pause = (int64_t)FIRST_PAUSE_MS << w->failures;

    if (w->failures < MOST_FAILURES)
        w->failures++;
    queue_add_after(q, key, pause < LONGEST_PAUSE_MS ? pause : LONGEST_PAUSE_MS);
}

void queue_forget(struct work_queue *q, const struct object_key *key)
{
    struct work_item *w = find_item(q, key);

    if (w == NULL)
        return;
    w->failures = 0;
    if (is_idle(w))
        free_item(w);
}
