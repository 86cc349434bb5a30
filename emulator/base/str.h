/* Slices: a pointer and a length, borrowed from whoever owns the bytes. n == 0 means absent
 * or empty; `at` may be NULL then. Bytes are not NUL-terminated unless said so. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *at;
    size_t n;
};

/* A literal as a slice, also in static tables. */
#define S(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_INIT(literal)               \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }
/* For "%.*s". */
#define STR_ARG(s) (int)(s).n, ((s).n > 0 ? (s).at : "")

static inline struct str str_c(const char *s)
{
    return s == NULL ? (struct str){0} : (struct str){s, strlen(s)};
}

static inline struct str str_n(const char *at, size_t n)
{
    return (struct str){at, n};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0);
}

static inline bool str_is(struct str a, const char *b)
{
    return str_eq(a, str_c(b));
}

/* The tail from @from, or nothing when @s is shorter. */
static inline struct str str_from(struct str s, size_t from)
{
    return from >= s.n ? (struct str){0} : (struct str){s.at + from, s.n - from};
}

/* The first @n bytes, or all of @s. */
static inline struct str str_first(struct str s, size_t n)
{
    return (struct str){s.at, n < s.n ? n : s.n};
}

/* Byte order, shorter first: <0, 0, >0. */
int str_cmp(struct str a, struct str b);

/* Equality that ignores the case of ASCII letters. */
bool str_ieq(struct str a, struct str b);

bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

#define STR_NONE SIZE_MAX
/* Offset of the first (last) @c in @s, or STR_NONE. */
size_t str_chr(struct str s, char c);
size_t str_rchr(struct str s, char c);
/* Offset of @needle in @s, or STR_NONE. */
size_t str_find(struct str s, struct str needle);

/* Without leading and trailing ASCII white space. */
struct str str_trim(struct str s);

/* Takes the text up to @sep off *rest into *ret_part; false once *rest is used up.
 * "a,,b" gives "a", "", "b"; an empty text gives nothing. */
bool str_next(struct str *rest, char sep, struct str *ret_part);

/* Cuts @s at the first @sep: *ret_head before it, *ret_tail behind it. False, with nothing
 * written, when there is no @sep. */
bool str_cut(struct str s, char sep, struct str *ret_head, struct str *ret_tail);

/* Decimal number with an optional '-', the whole of @s, no white space; false with nothing
 * written when it is none or does not fit. */
bool str_to_int(struct str s, int64_t *ret_value);

/* FNV-1a, for hash tables; not for security. */
uint64_t str_hash(struct str s);
