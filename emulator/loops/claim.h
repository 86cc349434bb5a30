/* Which objects are a workload's own: those it controls and selects, after adoption of such that
 * have no owner and release of those that do not fit any more.
 * Source: pkg/controller/controller_ref_manager.go. */
#pragma once

#include "loops/controller.h"
#include "loops/selector.h"

/* Whether a workload selects what has these labels. */
typedef bool selects_cb(const cJSON *owner, struct labels labels);

/* spec.selector as a LabelSelector; as a plain map, where an empty one selects nothing. */
bool selects_by_selector(const cJSON *owner, struct labels labels);
bool selects_by_map(const cJSON *owner, struct labels labels);

struct claimed {
    struct object **at; /* in the arena, by name */
    size_t n;
};

/* The pods of @owner that it selects, those that are over or being deleted included. Nothing is
 * adopted or released by an owner that is being deleted. */
struct claimed claim_pods(struct controller *c, struct arena *a, struct object *owner,
                          selects_cb *selects);

/* For the watches of rows: the controlling owner of @kind, and for a pod without an owner those of
 * the loop's resource that select it. */
void heard_pod_of(struct controller *c, const struct object_change *change, const char *kind,
                  selects_cb *selects);
