/* Source: Application Load Balancers User Guide, "Sticky sessions"; RFC 6265 section 4. */
#include "test.h"

#include "dataplane/cookie.h"

static const uint8_t key[COOKIE_KEY_BYTES] = {1}, other_key[COOKIE_KEY_BYTES] = {2};

TEST(what_was_sealed_is_read_and_nothing_else)
{
    const struct cookie made = {123456789, 1, 0xfedcba9876543210, 3};
    char room[COOKIE_VALUE_BYTES];
    struct text t = {.at = room, .room = sizeof room};
    struct cookie_seal seal, other;
    struct cookie got = {0};
    struct ids ids;

    ids_init(&ids, 1);
    cookie_seal_init(&seal, key);
    cookie_seal_init(&other, other_key);
    cookie_write(&seal, &ids, &made, &t);
    CHECK("its length", t.n == COOKIE_VALUE_BYTES && !t.full);
    CHECK("read", cookie_read(&seal, str_n(room, t.n), &got));
    CHECK("unchanged", got.made_ms == made.made_ms && got.group == made.group &&
                           got.target == made.target && got.application == made.application);
    CHECK("not with another key", !cookie_read(&other, str_n(room, t.n), &got));
    CHECK("not cut", !cookie_read(&seal, str_n(room, t.n - 4), &got));
    for (size_t i = 0; i < t.n; i++) {
        char was = room[i];

        room[i] = was == 'A' ? 'B' : 'A';
        CHECK("not with one character changed", !cookie_read(&seal, str_n(room, t.n), &got));
        room[i] = was;
    }
    CHECK("and still as it was", cookie_read(&seal, str_n(room, t.n), &got));
    cookie_seal_free(&seal);
    cookie_seal_free(&other);
}

static const struct {
    const char *label;
    uint8_t id;
    struct str line, name, value; /* value.at NULL: none */
} cases[] = {
    {"the only one",              FIELD_COOKIE,     STR_INIT("a=b"),           STR_INIT("a"), STR_INIT("b")  },
    {"among others",              FIELD_COOKIE,     STR_INIT("x=y; a=b; c=d"), STR_INIT("a"), STR_INIT("b")  },
    {"without blanks",            FIELD_COOKIE,     STR_INIT("x=y;a=b"),       STR_INIT("a"), STR_INIT("b")  },
    {"with an equals sign in it", FIELD_COOKIE,     STR_INIT("a=b=c"),         STR_INIT("a"), STR_INIT("b=c")},
    {"not a longer name",         FIELD_COOKIE,     STR_INIT("ab=c"),          STR_INIT("a"), {NULL, 0}      },
    {"not another case",          FIELD_COOKIE,     STR_INIT("A=c"),           STR_INIT("a"), {NULL, 0}      },
    {"not a name alone",          FIELD_COOKIE,     STR_INIT("a"),             STR_INIT("a"), {NULL, 0}      },
    {"a response sets it",        FIELD_SET_COOKIE, STR_INIT("a=b; Path=/"),   STR_INIT("a"), STR_INIT("b")  },
    {"without attributes too",    FIELD_SET_COOKIE, STR_INIT("a=b"),           STR_INIT("a"), STR_INIT("b")  },
    {"an attribute is no cookie", FIELD_SET_COOKIE, STR_INIT("x=y; a=b"),      STR_INIT("a"), {NULL, 0}      },
};

TEST(finding)
{
    CASE_EACH(c, cases) {
        struct http_field field = {.value = c->line, .id = c->id};
        const struct http_fields fields = {&field, 1, 1};
        struct str got = {0};
        bool found = c->id == FIELD_COOKIE ? cookie_find(&fields, c->name, &got)
                                           : cookie_find_set(&fields, c->name, &got);

        CHECK(c->label, found == (c->value.at != NULL));
        CHECK_STR(c->label, got, c->value);
    }
}

TEST_MAIN(T(what_was_sealed_is_read_and_nothing_else), T(finding))
