/* LabelSelectors: how they print and what they select. */
#include "../test.h"

#include "kube/label_selector.h"

static const struct {
    const char *label, *selector;
    struct str printed;
    const char *labels;
    bool selects;
} cases[] = {
    {"a map",                         "{\"b\":\"2\",\"a\":\"1\"}",                                              S("a=1,b=2"),     "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}",
     true                                                                                                                                                                       },
    {"matchLabels",                   "{\"matchLabels\":{\"a\":\"1\"}}",                                        S("a=1"),         "{\"a\":\"2\"}",                         false},
    {"In, values in order",
     "{\"matchExpressions\":[{\"key\":\"k\",\"operator\":\"In\",\"values\":["
     "\"y\",\"x\"]}]}",                                                                                         S("k in (x,y)"),  "{\"k\":\"y\"}",                         true },
    {"NotIn lets the absent through",
     "{\"matchExpressions\":[{\"key\":\"k\",\"operator\":\"NotIn\",\"values\":[\"x\"]}]}",                      S("k notin (x)"), "{}",                                    true },
    {"Exists",                        "{\"matchExpressions\":[{\"key\":\"k\",\"operator\":\"Exists\"}]}",       S("k"),           "{}",
     false                                                                                                                                                                      },
    {"DoesNotExist",                  "{\"matchExpressions\":[{\"key\":\"k\",\"operator\":\"DoesNotExist\"}]}",
     S("!k"),                                                                                                                     "{}",                                    true },
    {"an empty one takes everything", "{}",                                                                     S(""),            "{\"a\":\"1\"}",                         true },
};

TEST(selectors)
{
    CASE_EACH(c, cases) {
        struct arena a = {0};
        cJSON *selector = json_parse(str_c(c->selector), NULL);
        cJSON *labels = json_parse(str_c(c->labels), NULL);

        CHECK_STR(c->label, label_selector_print(&a, selector), c->printed);
        CHECK(c->label, label_selector_matches(selector, labels) == c->selects);
        cJSON_Delete(selector);
        cJSON_Delete(labels);
        arena_free(&a);
    }
    CHECK("no selector takes nothing", !label_selector_matches(NULL, NULL));
}
TEST_MAIN(T(selectors))
