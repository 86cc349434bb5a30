/* Informers feed the objects and the queue; workers take keys from it, one pass a key.
 * Source: aws-alb-ingress-controller v1.1.4, internal/ingress/controller; controller-runtime
 * 0.1.10, pkg/internal/controller.
 *
 * DIFFERS: v1.1.4's worker pauses for a second after a failure, and all Ingresses with it; here
 * only the one that failed waits so long. */
#include "reconciler.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/macros.h"
#include "base/memory.h"
#include "go_text.h"
#include "informer.h"
#include "klog.h"
#include "pass.h"
#include "queue.h"
#include "triggers.h"
#include "worker.h"

enum { PAUSE_MS = 1000, TEXT_LIMIT = 4 << 20 };

static const char component[] = "alb-ingress-controller";

struct reconciler {
    struct reconciler_options o;
    struct objects objects;
    struct queue queue;
    struct informer *informers[KIND_COUNT]; /* NULL: not watched */
    size_t unsynced;                        /* informers that have no list yet */
    struct cert_cache *certificates;
    struct link writing; /* jobs whose status is on its way */
    struct worker **workers;
    bool *idle; /* of each worker */
    size_t worker_count, ended;
    uv_timer_t wake, resync;
    unsigned handles;
    bool working, closing;
    void (*on_closed)(void *data);
    void *closed_data;
};

/* One pass of one Ingress, on its way through a worker and back. */
struct job {
    struct link link; /* while its status is written */
    struct kube_call *call;
    struct reconciler *reconciler;
    size_t worker;
    struct arena arena;
    struct str key;
    struct wanted *wanted;
    struct event_object about;
    struct pass pass;
    bool ok;
};

static void pump(struct reconciler *r);

static int64_t now_ms(void)
{
    return clock_steady_us() / 1000;
}

/* --- Events, from the worker's thread to the recorder ---------------------------------------- */

struct said {
    struct reconciler *reconciler;
    struct arena arena;
    struct event event;
};

static void record(void *data)
{
    struct said *s = data;

    if (!s->reconciler->closing)
        recorder_tell(s->reconciler->o.recorder, &s->event);
    arena_free(&s->arena);
    free(s);
}

static struct event_object copy_object(struct arena *a, const struct event_object *o)
{
    return (struct event_object){
        .kind = o->kind,
        .api_version = o->api_version,
        .namespace = arena_str(a, o->namespace),
        .name = arena_str(a, o->name),
        .uid = arena_str(a, o->uid),
        .resource_version = arena_str(a, o->resource_version),
    };
}

static void on_pass_event(void *data, const char *type, const char *reason, struct str message)
{
    struct job *job = data;
    struct said *s = xcalloc(sizeof *s);

    s->reconciler = job->reconciler;
    s->event = (struct event){
        .about = copy_object(&s->arena, &job->about),
        .component = str_c(component),
        .type = str_c(type),
        .reason = str_c(reason),
        .message = arena_str(&s->arena, message),
    };
    mailbox_post(job->reconciler->o.mailbox, record, s);
}

/* --- the end of a pass ----------------------------------------------------------------------- */

static void log_failure(struct job *job, struct str error)
{
    const struct wanted *w = job->wanted;

    klog_write(KLOG_ERROR, "controller.go:217",
               "kubebuilder/controller \"msg\"=\"Reconciler error\" \"error\"=%.*s  "
               "\"controller\"=\"alb-ingress-controller\" "
               "\"request\"={\"Namespace\":\"%.*s\",\"Name\":\"%.*s\"}",
               STR_ARG(go_json_quote(&job->arena, error)), STR_ARG(w->namespace), STR_ARG(w->name));
}

static void job_free(struct job *job)
{
    list_remove(&job->link);
    arena_free(&job->arena);
    free(job);
}

static void finish(struct job *job, bool ok, struct str error)
{
    struct reconciler *r = job->reconciler;
    struct str class = r->o.settings->ingress_class;

    if (ok)
        metrics_count(r->o.metrics, "success", "class", class, NULL, (struct str){0});
    else
        metrics_count(r->o.metrics, "errors", "class", class, "ingress", job->key);
    if (!ok && !r->closing)
        log_failure(job, error);
    queue_done(&r->queue, job->key, !ok, PAUSE_MS, now_ms());
    r->idle[job->worker] = true;
    job_free(job);
    pump(r);
}

static void on_status_written(void *data, const struct kube_answer *answer)
{
    finish(data, answer->ok, answer->error);
}

static bool has_status(const cJSON *ingress, struct str name)
{
    const cJSON *list = json_get(ingress, "status.loadBalancer.ingress");

    return cJSON_GetArraySize(list) == 1 && json_str(list->child, "ip").n == 0 &&
           str_eq(json_str(list->child, "hostname"), name);
}

static void set_status(cJSON *ingress, struct str name)
{
    cJSON *list = cJSON_CreateArray(), *entry = cJSON_CreateObject();

    json_put_str(entry, S("hostname"), name);
    cJSON_AddItemToArray(list, entry);
    json_put(json_need_object(ingress, "status.loadBalancer"), S("ingress"), list);
    json_put_str(ingress, S("kind"), S("Ingress"));
    json_put_str(ingress, S("apiVersion"), S("extensions/v1beta1"));
}

/* The Ingress may have changed or gone meanwhile: then it is queued again anyhow. */
static void write_status(struct job *job)
{
    struct reconciler *r = job->reconciler;
    const cJSON *now = objects_get(&r->objects, KIND_INGRESS, job->key);
    CLEANUP(buf_free) struct buf body = buf_init(TEXT_LIMIT);
    CLEANUP(json_freep) cJSON *changed = NULL;

    if (now == NULL || has_status(now, job->pass.dns_name)) {
        finish(job, true, (struct str){0});
        return;
    }
    changed = cJSON_Duplicate(now, true);
    set_status(changed, job->pass.dns_name);
    json_write(&body, changed);
    list_append(&r->writing, &job->link);
    job->call = kube_client_send(
        r->o.client,
        &(struct kube_request){
            .method = "PUT",
            .path = arena_printf(&job->arena,
                                 "/apis/extensions/v1beta1/namespaces/%.*s/ingresses/%.*s/status",
                                 STR_ARG(job->wanted->namespace), STR_ARG(job->wanted->name)),
            .body = buf_str(&body),
            .on_answer = on_status_written,
            .data = job,
        });
}

static void on_pass_done(struct worker *w UNUSED, void *data)
{
    struct job *job = data;

    if (job->ok && !job->wanted->deleted && !job->reconciler->closing)
        write_status(job);
    else
        finish(job, job->ok, job->pass.error);
}

/* --- the beginning of one -------------------------------------------------------------------- */

static void run_job(void *data)
{
    struct job *job = data;

    job->ok = pass_run(&job->pass);
}

static struct job *new_job(struct reconciler *r, struct str key)
{
    struct job *job = xcalloc(sizeof *job);
    const cJSON *ingress = objects_get(&r->objects, KIND_INGRESS, key);
    struct str namespace = {0}, name = key;

    job->reconciler = r;
    job->key = arena_str(&job->arena, key);
    (void)str_cut(job->key, '/', &namespace, &name);
    job->wanted = ingress == NULL ? model_build_deleted(&job->arena, r->o.settings, namespace, name)
                                  : model_build(&job->arena, r->o.settings, &r->objects, ingress);
    job->about = copy_object(
        &job->arena, &(struct event_object){S("Ingress"), S("extensions/v1beta1"), namespace, name,
                                            json_str(ingress, "metadata.uid"),
                                            json_str(ingress, "metadata.resourceVersion")});
    job->pass = (struct pass){
        .a = &job->arena,
        .aws = r->o.aws,
        .waiting = r->o.waiting,
        .certificates = r->certificates,
        .settings = r->o.settings,
        .waf = r->o.settings->feature_waf && aws_has_service(AWS_WAF, r->o.settings->region),
        .wanted = job->wanted,
        .event = ingress == NULL ? NULL : on_pass_event,
        .event_data = job,
    };
    return job;
}

static void on_wake(uv_timer_t *t)
{
    pump(t->data);
}

/* Gives every idle worker something to do, as long as there is something. */
static void pump(struct reconciler *r)
{
    int64_t next;
    struct str key;

    if (!r->working || r->closing)
        return;
    for (size_t i = 0; i < r->worker_count; i++) {
        struct job *job;

        if (!r->idle[i])
            continue;
        if (!queue_take(&r->queue, now_ms(), &key))
            break;
        r->idle[i] = false;
        job = new_job(r, key);
        job->worker = i;
        worker_give(r->workers[i], job);
    }
    next = queue_next_ms(&r->queue);
    if (next == INT64_MAX)
        uv_timer_stop(&r->wake);
    else
        uv_timer_start(&r->wake, on_wake, next > now_ms() ? (uint64_t)(next - now_ms()) : 1, 0);
}

/* --- what is watched ------------------------------------------------------------------------- */

static void enqueue(void *data, struct str key)
{
    struct reconciler *r = data;

    queue_add(&r->queue, key);
}

static void on_change(void *data, enum object_kind kind, const cJSON *old, const cJSON *now)
{
    struct reconciler *r = data;

    triggers_find(r->o.settings, &r->objects, kind, old, now, enqueue, r);
    pump(r);
}

static void on_resync(uv_timer_t *t)
{
    struct reconciler *r = t->data;

    triggers_find_all(r->o.settings, &r->objects, (struct str){0}, enqueue, r);
    pump(r);
}

static void start_workers(struct reconciler *r)
{
    int64_t period = r->o.settings->sync_period_ms;

    klog_write(KLOG_INFO, "controller.go:134",
               "kubebuilder/controller \"level\"=0 \"msg\"=\"Starting Controller\"  "
               "\"controller\"=\"alb-ingress-controller\"");
    klog_write(KLOG_INFO, "controller.go:154",
               "kubebuilder/controller \"level\"=0 \"msg\"=\"Starting workers\"  "
               "\"controller\"=\"alb-ingress-controller\" \"worker count\"=%zu",
               r->worker_count);
    for (size_t i = 0; i < r->worker_count; i++) {
        r->workers[i] = worker_start(r->o.mailbox, run_job, on_pass_done);
        r->idle[i] = true;
    }
    r->working = true;
    if (period > 0)
        uv_timer_start(&r->resync, on_resync, (uint64_t)period, (uint64_t)period);
    pump(r);
}

static void on_synced(void *data)
{
    struct reconciler *r = data;

    if (--r->unsynced == 0)
        start_workers(r);
}

static void start_informers(struct reconciler *r)
{
    const struct settings *s = r->o.settings;

    for (int k = 0; k < KIND_COUNT; k++)
        r->unsynced += k != KIND_CONFIG_MAP || s->restrict_scheme;
    for (int k = 0; k < KIND_COUNT; k++) {
        if (k == KIND_CONFIG_MAP && !s->restrict_scheme)
            continue;
        r->informers[k] = informer_start(&(struct informer_options){
            .loop = r->o.loop,
            .client = r->o.client,
            .objects = &r->objects,
            .kind = (enum object_kind)k,
            .namespace = s->watch_namespace,
            .on_change = on_change,
            .on_synced = on_synced,
            .data = r,
        });
    }
}

/* --- life ------------------------------------------------------------------------------------ */

struct reconciler *reconciler_start(const struct reconciler_options *o)
{
    struct reconciler *r = xcalloc(sizeof *r);

    r->o = *o;
    queue_init(&r->queue);
    list_init(&r->writing);
    r->certificates = cert_cache_new(o->clock);
    r->worker_count = (size_t)o->settings->max_concurrent_reconciles;
    r->workers = xcalloc(r->worker_count * sizeof *r->workers);
    r->idle = xcalloc(r->worker_count * sizeof *r->idle);
    uv_timer_init(o->loop, &r->wake);
    uv_timer_init(o->loop, &r->resync);
    r->wake.data = r->resync.data = r;
    r->handles = 2;
    start_informers(r);
    return r;
}

static void on_handle_closed(uv_handle_t *h)
{
    struct reconciler *r = h->data;

    if (--r->handles > 0)
        return;
    queue_free(&r->queue);
    objects_free(&r->objects);
    cert_cache_free(r->certificates);
    free(r->workers);
    free(r->idle);
    r->on_closed(r->closed_data);
    free(r);
}

static void close_handles(struct reconciler *r)
{
    uv_close((uv_handle_t *)&r->wake, on_handle_closed);
    uv_close((uv_handle_t *)&r->resync, on_handle_closed);
}

static void on_worker_ended(void *data)
{
    struct reconciler *r = data;

    if (++r->ended == r->worker_count)
        close_handles(r);
}

void reconciler_close(struct reconciler *r, void (*on_closed)(void *data), void *data)
{
    r->closing = true;
    r->on_closed = on_closed;
    r->closed_data = data;
    for (int k = 0; k < KIND_COUNT; k++)
        informer_close(r->informers[k]);
    LIST_EACH(struct job, job, &r->writing, link) {
        kube_call_cancel(job->call);
        job_free(job);
    }
    if (!r->working)
        close_handles(r);
    for (size_t i = 0; r->working && i < r->worker_count; i++)
        worker_close(r->workers[i], on_worker_ended, r);
}
