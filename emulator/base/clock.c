/* The clock of the emulated world: a pair of times and a rate, read under a sequence lock. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t real_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void set(struct clock *c, int64_t real, int64_t world, int64_t ppm)
{
    atomic_fetch_add(&c->version, 1);
    atomic_store(&c->real, real);
    atomic_store(&c->world, world);
    atomic_store(&c->rate_ppm, ppm);
    atomic_fetch_add(&c->version, 1);
}

void clock_init(struct clock *c)
{
    int64_t now = real_ms();

    atomic_init(&c->version, 0);
    set(c, now, now, 1000000);
}

static int64_t scaled(int64_t real_delta, int64_t ppm)
{
    return (int64_t)((__int128)real_delta * ppm / 1000000);
}

int64_t clock_now(const struct clock *c)
{
    int64_t real, world, ppm;
    unsigned before;

    do {
        before = atomic_load(&c->version);
        real = atomic_load(&c->real);
        world = atomic_load(&c->world);
        ppm = atomic_load(&c->rate_ppm);
    } while (before % 2 != 0 || before != atomic_load(&c->version));
    return world + scaled(real_ms() - real, ppm);
}

int64_t clock_machine_now(void)
{
    return real_ms();
}

void clock_step(struct clock *c, int64_t ms)
{
    set(c, real_ms(), clock_now(c) + ms, atomic_load(&c->rate_ppm));
}

void clock_set_rate(struct clock *c, int64_t ppm)
{
    set(c, real_ms(), clock_now(c), ppm < 0 ? 0 : ppm);
}

int64_t clock_real_delay(const struct clock *c, int64_t ms)
{
    int64_t ppm = atomic_load(&c->rate_ppm), real;

    if (ms <= 0)
        return 0;
    if (ppm == 0)
        return INT64_MAX;
    real = (int64_t)((__int128)ms * 1000000 / ppm);
    return real > 0 ? real : 1;
}

int64_t clock_steady_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static struct tm broken_down(int64_t ms)
{
    time_t seconds = (time_t)((ms - (ms % 1000 + 1000) % 1000) / 1000);
    struct tm tm;

    (void)gmtime_r(&seconds, &tm);
    return tm;
}

struct str clock_rfc3339(struct arena *a, int64_t ms)
{
    struct tm t = broken_down(ms);

    return arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.tm_year + 1900, t.tm_mon + 1,
                        t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

struct str clock_rfc3339_ms(struct arena *a, int64_t ms)
{
    struct tm t = broken_down(ms);

    return arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900, t.tm_mon + 1,
                        t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, (int)((ms % 1000 + 1000) % 1000));
}

/* Takes @digits digits off the front; false when they are not there. */
static bool take_number(struct str *s, size_t digits, int *ret_value)
{
    int64_t value;

    if (s->n < digits || s->at[0] == '-' || !str_to_int(str_first(*s, digits), &value))
        return false;
    *ret_value = (int)value;
    *s = str_from(*s, digits);
    return true;
}

static bool take_char(struct str *s, const char *any_of)
{
    if (s->n == 0 || strchr(any_of, s->at[0]) == NULL)
        return false;
    *s = str_from(*s, 1);
    return true;
}

static int64_t take_fraction_ms(struct str *s)
{
    int64_t ms = 0, unit = 100;

    if (!take_char(s, "."))
        return 0;
    while (s->n > 0 && s->at[0] >= '0' && s->at[0] <= '9') {
        ms += (s->at[0] - '0') * unit;
        unit /= 10;
        *s = str_from(*s, 1);
    }
    return ms;
}

bool clock_parse_rfc3339(struct str s, int64_t *ret_ms)
{
    struct tm t = {0};
    int hours = 0, minutes = 0;
    int64_t ms, sign;

    if (!take_number(&s, 4, &t.tm_year) || !take_char(&s, "-") || !take_number(&s, 2, &t.tm_mon) ||
        !take_char(&s, "-") || !take_number(&s, 2, &t.tm_mday) || !take_char(&s, "Tt ") ||
        !take_number(&s, 2, &t.tm_hour) || !take_char(&s, ":") || !take_number(&s, 2, &t.tm_min) ||
        !take_char(&s, ":") || !take_number(&s, 2, &t.tm_sec))
        return false;
    if (t.tm_mon < 1 || t.tm_mon > 12 || t.tm_mday < 1 || t.tm_mday > 31 || t.tm_hour > 23 ||
        t.tm_min > 59 || t.tm_sec > 60)
        return false;
    ms = take_fraction_ms(&s);
    if (!take_char(&s, "Zz")) {
        sign = s.n > 0 && s.at[0] == '-' ? -1 : 1;
        if (!take_char(&s, "+-") || !take_number(&s, 2, &hours) || !take_char(&s, ":") ||
            !take_number(&s, 2, &minutes))
            return false;
        ms -= sign * (hours * 60 + minutes) * 60000;
    }
    if (s.n > 0)
        return false;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    *ret_ms = (int64_t)timegm(&t) * 1000 + ms;
    return true;
}
