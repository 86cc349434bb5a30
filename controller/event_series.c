/* Three tables with the oldest entries leaving first. */
#include "event_series.h"

#include <stdlib.h>

#include "base/macros.h"
#include "base/memory.h"

enum {
    MOST_ENTRIES = 4096,
    MOST_SIMILAR = 10,
    SIMILAR_MS = 600 * 1000,
    BURST = 25,
    REFILL_MS = 300 * 1000,
};

/* Each starts with its key, which is its own. */
struct similar {
    char *key;
    uint64_t messages[MOST_SIMILAR];
    size_t n;
    int64_t last_ms;
};

struct told {
    char *key;
    char *name;
    int64_t count, first_ms;
};

struct allowance {
    char *key;
    double left;
    int64_t at_ms;
};

static void similar_free(void *p)
{
    struct similar *s = p;

    free(s->key);
    free(s);
}

static void told_free(void *p)
{
    struct told *t = p;

    free(t->name);
    free(t->key);
    free(t);
}

static void allowance_free(void *p)
{
    struct allowance *l = p;

    free(l->key);
    free(l);
}

static void free_all(struct map *m, void (*free_one)(void *))
{
    size_t at = 0;
    struct map_entry *e;

    while ((e = map_next(m, &at)) != NULL)
        free_one(e->value);
    map_free(m);
}

void event_series_free(struct event_series *s)
{
    free_all(&s->similar, similar_free);
    free_all(&s->told, told_free);
    free_all(&s->allowed, allowance_free);
}

/* Takes the entry out, so that it can be put back as the youngest; a new one when there is none. */
static void *take_entry(struct map *m, struct str key, size_t size, void (*free_one)(void *))
{
    void *entry = map_remove(m, key);
    size_t at = 0;
    char *copy;

    if (entry != NULL)
        return entry;
    if (map_count(m) >= MOST_ENTRIES) {
        struct map_entry *oldest = map_next(m, &at);
        void *value = oldest->value;

        (void)map_remove(m, oldest->key);
        free_one(value);
    }
    entry = xcalloc(size);
    copy = xcalloc(key.n + 1);
    memcpy(copy, key.at, key.n);
    *(char **)entry = copy;
    return entry;
}

static struct str object_key(struct arena *a, const struct event *e)
{
    return arena_printf(a, "%.*s|%.*s|%.*s|%.*s|%.*s|%.*s", STR_ARG(e->component),
                        STR_ARG(e->about.kind), STR_ARG(e->about.namespace), STR_ARG(e->about.name),
                        STR_ARG(e->about.uid), STR_ARG(e->about.api_version));
}

/* True when so many that differ only in their messages came lately that they become one. */
static bool is_one_of_many(struct event_series *s, struct str key, const struct event *e,
                           int64_t now_ms)
{
    struct similar *entry = take_entry(&s->similar, key, sizeof *entry, similar_free);
    uint64_t message = str_hash(e->message);
    bool known = false, many;

    if (now_ms - entry->last_ms > SIMILAR_MS)
        entry->n = 0;
    for (size_t i = 0; i < entry->n; i++)
        known |= entry->messages[i] == message;
    if (!known)
        entry->messages[entry->n++] = message;
    entry->last_ms = now_ms;
    many = entry->n >= MOST_SIMILAR;
    if (many)
        entry->n--;
    map_put(&s->similar, str_c(entry->key), entry);
    return many;
}

/* A bucket for each object: 25 at once, one more each five minutes. */
static bool is_allowed(struct event_series *s, struct str key, int64_t now_ms)
{
    struct allowance *entry = take_entry(&s->allowed, key, sizeof *entry, allowance_free);
    bool ok;

    if (entry->at_ms == 0)
        entry->left = BURST;
    else
        entry->left += (double)(now_ms - entry->at_ms) / REFILL_MS;
    if (entry->left > BURST)
        entry->left = BURST;
    entry->at_ms = now_ms;
    ok = entry->left >= 1;
    if (ok)
        entry->left -= 1;
    map_put(&s->allowed, str_c(entry->key), entry);
    return ok;
}

static void count(struct event_series *s, struct arena *a, struct str key, const struct event *e,
                  int64_t now_ms, struct event_step *step)
{
    struct told *entry = take_entry(&s->told, key, sizeof *entry, told_free);

    step->patch = entry->count > 0;
    if (!step->patch) {
        entry->name =
            xstrdup(arena_printf(a, "%.*s.%llx", STR_ARG(e->about.name),
                                 (unsigned long long)now_ms * 1000000 + s->serial++ % 1000000)
                        .at);
        entry->first_ms = now_ms;
    }
    entry->count++;
    step->name = arena_str(a, str_c(entry->name));
    step->count = entry->count;
    step->first_ms = entry->first_ms;
    map_put(&s->told, str_c(entry->key), entry);
}

struct event_step event_series_next(struct event_series *s, struct arena *a, const struct event *e,
                                    int64_t now_ms)
{
    struct str object = object_key(a, e);
    struct str key =
        arena_printf(a, "%.*s|%.*s|%.*s", STR_ARG(object), STR_ARG(e->type), STR_ARG(e->reason));
    struct event_step step = {.message = e->message, .last_ms = now_ms};

    if (is_one_of_many(s, key, e, now_ms))
        step.message = arena_printf(a, "(combined from similar events): %.*s", STR_ARG(e->message));
    else
        key = arena_printf(a, "%.*s|%.*s", STR_ARG(key), STR_ARG(e->message));
    count(s, a, key, e, now_ms, &step);
    step.skip = !is_allowed(s, object, now_ms);
    return step;
}
