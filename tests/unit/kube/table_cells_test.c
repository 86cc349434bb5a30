/* Ages and joined cells of tables. Source: k8s.io/apimachinery pkg/util/duration, its tests. */
#include "../test.h"

#include "kube/table_columns.h"

#define S_ INT64_C(1000)
#define M_ (60 * S_)
#define H_ (60 * M_)
#define D_ (24 * H_)
#define Y_ (365 * D_)

static const struct {
    const char *label;
    int64_t ms;
    struct str want;
} ages[] = {
    {"the future is invalid",       -2 * S_,          S("<invalid>")},
    {"a clock may be a second off", -1 * S_,          S("0s")       },
    {"now",                         0,                S("0s")       },
    {"seconds up to two minutes",   119 * S_,         S("119s")     },
    {"minutes and seconds",         3 * M_ + 5 * S_,  S("3m5s")     },
    {"no zero seconds",             3 * M_,           S("3m")       },
    {"whole minutes from ten on",   10 * M_ + 5 * S_, S("10m")      },
    {"minutes up to three hours",   179 * M_,         S("179m")     },
    {"hours and minutes",           3 * H_ + 2 * M_,  S("3h2m")     },
    {"whole hours from eight on",   9 * H_ + 30 * M_, S("9h")       },
    {"hours up to two days",        47 * H_,          S("47h")      },
    {"days and hours",              3 * D_ + 5 * H_,  S("3d5h")     },
    {"whole days from eight on",    8 * D_ + 5 * H_,  S("8d")       },
    {"days up to two years",        729 * D_,         S("729d")     },
    {"years and days",              3 * Y_ + 4 * D_,  S("3y4d")     },
    {"whole years from eight on",   9 * Y_ + 4 * D_,  S("9y")       },
};

TEST(ages)
{
    struct arena a = {0};

    CASE_EACH(c, ages)
        CHECK_STR(c->label, table_duration(&a, c->ms), c->want);
    arena_free(&a);
}

TEST(joining)
{
    struct arena a = {0};
    struct table_joined all = {.arena = &a, .separator = ", "};
    struct table_joined few = {.arena = &a, .separator = ",", .most = 2};

    CHECK_STR("nothing joined is nothing", table_joined_text(&few), S(""));
    for (int i = 0; i < 3; i++) {
        table_join(&all, S("x"));
        table_join(&few, S("y"));
    }
    CHECK_STR("all are shown", table_joined_text(&all), S("x, x, x"));
    CHECK_STR("the rest is counted", table_joined_text(&few), S("y,y + 1 more..."));
    arena_free(&a);
}
TEST_MAIN(T(ages), T(joining))
