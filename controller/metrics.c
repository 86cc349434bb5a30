/* Counters under a mutex. Source: v1.1.4, internal/ingress/metric/collectors. */
#include "metrics.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/macros.h"
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

/* What a family of counters is about, in the order of the page. */
static const struct family {
    const char *name, *help;
} families[] = {
    {"aws_alb_ingress_controller_aws_api_errors",   "Cumulative number of errors from the AWS API"},
    {"aws_alb_ingress_controller_aws_api_requests",
     "Cumulative number of requests made to the AWS API"                                          },
    {"aws_alb_ingress_controller_aws_api_retries",  "Cumulative number of retries to the AWS API" },
    {"aws_alb_ingress_controller_errors",
     "Cumulative number of Ingress controller errors during reconcile operations"                 },
    {"aws_alb_ingress_controller_success",
     "Cumulative number of Ingress controller reconcile operations"                               },
};

static bool belongs(const struct counter *c, const struct family *f)
{
    size_t n = strlen(f->name);

    return strncmp(c->key, f->name, n) == 0 && (c->key[n] == '{' || c->key[n] == 0);
}

static void write_family(struct metrics *m, struct buf *out, const struct family *f)
{
    size_t at = 0, written = 0;
    struct map_entry *e;

    while ((e = map_next(&m->counters, &at)) != NULL) {
        const struct counter *c = e->value;

        if (!belongs(c, f))
            continue;
        if (written++ == 0)
            buf_printf(out, "# HELP %s %s\n# TYPE %s counter\n", f->name, f->help, f->name);
        buf_printf(out, "%s %llu\n", c->key, (unsigned long long)c->count);
    }
}

void metrics_write(struct metrics *m, struct buf *out)
{
    uv_mutex_lock(&m->lock);
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        write_family(m, out, &families[i]);
    uv_mutex_unlock(&m->lock);
}
