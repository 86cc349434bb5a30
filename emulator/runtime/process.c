/* The process runtime: a container is a real program in a process group of its own, its stdout and
 * stderr are pipes that end in its log. Recipes that say "static" run nothing.
 *
 * Ownership: an instance (struct process) belongs to the loop from start to on_handle_closed,
 * where the last handle gives it back; then container_ended frees it. stop() may be called any
 * number of times. When the first process ends, what is left of its group is killed.
 * Source: kubernetes-api.md §6.5 (termination). */
#include "runtime/books.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "runtime/guard.h"
#include "runtime/launch.h"

enum {
    CHUNK = 16 * 1024,
    MOST_LEFT_IN_PIPE = 1 << 20,
    SIGNAL_BASE = 128, /* of exit codes */
};

struct process_runtime {
    struct pod_runtime base;
    struct launch_settings settings; /* in base.arena */
    struct guard *guard;             /* from the first process on */
    unsigned running;                /* instances and execs that the loop holds */
    uv_timer_t wait;                 /* ends the closing runtime from the loop */
    bool wait_closed;
    char chunk[CHUNK];
};

/* One of a process's two output pipes. */
struct outlet {
    uv_pipe_t pipe;
    enum log_stream stream;
    bool open; /* the loop holds it */
    struct process *process;
};

struct process {
    struct container base;
    uv_process_t handle;
    struct outlet outlets[LOG_STREAMS];
    uv_timer_t timer; /* the grace period; for static ones, the end */
    unsigned handles; /* still held by libuv */
    bool spawned;     /* the loop holds `handle` */
    bool closing;
    struct container_exit how;
};

static struct process_runtime *runtime_of(struct pod_runtime *rt)
{
    return container_of(rt, struct process_runtime, base);
}

static void close_when_empty(struct process_runtime *rt);

/* --- the end of an instance ------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *h)
{
    struct process *p = h->data;
    struct process_runtime *rt = runtime_of(p->base.rt);

    if (--p->handles > 0)
        return;
    rt->running--;
    container_ended(&p->base, p->how);
    close_when_empty(rt);
}

static void close_handle(struct process *p, uv_handle_t *h)
{
    h->data = p;
    uv_close(h, on_handle_closed);
}

/* What the process wrote last and the loop has not read yet. */
static void drain(struct outlet *o)
{
    struct process_runtime *rt = runtime_of(o->process->base.rt);
    size_t left = MOST_LEFT_IN_PIPE;
    uv_os_fd_t fd;
    ssize_t n;

    if (uv_fileno((const uv_handle_t *)&o->pipe, &fd) < 0)
        return;
    while (left > 0 && (n = read(fd, rt->chunk, CHUNK)) > 0) {
        container_log_add(o->process->base.log, o->stream, str_n(rt->chunk, (size_t)n));
        left -= (size_t)n < left ? (size_t)n : left;
    }
}

static void process_close(struct process *p)
{
    if (p->closing)
        return;
    p->closing = true;
    close_handle(p, (uv_handle_t *)&p->timer);
    for (size_t i = 0; i < LOG_STREAMS; i++) {
        if (!p->outlets[i].open)
            continue;
        drain(&p->outlets[i]);
        close_handle(p, (uv_handle_t *)&p->outlets[i].pipe);
    }
    if (p->spawned)
        close_handle(p, (uv_handle_t *)&p->handle);
}

static struct container_exit exit_of(int64_t status, int signal)
{
    return (struct container_exit){
        .code = signal != 0 ? SIGNAL_BASE + signal : (int)status,
        .signal = signal,
    };
}

static void on_exit_of_process(uv_process_t *handle, int64_t status, int signal)
{
    struct process *p = container_of(handle, struct process, handle);
    struct process_runtime *rt = runtime_of(p->base.rt);
    int pid = uv_process_get_pid(handle);

    p->how = exit_of(status, signal);
    (void)kill(-pid, SIGKILL); /* nginx's workers outlive a killed master */
    guard_remove(rt->guard, pid);
    process_close(p);
}

/* --- output ----------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
    struct outlet *o = container_of((uv_pipe_t *)(void *)h, struct outlet, pipe);
    struct process_runtime *rt = runtime_of(o->process->base.rt);

    (void)suggested;
    *ret = uv_buf_init(rt->chunk, CHUNK); /* read and used up within one callback */
}

static void on_output(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct outlet *o = container_of((uv_pipe_t *)(void *)s, struct outlet, pipe);

    if (n < 0)
        (void)uv_read_stop(s); /* EOF; closed with the process */
    else if (n > 0)
        container_log_add(o->process->base.log, o->stream, str_n(buf->base, (size_t)n));
}

/* --- start ------------------------------------------------------------------------------ */

/* A pipe whose far end the child gets; *ret_child is to be closed by the caller. */
static int open_outlet(struct process *p, enum log_stream stream, uv_file *ret_child)
{
    struct outlet *o = &p->outlets[stream];
    uv_file ends[2];
    int r;

    /* a true pipe: nginx opens /dev/stdout anew, which a socket refuses */
    r = uv_pipe(ends, UV_NONBLOCK_PIPE, 0);
    if (r < 0)
        return r;
    o->stream = stream;
    o->process = p;
    (void)uv_pipe_init(p->base.rt->loop, &o->pipe, 0);
    o->open = true;
    p->handles++;
    r = uv_pipe_open(&o->pipe, ends[0]);
    if (r < 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return r;
    }
    *ret_child = ends[1];
    return 0;
}

static int spawn(struct process *p, const struct launch *launch)
{
    uv_file out = -1, err = -1;
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}};
    uv_process_options_t o = {
        .exit_cb = on_exit_of_process,
        .file = launch->file,
        .args = launch->argv,
        .env = launch->env,
        .cwd = launch->folder,
        .flags = UV_PROCESS_DETACHED, /* a session and group of its own */
        .stdio_count = (int)ARRAY_LEN(stdio),
        .stdio = stdio,
    };
    int r = open_outlet(p, LOG_STDOUT, &out);

    if (r == 0)
        r = open_outlet(p, LOG_STDERR, &err);
    stdio[1] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = out};
    stdio[2] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = err};
    if (r == 0) {
        p->handles++;
        p->spawned = true; /* to be closed even when it fails */
        r = uv_spawn(p->base.rt->loop, &p->handle, &o);
    }
    if (out >= 0)
        (void)close(out);
    if (err >= 0)
        (void)close(err);
    return r;
}

static void on_killed_late(uv_timer_t *t)
{
    struct process *p = container_of(t, struct process, timer);

    (void)kill(-uv_process_get_pid(&p->handle), SIGKILL);
}

/* A static container ends when its timer says so. */
static void on_static_end(uv_timer_t *t)
{
    process_close(container_of(t, struct process, timer));
}

/* What could not be started has been a container for a moment, as the kubelet shows it:
 * StartError, exit code 128. */
static void fail_start(struct process *p, const struct launch *launch, int error)
{
    struct arena a = {0};

    container_log_add(p->base.log, LOG_STDERR,
                      arena_printf(&a, "exec: \"%s\": %s\n", launch->file, uv_strerror(error)));
    arena_free(&a);
    p->how = (struct container_exit){.code = SIGNAL_BASE};
    (void)uv_timer_start(&p->timer, on_static_end, 0, 0);
}

static void begin_reading(struct process *p)
{
    for (size_t i = 0; i < LOG_STREAMS; i++)
        (void)uv_read_start((uv_stream_t *)&p->outlets[i].pipe, on_alloc, on_output);
}

static int process_start(struct container *c, struct arena *a, const struct container_spec *spec,
                         struct str *ret_why)
{
    struct process *p = container_of(c, struct process, base);
    struct process_runtime *rt = runtime_of(c->rt);
    struct launch launch = {0};
    int r;

    if (c->recipe->run != IMAGE_STATIC) {
        r = launch_prepare(a, &rt->settings, c, spec, &launch, ret_why);
        if (r < 0)
            return r;
    }
    rt->running++;
    p->handles = 1;
    (void)uv_timer_init(rt->base.loop, &p->timer);
    if (c->recipe->run == IMAGE_STATIC)
        return 0;
    if (rt->guard == NULL)
        rt->guard = guard_new();
    r = spawn(p, &launch);
    if (r < 0) {
        fail_start(p, &launch, r);
        return 0;
    }
    guard_add(rt->guard, uv_process_get_pid(&p->handle));
    begin_reading(p);
    return 0;
}

/* --- stop ------------------------------------------------------------------------------- */

static bool has_process(const struct process *p)
{
    return p->spawned && uv_process_get_pid(&p->handle) > 0;
}

static void process_stop(struct container *c, int64_t grace_ms)
{
    struct process *p = container_of(c, struct process, base);
    int64_t delay = clock_real_delay(c->rt->clock, grace_ms);
    int pid;

    if (p->closing)
        return;
    if (!has_process(p)) {
        (void)uv_timer_start(&p->timer, on_static_end, 0, 0);
        return;
    }
    pid = uv_process_get_pid(&p->handle);
    if (grace_ms <= 0) {
        (void)kill(-pid, SIGKILL);
        return;
    }
    (void)kill(pid, SIGTERM);
    if (!uv_is_active((uv_handle_t *)&p->timer) || uv_timer_get_due_in(&p->timer) > (uint64_t)delay)
        (void)uv_timer_start(&p->timer, on_killed_late, (uint64_t)delay, 0);
}

/* --- files ------------------------------------------------------------------------------ */

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

/* --- the runtime ------------------------------------------------------------------------ */

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

static const struct pod_runtime_ops process_ops = {
    .name = "process",
    .container_size = sizeof(struct process),
    .start = process_start,
    .stop = process_stop,
    .put_file = process_put_file,
    .remove_pod = process_remove_pod,
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
