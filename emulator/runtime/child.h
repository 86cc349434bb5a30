/* One program of this machine with its stdin, stdout and stderr, over pipes or at a terminal of its
 * own: what a container, or a command beside it, is made of. A session and process group of its
 * own; when the first process ends, what is left of the group is killed. For the files of runtime/
 * only. Control thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/list.h"
#include "base/str.h"
#include "runtime/container_log.h"
#include "runtime/guard.h"
#include "runtime/pod_runtime.h"

enum { CHILD_CHUNK = 16 * 1024 };

struct child_options {
    uv_loop_t *loop;
    const char *file; /* NULL: nothing runs, it just is there until it is stopped */
    const char *folder;
    char **argv, **env;
    bool takes_stdin; /* else it reads nothing */
    bool tty;         /* at a terminal: stdout and stderr are one, as LOG_STDOUT */
    uint16_t columns, rows;
    struct guard *guard; /* may be NULL */
    char *chunk;         /* CHILD_CHUNK bytes, shared by all that read on this loop */
    /* Borrowed bytes. Never before child_start returned, never after on_exit. */
    void (*on_output)(void *data, enum log_stream stream, struct str bytes);
    /* Once, last: the loop holds nothing of the child any more. */
    void (*on_exit)(void *data, struct container_exit how);
    void *data;
};

/* One of its ends on our side. At a terminal the outlet of stdout is the only one. */
struct child_end {
    uv_pipe_t pipe;
    bool open; /* the loop holds it */
    struct child *child;
};

/* A member of its owner, who keeps it until on_exit. */
struct child {
    struct child_options o;
    uv_process_t process; /* over pipes */
    uv_signal_t reaper;   /* at a terminal */
    uv_timer_t timer;     /* the grace period's end; the end of what never ran */
    struct child_end in, out[LOG_STREAMS];
    int pid;
    unsigned handles; /* still held by libuv */
    bool has_process, has_reaper, closing, stdin_ended, held;
    char *complaint; /* of a start that failed, to be said */
    struct container_exit how;
};

/* Starts it. What cannot be started has been there for a moment: its complaint comes as output, its
 * end with exit code 128, as the kubelet shows it (StartError). */
void child_start(struct child *c, const struct child_options *o);

/* SIGTERM to its first process, after @grace_ms (real ones) SIGKILL to all of the group; with 0
 * SIGKILL at once. Calling it again may only shorten. */
void child_stop(struct child *c, int64_t grace_ms);

/* Bytes for its stdin (copied); none: the end of stdin. */
void child_write(struct child *c, struct str bytes);

/* How many of those it has not taken yet. */
size_t child_unsent(const struct child *c);

/* Does not read its output while @held; what it writes then waits in the pipe. */
void child_hold(struct child *c, bool held);

/* The size of its terminal; it is told. */
void child_resize(struct child *c, uint16_t columns, uint16_t rows);
