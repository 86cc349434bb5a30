/* What hangs together, and what goes with what. */
#include "store/elbv2.h"
#include "test.h"

#include "base/clock.h"
#include "base/ids.h"

struct world {
    struct arena arena;
    struct clock clock;
    struct ids ids;
    struct store *store;
};

/* Load balancer lb: listener l with its default rule r0 to group g1, and rule r1 to g2. */
static void open_world(struct world *w)
{
    struct str why, g1 = S("g1"), g2 = S("g2");
    struct store *s;

    clock_init(&w->clock);
    ids_init(&w->ids, 1);
    assert_int_equal(store_open(":memory:", &w->clock, &w->ids, &w->arena, &w->store, &why), 0);
    s = w->store;
    assert_int_equal(store_begin(s), 0);
    assert_int_equal(
        load_balancer_insert(s, &(struct load_balancer){.arn = S("lb"), .name = S("web")}), 0);
    assert_int_equal(
        listener_insert(s, &(struct listener){.arn = S("l"), .load_balancer = S("lb"), .port = 80}),
        0);
    assert_int_equal(target_group_insert(s, &(struct target_group){.arn = g1, .name = g1}), 0);
    assert_int_equal(target_group_insert(s, &(struct target_group){.arn = g2, .name = g2}), 0);
    assert_int_equal(listener_rule_insert(
                         s, &(struct listener_rule){.arn = S("r0"), .listener = S("l")}, &g1, 1),
                     0);
    assert_int_equal(
        listener_rule_insert(
            s, &(struct listener_rule){.arn = S("r1"), .listener = S("l"), .priority = 5}, &g2, 1),
        0);
    assert_int_equal(store_commit(s), 0);
    assert_int_equal(store_begin(s), 0);
}

static void close_world(struct world *w)
{
    store_rollback(w->store);
    store_close(w->store);
    arena_free(&w->arena);
}

TEST(links_are_queries)
{
    struct world w = {0};
    struct load_balancer *b = NULL;
    struct target_group *g = NULL;
    struct listener_rule *r = NULL;

    open_world(&w);
    assert_int_equal(load_balancer_list_by_target_group(w.store, &w.arena, S("g2"), &b), 0);
    CHECK_STR("a group's load balancer, through its rule", b->arn, S("lb"));
    assert_int_equal(target_group_list_by_load_balancer(w.store, &w.arena, S("lb"), &g), 0);
    CHECK("a load balancer's groups", str_eq(g->arn, S("g1")) && str_eq(g->next->arn, S("g2")));
    assert_int_equal(listener_rule_list(w.store, &w.arena, S("l"), &r), 0);
    CHECK("the default rule is the last", r->priority == 5 && r->next->priority == 0);
    close_world(&w);
}

TEST(what_a_load_balancer_takes_with_it)
{
    struct world w = {0};
    struct load_balancer *b = NULL;
    struct listener *l = NULL;
    struct listener_rule *r = NULL;
    struct target_group *g = NULL;

    open_world(&w);
    assert_int_equal(load_balancer_delete(w.store, S("lb")), 0);
    assert_int_equal(listener_find(w.store, &w.arena, S("l"), &l), 0);
    assert_int_equal(listener_rule_find(w.store, &w.arena, S("r1"), &r), 0);
    CHECK("listeners and rules", l == NULL && r == NULL);
    assert_int_equal(load_balancer_list_by_target_group(w.store, &w.arena, S("g2"), &b), 0);
    CHECK("its hold on groups", b == NULL);
    assert_int_equal(target_group_find(w.store, &w.arena, S("g2"), &g), 0);
    CHECK("but not the groups", g != NULL);
    close_world(&w);
}

TEST(targets_drain)
{
    struct world w = {0};
    struct target t = {.target_group = S("g1"), .id = S("i-1"), .port = 80, .registered = 1};
    struct target *found = NULL;
    int64_t when;

    open_world(&w);
    assert_int_equal(target_put(w.store, &t), 0);
    assert_int_equal(target_next_drained(w.store, &when), 0);
    CHECK("nothing drains", when == INT64_MAX);
    t.draining_until = 1000;
    assert_int_equal(target_put(w.store, &t), 0);
    assert_int_equal(target_next_drained(w.store, &when), 0);
    CHECK("until then", when == 1000);
    assert_int_equal(target_list_drained(w.store, &w.arena, 999, &found), 0);
    CHECK("not before", found == NULL);
    assert_int_equal(target_list_drained(w.store, &w.arena, 1000, &found), 0);
    CHECK("then it is over", found != NULL && str_eq(found->id, S("i-1")));
    assert_int_equal(target_remove(w.store, S("g1"), S("i-1"), 80), 0);
    assert_int_equal(target_list(w.store, &w.arena, S("g1"), &found), 0);
    CHECK("and it is gone", found == NULL);
    close_world(&w);
}

TEST_MAIN(T(links_are_queries), T(what_a_load_balancer_takes_with_it), T(targets_drain))
