/* get and list. */
#pragma once

#include "kube/call.h"

void kube_get(struct kube_call *c);
void kube_list(struct kube_call *c);

/* The selectors of the query; false: refused. */
struct kube_filter {
    struct selector labels, fields;
    struct str ns;   /* empty: every namespace */
    struct str name; /* the only one that can match; empty: any */
};
bool filter_read(struct kube_call *c, struct kube_filter *ret_filter);
bool filter_matches(const struct kube_filter *f, struct object *o);
