/* The lists that the controller's values are made of. All of them live in an arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

struct strs {
    struct str *at;
    size_t n;
};

struct pair {
    struct str key, value;
};

struct pairs {
    struct pair *at;
    size_t n;
};

/* The address of one more element at the end of @list (any struct of `at` and `n`), zeroed. */
#define LIST_ADD(a, list)                                                    \
    ((list)->at = list_room((a), (list)->at, (list)->n, sizeof *(list)->at), \
     &(list)->at[(list)->n++])

/* Room for element @n of an array that was filled by LIST_ADD from the start. */
void *list_room(struct arena *a, void *at, size_t n, size_t size);

void strs_add(struct arena *a, struct strs *s, struct str value);
bool strs_has(const struct strs *s, struct str value);

void strs_sort(struct strs *s);

/* A sorted copy without repetitions: the set that the list stands for. */
struct strs strs_set(struct arena *a, const struct strs *s);
bool strs_equal(const struct strs *a, const struct strs *b);

/* The members of @s that @other lacks, in the order of @s. */
struct strs strs_minus(struct arena *a, const struct strs *s, const struct strs *other);

/* "a, b" with ", " between. */
struct str strs_join(struct arena *a, const struct strs *s, const char *between);

/* Comma-separated text; each part trimmed, empty parts left out. */
struct strs strs_split(struct arena *a, struct str text);

/* A set of pairs: sorted by key, the last value of a key wins. */
void pairs_put(struct arena *a, struct pairs *p, struct str key, struct str value);
void pairs_put_all(struct arena *a, struct pairs *p, const struct pairs *more);

/* The value of @key, or NULL. */
const struct str *pairs_get(const struct pairs *p, struct str key);

/* Equal keys and values in the same order; an absent value (at == NULL) differs from an empty. */
bool pairs_equal(const struct pairs *a, const struct pairs *b);

/* Equality that tells an absent text from an empty one, as Go tells nil from "". */
bool str_same(struct str a, struct str b);
