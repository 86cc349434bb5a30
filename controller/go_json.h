/* Reads JSON that people wrote into annotations, with the errors of Go's encoding/json: they are
 * what a log shows for a misspelt annotation. */
#pragma once

#include "base/arena.h"
#include "base/json.h"

/* The tree, owned by the caller, or NULL and *ret_error in @a ("invalid character 'T' looking for
 * beginning of object key string"). */
cJSON *go_json_parse(struct arena *a, struct str text, struct str *ret_error);

/* A member by its name in any case, as Go finds struct fields; the last of several wins. */
const cJSON *go_json_member(const cJSON *object, struct str name);

/* What Go calls a value that has the wrong type: "string", "number", "object" … */
const char *go_json_kind(const cJSON *value);

/* Whether a JSON number is a whole one that fits an int64. */
bool go_json_is_int(const cJSON *value);
