/* The routing loop: hears of changes, puts what they concern into a queue, compiles it in small
 * batches and hands it to the data plane; writes down the health of targets; forgets targets whose
 * deregistration is over. It writes to the store in transactions of its own, never while it is
 * told of a change.
 * Source: ELB API Reference 2015-12-01, DescribeTargetHealth; Application Load Balancers User
 * Guide, "Deregistration delay". */
#include "loops/routing.h"

#include <stdlib.h>

#include <openssl/rand.h>

#include "base/base64.h"
#include "base/list.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/memory.h"
#include "dataplane/cookie.h"
#include "loops/node_ports.h"
#include "loops/queue.h"
#include "loops/routing_balancer.h"
#include "loops/routing_log.h"
#include "store/ec2.h"
#include "store/eks.h"
#include "store/setting.h"

enum {
    BATCH = 32,
    LONGEST_SLEEP_MS = 1000, /* the world's clock may be moved meanwhile */
};

/* What is in the queue, told apart by the key's resource. */
static const struct str SERVICES = STR_INIT("services");
static const struct str BALANCERS = STR_INIT("loadbalancer");
static const struct str GROUPS = STR_INIT("targetgroup");
static const struct str DRAINED = STR_INIT("drained");

/* A load balancer that the data plane has. */
struct routed {
    struct arena arena; /* of the last pass: what it used */
    char *arn;
    struct map uses; /* ids whose change concerns it; keys in the arena */
    struct str *groups;
    size_t group_count;
    struct dp_balancer *compiled; /* a reference */
};

/* A check's result that waits to be written. */
struct result {
    struct link link;
    struct arena arena;
    struct target_health health;
};

struct routing {
    struct routing_options o;
    struct store *store;
    struct dataplane *plane;
    struct feed_subscriber subscriber;
    struct work_pump pump;
    struct work_queue queue;
    uv_timer_t timer;
    struct map balancers; /* struct routed by ARN */
    struct link results;  /* struct result */
    struct routing_logs *logs;
    void (*on_stopped)(void *data);
    void *stopped_data;
};

static void enqueue(struct routing *r, struct str resource, struct str name)
{
    queue_add(&r->queue, &(struct object_key){.resource = resource, .name = name});
}

/* --- health ---------------------------------------------------------------------------------- */

/* Writes what DescribeTargetHealth is to say; what failed is logged by the store. */
static void write_health(struct routing *r, const struct routed_health *first)
{
    for (const struct routed_health *h = first; h != NULL; h = h->next) {
        bool changed;

        (void)target_health_put(r->store, &h->health, &changed);
    }
}

static struct str state_name(enum dp_target_state state)
{
    return state == DP_TARGET_HEALTHY     ? S("healthy")
           : state == DP_TARGET_UNHEALTHY ? S("unhealthy")
                                          : S("initial");
}

/* Results wait for their group's turn, so that what DescribeTargetHealth says and what the data
 * plane does change together. */
static void on_health(void *data, const struct dp_health_report *report)
{
    struct result *result = xcalloc(sizeof *result);
    struct routing *r = data;

    result->health = (struct target_health){
        .group_arn = arena_str(&result->arena, report->group_arn),
        .target_id = arena_str(&result->arena, report->target_id),
        .port = report->target_port,
        .state = state_name(report->state),
        .reason = arena_str(&result->arena, report->reason),
        .description = arena_str(&result->arena, report->description),
    };
    list_append(&r->results, &result->link);
    enqueue(r, GROUPS, report->group_arn);
}

static void on_log(void *data, const struct dp_log *log)
{
    struct routing *r = data;

    routing_logs_write(r->logs, log);
}

static void free_result(struct result *result)
{
    list_remove(&result->link);
    arena_free(&result->arena);
    free(result);
}

/* A result may come after its target was deregistered: then it is nothing to anybody. A target
 * that is being checked was compiled before, so something is known of it. */
static int write_result(struct routing *r, struct arena *a, const struct target_health *now)
{
    struct target_health old;
    bool changed;
    int result = target_health_get(r->store, a, now->group_arn, now->target_id, now->port, &old);

    if (result < 0 || str_is(old.state, "draining") || str_is(old.state, "unused") ||
        str_is(old.reason, "Elb.RegistrationInProgress"))
        return result;
    return target_health_put(r->store, now, &changed);
}

static int write_results(struct routing *r, struct arena *a, struct str group_arn)
{
    int error = 0;

    LIST_EACH(struct result, result, &r->results, link) {
        if (error < 0 || !str_eq(result->health.group_arn, group_arn))
            continue;
        error = write_result(r, a, &result->health);
        if (error == 0)
            free_result(result);
    }
    return error;
}

/* --- load balancers -------------------------------------------------------------------------- */

static void forget_pass(struct routed *b)
{
    map_free(&b->uses);
    b->uses = (struct map){0};
    arena_free(&b->arena);
    b->groups = NULL;
    b->group_count = 0;
}

static bool has_group(const struct dp_balancer *b, struct str arn)
{
    for (size_t i = 0; i < b->group_count; i++)
        if (str_eq(b->groups[i].arn, arn))
            return true;
    return false;
}

/* Groups that @b forwarded to before and @now does not: somebody has to say that they are unused.
 */
static void look_at_lost_groups(struct routing *r, const struct routed *b,
                                const struct dp_balancer *now)
{
    for (size_t i = 0; i < b->group_count; i++)
        if (now == NULL || !has_group(now, b->groups[i]))
            enqueue(r, GROUPS, b->groups[i]);
}

static void free_routed(struct routed *b)
{
    forget_pass(b);
    dp_balancer_unref(b->compiled);
    free(b->arn);
    free(b);
}

static void remove_balancer(struct routing *r, struct str arn)
{
    struct routed *b = map_get(&r->balancers, arn);

    if (b == NULL)
        return;
    look_at_lost_groups(r, b, NULL);
    dataplane_remove_balancer(r->plane, arn);
    (void)map_remove(&r->balancers, arn);
    free_routed(b);
}

static struct routed *need_routed(struct routing *r, struct str arn)
{
    struct routed *b = map_get(&r->balancers, arn);

    if (b != NULL)
        return b;
    b = xcalloc(sizeof *b);
    b->arn = xcalloc(arn.n + 1);
    memcpy(b->arn, arn.at, arn.n);
    (void)map_put(&r->balancers, str_c(b->arn), b);
    return b;
}

static void note_groups(struct routed *b, const struct dp_balancer *now)
{
    b->groups = arena_array(&b->arena, now->group_count, sizeof *b->groups);
    for (size_t i = 0; i < now->group_count; i++)
        b->groups[b->group_count++] = arena_str(&b->arena, now->groups[i].arn);
}

static int put_balancer(struct routing *r, const struct load_balancer *lb)
{
    struct routed *b = need_routed(r, lb->arn), next = {0};
    struct routing_compiler c = {.store = r->store,
                                 .fabric = r->o.fabric,
                                 .security_groups = r->o.security_groups,
                                 .arena = &next.arena,
                                 .before = b->compiled,
                                 .uses = &next.uses};
    struct routed_health *health = NULL;
    struct dp_balancer *now = NULL;
    int result = routing_compile_balancer(&c, lb, &now, &health);

    if (result < 0) {
        forget_pass(&next);
        return result;
    }
    look_at_lost_groups(r, b, now);
    forget_pass(b);
    dp_balancer_unref(b->compiled);
    next.arn = b->arn;
    next.compiled = dp_balancer_ref(now);
    *b = next;
    note_groups(b, now);
    write_health(r, health);
    routing_logs_test(r->logs, now);
    dataplane_put_balancer(r->plane, now);
    return 0;
}

/* Only application load balancers carry HTTP; the others' traffic has no data plane yet. */
static int sync_balancer(struct routing *r, struct arena *a, struct str arn)
{
    struct load_balancer *lb = NULL;
    int result = load_balancer_find(r->store, a, arn, &lb);

    if (result < 0)
        return result;
    if (lb != NULL && str_is(lb->type, "application"))
        return put_balancer(r, lb);
    remove_balancer(r, arn);
    return 0;
}

/* --- target groups and targets --------------------------------------------------------------- */

static int sync_group(struct routing *r, struct arena *a, struct str arn)
{
    struct load_balancer *lb = NULL;
    struct target_group *group = NULL;
    struct routing_compiler c = {.store = r->store, .arena = a};
    struct routed_health *health = NULL;
    int result = target_group_find(r->store, a, arn, &group);

    if (result == 0)
        result = write_results(r, a, arn);
    if (result == 0 && group == NULL)
        return target_health_forget(r->store, arn, S(""), 0);
    if (result == 0)
        result = load_balancer_list_by_target_group(r->store, a, arn, &lb);
    if (result == 0 && lb == NULL)
        result = routing_unused_group(&c, arn, &health);
    for (; result == 0 && lb != NULL; lb = lb->next)
        result = sync_balancer(r, a, lb->arn);
    if (result < 0)
        return result;
    write_health(r, health);
    enqueue(r, DRAINED, S("")); /* one of its targets may have begun to */
    return 0;
}

static int remove_drained(struct routing *r, const struct target *first)
{
    int result = store_begin(r->store);

    for (const struct target *t = first; result == 0 && t != NULL; t = t->next) {
        result = target_remove(r->store, t->target_group, t->id, t->port);
        if (result == 0)
            result = target_health_forget(r->store, t->target_group, t->id, t->port);
    }
    if (result == 0)
        result = store_commit(r->store);
    if (result < 0)
        store_rollback(r->store);
    return result;
}

static int sync_drained(struct routing *r, struct arena *a)
{
    const struct object_key again = {.resource = DRAINED};
    int64_t now = clock_now(store_clock(r->store)), next = INT64_MAX;
    struct target *first = NULL;
    int result = target_list_drained(r->store, a, now, &first);

    if (result == 0 && first != NULL)
        result = remove_drained(r, first);
    if (result == 0)
        result = target_next_drained(r->store, &next);
    if (result == 0 && next != INT64_MAX)
        queue_add_after(&r->queue, &again, next > now ? next - now : 1);
    return result;
}

/* --- services -------------------------------------------------------------------------------- */

static int sync_service(struct routing *r, struct arena *a, const struct object_key *key)
{
    struct object_key endpoints_key = *key;
    struct str name = arena_printf(a, "%.*s/%.*s/%.*s", STR_ARG(key->cluster), STR_ARG(key->ns),
                                   STR_ARG(key->name));
    struct object *service = object_get(r->o.objects, *key), *endpoints;
    struct object_list nodes = object_list(r->o.objects, a, key->cluster, S("nodes"), S(""));
    struct dp_service *compiled = NULL;

    endpoints_key.resource = S("endpoints");
    endpoints = object_get(r->o.objects, endpoints_key);
    if (service != NULL)
        compiled = node_ports_compile(name, object_doc(service),
                                      endpoints == NULL ? NULL : object_doc(endpoints), &nodes,
                                      r->o.fabric);
    if (compiled != NULL)
        dataplane_put_service(r->plane, compiled);
    else
        dataplane_remove_service(r->plane, name);
    return 0;
}

static void look_at_services(struct routing *r, struct str cluster)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct object_list list = object_list(r->o.objects, &a, cluster, SERVICES, S(""));

    for (size_t i = 0; i < list.n; i++)
        queue_add(&r->queue, &list.at[i]->key);
}

/* --- the queue ------------------------------------------------------------------------------- */

static void work(void *data, const struct object_key *key)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct routing *r = data;
    int result = 0;

    if (str_eq(key->resource, SERVICES))
        result = sync_service(r, &a, key);
    else if (str_eq(key->resource, BALANCERS))
        result = sync_balancer(r, &a, key->name);
    else if (str_eq(key->resource, GROUPS))
        result = sync_group(r, &a, key->name);
    else if (str_eq(key->resource, DRAINED))
        result = sync_drained(r, &a);
    if (result < 0)
        queue_retry(&r->queue, key);
    else
        queue_forget(&r->queue, key);
}

static void on_timer(uv_timer_t *t);

static void arm(struct routing *r, int64_t ms)
{
    int64_t real = ms <= 0 ? 0 : clock_real_delay(store_clock(r->store), ms);

    if (real > LONGEST_SLEEP_MS)
        real = LONGEST_SLEEP_MS;
    if (uv_is_closing((uv_handle_t *)&r->timer) ||
        (uv_is_active((uv_handle_t *)&r->timer) &&
         uv_timer_get_due_in(&r->timer) <= (uint64_t)real))
        return;
    (void)uv_timer_start(&r->timer, on_timer, (uint64_t)real, 0);
}

static void on_timer(uv_timer_t *t)
{
    struct routing *r = t->data;
    int64_t next = pump_run(&r->pump, BATCH);

    if (next >= 0)
        arm(r, next);
}

static void on_wake(void *data, int64_t ms)
{
    arm(data, ms);
}

/* --- hearing --------------------------------------------------------------------------------- */

static void heard_object(struct routing *r, const struct object_change *change)
{
    struct object_key key = change->now->key;
    struct str before, after;

    if (str_is(key.resource, "endpoints"))
        key.resource = SERVICES;
    if (str_eq(key.resource, SERVICES)) {
        queue_add(&r->queue, &key);
        return;
    }
    if (!str_is(key.resource, "nodes"))
        return;
    /* Nodes report their health all the time; only where they are matters here. */
    before = change->old == NULL ? S("") : node_port_address(object_doc(change->old));
    after = change->event == OBJECT_DELETED ? S("") : node_port_address(object_doc(change->now));
    if (!str_eq(before, after))
        look_at_services(r, key.cluster);
}

/* arn:…:listener/app/NAME/ID/… and listener-rule/app/NAME/ID/… to the load balancer's own ARN. */
static struct str balancer_of(struct arena *a, struct str arn)
{
    static const struct str kinds[] = {STR_INIT(":listener/"), STR_INIT(":listener-rule/")};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t at = str_find(arn, kinds[i]), end;
        struct str rest, path;

        if (at == STR_NONE)
            continue;
        path = rest = str_from(arn, at + kinds[i].n);
        for (int part = 0; part < 3; part++) {
            end = str_chr(rest, '/');
            rest = str_from(rest, end == STR_NONE ? rest.n : end + 1);
        }
        path = str_first(path, rest.n > 0 ? path.n - rest.n - 1 : path.n);
        return arena_printf(a, "%.*s:loadbalancer/%.*s", STR_ARG(str_first(arn, at)),
                            STR_ARG(path));
    }
    return arn;
}

/* Load balancers that looked at @id when they were compiled. */
static void look_at_users(struct routing *r, struct str id)
{
    struct map_entry *e;
    size_t at = 0;

    while ((e = map_next(&r->balancers, &at)) != NULL) {
        const struct routed *b = e->value;

        if (map_get(&b->uses, id) != NULL)
            enqueue(r, BALANCERS, e->key);
    }
}

static void heard_load_balancing(struct routing *r, struct str arn)
{
    CLEANUP(arena_free) struct arena a = {0};

    if (str_find(arn, S(":targetgroup/")) != STR_NONE)
        enqueue(r, GROUPS, arn);
    else if (str_find(arn, S(":truststore/")) != STR_NONE)
        look_at_users(r, arn);
    else
        enqueue(r, BALANCERS, balancer_of(&a, arn));
}

/* An interface may be new to a load balancer: its own, or one in a group that a permission
 * names. */
static void heard_interface(struct routing *r, struct str id)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct network_interface *eni = NULL;
    struct interface_group *group = NULL;

    look_at_users(r, id);
    if (interface_find(r->store, &a, id, &eni) < 0 || eni == NULL ||
        interface_group_list(r->store, &a, id, &group) < 0)
        return;
    if (str_find(eni->owner, S(":loadbalancer/")) != STR_NONE)
        enqueue(r, BALANCERS, eni->owner);
    for (; group != NULL; group = group->next)
        look_at_users(r, group->group_id);
}

static void on_change(void *data, const struct change *change)
{
    struct routing *r = data;

    switch (change->topic) {
    case CHANGE_OBJECT:
        heard_object(r, object_change_of(change));
        break;
    case CHANGE_LOAD_BALANCING:
        heard_load_balancing(r, change->key);
        break;
    case CHANGE_NETWORK:
        if (str_starts(change->key, S("eni-")))
            heard_interface(r, change->key);
        else
            look_at_users(r, change->key);
        break;
    case CHANGE_CERTIFICATE:
        look_at_users(r, change->key);
        break;
    default:
        break;
    }
}

/* --- life ------------------------------------------------------------------------------------ */

/* What the store had before we listened. */
static void look_at_everything(struct routing *r)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct load_balancer *lb = NULL;
    struct target_group *group = NULL;
    struct cluster *cluster = NULL;

    if (load_balancer_list(r->store, &a, S(""), S(""), &lb) < 0 ||
        target_group_list(r->store, &a, S(""), S(""), &group) < 0 ||
        cluster_list(r->store, &a, S(""), S(""), &cluster) < 0)
        log_error("routing", "cannot read what there is; changes from now on are followed");
    for (; lb != NULL; lb = lb->next)
        enqueue(r, BALANCERS, lb->arn);
    for (; group != NULL; group = group->next)
        enqueue(r, GROUPS, group->arn);
    for (; cluster != NULL; cluster = cluster->next)
        look_at_services(r, cluster->name);
    enqueue(r, DRAINED, S(""));
}

/* The key of stickiness cookies lives with the world, so that clients stay where they were over a
 * restart. Made at the first start. */
static void read_cookie_key(struct store *s, uint8_t key[COOKIE_KEY_BYTES])
{
    static const struct str name = STR_INIT("balancing/cookie-key");
    CLEANUP(arena_free) struct arena a = {0};
    struct str text = {0}, bytes = {0};

    if (setting_get(s, &a, name, &text) == 0 && base64_decode(&a, text, &bytes) &&
        bytes.n == COOKIE_KEY_BYTES) {
        memcpy(key, bytes.at, bytes.n);
        return;
    }
    (void)RAND_bytes(key, COOKIE_KEY_BYTES);
    text = base64_encode(&a, str_n((const char *)key, COOKIE_KEY_BYTES));
    if (store_begin(s) < 0)
        return;
    if (setting_put(s, name, text) < 0 || store_commit(s) < 0)
        store_rollback(s);
}

int routing_start(const struct routing_options *o, struct routing **ret_routing,
                  bool *ret_https_failed)
{
    struct routing *r = xcalloc(sizeof *r);
    struct store *store = objects_store(o->objects);
    uint8_t cookie_key[COOKIE_KEY_BYTES];
    struct dataplane_settings settings = {
        .workers = o->workers > 0 ? o->workers : 1,
        .http = o->http,
        .https = o->https,
        .clock = store_clock(store),
        .cookie_key = cookie_key,
        .ids = store_ids(store),
        .more_doors = o->more_doors,
        .on_health = on_health,
        .on_log = on_log,
        .data = r,
    };
    int result;

    read_cookie_key(store, cookie_key);
    result = dataplane_start(o->loop, &settings, &r->plane, ret_https_failed);

    if (result < 0) {
        free(r);
        return result;
    }
    r->o = *o;
    r->store = store;
    r->logs = routing_logs_new(o->log_folder, store_clock(store), store_ids(store));
    pump_init(&r->pump, settings.clock);
    r->pump.wake = on_wake;
    r->pump.wake_data = r;
    list_init(&r->results);
    queue_init(&r->queue, &r->pump, work, r);
    (void)uv_timer_init(o->loop, &r->timer);
    r->timer.data = r;
    feed_subscribe(store_feed(store), &r->subscriber, on_change, r);
    look_at_everything(r);
    *ret_routing = r;
    return 0;
}

struct dataplane *routing_dataplane(struct routing *r)
{
    return r->plane;
}

static void on_timer_closed(uv_handle_t *h)
{
    struct routing *r = h->data;
    void (*on_stopped)(void *data) = r->on_stopped;
    void *data = r->stopped_data;

    routing_logs_free(r->logs);
    free(r);
    if (on_stopped != NULL)
        on_stopped(data);
}

static void on_plane_closed(void *data)
{
    struct routing *r = data;

    uv_close((uv_handle_t *)&r->timer, on_timer_closed);
}

void routing_stop(struct routing *r, void (*on_stopped)(void *data), void *data)
{
    struct map_entry *e;
    size_t at = 0;

    if (r == NULL)
        return;
    r->on_stopped = on_stopped;
    r->stopped_data = data;
    feed_unsubscribe(&r->subscriber);
    (void)uv_timer_stop(&r->timer);
    queue_deinit(&r->queue);
    pump_deinit(&r->pump);
    while ((e = map_next(&r->balancers, &at)) != NULL)
        free_routed(e->value);
    map_free(&r->balancers);
    LIST_EACH(struct result, result, &r->results, link)
        free_result(result);
    dataplane_close(r->plane, on_plane_closed, r);
}
