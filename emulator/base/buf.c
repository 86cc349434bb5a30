/* Growing text with a cap. */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

char *buf_reserve(struct buf *b, size_t n)
{
    size_t room;

    if (b->full || n > b->cap || b->n > b->cap - n) {
        b->full = true;
        return NULL;
    }
    if (b->room - b->n < n || b->at == NULL) {
        room = b->room < 256 ? 256 : b->room * 2;
        if (room < b->n + n)
            room = b->n + n;
        b->at = xrealloc(b->at, room);
        b->room = room;
    }
    return b->at + b->n;
}

void buf_commit(struct buf *b, size_t n)
{
    assert(n <= b->room - b->n);
    b->n += n;
}

void buf_add(struct buf *b, struct str s)
{
    char *to = s.n > 0 ? buf_reserve(b, s.n) : NULL;

    if (to == NULL)
        return;
    memcpy(to, s.at, s.n);
    b->n += s.n;
}

void buf_char(struct buf *b, char c)
{
    buf_add(b, str_n(&c, 1));
}

void buf_vprintf(struct buf *b, const char *fmt, va_list args)
{
    va_list again;
    char *to;
    int n;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    assert(n >= 0);
    to = buf_reserve(b, (size_t)n + 1);
    if (to == NULL)
        return;
    (void)vsnprintf(to, (size_t)n + 1, fmt, args);
    b->n += (size_t)n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    buf_vprintf(b, fmt, args);
    va_end(args);
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->n);
    if (n == 0)
        return;
    memmove(b->at, b->at + n, b->n - n);
    b->n -= n;
}

void buf_reset(struct buf *b)
{
    b->n = 0;
    b->full = false;
}

char *buf_take(struct buf *b)
{
    char *text = xrealloc(b->at, b->n + 1);

    text[b->n] = '\0';
    *b = buf_init(b->cap);
    return text;
}

void buf_free(struct buf *b)
{
    free(b->at);
    *b = buf_init(b->cap);
}
