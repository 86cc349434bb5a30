/* The index finds what a walk over the rules finds. */
#include "test.h"

#include "base/ids.h"
#include "dataplane/rule_index.h"

enum { RULES = 300, REQUESTS = 3000 };

static const struct str hosts[] = {STR_INIT("a.example.com"), STR_INIT("B.example.com"),
                                   STR_INIT("*.example.com"), STR_INIT("c.example.org"),
                                   STR_INIT("a?example.com")};
static const struct str paths[] = {STR_INIT("/"),      STR_INIT("/*"),     STR_INIT("/a"),
                                   STR_INIT("/a/*"),   STR_INIT("/a/b*"),  STR_INIT("/b/?"),
                                   STR_INIT("/a/b/c"), STR_INIT("*/last"), STR_INIT("/ab")};
static const struct str asked_hosts[] = {STR_INIT("A.EXAMPLE.COM"), STR_INIT("b.example.com"),
                                         STR_INIT("x.example.com"), STR_INIT("c.example.org"),
                                         STR_INIT("nobody.test"),   STR_INIT("")};
static const struct str asked_paths[] = {
    STR_INIT("/"),       STR_INIT("/a"),       STR_INIT("/a/"),    STR_INIT("/a/b"),
    STR_INIT("/a/bc"),   STR_INIT("/b/x"),     STR_INIT("/a/b/c"), STR_INIT("/ab"),
    STR_INIT("/x/last"), STR_INIT("/a/b\x01"), STR_INIT("*")};

static void add(struct arena *a, struct ids *ids, struct dp_rule *r, enum dp_field field,
                const struct str *from, size_t n)
{
    struct dp_condition *c = &r->conditions[r->condition_count++];

    *c = (struct dp_condition){.field = field, .count = 1 + ids_below(ids, 2)};
    c->values = arena_array(a, c->count, sizeof *c->values);
    for (size_t i = 0; i < c->count; i++) {
        c->values[i].text = from[ids_below(ids, n)];
        rule_prepare_pattern(&c->values[i], 0);
    }
}

TEST(the_same_as_a_walk)
{
    static struct dp_rule rules[RULES];
    struct dp_listener walk = {.rules = rules, .rule_count = RULES};
    struct arena a = {0};
    struct ids ids;

    ids_init(&ids, 11);
    for (int round = 0; round < 10; round++) {
        size_t n = 12 + ids_below(&ids, RULES - 12);
        struct rule_index *x;

        for (size_t i = 0; i < n; i++) {
            rules[i] = (struct dp_rule){.priority = (int32_t)i + 1};
            rules[i].conditions = arena_array(&a, 2, sizeof(struct dp_condition));
            if (ids_below(&ids, 3) > 0)
                add(&a, &ids, &rules[i], DP_HOST, hosts, ARRAY_LEN(hosts));
            if (ids_below(&ids, 3) > 0 || rules[i].condition_count == 0)
                add(&a, &ids, &rules[i], DP_PATH, paths, ARRAY_LEN(paths));
        }
        walk.rule_count = n;
        x = rule_index_new(&a, rules, n);
        assert_non_null(x);
        for (int i = 0; i < REQUESTS; i++) {
            struct rule_request r = {.host = asked_hosts[ids_below(&ids, ARRAY_LEN(asked_hosts))],
                                     .path = asked_paths[ids_below(&ids, ARRAY_LEN(asked_paths))]};

            CHECK("the same rule", rule_index_find(x, rules, &r) == rule_find(&walk, &r));
        }
        CHECK("few rules have none", rule_index_new(&a, rules, 3) == NULL);
    }
    arena_free(&a);
}

TEST_MAIN(T(the_same_as_a_walk))
