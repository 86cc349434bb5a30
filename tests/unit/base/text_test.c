/* Slices, base64 and JSON text. */
#include "base/base64.h"
#include "base/json.h"

#include "test.h"

static const struct {
    const char *label;
    struct str text;
    bool valid;
    int64_t value;
} numbers[] = {
    {"zero",                  STR_INIT("0"),                    true,  0        },
    {"the largest",           STR_INIT("9223372036854775807"),  true,  INT64_MAX},
    {"the smallest",          STR_INIT("-9223372036854775808"), true,  INT64_MIN},
    {"one more is too large", STR_INIT("9223372036854775808"),  false, 0        },
    {"no digits",             STR_INIT("-"),                    false, 0        },
    {"no white space",        STR_INIT(" 1"),                   false, 0        },
    {"nothing",               STR_INIT(""),                     false, 0        },
};

TEST(numbers_are_exact)
{
    CASE_EACH(c, numbers) {
        int64_t value = 0;

        CHECK(c->label, str_to_int(c->text, &value) == c->valid && value == c->value);
    }
}

static const struct {
    struct str data, text;
} base64_cases[] = {
    {STR_INIT(""),       STR_INIT("")        },
    {STR_INIT("f"),      STR_INIT("Zg==")    },
    {STR_INIT("fo"),     STR_INIT("Zm8=")    },
    {STR_INIT("foo"),    STR_INIT("Zm9v")    },
    {STR_INIT("foob"),   STR_INIT("Zm9vYg==")},
    {STR_INIT("foobar"), STR_INIT("Zm9vYmFy")},
};

TEST(base64_round_trip)
{
    struct arena a = {0};
    struct str back = {0};

    CASE_EACH(c, base64_cases) {
        CHECK_STR("RFC 4648 section 10", base64_encode(&a, c->data), c->text);
        CHECK("it decodes", base64_decode(&a, c->text, &back));
        CHECK_STR("to the same", back, c->data);
    }
    CHECK("no other characters", !base64_decode(&a, S("Zm9v!"), &back));
    CHECK("nothing behind the padding", !base64_decode(&a, S("Zg==Zg"), &back));
    arena_free(&a);
}

TEST(json_text_is_escaped_and_integers_stay_integers)
{
    CLEANUP(json_freep)
    cJSON *tree = json_parse(S("{\"a\":[1,-2.5,1690000000000,\"\\u0001\\\"\\n\"]}"), NULL);
    CLEANUP(buf_free) struct buf b = buf_init(4096);

    json_write(&b, tree);
    CHECK_STR("as it came", buf_str(&b), S("{\"a\":[1,-2.5,1690000000000,\"\\u0001\\\"\\n\"]}"));
    CHECK("text behind the end is refused", json_parse(S("{} x"), NULL) == NULL);
    buf_reset(&b);
    json_write_str(&b, S("a\xff\xc0z"));
    CHECK_STR("broken UTF-8", buf_str(&b), S("\"a\xef\xbf\xbd\xef\xbf\xbdz\""));
}

TEST_MAIN(T(numbers_are_exact), T(base64_round_trip),
          T(json_text_is_escaped_and_integers_stay_integers))
