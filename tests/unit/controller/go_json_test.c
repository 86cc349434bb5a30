/* Source: Go 1.13 encoding/json. */
#include "go_json.h"

#include "test.h"

static const struct {
    const char *label;
    struct str text, error; /* empty: it is JSON */
} cases[] = {
    {"an object",                 S("{\"a\": [1, true, null]}"), S("")                                                    },
    {"white space around",        S(" \n{}\t"),                  S("")                                                    },
    {"nothing",                   S(""),                         S("unexpected end of JSON input")                        },
    {"half an object",            S("{\"a\":"),                  S("unexpected end of JSON input")                        },
    {"a word",                    S("HTTP"),                     S("invalid character 'H' looking for beginning of value")},
    {"a key without quotes",      S("{Type: 1}"),
     S("invalid character 'T' looking for beginning of object key string")                                                },
    {"single quotes",             S("{'a': 1}"),
     S("invalid character '\\'' looking for beginning of object key string")                                              },
    {"no colon",                  S("{\"a\" 1}"),                S("invalid character '1' after object key")              },
    {"no comma",                  S("{\"a\":1 \"b\"}"),          S("invalid character '\"' after object key:value pair")  },
    {"a comma too many",          S("[1,]"),                     S("invalid character ']' looking for beginning of value")},
    {"no comma in an array",      S("[1 2]"),                    S("invalid character '2' after array element")           },
    {"something behind",          S("{} x"),                     S("invalid character 'x' after top-level value")         },
    {"a word that nearly is one", S("[trap]"),
     S("invalid character 'a' in literal true (expecting 'u')")                                                           },
    {"a number with a zero",      S("[01]"),                     S("invalid character '1' after array element")           },
    {"a number without digits",   S("[-]"),                      S("invalid character ']' in numeric literal")            },
    {"a line end in a text",      S("\"a\n\""),                  S("invalid character '\\n' in string literal")           },
    {"an unknown escape",         S("\"\\x\""),                  S("invalid character 'x' in string escape code")         },
    {"a short unicode escape",    S("\"\\u00g0\""),
     S("invalid character 'g' in \\u hexadecimal character escape")                                                       },
};

TEST(errors)
{
    struct arena a = {0};

    CASE_EACH(c, cases) {
        struct str error = {0};
        CLEANUP(json_freep) cJSON *tree = go_json_parse(&a, c->text, &error);

        CHECK(c->label, (tree != NULL) == (c->error.n == 0));
        CHECK_STR(c->label, error, c->error);
    }
    arena_free(&a);
}

TEST(members)
{
    CLEANUP(json_freep)
    cJSON *tree = json_parse(S("{\"type\":\"a\",\"TYPE\":\"b\",\"Other\":null}"), NULL);

    CHECK_STR("found in any case, and the last one wins",
              json_text(go_json_member(tree, S("Type"))), S("b"));
    CHECK("null is as good as absent", go_json_member(tree, S("Other")) == NULL);
}

TEST_MAIN(T(errors), T(members))
