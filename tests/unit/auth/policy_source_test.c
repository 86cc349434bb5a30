/* Where statements stand in a policy's text. */
#include "auth/policy.h"

#include "test.h"

#define A "{\"Effect\":\"Allow\"}"

static const struct {
    const char *label;
    struct str document;
    size_t index;
    bool found;
    struct policy_position start, end;
} cases[] = {
    {"one statement",              STR_INIT("{\"Statement\":" A "}"),         0, true,  {1, 14}, {1, 31}},
    {"it has no second",           STR_INIT("{\"Statement\":" A "}"),         1, false, {0, 0},  {0, 0} },
    {"the first of a list",        STR_INIT("{\"Statement\":[" A "," A "]}"), 0, true,  {1, 15}, {1, 32}},
    {"the second",                 STR_INIT("{\"Statement\":[" A "," A "]}"), 1, true,  {1, 34}, {1, 51}},
    {"but no third",               STR_INIT("{\"Statement\":[" A "," A "]}"), 2, false, {0, 0},  {0, 0} },
    {"lines count",
     STR_INIT("{\n \"Version\": \"x\",\n \"Statement\": [\n  " A "\n]}"),
     0,                                                                          true,
     {4, 3},
     {4, 20}                                                                                            },
    {"brackets in strings do not",
     STR_INIT("{\"Id\":\"]}{\\\"\",\"Statement\":[{\"Sid\":\"}\"}]}"),
     0,                                                                          true,
     {1, 28},
     {1, 38}                                                                                            },
    {"behind other members",
     STR_INIT("{\"A\":{\"Statement\":1},\"Statement\":" A "}"),
     0,                                                                          true,
     {1, 34},
     {1, 51}                                                                                            },
    {"no statements at all",       STR_INIT("{\"Version\":\"2012-10-17\"}"),  0, false, {0, 0},  {0, 0} },
    {"no object",                  STR_INIT("[]"),                            0, false, {0, 0},  {0, 0} },
    {"broken off",                 STR_INIT("{\"Statement\":[{\"a\":\""),     1, false, {0, 0},  {0, 0} },
};

TEST(statements_are_found_in_the_text)
{
    CASE_EACH(c, cases) {
        struct policy_position start = {0}, end = {0};

        CHECK(c->label, policy_statement_span(c->document, c->index, &start, &end) == c->found);
        CHECK(c->label, start.line == c->start.line && start.column == c->start.column);
        CHECK(c->label, end.line == c->end.line && end.column == c->end.column);
    }
}

TEST_MAIN(T(statements_are_found_in_the_text))
