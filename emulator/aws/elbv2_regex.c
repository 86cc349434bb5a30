/* Regular expressions that rules may hold: PCRE2's, without what a matcher in linear time cannot
 * do. Source: Application Load Balancers User Guide, "Regex matching". */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "aws/elbv2.h"

#include "base/macros.h"

/* Groups that begin with "(?" and these are look-arounds, atomic groups, recursion, conditions. */
static bool is_forbidden_group(struct str rest)
{
    static const struct str heads[] = {
        STR_INIT("(?="), STR_INIT("(?!"),  STR_INIT("(?<="), STR_INIT("(?<!"), STR_INIT("(?>"),
        STR_INIT("(?R"), STR_INIT("(?P>"), STR_INIT("(?P="), STR_INIT("(?&"),  STR_INIT("(?("),
        STR_INIT("(?+"), STR_INIT("(?-1"), STR_INIT("(?0"),  STR_INIT("(?1"),  STR_INIT("(*"),
        STR_INIT("(?|"), STR_INIT("(?#")};

    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        if (str_starts(rest, heads[i]))
            return true;
    return false;
}

static bool is_forbidden_escape(char c)
{
    return (c >= '1' && c <= '9') || c == 'p' || c == 'P' || c == 'k' || c == 'g' || c == 'K' ||
           c == 'X' || c == 'R' || c == 'C' || c == 'G';
}

static bool is_quantifier(char c)
{
    return c == '*' || c == '+' || c == '?' || c == '}';
}

/* Walks the pattern outside of character classes. */
static bool is_linear(struct str p)
{
    bool in_class = false;

    for (size_t i = 0; i < p.n; i++) {
        if (p.at[i] == '\\') {
            if (i + 1 >= p.n || (!in_class && is_forbidden_escape(p.at[i + 1])))
                return false;
            i++;
        } else if (p.at[i] == '[') {
            in_class = true;
        } else if (p.at[i] == ']') {
            in_class = false;
        } else if (!in_class) {
            if (is_forbidden_group(str_from(p, i)))
                return false;
            if (i > 0 && p.at[i] == '+' && is_quantifier(p.at[i - 1]) &&
                (i < 2 || p.at[i - 2] != '\\'))
                return false; /* possessive */
        }
    }
    return true;
}

bool elb_regex_is_valid(struct call *c UNUSED, struct str pattern)
{
    int error;
    PCRE2_SIZE at;
    pcre2_code *code;

    if (pattern.n == 0 || !is_linear(pattern))
        return false;
    code = pcre2_compile((PCRE2_SPTR)pattern.at, pattern.n, 0, &error, &at, NULL);
    pcre2_code_free(code);
    return code != NULL;
}
