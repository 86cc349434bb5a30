/* YAML that is JSON's superset, as a JSON tree: what a kubeconfig file needs. */
#pragma once

#include "base/arena.h"
#include "base/json.h"

/* The first document of @text; the caller owns the tree. NULL, with *ret_error in @a, when it is no
 * YAML or nests too deep. Aliases stand for a copy of what they name. */
cJSON *yaml_tree_parse(struct arena *a, struct str text, struct str *ret_error);
