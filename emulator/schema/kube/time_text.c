/* Times and durations as Go writes them.
 * Source: RFC 3339; Go packages time and encoding/json; k8s.io/apimachinery meta/v1. */
#include <math.h>

#include "base/macros.h"
#include "schema/kube/scalar.h"

/* The first second of year one, which is Go's zero time. */
#define ZERO_SECONDS (-62135596800LL)

static const int64_t SECOND = 1000000000;

struct moment {
    int64_t seconds;
    int32_t nanos;
};

/* Days from 1970-01-01 to a day of the proleptic Gregorian calendar, by eras of 400 years. */
static int64_t days_of(int64_t year, int month, int day)
{
    int64_t era, of_era, of_year;

    year -= month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    of_era = year - era * 400;
    of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    int64_t era, of_era, year, of_year, month;

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    of_era = days - era * 146097;
    year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    of_year = of_era - (365 * year + year / 4 - year / 100);
    month = (5 * of_year + 2) / 153;
    *ret_day = (int)(of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (int)(month < 10 ? month + 3 : month - 9);
    *ret_year = year + era * 400 + (*ret_month <= 2);
}

struct str kube_time_text(struct arena *a, int64_t seconds, int32_t nanos, bool micro)
{
    int64_t days, of_day, year;
    int month, day;
    struct str whole;

    if (seconds == ZERO_SECONDS && nanos == 0)
        return (struct str){0};
    if (seconds < -62167219200LL || seconds > 253402300799LL) /* years 0 to 9999 */
        return (struct str){0};
    days = seconds / 86400 - (seconds % 86400 < 0);
    of_day = seconds - days * 86400;
    date_of(days, &year, &month, &day);
    whole = arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year, month, day,
                         (int)(of_day / 3600), (int)(of_day / 60 % 60), (int)(of_day % 60));
    if (micro)
        return arena_printf(a, "%.*s.%06dZ", STR_ARG(whole), nanos / 1000);
    return arena_printf(a, "%.*sZ", STR_ARG(whole));
}

/* --- reading, with Go's complaints -------------------------------------------------------- */

struct reader {
    struct arena *a;
    struct str all, rest;
    const char *layout;
    struct str *ret_why;
};

static bool cannot(struct reader *r, const char *element)
{
    *r->ret_why =
        arena_printf(r->a, "parsing time \"%.*s\" as \"%s\": cannot parse \"%.*s\" as \"%s\"",
                     STR_ARG(r->all), r->layout, STR_ARG(r->rest), element);
    return false;
}

static bool out_of_range(struct reader *r, const char *what)
{
    *r->ret_why =
        arena_printf(r->a, "parsing time \"%.*s\": %s out of range", STR_ARG(r->all), what);
    return false;
}

static bool number(struct reader *r, const char *element, size_t n, int *ret)
{
    int value = 0;

    for (size_t i = 0; i < n; i++) {
        if (i >= r->rest.n || r->rest.at[i] < '0' || r->rest.at[i] > '9')
            return cannot(r, element);
        value = value * 10 + (r->rest.at[i] - '0');
    }
    r->rest = str_from(r->rest, n);
    *ret = value;
    return true;
}

static bool literal(struct reader *r, const char *text)
{
    if (r->rest.n == 0 || r->rest.at[0] != text[0])
        return cannot(r, text);
    r->rest = str_from(r->rest, 1);
    return true;
}

static bool fraction(struct reader *r, bool micro, int32_t *ret_nanos)
{
    size_t n = 0;
    int32_t nanos = 0;

    if (r->rest.n > 0 && (r->rest.at[0] == '.' || r->rest.at[0] == ','))
        while (n + 1 < r->rest.n && r->rest.at[n + 1] >= '0' && r->rest.at[n + 1] <= '9')
            n++;
    if (micro && n != 6)
        return cannot(r, ".000000");
    if (n == 0)
        return true;
    for (size_t i = 0; i < 9; i++)
        nanos = nanos * 10 + (i < n ? r->rest.at[i + 1] - '0' : 0);
    r->rest = str_from(r->rest, n + 1);
    *ret_nanos = nanos;
    return true;
}

static bool zone(struct reader *r, int64_t *ret_offset)
{
    struct str whole = r->rest;
    int hours, minutes;
    bool west;

    *ret_offset = 0;
    if (r->rest.n > 0 && r->rest.at[0] == 'Z') {
        r->rest = str_from(r->rest, 1);
        return true;
    }
    if (r->rest.n < 6 || (r->rest.at[0] != '+' && r->rest.at[0] != '-') || r->rest.at[3] != ':')
        return cannot(r, "Z07:00");
    west = r->rest.at[0] == '-';
    r->rest = str_from(r->rest, 1);
    if (!number(r, "Z07:00", 2, &hours) || !literal(r, ":") || !number(r, "Z07:00", 2, &minutes)) {
        r->rest = whole;
        return cannot(r, "Z07:00");
    }
    if (hours > 24)
        return out_of_range(r, "time zone offset hour");
    if (minutes > 60)
        return out_of_range(r, "time zone offset minute");
    *ret_offset = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
    return true;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

static bool read_moment(struct reader *r, bool micro, struct moment *m)
{
    int year, month, day, hour, minute, second;
    int64_t offset;

    if (!number(r, "2006", 4, &year) || !literal(r, "-") || !number(r, "01", 2, &month) ||
        !literal(r, "-"))
        return false;
    if (month < 1 || month > 12)
        return out_of_range(r, "month");
    if (!number(r, "02", 2, &day) || !literal(r, "T") || !number(r, "15", 2, &hour))
        return false;
    if (hour > 23)
        return out_of_range(r, "hour");
    if (!literal(r, ":") || !number(r, "04", 2, &minute))
        return false;
    if (minute > 59)
        return out_of_range(r, "minute");
    if (!literal(r, ":") || !number(r, "05", 2, &second))
        return false;
    if (second > 59)
        return out_of_range(r, "second");
    if (!fraction(r, micro, &m->nanos) || !zone(r, &offset))
        return false;
    if (day < 1 || day > days_in(year, month))
        return out_of_range(r, "day");
    m->seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    return true;
}

bool kube_time_canonical(struct arena *a, struct str text, bool micro, struct str *ret_text,
                         struct str *ret_why)
{
    struct reader r = {.a = a,
                       .all = text,
                       .rest = text,
                       .layout =
                           micro ? "2006-01-02T15:04:05.000000Z07:00" : "2006-01-02T15:04:05Z07:00",
                       .ret_why = ret_why};
    struct moment m = {0};

    if (!read_moment(&r, micro, &m))
        return false;
    if (r.rest.n > 0) {
        *ret_why = arena_printf(a, "parsing time \"%.*s\": extra text: \"%.*s\"", STR_ARG(text),
                                STR_ARG(r.rest));
        return false;
    }
    *ret_text = kube_time_text(a, m.seconds, micro ? m.nanos : 0, micro);
    return true;
}

/* --- durations -------------------------------------------------------------------------- */

static const struct {
    struct str name;
    double nanos;
} units[] = {
    {STR_INIT("ns"),        1     },
    {STR_INIT("us"),        1e3   },
    {STR_INIT("\xc2\xb5s"), 1e3   },
    {STR_INIT("\xce\xbcs"), 1e3   },
    {STR_INIT("ms"),        1e6   },
    {STR_INIT("s"),         1e9   },
    {STR_INIT("m"),         60e9  },
    {STR_INIT("h"),         3600e9},
};

/* Takes one "1.5h" off @s; false when there is none. */
static bool take_part(struct str *s, double *ret_nanos)
{
    double value = 0, scale = 1;
    bool any = false, point = false;
    size_t i = 0, n;

    for (; i < s->n; i++) {
        if (s->at[i] == '.' && !point) {
            point = true;
        } else if (s->at[i] >= '0' && s->at[i] <= '9') {
            value = value * 10 + (s->at[i] - '0');
            scale *= point ? 10 : 1;
            any = true;
        } else {
            break;
        }
    }
    for (n = i; n < s->n && s->at[n] != '.' && (s->at[n] < '0' || s->at[n] > '9'); n++)
        ;
    for (size_t u = 0; any && u < ARRAY_LEN(units); u++)
        if (str_eq(str_n(s->at + i, n - i), units[u].name)) {
            *ret_nanos = value / scale * units[u].nanos;
            *s = str_from(*s, n);
            return true;
        }
    return false;
}

bool kube_duration_parse(struct arena *a, struct str text, int64_t *ret_nanos, struct str *ret_why)
{
    struct str rest = text;
    double all = 0, part;
    bool negative = false;

    if (rest.n > 0 && (rest.at[0] == '-' || rest.at[0] == '+')) {
        negative = rest.at[0] == '-';
        rest = str_from(rest, 1);
    }
    if (str_is(rest, "0")) {
        *ret_nanos = 0;
        return true;
    }
    if (rest.n == 0)
        rest = S("?");
    while (rest.n > 0) {
        if (!take_part(&rest, &part) || all + part > 9.2e18) {
            *ret_why = arena_printf(a, "time: invalid duration \"%.*s\"", STR_ARG(text));
            return false;
        }
        all += part;
    }
    *ret_nanos = (int64_t)llround(negative ? -all : all);
    return true;
}

/* @nanos as a decimal of @unit, without trailing zeros. */
static struct str decimal(struct arena *a, int64_t nanos, int64_t unit, const char *name)
{
    struct str digits;
    int64_t rest = nanos % unit, places = 0;

    if (rest == 0)
        return arena_printf(a, "%lld%s", (long long)(nanos / unit), name);
    for (int64_t u = unit; u > 1; u /= 10)
        places++;
    digits = arena_printf(a, "%0*lld", (int)places, (long long)rest);
    while (digits.at[digits.n - 1] == '0')
        digits.n--;
    return arena_printf(a, "%lld.%.*s%s", (long long)(nanos / unit), STR_ARG(digits), name);
}

struct str kube_duration_text(struct arena *a, int64_t nanos)
{
    const char *sign = nanos < 0 ? "-" : "";
    int64_t n = nanos < 0 ? (nanos == INT64_MIN ? INT64_MAX : -nanos) : nanos;
    struct str seconds;

    if (n == 0)
        return S("0s");
    if (n < 1000)
        return arena_printf(a, "%s%lldns", sign, (long long)n);
    if (n < 1000000)
        return arena_printf(a, "%s%.*s", sign, STR_ARG(decimal(a, n, 1000, "\xc2\xb5s")));
    if (n < SECOND)
        return arena_printf(a, "%s%.*s", sign, STR_ARG(decimal(a, n, 1000000, "ms")));
    seconds = decimal(a, n % (60 * SECOND), SECOND, "s");
    if (n < 60 * SECOND)
        return arena_printf(a, "%s%.*s", sign, STR_ARG(seconds));
    if (n < 3600 * SECOND)
        return arena_printf(a, "%s%lldm%.*s", sign, (long long)(n / (60 * SECOND)),
                            STR_ARG(seconds));
    return arena_printf(a, "%s%lldh%lldm%.*s", sign, (long long)(n / (3600 * SECOND)),
                        (long long)(n / (60 * SECOND) % 60), STR_ARG(seconds));
}
