/* One pass over one Ingress, in a worker thread. Every step returns whether it worked; when one
 * did not, the pass has an error, and the steps above put before it what they were about. */
#pragma once

#include "aws_client.h"
#include "klog.h"
#include "model.h"

struct cert_cache;

/* An Event on the Ingress: @type "Normal" or "Warning". */
typedef void pass_event_cb(void *data, const char *type, const char *reason, struct str message);

struct pass {
    struct arena *a;
    struct aws_client *aws;          /* borrowed, as everything here */
    struct blocking_http *waiting;   /* for sleeps */
    struct cert_cache *certificates; /* what was learnt of ACM's */
    const struct settings *settings;
    bool waf; /* the feature gate is open and the region has WAF */
    const struct wanted *wanted;
    pass_event_cb *event; /* NULL where the Ingress is gone */
    void *event_data;
    struct str error;
    struct str dns_name; /* what the pass ends with */
};

/* Sets the error; always false. */
bool pass_fail(struct pass *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Puts a text before the error; always false. */
bool pass_because(struct pass *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* One line of the Ingress's log (several where the text has line ends). */
void pass_log(struct pass *p, enum klog_level level, const char *place, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
void pass_event(struct pass *p, const char *type, const char *reason, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* Calls AWS; false with the pass's error when it did not work. */
bool pass_query(struct pass *p, enum aws_service service, const char *action, const struct query *q,
                struct aws_answer *ret);

/* Fails with what the SDK would refuse to send, if there is something. */
struct validation;
bool pass_validate(struct pass *p, const struct validation *v);
bool pass_json(struct pass *p, enum aws_service service, const char *action, const cJSON *body,
               struct aws_answer *ret);

/* Calls it once for each page; @collect takes what it wants from each answer. */
typedef void pass_collect_cb(struct pass *p, const struct xml_node *answer, void *into);
bool pass_pages(struct pass *p, enum aws_service service, const char *action, const struct query *q,
                pass_collect_cb *collect, void *into, struct str *ret_code);

/* The whole: makes everything as wanted, or takes it away when the Ingress is gone. */
bool pass_run(struct pass *p);

/* --- its parts, in the order in which they come ------------------------------------------- */

/* The subnets by annotation or by tags; sorted. */
bool subnets_resolve(struct pass *p, struct strs *ret_subnets);

/* The security groups of the load balancer. */
struct group_choice {
    struct str managed;   /* the id of our own; at == NULL with external ones */
    struct strs external; /* as the annotation has them */
};
bool groups_set_up(struct pass *p, struct group_choice *ret);

struct load_balancer;
bool load_balancer_ensure(struct pass *p, const struct strs *subnets,
                          const struct group_choice *groups, struct load_balancer *ret);
bool load_balancer_set_attributes(struct pass *p, struct str arn);
bool load_balancer_set_web_acl(struct pass *p, struct str arn);

/* A wanted target group that now exists. */
struct made_target_group {
    struct str arn;
    struct str target_type;
    struct targets targets;
};

struct made_target_groups {
    struct made_target_group *at; /* as many as are wanted, in that order */
    size_t n;
};

bool target_groups_ensure(struct pass *p, struct made_target_groups *ret);

/* Deletes the Ingress's target groups that are not among @used. */
bool target_groups_collect(struct pass *p, const struct made_target_groups *used);

bool listeners_ensure(struct pass *p, struct str load_balancer_arn,
                      const struct made_target_groups *groups);
bool listeners_delete(struct pass *p, struct str load_balancer_arn);

/* Sets the groups on the load balancer and opens the nodes' groups to it. */
bool groups_associate(struct pass *p, const struct load_balancer *lb,
                      const struct group_choice *choice, const struct made_target_groups *groups);
bool groups_delete(struct pass *p);

/* Makes the tags of an ELB resource as wanted. */
bool tags_ensure(struct pass *p, struct str arn, const struct pairs *wanted);

/* The certificates for all of the Ingress's hosts, by ACM. Sorted. */
bool certificates_discover(struct pass *p, struct strs *ret_arns);
struct cert_cache *cert_cache_new(const struct clock *clock);
void cert_cache_free(struct cert_cache *c);
