/* The control thread's side: starting and ending the workers, handing them orders, and the queue
 * of what they report. The dataplane belongs to whoever started it until dataplane_close(); it is
 * freed when libuv has returned its handle, after every thread was joined.  */
#include "dataplane/dataplane.h"

#include <stdlib.h>

#include "base/macros.h"
#include "base/memory.h"
#include "dataplane/plane.h"
#include "dataplane/record.h"
#include "dataplane/worker.h"

struct report {
    struct link link;
    struct arena arena;
    struct dp_health_report health;
};

struct dataplane {
    struct worker *workers;
    unsigned count;
    uv_async_t wake; /* reports wait, or a worker ended */
    uv_mutex_t lock; /* of reports and ended */
    struct link reports;
    struct link logs; /* struct log_batch */
    unsigned ended;
    bool closing;
    dp_health_cb *on_health;
    dp_log_cb *on_log;
    void *data;
    void (*on_closed)(void *data);
    void *close_data;
};

/* --- reports --------------------------------------------------------------------------------- */

static void free_report(struct report *r)
{
    arena_free(&r->arena);
    free(r);
}

void plane_report(struct dataplane *d, const struct dp_health_report *report)
{
    struct report *r = xcalloc(sizeof *r);

    r->health = *report;
    r->health.group_arn = arena_str(&r->arena, report->group_arn);
    r->health.target_id = arena_str(&r->arena, report->target_id);
    r->health.reason = arena_str(&r->arena, report->reason);
    r->health.description = arena_str(&r->arena, report->description);
    uv_mutex_lock(&d->lock);
    list_append(&d->reports, &r->link);
    uv_mutex_unlock(&d->lock);
    (void)uv_async_send(&d->wake);
}

void plane_log(struct dataplane *d, struct log_batch *batch)
{
    uv_mutex_lock(&d->lock);
    list_append(&d->logs, &batch->link);
    uv_mutex_unlock(&d->lock);
    (void)uv_async_send(&d->wake);
}

static struct log_batch *next_batch(struct dataplane *d)
{
    struct log_batch *b = NULL;

    uv_mutex_lock(&d->lock);
    if (!list_empty(&d->logs)) {
        b = container_of(d->logs.next, struct log_batch, link);
        list_remove(&b->link);
    }
    uv_mutex_unlock(&d->lock);
    return b;
}

/* Also while everything closes: what was logged is written. */
static void tell_logs(struct dataplane *d)
{
    struct log_batch *b;

    while ((b = next_batch(d)) != NULL) {
        const struct dp_attributes *a = &b->config->attributes;
        struct dp_log log = {
            .kind = b->kind,
            .arn = b->config->arn,
            .place = b->kind == DP_LOG_ACCESS ? &a->access_log : &a->connection_log,
            .node = b->config->address_count > 0 ? b->config->addresses[0] : 0,
            .lines = buf_str(&b->lines),
        };

        if (d->on_log != NULL)
            d->on_log(d->data, &log);
        log_batch_free(b);
    }
}

static struct report *next_report(struct dataplane *d, bool *ret_all_ended)
{
    struct report *r = NULL;

    uv_mutex_lock(&d->lock);
    if (!list_empty(&d->reports)) {
        r = container_of(d->reports.next, struct report, link);
        list_remove(&r->link);
    }
    *ret_all_ended = d->ended == d->count;
    uv_mutex_unlock(&d->lock);
    return r;
}

/* --- the end --------------------------------------------------------------------------------- */

static void free_plane(struct dataplane *d)
{
    uv_mutex_destroy(&d->lock);
    free(d->workers);
    free(d);
}

static void on_wake_closed(uv_handle_t *h)
{
    struct dataplane *d = h->data;
    void (*on_closed)(void *data) = d->on_closed;
    void *data = d->close_data;

    free_plane(d);
    if (on_closed != NULL)
        on_closed(data);
}

static void end_workers(struct dataplane *d)
{
    for (unsigned i = 0; i < d->count; i++) {
        if (d->workers[i].running)
            (void)uv_thread_join(&d->workers[i].thread);
        worker_deinit(&d->workers[i]);
    }
    tell_logs(d);
    d->count = 0;
    uv_close((uv_handle_t *)&d->wake, on_wake_closed);
}

static void on_wake(uv_async_t *async)
{
    struct dataplane *d = async->data;
    bool all_ended = false;
    struct report *r;

    while ((r = next_report(d, &all_ended)) != NULL) {
        if (!d->closing && d->on_health != NULL)
            d->on_health(d->data, &r->health);
        free_report(r);
    }
    tell_logs(d);
    if (d->closing && all_ended && !uv_is_closing((uv_handle_t *)async))
        end_workers(d);
}

void dataplane_close(struct dataplane *d, void (*on_closed)(void *data), void *data)
{
    d->closing = true;
    d->on_closed = on_closed;
    d->close_data = data;
    for (unsigned i = 0; i < d->count; i++)
        worker_tell(&d->workers[i], &(struct order){.kind = ORDER_STOP});
}

/* --- the beginning --------------------------------------------------------------------------- */

static void run_worker(void *data)
{
    struct worker *w = data;
    struct dataplane *d = w->plane;

    worker_run(w);
    uv_mutex_lock(&d->lock);
    d->ended++;
    uv_mutex_unlock(&d->lock);
    (void)uv_async_send(&d->wake);
}

static int init_workers(struct dataplane *d, const struct dataplane_settings *settings)
{
    struct dataplane_settings s = *settings;

    for (unsigned i = 0; i < settings->workers; i++) {
        int r = worker_init(&d->workers[i], d, i, &s);

        d->count++;
        if (r < 0)
            return r;
        if (s.http != NULL)
            s.http = &d->workers[0].common_http; /* a port of 0 is settled by the first */
        if (s.https != NULL)
            s.https = &d->workers[0].common_https;
    }
    return 0;
}

int dataplane_start(uv_loop_t *loop, const struct dataplane_settings *settings,
                    struct dataplane **ret_dataplane, bool *ret_https_failed)
{
    struct dataplane *d = xcalloc(sizeof *d);
    int r = uv_async_init(loop, &d->wake, on_wake);

    if (r < 0) {
        free(d);
        return r;
    }
    d->wake.data = d;
    d->workers = xcalloc(settings->workers * sizeof *d->workers);
    d->on_health = settings->on_health;
    d->on_log = settings->on_log;
    d->data = settings->data;
    list_init(&d->reports);
    list_init(&d->logs);
    (void)uv_mutex_init(&d->lock);
    r = init_workers(d, settings);
    for (unsigned i = 0; r == 0 && i < d->count; i++) {
        r = uv_thread_create(&d->workers[i].thread, run_worker, &d->workers[i]);
        d->workers[i].running = r == 0;
    }
    if (r < 0) {
        *ret_https_failed = settings->http == NULL || d->workers[d->count - 1].common_http.sin_port;
        for (unsigned i = 0; i < d->count; i++)
            if (d->workers[i].running)
                worker_tell(&d->workers[i], &(struct order){.kind = ORDER_STOP});
        end_workers(d);
        return r;
    }
    *ret_dataplane = d;
    return 0;
}

struct sockaddr_in dataplane_http_address(const struct dataplane *d)
{
    return d->workers[0].common_http;
}

struct sockaddr_in dataplane_https_address(const struct dataplane *d)
{
    return d->workers[0].common_https;
}

/* --- orders ---------------------------------------------------------------------------------- */

static char *heap_copy(struct str s)
{
    char *copy = xcalloc(s.n + 1);

    if (s.n > 0)
        memcpy(copy, s.at, s.n);
    return copy;
}

static void tell_balancer(struct dataplane *d, struct str arn, struct dp_balancer *b)
{
    for (unsigned i = 0; i < d->count && !d->closing; i++)
        worker_tell(&d->workers[i], &(struct order){.kind = ORDER_BALANCER,
                                                    .key = heap_copy(arn),
                                                    .balancer = b ? dp_balancer_ref(b) : NULL});
}

void dataplane_put_balancer(struct dataplane *d, struct dp_balancer *b)
{
    tell_balancer(d, b->arn, b);
    dp_balancer_unref(b);
}

void dataplane_remove_balancer(struct dataplane *d, struct str arn)
{
    tell_balancer(d, arn, NULL);
}

static void tell_service(struct dataplane *d, struct str key, struct dp_service *s)
{
    for (unsigned i = 0; i < d->count && !d->closing; i++)
        worker_tell(&d->workers[i], &(struct order){.kind = ORDER_SERVICE,
                                                    .key = heap_copy(key),
                                                    .service = s ? dp_service_ref(s) : NULL});
}

void dataplane_put_service(struct dataplane *d, struct dp_service *s)
{
    tell_service(d, s->key, s);
    dp_service_unref(s);
}

void dataplane_remove_service(struct dataplane *d, struct str key)
{
    tell_service(d, key, NULL);
}

bool dataplane_is_settled(const struct dataplane *d)
{
    for (unsigned i = 0; i < d->count; i++)
        if (!worker_is_settled(&d->workers[i]))
            return false;
    return true;
}

void dataplane_clock_changed(struct dataplane *d)
{
    for (unsigned i = 0; i < d->count; i++)
        worker_tell(&d->workers[i], &(struct order){.kind = ORDER_CLOCK});
}
