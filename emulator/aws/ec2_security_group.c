/* Security groups. Source: Amazon EC2 API Reference, CreateSecurityGroup, DeleteSecurityGroup;
 * reference sections 5.4, 5.5. */
#include "aws/ec2.h"

#include "schema/shape_access.h"
#include "store/ec2_group.h"

enum { LONGEST_NAME = 255, MOST_GROUPS_OF_INTERFACE = 5 };

/* --- the view -------------------------------------------------------------------------------- */

static int list_groups(struct call *c, struct str id, void **ret_first)
{
    return security_group_list(c->store, c->arena, c->account, c->region, id,
                               (struct security_group **)ret_first);
}

static bool same_traffic(const struct security_group_rule *a, const struct security_group_rule *b)
{
    return a->egress == b->egress && str_eq(a->protocol, b->protocol) &&
           a->from_port == b->from_port && a->to_port == b->to_port;
}

/* Adds a rule's peer to the permission of its protocol and ports. */
static void add_peer(struct call *c, struct ec2_ip_permission *p,
                     const struct security_group_rule *rule)
{
    struct str description = rule->description;

    if (rule->cidr.n > 0)
        p->ip_ranges.at[p->ip_ranges.n++] = (struct ec2_ip_range){description, rule->cidr};
    else if (rule->cidr6.n > 0)
        p->ipv6_ranges.at[p->ipv6_ranges.n++] = (struct ec2_ipv6_range){description, rule->cidr6};
    else if (rule->prefix_list.n > 0)
        p->prefix_list_ids.at[p->prefix_list_ids.n++] =
            (struct ec2_prefix_list_id){description, rule->prefix_list};
    else
        p->user_id_group_pairs.at[p->user_id_group_pairs.n++] = (struct ec2_user_id_group_pair){
            .description = description,
            .user_id = rule->peer_account.n > 0 ? rule->peer_account : c->account,
            .group_id = rule->peer_group,
        };
}

/* Clients compare absent ports as absent. */
static bool shows_ports(struct str protocol)
{
    return str_is(protocol, "tcp") || str_is(protocol, "udp") || str_is(protocol, "icmp") ||
           str_is(protocol, "icmpv6");
}

/* The rules of one direction, those of equal protocol and ports together, in order of the first. */
static struct ec2_ip_permission *
permissions(struct call *c, const struct security_group_rule *first, bool egress, size_t *ret_n)
{
    size_t most = 0, n = 0;
    struct ec2_ip_permission *all;
    const struct security_group_rule **heads;

    for (const struct security_group_rule *r = first; r != NULL; r = r->next)
        most++;
    all = arena_array(c->arena, most > 0 ? most : 1, sizeof *all);
    heads = arena_array(c->arena, most > 0 ? most : 1, sizeof *heads);
    for (const struct security_group_rule *r = first; r != NULL; r = r->next) {
        size_t i = 0;

        if (r->egress != egress)
            continue;
        while (i < n && !same_traffic(heads[i], r))
            i++;
        if (i == n) {
            heads[n++] = r;
            all[i].ip_protocol = r->protocol;
            if (shows_ports(r->protocol)) {
                all[i].from_port = OPT_INT(r->from_port);
                all[i].to_port = OPT_INT(r->to_port);
            }
            all[i].user_id_group_pairs.at =
                arena_array(c->arena, most, sizeof(struct ec2_user_id_group_pair));
            all[i].ip_ranges.at = arena_array(c->arena, most, sizeof(struct ec2_ip_range));
            all[i].ipv6_ranges.at = arena_array(c->arena, most, sizeof(struct ec2_ipv6_range));
            all[i].prefix_list_ids.at =
                arena_array(c->arena, most, sizeof(struct ec2_prefix_list_id));
        }
        add_peer(c, &all[i], r);
    }
    *ret_n = n;
    return all;
}

static int show_group(struct call *c, const void *row, void *view)
{
    const struct security_group *g = row;
    struct ec2_security_group *v = view;
    struct security_group_rule *rules = NULL;
    int r = security_group_rule_list(c->store, c->arena, g->id, &rules);

    v->group_id = g->id;
    v->group_name = g->name;
    v->description = ec2_shown(g->description);
    v->owner_id = g->account;
    v->vpc_id = g->vpc;
    v->security_group_arn = ec2_arn(c, "security-group", g->id);
    v->ip_permissions.at = permissions(c, rules, false, &v->ip_permissions.n);
    v->ip_permissions_egress.at = permissions(c, rules, true, &v->ip_permissions_egress.n);
    v->tags.at = ec2_tags(c, "security-group", g->id, &v->tags.n, &r);
    return r;
}

static const struct ec2_filter_row group_filters[] = {
    {"description",                         "groupDescription"                              },
    {"group-id",                            "groupId"                                       },
    {"group-name",                          "groupName"                                     },
    {"owner-id",                            "ownerId"                                       },
    {"vpc-id",                              "vpcId"                                         },
    {"ip-permission.cidr",                  "ipPermissions.ipRanges.cidrIp"                 },
    {"ip-permission.from-port",             "ipPermissions.fromPort"                        },
    {"ip-permission.group-id",              "ipPermissions.groups.groupId"                  },
    {"ip-permission.group-name",            "ipPermissions.groups.groupName"                },
    {"ip-permission.ipv6-cidr",             "ipPermissions.ipv6Ranges.cidrIpv6"             },
    {"ip-permission.prefix-list-id",        "ipPermissions.prefixListIds.prefixListId"      },
    {"ip-permission.protocol",              "ipPermissions.ipProtocol"                      },
    {"ip-permission.to-port",               "ipPermissions.toPort"                          },
    {"ip-permission.user-id",               "ipPermissions.groups.userId"                   },
    {"egress.ip-permission.cidr",           "ipPermissionsEgress.ipRanges.cidrIp"           },
    {"egress.ip-permission.from-port",      "ipPermissionsEgress.fromPort"                  },
    {"egress.ip-permission.group-id",       "ipPermissionsEgress.groups.groupId"            },
    {"egress.ip-permission.group-name",     "ipPermissionsEgress.groups.groupName"          },
    {"egress.ip-permission.ipv6-cidr",      "ipPermissionsEgress.ipv6Ranges.cidrIpv6"       },
    {"egress.ip-permission.prefix-list-id", "ipPermissionsEgress.prefixListIds.prefixListId"},
    {"egress.ip-permission.protocol",       "ipPermissionsEgress.ipProtocol"                },
    {"egress.ip-permission.to-port",        "ipPermissionsEgress.toPort"                    },
    {"egress.ip-permission.user-id",        "ipPermissionsEgress.groups.userId"             },
};

const struct ec2_kind ec2_security_group_kind = {
    .type = "security-group",
    .prefix = "sg",
    .missing = "InvalidGroup.NotFound",
    .malformed = "InvalidGroupId.Malformed",
    .noun = "security group",
    .ids = "GroupId",
    .view = &ec2_security_group_shape,
    EC2_FILTERS(group_filters),
    .list = list_groups,
    .show = show_group,
};

/* --- for other files ------------------------------------------------------------------------- */

struct ec2_group_identifier *ec2_groups_of(struct call *c, struct str interface, size_t *ret_n,
                                           int *ret_error)
{
    struct interface_group *first = NULL;
    struct ec2_group_identifier *all;
    size_t n = 0;
    int r = interface_group_list(c->store, c->arena, interface, &first);

    for (const struct interface_group *g = first; g != NULL; g = g->next)
        n++;
    all = arena_array(c->arena, n > 0 ? n : 1, sizeof *all);
    n = 0;
    for (const struct interface_group *g = first; r == 0 && g != NULL; g = g->next) {
        struct security_group *group = NULL;

        r = security_group_list(c->store, c->arena, c->account, c->region, g->group_id, &group);
        if (group != NULL)
            all[n++] = (struct ec2_group_identifier){group->id, group->name};
    }
    if (r < 0)
        *ret_error = r;
    *ret_n = n;
    return all;
}

/* The VPC's group of that name, or NULL. Names differ in more than case. */
static int find_by_name(struct call *c, struct str vpc, struct str name,
                        struct security_group **ret_group)
{
    struct security_group *g = NULL;
    int r = security_group_list(c->store, c->arena, c->account, c->region, (struct str){0}, &g);

    for (; r == 0 && g != NULL; g = g->next)
        if (str_eq(g->vpc, vpc) && str_ieq(g->name, name)) {
            *ret_group = g;
            break;
        }
    return r;
}

bool ec2_groups_hold(struct call *c, const struct str_list *ids, struct str vpc,
                     struct str_list *ret_ids, struct done *ret_done)
{
    struct security_group *standard = NULL;
    int r;

    *ret_ids = *ids;
    if (ids->n > MOST_GROUPS_OF_INTERFACE)
        return ec2_refuse(c, ret_done, "SecurityGroupsPerInterfaceLimitExceeded",
                          "The maximum number of security groups per interface has been reached.");
    for (size_t i = 0; i < ids->n; i++) {
        struct security_group *g;

        if (!ec2_need(c, &ec2_security_group_kind, ids->at[i], &g, ret_done))
            return false;
        if (!str_eq(g->vpc, vpc))
            return ec2_refuse(c, ret_done, "InvalidParameter",
                              "Security group %.*s and subnet belong to different networks.",
                              STR_ARG(g->id));
    }
    if (ids->n > 0)
        return true;
    r = find_by_name(c, vpc, S("default"), &standard);
    if (r < 0)
        return ec2_failed(c, r, ret_done);
    *ret_ids = (struct str_list){arena_alloc(c->arena, sizeof(struct str)), standard != NULL};
    if (standard != NULL)
        ret_ids->at[0] = standard->id;
    return true;
}

/* --- the operations -------------------------------------------------------------------------- */

/* The VPC that is asked for, else the default one. */
static bool choose_vpc(struct call *c, struct str id, struct str *ret_vpc, struct done *ret_done)
{
    struct vpc *v = NULL;
    int r;

    if (id.n > 0) {
        *ret_vpc = id;
        return ec2_need(c, &ec2_vpc_kind, id, &v, ret_done);
    }
    r = ec2_need_region(c);
    if (r == 0)
        r = vpc_list(c->store, c->arena, c->account, c->region, (struct str){0}, &v);
    if (r < 0)
        return ec2_failed(c, r, ret_done);
    while (v != NULL && !v->is_default)
        v = v->next;
    if (v == NULL)
        return ec2_refuse(c, ret_done, "VPCIdNotSpecified", "No default VPC for this user");
    *ret_vpc = v->id;
    return true;
}

static bool is_allowed_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.at[i];
        bool word =
            (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');

        if (!word && strchr(". _-:/()#,@[]+=&;{}!$*", ch) == NULL)
            return false;
    }
    return true;
}

static bool names_hold(struct call *c, const struct ec2_create_security_group_request *in,
                       struct str name, struct done *ret_done)
{
    if (name.n == 0)
        return ec2_refuse(c, ret_done, "MissingParameter",
                          "The request must contain the parameter GroupName");
    if (name.n > LONGEST_NAME || !is_allowed_text(name))
        return ec2_refuse(c, ret_done, "InvalidParameterValue",
                          "Value (%.*s) for parameter GroupName is invalid. Character sets beyond "
                          "ASCII are not supported.",
                          STR_ARG(str_first(in->group_name, LONGEST_NAME)));
    if (str_starts(name, S("sg-")))
        return ec2_refuse(c, ret_done, "InvalidParameterValue",
                          "Value (%.*s) for parameter GroupName is invalid. Group names may not be "
                          "in the format sg-*.",
                          STR_ARG(name));
    if (str_ieq(name, S("default")))
        return ec2_refuse(c, ret_done, "InvalidParameterValue",
                          "Cannot use reserved security group name: default");
    if (in->description.n == 0)
        return ec2_refuse(c, ret_done, "MissingParameter",
                          "The request must contain the parameter GroupDescription");
    if (in->description.n > LONGEST_NAME || !is_allowed_text(in->description))
        return ec2_refuse(c, ret_done, "InvalidParameterValue",
                          "Value (%.*s) for parameter GroupDescription is invalid. Character sets "
                          "beyond ASCII are not supported.",
                          STR_ARG(str_first(in->description, LONGEST_NAME)));
    return true;
}

struct done ec2_create_security_group(struct call *c, const void *input)
{
    const struct ec2_create_security_group_request *in = input;
    struct security_group *old = NULL, g = {.account = c->account,
                                            .region = c->region,
                                            .name = str_trim(in->group_name),
                                            .description = in->description};
    struct ec2_create_security_group_result out = {0};
    struct done done;
    int r;

    if (!names_hold(c, in, g.name, &done) || !choose_vpc(c, in->vpc_id, &g.vpc, &done))
        return done;
    r = find_by_name(c, g.vpc, g.name, &old);
    if (r < 0)
        return call_fail(c, r);
    if (old != NULL)
        return ec2_fault(c, "InvalidGroup.Duplicate",
                         "The security group '%.*s' already exists for VPC '%.*s'", STR_ARG(g.name),
                         STR_ARG(g.vpc));
    r = security_group_make(c->store, c->arena, &g, false);
    if (r < 0)
        return call_fail(c, r);
    if (!ec2_tag_new(c, in->tag_specifications.at, in->tag_specifications.n, "security-group", g.id,
                     &done))
        return done;
    out.group_id = g.id;
    out.security_group_arn = ec2_arn(c, "security-group", g.id);
    out.tags.at = ec2_tags(c, "security-group", g.id, &out.tags.n, &r);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

bool ec2_need_group(struct call *c, struct str id, struct str name,
                    struct security_group **ret_group, struct done *ret_done)
{
    struct str vpc;
    int r;

    if (id.n > 0)
        return ec2_need(c, &ec2_security_group_kind, id, ret_group, ret_done);
    if (name.n == 0)
        return ec2_refuse(c, ret_done, "MissingParameter",
                          "The request must contain the parameter GroupName or GroupId");
    if (!choose_vpc(c, (struct str){0}, &vpc, ret_done))
        return false;
    r = find_by_name(c, vpc, name, ret_group);
    if (r < 0)
        return ec2_failed(c, r, ret_done);
    return *ret_group != NULL ||
           ec2_refuse(c, ret_done, "InvalidGroup.NotFound",
                      "The security group '%.*s' does not exist in default VPC '%.*s'",
                      STR_ARG(name), STR_ARG(vpc));
}

struct done ec2_delete_security_group(struct call *c, const void *input)
{
    const struct ec2_delete_security_group_request *in = input;
    struct ec2_delete_security_group_result out = {.return_ = OPT_BOOL(true)};
    struct security_group *g = NULL;
    bool used = false;
    struct done done;
    int r;

    if (!ec2_need_group(c, in->group_id, in->group_name, &g, &done))
        return done;
    if (str_is(g->name, "default"))
        return ec2_fault(c, "CannotDelete",
                         "the specified group: \"%.*s\" name: \"default\" cannot be deleted by a "
                         "user",
                         STR_ARG(g->id));
    r = security_group_in_use(c->store, c->arena, g->id, &used);
    if (r == 0 && used)
        return ec2_fault(c, "DependencyViolation", "resource %.*s has a dependent object",
                         STR_ARG(g->id));
    if (r == 0)
        r = security_group_delete(c->store, g->id);
    if (r == 0)
        r = ec2_untag(c, "security-group", g->id);
    out.group_id = g->id;
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

/* Names stand for groups of the default VPC. */
struct done ec2_describe_security_groups(struct call *c, const void *input)
{
    struct ec2_describe_security_groups_request in =
        *(const struct ec2_describe_security_groups_request *)input;
    struct str_list ids = {
        arena_array(c->arena, in.group_ids.n + in.group_names.n + 1, sizeof(struct str)), 0};
    struct done done;

    for (size_t i = 0; i < in.group_ids.n; i++)
        ids.at[ids.n++] = in.group_ids.at[i];
    for (size_t i = 0; i < in.group_names.n; i++) {
        struct security_group *g = NULL;

        if (!ec2_need_group(c, (struct str){0}, in.group_names.at[i], &g, &done))
            return done;
        ids.at[ids.n++] = g->id;
    }
    if (ids.n > 0)
        in.group_ids = ids;
    return ec2_describe(c, &in, &ec2_security_group_kind);
}
