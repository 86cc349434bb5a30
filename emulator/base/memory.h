/* Heap memory for what outlives a request. Out of memory aborts: input sizes are bounded and
 * everything that was answered is in the store. */
#pragma once

#include <stddef.h>

/* @n bytes, zeroed. Never NULL. Free with free(). */
void *xcalloc(size_t n);

/* As realloc(), never NULL for n > 0; new bytes are not zeroed. */
void *xrealloc(void *p, size_t n);

/* A heap copy of a C string. Never NULL. */
char *xstrdup(const char *s);

/* For CLEANUP(freep): frees *(void **)p. */
void freep(void *p);
