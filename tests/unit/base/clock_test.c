/* Times are read and written as RFC 3339, and the world can be stopped. */
#include "base/clock.h"

#include "test.h"

static const struct {
    const char *label;
    struct str text;
    bool valid;
    int64_t ms;
} cases[] = {
    {"UTC",                 STR_INIT("1970-01-02T00:00:01Z"),         true,  86401000     },
    {"fractions are cut",   STR_INIT("1970-01-01T00:00:00.1239Z"),    true,  123          },
    {"an offset is undone", STR_INIT("1970-01-01T09:00:00+09:00"),    true,  0            },
    {"no zone is no time",  STR_INIT("1970-01-01T00:00:00"),          false, 0            },
    {"months end at 12",    STR_INIT("1970-13-01T00:00:00Z"),         false, 0            },
    {"nothing may follow",  STR_INIT("1970-01-01T00:00:00Zx"),        false, 0            },
    {"before the epoch",    STR_INIT("1969-12-31T23:59:59.500Z"),     true,  -500         },
    {"today",               STR_INIT("2026-11-24T13:11:00.25-01:30"), true,  1795531260250},
};

TEST(rfc3339)
{
    CASE_EACH(c, cases) {
        int64_t ms = 0;

        CHECK(c->label, clock_parse_rfc3339(c->text, &ms) == c->valid);
        CHECK(c->label, ms == c->ms);
    }
}

TEST(rfc3339_is_written_back)
{
    struct arena a = {0};

    CHECK_STR("seconds", clock_rfc3339(&a, -500), S("1969-12-31T23:59:59Z"));
    CHECK_STR("milliseconds", clock_rfc3339_ms(&a, -500), S("1969-12-31T23:59:59.500Z"));
    arena_free(&a);
}

TEST(a_stopped_world_moves_by_steps_only)
{
    struct clock c;
    int64_t then;

    clock_init(&c);
    clock_set_rate(&c, 0);
    then = clock_now(&c);
    clock_step(&c, 3600000);
    CHECK("an hour on", clock_now(&c) == then + 3600000);
    CHECK("timers never fire", clock_real_delay(&c, 1) == INT64_MAX);
    clock_set_rate(&c, 60000000);
    CHECK("a minute takes a second", clock_real_delay(&c, 60000) == 1000);
}

TEST_MAIN(T(rfc3339), T(rfc3339_is_written_back), T(a_stopped_world_moves_by_steps_only))
