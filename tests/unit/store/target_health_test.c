/* Source: Elastic Load Balancing API Reference 2015-12-01, TargetHealth. */
#include "test.h"

#include "store/target_health.h"

static struct store *open_store(struct arena *a, struct clock *clock, struct ids *ids)
{
    struct store *s = NULL;
    struct str why;

    clock_init(clock);
    ids_init(ids, 1);
    assert_int_equal(store_open(":memory:", clock, ids, a, &s, &why), 0);
    return s;
}

static struct str state_of(struct store *s, struct arena *a, struct str id, int64_t port)
{
    struct target_health h;

    assert_int_equal(target_health_get(s, a, S("group"), id, port, &h), 0);
    return h.state;
}

TEST(health_is_kept_for_each_target)
{
    struct arena a = {0};
    struct clock clock;
    struct ids ids;
    struct store *s = open_store(&a, &clock, &ids);
    struct target_health h = {.group_arn = S("group"),
                              .target_id = S("i-1"),
                              .port = 80,
                              .state = S("unhealthy"),
                              .reason = S("Target.Timeout"),
                              .description = S("Request timed out")};
    bool changed = false;

    CHECK_STR("an unknown target is registering", state_of(s, &a, S("i-1"), 80), S("initial"));
    assert_int_equal(target_health_put(s, &h, &changed), 0);
    CHECK("a first result is a change", changed);
    assert_int_equal(target_health_put(s, &h, &changed), 0);
    CHECK("the same result is none", !changed);
    CHECK_STR("what was put is found", state_of(s, &a, S("i-1"), 80), S("unhealthy"));
    CHECK_STR("another port is another target", state_of(s, &a, S("i-1"), 81), S("initial"));
    assert_int_equal(target_health_forget(s, S("group"), S("i-1"), 80), 0);
    CHECK_STR("forgotten is unknown", state_of(s, &a, S("i-1"), 80), S("initial"));
    assert_int_equal(target_health_put(s, &h, &changed), 0);
    assert_int_equal(target_health_forget(s, S("group"), (struct str){0}, 0), 0);
    CHECK_STR("a whole group is forgotten", state_of(s, &a, S("i-1"), 80), S("initial"));
    store_close(s);
    arena_free(&a);
}

TEST(a_rolled_back_table_comes_back)
{
    struct arena a = {0};
    struct clock clock;
    struct ids ids;
    struct store *s = open_store(&a, &clock, &ids);

    assert_int_equal(store_begin(s), 0);
    CHECK_STR("read inside a transaction", state_of(s, &a, S("i-1"), 80), S("initial"));
    store_rollback(s);
    CHECK_STR("and after its end", state_of(s, &a, S("i-1"), 80), S("initial"));
    store_close(s);
    arena_free(&a);
}

TEST_MAIN(T(health_is_kept_for_each_target), T(a_rolled_back_table_comes_back))
