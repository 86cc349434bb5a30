/* Schedules as bit sets, and the walk from one time to the next. */
#include "loops/cron.h"

#include <time.h>

#include "base/macros.h"

enum { MINUTE_MS = 60 * 1000, SECOND_MS = 1000, MOST_YEARS = 5 };

/* --- reading ---------------------------------------------------------------------------------- */

struct field {
    const char *name;
    int64_t least, most;
    const char *words; /* names of the values from @word_base on, parted by spaces */
    int64_t word_base;
};

static const struct field fields[] = {
    {"minute",       0, 59, NULL,                                              0},
    {"hour",         0, 23, NULL,                                              0},
    {"day of month", 1, 31, NULL,                                              0},
    {"month",        1, 12, "jan feb mar apr may jun jul aug sep oct nov dec", 1},
    {"day of week",  0, 6,  "sun mon tue wed thu fri sat",                     0},
};

static const struct {
    const char *name, *means;
} descriptors[] = {
    {"@yearly",   "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
    {"@monthly",  "0 0 1 * *"},
    {"@weekly",   "0 0 * * 0"},
    {"@daily",    "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@hourly",   "0 * * * *"},
};

static bool read_value(const struct field *f, struct str text, int64_t *ret)
{
    struct str rest = str_c(f->words), word;

    for (int64_t n = f->word_base; str_next(&rest, ' ', &word); n++)
        if (str_ieq(word, text)) {
            *ret = n;
            return true;
        }
    return text.n > 0 && text.at[0] != '-' && str_to_int(text, ret);
}

/* One part between commas: "*", "5", "1-5", "*" or a range with "/2". */
static bool read_part(const struct field *f, struct str part, uint64_t *bits, bool *any)
{
    struct str range = part, step_text = {0}, low, high;
    int64_t from = f->least, to = f->most, step = 1;
    bool stepped = str_cut(part, '/', &range, &step_text);

    if (stepped && (!str_to_int(step_text, &step) || step <= 0))
        return false;
    if (str_is(range, "*") || str_is(range, "?")) {
        *any |= step == 1;
    } else if (str_cut(range, '-', &low, &high)) {
        if (!read_value(f, low, &from) || !read_value(f, high, &to))
            return false;
    } else {
        if (!read_value(f, range, &from))
            return false;
        to = stepped ? f->most : from;
    }
    if (from < f->least || to > f->most || from > to)
        return false;
    for (int64_t i = from; i <= to; i += step)
        *bits |= UINT64_C(1) << i;
    return true;
}

static bool read_field(const struct field *f, struct str text, uint64_t *bits, bool *any)
{
    struct str part;

    if (text.n == 0)
        return false;
    while (str_next(&text, ',', &part))
        if (!read_part(f, part, bits, any))
            return false;
    return true;
}

/* "1h30m", "90s", in whole seconds of at least one. */
static bool read_duration(struct str text, int64_t *ret_ms)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {
        {'h', 3600 * SECOND_MS},
        {'m', MINUTE_MS       },
        {'s', SECOND_MS       },
    };
    int64_t total = 0, n = -1;

    for (size_t i = 0; i < text.n; i++) {
        bool known = false;

        if (text.at[i] >= '0' && text.at[i] <= '9') {
            n = (n < 0 ? 0 : n * 10) + (text.at[i] - '0');
            if (n > INT32_MAX)
                return false;
            continue;
        }
        for (size_t k = 0; k < ARRAY_LEN(units); k++)
            if (units[k].unit == text.at[i] && n >= 0) {
                total += n * units[k].ms;
                known = true;
            }
        if (!known)
            return false;
        n = -1;
    }
    *ret_ms = total;
    return n < 0 && total >= SECOND_MS;
}

static bool read_fields(struct arena *a, struct str text, struct cron *c, struct str *ret_why)
{
    uint64_t *bits[] = {&c->minutes, &c->hours, &c->days, &c->months, &c->weekdays};
    bool any[ARRAY_LEN(bits)] = {0};
    struct str word, rest = str_trim(text);
    size_t n = 0;

    while (str_next(&rest, ' ', &word)) {
        if (word.n == 0)
            continue;
        if (n < ARRAY_LEN(bits) && !read_field(&fields[n], word, bits[n], &any[n])) {
            *ret_why =
                arena_printf(a, "failed to parse the %s \"%.*s\"", fields[n].name, STR_ARG(word));
            return false;
        }
        n++;
    }
    if (n != ARRAY_LEN(bits)) {
        *ret_why =
            arena_printf(a, "expected exactly 5 fields, found %zu: [%.*s]", n, STR_ARG(text));
        return false;
    }
    c->any_day = any[2];
    c->any_weekday = any[4];
    return true;
}

bool cron_parse(struct arena *a, struct str text, struct cron *ret_cron, struct str *ret_why)
{
    static const struct str every = STR_INIT("@every ");
    struct cron c = {0};

    if (str_starts(text, every)) {
        if (!read_duration(str_from(text, every.n), &c.every_ms)) {
            *ret_why = arena_printf(a, "failed to parse duration %.*s", STR_ARG(text));
            return false;
        }
        *ret_cron = c;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(descriptors); i++)
        if (str_is(text, descriptors[i].name))
            text = str_c(descriptors[i].means);
    if (text.n > 0 && text.at[0] == '@') {
        *ret_why = arena_printf(a, "unrecognized descriptor: %.*s", STR_ARG(text));
        return false;
    }
    if (!read_fields(a, text, &c, ret_why))
        return false;
    *ret_cron = c;
    return true;
}

/* --- the next time ---------------------------------------------------------------------------- */

static bool has(uint64_t bits, int n)
{
    return (bits >> n & 1) != 0;
}

/* A day fits by its number or its weekday; where one of both is '*', by the other. */
static bool day_fits(const struct cron *c, const struct tm *t)
{
    bool day = has(c->days, t->tm_mday), weekday = has(c->weekdays, t->tm_wday);

    return c->any_day || c->any_weekday ? day && weekday : day || weekday;
}

int64_t cron_next(const struct cron *c, int64_t ms)
{
    time_t at = (time_t)(ms / MINUTE_MS * 60 + 60);
    struct tm t;
    int last_year;

    if (c->every_ms > 0)
        return ms / SECOND_MS * SECOND_MS + c->every_ms;
    (void)gmtime_r(&at, &t);
    last_year = t.tm_year + MOST_YEARS;
    while (t.tm_year <= last_year) {
        if (!has(c->months, t.tm_mon + 1)) {
            t.tm_mon++;
            t.tm_mday = 1;
            t.tm_hour = t.tm_min = 0;
        } else if (!day_fits(c, &t)) {
            t.tm_mday++;
            t.tm_hour = t.tm_min = 0;
        } else if (!has(c->hours, t.tm_hour)) {
            t.tm_hour++;
            t.tm_min = 0;
        } else if (!has(c->minutes, t.tm_min)) {
            t.tm_min++;
        } else {
            return (int64_t)timegm(&t) * SECOND_MS;
        }
        t.tm_sec = 0;
        at = timegm(&t); /* puts the 32nd and the 60th right */
        (void)gmtime_r(&at, &t);
    }
    return -1;
}
