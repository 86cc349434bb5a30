/* xoshiro256**, seeded by splitmix64. */
#include "base/ids.h"

#include <sys/random.h>

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

void ids_init(struct ids *ids, uint64_t seed)
{
    if (seed == 0 && getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = 1;
    for (size_t i = 0; i < ARRAY_LEN(ids->state); i++)
        ids->state[i] = splitmix(&seed);
}

struct ids ids_fork(struct ids *ids)
{
    struct ids child;

    ids_init(&child, ids_next(ids) | 1);
    return child;
}

uint64_t ids_next(struct ids *ids)
{
    uint64_t *s = ids->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t ids_below(struct ids *ids, uint64_t n)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, value;

    do
        value = ids_next(ids);
    while (value >= limit);
    return value % n;
}

struct str ids_from(struct ids *ids, struct arena *a, size_t n, const char *alphabet)
{
    char *text = arena_alloc(a, n + 1);
    size_t letters = strlen(alphabet);

    for (size_t i = 0; i < n; i++)
        text[i] = alphabet[ids_below(ids, letters)];
    return str_n(text, n);
}

struct str ids_hex(struct ids *ids, struct arena *a, size_t n)
{
    return ids_from(ids, a, n, "0123456789abcdef");
}

struct str ids_uuid(struct ids *ids, struct arena *a)
{
    uint64_t high = ids_next(ids), low = ids_next(ids);

    return arena_printf(a, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(high >> 32),
                        (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff),
                        (unsigned)(low >> 48 & 0x3fff) | 0x8000u,
                        (unsigned long long)(low & 0xffffffffffffu));
}
