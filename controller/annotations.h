/* What the annotations of an Ingress and of a Service say. A table of rows and one walker; pure. */
#pragma once

#include "action.h"
#include "base/json.h"
#include "settings.h"
#include "values.h"

/* The part that both an Ingress and a Service may say, about a target group. */
struct service_annotations {
    struct str target_type, backend_protocol, success_codes;
    int64_t healthy_count, unhealthy_count;
    struct str health_path, health_port, health_protocol;
    int64_t health_interval, health_timeout; /* seconds */
    struct pairs attributes;                 /* in the order written, keys may repeat */
};

struct listen_port {
    int64_t port;
    struct str protocol; /* HTTP, HTTPS */
};

struct named_action {
    struct str name;
    struct action action;
};

struct ingress_annotations {
    struct service_annotations service;
    struct str scheme, ip_address_type;
    struct str web_acl; /* at == NULL: none */
    struct {
        struct listen_port *at;
        size_t n;
    } ports;
    struct pairs attributes; /* in the order written */
    struct strs security_groups, subnets;
    struct strs cidrs, v6_cidrs;
    struct pairs tags;
    struct {
        struct named_action *at;
        size_t n;
    } actions;
    struct str ssl_policy;
    struct strs certificates;
};

/* @annotations: the object of metadata.annotations, NULL for none; texts are copied to @a.
 * False with the reason in *ret_error (in @a) when one of them is refused. */
bool annotations_read_ingress(struct arena *a, const struct settings *s, const cJSON *annotations,
                              struct ingress_annotations *ret, struct str *ret_error);
bool annotations_read_service(struct arena *a, const struct settings *s, const cJSON *annotations,
                              struct service_annotations *ret, struct str *ret_error);

/* What holds for a backend: the Service's values where they differ from the defaults, else the
 * Ingress's. */
struct service_annotations annotations_merge(const struct settings *s,
                                             const struct service_annotations *service,
                                             const struct service_annotations *ingress);

/* The value of annotation @name (without prefix) in the first of two objects (each may be NULL)
 * that has it; at == NULL when neither has. Borrowed from the objects. */
struct str annotations_find(struct arena *a, const struct settings *s, const char *name,
                            const cJSON *first, const cJSON *second);
