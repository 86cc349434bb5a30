/* Children over pipes are libuv's. Those at a terminal are forked here, because the terminal has to
 * be made the controlling one between fork and exec, where libuv has no hook; they are reaped from
 * SIGCHLD by their own pid, which libuv leaves alone.
 *
 * Ownership: the struct is a member of a container or an exec; the loop holds its handles from
 * child_start to the last on_handle_closed, which gives it back through on_exit.
 * Source: kubernetes-api.md §6.5 (termination); pty(7), credentials(7). */
#include "runtime/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"

enum {
    MOST_LEFT_IN_PIPE = 1 << 20,
    SIGNAL_BASE = 128,  /* of exit codes */
    START_FAILED = 128, /* StartError */
    EXEC_FAILED = 127,
    DEFAULT_COLUMNS = 80,
    DEFAULT_ROWS = 24,
};

/* --- the end ---------------------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *h)
{
    struct child *c = h->data;

    if (--c->handles > 0)
        return;
    free(c->complaint);
    c->complaint = NULL;
    c->o.on_exit(c->o.data, c->how);
}

static void close_handle(struct child *c, uv_handle_t *h)
{
    h->data = c;
    uv_close(h, on_handle_closed);
}

static struct child_end *end_of(uv_stream_t *s)
{
    return container_of((uv_pipe_t *)(void *)s, struct child_end, pipe);
}

static enum log_stream stream_of(const struct child_end *end)
{
    return end == &end->child->out[LOG_STDERR] ? LOG_STDERR : LOG_STDOUT;
}

static void tell_output(struct child_end *end, const char *at, ssize_t n)
{
    struct child *c = end->child;

    c->o.on_output(c->o.data, stream_of(end), str_n(at, (size_t)n));
}

/* What it wrote last and the loop has not read yet. */
static void drain(struct child_end *end)
{
    struct child *c = end->child;
    size_t left = MOST_LEFT_IN_PIPE;
    uv_os_fd_t fd;
    ssize_t n;

    if (uv_fileno((const uv_handle_t *)&end->pipe, &fd) < 0)
        return;
    while (left > 0 && (n = read(fd, c->o.chunk, CHILD_CHUNK)) > 0) {
        tell_output(end, c->o.chunk, n);
        left -= (size_t)n < left ? (size_t)n : left;
    }
}

static void close_end(struct child_end *end)
{
    if (!end->open)
        return;
    end->open = false;
    close_handle(end->child, (uv_handle_t *)&end->pipe);
}

static void child_close(struct child *c)
{
    if (c->closing)
        return;
    c->closing = true;
    close_handle(c, (uv_handle_t *)&c->timer);
    close_end(&c->in);
    for (size_t i = 0; i < LOG_STREAMS; i++) {
        if (c->out[i].open)
            drain(&c->out[i]);
        close_end(&c->out[i]);
    }
    if (c->has_process)
        close_handle(c, (uv_handle_t *)&c->process);
    if (c->has_reaper)
        close_handle(c, (uv_handle_t *)&c->reaper);
}

static void ended(struct child *c, int code, int signal)
{
    c->how = (struct container_exit){
        .code = signal != 0 ? SIGNAL_BASE + signal : code,
        .signal = signal,
    };
    (void)kill(-c->pid, SIGKILL); /* nginx's workers outlive a killed master */
    guard_remove(c->o.guard, c->pid);
    c->pid = 0;
    child_close(c);
}

static void on_process_exit(uv_process_t *p, int64_t status, int signal)
{
    ended(container_of(p, struct child, process), (int)status, signal);
}

/* Some child of ours has ended; perhaps this one. */
static void on_child_signal(uv_signal_t *s, int number UNUSED)
{
    struct child *c = container_of(s, struct child, reaper);
    int status = 0;

    if (c->pid <= 0 || waitpid(c->pid, &status, WNOHANG) != c->pid)
        return;
    if (WIFSIGNALED(status))
        ended(c, 0, WTERMSIG(status));
    else
        ended(c, WEXITSTATUS(status), 0);
}

/* --- output ----------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *h, size_t suggested UNUSED, uv_buf_t *ret)
{
    struct child *c = end_of((uv_stream_t *)h)->child;

    *ret = uv_buf_init(c->o.chunk, CHILD_CHUNK); /* read and used up within one callback */
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    if (n < 0)
        (void)uv_read_stop(s); /* EOF, a terminal's is EIO; closed with the process */
    else if (n > 0)
        tell_output(end_of(s), buf->base, n);
}

void child_hold(struct child *c, bool held)
{
    c->held = held;
    for (size_t i = 0; i < LOG_STREAMS; i++) {
        uv_stream_t *s = (uv_stream_t *)&c->out[i].pipe;

        if (!c->out[i].open)
            continue;
        if (held)
            (void)uv_read_stop(s);
        else
            (void)uv_read_start(s, on_alloc, on_read);
    }
}

/* --- input ------------------------------------------------------------------------------------ */

struct chunk {
    uv_write_t req;
    char bytes[];
};

/* Where its input goes. */
static struct child_end *inlet(struct child *c)
{
    return c->o.tty ? &c->out[LOG_STDOUT] : &c->in;
}

static void end_stdin_when_sent(struct child *c)
{
    if (c->stdin_ended && c->in.open && child_unsent(c) == 0)
        close_end(&c->in);
}

static void on_sent(uv_write_t *req, int status UNUSED)
{
    struct child_end *end = end_of(req->handle);

    free(container_of(req, struct chunk, req));
    if (end->open)
        end_stdin_when_sent(end->child);
}

void child_write(struct child *c, struct str bytes)
{
    struct child_end *end = inlet(c);
    struct chunk *k;
    uv_buf_t b;

    if (c->closing || !end->open || !c->o.takes_stdin || c->stdin_ended)
        return;
    if (bytes.n == 0) {
        c->stdin_ended = !c->o.tty; /* a terminal has no end but the one that is typed */
        end_stdin_when_sent(c);
        return;
    }
    k = xcalloc(sizeof *k + bytes.n);
    memcpy(k->bytes, bytes.at, bytes.n);
    b = uv_buf_init(k->bytes, (unsigned)bytes.n);
    if (uv_write(&k->req, (uv_stream_t *)&end->pipe, &b, 1, on_sent) < 0)
        free(k);
}

size_t child_unsent(const struct child *c)
{
    const struct child_end *end = c->o.tty ? &c->out[LOG_STDOUT] : &c->in;

    return end->open ? uv_stream_get_write_queue_size((const uv_stream_t *)&end->pipe) : 0;
}

void child_resize(struct child *c, uint16_t columns, uint16_t rows)
{
    struct winsize size = {.ws_col = columns, .ws_row = rows};
    uv_os_fd_t fd;

    if (c->o.tty && c->out[LOG_STDOUT].open &&
        uv_fileno((const uv_handle_t *)&c->out[LOG_STDOUT].pipe, &fd) == 0)
        (void)ioctl(fd, TIOCSWINSZ, &size);
}

/* --- start ------------------------------------------------------------------------------------ */

/* Gives our end @fd to the loop; it is closed with it. */
static int adopt(struct child *c, struct child_end *end, uv_file fd)
{
    int r;

    (void)uv_pipe_init(c->o.loop, &end->pipe, 0);
    end->child = c;
    end->open = true;
    c->handles++;
    r = uv_pipe_open(&end->pipe, fd);
    if (r < 0)
        (void)close(fd);
    return r;
}

/* A true pipe, of which the child gets the other end: nginx opens /dev/stdout anew, which a socket
 * refuses. *ret_theirs is to be closed by the caller. */
static int open_pipe(struct child *c, struct child_end *end, bool input, uv_file *ret_theirs)
{
    uv_file ends[2];
    int ours = input ? 1 : 0;
    int r = uv_pipe(ends, input ? 0 : UV_NONBLOCK_PIPE, input ? UV_NONBLOCK_PIPE : 0);

    if (r < 0)
        return r;
    *ret_theirs = ends[1 - ours];
    return adopt(c, end, ends[ours]);
}

static int start_over_pipes(struct child *c)
{
    uv_file theirs[3] = {-1, -1, -1};
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}};
    uv_process_options_t o = {
        .exit_cb = on_process_exit,
        .file = c->o.file,
        .args = c->o.argv,
        .env = c->o.env,
        .cwd = c->o.folder,
        .flags = UV_PROCESS_DETACHED, /* a session and group of its own */
        .stdio_count = (int)ARRAY_LEN(stdio),
        .stdio = stdio,
    };
    int r = c->o.takes_stdin ? open_pipe(c, &c->in, true, &theirs[0]) : 0;

    if (r == 0)
        r = open_pipe(c, &c->out[LOG_STDOUT], false, &theirs[1]);
    if (r == 0)
        r = open_pipe(c, &c->out[LOG_STDERR], false, &theirs[2]);
    for (size_t i = 0; i < ARRAY_LEN(stdio); i++)
        if (theirs[i] >= 0)
            stdio[i] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = theirs[i]};
    if (r == 0) {
        c->handles++;
        c->has_process = true; /* to be closed even when it fails */
        r = uv_spawn(c->o.loop, &c->process, &o);
    }
    for (size_t i = 0; i < ARRAY_LEN(theirs); i++)
        if (theirs[i] >= 0)
            (void)close(theirs[i]);
    if (r == 0)
        c->pid = uv_process_get_pid(&c->process);
    return r;
}

static int open_terminal(int *ret_master, int *ret_slave)
{
    char name[64];
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

    if (master < 0)
        return -errno;
    if (grantpt(master) < 0 || unlockpt(master) < 0 || ptsname_r(master, name, sizeof name) != 0 ||
        (slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) {
        int r = -errno;

        (void)close(master);
        return r;
    }
    (void)fcntl(master, F_SETFL, O_NONBLOCK);
    *ret_master = master;
    *ret_slave = slave;
    return 0;
}

/* The forked half; the server has threads, so it calls async-signal-safe functions only. @report
 * closes with the exec, or tells why there was none. */
static void __attribute__((noreturn)) become(const struct child_options *o, int slave, int report)
{
    enum { REPORT = STDERR_FILENO + 1 };
    sigset_t none;
    int error;

    for (int i = 1; i < NSIG; i++)
        (void)signal(i, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
    (void)ioctl(slave, TIOCSCTTY, 0);
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
        (void)dup2(slave, i);
    if (report != REPORT)
        (void)dup2(report, REPORT);
    (void)fcntl(REPORT, F_SETFD, FD_CLOEXEC);
    (void)close_range(REPORT + 1, UINT_MAX, 0);
    if (chdir(o->folder) == 0)
        (void)execve(o->file, o->argv, o->env);
    error = -errno;
    (void)!write(REPORT, &error, sizeof error);
    _exit(EXEC_FAILED);
}

/* Forks, and waits until the child has become its program: from then on its group can be killed.
 * The pid, or a negative errno. */
static int fork_at(const struct child_options *o, int slave)
{
    int report[2], error = 0;
    sigset_t all, before;
    pid_t pid;

    if (pipe2(report, O_CLOEXEC) < 0)
        return -errno;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before); /* libuv's handlers are not for the child */
    pid = fork();
    if (pid == 0)
        become(o, slave, report[1]);
    error = pid < 0 ? -errno : 0;
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    (void)close(report[1]);
    if (pid > 0) {
        ssize_t n;

        do
            n = read(report[0], &error, sizeof error);
        while (n < 0 && errno == EINTR);
        if (n == (ssize_t)sizeof error)
            (void)waitpid(pid, NULL, 0);
        else
            error = 0;
    }
    (void)close(report[0]);
    return error < 0 ? error : pid;
}

static int start_at_terminal(struct child *c)
{
    int master, slave, r = open_terminal(&master, &slave);

    if (r < 0)
        return r;
    r = adopt(c, &c->out[LOG_STDOUT], master);
    if (r == 0) {
        child_resize(c, c->o.columns > 0 ? c->o.columns : DEFAULT_COLUMNS,
                     c->o.rows > 0 ? c->o.rows : DEFAULT_ROWS);
        (void)uv_signal_init(c->o.loop, &c->reaper);
        c->has_reaper = true;
        c->handles++;
        r = uv_signal_start(&c->reaper, on_child_signal, SIGCHLD);
    }
    if (r == 0)
        r = fork_at(&c->o, slave);
    if (r > 0)
        c->pid = r;
    (void)close(slave);
    return r > 0 ? 0 : r;
}

/* The timer of what has no process: it ends now. */
static void on_end_without_process(uv_timer_t *t)
{
    struct child *c = container_of(t, struct child, timer);

    if (c->complaint != NULL)
        c->o.on_output(c->o.data, LOG_STDERR, str_c(c->complaint));
    child_close(c);
}

static void fail_start(struct child *c, int error)
{
    struct arena a = {0};

    c->complaint =
        xstrdup(arena_printf(&a, "exec: \"%s\": %s\n", c->o.file, uv_strerror(error)).at);
    arena_free(&a);
    c->pid = 0;
    c->how = (struct container_exit){.code = START_FAILED};
    (void)uv_timer_start(&c->timer, on_end_without_process, 0, 0);
}

void child_start(struct child *c, const struct child_options *o)
{
    int r;

    *c = (struct child){.o = *o, .handles = 1};
    (void)uv_timer_init(o->loop, &c->timer);
    if (o->file == NULL)
        return;
    r = o->tty ? start_at_terminal(c) : start_over_pipes(c);
    if (r < 0) {
        fail_start(c, r);
        return;
    }
    guard_add(o->guard, c->pid);
    child_hold(c, false);
}

/* --- stop ------------------------------------------------------------------------------------- */

/* The group, and the child by itself: one that was forked a moment ago may have no group yet. */
static void kill_all(const struct child *c)
{
    (void)kill(-c->pid, SIGKILL);
    (void)kill(c->pid, SIGKILL);
}

static void on_grace_over(uv_timer_t *t)
{
    struct child *c = container_of(t, struct child, timer);

    if (c->pid > 0)
        kill_all(c);
}

void child_stop(struct child *c, int64_t grace_ms)
{
    if (c->closing)
        return;
    if (c->pid <= 0) {
        (void)uv_timer_start(&c->timer, on_end_without_process, 0, 0);
        return;
    }
    if (grace_ms <= 0) {
        kill_all(c);
        return;
    }
    (void)kill(c->pid, SIGTERM);
    if (!uv_is_active((uv_handle_t *)&c->timer) ||
        uv_timer_get_due_in(&c->timer) > (uint64_t)grace_ms)
        (void)uv_timer_start(&c->timer, on_grace_over, (uint64_t)grace_ms, 0);
}
