/* A hash map from slices to pointers. Keys and values are borrowed: the owner of a value keeps
 * its key alive as long as it is in the map. Iteration follows the order of insertion, so that
 * nothing seen outside depends on hashing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct map_entry {
    struct str key;
    void *value; /* NULL marks a removed entry */
};

struct map {
    struct map_entry *entries; /* in order of insertion, with holes */
    uint32_t *slots;           /* entry index + 1; 0 is free */
    size_t used, holes, room;  /* of entries */
    size_t slot_count;         /* a power of two */
};

/* The value, or NULL. */
void *map_get(const struct map *m, struct str key);

/* Puts @value (not NULL) under @key; returns the value it replaces, or NULL. A replaced entry
 * keeps its place and gets the new key slice. */
void *map_put(struct map *m, struct str key, void *value);

/* Takes the entry out; returns its value, or NULL. */
void *map_remove(struct map *m, struct str key);

/* How many entries there are. */
static inline size_t map_count(const struct map *m)
{
    return m->used - m->holes;
}

/* Walks the map: size_t at = 0; while ((e = map_next(m, &at)) != NULL). Entries may be removed
 * during the walk, not added. */
struct map_entry *map_next(const struct map *m, size_t *at);

/* Gives the map's own memory back; keys and values stay with their owners. */
void map_free(struct map *m);
