/* Which Events become new objects, which are one more of a series and only patch its object, and
 * which are too many. Pure: times are passed in.
 * Source: client-go 1.13, tools/record/events_cache.go. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/str.h"

/* The object that an Event is about. */
struct event_object {
    struct str kind, api_version, namespace, name, uid, resource_version;
};

struct event {
    struct event_object about;
    struct str component; /* who says it */
    struct str type, reason, message;
};

struct event_series {
    struct map similar; /* what differs only in its message: key -> struct similar */
    struct map told;    /* Events that have an object: key -> struct told */
    struct map allowed; /* how many more an object may have: key -> struct allowance */
    unsigned serial;    /* keeps names of one moment apart */
};

struct event_step {
    bool skip;  /* too many: say nothing */
    bool patch; /* @name is there already */
    struct str name, message;
    int64_t count, first_ms, last_ms;
};

void event_series_free(struct event_series *s);

/* What to do for @e, which happens at @now_ms; texts in @a. */
struct event_step event_series_next(struct event_series *s, struct arena *a, const struct event *e,
                                    int64_t now_ms);
