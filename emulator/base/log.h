/* Log lines to standard error, one clear sentence each. The format and the listener are set once,
 * before any thread starts; writing is safe from any thread. */
#pragma once

#include <stdbool.h>

#include "base/macros.h"
#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* Hears every line as it was written (without its line end). May be called from any thread. */
typedef void log_sink_cb(void *data, enum log_level level, struct str line);

/* Lines above @most are dropped. @sink may be NULL. */
void log_init(enum log_format format, enum log_level most, log_sink_cb *sink, void *data);

/* @room is the part of the house that speaks: "kube", "aws", "proxy" … */
void log_write(enum log_level level, const char *room, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_error(room, ...)   log_write(LOG_ERROR, room, __VA_ARGS__)
#define log_warning(room, ...) log_write(LOG_WARNING, room, __VA_ARGS__)
#define log_info(room, ...)    log_write(LOG_INFO, room, __VA_ARGS__)
#define log_debug(room, ...)   log_write(LOG_DEBUG, room, __VA_ARGS__)
