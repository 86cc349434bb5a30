/* When a container's probes are sent, and what their answers mean.
 * Source: pkg/kubelet/prober/worker.go. */
#include "loops/kubelet_worker.h"

#include "base/macros.h"

enum {
    MS = 1000,
    FIRST_PROBE_MS = 1000, /* how long the kubelet takes to send the first one */
    ASK_AGAIN_MS = 25,
};

static const struct {
    const char *field, *title;
} kinds[PROBE_KINDS] = {
    [PROBE_STARTUP] = {"startupProbe",   "Startup"  },
    [PROBE_READINESS] = {"readinessProbe", "Readiness"},
    [PROBE_LIVENESS] = {"livenessProbe",  "Liveness" },
};

static const cJSON *probe_of(const cJSON *spec, enum probe_kind kind)
{
    return json_get(spec, kinds[kind].field);
}

void container_reset_probes(struct container_worker *w, const cJSON *spec)
{
    container_stop_probes(w);
    w->started = probe_of(spec, PROBE_STARTUP) == NULL;
    w->ready = probe_of(spec, PROBE_READINESS) == NULL && w->started;
    for (size_t i = 0; i < PROBE_KINDS; i++)
        w->probes[i] = (struct probe_worker){
            .container = w,
            .kind = (enum probe_kind)i,
            .next = w->started_at +
                    json_int(probe_of(spec, (enum probe_kind)i), "initialDelaySeconds", 0) * MS,
        };
}

void container_stop_probes(struct container_worker *w)
{
    for (size_t i = 0; i < PROBE_KINDS; i++) {
        probe_cancel(w->probes[i].sent);
        w->probes[i].sent = NULL;
    }
}

/* The pod's present document, or NULL. */
static const cJSON *present(const struct container_worker *w, const cJSON **ret_spec)
{
    struct object *o = object_get(w->pod->controller->world->objects, w->pod->key);
    const cJSON *doc;

    if (o == NULL || !str_eq(o->uid, w->pod->uid))
        return NULL;
    doc = object_doc(o);
    *ret_spec = cJSON_GetArrayItem(
        json_get(doc, w->init ? "spec.initContainers" : "spec.containers"), (int)w->index);
    return doc;
}

static void say(const struct container_worker *w, const cJSON *doc, const char *type,
                const char *reason, struct str message)
{
    struct arena a = {0};

    event_record(
        w->pod->controller, w->pod->key.cluster, doc,
        &(struct event){.type = str_c(type),
                        .reason = str_c(reason),
                        .message = message,
                        .host = w->pod->node,
                        .field_path = arena_printf(&a, "spec.containers{%.*s}", STR_ARG(w->name))});
    arena_free(&a);
}

/* What a result does once its threshold is reached. */
static void apply(struct probe_worker *p, bool ok, const cJSON *doc, struct arena *a)
{
    struct container_worker *w = p->container;

    if (p->kind == PROBE_READINESS) {
        w->ready = ok;
        return;
    }
    if (ok) {
        if (p->kind == PROBE_STARTUP)
            w->started = true;
        return;
    }
    say(w, doc, "Normal", "Killing",
        arena_printf(a, "Container %.*s failed %s probe, will be restarted", STR_ARG(w->name),
                     p->kind == PROBE_STARTUP ? "startup" : "liveness"));
    w->killed_by_liveness = true;
    w->said_stopping = true;
    container_stop(w, NULL, json_int(doc, "spec.terminationGracePeriodSeconds", 30) * MS);
}

/* DIFFERS: the kubelet's first probe comes about a second after the start, when most programs
 * listen. Ours is sent at once, and again and again within that second until one succeeds; only
 * then do failures count. */
static bool is_too_early(const struct probe_worker *p, const cJSON *probe)
{
    const struct container_worker *w = p->container;
    int64_t begun = w->started_at + json_int(probe, "initialDelaySeconds", 0) * MS;

    return !p->succeeded && clock_now(w->pod->controller->world->clock) < begun + FIRST_PROBE_MS;
}

static void ask_again(struct probe_worker *p)
{
    struct container_worker *w = p->container;

    p->next = clock_now(w->pod->controller->world->clock) + ASK_AGAIN_MS;
    queue_add_after(&w->pod->controller->queue, &w->pod->key, ASK_AGAIN_MS);
}

static void on_result(void *data, bool ok, struct str message)
{
    struct probe_worker *p = data;
    struct container_worker *w = p->container;
    const cJSON *spec = NULL, *doc = present(w, &spec), *probe;
    struct arena a = {0};

    p->sent = NULL;
    if (doc == NULL || w->phase != CONTAINER_RUNNING)
        return;
    probe = probe_of(spec, p->kind);
    if (!ok && is_too_early(p, probe)) {
        ask_again(p);
        return;
    }
    p->succeeded |= ok;
    p->successes = ok ? p->successes + 1 : 0;
    p->failures = ok ? 0 : p->failures + 1;
    if (!ok)
        say(w, doc, "Warning", "Unhealthy",
            arena_printf(&a, "%s probe failed: %.*s", kinds[p->kind].title, STR_ARG(message)));
    if ((ok && p->successes >= json_int(probe, "successThreshold", 1)) ||
        (!ok && p->failures >= json_int(probe, "failureThreshold", 3)))
        apply(p, ok, doc, &a);
    arena_free(&a);
    queue_add(&w->pod->controller->queue, &w->pod->key);
}

/* Nobody can be asked: a container that is just there is well. */
static bool answers(const struct container_worker *w)
{
    return w->pod->controller->world->loop != NULL && container_is_real(w->running);
}

static void send_probe(struct probe_worker *p, const cJSON *spec, const cJSON *probe)
{
    struct container_worker *w = p->container;
    struct loop_world *world = w->pod->controller->world;
    int64_t real = clock_real_delay(world->clock, json_int(probe, "timeoutSeconds", 1) * MS);
    struct probe_target t = {
        .loop = world->loop,
        .fabric = world->fabric,
        .address = w->pod->address,
        .handler = probe,
        .container = spec,
        .instance = w->running,
        .timeout_ms = real,
    };

    p->sent = probe_send(&t, on_result, p);
}

static bool is_due(const struct container_worker *w, enum probe_kind kind)
{
    return kind == PROBE_STARTUP ? !w->started : w->started;
}

int64_t container_probe(struct container_worker *w, const cJSON *doc, const cJSON *spec)
{
    int64_t now = clock_now(w->pod->controller->world->clock), next = 0;

    (void)doc;
    if (w->phase != CONTAINER_RUNNING || w->running == NULL)
        return 0;
    if (!answers(w)) {
        w->started = w->ready = true;
        return 0;
    }
    if (w->started && probe_of(spec, PROBE_READINESS) == NULL)
        w->ready = true;
    for (size_t i = 0; i < PROBE_KINDS; i++) {
        struct probe_worker *p = &w->probes[i];
        const cJSON *probe = probe_of(spec, p->kind);

        if (probe == NULL || !is_due(w, p->kind))
            continue;
        if (p->sent == NULL && p->next <= now) {
            send_probe(p, spec, probe);
            p->next = now + json_int(probe, "periodSeconds", 10) * MS;
        }
        if (next == 0 || p->next < next)
            next = p->next;
    }
    return next;
}
