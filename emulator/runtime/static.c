/* The static runtime: every container just is there until it is stopped. For machines where nothing
 * is to be started, and for worlds of thousands of pods. */
#include "runtime/books.h"

#include "base/memory.h"

struct static_runtime {
    struct pod_runtime base;
    uv_check_t end;       /* gives the ends of stopped containers from the loop */
    uv_idle_t now;        /* keeps the loop from sleeping while some wait */
    struct link stopping; /* struct static_container */
    unsigned handles;
};

struct static_container {
    struct container base;
    struct link link;
};

static struct static_runtime *runtime_of(struct pod_runtime *rt)
{
    return container_of(rt, struct static_runtime, base);
}

static void on_handle_closed(uv_handle_t *h)
{
    struct static_runtime *rt = h->data;

    if (--rt->handles == 0)
        runtime_closed(&rt->base);
}

static void on_idle(uv_idle_t *h)
{
    (void)h; /* only there so that the loop does not sleep */
}

static void on_end(uv_check_t *h)
{
    struct static_runtime *rt = h->data;
    struct link stopped;

    list_init(&stopped);
    while (!list_empty(&rt->stopping)) {
        struct link *l = rt->stopping.next;

        list_remove(l);
        list_append(&stopped, l);
    }
    (void)uv_idle_stop(&rt->now);
    (void)uv_check_stop(&rt->end);
    while (!list_empty(&stopped)) {
        struct static_container *c = container_of(stopped.next, struct static_container, link);

        list_remove(&c->link);
        container_ended(&c->base, (struct container_exit){0});
    }
}

static int static_start(struct container *c, struct arena *a, const struct container_spec *spec,
                        struct str *ret_why)
{
    (void)c;
    (void)a;
    (void)spec;
    (void)ret_why;
    return 0;
}

static void static_stop(struct container *base, int64_t grace_ms)
{
    struct static_container *c = container_of(base, struct static_container, base);
    struct static_runtime *rt = runtime_of(base->rt);

    (void)grace_ms;
    if (c->link.next != NULL)
        return;
    list_append(&rt->stopping, &c->link);
    (void)uv_idle_start(&rt->now, on_idle);
    (void)uv_check_start(&rt->end, on_end);
}

static void static_close(struct pod_runtime *base)
{
    struct static_runtime *rt = runtime_of(base);

    on_end(&rt->end);
    uv_close((uv_handle_t *)&rt->end, on_handle_closed);
    uv_close((uv_handle_t *)&rt->now, on_handle_closed);
}

static const struct pod_runtime_ops static_ops = {
    .name = "static",
    .container_size = sizeof(struct static_container),
    .start = static_start,
    .stop = static_stop,
    .close = static_close,
};

struct pod_runtime *static_runtime_new(const struct runtime_options *o)
{
    struct static_runtime *rt = xcalloc(sizeof *rt);

    runtime_init(&rt->base, &static_ops, o);
    list_init(&rt->stopping);
    (void)uv_check_init(o->loop, &rt->end);
    (void)uv_idle_init(o->loop, &rt->now);
    rt->end.data = rt->now.data = rt;
    rt->handles = 2;
    return &rt->base;
}
