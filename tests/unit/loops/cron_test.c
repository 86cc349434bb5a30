/* Schedules, and what a CronJob does about them. */
#include "loops/cronjob_plan.h"

#include "base/clock.h"
#include "test.h"

static int64_t ms(const char *text)
{
    int64_t t = 0;

    if (text != NULL)
        CHECK(text, clock_parse_rfc3339(str_c(text), &t));
    return t;
}

static const struct {
    const char *label, *schedule, *after, *next;
} times[] = {
    {"every minute",                        "* * * * *",        "2026-11-25T10:00:30Z", "2026-11-25T10:01:00Z"},
    {"never the present minute",            "* * * * *",        "2026-11-25T10:00:00Z", "2026-11-25T10:01:00Z"},
    {"every quarter",                       "*/15 * * * *",     "2026-11-25T10:16:00Z", "2026-11-25T10:30:00Z"},
    {"a range with steps",                  "10-40/10 * * * *", "2026-11-25T10:41:00Z", "2026-11-25T11:10:00Z"},
    {"a list",                              "5,50 1,23 * * *",  "2026-11-25T02:00:00Z", "2026-11-25T23:05:00Z"},
    {"over midnight",                       "30 2 * * *",       "2026-11-25T10:00:00Z", "2026-11-26T02:30:00Z"},
    {"over the year's end",                 "0 0 1 1 *",        "2026-11-25T10:00:00Z", "2027-01-01T00:00:00Z"},
    {"a leap day",                          "0 0 29 2 *",       "2026-11-25T10:00:00Z", "2028-02-29T00:00:00Z"},
    {"a weekday, by number",                "0 9 * * 1",        "2026-11-25T10:00:00Z", "2026-11-30T09:00:00Z"},
    {"a weekday, by name",                  "0 9 * * MON-fri",  "2026-11-27T10:00:00Z", "2026-11-30T09:00:00Z"},
    {"a month, by name",                    "0 9 1 feb *",      "2026-11-25T10:00:00Z", "2027-02-01T09:00:00Z"},
    {"day or weekday, when both are given", "0 0 13 * 5",       "2026-11-25T10:00:00Z",
     "2026-11-27T00:00:00Z"                                                                                   },
    {"? is *",                              "0 0 ? * 0",        "2026-11-25T10:00:00Z", "2026-11-29T00:00:00Z"},
    {"a descriptor",                        "@hourly",          "2026-11-25T10:00:00Z", "2026-11-25T11:00:00Z"},
    {"a duration",                          "@every 1m30s",     "2026-11-25T10:00:00Z", "2026-11-25T10:01:30Z"},
    {"a day that never comes",              "0 0 31 2 *",       "2026-11-25T10:00:00Z", NULL                  },
};

TEST(the_next_time)
{
    CASE_EACH(c, times) {
        struct arena a = {0};
        struct str why = {0};
        struct cron cron;

        CHECK(c->label, cron_parse(&a, str_c(c->schedule), &cron, &why));
        CHECK(c->label, cron_next(&cron, ms(c->after)) == (c->next == NULL ? -1 : ms(c->next)));
        arena_free(&a);
    }
}

static const struct {
    const char *schedule;
    struct str why;
} wrong[] = {
    {"* * * *",       STR_INIT("expected exactly 5 fields, found 4: [* * * *]")    },
    {"* * * * * *",   STR_INIT("expected exactly 5 fields, found 6: [* * * * * *]")},
    {"60 * * * *",    STR_INIT("failed to parse the minute \"60\"")                },
    {"* 24 * * *",    STR_INIT("failed to parse the hour \"24\"")                  },
    {"* * 0 * *",     STR_INIT("failed to parse the day of month \"0\"")           },
    {"* * * foo *",   STR_INIT("failed to parse the month \"foo\"")                },
    {"* * * * 5-2",   STR_INIT("failed to parse the day of week \"5-2\"")          },
    {"*/0 * * * *",   STR_INIT("failed to parse the minute \"*/0\"")               },
    {"-1 * * * *",    STR_INIT("failed to parse the minute \"-1\"")                },
    {"@sometimes",    STR_INIT("unrecognized descriptor: @sometimes")              },
    {"@every soon",   STR_INIT("failed to parse duration @every soon")             },
    {"@every 100ms5", STR_INIT("failed to parse duration @every 100ms5")           },
    {"",              STR_INIT("expected exactly 5 fields, found 0: []")           },
};

TEST(what_is_no_schedule)
{
    CASE_EACH(c, wrong) {
        struct arena a = {0};
        struct str why = {0};
        struct cron cron;

        CHECK(c->schedule, !cron_parse(&a, str_c(c->schedule), &cron, &why));
        CHECK_STR(c->schedule, why, c->why);
        arena_free(&a);
    }
}

static const struct {
    const char *label, *since, *now;
    int64_t deadline_ms;
    const char *due, *next;
    int64_t missed;
    bool too_late;
} plans[] = {
    {"nothing is due yet",                 "2026-11-25T10:01:00Z", "2026-11-25T10:30:00Z", -1,    NULL,
     "2026-11-25T11:00:00Z",                                                                                                    0, false},
    {"one time has come",                  "2026-11-25T10:01:00Z", "2026-11-25T11:00:01Z", -1,
     "2026-11-25T11:00:00Z",                                                                            "2026-11-25T12:00:00Z", 1, false},
    {"of several the last one counts",     "2026-11-25T10:01:00Z", "2026-11-25T13:10:00Z", -1,
     "2026-11-25T13:00:00Z",                                                                            "2026-11-25T14:00:00Z", 3, false},
    {"before the deadline nothing counts", "2026-11-25T01:01:00Z", "2026-11-25T13:10:00Z", 60000,
     NULL,                                                                                              "2026-11-25T14:00:00Z", 0, false},
    {"within the deadline it counts",      "2026-11-25T01:01:00Z", "2026-11-25T13:00:30Z", 60000,
     "2026-11-25T13:00:00Z",                                                                            "2026-11-25T14:00:00Z", 1, false},
};

TEST(what_is_due)
{
    CASE_EACH(c, plans) {
        struct cronjob_view v = {
            .since = ms(c->since), .now = ms(c->now), .deadline_ms = c->deadline_ms};
        struct arena a = {0};
        struct str why = {0};
        struct cronjob_plan p;

        CHECK(c->label, cron_parse(&a, S("0 * * * *"), &v.schedule, &why));
        p = cronjob_plan(&v);
        CHECK(c->label, p.due == ms(c->due) && p.next == ms(c->next));
        CHECK(c->label, p.missed == c->missed && p.too_late == c->too_late);
        arena_free(&a);
    }
}

TEST(after_years_it_goes_on_from_now)
{
    struct cronjob_view v = {
        .since = ms("1990-01-01T00:00:00Z"), .now = ms("2026-11-25T10:00:30Z"), .deadline_ms = -1};
    struct arena a = {0};
    struct str why = {0};
    struct cronjob_plan p;

    CHECK("it is a schedule", cron_parse(&a, S("* * * * *"), &v.schedule, &why));
    p = cronjob_plan(&v);
    CHECK("the last time is due", p.due == ms("2026-11-25T10:00:00Z"));
    CHECK("the next one follows", p.next == ms("2026-11-25T10:01:00Z"));
    arena_free(&a);
}

TEST_MAIN(T(the_next_time), T(what_is_no_schedule), T(what_is_due),
          T(after_years_it_goes_on_from_now))
