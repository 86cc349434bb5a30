/* The clock of the emulated world. It follows the machine's clock by default, and can be given a
 * rate, stopped, or stepped. Everything that AWS and Kubernetes would time reads it; nothing
 * calls time() itself. Reading is safe from any thread; changing is the control thread's. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct clock {
    atomic_uint version;         /* odd while the fields below change */
    _Atomic int64_t real, world; /* a pair of times that belong together, ms */
    _Atomic int64_t rate_ppm;    /* world milliseconds for a million real ones; 0 is stopped */
};

/* Follows the machine's clock from now on. */
void clock_init(struct clock *c);

/* The world's time: milliseconds since the epoch. */
int64_t clock_now(const struct clock *c);

/* The machine's own time, whatever the world's is: for what the outside world signed. */
int64_t clock_machine_now(void);

/* Moves the world by @ms (may be negative), keeping the rate. */
void clock_step(struct clock *c, int64_t ms);

/* Sets the rate in parts per million; 1000000 is the machine's, 0 stops the world. */
void clock_set_rate(struct clock *c, int64_t ppm);

/* How many real milliseconds pass while the world's clock goes on by @ms, at least 1 for
 * ms > 0; INT64_MAX when it stands still. For timers. */
int64_t clock_real_delay(const struct clock *c, int64_t ms);

/* A steady count of real microseconds, for measuring how long something took. */
int64_t clock_steady_us(void);

/* "2026-11-24T13:11:00Z", and with milliseconds "2026-11-24T13:11:00.123Z". In @a. */
struct str clock_rfc3339(struct arena *a, int64_t ms);
struct str clock_rfc3339_ms(struct arena *a, int64_t ms);

/* Reads RFC 3339 with any offset and fraction, the whole of @s; false, with nothing written,
 * when it is none. */
bool clock_parse_rfc3339(struct str s, int64_t *ret_ms);
