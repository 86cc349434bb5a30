/* The keys that wait to be worked on. A key waits once, however often it is added; one that is
 * added while it is worked on waits again afterwards. What failed comes back later and later.
 * Pure: times are passed in. Source: client-go 1.13, util/workqueue; controller-runtime 0.1.10. */
#pragma once

#include <stdbool.h>

#include "base/list.h"
#include "base/map.h"
#include "base/str.h"

struct queue {
    struct map items;     /* key -> struct queue_item, every key that is not at rest */
    struct link ready;    /* in order */
    int64_t bucket_at_ms; /* the overall limit of retries: when the bucket was last looked at */
    double tokens;
    bool filled; /* the bucket has been */
};

void queue_init(struct queue *q);
void queue_free(struct queue *q);

void queue_add(struct queue *q, struct str key);

/* The first key that is ready, now worked on; borrowed until queue_done. False when there is
 * none. */
bool queue_take(struct queue *q, int64_t now_ms, struct str *ret_key);

/* The work on @key is over. @failed: it is added again, 5 ms * 2^n later but never within
 * @pause_ms; else its failures are forgotten. */
void queue_done(struct queue *q, struct str key, bool failed, int64_t pause_ms, int64_t now_ms);

/* When the next delayed key becomes ready; INT64_MAX when none is delayed. */
int64_t queue_next_ms(const struct queue *q);
