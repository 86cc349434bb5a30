/* Source: aws-alb-ingress-controller v1.1.4, internal/alb and its deep comparisons. */
#include "diff.h"

#include "attributes.h"
#include "test.h"

static struct pairs pairs_of(struct arena *a, struct str text)
{
    struct pairs all = {0};
    struct str one, key, value;

    while (str_next(&text, ' ', &one))
        if (str_cut(one, '=', &key, &value))
            pairs_put(a, &all, key, value);
    return all;
}

static struct str shown(struct arena *a, const struct pairs *p)
{
    struct str all = S("");

    for (size_t i = 0; i < p->n; i++)
        all = arena_printf(a, "%.*s%s%.*s=%.*s", STR_ARG(all), i > 0 ? " " : "",
                           STR_ARG(p->at[i].key), STR_ARG(p->at[i].value));
    return all;
}

static const struct {
    const char *label;
    struct str found, wanted, set, remove;
} tags[] = {
    {"equal",                 S("a=1"),     S("a=1"),     S(""),        S("")   },
    {"missing ones are set",  S(""),        S("a=1 b=2"), S("a=1 b=2"), S("")   },
    {"changed ones are set",  S("a=1"),     S("a=2"),     S("a=2"),     S("")   },
    {"those of others go",    S("a=1 x=9"), S("a=1"),     S(""),        S("x=9")},
    {"an empty value is one", S("a="),      S("a=1"),     S("a=1"),     S("")   },
};

TEST(tag_changes)
{
    struct arena a = {0};

    CASE_EACH(c, tags) {
        struct pairs found = pairs_of(&a, c->found), wanted = pairs_of(&a, c->wanted);
        struct pairs set, remove;

        diff_tags(&a, &found, &wanted, &set, &remove);
        CHECK_STR(c->label, shown(&a, &set), c->set);
        CHECK_STR(c->label, shown(&a, &remove), c->remove);
    }
    arena_free(&a);
}

static struct permission permission(struct arena *a, int64_t port, struct str v4, struct str v6)
{
    struct permission p = {.protocol = S("tcp"), .has_ports = true, .from = port, .to = port};
    struct str one;

    while (str_next(&v4, ' ', &one))
        *LIST_ADD(a, &p.ranges) = (struct ip_range){one, S("some words")};
    while (str_next(&v6, ' ', &one))
        *LIST_ADD(a, &p.v6_ranges) = (struct ip_range){one, {0}};
    return p;
}

static const struct {
    const char *label;
    int64_t port;
    struct str v4, v6;
    size_t missing; /* from tcp 80, 10.0.0.0/8 and 11.0.0.0/8 */
} permissions[] = {
    {"equal in any order, without words", 80,  S("11.0.0.0/8 10.0.0.0/8"), S(""),     0},
    {"a range less",                      80,  S("10.0.0.0/8"),            S(""),     1},
    {"another port",                      443, S("10.0.0.0/8 11.0.0.0/8"), S(""),     1},
    {"merged with IPv6, as EC2 does it",  80,  S("10.0.0.0/8 11.0.0.0/8"), S("::/0"), 1},
};

TEST(permission_changes)
{
    struct arena a = {0};

    CASE_EACH(c, permissions) {
        struct permission want = permission(&a, 80, S("10.0.0.0/8 11.0.0.0/8"), S(""));
        struct permission have = permission(&a, c->port, c->v4, c->v6);
        struct permissions wanted = {&want, 1}, found = {&have, 1};

        CHECK(c->label, diff_permissions(&a, &wanted, &found).n == c->missing);
        CHECK(c->label, diff_permissions(&a, &found, &wanted).n == c->missing);
    }
    arena_free(&a);
}

TEST(target_changes)
{
    struct target now[] = {
        {S("i-2"), 80, {0}},
        {S("i-1"), 80, {0}}
    };
    struct target then[] = {
        {S("i-3"), 80, {0}},
        {S("i-1"), 81, {0}},
        {S("i-2"), 80, {0}}
    };
    struct targets found = {now, 2}, wanted = {then, 3}, missing;
    struct arena a = {0};

    missing = diff_targets(&a, &wanted, &found);
    CHECK("by id and port, sorted", missing.n == 2 && str_is(missing.at[0].id, "i-1") &&
                                        missing.at[0].port == 81 &&
                                        str_is(missing.at[1].id, "i-3"));
    missing = diff_targets(&a, &found, &wanted);
    CHECK("the other way round", missing.n == 1 && str_is(missing.at[0].id, "i-1"));
    arena_free(&a);
}

/* --- attributes ------------------------------------------------------------------------------ */

static const struct {
    const char *label;
    enum attribute_family family;
    struct str given, error;
} refused[] = {
    {"an unknown one",             LOAD_BALANCER_ATTRIBUTES, S("a.b=1"),
     S("the load balancer attribute a.b is not valid")                     },
    {"out of range",               LOAD_BALANCER_ATTRIBUTES, S("idle_timeout.timeout_seconds=0"),
     S("idle_timeout.timeout_seconds must be within 1-4000 seconds")       },
    {"no boolean",                 LOAD_BALANCER_ATTRIBUTES, S("routing.http2.enabled=yes"),
     S("invalid load balancer attribute value routing.http2.enabled=yes")  },
    {"another kind of stickiness", TARGET_GROUP_ATTRIBUTES,  S("stickiness.type=app_cookie"),
     S("invalid target group attribute value stickiness.type=app_cookie")  },
    {"a slow start below 30",      TARGET_GROUP_ATTRIBUTES,  S("slow_start.duration_seconds=10"),
     S("slow_start.duration_seconds must be within 30-900 seconds, not 10")},
};

TEST(bad_attributes)
{
    struct arena a = {0};

    CASE_EACH(c, refused) {
        struct pairs given = pairs_of(&a, c->given), read;
        struct str error = {0};

        CHECK(c->label, !attributes_read(&a, c->family, &given, false, &read, &error));
        CHECK_STR(c->label, error, c->error);
    }
    arena_free(&a);
}

static const struct {
    const char *label;
    struct str found, wanted, changes;
} attributes[] = {
    {"the defaults are put back",     S("idle_timeout.timeout_seconds=5"),                        S(""),
     S("idle_timeout.timeout_seconds=60")                                                                                            },
    {"what nobody knows is left",     S("waf.fail_open.enabled=true"),                            S(""),                        S("")},
    {"truth has many words",          S("routing.http2.enabled=true"),                            S("routing.http2.enabled=T"), S("")},
    {"a bucket counts with its logs", S("access_logs.s3.bucket=old"),
     S("access_logs.s3.bucket=new access_logs.s3.enabled=true"),
     S("access_logs.s3.enabled=true access_logs.s3.bucket=new")                                                                      },
    {"and not without",               S("access_logs.s3.bucket=old access_logs.s3.enabled=true"), S(""),
     S("access_logs.s3.enabled=false")                                                                                               },
};

TEST(attribute_changes)
{
    struct arena a = {0};

    CASE_EACH(c, attributes) {
        struct pairs found = pairs_of(&a, c->found), wanted = pairs_of(&a, c->wanted), changes;
        struct str error;

        CHECK(c->label,
              attributes_read(&a, LOAD_BALANCER_ATTRIBUTES, &found, true, &found, &error));
        CHECK(c->label,
              attributes_read(&a, LOAD_BALANCER_ATTRIBUTES, &wanted, false, &wanted, &error));
        changes = attributes_diff(&a, &found, &wanted);
        CHECK_STR(c->label, shown(&a, &changes), c->changes);
    }
    arena_free(&a);
}

/* --- rules ----------------------------------------------------------------------------------- */

static struct conditions path(struct arena *a, const char *value)
{
    struct conditions c = {0};
    struct condition one = {.field = S("path-pattern")};

    strs_add(a, &one.values, str_c(value));
    *LIST_ADD(a, &c) = one;
    return c;
}

static struct actions forward(struct arena *a, const char *arn)
{
    struct actions all = {0};
    struct action one = {0};

    action_set(a, &one, "Type", S("forward"));
    action_set(a, &one, "Order", S("1"));
    action_set(a, &one, "TargetGroupArn", str_c(arn));
    *LIST_ADD(a, &all) = one;
    return all;
}

TEST(rule_changes)
{
    struct arena a = {0};
    struct rule now[] = {
        {.arn = S("r1"),
         .priority = S("1"),
         .is_complete = true,
         .conditions = path(&a,                         "/a"),
         .actions = forward(&a, "tg")},
        {.arn = S("r2"),
         .priority = S("2"),
         .is_complete = true,
         .conditions = path(&a, "/b"),
         .actions = forward(&a, "tg")},
        {.arn = S("r9"),
         .priority = S("9"),
         .is_complete = true,
         .conditions = path(&a,                         "/z"),
         .actions = forward(&a, "tg")},
        {.arn = S("d"),                     .priority = S("default"),             .is_complete = true,             .is_default = true                          },
    };
    struct wanted_rule then[] = {
        {1, path(&a, "/a"), forward(&a, "tg")},
        {2, path(&a, "/c"), forward(&a, "tg")},
        {3, path(&a, "/d"), forward(&a, "tg")},
    };
    struct rules found = {now, 4};
    struct wanted_listener l = {
        .rules = {then, 3}
    };
    struct rule_steps steps = diff_rules(&a, &found, &l);

    CHECK("three steps, and the default rule is none", steps.n == 3);
    CHECK("what is new comes first",
          steps.at[0].change == RULE_CREATE && steps.at[0].wanted->priority == 3);
    CHECK("then what differs",
          steps.at[1].change == RULE_MODIFY && str_is(steps.at[1].found->arn, "r2"));
    CHECK("what is left over goes last",
          steps.at[2].change == RULE_DELETE && str_is(steps.at[2].found->arn, "r9"));
    now[0].conditions.at[0].typed = true;
    CHECK("a condition in today's form too is a difference", diff_rules(&a, &found, &l).n == 4);
    arena_free(&a);
}

TEST(listener_changes)
{
    struct arena a = {0};
    struct listener now = {.port = 80, .protocol = S("HTTP"), .default_actions = forward(&a, "tg")};
    struct wanted_listener then = {
        .port = 80, .protocol = S("HTTP"), .default_actions = forward(&a, "tg")};

    CHECK("equal", !diff_listener(&now, &then, (struct str){0}));
    now.ssl_policy = S("");
    CHECK("an empty policy is not none", diff_listener(&now, &then, (struct str){0}));
    now.ssl_policy = (struct str){0};
    CHECK("a certificate too many", diff_listener(&now, &then, S("arn:1")));
    now.default_actions = forward(&a, "other");
    CHECK("another action", diff_listener(&now, &then, (struct str){0}));
    arena_free(&a);
}

TEST_MAIN(T(tag_changes), T(permission_changes), T(target_changes), T(bad_attributes),
          T(attribute_changes), T(rule_changes), T(listener_changes))
