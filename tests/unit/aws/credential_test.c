/* Access keys that Elbow knows as its own. */
#include "aws/credential.h"

#include "test.h"

TEST(an_id_is_known_as_ours_and_changed_ones_are_not)
{
    struct arena a = {0};
    struct ids ids;

    ids_init(&ids, 1);
    for (int i = 0; i < 100; i++) {
        struct str id = credential_new_id(&ids, &a, i % 2 == 0 ? "AKIA" : "ASIA");
        char other[20];

        CHECK("20 letters", id.n == 20);
        CHECK("ours", credential_is_ours(id));
        memcpy(other, id.at, sizeof other);
        other[4 + i % 16] = other[4 + i % 16] == 'Q' ? 'R' : 'Q';
        CHECK("a changed letter shows", !credential_is_ours(str_n(other, sizeof other)));
    }
    arena_free(&a);
}

static const struct {
    const char *label;
    struct str id;
} strangers[] = {
    {"made up",             STR_INIT("test")                },
    {"an account",          STR_INIT("123456789012")        },
    {"the documentation's", STR_INIT("AKIAIOSFODNN7EXAMPLE")},
    {"nothing",             STR_INIT("")                    },
    {"another kind's id",   STR_INIT("AIDAIOSFODNN7EXAMPLE")},
};

TEST(what_others_made_is_not_ours)
{
    CASE_EACH(c, strangers)
        CHECK(c->label, !credential_is_ours(c->id));
}

TEST(secrets_and_tokens_have_their_lengths)
{
    struct arena a = {0};
    struct ids ids;

    ids_init(&ids, 1);
    CHECK("a secret", credential_new_secret(&ids, &a).n == 40);
    CHECK("a token", credential_new_token(&ids, &a).n > 200);
    arena_free(&a);
}

TEST_MAIN(T(an_id_is_known_as_ours_and_changed_ones_are_not), T(what_others_made_is_not_ours),
          T(secrets_and_tokens_have_their_lengths))
