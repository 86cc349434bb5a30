/* metadata.managedFields: which manager owns which fields. */
#pragma once

#include "kube/call.h"
#include "schema/kube/field_set.h"

/* One entry. */
struct manager {
    struct manager *next;
    struct str name, operation; /* "Apply" or "Update" */
    struct str version, subresource, time;
    cJSON *set; /* owned by the call */
};

/* An object's entries, in no order that matters. All memory is the call's. */
struct managers {
    struct manager *first;
};

/* A document in the version and with the shape of the request's kind (or of another), without
 * managedFields; owned by the call. */
struct versioned {
    const struct kube_type *type;
    const cJSON *doc;
};

/* @doc (of the stored form; NULL: an empty object) in version @api_version. type is NULL when there
 * is no such version any more. */
struct versioned managed_version(struct kube_call *c, const cJSON *doc, struct str api_version);

/* The entries of a list of managedFields (may be NULL); false: it is malformed. */
bool managers_read(struct kube_call *c, const cJSON *list, struct managers *ret);

/* As a list, sorted as the API sorts them; NULL when there are none. The caller's. */
cJSON *managers_write(struct kube_call *c, const struct managers *m);

/* The entry of that identity; NULL: there is none. */
struct manager *managers_find(struct managers *m, const struct manager *like);
struct manager *managers_add(struct kube_call *c, struct managers *m, const struct manager *like);

/* Fields that are never anybody's are taken from the set; and those that writes at this address
 * leave alone. Both change it in place. */
void managed_strip(cJSON *set);
void managed_filter(const struct kube_call *c, cJSON *set);

/* What all but @self lose as the object goes from @was to @now (stored forms; @was may be NULL):
 * changed and removed fields. Entries that own nothing go. */
void managers_take(struct kube_call *c, struct managers *m, const struct manager *self,
                   const cJSON *was, const cJSON *now);

/* Who writes, as it names itself or by its program; and under what identity. */
struct manager managed_self(struct kube_call *c, struct str operation);

/* The managedFields of an object that is changed from @was (NULL: created) to @now, of the stored
 * form, by anything but an apply; the call's. NULL: it has none.
 * DIFFERS: what a control loop writes is followed only where an entry exists already. */
cJSON *managed_track(struct kube_call *c, const cJSON *was, const cJSON *now);
