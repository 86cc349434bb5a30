/* Policy documents come from outside: parse and judge anything. */
#include "auth/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str values[] = {STR_INIT("10.1.2.3"), STR_INIT("ab")};
    static const struct context_key keys[] = {
        {STR_INIT("aws:SourceIp"), values,     1},
        {STR_INIT("aws:TagKeys"),  values,     2},
        {STR_INIT("aws:username"), values + 1, 1},
    };
    struct policy_principal who = {.arn = S("arn:aws:iam::1:user/a"), .account = S("1")};
    struct policy_request r = {
        .action = S("s3:GetObject"),
        .resource = S("arn:aws:s3:::x/y"),
        .context = {keys, ARRAY_LEN(keys)},
        .principal = &who
    };
    struct policy_match matches[4];
    struct policy_position start, end;
    enum policy_kind kinds[] = {POLICY_IDENTITY, POLICY_TRUST};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        CLEANUP(policy_freep) struct policy *p = NULL;
        struct arena a = {0};
        struct str why = {0};

        if (policy_parse(&a, str_n((const char *)data, size), kinds[i], &p, &why)) {
            (void)policy_evaluate(p, &r);
            (void)policy_matches(p, &r, matches, ARRAY_LEN(matches));
        }
        arena_free(&a);
    }
    for (size_t i = 0; i < 3; i++)
        (void)policy_statement_span(str_n((const char *)data, size), i, &start, &end);
    return 0;
}
