/* Counters under a mutex. Source: v1.1.4, internal/ingress/metric/collectors. */
#include "metrics.h"

#include <stdlib.h>
#include <uv.h>

#include "base/map.h"
#include "base/memory.h"

struct counter {
    char *key; /* name and labels as they are written */
    uint64_t count;
};

struct metrics {
    uv_mutex_t lock;
    struct map counters; /* key -> struct counter */
};

struct metrics *metrics_new(void)
{
    struct metrics *m = xcalloc(sizeof *m);

    uv_mutex_init(&m->lock);
    return m;
}

void metrics_free(struct metrics *m)
{
    size_t at = 0;
    struct map_entry *e;

    if (m == NULL)
        return;
    while ((e = map_next(&m->counters, &at)) != NULL) {
        struct counter *c = e->value;

        free(c->key);
        free(c);
    }
    map_free(&m->counters);
    uv_mutex_destroy(&m->lock);
    free(m);
}

void metrics_count(struct metrics *m, const char *name, const char *label, struct str value,
                   const char *label2, struct str value2)
{
    CLEANUP(buf_free) struct buf key = buf_init(4096);
    struct counter *c;

    buf_printf(&key, "aws_alb_ingress_controller_%s", name);
    if (label != NULL)
        buf_printf(&key, "{%s=\"%.*s\"", label, STR_ARG(value));
    if (label2 != NULL)
        buf_printf(&key, ",%s=\"%.*s\"", label2, STR_ARG(value2));
    if (label != NULL)
        buf_char(&key, '}');
    uv_mutex_lock(&m->lock);
    c = map_get(&m->counters, buf_str(&key));
    if (c == NULL) {
        c = xcalloc(sizeof *c);
        c->key = buf_take(&key);
        map_put(&m->counters, str_c(c->key), c);
    }
    c->count++;
    uv_mutex_unlock(&m->lock);
}

void metrics_write(struct metrics *m, struct buf *out)
{
    size_t at = 0;
    struct map_entry *e;

    uv_mutex_lock(&m->lock);
    while ((e = map_next(&m->counters, &at)) != NULL) {
        const struct counter *c = e->value;

        buf_printf(out, "%s %llu\n", c->key, (unsigned long long)c->count);
    }
    uv_mutex_unlock(&m->lock);
}
