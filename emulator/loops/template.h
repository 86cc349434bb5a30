/* Pod templates as the workload loops compare and name them. Pure.
 * Source: kubernetes-api.md §6.2 (hashes). */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

/* A copy of doc.spec.template without the label that tells ReplicaSets apart; the caller's. */
cJSON *template_plain(const cJSON *doc);

/* Whether two workloads have templates that mean the same. */
bool template_equal(const cJSON *a, const cJSON *b);

/* A name for a text, in Kubernetes' safe letters: equal texts and @collisions give equal names. */
struct str hash_in_letters(struct arena *a, struct str text, int64_t collisions);

/* The same of doc's plain template. */
struct str template_hash(struct arena *a, const cJSON *doc, int64_t collisions);
