/* Events: what the loops say about objects. The same saying again counts up the event that is
 * there instead of making another, as client-go's recorder does. */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "base/str.h"

struct controller;

/* The sayings of the last time, by what makes them the same. */
struct event_recorder {
    struct map known;  /* struct known_event by digest */
    int64_t last_name; /* nanoseconds; names are by time, and never the same */
};

void events_init(struct event_recorder *r);
void events_deinit(struct event_recorder *r);

struct event {
    struct str type; /* "Normal", "Warning" */
    struct str reason, message;
    const char *component; /* NULL: the loop's name */
    struct str host;
    struct str field_path; /* "spec.containers{nginx}" or empty */
};

/* Records @e about the object @doc of @cluster (apiVersion, kind and metadata are read). */
void event_record(struct controller *c, struct str cluster, const cJSON *doc,
                  const struct event *e);

/* The common case. */
void event_normal(struct controller *c, struct str cluster, const cJSON *doc, const char *reason,
                  struct str message);
void event_warning(struct controller *c, struct str cluster, const cJSON *doc, const char *reason,
                   struct str message);
