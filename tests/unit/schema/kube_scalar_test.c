/* Quantities, times and durations have one written form each. */
#include "schema/kube/scalar.h"

#include "test.h"

/* Source: k8s.io/apimachinery api/resource: the canonical form. */
static const struct {
    struct str text, canonical; /* empty: refused */
} quantities[] = {
    {STR_INIT("0"),                    STR_INIT("0")                  },
    {STR_INIT("-0"),                   STR_INIT("0")                  },
    {STR_INIT("1"),                    STR_INIT("1")                  },
    {STR_INIT("+1"),                   STR_INIT("1")                  },
    {STR_INIT("-1"),                   STR_INIT("-1")                 },
    {STR_INIT("100m"),                 STR_INIT("100m")               },
    {STR_INIT("1000m"),                STR_INIT("1")                  },
    {STR_INIT("1500m"),                STR_INIT("1500m")              },
    {STR_INIT("0.5"),                  STR_INIT("500m")               },
    {STR_INIT(".5"),                   STR_INIT("500m")               },
    {STR_INIT("1000"),                 STR_INIT("1k")                 },
    {STR_INIT("1024"),                 STR_INIT("1024")               },
    {STR_INIT("1Ki"),                  STR_INIT("1Ki")                },
    {STR_INIT("1024Ki"),               STR_INIT("1Mi")                },
    {STR_INIT("1.5Gi"),                STR_INIT("1536Mi")             },
    {STR_INIT("1000Ki"),               STR_INIT("1000Ki")             },
    {STR_INIT("0.5Ki"),                STR_INIT("512")                },
    {STR_INIT("128974848"),            STR_INIT("128974848")          },
    {STR_INIT("129e6"),                STR_INIT("129e6")              },
    {STR_INIT("129M"),                 STR_INIT("129M")               },
    {STR_INIT("1e3"),                  STR_INIT("1e3")                },
    {STR_INIT("12E2"),                 STR_INIT("1200")               },
    {STR_INIT("1E"),                   STR_INIT("1E")                 },
    {STR_INIT("0.0000000001"),         STR_INIT("1n")                 },
    {STR_INIT("1.0000000001"),         STR_INIT("1000000001n")        },
    {STR_INIT("9223372036854775807"),  STR_INIT("9223372036854775807")},
    {STR_INIT("99999999999999999999"), STR_INIT("9223372036854775807")},
    {STR_INIT("8Ei"),                  STR_INIT("9223372036854775807")},
    {STR_INIT("1."),                   STR_INIT("1")                  },
    {STR_INIT(""),                     STR_INIT("")                   },
    {STR_INIT("m"),                    STR_INIT("")                   },
    {STR_INIT("1x"),                   STR_INIT("")                   },
    {STR_INIT("1mm"),                  STR_INIT("")                   },
    {STR_INIT("1 Gi"),                 STR_INIT("")                   },
    {STR_INIT("1.1.1"),                STR_INIT("")                   },
    {STR_INIT("1e"),                   STR_INIT("")                   },
};

TEST(quantities_have_one_form)
{
    CASE_EACH(c, quantities) {
        struct arena a = {0};
        struct str text = {0}, why = {0};
        bool read = kube_quantity_canonical(&a, c->text, &text, &why);

        CHECK_STR(c->text.at, text, c->canonical);
        CHECK(c->text.at, read == (why.n == 0));
        arena_free(&a);
    }
}

static const struct {
    const char *label;
    bool micro;
    struct str text, canonical, why;
} times[] = {
    {"UTC",                          false, STR_INIT("2026-11-24T13:11:00Z"),        STR_INIT("2026-11-24T13:11:00Z"),
     STR_INIT("")                                                                                                                  },
    {"offsets",                      false, STR_INIT("2026-01-01T00:30:00+01:00"),   STR_INIT("2025-12-31T23:30:00Z"),
     STR_INIT("")                                                                                                                  },
    {"fractions are dropped",        false, STR_INIT("2026-01-01T00:00:00.999Z"),
     STR_INIT("2026-01-01T00:00:00Z"),                                                                                 STR_INIT("")},
    {"a leap day",                   false, STR_INIT("2024-02-29T00:00:00Z"),        STR_INIT("2024-02-29T00:00:00Z"),
     STR_INIT("")                                                                                                                  },
    {"before the epoch",             false, STR_INIT("1901-02-03T04:05:06Z"),        STR_INIT("1901-02-03T04:05:06Z"),
     STR_INIT("")                                                                                                                  },
    {"year one is no time",          false, STR_INIT("0001-01-01T00:00:00Z"),        STR_INIT(""),                     STR_INIT("")},
    {"microseconds keep six digits", true,  STR_INIT("2026-01-01T00:00:00.000100Z"),
     STR_INIT("2026-01-01T00:00:00.000100Z"),                                                                          STR_INIT("")},
    {"and need them",                true,  STR_INIT("2026-01-01T00:00:00Z"),        STR_INIT(""),
     STR_INIT("parsing time \"2026-01-01T00:00:00Z\" as \"2006-01-02T15:04:05.000000Z07:00\": "
              "cannot parse \"Z\" as \".000000\"")                                                                                 },
    {"no day of that month",         false, STR_INIT("2026-02-29T00:00:00Z"),        STR_INIT(""),
     STR_INIT("parsing time \"2026-02-29T00:00:00Z\": day out of range")                                                           },
    {"no such month",                false, STR_INIT("2026-13-01T00:00:00Z"),        STR_INIT(""),
     STR_INIT("parsing time \"2026-13-01T00:00:00Z\": month out of range")                                                         },
    {"a date alone",                 false, STR_INIT("2026-01-01"),                  STR_INIT(""),
     STR_INIT("parsing time \"2026-01-01\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as "
              "\"T\"")                                                                                                             },
    {"no zone",                      false, STR_INIT("2026-01-01T00:00:00"),         STR_INIT(""),
     STR_INIT("parsing time \"2026-01-01T00:00:00\" as \"2006-01-02T15:04:05Z07:00\": cannot parse "
              "\"\" as \"Z07:00\"")                                                                                                },
    {"text behind it",               false, STR_INIT("2026-01-01T00:00:00Zx"),       STR_INIT(""),
     STR_INIT("parsing time \"2026-01-01T00:00:00Zx\": extra text: \"x\"")                                                         },
};

TEST(times_are_read_as_go_reads_them)
{
    CASE_EACH(c, times) {
        struct arena a = {0};
        struct str text = {0}, why = {0};
        bool read = kube_time_canonical(&a, c->text, c->micro, &text, &why);

        CHECK_STR(c->label, why, c->why);
        CHECK_STR(c->label, text, c->canonical);
        CHECK(c->label, read == (c->why.n == 0));
        arena_free(&a);
    }
}

TEST(times_go_to_text_and_back)
{
    static const int64_t seconds[] = {0,          -1,         86399,       951782400,
                                      1709164800, 4102444799, -62135596801};

    CASE_EACH(s, seconds) {
        struct arena a = {0};
        struct str text = kube_time_text(&a, *s, 0, false), again = {0}, why;

        CHECK("it is a time", kube_time_canonical(&a, text, false, &again, &why));
        CHECK_STR("the same", again, text);
        arena_free(&a);
    }
}

static const struct {
    struct str text, canonical; /* empty: refused */
} durations[] = {
    {STR_INIT("0"),      STR_INIT("0s")            },
    {STR_INIT("90s"),    STR_INIT("1m30s")         },
    {STR_INIT("1h"),     STR_INIT("1h0m0s")        },
    {STR_INIT("1.5h"),   STR_INIT("1h30m0s")       },
    {STR_INIT("100ms"),  STR_INIT("100ms")         },
    {STR_INIT("1500ms"), STR_INIT("1.5s")          },
    {STR_INIT("1us"),    STR_INIT("1\xc2\xb5s")    },
    {STR_INIT("-1m"),    STR_INIT("-1m0s")         },
    {STR_INIT("1m1ns"),  STR_INIT("1m0.000000001s")},
    {STR_INIT(""),       STR_INIT("")              },
    {STR_INIT("1"),      STR_INIT("")              },
    {STR_INIT("1d"),     STR_INIT("")              },
    {STR_INIT("s"),      STR_INIT("")              },
};

TEST(durations_have_one_form)
{
    CASE_EACH(c, durations) {
        struct arena a = {0};
        struct str why = {0};
        int64_t nanos;

        if (kube_duration_parse(&a, c->text, &nanos, &why))
            CHECK_STR(c->text.at, kube_duration_text(&a, nanos), c->canonical);
        else
            CHECK_STR(c->text.at, c->canonical, S(""));
        arena_free(&a);
    }
}

TEST_MAIN(T(quantities_have_one_form), T(times_are_read_as_go_reads_them),
          T(times_go_to_text_and_back), T(durations_have_one_form))
