/* Server-side apply: which fields a manager owns, and merging by ownership. A set of fields is its
 * FieldsV1 document: {"f:spec": {"f:replicas": {}}}. All functions are pure: they read their
 * operands, and what they return is the caller's.
 * Source: kubernetes-api reference §3.7; sigs.k8s.io/structured-merge-diff. */
#pragma once

#include "schema/kube/decode.h"

/* The fields of @doc, a document of shape @t, as an applier or creator of it would own them:
 * never apiVersion, kind and the server's own metadata. NULL with p->error when an element of a
 * list lacks its key or stands there twice. */
cJSON *field_set_of(const struct kube_type *t, const cJSON *doc, struct kube_problems *p);

/* The fields whose values differ from @old to @now, or are only in one of them. */
void field_set_compare(const struct kube_type *t, const cJSON *old, const cJSON *now,
                       cJSON **ret_changed, cJSON **ret_removed);

cJSON *field_set_union(const cJSON *a, const cJSON *b);
cJSON *field_set_intersection(const cJSON *a, const cJSON *b);
cJSON *field_set_difference(const cJSON *a, const cJSON *b);
bool field_set_is_empty(const cJSON *set);
bool field_set_equal(const cJSON *a, const cJSON *b);

/* Calls @each with every member: ".spec.containers[name=\"c\"].image". The path is borrowed. */
void field_set_each(const cJSON *set, void (*each)(void *data, struct str path), void *data);

/* @live with @applied laid over it: maps and structs merge, lists by their kind, the rest is
 * replaced. */
cJSON *kube_apply_merge(const struct kube_type *t, const cJSON *live, const cJSON *applied);

/* Removes from @doc the fields in @set, in place; elements of lists when the element itself is in
 * it and nothing else of it is in @keep. */
void kube_apply_remove(const struct kube_type *t, cJSON *doc, const cJSON *set, const cJSON *keep);

/* --- managedFields ------------------------------------------------------------------------ */

struct kube_manager {
    struct str name, operation, subresource; /* operation: "Apply" or "Update" */
    struct str api_version;
    struct str now; /* RFC 3339 */
};

/* A conflict of an apply: @field is owned by @manager with another value. */
struct kube_conflict {
    struct kube_conflict *next;
    struct str manager, operation, subresource, api_version, time, field;
};

struct kube_conflicts {
    struct arena *arena;
    struct kube_conflict *first, **tail;
    size_t n;
};

/* Server-side apply of @applied by @m to @live (NULL: there is none). The result holds the new
 * managedFields and is not normalised. NULL with p->error, or with conflicts (unless @force). */
cJSON *kube_apply(const struct kube_type *t, const cJSON *live, const cJSON *applied,
                  const struct kube_manager *m, bool force, struct kube_conflicts *conflicts,
                  struct kube_problems *p);

/* `Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: .spec.replicas`, and the
 * message of one cause: `conflict with "kubectl" using apps/v1`. In @a. */
struct str kube_conflicts_message(struct arena *a, const struct kube_conflicts *c);
struct str kube_conflict_cause(struct arena *a, const struct kube_conflict *c);

/* Writes into now.metadata.managedFields who owns what after @m changed @old (NULL: created) to
 * @now by anything but an apply. */
void kube_track_update(const struct kube_type *t, const cJSON *old, cJSON *now,
                       const struct kube_manager *m);
