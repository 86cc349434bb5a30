/* Source: Go's fmt, strconv and net packages; awsutil.Prettify of aws-sdk-go. */
#include "go_text.h"

#include "base/buf.h"
#include "test.h"

static const struct {
    const char *label;
    struct str text, want;
} formats[] = {
    {"nothing to format",           S("plain"),     S("plain")                   },
    {"a verb without its argument", S("/a%20b"),    S("/a%!b(MISSING)")          },
    {"two of them",                 S("%d%s"),      S("%!d(MISSING)%!s(MISSING)")},
    {"a percent sign twice",        S("100%%"),     S("100%")                    },
    {"a percent sign at the end",   S("100%"),      S("100%!(NOVERB)")           },
    {"flags, width and precision",  S("%-08.3fx"),  S("%!f(MISSING)x")           },
    {"a verb of two bytes",         S("%\xC3\xA9"), S("%!\xC3\xA9(MISSING)")     },
};

TEST(format)
{
    struct arena a = {0};

    CASE_EACH(c, formats)
        CHECK_STR(c->label, go_format(&a, c->text), c->want);
    arena_free(&a);
}

static const struct {
    const char *label;
    struct str text, quoted, json;
} quotes[] = {
    {"letters",         S("ab"),       S("\"ab\""),         S("\"ab\"")                       },
    {"quotes",          S("a\"b\\"),   S("\"a\\\"b\\\\\""), S("\"a\\\"b\\\\\"")               },
    {"line ends, tabs", S("a\n\tb"),   S("\"a\\n\\tb\""),   S("\"a\\n\\tb\"")                 },
    {"HTML's letters",  S("<a> & b"),  S("\"<a> & b\""),    S("\"\\u003ca\\u003e \\u0026 b\"")},
    {"other controls",  S("\x01\x7F"), S("\"\\x01\\x7f\""), S("\"\\u0001\x7F\"")              },
};

TEST(quote)
{
    struct arena a = {0};

    CASE_EACH(c, quotes) {
        CHECK_STR(c->label, go_quote(&a, c->text), c->quoted);
        CHECK_STR(c->label, go_json_quote(&a, c->text), c->json);
    }
    arena_free(&a);
}

static const struct {
    const char *label;
    struct str text;
    bool ok;
    int64_t value;
} numbers[] = {
    {"digits",        S("80"),                   true,  80},
    {"a minus sign",  S("-1"),                   true,  -1},
    {"a plus sign",   S("+5"),                   true,  5 },
    {"leading zeros", S("007"),                  true,  7 },
    {"nothing",       S(""),                     false, 0 },
    {"white space",   S(" 1"),                   false, 0 },
    {"a fraction",    S("1.5"),                  false, 0 },
    {"two signs",     S("+-1"),                  false, 0 },
    {"too large",     S("99999999999999999999"), false, 0 },
};

TEST(parse_int)
{
    CASE_EACH(c, numbers) {
        int64_t value = 0;

        CHECK(c->label, go_parse_int(c->text, &value) == c->ok && value == c->value);
    }
}

static const struct {
    const char *label;
    struct str text;
    bool want;
} cidrs[] = {
    {"IPv4",                     S("10.0.0.0/8"),    true },
    {"host bits are fine",       S("10.1.2.3/8"),    true },
    {"IPv6",                     S("2001:db8::/32"), true },
    {"everything",               S("::/0"),          true },
    {"no prefix length",         S("10.0.0.1"),      false},
    {"an empty prefix length",   S("10.0.0.0/"),     false},
    {"too long a prefix",        S("10.0.0.0/33"),   false},
    {"a negative one",           S("10.0.0.0/-1"),   false},
    {"three numbers",            S("10.0.0/8"),      false},
    {"a name",                   S("example/8"),     false},
    {"an IPv6 length over IPv4", S("10.0.0.0/64"),   false},
};

TEST(cidr)
{
    CASE_EACH(c, cidrs)
        CHECK(c->label, go_is_cidr(c->text) == c->want);
}

TEST(pretty)
{
    struct arena a = {0};
    struct pair pairs[] = {
        {STR_INIT("a"), STR_INIT("1")},
        {STR_INIT("b"), STR_INIT("2")}
    };
    struct str texts[] = {S("w"), S("x"), S("y"), S("z")};
    struct pairs map = {pairs, 2};
    struct strs three = {texts, 3}, four = {texts, 4}, none = {0};

    CHECK_STR("a map", pretty_map(&a, &map), S("{  a: \"1\",  b: \"2\"}"));
    CHECK_STR("up to three elements stand on one line", pretty_list(&a, &three),
              S("[\"w\",\"x\",\"y\"]"));
    CHECK_STR("more have lines of their own, which are then left out", pretty_list(&a, &four),
              S("[  \"w\",  \"x\",  \"y\",  \"z\"]"));
    CHECK_STR("none", pretty_list(&a, &none), S("[]"));
    CHECK_STR("as %v", go_list(&a, &three), S("[w x y]"));
    arena_free(&a);
}

TEST_MAIN(T(format), T(quote), T(parse_int), T(cidr), T(pretty))
