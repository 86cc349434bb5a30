/* Slices. */
#include "base/str.h"

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n > 0 ? memcmp(a.at, b.at, n) : 0;

    if (order != 0)
        return order;
    return a.n < b.n ? -1 : a.n > b.n;
}

bool str_ieq(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_first(s, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_n(s.at + (s.n - suffix.n), suffix.n), suffix);
}

size_t str_chr(struct str s, char c)
{
    const char *p = s.n > 0 ? memchr(s.at, c, s.n) : NULL;

    return p == NULL ? STR_NONE : (size_t)(p - s.at);
}

size_t str_rchr(struct str s, char c)
{
    const char *p = s.n > 0 ? memrchr(s.at, c, s.n) : NULL;

    return p == NULL ? STR_NONE : (size_t)(p - s.at);
}

size_t str_find(struct str s, struct str needle)
{
    const char *p;

    if (needle.n == 0)
        return 0;
    p = s.n >= needle.n ? memmem(s.at, s.n, needle.at, needle.n) : NULL;
    return p == NULL ? STR_NONE : (size_t)(p - s.at);
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_space(s.at[0]))
        s = str_n(s.at + 1, s.n - 1);
    while (s.n > 0 && is_space(s.at[s.n - 1]))
        s.n--;
    return s;
}

bool str_cut(struct str s, char sep, struct str *ret_head, struct str *ret_tail)
{
    size_t i = str_chr(s, sep);

    if (i == STR_NONE)
        return false;
    *ret_head = str_first(s, i);
    *ret_tail = str_n(s.at + i + 1, s.n - i - 1);
    return true;
}

bool str_next(struct str *rest, char sep, struct str *ret_part)
{
    size_t i;

    if (rest->at == NULL)
        return false;
    i = str_chr(*rest, sep);
    if (i == STR_NONE) {
        *ret_part = *rest;
        *rest = (struct str){0};
        return ret_part->n > 0;
    }
    *ret_part = str_first(*rest, i);
    *rest = str_n(rest->at + i + 1, rest->n - i - 1);
    return true;
}

bool str_to_int(struct str s, int64_t *ret_value)
{
    bool negative = s.n > 0 && s.at[0] == '-';
    uint64_t value = 0, limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    size_t i = negative ? 1 : 0;

    if (i == s.n)
        return false;
    for (; i < s.n; i++) {
        uint64_t digit = (uint64_t)(unsigned char)s.at[i] - '0';

        if (digit > 9 || value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret_value = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

uint64_t str_hash(struct str s)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.at[i]) * 0x100000001b3u;
    return h;
}
