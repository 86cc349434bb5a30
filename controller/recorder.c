/* A queue of letters; the first one is under way. */
#include "recorder.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/macros.h"
#include "base/memory.h"
#include "klog.h"

enum { MOST_WAITING = 1000, MOST_TRIES = 12, PAUSE_MS = 10 * 1000, TEXT_LIMIT = 1 << 20 };

struct letter {
    struct link link;
    struct arena arena;
    struct event event;
    struct event_step step;
    bool planned; /* step says what to do */
    unsigned tries;
};

struct recorder {
    struct kube_client *client; /* borrowed */
    const struct clock *clock;
    struct event_series series;
    struct link letters;
    size_t waiting;
    struct kube_call *call;
    uv_timer_t timer;
};

static void send_next(struct recorder *r);

struct recorder *recorder_new(uv_loop_t *loop, struct kube_client *client,
                              const struct clock *clock)
{
    struct recorder *r = xcalloc(sizeof *r);

    r->client = client;
    r->clock = clock;
    list_init(&r->letters);
    uv_timer_init(loop, &r->timer);
    r->timer.data = r;
    return r;
}

static void letter_free(struct letter *l)
{
    list_remove(&l->link);
    arena_free(&l->arena);
    free(l);
}

static void on_closed(uv_handle_t *h)
{
    struct recorder *r = h->data;

    LIST_EACH(struct letter, l, &r->letters, link)
        letter_free(l);
    event_series_free(&r->series);
    free(r);
}

void recorder_close(struct recorder *r)
{
    if (r == NULL)
        return;
    kube_call_cancel(r->call);
    r->call = NULL;
    uv_close((uv_handle_t *)&r->timer, on_closed);
}

void recorder_tell(struct recorder *r, const struct event *e)
{
    struct letter *l;

    if (r->waiting >= MOST_WAITING)
        return;
    l = xcalloc(sizeof *l);
    l->event = (struct event){
        .about = {.kind = arena_str(&l->arena, e->about.kind),
                  .api_version = arena_str(&l->arena, e->about.api_version),
                  .namespace = arena_str(&l->arena, e->about.namespace),
                  .name = arena_str(&l->arena, e->about.name),
                  .uid = arena_str(&l->arena, e->about.uid),
                  .resource_version = arena_str(&l->arena, e->about.resource_version)},
        .component = arena_str(&l->arena, e->component),
        .type = arena_str(&l->arena, e->type),
        .reason = arena_str(&l->arena, e->reason),
        .message = arena_str(&l->arena, e->message),
    };
    list_append(&r->letters, &l->link);
    r->waiting++;
    if (r->waiting == 1)
        send_next(r);
}

/* --- what is written -------------------------------------------------------------------------- */

static cJSON *about(const struct event_object *o)
{
    cJSON *tree = cJSON_CreateObject();

    json_put_str(tree, S("kind"), o->kind);
    json_put_str(tree, S("namespace"), o->namespace);
    json_put_str(tree, S("name"), o->name);
    if (o->uid.n > 0)
        json_put_str(tree, S("uid"), o->uid);
    json_put_str(tree, S("apiVersion"), o->api_version);
    if (o->resource_version.n > 0)
        json_put_str(tree, S("resourceVersion"), o->resource_version);
    return tree;
}

static cJSON *whole_event(struct letter *l)
{
    cJSON *tree = cJSON_CreateObject(), *metadata;

    json_put_str(tree, S("kind"), S("Event"));
    json_put_str(tree, S("apiVersion"), S("v1"));
    metadata = json_need_object(tree, "metadata");
    json_put_str(metadata, S("name"), l->step.name);
    json_put_str(metadata, S("namespace"), l->event.about.namespace);
    json_put(metadata, S("creationTimestamp"), cJSON_CreateNull());
    json_put(tree, S("involvedObject"), about(&l->event.about));
    json_put_str(tree, S("reason"), l->event.reason);
    json_put_str(tree, S("message"), l->step.message);
    json_put_str(json_need_object(tree, "source"), S("component"), l->event.component);
    json_put_str(tree, S("firstTimestamp"), clock_rfc3339(&l->arena, l->step.first_ms));
    json_put_str(tree, S("lastTimestamp"), clock_rfc3339(&l->arena, l->step.last_ms));
    json_put_int(tree, S("count"), l->step.count);
    json_put_str(tree, S("type"), l->event.type);
    json_put(tree, S("eventTime"), cJSON_CreateNull());
    json_put_str(tree, S("reportingComponent"), S(""));
    json_put_str(tree, S("reportingInstance"), S(""));
    return tree;
}

static cJSON *event_patch(struct letter *l)
{
    cJSON *tree = cJSON_CreateObject();

    json_put_int(tree, S("count"), l->step.count);
    json_put_str(tree, S("lastTimestamp"), clock_rfc3339(&l->arena, l->step.last_ms));
    json_put_str(tree, S("message"), l->step.message);
    return tree;
}

/* --- how it is delivered ---------------------------------------------------------------------- */

static struct letter *first(struct recorder *r)
{
    return container_of(r->letters.next, struct letter, link);
}

static void done_with_first(struct recorder *r)
{
    letter_free(first(r));
    r->waiting--;
    if (r->waiting > 0)
        send_next(r);
}

static void on_pause_over(uv_timer_t *t)
{
    send_next(t->data);
}

/* Nobody could be asked: all wait. */
static void try_again(struct recorder *r, struct letter *l, struct str error)
{
    uint64_t pause = PAUSE_MS;

    klog_write(KLOG_ERROR, "event.go:203",
               "Unable to write event: '%.*s' (may retry after "
               "sleeping)",
               STR_ARG(error));
    if (++l->tries >= MOST_TRIES) {
        klog_write(KLOG_ERROR, "event.go:144",
                   "Unable to write event '%.*s' (retry limit "
                   "exceeded!)",
                   STR_ARG(l->step.message));
        done_with_first(r);
        return;
    }
    if (l->tries == 1)
        pause = (uint64_t)clock_steady_us() % PAUSE_MS; /* not all controllers at once */
    uv_timer_start(&r->timer, on_pause_over, pause, 0);
}

static void on_answer(void *data, const struct kube_answer *answer)
{
    struct recorder *r = data;
    struct letter *l = first(r);

    r->call = NULL;
    if (answer->status == 404 && l->step.patch) { /* the object had its time: a new one */
        l->step.patch = false;
        send_next(r);
    } else if (answer->status == 0) {
        try_again(r, l, answer->error);
    } else {
        if (!answer->ok && !str_is(answer->reason, "AlreadyExists"))
            klog_write(KLOG_ERROR, "event.go:198",
                       "Server rejected event '%.*s': '%.*s' (will not retry!)",
                       STR_ARG(l->step.message), STR_ARG(answer->error));
        done_with_first(r);
    }
}

static void send_step(struct recorder *r, struct letter *l)
{
    CLEANUP(buf_free) struct buf body = buf_init(TEXT_LIMIT);
    CLEANUP(json_freep) cJSON *tree = l->step.patch ? event_patch(l) : whole_event(l);
    struct str path = arena_printf(&l->arena, "/api/v1/namespaces/%.*s/events",
                                   STR_ARG(l->event.about.namespace));

    json_write(&body, tree);
    if (l->step.patch)
        path = arena_printf(&l->arena, "%.*s/%.*s", STR_ARG(path), STR_ARG(l->step.name));
    r->call = kube_client_send(
        r->client,
        &(struct kube_request){
            .method = l->step.patch ? "PATCH" : "POST",
            .path = path,
            .content_type = l->step.patch ? "application/strategic-merge-patch+json" : NULL,
            .body = buf_str(&body),
            .on_answer = on_answer,
            .data = r,
        });
}

static void send_next(struct recorder *r)
{
    struct letter *l = first(r);

    if (!l->planned)
        l->step = event_series_next(&r->series, &l->arena, &l->event, clock_now(r->clock));
    l->planned = true;
    if (l->step.skip)
        done_with_first(r);
    else
        send_step(r, l);
}
