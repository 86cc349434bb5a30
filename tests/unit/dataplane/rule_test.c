/* Source: Application Load Balancers User Guide, "Condition types for listener rules". */
#include "test.h"

#include "dataplane/rule.h"

static const struct {
    const char *label;
    struct str pattern, text;
    unsigned flags;
    bool want;
} globs[] = {
    {"hosts ignore case",            S("Example.com"),   S("eXample.COM"),        GLOB_CASE_IGNORED,   true },
    {"paths keep their case",        S("/img"),          S("/IMG"),               GLOB_CASE_SENSITIVE, false},
    {"* takes slashes",              S("/img/*/x"),      S("/img/a/b/x"),         GLOB_CASE_SENSITIVE, true },
    {"the slash is required",        S("/img/*"),        S("/img"),               GLOB_CASE_SENSITIVE, false},
    {"* may be nothing",             S("/img/*"),        S("/img/"),              GLOB_CASE_SENSITIVE, true },
    {"? is exactly one",             S("/a?"),           S("/a"),                 GLOB_CASE_SENSITIVE, false},
    {"? is any one",                 S("/a?c"),          S("/a/c"),               GLOB_CASE_SENSITIVE, true },
    {"* takes dots of a host",       S("*.example.com"), S("a.b.example.com"),    GLOB_CASE_IGNORED,   true },
    {"*. wants a label before it",   S("*.example.com"), S("example.com"),        GLOB_CASE_IGNORED,   false},
    {"the whole text must match",    S("/a"),            S("/ab"),                GLOB_CASE_SENSITIVE, false},
    {"the last star goes back",      S("*ab*abc"),       S("xababxabc"),          GLOB_CASE_SENSITIVE, true },
    {"an escaped star is a star",    S("a\\*b"),         S("a*b"),                GLOB_ESCAPES,        true },
    {"and nothing else",             S("a\\*b"),         S("axb"),                GLOB_ESCAPES,        false},
    {"without escapes \\ is itself", S("a\\*"),          S("a\\xyz"),             0,                   true },
    {"* does not match controls",    S("/*"),            S("/a\x01"),             GLOB_CASE_SENSITIVE, false},
    {"nothing matches nothing",      S(""),              S(""),                   GLOB_CASE_SENSITIVE, true },
    {"* alone matches nothing too",  S("*"),             S(""),                   GLOB_CASE_SENSITIVE, true },
    {"many stars end",               S("a*a*a*a*b"),     S("aaaaaaaaaaaaaaaaaa"), GLOB_CASE_SENSITIVE, false},
};

TEST(glob)
{
    CASE_EACH(c, globs)
        CHECK(c->label, glob_matches(c->pattern, c->text, c->flags) == c->want);
}

static const struct {
    const char *label;
    enum dp_field field;
    struct str name, key, value; /* name: the header's */
    bool want;
} conditions[] = {
    {"host, port not compared",         DP_HOST,   S(""),         S(""),    S("WWW.example.com"), true },
    {"another host",                    DP_HOST,   S(""),         S(""),    S("*.example.org"),   false},
    {"path without its query",          DP_PATH,   S(""),         S(""),    S("/shop/*"),         true },
    {"path is not decoded",             DP_PATH,   S(""),         S(""),    S("/shop/a b"),       false},
    {"header name and value, any case", DP_HEADER, S("x-CANARY"), S(""),    S("YES*"),            true },
    {"a repeated header, second value", DP_HEADER, S("X-Canary"), S(""),    S("other"),           true },
    {"a header that is not there",      DP_HEADER, S("X-None"),   S(""),    S("*"),               false},
    {"method is exact",                 DP_METHOD, S(""),         S(""),    S("get"),             false},
    {"method",                          DP_METHOD, S(""),         S(""),    S("GET"),             true },
    {"query key and value, any case",   DP_QUERY,  S(""),         S("VER"), S("V?"),              true },
    {"query value under any key",       DP_QUERY,  S(""),         S(""),    S("blue"),            true },
    {"query value under another key",   DP_QUERY,  S(""),         S("ver"), S("blue"),            false},
    {"query value stays encoded",       DP_QUERY,  S(""),         S("e"),   S("a%20b"),           true },
};

static const struct http_field fields[] = {
    {.name = STR_INIT("X-Canary"), .value = STR_INIT("yes, please")},
    {.name = STR_INIT("X-Canary"), .value = STR_INIT("other")      },
};

static const struct rule_request request = {
    .method = STR_INIT("GET"),
    .host = STR_INIT("www.example.com"),
    .path = STR_INIT("/shop/a%20b"),
    .query = STR_INIT("ver=v2&colour=blue&e=a%20b&flag"),
    .source = 0xc0a80107, /* 192.168.1.7 */
    .fields = fields,
    .field_count = 2,
};

TEST(condition)
{
    CASE_EACH(c, conditions) {
        struct dp_pattern value = {.text = c->value}, key = {.text = c->key};
        struct dp_condition one = {
            .field = c->field, .header = c->name, .values = &value, .keys = &key, .count = 1};
        struct dp_rule rule = {.conditions = &one, .condition_count = 1};

        rule_prepare_pattern(&value, c->field == DP_QUERY ? GLOB_ESCAPES : 0);
        rule_prepare_pattern(&key, GLOB_ESCAPES);
        CHECK(c->label, rule_matches(&rule, &request) == c->want);
    }
}

TEST(source_ip)
{
    struct dp_prefix in[] = {
        {0x0a000000, 0xff000000},
        {0xc0a80100, 0xffffff00}
    };
    struct dp_prefix out[] = {
        {0xc0a80000, 0xffffff00}
    };
    struct dp_condition yes = {.field = DP_SOURCE_IP, .sources = in, .count = 2};
    struct dp_condition no = {.field = DP_SOURCE_IP, .sources = out, .count = 1};

    CHECK("one of the prefixes holds the peer",
          rule_matches(&(struct dp_rule){.conditions = &yes, .condition_count = 1}, &request));
    CHECK("no prefix holds the peer",
          !rule_matches(&(struct dp_rule){.conditions = &no, .condition_count = 1}, &request));
}

/* The rules of one listener, given out of order. */
static struct dp_balancer *balancer_with_rules(void)
{
    struct dp_balancer *b = dp_balancer_new(S("arn"));
    static const int32_t priorities[] = {0, 20, 10};
    static const struct str paths[] = {STR_INIT(""), STR_INIT("/shop/*"), STR_INIT("/shop/a*")};

    b->listeners = arena_array(&b->arena, 1, sizeof *b->listeners);
    b->listener_count = 1;
    b->listeners[0].rule_count = 3;
    b->listeners[0].rules = arena_array(&b->arena, 3, sizeof(struct dp_rule));
    for (size_t i = 0; i < 3; i++) {
        struct dp_rule *r = &b->listeners[0].rules[i];

        r->priority = priorities[i];
        r->condition_count = priorities[i] > 0;
        r->conditions = arena_alloc(&b->arena, sizeof *r->conditions);
        *r->conditions = (struct dp_condition){.field = DP_PATH, .count = 1};
        r->conditions->values = arena_alloc(&b->arena, sizeof(struct dp_pattern));
        r->conditions->values->text = paths[i];
    }
    dp_balancer_seal(b);
    return b;
}

TEST(order)
{
    struct dp_balancer *b = balancer_with_rules();
    struct rule_request other = request;

    CHECK("the lowest priority number wins", rule_find(&b->listeners[0], &request)->priority == 10);
    other.path = S("/shop/b");
    CHECK("the next one is tried", rule_find(&b->listeners[0], &other)->priority == 20);
    other.path = S("/");
    CHECK("the default rule is last", rule_find(&b->listeners[0], &other)->priority == 0);
    dp_balancer_unref(b);
}

TEST_MAIN(T(glob), T(condition), T(source_ip), T(order))
