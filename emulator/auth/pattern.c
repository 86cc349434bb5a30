/* Wildcards, without recursion: on a mismatch the last '*' takes one more character.
 * Source: IAM User Guide, "IAM JSON policy elements: Resource" and "Condition operators". */
#include "auth/pattern.h"

static bool same(char a, char b, bool ignore_case)
{
    return a == b || (ignore_case && str_ieq(str_n(&a, 1), str_n(&b, 1)));
}

bool pattern_matches(struct str pattern, struct str text, bool ignore_case)
{
    size_t p = 0, t = 0, star = STR_NONE, taken = 0;

    while (t < text.n) {
        if (p < pattern.n && pattern.at[p] == '*') {
            star = p++;
            taken = t;
        } else if (p < pattern.n &&
                   (pattern.at[p] == '?' || same(pattern.at[p], text.at[t], ignore_case))) {
            p++;
            t++;
        } else if (star != STR_NONE) {
            p = star + 1;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.at[p] == '*')
        p++;
    return p == pattern.n;
}

bool pattern_matches_arn(struct str pattern, struct str arn)
{
    for (int i = 0; i < 5; i++) {
        struct str left, right;

        if (!str_cut(pattern, ':', &left, &pattern) || !str_cut(arn, ':', &right, &arn) ||
            !pattern_matches(left, right, false))
            return false;
    }
    return pattern_matches(pattern, arn, false);
}
