/* Lists of texts and of pairs. */
#include "values.h"

#include <stdlib.h>
#include <string.h>

void *list_room(struct arena *a, void *at, size_t n, size_t size)
{
    void *bigger;

    if (n > 0 && (n & (n - 1)) != 0) /* the array doubles where n is a power of two */
        return at;
    bigger = arena_array(a, n == 0 ? 1 : n * 2, size);
    if (n > 0)
        memcpy(bigger, at, n * size);
    return bigger;
}

void strs_add(struct arena *a, struct strs *s, struct str value)
{
    *LIST_ADD(a, s) = value;
}

bool strs_has(const struct strs *s, struct str value)
{
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->at[i], value))
            return true;
    return false;
}

static int compare_strs(const void *a, const void *b)
{
    const struct str *left = a, *right = b;

    return str_cmp(*left, *right);
}

void strs_sort(struct strs *s)
{
    if (s->n > 0)
        qsort(s->at, s->n, sizeof *s->at, compare_strs);
}

struct strs strs_set(struct arena *a, const struct strs *s)
{
    struct strs set = {.at = arena_array(a, s->n, sizeof *s->at)};

    if (s->n == 0)
        return set;
    memcpy(set.at, s->at, s->n * sizeof *s->at);
    qsort(set.at, s->n, sizeof *set.at, compare_strs);
    for (size_t i = 0; i < s->n; i++)
        if (set.n == 0 || !str_eq(set.at[set.n - 1], set.at[i]))
            set.at[set.n++] = set.at[i];
    return set;
}

bool strs_equal(const struct strs *a, const struct strs *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!str_eq(a->at[i], b->at[i]))
            return false;
    return true;
}

struct strs strs_minus(struct arena *a, const struct strs *s, const struct strs *other)
{
    struct strs rest = {0};

    for (size_t i = 0; i < s->n; i++)
        if (!strs_has(other, s->at[i]))
            strs_add(a, &rest, s->at[i]);
    return rest;
}

struct str strs_join(struct arena *a, const struct strs *s, const char *between)
{
    struct str text = arena_str(a, S(""));

    for (size_t i = 0; i < s->n; i++)
        text =
            arena_printf(a, "%.*s%s%.*s", STR_ARG(text), i == 0 ? "" : between, STR_ARG(s->at[i]));
    return text;
}

struct strs strs_split(struct arena *a, struct str text)
{
    struct strs parts = {0};
    struct str part;

    while (str_next(&text, ',', &part)) {
        part = str_trim(part);
        if (part.n > 0)
            strs_add(a, &parts, part);
    }
    return parts;
}

void pairs_put(struct arena *a, struct pairs *p, struct str key, struct str value)
{
    size_t at = 0;

    while (at < p->n && str_cmp(p->at[at].key, key) < 0)
        at++;
    if (at < p->n && str_eq(p->at[at].key, key)) {
        p->at[at].value = value;
        return;
    }
    (void)LIST_ADD(a, p);
    memmove(p->at + at + 1, p->at + at, (p->n - at - 1) * sizeof *p->at);
    p->at[at] = (struct pair){key, value};
}

void pairs_put_all(struct arena *a, struct pairs *p, const struct pairs *more)
{
    for (size_t i = 0; i < more->n; i++)
        pairs_put(a, p, more->at[i].key, more->at[i].value);
}

const struct str *pairs_get(const struct pairs *p, struct str key)
{
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(p->at[i].key, key))
            return &p->at[i].value;
    return NULL;
}

bool pairs_equal(const struct pairs *a, const struct pairs *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!str_eq(a->at[i].key, b->at[i].key) || !str_same(a->at[i].value, b->at[i].value))
            return false;
    return true;
}

bool str_same(struct str a, struct str b)
{
    return (a.at == NULL) == (b.at == NULL) && str_eq(a, b);
}
