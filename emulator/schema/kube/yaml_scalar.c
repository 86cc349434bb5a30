/* Plain scalars. Source: YAML 1.1 types as go-yaml v2 resolves them, which is what kubectl and the
 * API server read with: "yes" and "on" are booleans, 0644 is octal, dates stay text. */
#include "schema/kube/yaml_scalar.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"

static const struct {
    struct str text;
    enum yaml_scalar is;
    struct str json;
} words[] = {
    {STR_INIT(""),      YAML_IS_NULL,  STR_INIT("null") },
    {STR_INIT("~"),     YAML_IS_NULL,  STR_INIT("null") },
    {STR_INIT("null"),  YAML_IS_NULL,  STR_INIT("null") },
    {STR_INIT("Null"),  YAML_IS_NULL,  STR_INIT("null") },
    {STR_INIT("NULL"),  YAML_IS_NULL,  STR_INIT("null") },
    {STR_INIT("y"),     YAML_IS_BOOL,  STR_INIT("true") },
    {STR_INIT("Y"),     YAML_IS_BOOL,  STR_INIT("true") },
    {STR_INIT("yes"),   YAML_IS_BOOL,  STR_INIT("true") },
    {STR_INIT("Yes"),   YAML_IS_BOOL,  STR_INIT("true") },
    {STR_INIT("YES"),   YAML_IS_BOOL,  STR_INIT("true") },
    {STR_INIT("true"),  YAML_IS_BOOL,  STR_INIT("true") },
    {STR_INIT("True"),  YAML_IS_BOOL,  STR_INIT("true") },
    {STR_INIT("TRUE"),  YAML_IS_BOOL,  STR_INIT("true") },
    {STR_INIT("on"),    YAML_IS_BOOL,  STR_INIT("true") },
    {STR_INIT("On"),    YAML_IS_BOOL,  STR_INIT("true") },
    {STR_INIT("ON"),    YAML_IS_BOOL,  STR_INIT("true") },
    {STR_INIT("n"),     YAML_IS_BOOL,  STR_INIT("false")},
    {STR_INIT("N"),     YAML_IS_BOOL,  STR_INIT("false")},
    {STR_INIT("no"),    YAML_IS_BOOL,  STR_INIT("false")},
    {STR_INIT("No"),    YAML_IS_BOOL,  STR_INIT("false")},
    {STR_INIT("NO"),    YAML_IS_BOOL,  STR_INIT("false")},
    {STR_INIT("false"), YAML_IS_BOOL,  STR_INIT("false")},
    {STR_INIT("False"), YAML_IS_BOOL,  STR_INIT("false")},
    {STR_INIT("FALSE"), YAML_IS_BOOL,  STR_INIT("false")},
    {STR_INIT("off"),   YAML_IS_BOOL,  STR_INIT("false")},
    {STR_INIT("Off"),   YAML_IS_BOOL,  STR_INIT("false")},
    {STR_INIT("OFF"),   YAML_IS_BOOL,  STR_INIT("false")},
    {STR_INIT("<<"),    YAML_IS_MERGE, STR_INIT("")     },
};

enum { LONGEST_NUMBER = 400 };

struct str yaml_scalar_double(struct arena *a, double value)
{
    char text[40];
    int exponent;

    for (int precision = 1; precision <= 17; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision - 1, value);
        if (strtod(text, NULL) == value)
            break;
    }
    if (value != 0 && (fabs(value) < 1e-6 || fabs(value) >= 1e21)) {
        struct str mantissa, tail;

        (void)str_cut(str_c(text), 'e', &mantissa, &tail);
        exponent = atoi(tail.at);
        return arena_printf(a, "%.*se%s%d", STR_ARG(mantissa), exponent < 0 ? "-" : "+",
                            abs(exponent));
    }
    for (int digits = 0; digits < 30; digits++) {
        struct str plain = arena_printf(a, "%.*f", digits, value);

        if (strtod(plain.at, NULL) == value)
            return plain;
    }
    return arena_printf(a, "%.17g", value);
}

/* Go's ParseInt with base 0, without the sign. */
static bool parse_whole(const char *text, bool negative, struct arena *a, struct str *ret_json)
{
    unsigned long long value;
    char *end;
    int base = 10;

    if (text[0] == '0' && text[1] != '\0') {
        char kind = (char)(text[1] | 0x20);

        base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
        text += kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1;
    }
    if (!((text[0] >= '0' && text[0] <= '9') ||
          (base == 16 && (text[0] | 0x20) >= 'a' && (text[0] | 0x20) <= 'f')))
        return false;
    errno = 0;
    value = strtoull(text, &end, base);
    if (errno != 0 || *end != '\0' || (negative && value > 9223372036854775808ULL))
        return false;
    *ret_json = arena_printf(a, "%s%llu", negative && value > 0 ? "-" : "", value);
    return true;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool looks_like_float(const char *s)
{
    size_t whole, part = 0, n;

    s += *s == '-' || *s == '+';
    whole = strspn(s, "0123456789");
    s += whole;
    if (*s == '.') {
        part = strspn(++s, "0123456789");
        s += part;
    }
    if (whole + part == 0)
        return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        n = strspn(s, "0123456789");
        if (n == 0)
            return false;
        s += n;
    }
    return *s == '\0';
}

static bool parse_number(struct arena *a, struct str text, struct str *ret_json)
{
    char plain[LONGEST_NUMBER + 1];
    size_t n = 0;
    double value;

    if (text.n > LONGEST_NUMBER || strchr("+-.0123456789", text.at[0]) == NULL)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.at[i] != '_')
            plain[n++] = text.at[i];
    plain[n] = '\0';
    if (memchr(plain, '\0', n) != NULL || n == 0)
        return false;
    if (plain[0] != '.' &&
        parse_whole(plain + (plain[0] == '-' || plain[0] == '+'), plain[0] == '-', a, ret_json))
        return true;
    if (!looks_like_float(plain))
        return false;
    value = strtod(plain, NULL);
    if (!isfinite(value))
        return false;
    *ret_json = yaml_scalar_double(a, value);
    return true;
}

enum yaml_scalar yaml_scalar_resolve(struct arena *a, struct str text, struct str *ret_json)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(text, words[i].text)) {
            *ret_json = words[i].json;
            return words[i].is;
        }
    return parse_number(a, text, ret_json) ? YAML_IS_NUMBER : YAML_IS_STRING;
}
