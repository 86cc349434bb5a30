/* Writing heads into memory that is there already: no growing, no allocation. A write that does
 * not fit sets `full` and changes nothing; the caller checks once at the end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct text {
    char *at; /* borrowed */
    size_t n, room;
    bool full;
};

static inline void text_add(struct text *t, struct str s)
{
    if (s.n > t->room - t->n) {
        t->full = true;
        return;
    }
    if (s.n > 0)
        memcpy(t->at + t->n, s.at, s.n);
    t->n += s.n;
}

static inline void text_number(struct text *t, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    text_add(t, (struct str){digits + at, sizeof digits - at});
}

/* Lower-case hex; at least @width digits. */
static inline void text_hex(struct text *t, uint64_t value, unsigned width)
{
    char digits[16];
    size_t at = sizeof digits;

    do {
        digits[--at] = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value > 0 || sizeof digits - at < width);
    text_add(t, (struct str){digits + at, sizeof digits - at});
}

/* An IPv4 address in host byte order, dotted. */
static inline void text_address(struct text *t, uint32_t address)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        text_number(t, address >> shift & 255);
        if (shift > 0)
            text_add(t, S("."));
    }
}
