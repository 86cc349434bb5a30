/* IAM's wildcards: '*' is any run of characters, '?' is exactly one. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* Whether the whole of @text fits @pattern. Takes time linear in practice and |pattern| times
 * |text| at most. */
bool pattern_matches(struct str pattern, struct str text, bool ignore_case);

/* As ArnLike compares: the first five colons part segments, and a wildcard stays in its own. */
bool pattern_matches_arn(struct str pattern, struct str arn);
