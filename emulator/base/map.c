/* Open addressing over an array in order of insertion; holes are swept when it grows. */
#include "base/map.h"

#include <stdlib.h>

#include "base/memory.h"

static size_t slot_of(const struct map *m, struct str key)
{
    size_t i = (size_t)str_hash(key) & (m->slot_count - 1);

    while (m->slots[i] != 0 && !str_eq(m->entries[m->slots[i] - 1].key, key))
        i = (i + 1) & (m->slot_count - 1);
    return i;
}

static struct map_entry *find(const struct map *m, struct str key)
{
    size_t i;

    if (m->slot_count == 0)
        return NULL;
    i = slot_of(m, key);
    return m->slots[i] == 0 ? NULL : &m->entries[m->slots[i] - 1];
}

static void rebuild(struct map *m, size_t room)
{
    size_t kept = 0;

    for (size_t i = 0; i < m->used; i++)
        if (m->entries[i].value != NULL)
            m->entries[kept++] = m->entries[i];
    m->used = kept;
    m->holes = 0;
    m->entries = xrealloc(m->entries, room * sizeof *m->entries);
    m->room = room;
    free(m->slots);
    m->slot_count = room * 2;
    m->slots = xcalloc(m->slot_count * sizeof *m->slots);
    for (size_t i = 0; i < m->used; i++)
        m->slots[slot_of(m, m->entries[i].key)] = (uint32_t)(i + 1);
}

void *map_get(const struct map *m, struct str key)
{
    struct map_entry *e = find(m, key);

    return e == NULL ? NULL : e->value;
}

void *map_put(struct map *m, struct str key, void *value)
{
    struct map_entry *e = find(m, key);
    void *old;

    if (e != NULL && e->value != NULL) {
        old = e->value;
        *e = (struct map_entry){key, value};
        return old;
    }
    /* A removed entry keeps its slot until the sweep; it is not revived, so that a key put
     * again goes to the end of the order. Its key is cleared by map_remove. */
    if (m->used == m->room)
        rebuild(m, map_count(m) * 2 < 8 ? 8 : (map_count(m) * 2 > m->room ? m->room * 2 : m->room));
    m->entries[m->used] = (struct map_entry){key, value};
    m->slots[slot_of(m, key)] = (uint32_t)(++m->used);
    return NULL;
}

void *map_remove(struct map *m, struct str key)
{
    struct map_entry *e = find(m, key);
    void *old;

    if (e == NULL || e->value == NULL)
        return NULL;
    old = e->value;
    /* The slot stays taken, under a key that nobody can ask for: its address is unique and its
     * length impossible. */
    *e = (struct map_entry){
        {(const char *)e, SIZE_MAX},
        NULL
    };
    m->holes++;
    return old;
}

struct map_entry *map_next(const struct map *m, size_t *at)
{
    while (*at < m->used) {
        struct map_entry *e = &m->entries[(*at)++];

        if (e->value != NULL)
            return e;
    }
    return NULL;
}

void map_free(struct map *m)
{
    free(m->entries);
    free(m->slots);
    *m = (struct map){0};
}
