/* The process runtime: a container is a real program (runtime/child.h) whose output ends in its
 * log; commands beside it are such programs too, with the same environment. Recipes that say
 * "static" run nothing.
 *
 * Ownership: an instance (struct process) and a command (struct process_exec) belong to the loop
 * from start until their child says that it is gone. A closing runtime is freed after the last.
 * Source: kubernetes-api.md §6.5 (termination). */
#include "runtime/books.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "runtime/child.h"
#include "runtime/guard.h"
#include "runtime/launch.h"

struct process_runtime {
    struct pod_runtime base;
    struct launch_settings settings; /* in base.arena */
    struct guard *guard;             /* from the first process on */
    unsigned running;                /* instances and execs that the loop holds */
    uv_timer_t wait;                 /* ends the closing runtime from the loop */
    bool wait_closed;
    char chunk[CHILD_CHUNK];
};

struct process {
    struct container base;
    struct arena arena;
    struct launch launch; /* in the arena: what commands beside it run with, too */
    struct child child;
};

struct process_exec {
    struct container_exec base;
    struct arena arena;
    struct child child;
};

static struct process_runtime *runtime_of(struct pod_runtime *rt)
{
    return container_of(rt, struct process_runtime, base);
}

static struct process *process_of(struct container *c)
{
    return container_of(c, struct process, base);
}

static struct process_exec *exec_of(struct container_exec *e)
{
    return container_of(e, struct process_exec, base);
}

static void close_when_empty(struct process_runtime *rt);

/* One child less; the runtime may be gone after it. */
static void count_down(struct process_runtime *rt)
{
    rt->running--;
    close_when_empty(rt);
}

static void start_child(struct process_runtime *rt, struct child *child,
                        const struct child_options *wanted)
{
    struct child_options o = *wanted;

    if (o.file != NULL && rt->guard == NULL)
        rt->guard = guard_new();
    o.loop = rt->base.loop;
    o.guard = rt->guard;
    o.chunk = rt->chunk;
    rt->running++;
    child_start(child, &o);
}

/* --- containers --------------------------------------------------------------------------- */

static void on_output(void *data, enum log_stream stream, struct str bytes)
{
    struct process *p = data;

    container_output(&p->base, stream, bytes);
}

static void on_exit_of_process(void *data, struct container_exit how)
{
    struct process *p = data;
    struct process_runtime *rt = runtime_of(p->base.rt);

    arena_free(&p->arena);
    container_ended(&p->base, how);
    count_down(rt);
}

static int process_start(struct container *c, struct arena *a, const struct container_spec *spec,
                         struct str *ret_why)
{
    struct process *p = process_of(c);
    struct process_runtime *rt = runtime_of(c->rt);
    struct child_options o = {
        .takes_stdin = spec->takes_stdin,
        .tty = spec->tty,
        .on_output = on_output,
        .on_exit = on_exit_of_process,
        .data = p,
    };
    struct str why = {0};
    int r = 0;

    if (c->recipe->run != IMAGE_STATIC)
        r = launch_prepare(&p->arena, &rt->settings, c, spec, &p->launch, &why);
    if (r < 0) {
        *ret_why = arena_str(a, why);
        arena_free(&p->arena);
        return r;
    }
    o.file = p->launch.file;
    o.folder = p->launch.folder;
    o.argv = p->launch.argv;
    o.env = p->launch.env;
    start_child(rt, &p->child, &o);
    return 0;
}

static void process_stop(struct container *c, int64_t grace_ms)
{
    child_stop(&process_of(c)->child, clock_real_delay(c->rt->clock, grace_ms));
}

static void process_write(struct container *c, struct str bytes)
{
    child_write(&process_of(c)->child, bytes);
}

static size_t process_unsent(const struct container *c)
{
    return child_unsent(&container_of(c, const struct process, base)->child);
}

static void process_resize(struct container *c, uint16_t columns, uint16_t rows)
{
    child_resize(&process_of(c)->child, columns, rows);
}

/* --- commands beside them ------------------------------------------------------------------- */

static void on_exec_output(void *data, enum log_stream stream, struct str bytes)
{
    struct process_exec *e = data;

    exec_output(&e->base, stream, bytes);
}

static void on_exec_exit(void *data, struct container_exit how)
{
    struct process_exec *e = data;
    struct process_runtime *rt = runtime_of(e->base.rt);

    arena_free(&e->arena);
    exec_ended(&e->base, how);
    count_down(rt);
}

static int process_exec_start(struct container_exec *base, struct container *c, struct arena *a,
                              const struct exec_options *wanted, struct str *ret_why)
{
    struct process_exec *e = exec_of(base);
    const struct process *p = process_of(c);
    struct process_runtime *rt = runtime_of(c->rt);
    struct launch launch = {0};
    struct child_options o = {
        .takes_stdin = wanted->takes_stdin,
        .tty = wanted->tty,
        .columns = wanted->columns,
        .rows = wanted->rows,
        .on_output = on_exec_output,
        .on_exit = on_exec_exit,
        .data = e,
    };
    struct str why = {0};
    int r = launch_beside(&e->arena, &rt->settings, &p->launch, wanted->argv, wanted->argv_n,
                          &launch, &why);

    if (r < 0) {
        *ret_why = arena_str(a, why);
        arena_free(&e->arena);
        return r;
    }
    o.file = launch.file;
    o.folder = launch.folder;
    o.argv = launch.argv;
    o.env = launch.env;
    start_child(rt, &e->child, &o);
    return 0;
}

static void process_exec_write(struct container_exec *e, struct str bytes)
{
    child_write(&exec_of(e)->child, bytes);
}

static size_t process_exec_unsent(const struct container_exec *e)
{
    return child_unsent(&container_of(e, const struct process_exec, base)->child);
}

static void process_exec_hold(struct container_exec *e, bool held)
{
    child_hold(&exec_of(e)->child, held);
}

static void process_exec_resize(struct container_exec *e, uint16_t columns, uint16_t rows)
{
    child_resize(&exec_of(e)->child, columns, rows);
}

static void process_exec_kill(struct container_exec *e)
{
    child_stop(&exec_of(e)->child, 0);
}

/* --- files -------------------------------------------------------------------------------- */

static int process_put_file(struct pod_runtime *base, struct runtime_pod *pod, struct str volume,
                            struct str path, struct str content, unsigned mode)
{
    struct process_runtime *rt = runtime_of(base);
    struct arena a = {0};
    struct str folder = launch_pod_folder(&a, &rt->settings, pod->sandbox.uid);
    struct str file =
        arena_printf(&a, "%.*s/volumes/%.*s/%.*s", STR_ARG(folder), STR_ARG(volume), STR_ARG(path));
    int r = launch_write_file(&a, file, content, mode);

    if (r < 0)
        log_error("runtime", "cannot write %.*s: %s", STR_ARG(file), strerror(-r));
    arena_free(&a);
    return r;
}

static void process_remove_pod(struct pod_runtime *base, struct runtime_pod *pod)
{
    struct process_runtime *rt = runtime_of(base);
    struct arena a = {0};

    launch_remove_tree(launch_pod_folder(&a, &rt->settings, pod->sandbox.uid).at);
    arena_free(&a);
}

/* --- the runtime -------------------------------------------------------------------------- */

static void on_wait_closed(uv_handle_t *h)
{
    struct process_runtime *rt =
        container_of((uv_timer_t *)(void *)h, struct process_runtime, wait);

    guard_free(rt->guard);
    launch_remove_tree(arena_printf(&rt->base.arena, "%.*s/pods", STR_ARG(rt->settings.folder)).at);
    runtime_closed(&rt->base);
}

static void close_when_empty(struct process_runtime *rt)
{
    if (!rt->base.closing || rt->running > 0 || rt->wait_closed)
        return;
    rt->wait_closed = true;
    uv_close((uv_handle_t *)&rt->wait, on_wait_closed);
}

static void process_close_all(struct pod_runtime *base)
{
    close_when_empty(runtime_of(base));
}

static const struct exec_ops exec_ops = {
    .size = sizeof(struct process_exec),
    .start = process_exec_start,
    .write = process_exec_write,
    .unsent = process_exec_unsent,
    .hold = process_exec_hold,
    .resize = process_exec_resize,
    .kill = process_exec_kill,
};

static const struct pod_runtime_ops process_ops = {
    .name = "process",
    .container_size = sizeof(struct process),
    .start = process_start,
    .stop = process_stop,
    .put_file = process_put_file,
    .remove_pod = process_remove_pod,
    .write = process_write,
    .unsent = process_unsent,
    .resize = process_resize,
    .exec = &exec_ops,
    .close = process_close_all,
};

struct pod_runtime *process_runtime_new(const struct runtime_options *o)
{
    struct process_runtime *rt = xcalloc(sizeof *rt);
    struct arena *a = &rt->base.arena;

    runtime_init(&rt->base, &process_ops, o);
    rt->base.needs_programs = true;
    rt->settings = (struct launch_settings){
        .folder = arena_str(a, o->folder),
        .ca_file = arena_str(a, o->ca_file),
        .proxy = arena_str(a, o->proxy),
        .beside = rt->base.program_folder,
        .base_env = arena_str(a, str_c(getenv("PATH"))),
    };
    (void)uv_timer_init(o->loop, &rt->wait);
    /* what a killed server left behind; its processes were ended by its guard */
    launch_remove_tree(arena_printf(a, "%.*s/pods", STR_ARG(rt->settings.folder)).at);
    return &rt->base;
}
