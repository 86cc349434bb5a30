/* Wildcard patterns: the pattern up to the first line feed, the text behind it. */
#include <stdlib.h>

#include "dataplane/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = {(const char *)data, size}, pattern, text;

    if (!str_cut(all, '\n', &pattern, &text))
        return 0;
    for (unsigned flags = 0; flags < 4; flags++) {
        struct dp_pattern p = {.text = pattern};

        rule_prepare_pattern(&p, flags);
        (void)glob_matches(pattern, text, flags);
    }
    return 0;
}
