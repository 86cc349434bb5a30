/* What the files of the elbv2 service share.
 *
 * A step of a handler returns 0, a negative error of the store, or ELB_REFUSED after it has said
 * why (elb_refuse); so steps chain as those of the store do, and elb_answer makes of the result
 * what the dispatcher wants. Texts of what is shown live in the call's arena. */
#pragma once

#include "aws/service.h"
#include "schema/aws/elbv2.h"
#include "store/ec2.h"
#include "store/elbv2.h"
#include "store/tag.h"
#include "store/trust_store.h"

enum { ELB_REFUSED = 1 };

/* A column's text as a member: absent where it is empty. */
static inline struct str elb_some(struct str s)
{
    return s.n > 0 ? s : (struct str){0};
}

/* A column's text as a member that is there even where it is empty. */
static inline struct str elb_text(struct str s)
{
    return s.n > 0 ? s : S("");
}

/* Names the modelled error of the answer. ELB_REFUSED. */
int elb_refuse(struct call *c, const struct fault *fault, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The answer after the last step: @output when @r is 0. */
struct done elb_answer(struct call *c, int r, const void *output);

/* --- names and ARNs (elbv2_names.c) --------------------------------------------------------- */

/* What an ARN of ours may name. */
enum elb_kind { ELB_BALANCER, ELB_GROUP, ELB_LISTENER, ELB_RULE, ELB_TRUST_STORE };

/* Of this call's account and region, and well formed. */
bool elb_arn_is(struct call *c, struct str arn, enum elb_kind kind);

/* Refuses an ARN that is none of that kind: "'x' is not a valid load balancer ARN". */
int elb_check_arn(struct call *c, struct str arn, enum elb_kind kind);

/* "app", "net" or "gwy". */
const char *elb_type_word(struct str type);

/* The id at the end of an ARN. */
struct str elb_arn_id(struct str arn);

/* "loadbalancer/app/web/0123456789abcdef" -> "app/web/0123456789abcdef". */
struct str elb_arn_path(struct str arn);

/* The ARN of a load balancer's new listener, and of a listener's new rule. */
struct str elb_new_listener_arn(struct call *c, struct str balancer_arn);
struct str elb_new_rule_arn(struct call *c, struct str listener_arn);

/* Names of load balancers, target groups and trust stores; @what as AWS calls it. */
int elb_check_name(struct call *c, const char *what, struct str name);

/* The DNS name of a new load balancer, and the Route 53 zone that it is in. */
struct str elb_new_dns_name(struct call *c, const struct load_balancer *lb);
struct str elb_hosted_zone(struct str region, struct str type);

/* The one of that ARN, or a refusal in AWS's words. */
int elb_need_balancer(struct call *c, struct str arn, struct load_balancer **ret);
int elb_need_group(struct call *c, struct str arn, struct target_group **ret);
int elb_need_listener(struct call *c, struct str arn, struct listener **ret);
int elb_need_rule(struct call *c, struct str arn, struct listener_rule **ret);

/* --- lists (elbv2_list.c) ------------------------------------------------------------------- */

/* A place in a list that a marker stands for; what Marker and PageSize of a request say. */
int elb_read_page(struct call *c, struct str marker, struct opt_int size, struct elbv2_page *ret);
struct str elb_marker(struct call *c, int64_t place);

/* Cuts a list in memory of @n elements to its page: *ret_from, *ret_n, and the marker of the next
 * one (absent at the end). */
int elb_page_list(struct call *c, struct str marker, struct opt_int size, size_t n,
                  size_t *ret_from, size_t *ret_n, struct str *ret_next);

/* Lists of the API's structures as JSON text, and back; in the call's arena. */
struct str elb_write_list(struct call *c, const struct shape *of, const void *at, size_t n);
void *elb_read_list(struct call *c, const struct shape *of, struct str json, size_t *ret_n);

/* How many elements a list of rows has. */
#define ELB_COUNT(n, list)                                            \
    for (__typeof__(list) at_ = (list); at_ != NULL; at_ = at_->next) \
    (n)++

bool elb_lists_equal(const struct str *a, size_t a_n, const struct str *b, size_t b_n);
bool elb_has(const struct str *list, size_t n, struct str s);
/* One of "a|b|c". */
bool elb_is_word(struct str word, const char *words);

/* --- limits (elbv2_limit.c) ----------------------------------------------------------------- */

/* The limit of that name: what the world's settings say, else the default; INT64_MAX where the
 * default is only told, not held. */
int64_t elb_limit(struct call *c, const char *name);

/* Refuses to go on when @n is more than the limit; the text is the model's own. */
int elb_check_limit(struct call *c, const char *name, int64_t n, const struct fault *fault);

/* --- tags (elbv2_tag.c) --------------------------------------------------------------------- */

/* The tags that a creation brings. */
int elb_check_tags(struct call *c, const struct elbv2_tag *tags, size_t n);
int elb_put_tags(struct call *c, struct str arn, const struct elbv2_tag *tags, size_t n);

/* Whether one of our resources has this ARN; *ret_error is a negative error of the store. */
/* Forgets the tags of a listener and of its rules. */
int elb_remove_listener_tags(struct call *c, struct str listener_arn);

bool elb_resource_exists(struct call *c, struct str arn, int *ret_error);

/* --- networks (elbv2_network.c) ------------------------------------------------------------- */

/* Where a load balancer is to be: checked against the VPC. */
struct elb_place {
    struct str vpc;
    struct load_balancer_zone *zones;
    struct subnet **subnets; /* in the zones' order */
    size_t n;
};

/* The subnets that a request names, one way or the other. @lb has type and scheme. */
int elb_read_place(struct call *c, const struct load_balancer *lb, const struct str_list *subnets,
                   const struct elbv2_subnet_mapping *mappings, size_t mapping_count,
                   struct elb_place *ret);

/* Security groups of @vpc; the VPC's default one for an ALB that names none. */
int elb_read_security_groups(struct call *c, const struct load_balancer *lb,
                             const struct str_list *wanted, struct str_list *ret);

/* Makes, keeps and drops interfaces so that there is one in each subnet, all in @groups. */
int elb_sync_interfaces(struct call *c, const struct load_balancer *lb,
                        const struct elb_place *place, const struct str_list *groups);
int elb_delete_interfaces(struct call *c, struct str arn);

/* --- what is shown -------------------------------------------------------------------------- */

int elb_show_zones(struct call *c, const struct load_balancer *lb,
                   struct elbv2_availability_zone **ret_at, size_t *ret_n);
int elb_show_balancer(struct call *c, const struct load_balancer *lb,
                      struct elbv2_load_balancer *ret);
int elb_show_group(struct call *c, const struct target_group *g, struct elbv2_target_group *ret);
int elb_show_listener(struct call *c, const struct listener *l, struct elbv2_listener *ret);
int elb_show_rule(struct call *c, const struct listener_rule *rule, struct elbv2_rule *ret);

/* --- attributes (elbv2_attribute.c) ---------------------------------------------------------- */

/* The value of a load balancer's or target group's attribute; empty where it was never set. */
int elb_attribute(struct call *c, struct str arn, const char *key, struct str *ret_value);

/* --- actions, conditions, transforms --------------------------------------------------------- */

/* Actions of a listener or a rule, checked and filled in. */
struct elb_actions {
    struct elbv2_action *at;
    size_t n;
    struct str json;
    struct str *groups; /* what they forward to, each once */
    size_t group_count;
};

/* What actions are judged by. */
struct elb_action_place {
    const struct load_balancer *lb;
    struct str protocol;         /* of the listener */
    struct elbv2_action *before; /* of a rule that is modified: their secrets stay */
    size_t before_count;
};

/* Kept actions as they are shown: all but their secrets. */
struct elbv2_action *elb_show_actions(struct call *c, struct str json, size_t *ret_n);

int elb_read_actions(struct call *c, const struct elb_action_place *place,
                     const struct elbv2_action *at, size_t n, struct elb_actions *ret);

/* Whether a regular expression is one that ELB takes: no look-around, back-references and the
 * like. */
bool elb_regex_is_valid(struct call *c, struct str pattern);

/* Conditions, checked; as they are kept. */
int elb_read_conditions(struct call *c, const struct elbv2_rule_condition *at, size_t n,
                        struct str *ret_json);
int elb_read_transforms(struct call *c, const struct elbv2_rule_transform *at, size_t n,
                        struct str *ret_json);

/* --- trust stores --------------------------------------------------------------------------- */

int elb_need_trust_store(struct call *c, struct str arn, struct trust_store **ret);

/* An object of S3: a file of the folder that stands for it. *ret_text is absent (at == NULL) where
 * there is none. */
int elb_read_object(struct call *c, struct str bucket, struct str key, struct str *ret_text);

/* --- listeners (elbv2_listener.c, elbv2_certificate.c, elbv2_ssl_policy.c) ------------------- */

/* Refuses a certificate that is none or may not be used. */
int elb_check_certificate(struct call *c, struct str arn);

bool elb_is_ssl_policy(struct str name);

/* The load balancer of a listener. */
int elb_balancer_of(struct call *c, const struct listener *l, struct load_balancer **ret);

/* --- operations ------------------------------------------------------------------------------ */

/* Every handler, by file. */
#define ELB_HANDLERS(X)                                                                            \
    X(create_load_balancer)                                                                        \
    X(delete_load_balancer)                                                                        \
    X(describe_load_balancers)                                                                     \
    X(set_subnets)                                                                                 \
    X(set_security_groups) X(set_ip_address_type) X(modify_ip_pools) X(                            \
        describe_load_balancer_attributes) X(modify_load_balancer_attributes)                      \
        X(describe_target_group_attributes) X(modify_target_group_attributes) X(                   \
            describe_listener_attributes) X(modify_listener_attributes) X(create_target_group)     \
            X(modify_target_group) X(delete_target_group) X(describe_target_groups) X(             \
                register_targets) X(deregister_targets) X(describe_target_health)                  \
                X(create_listener) X(modify_listener) X(delete_listener) X(describe_listeners) X(  \
                    add_listener_certificates) X(remove_listener_certificates)                     \
                    X(describe_listener_certificates) X(create_rule) X(modify_rule) X(delete_rule) \
                        X(describe_rules) X(set_rule_priorities) X(add_tags) X(remove_tags)        \
                            X(describe_tags) X(describe_ssl_policies) X(describe_account_limits)   \
                                X(create_trust_store) X(modify_trust_store) X(delete_trust_store)  \
                                    X(describe_trust_stores) X(describe_trust_store_associations)  \
                                        X(delete_shared_trust_store_association)                   \
                                            X(add_trust_store_revocations)                         \
                                                X(remove_trust_store_revocations)                  \
                                                    X(describe_trust_store_revocations)            \
                                                        X(get_trust_store_ca_certificates_bundle)  \
                                                            X(get_trust_store_revocation_content)  \
                                                                X(get_resource_policy) X(          \
                                                                    describe_capacity_reservation) \
                                                                    X(modify_capacity_reservation)

#define ELB_DECLARE(name) struct done elb_##name(struct call *c, const void *input);
ELB_HANDLERS(ELB_DECLARE)
