/* The guard: a fork of the server that holds one end of a socket pair and a list of process groups.
 * The server's end closes when the server dies, by any signal; then the guard kills the groups.
 * PR_SET_PDEATHSIG would not do: it reaches a container's first process only (nginx's workers live
 * on without their master), and libuv has no hook to set it.
 *
 * The server has threads when it forks, so the child calls async-signal-safe functions only. */
#include "runtime/guard.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"

enum { MOST_GROUPS = 1 << 16 };

struct guard {
    int socket;
    pid_t pid;
};

static void remove_group(pid_t *groups, size_t *n, pid_t group)
{
    for (size_t i = 0; i < *n; i++)
        if (groups[i] == group) {
            groups[i] = groups[--*n];
            return;
        }
}

/* The child's life. A positive number joins, a negative one has ended. */
static void __attribute__((noreturn)) watch(int fd, pid_t *groups)
{
    static const int deaf[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2};
    sigset_t none;
    size_t n = 0;
    pid_t told;

    for (size_t i = 0; i < sizeof deaf / sizeof deaf[0]; i++)
        (void)signal(deaf[i], SIG_IGN);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
    (void)dup2(fd, STDIN_FILENO);
    (void)close_range(STDOUT_FILENO, UINT_MAX, 0);
    (void)prctl(PR_SET_NAME, "elbow-guard");
    for (;;) {
        ssize_t got = read(STDIN_FILENO, &told, sizeof told);

        if (got < 0 && errno == EINTR)
            continue;
        if (got != (ssize_t)sizeof told)
            break;
        if (told > 1 && n < MOST_GROUPS)
            groups[n++] = told;
        else if (told < -1)
            remove_group(groups, &n, -told);
    }
    while (n > 0)
        (void)kill(-groups[--n], SIGKILL);
    _exit(0);
}

struct guard *guard_new(void)
{
    size_t bytes = MOST_GROUPS * sizeof(pid_t);
    sigset_t all, before;
    struct guard *g;
    void *groups;
    int ends[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        log_error("runtime", "no socket pair for the guard of containers: %s", strerror(errno));
        return NULL;
    }
    groups = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before); /* libuv's handlers must not run in the child */
    pid = groups == MAP_FAILED ? -1 : fork();
    if (pid == 0)
        watch(ends[1], groups);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (groups != MAP_FAILED)
        (void)munmap(groups, bytes);
    (void)close(ends[1]);
    if (pid < 0) {
        log_error("runtime", "cannot start the guard of containers: %s", strerror(errno));
        (void)close(ends[0]);
        return NULL;
    }
    g = xcalloc(sizeof *g);
    *g = (struct guard){ends[0], pid};
    return g;
}

static void tell(struct guard *g, pid_t word)
{
    if (g != NULL)
        (void)send(g->socket, &word, sizeof word, MSG_NOSIGNAL);
}

void guard_add(struct guard *g, pid_t group)
{
    tell(g, group);
}

void guard_remove(struct guard *g, pid_t group)
{
    tell(g, -group);
}

void guard_free(struct guard *g)
{
    if (g == NULL)
        return;
    (void)close(g->socket);
    while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(g);
}
