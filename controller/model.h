/* From an Ingress and the objects that it names to the load balancer that is wanted for it. Pure:
 * no clock, no calls; everything is copied to an arena, so that a worker can use it while the
 * objects change.
 *
 * v1.1.4 finds mistakes as it goes along, and what it made before a mistake stays. So a mistake is
 * not an error of the model: it is recorded in the part that it belongs to, worded, and the pass
 * fails when it comes there. */
#pragma once

#include "action.h"
#include "annotations.h"
#include "objects.h"
#include "settings.h"
#include "values.h"

struct ip_range {
    struct str cidr, description; /* description.at == NULL: none */
};

struct ip_ranges {
    struct ip_range *at;
    size_t n;
};

struct group_pair {
    struct str group_id, user_id; /* user_id.at == NULL: none */
};

/* One inbound permission of a security group. */
struct permission {
    struct str protocol;
    bool has_ports;
    int64_t from, to;
    struct ip_ranges ranges, v6_ranges;
    struct {
        struct group_pair *at;
        size_t n;
    } groups;
};

struct permissions {
    struct permission *at;
    size_t n;
};

struct target {
    struct str id;
    int64_t port;
    struct str zone; /* "all" outside the VPC; at == NULL: none */
};

struct targets {
    struct target *at;
    size_t n;
};

struct wanted_target_group {
    struct str service, port;
    bool numeric_port; /* 80 and "80" are two backends of one name */
    struct str error;  /* the Service or its annotations: fails before anything is done */
    struct str name;
    struct service_annotations settings;
    struct str health_port; /* a name is resolved to its number here, not in settings */
    struct pairs tags;
    struct str attributes_error;
    struct pairs attributes;
    struct str targets_error;
    struct targets targets; /* of instances: not yet checked to be running */
};

struct wanted_rule {
    int64_t priority;
    struct conditions conditions;
    struct actions actions;
};

struct wanted_listener {
    int64_t port;
    struct str protocol;
    struct str ssl_policy;    /* at == NULL: none (HTTP) */
    struct strs certificates; /* the first is the default; empty on HTTPS: look into ACM */
    struct str default_error; /* the default action's, after the certificates' */
    struct actions default_actions;
    struct str rules_error;
    struct {
        struct wanted_rule *at;
        size_t n;
    } rules;
};

struct wanted {
    struct str namespace, name, key; /* key: "namespace/name" */
    bool deleted;                    /* the Ingress is gone: only names and selectors are set */
    struct str error;                /* an annotation was refused: nothing is done at all */
    struct str load_balancer_name;   /* and that of its security group */
    struct str old_group_name;       /* of a security group that versions before 1.1 made */
    struct ingress_annotations annotations;
    bool not_allowed; /* internet-facing, but --restrict-scheme does not list it */
    struct pairs load_balancer_tags, security_group_tags, target_group_selector;
    struct str attributes_error;
    struct pairs attributes;
    struct permissions permissions; /* of the managed security group */
    struct {
        struct wanted_target_group *at;
        size_t n;
    } target_groups;
    struct strs hosts; /* sorted, for ACM discovery */
    struct {
        struct wanted_listener *at;
        size_t n;
    } listeners;
};

/* @ingress: the document of an extensions/v1beta1 Ingress, borrowed for the call. */
struct wanted *model_build(struct arena *a, const struct settings *s, const struct objects *o,
                           const cJSON *ingress);

/* What is left to do for an Ingress that is gone. */
struct wanted *model_build_deleted(struct arena *a, const struct settings *s, struct str namespace,
                                   struct str name);

/* Whether an Ingress is ours, by its class annotation and --ingress-class. */
bool model_is_ours(const struct settings *s, const cJSON *ingress);
