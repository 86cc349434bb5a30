/* The names and tags that the controller gives to what it makes. Pure functions.
 * Source: aws-alb-ingress-controller v1.1.4, internal/alb/generator. */
#pragma once

#include "values.h"

/* Eight hex digits: the prefix of all names where --alb-name-prefix is not given. In @a. */
struct str name_prefix(struct arena *a, struct str cluster);

/* The name of an Ingress's load balancer and of its security group, at most 31 characters. */
struct str name_load_balancer(struct arena *a, struct str prefix, struct str namespace,
                              struct str ingress);

struct target_group_key {
    struct str load_balancer; /* its name */
    struct str service, port; /* the port as the Ingress writes it, number or name */
    struct str protocol, target_type;
};

/* At most 32 characters. In @a. */
struct str name_target_group(struct arena *a, struct str prefix,
                             const struct target_group_key *key);

/* Whose tags: cluster, Ingress and the tags for all (--default-tags). Borrowed. */
struct tag_owner {
    struct str cluster, namespace, ingress;
    const struct pairs *defaults;
};

/* The tags of each thing without those of the `tags` annotation, which come on top. In @a. */
struct pairs tags_of_load_balancer(struct arena *a, const struct tag_owner *o);
struct pairs tags_of_security_group(struct arena *a, const struct tag_owner *o);
struct pairs tags_of_target_group(struct arena *a, const struct tag_owner *o, struct str service,
                                  struct str port);

/* What all target groups of an Ingress have in common: they are found by it. */
struct pairs tags_of_all_target_groups(struct arena *a, const struct tag_owner *o);
