/* Scalars with a written form of their own: quantities, times, durations. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* The one form in which the API writes the quantity @text: "1000m" is "1", "0.5" is "500m". False
 * and *ret_why in the API's words when it is none. Texts are in @a. */
bool kube_quantity_canonical(struct arena *a, struct str text, struct str *ret_text,
                             struct str *ret_why);

/* RFC 3339 in UTC: whole seconds, or (@micro) six digits of a fraction, which must be there then.
 * *ret_text is empty for year one, which Go takes for no time. False and *ret_why as Go's package
 * time says it. */
bool kube_time_canonical(struct arena *a, struct str text, bool micro, struct str *ret_text,
                         struct str *ret_why);

/* A time of a protobuf message; empty for year one. */
struct str kube_time_text(struct arena *a, int64_t seconds, int32_t nanos, bool micro);

/* Go's durations: "1m30s". */
bool kube_duration_parse(struct arena *a, struct str text, int64_t *ret_nanos, struct str *ret_why);
struct str kube_duration_text(struct arena *a, int64_t nanos);
