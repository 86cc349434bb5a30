/* Source: ELB API Reference 2015-12-01, RuleCondition and Action. */
#include "loops/routing_rule.h"

#include "base/buf.h"
#include "dataplane/rule.h"
#include "test.h"

static struct dp_group groups[] = {{.arn = STR_INIT("one")}, {.arn = STR_INIT("two")}};

static struct dp_group *find(void *data, struct str arn)
{
    (void)data;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        if (str_eq(groups[i].arn, arn))
            return &groups[i];
    return NULL;
}

static const struct {
    const char *label, *conditions, *actions;
    const char *want; /* the conditions and the action as shown below */
} cases[] = {
    {"a single group",                                 "[]",                                                          "[{\"Type\":\"forward\",\"TargetGroupArn\":\"one\"}]",
     "-> forward one:1"                                                                                                                                                                                                                  },
    {"weights; a group that is not there is left out", "[]",
     "[{\"Type\":\"forward\",\"ForwardConfig\":{\"TargetGroups\":["
     "{\"TargetGroupArn\":\"one\",\"Weight\":3},{\"TargetGroupArn\":\"gone\",\"Weight\":9},"
     "{\"TargetGroupArn\":\"two\",\"Weight\":0}]}}]",                                                                                                                        "-> forward one:3 two:0"                                    },
    {"the last action is the one that answers",        "[]",
     "[{\"Type\":\"authenticate-oidc\",\"Order\":1},{\"Type\":\"forward\",\"Order\":2,"
     "\"TargetGroupArn\":\"two\"}]",                                                                                                                                         "-> forward two:1"                                          },
    {"a redirect's defaults",                          "[]",
     "[{\"Type\":\"redirect\",\"RedirectConfig\":{\"StatusCode\":\"HTTP_302\",\"Port\":\"443\"}}]",                                                                          "-> redirect 302 #{protocol}://#{host}:443/#{path}?#{query}"},
    {"a redirect without its query",                   "[]",
     "[{\"Type\":\"redirect\",\"RedirectConfig\":{\"StatusCode\":\"HTTP_301\",\"Query\":\"\"}}]",                                                                            "-> redirect 301 #{protocol}://#{host}:#{port}/#{path}?"    },
    {"a fixed response",                               "[]",
     "[{\"Type\":\"fixed-response\",\"FixedResponseConfig\":{\"StatusCode\":\"503\","
     "\"MessageBody\":\"later\"}}]",                                                                                                                                         "-> fixed 503 text/plain later"                             },
    {"values in the older form",                       "[{\"Field\":\"path-pattern\",\"Values\":[\"/a/*\",\"/b\"]}]",
     "[{\"Type\":\"forward\",\"TargetGroupArn\":\"one\"}]",                                                                                                                  "1(/a/*|/b) -> forward one:1"                               },
    {"each kind of condition",
     "[{\"Field\":\"host-header\",\"Values\":[\"h\"],\"HostHeaderConfig\":{\"Values\":[\"h\"]}},"
     "{\"Field\":\"http-header\",\"HttpHeaderConfig\":{\"HttpHeaderName\":\"X\","
     "\"Values\":[\"v\"]}},"
     "{\"Field\":\"http-request-method\",\"HttpRequestMethodConfig\":{\"Values\":[\"GET\"]}},"
     "{\"Field\":\"query-string\",\"QueryStringConfig\":{\"Values\":[{\"Key\":\"k\","
     "\"Value\":\"v\"},{\"Value\":\"w\"}]}},"
     "{\"Field\":\"source-ip\",\"SourceIpConfig\":{\"Values\":[\"10.0.0.0/8\"]}}]",                                   "[{\"Type\":\"forward\",\"TargetGroupArn\":\"one\"}]",
     "0(h) 2(X: v) 3(GET) 4(k=v|=w) 5(0a000000/ff000000) -> forward one:1"                                                                                                                                                               },
};

static void show_condition(struct buf *b, const struct dp_condition *c)
{
    buf_printf(b, "%d(", (int)c->field);
    if (c->header.n > 0)
        buf_printf(b, "%.*s: ", STR_ARG(c->header));
    for (size_t i = 0; i < c->count; i++) {
        if (i > 0)
            buf_char(b, '|');
        if (c->field == DP_SOURCE_IP)
            buf_printf(b, "%08x/%08x", c->sources[i].address, c->sources[i].mask);
        else if (c->field == DP_QUERY)
            buf_printf(b, "%.*s=%.*s", STR_ARG(c->keys[i].text), STR_ARG(c->values[i].text));
        else
            buf_add(b, c->values[i].text);
    }
    buf_add(b, S(") "));
}

static void show_action(struct buf *b, const struct dp_action *a)
{
    switch (a->kind) {
    case DP_FORWARD:
        buf_add(b, S("-> forward"));
        for (size_t i = 0; i < a->group_count; i++)
            buf_printf(b, " %.*s:%u", STR_ARG(a->groups[i].group->arn), a->groups[i].weight);
        break;
    case DP_REDIRECT:
        buf_printf(b, "-> redirect %u %.*s://%.*s:%.*s%.*s?%.*s", a->status, STR_ARG(a->protocol),
                   STR_ARG(a->host), STR_ARG(a->port), STR_ARG(a->path), STR_ARG(a->query));
        break;
    case DP_FIXED_RESPONSE:
        buf_printf(b, "-> fixed %u %.*s %.*s", a->status, STR_ARG(a->content_type),
                   STR_ARG(a->body));
        break;
    }
}

TEST(rules)
{
    CASE_EACH(c, cases) {
        struct arena a = {0};
        struct dp_rule rule = {0};
        cJSON *conditions = json_parse(str_c(c->conditions), NULL);
        cJSON *actions = json_parse(str_c(c->actions), NULL);
        struct buf b = buf_init(4096);

        routing_compile_rule(&a, &rule, &(struct routing_rule_text){conditions, actions, NULL},
                             find, NULL);
        for (size_t i = 0; i < rule.condition_count; i++)
            show_condition(&b, &rule.conditions[i]);
        show_action(&b, &rule.action);
        CHECK_STR(c->label, buf_str(&b), str_c(c->want));
        buf_free(&b);
        cJSON_Delete(conditions);
        cJSON_Delete(actions);
        arena_free(&a);
    }
}

TEST(expressions_and_transforms)
{
    struct arena a = {0};
    struct dp_rule rule = {0};
    cJSON *conditions = json_parse(S("[{\"Field\":\"path-pattern\",\"PathPatternConfig\":{"
                                     "\"RegexValues\":[\"^/a[0-9]+$\"]}}]"),
                                   NULL);
    cJSON *transforms = json_parse(
        S("[{\"Type\":\"url-rewrite\",\"UrlRewriteConfig\":{\"Rewrites\":[{\"Regex\":\"^/a\","
          "\"Replace\":\"/b\"}]}},{\"Type\":\"host-header-rewrite\",\"HostHeaderRewriteConfig\":"
          "{\"Rewrites\":[{\"Regex\":\"x\",\"Replace\":\"y\"}]}}]"),
        NULL);

    routing_compile_rule(&a, &rule, &(struct routing_rule_text){conditions, NULL, transforms}, find,
                         NULL);
    CHECK("a regular expression", rule.conditions[0].regex && rule.conditions[0].count == 1);
    CHECK_STR("as it was given", rule.conditions[0].values[0].text, S("^/a[0-9]+$"));
    CHECK_STR("of the URL", rule.url_rewrite->by, S("/b"));
    CHECK_STR("of the host", rule.host_rewrite->pattern, S("x"));
    cJSON_Delete(conditions);
    cJSON_Delete(transforms);
    arena_free(&a);
}

TEST(matchers)
{
    struct arena a = {0};
    struct dp_health_settings h = {0};

    routing_compile_matcher(&a, S("200,202-204"), &h);
    CHECK("a code and a range", h.matcher_count == 2 && h.matcher[0].last == 200 &&
                                    h.matcher[1].first == 202 && h.matcher[1].last == 204);
    routing_compile_matcher(&a, S(""), &h);
    CHECK("nothing", h.matcher_count == 0);
    arena_free(&a);
}

TEST_MAIN(T(rules), T(expressions_and_transforms), T(matchers))
