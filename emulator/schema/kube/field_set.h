/* Sets of fields, for server-side apply: who owns what. In memory a set is a tree of cJSON objects,
 * a key a step ("f:spec", "k:{"name":"c"}", "v:"x""), and "." marks a step as a member itself;
 * FieldsV1, the form in managedFields, leaves "." out where a member holds nothing else. All
 * functions read their operands, and what they return is the caller's.
 * Source: kubernetes-api reference §3.7; sigs.k8s.io/structured-merge-diff. */
#pragma once

#include "schema/kube/decode.h"

/* From and to FieldsV1. */
cJSON *field_set_read(const cJSON *fields);
cJSON *field_set_write(const cJSON *set);

/* The fields that @doc, an applied document of shape @t, names. NULL with p->error when an element
 * of a list stands there twice. */
cJSON *field_set_of(const struct kube_type *t, const cJSON *doc, struct kube_problems *p);

/* The fields that are only in @now, only in @old, or have another value. */
struct field_changes {
    cJSON *added, *removed, *modified;
};
struct field_changes field_set_compare(const struct kube_type *t, const cJSON *old,
                                       const cJSON *now);
/* For CLEANUP too. */
void field_changes_free(struct field_changes *c);

cJSON *field_set_union(const cJSON *a, const cJSON *b);
cJSON *field_set_intersection(const cJSON *a, const cJSON *b);
cJSON *field_set_difference(const cJSON *a, const cJSON *b);
bool field_set_is_empty(const cJSON *set);

/* Adds or removes one member; the steps are separated by spaces: "f:metadata f:name". */
void field_set_add(cJSON *set, const char *steps);
void field_set_drop(cJSON *set, const char *steps);

/* @set with every field of a struct a member that holds members. */
cJSON *field_set_with_parents(const struct kube_type *t, const cJSON *set);

/* Calls @each with every member: `.spec.containers[name="c"].image`. The path is borrowed. */
void field_set_each(const cJSON *set, void (*each)(void *data, struct str path), void *data);

/* --- documents by sets ----------------------------------------------------------------------- */

/* @live with @applied laid over it: structs and maps merge, lists by their kind, the rest is
 * replaced. NULL with p->error. */
cJSON *kube_apply_merge(const struct kube_type *t, const cJSON *live, const cJSON *applied,
                        struct kube_problems *p);

/* @doc without the members of @set and what they hold. */
cJSON *kube_apply_remove(const struct kube_type *t, const cJSON *doc, const cJSON *set);
