/* Arena blocks grow by doubling up to 64 KiB; a larger wish gets a block of its own. */
#include "base/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { FIRST_BLOCK = 1024, LARGEST_BLOCK = 64 * 1024 };

struct arena_block {
    struct arena_block *older;
    size_t size, used;
    _Alignas(max_align_t) unsigned char bytes[];
};

static size_t next_size(const struct arena *a, size_t wish)
{
    size_t size = a->last == NULL ? FIRST_BLOCK : a->last->size * 2;

    if (size > LARGEST_BLOCK)
        size = LARGEST_BLOCK;
    return size < wish ? wish : size;
}

void *arena_alloc(struct arena *a, size_t n)
{
    const size_t align = _Alignof(max_align_t);
    struct arena_block *b = a->last;
    void *p;

    assert(n < SIZE_MAX / 4);
    n = (n + align - 1) / align * align;
    if (b == NULL || b->size - b->used < n) {
        size_t size = next_size(a, n);

        b = xcalloc(sizeof *b + size);
        b->size = size;
        b->older = a->last;
        a->last = b;
    }
    p = b->bytes + b->used;
    b->used += n;
    a->used += n;
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    assert(size == 0 || count < SIZE_MAX / 4 / size);
    return arena_alloc(a, count * size);
}

char *arena_cstr(struct arena *a, struct str s)
{
    char *copy = arena_alloc(a, s.n + 1);

    if (s.n > 0)
        memcpy(copy, s.at, s.n);
    return copy;
}

struct str arena_str(struct arena *a, struct str s)
{
    return (struct str){arena_cstr(a, s), s.n};
}

struct str arena_vprintf(struct arena *a, const char *fmt, va_list args)
{
    va_list again;
    char *text;
    int n;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    assert(n >= 0);
    text = arena_alloc(a, (size_t)n + 1);
    (void)vsnprintf(text, (size_t)n + 1, fmt, args);
    return (struct str){text, (size_t)n};
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    struct str s;
    va_list args;

    va_start(args, fmt);
    s = arena_vprintf(a, fmt, args);
    va_end(args);
    return s;
}

void arena_free(struct arena *a)
{
    struct arena_block *b = a->last;

    while (b != NULL) {
        struct arena_block *older = b->older;

        free(b);
        b = older;
    }
    *a = (struct arena){0};
}
