/* JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7386) over cJSON trees. Pure. */
#pragma once

#include <stdbool.h>

#include "base/json.h"

/* Applies the operations of @patch (an array) to *@doc in order. False when one cannot be done;
 * *@doc is then half changed and only good for cJSON_Delete. */
bool json_patch_apply(cJSON **doc, const cJSON *patch);

/* Merges @patch into *@doc. */
void json_merge_apply(cJSON **doc, const cJSON *patch);
