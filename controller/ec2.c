/* EC2. Source: Amazon EC2 API Reference 2016-11-15; v1.1.4's internal/aws/ec2.go for which
 * filters it sends. */
#include "ec2.h"

enum {
    STATE_RUNNING = 16,
    MOST_FILTER_VALUES = 199, /* EC2 takes 200, and one is the VPC */
    DELETE_EVERY_MS = 2000,
    DELETE_TRIES = 60, /* two minutes */
};

/* --- answers ------------------------------------------------------------------------------ */

static struct ip_ranges read_ranges(struct pass *p, const struct xml_node *list, const char *name)
{
    struct ip_ranges ranges = {0};

    XML_EACH(node, list, "item")
    *LIST_ADD(p->a, &ranges) =
        (struct ip_range){xml_text_at(node, name), xml_text_at(node, "description")};
    return ranges;
}

static struct permissions read_permissions(struct pass *p, const struct xml_node *list)
{
    struct permissions all = {0};

    XML_EACH(node, list, "item")
    {
        struct permission one = {
            .protocol = xml_text_at(node, "ipProtocol"),
            .has_ports = xml_at(node, "fromPort") != NULL,
            .from = xml_int_at(node, "fromPort", 0),
            .to = xml_int_at(node, "toPort", 0),
            .ranges = read_ranges(p, xml_at(node, "ipRanges"), "cidrIp"),
            .v6_ranges = read_ranges(p, xml_at(node, "ipv6Ranges"), "cidrIpv6"),
        };

        XML_EACH(group, xml_at(node, "groups"), "item")
        *LIST_ADD(p->a, &one.groups) =
            (struct group_pair){xml_text_at(group, "groupId"), xml_text_at(group, "userId")};
        *LIST_ADD(p->a, &all) = one;
    }
    return all;
}

static void collect_groups(struct pass *p, const struct xml_node *answer, void *into)
{
    struct security_groups *all = into;

    XML_EACH(node, xml_at(answer, "securityGroupInfo"), "item")
    {
        struct security_group group = {
            .id = xml_text_at(node, "groupId"),
            .name = xml_text_at(node, "groupName"),
            .description = xml_text_at(node, "groupDescription"),
            .permissions = read_permissions(p, xml_at(node, "ipPermissions")),
        };

        XML_EACH(tag, xml_at(node, "tagSet"), "item")
        pairs_put(p->a, &group.tags, xml_text_at(tag, "key"), xml_text_at(tag, "value"));
        *LIST_ADD(p->a, all) = group;
    }
}

static void collect_subnets(struct pass *p, const struct xml_node *answer, void *into)
{
    struct subnets *all = into;

    XML_EACH(node, xml_at(answer, "subnetSet"), "item")
    *LIST_ADD(p->a, all) =
        (struct subnet){xml_text_at(node, "subnetId"), xml_text_at(node, "availabilityZone")};
}

static void add_interface(struct pass *p, struct network_interfaces *all,
                          const struct xml_node *node)
{
    struct strs groups = {0};

    XML_EACH(group, xml_at(node, "groupSet"), "item")
    strs_add(p->a, &groups, xml_text_at(group, "groupId"));
    *LIST_ADD(p->a, all) = (struct network_interface){xml_text_at(node, "networkInterfaceId"),
                                                      strs_set(p->a, &groups)};
}

static void collect_interfaces(struct pass *p, const struct xml_node *answer, void *into)
{
    XML_EACH(node, xml_at(answer, "networkInterfaceSet"), "item")
    add_interface(p, into, node);
}

/* --- subnets and groups --------------------------------------------------------------------- */

bool ec2_list_subnets(struct pass *p, const char *filter, const struct strs *values,
                      struct subnets *ret)
{
    struct query q = {.a = p->a};

    *ret = (struct subnets){0};
    query_filter(&q, 1, filter, values);
    query_filter_one(&q, 2, "vpc-id", p->settings->vpc_id);
    return pass_pages(p, AWS_EC2, "DescribeSubnets", &q, collect_subnets, ret, NULL);
}

bool ec2_list_groups(struct pass *p, const char *filter, const struct strs *values,
                     struct security_groups *ret)
{
    struct query q = {.a = p->a};

    *ret = (struct security_groups){0};
    query_filter(&q, 1, filter, values);
    query_filter_one(&q, 2, "vpc-id", p->settings->vpc_id);
    return pass_pages(p, AWS_EC2, "DescribeSecurityGroups", &q, collect_groups, ret, NULL);
}

bool ec2_list_groups_by_id(struct pass *p, const struct strs *ids, struct security_groups *ret)
{
    struct query q = {.a = p->a};

    *ret = (struct security_groups){0};
    query_strs(&q, "GroupId", ids);
    query_filter_one(&q, 1, "vpc-id", p->settings->vpc_id);
    return pass_pages(p, AWS_EC2, "DescribeSecurityGroups", &q, collect_groups, ret, NULL);
}

bool ec2_find_group(struct pass *p, struct str name, bool *ret_there, struct security_group *ret)
{
    struct query q = {.a = p->a};
    struct security_groups groups = {0};

    query_filter_one(&q, 1, "vpc-id", p->settings->vpc_id);
    query_filter_one(&q, 2, "group-name", name);
    if (!pass_pages(p, AWS_EC2, "DescribeSecurityGroups", &q, collect_groups, &groups, NULL))
        return false;
    *ret_there = groups.n > 0;
    if (groups.n > 0)
        *ret = groups.at[0];
    return true;
}

bool ec2_change_permissions(struct pass *p, const char *action, struct str group,
                            const struct permissions *permissions)
{
    CLEANUP(aws_answer_free) struct aws_answer answer;
    struct query q = {.a = p->a};

    query_str(&q, "GroupId", group);
    query_permissions(&q, permissions);
    return pass_query(p, AWS_EC2, action, &q, &answer);
}

bool ec2_delete_group(struct pass *p, struct str id)
{
    struct query q = {.a = p->a};

    query_str(&q, "GroupId", id);
    for (unsigned i = 0; i < DELETE_TRIES; i++) {
        CLEANUP(aws_answer_free) struct aws_answer answer;

        if (pass_query(p, AWS_EC2, "DeleteSecurityGroup", &q, &answer))
            return true;
        if (!str_is(answer.code, "DependencyViolation"))
            return false;
        if (!blocking_http_sleep(p->waiting, DELETE_EVERY_MS))
            break;
    }
    return pass_fail(p, "timed out waiting for the condition");
}

/* --- interfaces and instances ----------------------------------------------------------------- */

struct primary {
    struct network_interfaces *all;
    bool lacking; /* an instance without an interface of index 0 */
};

static void collect_primary(struct pass *p, const struct xml_node *answer, void *into)
{
    struct primary *into_primary = into;

    XML_EACH(reservation, xml_at(answer, "reservationSet"), "item")
    XML_EACH(instance, xml_at(reservation, "instancesSet"), "item")
    {
        const struct xml_node *first = NULL;

        XML_EACH(node, xml_at(instance, "networkInterfaceSet"), "item")
        if (first == NULL && xml_int_at(node, "attachment.deviceIndex", 0) == 0)
            first = node;
        if (first == NULL)
            into_primary->lacking = true;
        else
            add_interface(p, into_primary->all, first);
    }
}

bool ec2_list_primary_interfaces(struct pass *p, const struct strs *instances,
                                 struct network_interfaces *ret)
{
    struct query q = {.a = p->a};
    struct primary into = {ret, false};

    *ret = (struct network_interfaces){0};
    query_strs(&q, "InstanceId", instances);
    if (!pass_pages(p, AWS_EC2, "DescribeInstances", &q, collect_primary, &into, NULL))
        return pass_because(p, "failed to get instance targets: ");
    if (into.lacking)
        return pass_fail(p, "[this should never happen] no primary ENI found");
    return true;
}

bool ec2_list_interfaces_by_address(struct pass *p, const struct strs *addresses,
                                    struct network_interfaces *ret)
{
    *ret = (struct network_interfaces){0};
    for (size_t i = 0; i < addresses->n; i += MOST_FILTER_VALUES) {
        size_t n = addresses->n - i < MOST_FILTER_VALUES ? addresses->n - i : MOST_FILTER_VALUES;
        struct strs some = {addresses->at + i, n};
        struct query q = {.a = p->a};

        query_filter_one(&q, 1, "vpc-id", p->settings->vpc_id);
        query_filter(&q, 2, "addresses.private-ip-address", &some);
        if (!pass_pages(p, AWS_EC2, "DescribeNetworkInterfaces", &q, collect_interfaces, ret, NULL))
            return false;
    }
    return true;
}

bool ec2_list_interfaces_by_group(struct pass *p, struct str group, struct network_interfaces *ret)
{
    struct query q = {.a = p->a};

    *ret = (struct network_interfaces){0};
    query_filter_one(&q, 1, "group-id", group);
    return pass_pages(p, AWS_EC2, "DescribeNetworkInterfaces", &q, collect_interfaces, ret, NULL);
}

bool ec2_is_running(struct pass *p, struct str instance, bool *ret_running)
{
    CLEANUP(aws_answer_free) struct aws_answer answer;
    struct query q = {.a = p->a};

    query_str(&q, "InstanceId.1", instance);
    if (!pass_query(p, AWS_EC2, "DescribeInstanceStatus", &q, &answer))
        return pass_because(p, "Unable to DescribeInstanceStatus on %.*s: ", STR_ARG(instance));
    *ret_running = false;
    XML_EACH(node, xml_at(answer.xml, "instanceStatusSet"), "item")
    if (str_eq(xml_text_at(node, "instanceId"), instance))
        *ret_running = xml_int_at(node, "instanceState.code", -1) == STATE_RUNNING;
    return true;
}

static void collect_blocks(struct pass *p, const struct xml_node *answer, void *into)
{
    XML_EACH(vpc, xml_at(answer, "vpcSet"), "item")
    XML_EACH(block, xml_at(vpc, "cidrBlockAssociationSet"), "item")
    strs_add(p->a, into, xml_text_at(block, "cidrBlock"));
}

bool ec2_list_vpc_blocks(struct pass *p, struct strs *ret_cidrs)
{
    CLEANUP(aws_answer_free) struct aws_answer answer;
    struct query q = {.a = p->a};
    size_t vpcs = 0;

    *ret_cidrs = (struct strs){0};
    query_str(&q, "VpcId.1", p->settings->vpc_id);
    if (!pass_query(p, AWS_EC2, "DescribeVpcs", &q, &answer))
        return false;
    XML_EACH(vpc, xml_at(answer.xml, "vpcSet"), "item")
    vpcs++;
    if (vpcs != 1)
        return pass_fail(p, "Invalid amount of VPCs %zu returned for %.*s", vpcs,
                         STR_ARG(p->settings->vpc_id));
    collect_blocks(p, answer.xml, ret_cidrs);
    return true;
}
