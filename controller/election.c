/* Every two seconds one round: read the ConfigMap, look who holds it, write it. */
#include "election.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/macros.h"
#include "base/memory.h"
#include "klog.h"

enum {
    LEASE_S = 15,
    RENEW_DEADLINE_MS = 10 * 1000,
    RETRY_MS = 2 * 1000,
    RELEASE_MS = 1000, /* how long giving up the lease may take */
    TEXT_LIMIT = 1 << 20,
};

static const char annotation[] = "control-plane.alpha.kubernetes.io/leader";

struct election {
    struct election_options o;
    struct arena arena;
    struct kube_call *call;
    uv_timer_t timer;
    bool leading, closing;
    cJSON *map;      /* as the server has it, or NULL */
    char *seen;      /* the record as it was last seen to change */
    int64_t seen_us; /* when that was */
    int64_t good_us; /* when the lease was last written */
    void (*on_closed)(void *data);
    void *closed_data;
};

static void begin_round(struct election *e);

static struct str describe(struct election *e, struct arena *a)
{
    return arena_printf(a, "%.*s/%.*s", STR_ARG(e->o.namespace), STR_ARG(e->o.name));
}

static void on_timer(uv_timer_t *t)
{
    begin_round(t->data);
}

static void on_timer_closed(uv_handle_t *h)
{
    struct election *e = h->data;
    void (*on_closed)(void *) = e->on_closed;
    void *data = e->closed_data;

    cJSON_Delete(e->map);
    free(e->seen);
    arena_free(&e->arena);
    free(e);
    if (on_closed != NULL)
        on_closed(data);
}

static void finish_close(struct election *e)
{
    uv_close((uv_handle_t *)&e->timer, on_timer_closed);
}

/* --- the end of a round ----------------------------------------------------------------------- */

static void tell(struct election *e, const char *what)
{
    struct arena a = {0};
    struct event event = {
        .about = {S("ConfigMap"), S("v1"), e->o.namespace, e->o.name,
                  json_str(e->map, "metadata.uid"), json_str(e->map, "metadata.resourceVersion")},
        .component = e->o.identity,
        .type = S("Normal"),
        .reason = S("LeaderElection"),
        .message = arena_printf(&a, "%.*s %s", STR_ARG(e->o.identity), what),
    };

    recorder_tell(e->o.recorder, &event);
    arena_free(&a);
}

static void remember_map(struct election *e, struct str body)
{
    cJSON *map = json_parse(body, NULL);

    if (map == NULL)
        return;
    cJSON_Delete(e->map);
    e->map = map;
}

static void won_round(struct election *e)
{
    struct arena a = {0};
    struct str what = describe(e, &a);

    e->good_us = clock_steady_us();
    uv_timer_start(&e->timer, on_timer, RETRY_MS, 0);
    if (!e->leading) {
        e->leading = true;
        tell(e, "became leader");
        klog_write(KLOG_INFO, "leaderelection.go:214", "successfully acquired lease %.*s",
                   STR_ARG(what));
        e->o.on_leading(e->o.data);
    }
    arena_free(&a);
}

static void lost_round(struct election *e)
{
    struct arena a = {0};
    struct str what = describe(e, &a);
    bool over = e->leading && clock_steady_us() - e->good_us >= RENEW_DEADLINE_MS * 1000LL;

    if (over) {
        e->leading = false;
        tell(e, "stopped leading");
        klog_write(KLOG_INFO, "leaderelection.go:249",
                   "failed to renew lease %.*s: timed out waiting for the condition",
                   STR_ARG(what));
        e->o.on_lost(e->o.data);
    } else {
        /* Those who wait are not to come all at once. */
        uv_timer_start(
            &e->timer, on_timer,
            RETRY_MS + (e->leading ? 0 : (uint64_t)clock_steady_us() % (RETRY_MS * 6 / 5)), 0);
    }
    arena_free(&a);
}

/* --- writing the record ----------------------------------------------------------------------- */

static void on_written(void *data, const struct kube_answer *answer)
{
    struct election *e = data;
    bool created = e->map == NULL;

    e->call = NULL;
    if (e->closing) {
        finish_close(e);
        return;
    }
    if (answer->ok) {
        remember_map(e, answer->body);
        won_round(e);
        return;
    }
    klog_write(KLOG_ERROR, created ? "leaderelection.go:276" : "leaderelection.go:307",
               created ? "error initially creating leader election record: %.*s"
                       : "Failed to update lock: %.*s",
               STR_ARG(answer->error));
    lost_round(e);
}

/* The record, with Go's order of members. */
static struct str record_text(struct election *e, struct arena *a, struct str holder,
                              struct str acquired, int64_t transitions)
{
    CLEANUP(buf_free) struct buf b = buf_init(TEXT_LIMIT);
    struct str now = clock_rfc3339(a, clock_now(e->o.clock));

    buf_add(&b, S("{\"holderIdentity\":"));
    json_write_str(&b, holder);
    buf_printf(&b,
               ",\"leaseDurationSeconds\":%d,\"acquireTime\":\"%.*s\",\"renewTime\":\"%.*s\","
               "\"leaderTransitions\":%lld}",
               LEASE_S, STR_ARG(acquired.n > 0 ? acquired : now), STR_ARG(now),
               (long long)transitions);
    return arena_str(a, buf_str(&b));
}

static cJSON *new_map(struct election *e)
{
    cJSON *map = cJSON_CreateObject(), *metadata;

    json_put_str(map, S("kind"), S("ConfigMap"));
    json_put_str(map, S("apiVersion"), S("v1"));
    metadata = json_need_object(map, "metadata");
    json_put_str(metadata, S("name"), e->o.name);
    json_put_str(metadata, S("namespace"), e->o.namespace);
    json_put(metadata, S("creationTimestamp"), cJSON_CreateNull());
    return map;
}

static void send_map(struct election *e, struct arena *a, cJSON *map, struct str record)
{
    CLEANUP(buf_free) struct buf body = buf_init(TEXT_LIMIT);
    struct str path =
        arena_printf(a, "/api/v1/namespaces/%.*s/configmaps", STR_ARG(e->o.namespace));

    json_put_str(json_need_object(json_need_object(map, "metadata"), "annotations"),
                 str_c(annotation), record);
    json_put_str(map, S("kind"), S("ConfigMap"));
    json_put_str(map, S("apiVersion"), S("v1"));
    json_write(&body, map);
    if (e->map != NULL)
        path = arena_printf(a, "%.*s/%.*s", STR_ARG(path), STR_ARG(e->o.name));
    e->call = kube_client_send(e->o.client,
                               &(struct kube_request){.method = e->map == NULL ? "POST" : "PUT",
                                                      .path = path,
                                                      .body = buf_str(&body),
                                                      .on_answer = on_written,
                                                      .data = e});
}

static void create_record(struct election *e)
{
    struct arena a = {0};
    CLEANUP(json_freep) cJSON *map = new_map(e);

    cJSON_Delete(e->map);
    e->map = NULL;
    send_map(e, &a, map, record_text(e, &a, e->o.identity, (struct str){0}, 0));
    arena_free(&a);
}

/* --- reading it ------------------------------------------------------------------------------- */

static struct str record_of(const cJSON *map)
{
    return json_text(json_member(json_get(map, "metadata.annotations"), str_c(annotation)));
}

/* Whether the holder has had its time since the record last changed, by our own clock. */
static bool is_expired(struct election *e, struct str record)
{
    if (e->seen == NULL || !str_eq(str_c(e->seen), record)) {
        free(e->seen);
        e->seen = xcalloc(record.n + 1);
        if (record.n > 0)
            memcpy(e->seen, record.at, record.n);
        e->seen_us = clock_steady_us();
    }
    return clock_steady_us() - e->seen_us > LEASE_S * 1000000LL;
}

/* A pod has its host name for itself: who held the lease under it is dead. */
static bool is_former_self(struct election *e, struct str holder)
{
    size_t end = str_rchr(e->o.identity, '_');

    return e->o.host_is_ours && end != STR_NONE &&
           str_starts(holder, str_first(e->o.identity, end + 1));
}

static void take_record(struct election *e)
{
    struct str record = record_of(e->map);
    CLEANUP(json_freep) cJSON *tree = json_parse(record, NULL);
    struct str holder = json_str(tree, "holderIdentity"), acquired = {0};
    int64_t transitions = json_int(tree, "leaderTransitions", 0);
    bool ours = str_eq(holder, e->o.identity);
    struct arena a = {0};

    if (!is_expired(e, record) && holder.n > 0 && !ours && !is_former_self(e, holder)) {
        lost_round(e);
        return;
    }
    if (ours)
        acquired = json_str(tree, "acquireTime");
    else
        transitions++;
    send_map(e, &a, e->map, record_text(e, &a, e->o.identity, acquired, transitions));
    arena_free(&a);
}

static void on_read(void *data, const struct kube_answer *answer)
{
    struct election *e = data;
    struct arena a = {0};
    struct str what = describe(e, &a);

    e->call = NULL;
    if (answer->status == 404) {
        create_record(e);
    } else if (!answer->ok) {
        klog_write(KLOG_ERROR, "leaderelection.go:270", "error retrieving resource lock %.*s: %.*s",
                   STR_ARG(what), STR_ARG(answer->error));
        lost_round(e);
    } else {
        remember_map(e, answer->body);
        take_record(e);
    }
    arena_free(&a);
}

static void on_no_answer(uv_timer_t *t)
{
    struct election *e = t->data;

    kube_call_cancel(e->call);
    e->call = NULL;
    lost_round(e);
}

static void begin_round(struct election *e)
{
    struct arena a = {0};

    uv_timer_start(&e->timer, on_no_answer, RENEW_DEADLINE_MS - RETRY_MS, 0);
    e->call = kube_client_send(
        e->o.client,
        &(struct kube_request){.method = "GET",
                               .path = arena_printf(&a, "/api/v1/namespaces/%.*s/configmaps/%.*s",
                                                    STR_ARG(e->o.namespace), STR_ARG(e->o.name)),
                               .on_answer = on_read,
                               .data = e});
    arena_free(&a);
}

/* --- life ------------------------------------------------------------------------------------- */

struct election *election_start(const struct election_options *o)
{
    struct election *e = xcalloc(sizeof *e);
    struct arena a = {0};

    e->o = *o;
    e->o.namespace = arena_str(&e->arena, o->namespace);
    e->o.name = arena_str(&e->arena, o->name);
    e->o.identity = arena_str(&e->arena, o->identity);
    uv_timer_init(o->loop, &e->timer);
    e->timer.data = e;
    klog_write(KLOG_INFO, "leaderelection.go:205", "attempting to acquire leader lease  %.*s...",
               STR_ARG(describe(e, &a)));
    arena_free(&a);
    begin_round(e);
    return e;
}

static void on_release_late(uv_timer_t *t)
{
    struct election *e = t->data;

    kube_call_cancel(e->call);
    e->call = NULL;
    finish_close(e);
}

void election_close(struct election *e, void (*on_closed)(void *data), void *data)
{
    struct arena a = {0};
    CLEANUP(json_freep) cJSON *record = NULL;

    kube_call_cancel(e->call);
    e->call = NULL;
    e->closing = true;
    e->on_closed = on_closed;
    e->closed_data = data;
    uv_timer_stop(&e->timer);
    record = json_parse(record_of(e->map), NULL);
    if (!e->leading) {
        finish_close(e);
        return;
    }
    e->leading = false;
    uv_timer_start(&e->timer, on_release_late, RELEASE_MS, 0);
    send_map(e, &a, e->map,
             record_text(e, &a, S(""), (struct str){0}, json_int(record, "leaderTransitions", 0)));
    arena_free(&a);
}
