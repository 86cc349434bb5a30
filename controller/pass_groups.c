/* Security groups: the load balancer's own, and the nodes' that must let it in.
 * Source: aws-alb-ingress-controller v1.1.4, internal/alb/sg. */
#include "base/buf.h"
#include "diff.h"
#include "ec2.h"
#include "go_text.h"

static const char managed_description[] =
    "managed LoadBalancer securityGroup by ALB Ingress Controller";

/* --- how permissions look in the log ---------------------------------------------------------- */

static void show_ranges(struct pretty *out, const char *list, const char *name,
                        const struct ip_ranges *ranges)
{
    if (ranges->n == 0)
        return;
    pretty_member(out, str_c(list));
    pretty_open_list(out, ranges->n);
    for (size_t i = 0; i < ranges->n; i++) {
        pretty_open_struct(out);
        pretty_member(out, str_c(name));
        pretty_text(out, ranges->at[i].cidr);
        if (ranges->at[i].description.at != NULL) {
            pretty_member(out, S("Description"));
            pretty_text(out, ranges->at[i].description);
        }
        pretty_close(out);
    }
    pretty_close(out);
}

static void show_groups(struct pretty *out, const struct permission *p)
{
    if (p->groups.n == 0)
        return;
    pretty_member(out, S("UserIdGroupPairs"));
    pretty_open_list(out, p->groups.n);
    for (size_t i = 0; i < p->groups.n; i++) {
        pretty_open_struct(out);
        pretty_member(out, S("GroupId"));
        pretty_text(out, p->groups.at[i].group_id);
        if (p->groups.at[i].user_id.at != NULL) {
            pretty_member(out, S("UserId"));
            pretty_text(out, p->groups.at[i].user_id);
        }
        pretty_close(out);
    }
    pretty_close(out);
}

static struct str show_permissions(struct arena *a, const struct permissions *all)
{
    CLEANUP(buf_free) struct buf b = buf_init(1 << 20);
    struct pretty out = {.out = &b};

    pretty_open_list(&out, all->n);
    for (size_t i = 0; i < all->n; i++) {
        const struct permission *one = &all->at[i];

        pretty_open_struct(&out);
        if (one->has_ports) {
            pretty_member(&out, S("FromPort"));
            pretty_number(&out, one->from);
        }
        pretty_member(&out, S("IpProtocol"));
        pretty_text(&out, one->protocol);
        show_ranges(&out, "IpRanges", "CidrIp", &one->ranges);
        show_ranges(&out, "Ipv6Ranges", "CidrIpv6", &one->v6_ranges);
        if (one->has_ports) {
            pretty_member(&out, S("ToPort"));
            pretty_number(&out, one->to);
        }
        show_groups(&out, one);
        pretty_close(&out);
    }
    pretty_close(&out);
    return arena_str(a, buf_str(&b));
}

/* --- changes ---------------------------------------------------------------------------------- */

static bool grant_permissions(struct pass *p, const char *place, struct str group,
                              const struct permissions *permissions)
{
    struct str shown = show_permissions(p->a, permissions);

    pass_log(p, KLOG_INFO, place, "granting inbound permissions to securityGroup %.*s: %.*s",
             STR_ARG(group), STR_ARG(shown));
    if (!ec2_change_permissions(p, "AuthorizeSecurityGroupIngress", group, permissions))
        return pass_because(p, "failed to grant inbound permissions due to ");
    return true;
}

static bool revoke_permissions(struct pass *p, const char *place, struct str group,
                               const struct permissions *permissions)
{
    struct str shown = show_permissions(p->a, permissions);

    pass_log(p, KLOG_INFO, place, "revoking inbound permissions from securityGroup %.*s: %.*s",
             STR_ARG(group), STR_ARG(shown));
    if (!ec2_change_permissions(p, "RevokeSecurityGroupIngress", group, permissions))
        return pass_because(p, "failed to revoke inbound permissions due to ");
    return true;
}

static bool change_tags(struct pass *p, const char *action, const char *verb, const char *place,
                        struct str id, const struct pairs *tags)
{
    CLEANUP(aws_answer_free) struct aws_answer answer = {0};
    struct query q = {.a = p->a};
    struct str shown = pretty_map(p->a, tags);

    if (tags->n == 0)
        return true;
    pass_log(p, KLOG_INFO, place, "%s tags %.*s on %.*s", verb, STR_ARG(shown), STR_ARG(id));
    query_str(&q, "ResourceId.1", id);
    query_pairs(&q, "Tag", tags);
    if (pass_query(p, AWS_EC2, action, &q, &answer))
        return true;
    pass_event(p, "Warning", "ERROR", "error tagging %.*s due to %.*s", STR_ARG(id),
               STR_ARG(p->error));
    return pass_because(p, "failed to reconcile tags due to ");
}

/* --- the load balancer's own group ----------------------------------------------------------- */

static bool create_group(struct pass *p, struct str name, struct security_group *ret)
{
    CLEANUP(aws_answer_free) struct aws_answer answer;
    struct query q = {.a = p->a};

    pass_log(p, KLOG_INFO, "security_group.go:36", "creating securityGroup %.*s:%s", STR_ARG(name),
             managed_description);
    query_str(&q, "GroupName", name);
    query_str(&q, "GroupDescription", str_c(managed_description));
    query_str(&q, "VpcId", p->settings->vpc_id);
    if (!pass_query(p, AWS_EC2, "CreateSecurityGroup", &q, &answer))
        return false;
    *ret = (struct security_group){.id = xml_text_at(answer.xml, "groupId"), .name = name};
    return true;
}

static bool settle_group(struct pass *p, const struct security_group *group)
{
    const struct wanted *w = p->wanted;
    struct permissions surplus, missing;
    struct pairs set, remove;

    diff_tags(p->a, &group->tags, &w->security_group_tags, &set, &remove);
    if (!change_tags(p, "CreateTags", "modifying", "tags.go:69", group->id, &set) ||
        !change_tags(p, "DeleteTags", "removing", "tags.go:79", group->id, &remove))
        return false;
    surplus = diff_permissions(p->a, &group->permissions, &w->permissions);
    missing = diff_permissions(p->a, &w->permissions, &group->permissions);
    return (surplus.n == 0 || revoke_permissions(p, "security_group.go:64", group->id, &surplus)) &&
           (missing.n == 0 || grant_permissions(p, "security_group.go:75", group->id, &missing));
}

static bool ensure_managed(struct pass *p, struct str *ret_id)
{
    struct str name = p->wanted->load_balancer_name;
    struct security_group group;
    bool there;

    if (!ec2_find_group(p, name, &there, &group) || (!there && !create_group(p, name, &group)))
        return pass_because(p, "failed to reconcile LB managed SecurityGroup: failed to reconcile "
                               "managed LoadBalancer securityGroup: ");
    if (!settle_group(p, &group))
        return pass_because(p, "failed to reconcile LB managed SecurityGroup: failed to reconcile "
                               "managed LoadBalancer securityGroup due to ");
    *ret_id = group.id;
    return true;
}

/* What was asked for, as the SDK prints its filters: on several lines. */
static bool blame_filters(struct pass *p, const struct strs *names)
{
    const char *between = names->n > 3 ? ",\n    " : ",";
    struct strs quoted = {0};
    struct str list, vpc = go_quote(p->a, p->settings->vpc_id);

    for (size_t i = 0; i < names->n; i++)
        strs_add(p->a, &quoted, go_quote(p->a, names->at[i]));
    list = strs_join(p->a, &quoted, between);
    if (names->n > 3)
        list = arena_printf(p->a, "\n    %.*s\n  ", STR_ARG(list));
    return pass_because(p,
                        "unable to fetch security groups [{\n  Name: \"tag:Name\",\n  Values: "
                        "[%.*s]\n} {\n  Name: \"vpc-id\",\n  Values: [%.*s]\n}] due to ",
                        STR_ARG(list), STR_ARG(vpc));
}

/* Names are looked up by their Name tag; ids are taken as they are. */
static bool resolve_external(struct pass *p, const struct strs *given, struct strs *ret)
{
    struct strs names = {0};
    struct security_groups found;
    struct str in, out;

    for (size_t i = 0; i < given->n; i++)
        strs_add(p->a, str_starts(given->at[i], S("sg-")) ? ret : &names, given->at[i]);
    if (names.n > 0) {
        if (!ec2_list_groups(p, "tag:Name", &names, &found))
            return blame_filters(p, &names);
        for (size_t i = 0; i < found.n; i++)
            strs_add(p->a, ret, found.at[i].id);
    }
    if (ret->n == given->n)
        return true;
    in = strs_join(p->a, given, ",");
    out = strs_join(p->a, ret, ",");
    return pass_fail(p, "not all security groups were resolvable, (%.*s != %.*s)", STR_ARG(in),
                     STR_ARG(out));
}

bool groups_set_up(struct pass *p, struct group_choice *ret)
{
    const struct strs *given = &p->wanted->annotations.security_groups;

    if (given->n == 0)
        return ensure_managed(p, &ret->managed);
    if (!resolve_external(p, given, &ret->external))
        return pass_because(p, "failed to build SG association config: ");
    return true;
}

/* --- the group that versions before 1.1 put on the nodes ------------------------------------- */

static bool detach(struct pass *p, struct str group, const struct network_interface *eni)
{
    CLEANUP(aws_answer_free) struct aws_answer answer;
    struct query q = {.a = p->a};
    struct strs just = {&group, 1}, rest = strs_minus(p->a, &eni->groups, &just);

    if (rest.n == eni->groups.n)
        return true;
    pass_log(p, KLOG_INFO, "instance_attachment_v1.go:194",
             "detaching securityGroup %.*s from ENI %.*s", STR_ARG(group), STR_ARG(eni->id));
    query_str(&q, "NetworkInterfaceId", eni->id);
    query_strs(&q, "SecurityGroupId", &rest);
    return pass_query(p, AWS_EC2, "ModifyNetworkInterfaceAttribute", &q, &answer);
}

static bool delete_group(struct pass *p, const char *place, const struct security_group *group)
{
    struct str description = group->description;

    pass_log(p, KLOG_INFO, place, "deleting securityGroup %.*s:%.*s", STR_ARG(group->name),
             STR_ARG(description));
    return ec2_delete_group(p, group->id);
}

static bool delete_old_group(struct pass *p)
{
    struct security_group group;
    struct network_interfaces enis;
    bool there;

    if (!ec2_find_group(p, p->wanted->old_group_name, &there, &group))
        return false;
    if (!there)
        return true;
    if (!ec2_list_interfaces_by_group(p, group.id, &enis))
        return false;
    for (size_t i = 0; i < enis.n; i++)
        if (!detach(p, group.id, &enis.at[i]))
            return false;
    return delete_group(p, "instance_attachment_v1.go:110", &group);
}

/* --- the nodes' groups ----------------------------------------------------------------------- */

static bool find_interfaces(struct pass *p, const struct made_target_groups *groups,
                            struct network_interfaces *ret)
{
    struct strs instances = {0}, addresses = {0};
    struct network_interfaces by_address = {0};

    for (size_t i = 0; i < groups->n; i++)
        for (size_t t = 0; t < groups->at[i].targets.n; t++)
            strs_add(p->a, str_is(groups->at[i].target_type, "instance") ? &instances : &addresses,
                     groups->at[i].targets.at[t].id);
    instances = strs_set(p->a, &instances);
    addresses = strs_set(p->a, &addresses);
    if (instances.n > 0 && !ec2_list_primary_interfaces(p, &instances, ret))
        return false;
    if (addresses.n > 0 && !ec2_list_interfaces_by_address(p, &addresses, &by_address))
        return false;
    for (size_t i = 0; i < by_address.n; i++)
        *LIST_ADD(p->a, ret) = by_address.at[i];
    return true;
}

/* The one group of an interface that stands for its node: its only one, or the one that carries
 * the cluster's tag. */
static bool choose_group(struct pass *p, const struct network_interface *eni,
                         const struct security_groups *known, struct str tag, struct str *ret)
{
    size_t tagged = 0;

    if (eni->groups.n == 1) {
        *ret = eni->groups.at[0];
        return true;
    }
    for (size_t i = 0; i < known->n; i++)
        if (strs_has(&eni->groups, known->at[i].id) && pairs_get(&known->at[i].tags, tag) != NULL) {
            *ret = known->at[i].id;
            tagged++;
        }
    if (tagged == 1)
        return true;
    return pass_fail(p, "expect one securityGroup tagged with %.*s on eni %.*s, got %zu",
                     STR_ARG(tag), STR_ARG(eni->id), tagged);
}

static bool find_node_groups(struct pass *p, const struct made_target_groups *groups,
                             struct strs *ret)
{
    struct str tag = arena_printf(p->a, "kubernetes.io/cluster/%.*s",
                                  STR_ARG(p->settings->cluster_name)),
               group;
    struct network_interfaces enis = {0};
    struct security_groups known;
    struct strs ids = {0};

    if (!find_interfaces(p, groups, &enis))
        return false;
    for (size_t i = 0; i < enis.n; i++)
        for (size_t g = 0; g < enis.at[i].groups.n; g++)
            strs_add(p->a, &ids, enis.at[i].groups.at[g]);
    ids = strs_set(p->a, &ids);
    if (ids.n == 0)
        return true;
    if (!ec2_list_groups_by_id(p, &ids, &known))
        return false;
    if (ids.n != known.n)
        return pass_fail(p, "failed to describe all securityGroups, expect: %zu, got: %zu", ids.n,
                         known.n);
    for (size_t i = 0; i < enis.n; i++) {
        if (!choose_group(p, &enis.at[i], &known, tag, &group))
            return false;
        strs_add(p->a, ret, group);
    }
    *ret = strs_set(p->a, ret);
    return true;
}

static bool find_open_groups(struct pass *p, struct str load_balancer_group, struct strs *ret)
{
    struct strs one = {&load_balancer_group, 1};
    struct security_groups found;

    if (!ec2_list_groups(p, "ip-permission.group-id", &one, &found))
        return false;
    for (size_t i = 0; i < found.n; i++)
        strs_add(p->a, ret, found.at[i].id);
    *ret = strs_set(p->a, ret);
    return true;
}

/* All TCP from the load balancer's group. */
static struct permissions from_load_balancer(struct pass *p, struct str group)
{
    struct permission one = {.protocol = S("tcp"), .has_ports = true, .from = 0, .to = 65535};
    struct permissions all = {0};

    *LIST_ADD(p->a, &one.groups) = (struct group_pair){.group_id = group};
    *LIST_ADD(p->a, &all) = one;
    return all;
}

static bool open_nodes(struct pass *p, struct str load_balancer_group,
                       const struct made_target_groups *groups)
{
    struct permissions all = from_load_balancer(p, load_balancer_group);
    struct strs wanted = {0}, open = {0}, missing, surplus;

    if (!find_node_groups(p, groups, &wanted) || !find_open_groups(p, load_balancer_group, &open))
        return false;
    missing = strs_minus(p->a, &wanted, &open);
    surplus = strs_minus(p->a, &open, &wanted);
    for (size_t i = 0; i < missing.n; i++)
        if (!grant_permissions(p, "instance_attachment_v2.go:192", missing.at[i], &all))
            return false;
    for (size_t i = 0; i < surplus.n; i++)
        if (!revoke_permissions(p, "instance_attachment_v2.go:216", surplus.at[i], &all))
            return false;
    return true;
}

static bool close_nodes(struct pass *p)
{
    struct security_group group;
    struct permissions all;
    struct strs open = {0};
    bool there;

    if (!ec2_find_group(p, p->wanted->load_balancer_name, &there, &group))
        return false;
    if (!there)
        return true;
    all = from_load_balancer(p, group.id);
    if (!find_open_groups(p, group.id, &open))
        return false;
    for (size_t i = 0; i < open.n; i++)
        if (!revoke_permissions(p, "instance_attachment_v2.go:216", open.at[i], &all))
            return false;
    return true;
}

/* --- together -------------------------------------------------------------------------------- */

static bool set_on_load_balancer(struct pass *p, const struct load_balancer *lb,
                                 const struct strs *ids)
{
    CLEANUP(aws_answer_free) struct aws_answer answer = {0};
    struct strs wanted = strs_set(p->a, ids), now = strs_set(p->a, &lb->security_groups);
    struct query q = {.a = p->a};
    struct str shown = go_list(p->a, &wanted);

    if (strs_equal(&wanted, &now))
        return true;
    pass_log(p, KLOG_INFO, "lb_attachment.go:26",
             "modify securityGroup on LoadBalancer %.*s to be %.*s", STR_ARG(lb->arn),
             STR_ARG(shown));
    query_str(&q, "LoadBalancerArn", lb->arn);
    query_strs(&q, "SecurityGroups.member", &wanted);
    return pass_query(p, AWS_ELB, "SetSecurityGroups", &q, &answer);
}

bool groups_delete(struct pass *p)
{
    struct security_group group;
    bool there;

    if (!delete_old_group(p) || !close_nodes(p))
        return pass_because(p, "failed to delete instance securityGroup attachment: ");
    if (!ec2_find_group(p, p->wanted->load_balancer_name, &there, &group) ||
        (there && !delete_group(p, "association.go:230", &group)))
        return pass_because(p, "failed to delete managed LoadBalancer securityGroups due to ");
    return true;
}

bool groups_associate(struct pass *p, const struct load_balancer *lb,
                      const struct group_choice *choice, const struct made_target_groups *groups)
{
    struct strs managed = {0};

    if (choice->external.n > 0) {
        if (!set_on_load_balancer(p, lb, &choice->external))
            return pass_because(p, "failed to reconcile external LoadBalancer securityGroup "
                                   "attachment: ");
        return groups_delete(p);
    }
    strs_add(p->a, &managed, choice->managed);
    if (!set_on_load_balancer(p, lb, &managed))
        return pass_because(p,
                            "failed to reconcile managed LoadBalancer securityGroup attachment: ");
    if (!delete_old_group(p) || !open_nodes(p, choice->managed, groups))
        return pass_because(p, "failed to reconcile instance securityGroup attachment: ");
    return true;
}
