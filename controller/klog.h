/* Log lines as glog writes them: "I1124 13:11:00.123456       1 rules.go:60] text". To standard
 * error, one write a line; any thread may log. The place is that of v1.1.4's own line, because
 * people look for it. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#include "base/macros.h"
#include "base/str.h"

enum klog_level { KLOG_INFO, KLOG_WARNING, KLOG_ERROR, KLOG_FATAL };

/* @place: "main.go:61". KLOG_FATAL only writes; the caller ends the program with 255. */
void klog_write(enum klog_level level, const char *place, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* As the logger of one Ingress does it: each line of @text with "@who: " before it. */
void klog_lines(enum klog_level level, const char *place, struct str who, struct str text);
