/* ControllerRevisions: the templates that a DaemonSet or StatefulSet had, for its rollouts and for
 * kubectl rollout history and undo. Source: pkg/controller/history; kubernetes-api.md §6.3. */
#pragma once

#include "loops/controller.h"

#define REVISION_LABEL "controller-revision-hash"

struct revision {
    struct str name, hash; /* "web-7f9c…", "7f9c…"; in the arena; empty: it could not be made */
    int64_t number;
};

/* The revision of @owner's present template, made where there is none; the newest number when it is
 * one of old. Revisions that no pod of @used (hashes) has are dropped beyond the history's limit.
 */
struct revision revision_of(struct controller *c, struct arena *a, struct object *owner,
                            const struct str *used, size_t used_n);

/* The template of the revision with @hash; borrowed, NULL when it is not there. */
const cJSON *revision_template(struct controller *c, struct arena *a, struct object *owner,
                               struct str hash);
