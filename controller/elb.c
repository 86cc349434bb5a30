/* Elastic Load Balancing: reading. Source: ELB API Reference 2015-12-01. */
#include "elb.h"

/* --- one thing ------------------------------------------------------------------------------ */

struct load_balancer elb_read_load_balancer(struct pass *p, const struct xml_node *node)
{
    struct load_balancer lb = {
        .arn = xml_text_at(node, "LoadBalancerArn"),
        .dns_name = xml_text_at(node, "DNSName"),
        .scheme = xml_text_at(node, "Scheme"),
        .ip_address_type = xml_text_at(node, "IpAddressType"),
    };

    XML_EACH(zone, xml_at(node, "AvailabilityZones"), "member")
    strs_add(p->a, &lb.subnets, xml_text_at(zone, "SubnetId"));
    XML_EACH(group, xml_at(node, "SecurityGroups"), "member")
    strs_add(p->a, &lb.security_groups, group->text);
    return lb;
}

struct target_group elb_read_target_group(const struct xml_node *node)
{
    return (struct target_group){
        .arn = xml_text_at(node, "TargetGroupArn"),
        .health_path = xml_text_at(node, "HealthCheckPath"),
        .health_port = xml_text_at(node, "HealthCheckPort"),
        .health_protocol = xml_text_at(node, "HealthCheckProtocol"),
        .matcher = xml_text_at(node, "Matcher.HttpCode"),
        .health_interval = xml_int_at(node, "HealthCheckIntervalSeconds", -1),
        .health_timeout = xml_int_at(node, "HealthCheckTimeoutSeconds", -1),
        .healthy_count = xml_int_at(node, "HealthyThresholdCount", -1),
        .unhealthy_count = xml_int_at(node, "UnhealthyThresholdCount", -1),
    };
}

/* AuthenticationRequestExtraParams: a map that is there but empty differs from none. */
static void read_parameters(struct pass *p, const struct xml_node *node, struct action *action)
{
    static const char *const paths[] = {
        "AuthenticateOidcConfig.AuthenticationRequestExtraParams",
        "AuthenticateCognitoConfig.AuthenticationRequestExtraParams"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        const struct xml_node *map = xml_at(node, paths[i]);

        if (map == NULL)
            continue;
        action->has_parameters = true;
        XML_EACH(entry, map, "entry")
        pairs_put(p->a, &action->parameters, xml_text_at(entry, "key"),
                  xml_text_at(entry, "value"));
    }
}

static struct actions read_actions(struct pass *p, const struct xml_node *list)
{
    struct actions actions = {0};

    XML_EACH(node, list, "member")
    {
        struct action action = {0};

        for (size_t i = 0; action_member_path(i) != NULL; i++) {
            struct str value = xml_text_at(node, action_member_path(i));

            if (value.at != NULL)
                action_set(p->a, &action, action_member_path(i), value);
        }
        read_parameters(p, node, &action);
        *LIST_ADD(p->a, &actions) = action;
    }
    return actions;
}

struct listener elb_read_listener(struct pass *p, const struct xml_node *node)
{
    struct listener l = {
        .arn = xml_text_at(node, "ListenerArn"),
        .protocol = xml_text_at(node, "Protocol"),
        .ssl_policy = xml_text_at(node, "SslPolicy"),
        .port = xml_int_at(node, "Port", 0),
        .default_actions = read_actions(p, xml_at(node, "DefaultActions")),
    };

    XML_EACH(certificate, xml_at(node, "Certificates"), "member")
    {
        strs_add(p->a, &l.certificates, xml_text_at(certificate, "CertificateArn"));
        l.marks_default |= xml_at(certificate, "IsDefault") != NULL;
    }
    return l;
}

static struct conditions read_conditions(struct pass *p, const struct xml_node *list)
{
    static const char *const typed[] = {"HostHeaderConfig",  "PathPatternConfig",
                                        "HttpHeaderConfig",  "HttpRequestMethodConfig",
                                        "QueryStringConfig", "SourceIpConfig"};
    struct conditions conditions = {0};

    XML_EACH(node, list, "member")
    {
        struct condition c = {.field = xml_text_at(node, "Field")};

        XML_EACH(value, xml_at(node, "Values"), "member")
        strs_add(p->a, &c.values, value->text);
        for (size_t i = 0; i < ARRAY_LEN(typed); i++)
            c.typed |= xml_at(node, typed[i]) != NULL;
        *LIST_ADD(p->a, &conditions) = c;
    }
    return conditions;
}

/* --- finding -------------------------------------------------------------------------------- */

struct first {
    const char *list;
    const struct xml_node *node;
};

static void collect_first(struct pass *p, const struct xml_node *answer, void *into)
{
    struct first *f = into;

    (void)p;
    if (f->node == NULL)
        f->node = xml_at(xml_at(answer, f->list), "member");
}

/* Describe… by name: nothing is there where ELB says so, or where the list is empty. */
static bool find_by_name(struct pass *p, const char *action, const char *list, struct str name,
                         const char *not_found, const struct xml_node **ret_node)
{
    struct query q = {.a = p->a};
    struct first f = {list, NULL};
    struct str code = {0};
    struct strs names = {&name, 1};

    query_strs(&q, "Names.member", &names);
    if (!pass_pages(p, AWS_ELB, action, &q, collect_first, &f, &code)) {
        if (!str_is(code, not_found))
            return false;
        p->error = (struct str){0};
    }
    *ret_node = f.node;
    return true;
}

bool elb_find_load_balancer(struct pass *p, struct str name, bool *ret_there,
                            struct load_balancer *ret)
{
    const struct xml_node *node = NULL;

    if (!find_by_name(p, "DescribeLoadBalancers", "LoadBalancers", name, "LoadBalancerNotFound",
                      &node))
        return false;
    *ret_there = node != NULL;
    if (node != NULL)
        *ret = elb_read_load_balancer(p, node);
    return true;
}

bool elb_find_target_group(struct pass *p, struct str name, bool *ret_there,
                           struct target_group *ret)
{
    const struct xml_node *node = NULL;

    if (!find_by_name(p, "DescribeTargetGroups", "TargetGroups", name, "TargetGroupNotFound",
                      &node))
        return false;
    *ret_there = node != NULL;
    if (node != NULL)
        *ret = elb_read_target_group(node);
    return true;
}

/* --- lists ---------------------------------------------------------------------------------- */

static bool list(struct pass *p, const char *action, const char *parameter, struct str arn,
                 pass_collect_cb *collect, void *into)
{
    struct query q = {.a = p->a};

    query_str(&q, parameter, arn);
    return pass_pages(p, AWS_ELB, action, &q, collect, into, NULL);
}

static void collect_listeners(struct pass *p, const struct xml_node *answer, void *into)
{
    struct listeners *all = into;

    XML_EACH(node, xml_at(answer, "Listeners"), "member")
    *LIST_ADD(p->a, all) = elb_read_listener(p, node);
}

bool elb_list_listeners(struct pass *p, struct str load_balancer_arn, struct listeners *ret)
{
    *ret = (struct listeners){0};
    return list(p, "DescribeListeners", "LoadBalancerArn", load_balancer_arn, collect_listeners,
                ret);
}

static void collect_rules(struct pass *p, const struct xml_node *answer, void *into)
{
    struct rules *all = into;

    XML_EACH(node, xml_at(answer, "Rules"), "member")
    {
        struct str is_default = xml_text_at(node, "IsDefault");

        *LIST_ADD(p->a, all) = (struct rule){
            .arn = xml_text_at(node, "RuleArn"),
            .priority = xml_text_at(node, "Priority"),
            .is_default = str_is(is_default, "true"),
            .is_complete = is_default.at != NULL,
            .conditions = read_conditions(p, xml_at(node, "Conditions")),
            .actions = read_actions(p, xml_at(node, "Actions")),
        };
    }
}

bool elb_list_rules(struct pass *p, struct str listener_arn, struct rules *ret)
{
    *ret = (struct rules){0};
    return list(p, "DescribeRules", "ListenerArn", listener_arn, collect_rules, ret);
}

static void collect_tags(struct pass *p, const struct xml_node *answer, void *into)
{
    XML_EACH(description, xml_at(answer, "TagDescriptions"), "member")
    XML_EACH(tag, xml_at(description, "Tags"), "member")
    pairs_put(p->a, into, xml_text_at(tag, "Key"), xml_text_at(tag, "Value"));
}

bool elb_list_tags(struct pass *p, struct str arn, struct pairs *ret)
{
    *ret = (struct pairs){0};
    return list(p, "DescribeTags", "ResourceArns.member.1", arn, collect_tags, ret);
}

static void collect_extra_certificates(struct pass *p, const struct xml_node *answer, void *into)
{
    XML_EACH(node, xml_at(answer, "Certificates"), "member")
    if (!str_is(xml_text_at(node, "IsDefault"), "true"))
        strs_add(p->a, into, xml_text_at(node, "CertificateArn"));
}

bool elb_list_extra_certificates(struct pass *p, struct str listener_arn, struct strs *ret)
{
    *ret = (struct strs){0};
    return list(p, "DescribeListenerCertificates", "ListenerArn", listener_arn,
                collect_extra_certificates, ret);
}

static void collect_attributes(struct pass *p, const struct xml_node *answer, void *into)
{
    struct pairs *all = into;

    XML_EACH(node, xml_at(answer, "Attributes"), "member")
    *LIST_ADD(p->a, all) = (struct pair){xml_text_at(node, "Key"), xml_text_at(node, "Value")};
}

bool elb_list_attributes(struct pass *p, const char *action, const char *parameter, struct str arn,
                         struct pairs *ret)
{
    *ret = (struct pairs){0};
    return list(p, action, parameter, arn, collect_attributes, ret);
}

static void collect_targets(struct pass *p, const struct xml_node *answer, void *into)
{
    struct targets *all = into;

    XML_EACH(node, xml_at(answer, "TargetHealthDescriptions"), "member")
    if (!str_is(xml_text_at(node, "TargetHealth.State"), "draining"))
        *LIST_ADD(p->a, all) = (struct target){
            xml_text_at(node, "Target.Id"),
            xml_int_at(node, "Target.Port", 0),
            xml_text_at(node, "Target.AvailabilityZone"),
        };
}

bool elb_list_targets(struct pass *p, struct str target_group_arn, struct targets *ret)
{
    *ret = (struct targets){0};
    return list(p, "DescribeTargetHealth", "TargetGroupArn", target_group_arn, collect_targets,
                ret);
}

bool elb_delete(struct pass *p, const char *action, const char *parameter, struct str arn)
{
    CLEANUP(aws_answer_free) struct aws_answer answer;
    struct query q = {.a = p->a};

    query_str(&q, parameter, arn);
    return pass_query(p, AWS_ELB, action, &q, &answer);
}
