/* create, update and the steps every write ends with. */
#pragma once

#include "kube/call.h"

void kube_create(struct kube_call *c);
void kube_update(struct kube_call *c);

/* Keeps @doc (of the request's version, owned by the call) as a new object, through defaulting,
 * admission and validation; answers 201. */
void write_create(struct kube_call *c, cJSON *doc);

/* Keeps @doc in place of @old, likewise; answers 200. */
void write_update(struct kube_call *c, struct object *old, cJSON *doc);

/* Keeps @doc, of the stored form and owned by the call, at its place, or leaves it when it says the
 * same as @old (which may be NULL). NULL: refused. Borrowed. */
struct object *write_keep(struct kube_call *c, struct object *old, struct object_key key,
                          cJSON *doc);

/* Removes @o; its last state, or NULL: refused. Borrowed. */
struct object *write_remove(struct kube_call *c, struct object *o);

/* The key of the call's target under @name. */
struct object_key write_key(const struct kube_call *c, struct str name);

/* The current time as metadata has it. */
struct str write_now(struct kube_call *c);

/* Whether nothing holds an object any more that is to be deleted. */
bool write_is_released(const struct kind *stored, const cJSON *doc);

/* kind, apiVersion, metadata first, as every client writes them. */
void write_order_members(cJSON *doc);
