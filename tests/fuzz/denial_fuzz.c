/* Encoded authorization messages come from whoever calls STS. */
#include "aws/denial.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {0};
    struct str json;

    (void)denial_decode(&a, str_n((const char *)data, size), &json);
    arena_free(&a);
    return 0;
}
