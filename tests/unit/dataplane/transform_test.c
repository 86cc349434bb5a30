/* Source: Application Load Balancers User Guide, "Transforms for listener rules", "Regex
 * matching". */
#include "test.h"

#include "dataplane/transform.h"

static const struct {
    const char *label;
    struct str url_regex, url_by, host_regex, host_by; /* an empty regex: no such rewrite */
    struct str target, host;                           /* of the request */
    bool ok;
    struct str want_target, want_host;
} cases[] = {
    {"a group goes into the query",
     STR_INIT("^/dp/([A-Za-z0-9]+)/?$"),
     STR_INIT("/product.php?id=$1"),
     {0},
     {0},
     STR_INIT("/dp/B09G3/"),
     STR_INIT("a"),
     true,  STR_INIT("/product.php?id=B09G3"),
     {0}                                    },
    {"no match changes nothing",
     STR_INIT("^/dp/([0-9]+)$"),
     STR_INIT("/x"),
     {0},
     {0},
     STR_INIT("/dp/abc"),
     STR_INIT("a"),
     true,  STR_INIT("/dp/abc"),
     {0}                                    },
    {"the query is part of what is looked at",
     STR_INIT("[?]old=1$"),
     STR_INIT("?new=2"),
     {0},
     {0},
     STR_INIT("/p?old=1"),
     STR_INIT("a"),
     true,  STR_INIT("/p?new=2"),
     {0}                                    },
    {"only the first occurrence",
     STR_INIT("a"),
     STR_INIT("b"),
     {0},
     {0},
     STR_INIT("/aa"),
     STR_INIT("a"),
     true,  STR_INIT("/ba"),
     {0}                                    },
    {"case counts in paths",
     STR_INIT("A"),
     STR_INIT("b"),
     {0},
     {0},
     STR_INIT("/aa"),
     STR_INIT("a"),
     true,  STR_INIT("/aa"),
     {0}                                    },
    {"a result without a slash is an error",
     STR_INIT("^/x"),
     STR_INIT("y"),
     {0},
     {0},
     STR_INIT("/x/z"),
     STR_INIT("a"),
     false, {0},
     {0}                                    },
    {"nor may it split the request",
     STR_INIT("^/x"),
     STR_INIT("/a b"),
     {0},
     {0},
     STR_INIT("/x"),
     STR_INIT("a"),
     false, {0},
     {0}                                    },
    {"a host",
     {0},
     {0},
     STR_INIT("^mywebsite-(.+).com$"),
     STR_INIT("internal.dev.$1.myweb.com"),
     STR_INIT("/"),
     STR_INIT("MyWebsite-shop.com"),
     true,  STR_INIT("/"),
     STR_INIT("internal.dev.shop.myweb.com")},
    {"a host that does not match",
     {0},
     {0},
     STR_INIT("^x$"),
     STR_INIT("y"),
     STR_INIT("/"),
     STR_INIT("a"),
     true,  STR_INIT("/"),
     {0}                                    },
    {"what is no expression is an error",
     STR_INIT("("),
     STR_INIT("y"),
     {0},
     {0},
     STR_INIT("/"),
     STR_INIT("a"),
     false, {0},
     {0}                                    },
    {"what takes for ever is an error",
     STR_INIT("^/(a+)+$"),
     STR_INIT("/y"),
     {0},
     {0},
     STR_INIT("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"),
     STR_INIT("a"),
     false, {0},
     {0}                                    },
};

static struct dp_rewrite *rewrite(struct arena *a, struct str regex, struct str by, bool ignore)
{
    struct dp_rewrite *w = arena_alloc(a, sizeof *w);

    *w = (struct dp_rewrite){regex, by, regex_compile(a, regex, ignore)};
    return regex.n > 0 ? w : NULL;
}

TEST(transforms)
{
    struct regex_scratch scratch;

    regex_scratch_init(&scratch);
    CASE_EACH(c, cases) {
        struct arena a = {0};
        struct dp_rule rule = {.url_rewrite = rewrite(&a, c->url_regex, c->url_by, false),
                               .host_rewrite = rewrite(&a, c->host_regex, c->host_by, true)};
        struct request_head h = {.target = c->target, .path = c->target, .host = c->host};
        static struct transformed t;

        h.has_query = str_cut(c->target, '?', &h.path, &h.query);
        CHECK(c->label, transform_apply(&rule, &h, &scratch, &t) == c->ok);
        if (c->ok) {
            CHECK_STR(c->label, t.head.target, c->want_target);
            CHECK_STR(c->label, t.host, c->want_host);
        }
        arena_free(&a);
    }
    regex_scratch_free(&scratch);
}

static const struct {
    const char *label;
    struct str pattern, text;
    bool ignore_case, want;
} matches[] = {
    {"anywhere in the text",  STR_INIT("b"),        STR_INIT("abc"), false, true },
    {"unless it is anchored", STR_INIT("^b"),       STR_INIT("abc"), false, false},
    {"classes",               STR_INIT("^[a-c]+$"), STR_INIT("abc"), false, true },
    {"case counts",           STR_INIT("B"),        STR_INIT("abc"), false, false},
    {"or not",                STR_INIT("B"),        STR_INIT("abc"), true,  true },
    {"an empty text",         STR_INIT("^$"),       STR_INIT(""),    false, true },
    {"what is no expression", STR_INIT("["),        STR_INIT("["),   false, false},
    {"what takes for ever",   STR_INIT("^(a+)+$"),
     STR_INIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"),           false, false},
};

TEST(expressions)
{
    struct regex_scratch scratch;
    struct arena a = {0};

    regex_scratch_init(&scratch);
    CASE_EACH(c, matches)
        CHECK(c->label, regex_matches(regex_compile(&a, c->pattern, c->ignore_case), c->text,
                                      &scratch) == c->want);
    regex_scratch_free(&scratch);
    arena_free(&a);
}

TEST_MAIN(T(transforms), T(expressions))
