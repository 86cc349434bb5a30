/* An arena: memory that dies together, with the request or the pass it was made for.
 * Nothing in it is freed singly. An arena that held nothing costs nothing. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/macros.h"
#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *last; /* the block that is being filled; older ones hang behind it */
    size_t used;              /* bytes handed out, of all blocks */
};

/* @n bytes, zeroed and aligned for any type. Never NULL; n == 0 gives a valid address. */
void *arena_alloc(struct arena *a, size_t n);

/* An array of @count zeroed elements; aborts on overflow. */
void *arena_array(struct arena *a, size_t count, size_t size);

/* A copy of @s in @a, followed by a NUL that is not counted. */
struct str arena_str(struct arena *a, struct str s);

/* A NUL-terminated copy of @s. */
char *arena_cstr(struct arena *a, struct str s);

/* Formatted text in @a, NUL-terminated (not counted). */
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct str arena_vprintf(struct arena *a, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

/* Gives everything back. The arena may be used again. */
void arena_free(struct arena *a);
