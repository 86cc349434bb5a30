/* Small language helpers that every file may use. */
#pragma once

#include <stddef.h>

#define ARRAY_LEN(a)                    (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define UNUSED                          __attribute__((unused))
#define PRINTF_LIKE(fmt, args)          __attribute__((format(printf, fmt, args)))

/* CLEANUP(fn): calls fn(&variable) when the variable leaves its scope.
 * TAKE(p): yields p and leaves NULL behind, so that the clean-up finds nothing. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define TAKE(p)                     \
    __extension__({                 \
        __typeof__(p) taken_ = (p); \
        (p) = NULL;                 \
        taken_;                     \
    })
