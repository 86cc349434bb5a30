/* The last lines of the log, kept for `elbow logs`. Lines may come from any thread. */
#pragma once

#include "base/buf.h"
#include "base/log.h"

struct log_ring;

/* Keeps the last @bytes of the log. */
struct log_ring *log_ring_new(size_t bytes);
void log_ring_free(struct log_ring *r);

/* For log_init; @data is the ring. */
void log_ring_hear(void *data, enum log_level level, struct str line);

/* Adds the lines, oldest first, to @out. */
void log_ring_read(struct log_ring *r, struct buf *out);
