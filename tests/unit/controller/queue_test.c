/* Source: client-go 1.13, util/workqueue. */
#include "queue.h"

#include "base/arena.h"

#include "test.h"

static struct str take(struct queue *q, int64_t now)
{
    struct str key = {0};

    return queue_take(q, now, &key) ? key : S("-");
}

TEST(order)
{
    struct queue q;

    queue_init(&q);
    CHECK_STR("nothing at first", take(&q, 0), S("-"));
    queue_add(&q, S("a"));
    queue_add(&q, S("b"));
    queue_add(&q, S("a"));
    CHECK_STR("first in, first out", take(&q, 0), S("a"));
    CHECK_STR("a key waits once", take(&q, 0), S("b"));
    CHECK_STR("and is then gone", take(&q, 0), S("-"));
    queue_free(&q);
}

TEST(while_it_is_worked_on)
{
    struct queue q;

    queue_init(&q);
    queue_add(&q, S("a"));
    (void)take(&q, 0);
    queue_add(&q, S("a"));
    CHECK_STR("nobody else gets it", take(&q, 0), S("-"));
    queue_done(&q, S("a"), false, 0, 0);
    CHECK_STR("it comes again afterwards", take(&q, 0), S("a"));
    queue_done(&q, S("a"), false, 0, 0);
    CHECK_STR("once", take(&q, 0), S("-"));
    CHECK("nothing is kept of it", map_count(&q.items) == 0);
    queue_free(&q);
}

/* How long the n-th failure in a row makes it wait. */
static const struct {
    const char *label;
    unsigned failures;
    int64_t pause_ms, want;
} delays[] = {
    {"5 ms",                       1,  0,    5      },
    {"doubled",                    2,  0,    10     },
    {"and again",                  9,  0,    1280   },
    {"1000 s at most",             19, 0,    1000000},
    {"the pause is the least",     1,  1000, 1000   },
    {"and no more than the least", 10, 1000, 2560   },
};

TEST(failures)
{
    CASE_EACH(c, delays) {
        int64_t now = 0, due = 0;
        struct queue q;

        queue_init(&q);
        queue_add(&q, S("a"));
        for (unsigned i = 0; i < c->failures; i++) {
            CHECK_STR(c->label, take(&q, now), S("a"));
            queue_done(&q, S("a"), true, c->pause_ms, now);
            due = queue_next_ms(&q);
            CHECK(c->label, i + 1 < c->failures || due - now == c->want);
            CHECK_STR("not before", take(&q, due - 1), S("-"));
            now = due;
        }
        CHECK_STR("then it is there", take(&q, due), S("a"));
        queue_done(&q, S("a"), false, 0, due);
        CHECK("success forgets", map_count(&q.items) == 0 && queue_next_ms(&q) == INT64_MAX);
        queue_free(&q);
    }
}

TEST(a_change_does_not_wait)
{
    struct queue q;

    queue_init(&q);
    queue_add(&q, S("a"));
    (void)take(&q, 0);
    queue_done(&q, S("a"), true, 1000, 0);
    queue_add(&q, S("a"));
    CHECK_STR("an event brings it back at once", take(&q, 1), S("a"));
    queue_done(&q, S("a"), false, 0, 2);
    CHECK_STR("and the delayed one comes all the same", take(&q, 1000), S("a"));
    queue_done(&q, S("a"), false, 0, 1001);
    queue_free(&q);
}

TEST(all_failures_share_a_bucket)
{
    struct arena a = {0};
    struct queue q;
    int64_t now = 0;

    queue_init(&q);
    for (int i = 0; i < 150; i++)
        queue_add(&q, arena_printf(&a, "key-%d", i));
    for (int i = 0; i < 150; i++) {
        struct str key = take(&q, now);

        queue_done(&q, key, true, 0, now);
    }
    for (int i = 0; i < 100; i++)
        CHECK("a hundred come after 5 ms", !str_is(take(&q, 5), "-"));
    CHECK_STR("the others one by one", take(&q, 5), S("-"));
    CHECK("ten a second", queue_next_ms(&q) == 100);
    CHECK("the last after five seconds", !str_is(take(&q, 5000), "-"));
    queue_free(&q);
    arena_free(&a);
}

TEST_MAIN(T(order), T(while_it_is_worked_on), T(failures), T(a_change_does_not_wait),
          T(all_failures_share_a_bucket))
