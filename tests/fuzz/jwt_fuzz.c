/* Any bytes as a token. */
#include "auth/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {0};
    struct jwt jwt;

    if (jwt_parse(&a, str_n((const char *)data, size), &jwt)) {
        (void)jwt_has_audience(&jwt, S("sts.amazonaws.com"));
        jwt_deinit(&jwt);
    }
    arena_free(&a);
    return 0;
}
