/* Heap memory that aborts where there is none. */
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *not_null(void *p, size_t n)
{
    if (p == NULL && n > 0) {
        (void)fprintf(stderr, "elbow: out of memory (%zu bytes)\n", n);
        abort();
    }
    return p;
}

void *xcalloc(size_t n)
{
    return not_null(calloc(1, n > 0 ? n : 1), n);
}

void *xrealloc(void *p, size_t n)
{
    return not_null(realloc(p, n), n);
}

char *xstrdup(const char *s)
{
    return not_null(strdup(s), strlen(s) + 1);
}

void freep(void *p)
{
    free(*(void **)p);
}
