/* Quantities: "100m", "1.5Gi", "1e3". Reckoned in billionths, which is as fine as the API goes.
 * Source: Kubernetes API reference, "Quantity"; k8s.io/apimachinery api/resource. */
#include "schema/kube/scalar.h"

#include "base/macros.h"

enum quantity_format { DECIMAL_SI, BINARY_SI, DECIMAL_EXPONENT };

struct quantity {
    __int128 nanos;
    enum quantity_format format;
};

static const struct {
    struct str text;
    enum quantity_format format;
    int power; /* of 10 or of 2 */
} suffixes[] = {
    {STR_INIT("n"),  DECIMAL_SI, -9},
    {STR_INIT("u"),  DECIMAL_SI, -6},
    {STR_INIT("m"),  DECIMAL_SI, -3},
    {STR_INIT(""),   DECIMAL_SI, 0 },
    {STR_INIT("k"),  DECIMAL_SI, 3 },
    {STR_INIT("M"),  DECIMAL_SI, 6 },
    {STR_INIT("G"),  DECIMAL_SI, 9 },
    {STR_INIT("T"),  DECIMAL_SI, 12},
    {STR_INIT("P"),  DECIMAL_SI, 15},
    {STR_INIT("E"),  DECIMAL_SI, 18},
    {STR_INIT("Ki"), BINARY_SI,  10},
    {STR_INIT("Mi"), BINARY_SI,  20},
    {STR_INIT("Gi"), BINARY_SI,  30},
    {STR_INIT("Ti"), BINARY_SI,  40},
    {STR_INIT("Pi"), BINARY_SI,  50},
    {STR_INIT("Ei"), BINARY_SI,  60},
};

static const __int128 ONE = 1000000000;
#define LARGEST ((__int128)INT64_MAX * ONE)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits(struct str s, size_t from)
{
    while (from < s.n && is_digit(s.at[from]))
        from++;
    return from;
}

/* Cuts the text into its digits before and behind the point and its suffix. */
static bool cut(struct str s, bool *ret_negative, struct str *ret_whole, struct str *ret_part,
                struct str *ret_suffix)
{
    size_t at = 0, end, from;

    *ret_part = (struct str){0};
    *ret_negative = s.n > 0 && s.at[0] == '-';
    if (s.n > 0 && (s.at[0] == '-' || s.at[0] == '+'))
        at = 1;
    end = digits(s, at);
    *ret_whole = str_n(s.at + at, end - at);
    if (end < s.n && s.at[end] == '.') {
        from = end + 1;
        end = digits(s, from);
        *ret_part = str_n(s.at + from, end - from);
    }
    from = end;
    while (end < s.n && s.at[end] != '\0' && strchr("eEinumkKMGTP", s.at[end]) != NULL)
        end++;
    if (end < s.n && (s.at[end] == '-' || s.at[end] == '+'))
        end++;
    *ret_suffix = str_from(s, from);
    return digits(s, end) == s.n;
}

static bool find_suffix(struct str text, enum quantity_format *ret_format, int *ret_power)
{
    int64_t power;

    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        if (str_eq(text, suffixes[i].text)) {
            *ret_format = suffixes[i].format;
            *ret_power = suffixes[i].power;
            return true;
        }
    if (text.n < 2 || (text.at[0] != 'e' && text.at[0] != 'E'))
        return false;
    text = str_from(text, 1);
    if (text.at[0] == '+')
        text = str_from(text, 1);
    if (!str_to_int(text, &power))
        return false;
    *ret_format = DECIMAL_EXPONENT;
    *ret_power = power > 100 ? 100 : power < -1000 ? -1000 : (int)power;
    return true;
}

/* @whole.@part times 10^@power in billionths, rounded up, at most the largest. */
static __int128 reckon(struct str whole, struct str part, int power)
{
    __int128 value = 0;
    int place = power + 9; /* of the last digit read, as a power of ten of a billionth */
    bool rest = false;

    for (size_t i = 0; i < whole.n + part.n; i++) {
        int digit = (i < whole.n ? whole.at[i] : part.at[i - whole.n]) - '0';

        /* The place of this digit. */
        if (place + (int)whole.n - 1 - (int)i < 0) {
            rest = rest || digit != 0;
            continue;
        }
        value = value * 10 + digit;
        if (value > LARGEST)
            return LARGEST;
    }
    for (int last = place - (int)part.n; last > 0 && value > 0; last--) {
        value *= 10;
        if (value > LARGEST)
            return LARGEST;
    }
    return rest ? value + 1 : value;
}

static bool parse(struct str text, struct quantity *q, const char **ret_why)
{
    struct str whole, part, suffix;
    bool negative;
    int power = 0;
    __int128 value;

    *ret_why = "quantities must match the regular expression "
               "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    if (text.n == 0 || !cut(text, &negative, &whole, &part, &suffix))
        return false;
    if (whole.n + part.n == 0 && suffix.n == text.n)
        return false;
    *ret_why = "unable to parse quantity's suffix";
    if (!find_suffix(suffix, &q->format, &power))
        return false;
    if (q->format != BINARY_SI) {
        value = reckon(whole, part, power);
    } else {
        value = reckon(whole, part, 0);
        for (int i = 0; i < power && value <= LARGEST; i++)
            value *= 2;
        value = value > LARGEST ? LARGEST : value;
    }
    q->nanos = negative ? -value : value;
    return true;
}

static struct str decimal(struct arena *a, __int128 value)
{
    char text[48];
    size_t at = sizeof text;
    bool negative = value < 0;

    if (negative)
        value = -value;
    do {
        text[--at] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value > 0);
    if (negative)
        text[--at] = '-';
    return arena_str(a, str_n(text + at, sizeof text - at));
}

static struct str print_binary(struct arena *a, __int128 nanos)
{
    __int128 whole = nanos / ONE + (nanos % ONE > 0 ? 1 : nanos % ONE < 0 ? -1 : 0);
    size_t step = 0;
    static const char *const names[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};

    while (step < ARRAY_LEN(names) - 1 && whole % 1024 == 0) {
        whole /= 1024;
        step++;
    }
    return arena_printf(a, "%.*s%s", STR_ARG(decimal(a, whole)), names[step]);
}

static struct str print(struct arena *a, const struct quantity *q)
{
    static const char *const names[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
    __int128 value = q->nanos;
    size_t step = 0;
    int power;

    if (value == 0)
        return S("0");
    if (q->format == BINARY_SI && (value <= -1024 * ONE || value >= 1024 * ONE))
        return print_binary(a, value);
    while (step < ARRAY_LEN(names) - 1 && value % 1000 == 0) {
        value /= 1000;
        step++;
    }
    power = (int)step * 3 - 9;
    if (q->format != DECIMAL_EXPONENT)
        return arena_printf(a, "%.*s%s", STR_ARG(decimal(a, value)), names[step]);
    if (power == 0)
        return decimal(a, value);
    return arena_printf(a, "%.*se%d", STR_ARG(decimal(a, value)), power);
}

bool kube_quantity_canonical(struct arena *a, struct str text, struct str *ret_text,
                             struct str *ret_why)
{
    struct quantity q = {0};
    const char *why;

    if (!parse(str_trim(text), &q, &why)) {
        *ret_why = str_c(why);
        return false;
    }
    *ret_text = print(a, &q);
    return true;
}
