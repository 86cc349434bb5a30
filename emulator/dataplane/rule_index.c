/* An index over rules by what their conditions demand literally: a host without wildcards, the
 * start of a path, or both. A request can only meet the rules under its own host and under the
 * starts of its own path, and those that could not be indexed; they are looked at in order, and
 * every one in full, so that two texts of one hash do no harm. */
#include "dataplane/rule_index.h"

#include <stdlib.h>

enum {
    FEW = 12,          /* rules; below that there is no index */
    LITERAL_LEAST = 2, /* "/" alone tells nothing */
    LENGTHS_MAX = 130, /* path values have up to 128 characters */
    RUNS_MAX = 2 * LENGTHS_MAX + 2,
};

struct entry {
    uint64_t hash;
    uint32_t rule;
};

struct rule_index {
    struct entry *entries; /* by hash, then in order */
    size_t entry_count;
    uint32_t *table; /* open addressing: the first entry of a hash, plus one */
    size_t mask;
    uint16_t lengths[LENGTHS_MAX]; /* of indexed starts of paths */
    size_t length_count;
    uint32_t *rest; /* rules that are looked at for every request */
    size_t rest_count;
    bool by_host, by_path, by_both; /* which kinds there are */
};

/* --- hashing ---------------------------------------------------------------------------------- */

enum { SEED_HOST = 1, SEED_PATH = 2 };

static uint64_t add_text(uint64_t h, struct str s, bool lower)
{
    for (size_t i = 0; i < s.n; i++) {
        h ^= (uint8_t)(lower ? ascii_lower(s.at[i]) : s.at[i]);
        h *= 0x100000001b3;
    }
    return h;
}

static uint64_t begin(unsigned seed)
{
    return 0xcbf29ce484222325 + seed * 0x9e3779b97f4a7c15;
}

static uint64_t host_hash(struct str host)
{
    return add_text(begin(SEED_HOST), host, true);
}

/* Of a path under a host (or under none: 0). */
static uint64_t path_hash(uint64_t host, struct str start)
{
    return add_text(begin(SEED_PATH) ^ host, start, false);
}

/* --- building --------------------------------------------------------------------------------- */

static const struct dp_condition *find_condition(const struct dp_rule *r, enum dp_field field)
{
    for (size_t i = 0; i < r->condition_count; i++)
        if (r->conditions[i].field == field && r->conditions[i].count > 0)
            return &r->conditions[i];
    return NULL;
}

static const struct dp_condition *literal_hosts(const struct dp_rule *r)
{
    const struct dp_condition *c = find_condition(r, DP_HOST);

    for (size_t i = 0; c != NULL && i < c->count; i++)
        if (!c->values[i].plain)
            return NULL;
    return c;
}

static const struct dp_condition *literal_paths(const struct dp_rule *r)
{
    const struct dp_condition *c = find_condition(r, DP_PATH);

    for (size_t i = 0; c != NULL && i < c->count; i++)
        if (c->values[i].literal < LITERAL_LEAST || c->values[i].literal > 128)
            return NULL;
    return c;
}

static void add_entry(struct rule_index *x, uint64_t hash, size_t rule)
{
    x->entries[x->entry_count++] = (struct entry){hash, (uint32_t)rule};
}

static void note_length(struct rule_index *x, size_t n)
{
    for (size_t i = 0; i < x->length_count; i++)
        if (x->lengths[i] == n)
            return;
    x->lengths[x->length_count++] = (uint16_t)n;
}

static void add_paths(struct rule_index *x, uint64_t host, const struct dp_condition *paths,
                      size_t rule)
{
    for (size_t i = 0; i < paths->count; i++) {
        struct str start = str_first(paths->values[i].text, paths->values[i].literal);

        note_length(x, start.n);
        add_entry(x, path_hash(host, start), rule);
    }
}

static void add_rule(struct rule_index *x, const struct dp_rule *r, size_t rule)
{
    const struct dp_condition *hosts = literal_hosts(r), *paths = literal_paths(r);

    if (hosts == NULL && paths == NULL) {
        x->rest[x->rest_count++] = (uint32_t)rule;
    } else if (hosts == NULL) {
        x->by_path = true;
        add_paths(x, 0, paths, rule);
    }
    for (size_t i = 0; hosts != NULL && i < hosts->count; i++) {
        uint64_t host = host_hash(hosts->values[i].text);

        if (paths == NULL)
            add_entry(x, host, rule);
        else
            add_paths(x, host, paths, rule);
        x->by_host |= paths == NULL;
        x->by_both |= paths != NULL;
    }
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;

    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return (a->rule > b->rule) - (a->rule < b->rule);
}

static void fill_table(struct arena *a, struct rule_index *x)
{
    size_t room = 16;

    while (room < 2 * x->entry_count)
        room *= 2;
    x->table = arena_array(a, room, sizeof *x->table);
    x->mask = room - 1;
    for (size_t i = 0; i < x->entry_count; i++) {
        size_t at = x->entries[i].hash & x->mask;

        if (i > 0 && x->entries[i - 1].hash == x->entries[i].hash)
            continue;
        while (x->table[at] != 0)
            at = (at + 1) & x->mask;
        x->table[at] = (uint32_t)i + 1;
    }
}

/* How many entries a rule can have. */
static size_t most_entries(const struct dp_rule *r)
{
    size_t n = 1;

    for (size_t i = 0; i < r->condition_count; i++)
        n *= r->conditions[i].count + 1;
    return n;
}

struct rule_index *rule_index_new(struct arena *a, const struct dp_rule *rules, size_t n)
{
    struct rule_index *x;
    size_t most = 0;

    if (n < FEW)
        return NULL;
    for (size_t i = 0; i < n; i++)
        most += most_entries(&rules[i]);
    x = arena_alloc(a, sizeof *x);
    x->entries = arena_array(a, most, sizeof *x->entries);
    x->rest = arena_array(a, n, sizeof *x->rest);
    for (size_t i = 0; i < n; i++)
        add_rule(x, &rules[i], i);
    if (x->entry_count > 1)
        qsort(x->entries, x->entry_count, sizeof *x->entries, compare_entries);
    fill_table(a, x);
    return x;
}

/* --- finding ---------------------------------------------------------------------------------- */

/* Rules in order, of one hash; or those that were not indexed. */
struct run {
    const struct entry *at, *end;
};

static void look_up(const struct rule_index *x, uint64_t hash, struct run *runs, size_t *n)
{
    size_t at = hash & x->mask;

    for (; x->table[at] != 0; at = (at + 1) & x->mask) {
        const struct entry *first = &x->entries[x->table[at] - 1];

        if (first->hash != hash)
            continue;
        runs[*n] = (struct run){first, first};
        while (runs[*n].end < x->entries + x->entry_count && runs[*n].end->hash == hash)
            runs[*n].end++;
        (*n)++;
        return;
    }
}

static size_t collect(const struct rule_index *x, const struct rule_request *r, struct run *runs)
{
    uint64_t host = x->by_host || x->by_both ? host_hash(r->host) : 0;
    size_t n = 0;

    if (x->by_host)
        look_up(x, host, runs, &n);
    for (size_t i = 0; i < x->length_count; i++) {
        struct str start = str_first(r->path, x->lengths[i]);

        if (start.n < x->lengths[i])
            continue;
        if (x->by_path)
            look_up(x, path_hash(0, start), runs, &n);
        if (x->by_both)
            look_up(x, path_hash(host, start), runs, &n);
    }
    return n;
}

const struct dp_rule *rule_index_find(const struct rule_index *x, const struct dp_rule *rules,
                                      const struct rule_request *r)
{
    struct run runs[RUNS_MAX];
    size_t n = collect(x, r, runs), rest = 0;

    for (;;) {
        uint32_t next = UINT32_MAX;
        size_t from = n;

        for (size_t i = 0; i < n; i++)
            if (runs[i].at < runs[i].end && runs[i].at->rule < next) {
                next = runs[i].at->rule;
                from = i;
            }
        if (rest < x->rest_count && x->rest[rest] < next) {
            next = x->rest[rest++];
            from = n;
        }
        if (next == UINT32_MAX)
            return NULL;
        if (from < n)
            runs[from].at++;
        if (rule_matches(&rules[next], r))
            return &rules[next];
    }
}
