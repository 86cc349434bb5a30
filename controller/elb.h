/* The calls of Elastic Load Balancing that find things, and their answers as values. */
#pragma once

#include "found.h"
#include "pass.h"

/* By name; *ret_there is false where ELB says that there is none. */
bool elb_find_load_balancer(struct pass *p, struct str name, bool *ret_there,
                            struct load_balancer *ret);
bool elb_find_target_group(struct pass *p, struct str name, bool *ret_there,
                           struct target_group *ret);

bool elb_list_listeners(struct pass *p, struct str load_balancer_arn, struct listeners *ret);
bool elb_list_rules(struct pass *p, struct str listener_arn, struct rules *ret);
bool elb_list_tags(struct pass *p, struct str arn, struct pairs *ret);

/* Certificates beside the default one. */
bool elb_list_extra_certificates(struct pass *p, struct str listener_arn, struct strs *ret);

/* Key and value pairs as they come. @action: "DescribeLoadBalancerAttributes", its parameter. */
bool elb_list_attributes(struct pass *p, const char *action, const char *parameter, struct str arn,
                         struct pairs *ret);

/* Those that are not draining. */
bool elb_list_targets(struct pass *p, struct str target_group_arn, struct targets *ret);

/* What a Create… or Modify… answered: the first of its list. */
struct load_balancer elb_read_load_balancer(struct pass *p, const struct xml_node *node);
struct target_group elb_read_target_group(const struct xml_node *node);
struct listener elb_read_listener(struct pass *p, const struct xml_node *node);

/* A call with one ARN and no answer. */
bool elb_delete(struct pass *p, const char *action, const char *parameter, struct str arn);
