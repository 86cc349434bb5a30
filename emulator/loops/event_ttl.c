/* Events live for an hour after they were last said; then they are gone, as if etcd's lease on them
 * had run out. Source: kubernetes-api.md §6.3; kube-apiserver's --event-ttl. */
#include "loops/loop_kinds.h"

#include "base/macros.h"

enum { EVENT_TTL_MS = 60 * 60 * 1000 };

/* When it was last said, in ms. */
static int64_t last_said(const cJSON *doc)
{
    static const char *const times[] = {"metadata.creationTimestamp", "lastTimestamp", "eventTime",
                                        "series.lastObservedTime"};
    int64_t last = 0;

    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        int64_t t = json_time(doc, times[i]);

        last = t > last ? t : last;
    }
    return last;
}

static void reconcile(struct controller *c, struct arena *a, const struct object_key *key)
{
    struct object *o = object_get(c->world->objects, *key);
    int64_t left;

    if (o == NULL)
        return;
    left = last_said(object_doc(o)) + EVENT_TTL_MS - clock_now(c->world->clock);
    if (left > 0)
        queue_add_after(&c->queue, key, left);
    else
        (void)loop_delete(c, a, key, o->uid, NULL);
}

static void heard_event(struct controller *c, const struct object_change *change)
{
    if (change->event == OBJECT_ADDED)
        queue_add(&c->queue, &change->now->key);
}

static const struct controller_watch watches[] = {
    {"events", heard_event},
};

const struct controller_kind event_ttl_loop = {
    .name = "event-ttl",
    .user = "system:apiserver",
    .resource = "events",
    .watches = watches,
    .watches_n = ARRAY_LEN(watches),
    .sync = reconcile,
};
