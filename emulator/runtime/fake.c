/* The fake runtime: a test moves its containers. Files are kept in memory. */
#include "runtime/fake.h"

#include "base/memory.h"
#include "runtime/books.h"

struct fake_runtime {
    struct pod_runtime base;
    struct link stopping; /* struct fake_container */
    struct link files;    /* struct fake_file */
};

struct fake_container {
    struct container base;
    struct link link;
};

struct fake_file {
    struct link link;
    struct str name, content; /* in base.arena */
};

static struct fake_runtime *runtime_of(struct pod_runtime *rt)
{
    return container_of(rt, struct fake_runtime, base);
}

static int fake_start(struct container *c, struct arena *a, const struct container_spec *spec,
                      struct str *ret_why)
{
    (void)c;
    (void)a;
    (void)spec;
    (void)ret_why;
    return 0;
}

static void fake_stop(struct container *base, int64_t grace_ms)
{
    struct fake_container *c = container_of(base, struct fake_container, base);

    (void)grace_ms;
    if (c->link.next == NULL)
        list_append(&runtime_of(base->rt)->stopping, &c->link);
}

size_t fake_runtime_finish_stops(struct pod_runtime *base)
{
    struct fake_runtime *rt = runtime_of(base);
    size_t n = 0;

    for (; !list_empty(&rt->stopping); n++) {
        struct fake_container *c = container_of(rt->stopping.next, struct fake_container, link);

        list_remove(&c->link);
        container_ended(&c->base, (struct container_exit){0});
    }
    return n;
}

bool fake_runtime_exit(struct pod_runtime *rt, struct str pod_uid, struct str container, int code)
{
    struct container *base = pod_runtime_find(rt, pod_uid, container);

    if (base == NULL)
        return false;
    list_remove(&container_of(base, struct fake_container, base)->link);
    container_ended(base, (struct container_exit){.code = code});
    return true;
}

bool fake_runtime_print(struct pod_runtime *rt, struct str pod_uid, struct str container,
                        struct str text)
{
    struct container *c = pod_runtime_find(rt, pod_uid, container);

    if (c != NULL)
        container_output(c, LOG_STDOUT, text);
    return c != NULL;
}

static struct fake_file *find_file(struct fake_runtime *rt, struct str name)
{
    LIST_EACH(struct fake_file, f, &rt->files, link)
        if (str_eq(f->name, name))
            return f;
    return NULL;
}

static int fake_put_file(struct pod_runtime *base, struct runtime_pod *pod, struct str volume,
                         struct str path, struct str content, unsigned mode)
{
    struct fake_runtime *rt = runtime_of(base);
    struct str name = arena_printf(&base->arena, "%.*s/%.*s/%.*s", STR_ARG(pod->sandbox.uid),
                                   STR_ARG(volume), STR_ARG(path));
    struct fake_file *f = find_file(rt, name);

    (void)mode;
    if (f == NULL) {
        f = arena_alloc(&base->arena, sizeof *f);
        f->name = name;
        list_append(&rt->files, &f->link);
    }
    f->content = arena_str(&base->arena, content);
    return 0;
}

struct str fake_runtime_file(struct pod_runtime *base, struct str pod_uid, struct str volume,
                             struct str path)
{
    const struct fake_file *f =
        find_file(runtime_of(base), arena_printf(&base->arena, "%.*s/%.*s/%.*s", STR_ARG(pod_uid),
                                                 STR_ARG(volume), STR_ARG(path)));

    return f == NULL ? (struct str){0} : f->content;
}

static void fake_close(struct pod_runtime *base)
{
    (void)fake_runtime_finish_stops(base);
    runtime_closed(base);
}

static const struct pod_runtime_ops fake_ops = {
    .name = "fake",
    .container_size = sizeof(struct fake_container),
    .start = fake_start,
    .stop = fake_stop,
    .put_file = fake_put_file,
    .close = fake_close,
};

struct pod_runtime *fake_runtime_new(const struct runtime_options *o)
{
    struct fake_runtime *rt = xcalloc(sizeof *rt);

    runtime_init(&rt->base, &fake_ops, o);
    list_init(&rt->stopping);
    list_init(&rt->files);
    return &rt->base;
}
