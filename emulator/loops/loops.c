/* Starts and stops the control loops, hands them changes from the feed, and drives their queues
 * from one timer. Owns the world that they share. */
#include "loops/loops.h"

#include <stdlib.h>

#include "base/macros.h"
#include "base/memory.h"
#include "loops/loop_kinds.h"

enum {
    BATCH = 64,              /* pieces of work between two looks at the sockets */
    LONGEST_SLEEP_MS = 1000, /* the world's clock may be moved meanwhile */
};

static const struct controller_kind *const kinds[] = {
    &namespace_defaults_loop,
    &namespace_loop,
    &deployment_loop,
    &replicaset_loop,
    &replication_loop,
    &daemonset_loop,
    &statefulset_loop,
    &job_loop,
    &cronjob_loop,
    &scheduler_loop,
    &kubelet_loop,
    &endpoints_loop,
    &endpoint_slice_loop,
    &garbage_loop,
    &event_ttl_loop,
    &furnish_loop,
};

struct loops {
    struct loop_world world;
    struct feed_subscriber subscriber;
    uv_timer_t timer;
    bool has_timer;
    void (*on_stopped)(void *data);
    void *stopped_data;
};

static void on_timer(uv_timer_t *t);

/* Arms the timer for work that is due in @ms of the world's clock. */
static void arm(struct loops *l, int64_t ms)
{
    int64_t real = ms <= 0 ? 0 : clock_real_delay(l->world.clock, ms);

    if (!l->has_timer)
        return;
    if (real > LONGEST_SLEEP_MS)
        real = LONGEST_SLEEP_MS;
    if (uv_is_active((uv_handle_t *)&l->timer) && uv_timer_get_due_in(&l->timer) <= (uint64_t)real)
        return;
    (void)uv_timer_start(&l->timer, on_timer, (uint64_t)real, 0);
}

static void run(struct loops *l, size_t most)
{
    int64_t next = pump_run(&l->world.pump, most);

    if (next >= 0)
        arm(l, next);
}

static void on_timer(uv_timer_t *t)
{
    run(container_of(t, struct loops, timer), BATCH);
}

void loops_run(struct loops *l)
{
    struct work_pump *p = &l->world.pump;

    for (size_t done = 0; done < BATCH && !list_empty(&p->ready); done++) {
        run(l, 1);
        feed_deliver(l->world.store);
    }
}

static void on_wake(void *data, int64_t ms)
{
    arm(data, ms);
}

static void on_change(void *data, const struct change *change)
{
    const struct object_change *what = object_change_of(change);
    struct loops *l = data;

    if (what == NULL || world_cluster(&l->world, what->now->key.cluster) == NULL)
        return;
    LIST_EACH(struct controller, c, &l->world.controllers, link)
        controller_hear(c, what);
}

static void init_world(struct loop_world *w, const struct loops_options *o)
{
    struct store *store = objects_store(o->objects);

    *w = (struct loop_world){
        .store = store,
        .objects = o->objects,
        .writer = o->writer,
        .clock = store_clock(store),
        .ids = store_ids(store),
        .loop = o->loop,
        .fabric = o->fabric,
        .runtime = o->runtime,
        .provision = o->provision,
    };
    list_init(&w->clusters);
    list_init(&w->controllers);
    events_init(&w->events);
    pump_init(&w->pump, w->clock);
}

struct loops *loops_start(const struct loops_options *o)
{
    struct loops *l = xcalloc(sizeof *l);

    init_world(&l->world, o);
    l->world.pump.wake = on_wake;
    l->world.pump.wake_data = l;
    if (o->loop != NULL) {
        (void)uv_timer_init(o->loop, &l->timer);
        l->has_timer = true;
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        (void)controller_new(&l->world, kinds[i]);
    feed_subscribe(store_feed(l->world.store), &l->subscriber, on_change, l);
    return l;
}

static void fill_cluster(struct loop_cluster *to, const struct loops_cluster *from)
{
    to->kube_host = arena_str(&to->arena, from->kube_host);
    to->kube_port = from->kube_port;
    to->ca_pem = arena_str(&to->arena, from->ca_pem);
    to->issuer = arena_str(&to->arena, from->issuer);
    to->signing_key = from->signing_key;
    to->minor = from->minor;
}

void loops_add_cluster(struct loops *l, const struct loops_cluster *from)
{
    struct loop_cluster *cluster = world_cluster(&l->world, from->name);

    if (cluster == NULL) {
        cluster = xcalloc(sizeof *cluster);
        cluster->name = arena_str(&cluster->arena, from->name);
        list_append(&l->world.clusters, &cluster->link);
    }
    fill_cluster(cluster, from);
    LIST_EACH(struct controller, c, &l->world.controllers, link)
        controller_look_at(c, cluster);
}

static void free_cluster(struct loop_cluster *cluster)
{
    list_remove(&cluster->link);
    arena_free(&cluster->arena);
    free(cluster);
}

void loops_remove_cluster(struct loops *l, struct str name)
{
    struct loop_cluster *cluster = world_cluster(&l->world, name);

    if (cluster == NULL)
        return;
    LIST_EACH(struct controller, c, &l->world.controllers, link)
        if (c->kind->forget != NULL)
            c->kind->forget(c, cluster->name);
    free_cluster(cluster);
}

void loops_settle(struct loops *l, size_t most)
{
    struct work_pump *p = &l->world.pump;

    feed_deliver(l->world.store);
    for (int64_t next = 0; most > 0 && (next == 0 || !list_empty(&p->ready)); most--) {
        next = pump_run(p, 1);
        feed_deliver(l->world.store);
    }
}

static void finish(struct loops *l)
{
    void (*on_stopped)(void *data) = l->on_stopped;
    void *data = l->stopped_data;

    free(l);
    if (on_stopped != NULL)
        on_stopped(data);
}

static void on_timer_closed(uv_handle_t *h)
{
    finish(container_of((uv_timer_t *)(void *)h, struct loops, timer));
}

void loops_stop(struct loops *l, void (*on_stopped)(void *data), void *data)
{
    if (l == NULL)
        return;
    feed_unsubscribe(&l->subscriber);
    LIST_EACH(struct controller, c, &l->world.controllers, link)
        controller_free(c);
    LIST_EACH(struct loop_cluster, cluster, &l->world.clusters, link)
        free_cluster(cluster);
    events_deinit(&l->world.events);
    pump_deinit(&l->world.pump);
    l->on_stopped = on_stopped;
    l->stopped_data = data;
    if (l->has_timer)
        uv_close((uv_handle_t *)&l->timer, on_timer_closed);
    else
        finish(l);
}
