/* Load balancing: load balancers, listeners, rules, target groups and their targets. Typed rows;
 * ARNs are unique in the world. What AWS derives (a group's load balancers, a rule's groups) is a
 * query. Changes are made inside the caller's transaction and announce CHANGE_LOAD_BALANCING with
 * the ARN of what changed. Finders leave NULL where there is none. */
#pragma once

#include "store/row.h"

extern const char elbv2_schema_1[];

/* clang-format off */
#define LOAD_BALANCER_COLUMNS(X)                                                      \
    X(TEXT, arn) X(TEXT, account) X(TEXT, region) X(TEXT, name) X(TEXT, type)         \
    X(TEXT, scheme) X(TEXT, vpc) X(TEXT, dns_name) X(TEXT, hosted_zone)               \
    X(TEXT, ip_address_type) X(TEXT, state) X(INT, created)                           \
    X(TEXT, owned_pool) X(TEXT, ipam_pool) X(TEXT, source_nat) X(TEXT, private_link)
/* clang-format on */
/* type: "application" …; state: "active"; owned_pool, ipam_pool: ids or empty; source_nat,
 * private_link (whether security groups hold for it): "on", "off" or empty. */
struct load_balancer {
    struct load_balancer *next;
    ROW_FIELDS(LOAD_BALANCER_COLUMNS)
};
extern const struct row_table load_balancer_table;

/* clang-format off */
#define LOAD_BALANCER_ZONE_COLUMNS(X)                                                 \
    X(TEXT, load_balancer) X(TEXT, zone) X(TEXT, subnet) X(TEXT, allocation)          \
    X(TEXT, private_address) X(TEXT, ipv6_address) X(TEXT, source_nat_prefix)
/* clang-format on */
struct load_balancer_zone { /* the addresses are those that were asked for */
    struct load_balancer_zone *next;
    ROW_FIELDS(LOAD_BALANCER_ZONE_COLUMNS)
};
extern const struct row_table load_balancer_zone_table;

#define LOAD_BALANCER_GROUP_COLUMNS(X) X(TEXT, load_balancer) X(TEXT, group_id)
struct load_balancer_group { /* security groups, in the order given */
    struct load_balancer_group *next;
    ROW_FIELDS(LOAD_BALANCER_GROUP_COLUMNS)
};
extern const struct row_table load_balancer_group_table;

/* Attributes of load balancers, target groups and listeners; only those that were set. */
#define LB_ATTRIBUTE_COLUMNS(X) X(TEXT, arn) X(TEXT, key) X(TEXT, value)
struct lb_attribute {
    struct lb_attribute *next;
    ROW_FIELDS(LB_ATTRIBUTE_COLUMNS)
};
extern const struct row_table lb_attribute_table;

/* clang-format off */
#define LISTENER_COLUMNS(X)                                                           \
    X(TEXT, arn) X(TEXT, load_balancer) X(INT, port) X(TEXT, protocol)                \
    X(TEXT, ssl_policy) X(TEXT, alpn_policy) X(TEXT, mutual_authentication)
/* clang-format on */
struct listener { /* mutual_authentication: a JSON object or empty */
    struct listener *next;
    ROW_FIELDS(LISTENER_COLUMNS)
};
extern const struct row_table listener_table;

#define LISTENER_CERTIFICATE_COLUMNS(X) X(TEXT, listener) X(TEXT, certificate) X(FLAG, is_default)
struct listener_certificate {
    struct listener_certificate *next;
    ROW_FIELDS(LISTENER_CERTIFICATE_COLUMNS)
};
extern const struct row_table listener_certificate_table;

/* A listener's default rule has priority 0 and no conditions. Conditions, actions and transforms
 * are JSON lists of the API's own structures (RuleCondition, Action, RuleTransform) with the API's
 * member names; actions are complete, defaults filled in: a forward has its ForwardConfig, a
 * redirect all its parts. */
/* clang-format off */
#define LISTENER_RULE_COLUMNS(X)                                                      \
    X(TEXT, arn) X(TEXT, listener) X(INT, priority) X(TEXT, conditions)               \
    X(TEXT, actions) X(TEXT, transforms)
/* clang-format on */
struct listener_rule {
    struct listener_rule *next;
    ROW_FIELDS(LISTENER_RULE_COLUMNS)
};
extern const struct row_table listener_rule_table;

/* Which groups a rule forwards to; kept by the functions that write rules. */
#define RULE_FORWARD_COLUMNS(X) X(TEXT, rule) X(TEXT, target_group)
struct rule_forward {
    struct rule_forward *next;
    ROW_FIELDS(RULE_FORWARD_COLUMNS)
};
extern const struct row_table rule_forward_table;

/* clang-format off */
#define TARGET_GROUP_COLUMNS(X)                                                       \
    X(TEXT, arn) X(TEXT, account) X(TEXT, region) X(TEXT, name) X(TEXT, protocol)     \
    X(TEXT, protocol_version) X(INT, port) X(TEXT, vpc) X(TEXT, target_type)          \
    X(TEXT, ip_address_type) X(FLAG, health_enabled) X(TEXT, health_protocol)         \
    X(TEXT, health_port) X(TEXT, health_path) X(INT, health_interval)                 \
    X(INT, health_timeout) X(INT, healthy_threshold) X(INT, unhealthy_threshold)      \
    X(TEXT, http_code) X(TEXT, grpc_code) X(INT, control_port)
/* clang-format on */
struct target_group { /* intervals in seconds, as the API has them; health_port: "traffic-port" … */
    struct target_group *next;
    ROW_FIELDS(TARGET_GROUP_COLUMNS)
};
extern const struct row_table target_group_table;

/* @zone as registered ("" or "all" …). @draining_until: the world's ms at which a deregistered
 * target is forgotten; 0 while it is registered. */
/* clang-format off */
#define TARGET_COLUMNS(X)                                                             \
    X(TEXT, target_group) X(TEXT, id) X(INT, port) X(TEXT, zone) X(INT, registered)   \
    X(INT, draining_until) X(TEXT, quic_server_id)
/* clang-format on */
struct target {
    struct target *next;
    ROW_FIELDS(TARGET_COLUMNS)
};
extern const struct row_table target_table;

/* Capacity units that a load balancer has reserved. @decreases: how often they were lowered on the
 * day (since the epoch) @day. */
/* clang-format off */
#define LB_CAPACITY_COLUMNS(X)                                                        \
    X(TEXT, arn) X(INT, units) X(INT, modified) X(INT, decreases) X(INT, day)
/* clang-format on */
struct lb_capacity {
    struct lb_capacity *next;
    ROW_FIELDS(LB_CAPACITY_COLUMNS)
};
extern const struct row_table lb_capacity_table;

/* --- reading; lists in order of creation --------------------------------------------------- */

/* A page of a list: those created after the place @after (0: from the first on), @most of them. */
struct elbv2_page {
    int64_t after, most;
};
int load_balancer_page(struct store *s, struct arena *a, struct str account, struct str region,
                       const struct elbv2_page *page, struct load_balancer **ret_first);
int target_group_page(struct store *s, struct arena *a, struct str account, struct str region,
                      const struct elbv2_page *page, struct target_group **ret_first);
/* The place of one, for the page that comes after it. */
int load_balancer_place(struct store *s, struct str arn, int64_t *ret_place);
int target_group_place(struct store *s, struct str arn, int64_t *ret_place);
/* How many an account's region has; load balancers of one type. */
int load_balancer_count(struct store *s, struct str account, struct str region, struct str type,
                        int64_t *ret_count);
int target_group_count(struct store *s, struct str account, struct str region, int64_t *ret_count);

/* Of an account's region; of the whole world when both are empty. */
int load_balancer_list(struct store *s, struct arena *a, struct str account, struct str region,
                       struct load_balancer **ret_first);
int load_balancer_find(struct store *s, struct arena *a, struct str arn,
                       struct load_balancer **ret_balancer);
int load_balancer_find_by_name(struct store *s, struct arena *a, struct str account,
                               struct str region, struct str name,
                               struct load_balancer **ret_balancer);
int load_balancer_zone_list(struct store *s, struct arena *a, struct str arn,
                            struct load_balancer_zone **ret_first);
int load_balancer_group_list(struct store *s, struct arena *a, struct str arn,
                             struct load_balancer_group **ret_first);
/* Those that some rule lets forward to the group. */
int load_balancer_list_by_target_group(struct store *s, struct arena *a, struct str target_group,
                                       struct load_balancer **ret_first);
/* Load balancers with a listener that has the certificate. */
int load_balancer_list_by_certificate(struct store *s, struct arena *a, struct str certificate,
                                      struct load_balancer **ret_first);
int lb_capacity_find(struct store *s, struct arena *a, struct str arn,
                     struct lb_capacity **ret_capacity);
int lb_attribute_list(struct store *s, struct arena *a, struct str arn,
                      struct lb_attribute **ret_first);
int listener_list(struct store *s, struct arena *a, struct str load_balancer,
                  struct listener **ret_first);
int listener_find(struct store *s, struct arena *a, struct str arn, struct listener **ret_listener);
/* Listeners that verify clients against the trust store. */
int listener_list_by_trust_store(struct store *s, struct arena *a, struct str trust_store,
                                 struct listener **ret_first);
int listener_find_by_port(struct store *s, struct arena *a, struct str load_balancer, int64_t port,
                          struct listener **ret_listener);
int listener_certificate_list(struct store *s, struct arena *a, struct str listener,
                              struct listener_certificate **ret_first);
/* By priority; the default rule last. */
int listener_rule_list(struct store *s, struct arena *a, struct str listener,
                       struct listener_rule **ret_first);
int listener_rule_find(struct store *s, struct arena *a, struct str arn,
                       struct listener_rule **ret_rule);
/* The rule of a listener that has this priority (0: the default rule). */
int listener_rule_find_by_priority(struct store *s, struct arena *a, struct str listener,
                                   int64_t priority, struct listener_rule **ret_rule);
/* How many rules a load balancer has, but for the default ones. */
int listener_rule_count(struct store *s, struct str load_balancer, int64_t *ret_count);
int target_group_list(struct store *s, struct arena *a, struct str account, struct str region,
                      struct target_group **ret_first);
int target_group_find(struct store *s, struct arena *a, struct str arn,
                      struct target_group **ret_group);
int target_group_find_by_name(struct store *s, struct arena *a, struct str account,
                              struct str region, struct str name, struct target_group **ret_group);
/* Those that some rule of the load balancer forwards to. */
int target_group_list_by_load_balancer(struct store *s, struct arena *a, struct str load_balancer,
                                       struct target_group **ret_first);
/* Registered and draining ones. */
int target_list(struct store *s, struct arena *a, struct str target_group,
                struct target **ret_first);
int target_find(struct store *s, struct arena *a, struct str target_group, struct str id,
                int64_t port, struct target **ret_target);
/* How many are registered, not draining. */
int target_count(struct store *s, struct str target_group, int64_t *ret_count);
/* Everything anywhere whose draining is over at @now. */
int target_list_drained(struct store *s, struct arena *a, int64_t now, struct target **ret_first);
/* When the next draining is over; INT64_MAX when none is on. */
int target_next_drained(struct store *s, int64_t *ret_when);
/* Groups, in the whole world, that have a target of this id. */
int target_group_list_by_target(struct store *s, struct arena *a, struct str id,
                                struct target_group **ret_first);

/* --- writing ------------------------------------------------------------------------------- */

int load_balancer_insert(struct store *s, const struct load_balancer *b);
int load_balancer_update(struct store *s, const struct load_balancer *b);
/* With its zones, security groups, attributes, listeners and their rules. */
int load_balancer_delete(struct store *s, struct str arn);
int load_balancer_set_zones(struct store *s, struct str arn, const struct load_balancer_zone *zones,
                            size_t n);
int load_balancer_set_groups(struct store *s, struct str arn, const struct str *groups, size_t n);
int lb_capacity_put(struct store *s, const struct lb_capacity *capacity);
int lb_attribute_put(struct store *s, const struct lb_attribute *attribute);
int listener_insert(struct store *s, const struct listener *l);
int listener_update(struct store *s, const struct listener *l);
/* With its certificates, attributes and rules. */
int listener_delete(struct store *s, struct str arn);
int listener_certificate_put(struct store *s, const struct listener_certificate *c);
int listener_certificate_remove_all(struct store *s, struct str listener);
int listener_certificate_remove(struct store *s, struct str listener, struct str certificate);
/* @groups: the ARNs that the rule's actions forward to. */
int listener_rule_insert(struct store *s, const struct listener_rule *r, const struct str *groups,
                         size_t n);
int listener_rule_update(struct store *s, const struct listener_rule *r, const struct str *groups,
                         size_t n);
int listener_rule_set_priority(struct store *s, struct str arn, int64_t priority);
int listener_rule_delete(struct store *s, struct str arn);
int target_group_insert(struct store *s, const struct target_group *g);
int target_group_update(struct store *s, const struct target_group *g);
/* With its attributes and targets. */
int target_group_delete(struct store *s, struct str arn);
/* Registers a target, again if it was draining. */
int target_put(struct store *s, const struct target *t);
int target_remove(struct store *s, struct str target_group, struct str id, int64_t port);
