/* What AWS says there is. A text that was not in the answer has at == NULL, and that counts: it
 * differs from an empty one, as nil differs from "" in v1.1.4's comparisons. */
#pragma once

#include "action.h"
#include "model.h"
#include "values.h"

struct load_balancer {
    struct str arn, dns_name, scheme, ip_address_type;
    struct strs subnets, security_groups;
};

struct security_group {
    struct str id, name, description;
    struct permissions permissions;
    struct pairs tags;
};

struct security_groups {
    struct security_group *at;
    size_t n;
};

struct target_group {
    struct str arn;
    struct str health_path, health_port, health_protocol, matcher;
    int64_t health_interval, health_timeout, healthy_count, unhealthy_count; /* -1: absent */
};

struct listener {
    struct str arn, protocol, ssl_policy;
    int64_t port;
    struct strs certificates;
    bool marks_default; /* a certificate came with IsDefault, which v1.1.4 never sends */
    struct actions default_actions;
};

struct listeners {
    struct listener *at;
    size_t n;
};

struct rule {
    struct str arn, priority;
    bool is_default, is_complete; /* complete: it said whether it is the default one */
    struct conditions conditions;
    struct actions actions;
};

struct rules {
    struct rule *at;
    size_t n;
};

struct subnet {
    struct str id, zone;
};

struct subnets {
    struct subnet *at;
    size_t n;
};

/* A network interface and the security groups on it (a sorted set). */
struct network_interface {
    struct str id;
    struct strs groups;
};

struct network_interfaces {
    struct network_interface *at;
    size_t n;
};
