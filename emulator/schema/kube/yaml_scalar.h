/* What a plain YAML scalar stands for. Not for other rooms. */
#pragma once

#include "base/arena.h"
#include "base/json.h"

enum yaml_scalar { YAML_IS_STRING, YAML_IS_NULL, YAML_IS_BOOL, YAML_IS_NUMBER, YAML_IS_MERGE };

/* The type of the plain scalar @text by the rules of YAML 1.1 as Go's library has them. For a
 * number *ret_json is its JSON text (in @a), for a boolean "true" or "false". */
enum yaml_scalar yaml_scalar_resolve(struct arena *a, struct str text, struct str *ret_json);

/* A double in the form of Go's encoding/json. In @a. */
struct str yaml_scalar_double(struct arena *a, double value);
