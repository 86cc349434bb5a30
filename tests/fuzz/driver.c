/* Runs a fuzz target without libFuzzer: every file of its corpus, and a fixed number of changed
 * copies of each, the same ones every time. ctest runs it under the sanitizers; the fuzz preset
 * builds the same targets for libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/ids.h"
#include "base/macros.h"

enum { LARGEST_INPUT = 1 << 16, CHANGED_COPIES = 400 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* From an exact heap copy, so that a read past the end is seen. */
static void try_input(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static size_t change(struct ids *ids, uint8_t *data, size_t size)
{
    size_t at = size > 0 ? ids_below(ids, size) : 0;

    switch (ids_below(ids, 5)) {
    case 0: /* cut off */
        return at;
    case 1: /* a byte changed */
        if (size > 0)
            data[at] = (uint8_t)ids_next(ids);
        return size;
    case 2: /* a bit changed */
        if (size > 0)
            data[at] ^= (uint8_t)(1u << ids_below(ids, 8));
        return size;
    case 3: /* a piece left out */
        if (size > at + 1) {
            memmove(data + at, data + at + 1, size - at - 1);
            size--;
        }
        return size;
    default: /* a piece doubled */
        if (size > 0 && size + (size - at) <= LARGEST_INPUT) {
            memmove(data + size, data + at, size - at);
            size += size - at;
        }
        return size;
    }
}

static void try_file(const char *path)
{
    static uint8_t original[LARGEST_INPUT], changed[LARGEST_INPUT];
    FILE *file = fopen(path, "rb");
    struct ids ids;
    size_t size;

    if (file == NULL)
        return;
    size = fread(original, 1, sizeof original, file);
    (void)fclose(file);
    try_input(original, size);
    ids_init(&ids, 1);
    for (int i = 0; i < CHANGED_COPIES; i++) {
        size_t n = size;

        memcpy(changed, original, size);
        for (uint64_t times = 1 + ids_below(&ids, 4); times > 0; times--)
            n = change(&ids, changed, n);
        try_input(changed, n);
    }
}

int main(int argc, char **argv)
{
    struct arena arena = {0};
    DIR *dir = argc > 1 ? opendir(argv[1]) : NULL;
    struct dirent *entry;
    int files = 0;

    if (dir == NULL) {
        (void)fprintf(stderr, "no corpus: give the folder of inputs\n");
        return 1;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        try_file(arena_printf(&arena, "%s/%s", argv[1], entry->d_name).at);
        files++;
    }
    (void)closedir(dir);
    arena_free(&arena);
    return files > 0 ? 0 : 1;
}
