/* Growing text with a cap set at the start. Once a write would pass the cap, the buffer is
 * `full`: that write and all later ones change nothing, and the caller checks once at the end. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"
#include "base/str.h"

struct buf {
    char *at;
    size_t n, room, cap;
    bool full;
};

/* An empty buffer that may grow to @cap bytes; owns its memory, give it back with buf_free. */
static inline struct buf buf_init(size_t cap)
{
    return (struct buf){.cap = cap};
}

/* What was written so far; borrowed until the next write. */
static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->at, b->n};
}

void buf_add(struct buf *b, struct str s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

/* Room for @n more bytes, to be written at the returned address and then counted with
 * buf_commit; NULL when the cap forbids it. */
char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);

/* Drops the first @n bytes. */
void buf_consume(struct buf *b, size_t n);

/* Empties it and keeps the memory. */
void buf_reset(struct buf *b);

/* The text as a NUL-terminated heap string that the caller frees; the buffer is empty after. */
char *buf_take(struct buf *b);

/* Gives the memory back; for CLEANUP too. */
void buf_free(struct buf *b);
