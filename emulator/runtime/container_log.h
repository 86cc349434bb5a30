/* What one container instance wrote to stdout and stderr: lines with their time, the newest
 * kept up to a cap, as the kubelet rotates its files. Followers hear of lines as they come. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/str.h"

enum log_stream { LOG_STDOUT, LOG_STDERR, LOG_STREAMS };

/* A started line that waits for its end, of one stream. */
struct log_partial {
    struct buf text;
};

struct container_log {
    const struct clock *clock; /* borrowed */
    struct buf records;        /* {time, length, bytes} one behind the other */
    size_t cap;                /* bytes of records kept */
    struct log_partial partial[LOG_STREAMS];
    struct link followers;
    unsigned refs;
    bool ended; /* the container is gone; no more lines come */
};

/* What a reader asks for (kubernetes-api.md §3.8, pods/log). */
struct log_query {
    int64_t tail_lines;  /* negative: all */
    int64_t since_ms;    /* lines at or after this time; 0: all */
    int64_t limit_bytes; /* 0: no limit */
    bool timestamps;     /* each line begins with its RFC 3339 time, nine digits */
};

struct log_follower;

/* @text: one or more whole lines as the query wants them, borrowed; empty with @ended true once,
 * when the container is gone: the follower is out of the list by then. */
typedef void log_follow_cb(struct log_follower *f, struct str text, bool ended);

/* A member of whoever follows. */
struct log_follower {
    struct link link;
    log_follow_cb *heard;
    struct log_query query; /* limit_bytes counts down */
};

/* A new, empty log, with one reference. */
struct container_log *container_log_new(const struct clock *clock, size_t cap);
struct container_log *container_log_ref(struct container_log *l);
void container_log_unref(struct container_log *l);

/* Adds bytes as they came from the pipe; lines are cut at '\n' and at 16 KiB. */
void container_log_add(struct container_log *l, enum log_stream stream, struct str bytes);

/* The container is gone: an unfinished line is taken as one, followers are told and dropped. */
void container_log_end(struct container_log *l);

/* Writes the lines that @q selects to @out. */
void container_log_read(const struct container_log *l, const struct log_query *q, struct buf *out);

/* Hears every line from now on. Ends at once (heard with ended) when the container is gone. The
 * follower is taken out with container_log_unfollow, from its callback too. */
void container_log_follow(struct container_log *l, struct log_follower *f, log_follow_cb *heard,
                          const struct log_query *q);
void container_log_unfollow(struct log_follower *f);
