/* Which Ingresses a change makes worth another look. Pure.
 * Source: aws-alb-ingress-controller v1.1.4, internal/ingress/controller/handlers and auth. */
#pragma once

#include "objects.h"
#include "settings.h"

typedef void trigger_cb(void *data, struct str key);

/* Calls @enqueue for each; a key may come more than once. @old and @now as informers tell them. */
void triggers_find(const struct settings *s, const struct objects *o, enum object_kind kind,
                   const cJSON *old, const cJSON *now, trigger_cb *enqueue, void *data);

/* All Ingresses that are ours, in @namespace or (empty) everywhere. */
void triggers_find_all(const struct settings *s, const struct objects *o, struct str namespace,
                       trigger_cb *enqueue, void *data);
