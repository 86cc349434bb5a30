/* Source: client-go 1.13, tools/record/events_cache.go. */
#include "event_series.h"

#include "test.h"

static struct event event(const char *reason, struct str message)
{
    return (struct event){
        .about = {S("Ingress"), S("extensions/v1beta1"), S("ns"), S("ing"), S("uid"), S("7")},
        .component = S("alb-ingress-controller"),
        .type = S("Normal"),
        .reason = str_c(reason),
        .message = message,
    };
}

static struct event_step next(struct event_series *s, struct arena *a, const char *reason,
                              struct str message, int64_t now)
{
    struct event e = event(reason, message);

    return event_series_next(s, a, &e, now);
}

TEST(repeats)
{
    struct event_series s = {0};
    struct arena a = {0};
    struct event_step first = next(&s, &a, "CREATE", S("made"), 1000), again, other;

    CHECK("a new object", !first.patch && !first.skip && first.count == 1);
    CHECK("named after what it is about", str_starts(first.name, S("ing.")));
    again = next(&s, &a, "CREATE", S("made"), 2000);
    CHECK("the same again is a patch", again.patch && again.count == 2);
    CHECK_STR("of the same object", again.name, first.name);
    CHECK("it began then and was last now", again.first_ms == 1000 && again.last_ms == 2000);
    other = next(&s, &a, "DELETE", S("made"), 2000);
    CHECK("another reason is another object", !other.patch && !str_eq(other.name, first.name));
    event_series_free(&s);
    arena_free(&a);
}

TEST(many_that_differ_in_their_messages)
{
    struct event_series s = {0};
    struct arena a = {0};
    struct event_step step = {0};

    for (int i = 0; i < 9; i++)
        step = next(&s, &a, "CREATE", arena_printf(&a, "rule %d", i), 1000 + i);
    CHECK("nine are nine objects", !step.patch);
    step = next(&s, &a, "CREATE", S("rule 9"), 1010);
    CHECK_STR("the tenth stands for those that follow", step.message,
              S("(combined from similar events): rule 9"));
    CHECK("it is a new object once", !step.patch);
    step = next(&s, &a, "CREATE", S("rule 10"), 1011);
    CHECK("and then a patch", step.patch && step.count == 2);
    CHECK_STR("with the newest message", step.message,
              S("(combined from similar events): rule 10"));
    step = next(&s, &a, "CREATE", S("rule 11"), 1011 + 600001);
    CHECK("ten minutes later all begins anew", !step.patch && str_is(step.message, "rule 11"));
    event_series_free(&s);
    arena_free(&a);
}

TEST(too_many_of_one_object)
{
    struct event_series s = {0};
    struct arena a = {0};

    for (int i = 0; i < 25; i++)
        CHECK("25 at once", !next(&s, &a, "CREATE", S("made"), 1000).skip);
    CHECK("no more", next(&s, &a, "CREATE", S("made"), 1000).skip);
    CHECK("not after a while either", next(&s, &a, "CREATE", S("made"), 1000 + 299000).skip);
    CHECK("one in five minutes", !next(&s, &a, "CREATE", S("made"), 1000 + 301000).skip);
    event_series_free(&s);
    arena_free(&a);
}

TEST_MAIN(T(repeats), T(many_that_differ_in_their_messages), T(too_many_of_one_object))
