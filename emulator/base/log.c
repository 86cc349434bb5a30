/* Log lines: "13:11:00.123 INFO  kube: text", or one JSON object a line. */
#include "base/log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"

enum { LONGEST_LINE = 16 * 1024 };

/* Written once by log_init before threads start; read-only after that. */
static struct {
    enum log_format format;
    enum log_level most;
    log_sink_cb *sink;
    void *data;
} settings = {.format = LOG_TEXT, .most = LOG_INFO};

static const char *const level_names[] = {"ERROR", "WARN", "INFO", "DEBUG"};

void log_init(enum log_format format, enum log_level most, log_sink_cb *sink, void *data)
{
    settings.format = format;
    settings.most = most;
    settings.sink = sink;
    settings.data = data;
}

static void write_line(struct buf *line, enum log_level level, const char *room, struct str text)
{
    struct timespec now;
    struct tm tm;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (settings.format == LOG_JSON) {
        (void)gmtime_r(&now.tv_sec, &tm);
        buf_printf(line,
                   "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\",\"level\":\"%s\",\"room\":",
                   tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                   now.tv_nsec / 1000000, level_names[level]);
        json_write_str(line, str_c(room));
        buf_add(line, S(",\"text\":"));
        json_write_str(line, text);
        buf_char(line, '}');
        return;
    }
    (void)localtime_r(&now.tv_sec, &tm);
    buf_printf(line, "%02d:%02d:%02d.%03ld %-5s %s: ", tm.tm_hour, tm.tm_min, tm.tm_sec,
               now.tv_nsec / 1000000, level_names[level], room);
    for (size_t i = 0; i < text.n; i++) /* a line stays a line, whatever a client sent */
        buf_char(line, (unsigned char)text.at[i] < 0x20 ? ' ' : text.at[i]);
}

void log_write(enum log_level level, const char *room, const char *fmt, ...)
{
    CLEANUP(buf_free) struct buf text = buf_init(LONGEST_LINE), line = buf_init(8 * LONGEST_LINE);
    va_list args;

    if (level > settings.most)
        return;
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    write_line(&line, level, room, buf_str(&text));
    if (settings.sink != NULL)
        settings.sink(settings.data, level, buf_str(&line));
    buf_char(&line, '\n');
    /* One write a line, so that threads do not mix; nothing can be done if stderr is gone. */
    if (write(STDERR_FILENO, line.at, line.n) < 0)
        return;
}
