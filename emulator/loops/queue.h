/* Work queues of the control loops: keys of objects that someone should look at, each at most once
 * at a time, now or later, again with growing pauses where it failed. One pump drives the queues
 * of all loops in turn, in bounded batches. No I/O: whoever owns the event loop calls pump_run,
 * and is told through `wake` when to. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "store/object.h"

struct work_item;

struct work_queue;
typedef void work_cb(void *data, const struct object_key *key);

struct work_pump {
    const struct clock *clock; /* borrowed */
    struct link queues;
    struct link ready;      /* items that are due, in the order in which they became so */
    struct work_item **due; /* the others: a heap by time */
    size_t due_n, due_room;
    /* Work is due in @ms of the world's clock, sooner than last said. NULL: nobody to wake. */
    void (*wake)(void *data, int64_t ms);
    void *wake_data;
};

struct work_queue {
    struct link link;
    struct work_pump *pump;
    struct map items; /* by key text */
    work_cb *work;
    void *data;
};

void pump_init(struct work_pump *p, const struct clock *clock);

/* Works on at most @most items that are due. Returns in how many milliseconds of the world's clock
 * there is more to do: 0 for at once, negative for nothing. */
int64_t pump_run(struct work_pump *p, size_t most);

/* Frees the heap. Its queues must be gone. */
void pump_deinit(struct work_pump *p);

/* @work is called for each key in its turn; it may add keys, its own too. */
void queue_init(struct work_queue *q, struct work_pump *p, work_cb *work, void *data);
void queue_deinit(struct work_queue *q);

/* Soon; nothing changes when the key waits already and is due. Keys are copied. */
void queue_add(struct work_queue *q, const struct object_key *key);

/* In @ms of the world's clock; the earlier time wins. */
void queue_add_after(struct work_queue *q, const struct object_key *key, int64_t ms);

/* Later, after 50 ms, 100 ms … at most a minute, as often as it is called for the key in a row. */
void queue_retry(struct work_queue *q, const struct object_key *key);

/* It worked: the next retry starts small again. */
void queue_forget(struct work_queue *q, const struct object_key *key);
