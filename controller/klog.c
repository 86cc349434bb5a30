/* The log. Source: golang/glog (line format), v1.1.4 pkg/util/log. The machine's clock is read
 * here and not base/clock's: a log line tells when it was really written. */
#include "klog.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

enum { LINE_LIMIT = 1 << 20 };

/* A pod that is a process of this machine is the first process of its container. */
static int shown_pid(void)
{
    return getenv("ELBOW_ROOTFS") != NULL ? 1 : (int)getpid();
}

static void add_head(struct buf *b, enum klog_level level, const char *place)
{
    struct timeval now;
    struct tm tm;

    gettimeofday(&now, NULL);
    localtime_r(&now.tv_sec, &tm);
    buf_printf(b, "%c%02d%02d %02d:%02d:%02d.%06ld %7d %s] ", "IWEF"[level], tm.tm_mon + 1,
               tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (long)now.tv_usec, shown_pid(), place);
}

static void write_line(struct buf *b)
{
    buf_char(b, '\n');
    (void)!write(STDERR_FILENO, b->at, b->n);
}

void klog_write(enum klog_level level, const char *place, const char *fmt, ...)
{
    CLEANUP(buf_free) struct buf b = buf_init(LINE_LIMIT);
    va_list args;

    add_head(&b, level, place);
    va_start(args, fmt);
    buf_vprintf(&b, fmt, args);
    va_end(args);
    write_line(&b);
}

void klog_lines(enum klog_level level, const char *place, struct str who, struct str text)
{
    CLEANUP(buf_free) struct buf b = buf_init(LINE_LIMIT);
    struct str line, rest = text;

    do {
        if (!str_cut(rest, '\n', &line, &rest)) {
            line = rest;
            rest = (struct str){0};
        }
        buf_reset(&b);
        add_head(&b, level, place);
        buf_printf(&b, "%.*s: %.*s", STR_ARG(who), STR_ARG(line));
        write_line(&b);
    } while (rest.at != NULL);
}
