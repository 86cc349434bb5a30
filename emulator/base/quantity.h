/* Quantities ("100m", "1.5", "512Mi") and values that are a number or a percentage. Pure.
 * Source: apimachinery, resource.Quantity and intstr. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/str.h"

/* Thousandths, rounded up; false, with nothing written, when it is no quantity. */
bool quantity_parse(struct str text, int64_t *ret_milli);

/* The thousandths of a member (a string or a number), 0 when absent or wrong. */
int64_t quantity_of(const cJSON *item);

/* A number, or a share of @total ("25%") rounded up or down; @otherwise when absent or wrong. */
int64_t int_or_percent(const cJSON *item, int64_t total, bool up, int64_t otherwise);
