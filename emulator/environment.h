/* `elbow env`: the variables that point a shell's clients at a running server. */
#pragma once

#include <stdio.h>

#include "base/json.h"

enum environment_format { ENVIRONMENT_SH, ENVIRONMENT_FISH, ENVIRONMENT_JSON };

/* Prints the variables for the server that wrote @ready. With @proxy, clients go through the proxy
 * door, which serves every name under amazonaws.com; without, modern SDKs are given an endpoint. */
void environment_print(FILE *out, const cJSON *ready, bool proxy, enum environment_format format);
