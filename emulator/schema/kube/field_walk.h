/* How apply sees a value, and the names of a list's elements. Not for other rooms. */
#pragma once

#include "schema/kube/decode.h"

enum field_relation {
    FIELD_LEAF,    /* owned as a whole: a scalar, or something atomic */
    FIELD_STRUCT,  /* its members are fields of a struct */
    FIELD_ENTRIES, /* a map whose entries are owned one by one */
    FIELD_SET,     /* a list of scalars that are owned one by one */
    FIELD_KEYED,   /* a list of structs that are found by their keys */
};

/* Of the field's whole value, and of one element of its list or map. */
enum field_relation field_relation_of(const struct kube_field *f);
enum field_relation field_relation_of_element(const struct kube_field *f);

/* `k:{"name":"c"}` or `v:"x"`: the step of a list's element. In @a; empty: it has none. */
struct str field_element_step(struct arena *a, const struct kube_field *f, const cJSON *item);

/* A step as a part of a path: `[name="c"]`. In @a. */
struct str field_step_text(struct arena *a, struct str step);

static inline bool field_is_empty(const cJSON *item)
{
    return item == NULL || cJSON_IsNull(item) ||
           ((cJSON_IsObject(item) || cJSON_IsArray(item)) && item->child == NULL);
}
