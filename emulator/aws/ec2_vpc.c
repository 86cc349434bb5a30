/* VPCs: made with what AWS gives each (a main route table, a default group), and gone only when
 * nothing of theirs is left. Source: Amazon VPC User Guide; Amazon EC2 API Reference, CreateVpc,
 * DeleteVpc, ModifyVpcAttribute, AssociateVpcCidrBlock. */
#include "aws/ec2.h"

#include "aws/cidr.h"
#include "store/ec2_group.h"

enum { LARGEST_BLOCK = 16, SMALLEST_BLOCK = 28, MOST_BLOCKS = 5 };

/* --- the view -------------------------------------------------------------------------------- */

static int list_vpcs(struct call *c, struct str id, void **ret_first)
{
    return vpc_list(c->store, c->arena, c->account, c->region, id, (struct vpc **)ret_first);
}

static struct ec2_vpc_cidr_block_association association(struct call *c, const struct vpc_cidr *b,
                                                         const char *state)
{
    struct ec2_vpc_cidr_block_state *s = arena_alloc(c->arena, sizeof *s);

    s->state = str_c(state);
    return (struct ec2_vpc_cidr_block_association){b->id, b->cidr, s};
}

static int show_vpc(struct call *c, const void *row, void *view)
{
    const struct vpc *vpc = row;
    struct ec2_vpc *v = view;
    struct vpc_cidr *first = NULL;
    size_t n = 0;
    int r = vpc_cidr_list(c->store, c->arena, vpc->id, &first);

    if (vpc->settings.n > 0)
        *v = *(const struct ec2_vpc *)document_read(c->arena, &ec2_vpc_shape, vpc->settings);
    v->vpc_id = vpc->id;
    v->state = S("available");
    v->cidr_block = vpc->cidr;
    v->dhcp_options_id = vpc->dhcp_options;
    if (v->instance_tenancy.n == 0)
        v->instance_tenancy = S("default");
    v->is_default = OPT_BOOL(vpc->is_default);
    v->owner_id = vpc->account;
    for (const struct vpc_cidr *b = first; b != NULL; b = b->next)
        n++;
    v->cidr_block_association_set.at =
        arena_array(c->arena, n + 1, sizeof *v->cidr_block_association_set.at);
    for (const struct vpc_cidr *b = first; b != NULL; b = b->next)
        v->cidr_block_association_set.at[v->cidr_block_association_set.n++] =
            association(c, b, "associated");
    v->tags.at = ec2_tags(c, "vpc", vpc->id, &v->tags.n, &r);
    return r;
}

static const struct ec2_filter_row vpc_filters[] = {
    {"cidr",                                  "cidrBlock"                                   },
    {"cidr-block",                            "cidrBlock"                                   },
    {"cidrBlock",                             "cidrBlock"                                   },
    {"cidr-block-association.association-id", "cidrBlockAssociationSet.associationId"       },
    {"cidr-block-association.cidr-block",     "cidrBlockAssociationSet.cidrBlock"           },
    {"cidr-block-association.state",          "cidrBlockAssociationSet.cidrBlockState.state"},
    {"dhcp-options-id",                       "dhcpOptionsId"                               },
    {"isDefault",                             "isDefault"                                   },
    {"is-default",                            "isDefault"                                   },
    {"owner-id",                              "ownerId"                                     },
    {"state",                                 "state"                                       },
    {"vpc-id",                                "vpcId"                                       },
};

const struct ec2_kind ec2_vpc_kind = {
    .type = "vpc",
    .prefix = "vpc",
    .missing = "InvalidVpcID.NotFound",
    .noun = "vpc ID",
    .ids = "VpcId",
    .view = &ec2_vpc_shape,
    EC2_FILTERS(vpc_filters),
    .list = list_vpcs,
    .show = show_vpc,
};

struct done ec2_describe_vpcs(struct call *c, const void *input)
{
    return ec2_describe(c, input, &ec2_vpc_kind);
}

/* --- attributes ------------------------------------------------------------------------------ */

static const struct ec2_attribute_boolean_value *truth(struct call *c, bool value)
{
    struct ec2_attribute_boolean_value *v = arena_alloc(c->arena, sizeof *v);

    v->value = OPT_BOOL(value);
    return v;
}

struct done ec2_describe_vpc_attribute(struct call *c, const void *input)
{
    const struct ec2_describe_vpc_attribute_request *in = input;
    struct ec2_describe_vpc_attribute_result out = {.vpc_id = in->vpc_id};
    struct vpc *vpc;
    struct done done;

    if (!ec2_need(c, &ec2_vpc_kind, in->vpc_id, &vpc, &done))
        return done;
    if (str_is(in->attribute, "enableDnsSupport"))
        out.enable_dns_support = truth(c, vpc->dns_support);
    else if (str_is(in->attribute, "enableDnsHostnames"))
        out.enable_dns_hostnames = truth(c, vpc->dns_hostnames);
    else if (str_is(in->attribute, "enableNetworkAddressUsageMetrics"))
        out.enable_network_address_usage_metrics = truth(c, vpc->usage_metrics);
    else
        return ec2_fault(c, "InvalidParameterValue",
                         "Value (%.*s) for parameter attribute is invalid. Unknown attribute.",
                         STR_ARG(in->attribute));
    return call_reply(c, &out);
}

struct done ec2_modify_vpc_attribute(struct call *c, const void *input)
{
    const struct ec2_modify_vpc_attribute_request *in = input;
    struct vpc *vpc;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_vpc_kind, in->vpc_id, &vpc, &done))
        return done;
    if ((in->enable_dns_hostnames != NULL) + (in->enable_dns_support != NULL) +
            (in->enable_network_address_usage_metrics != NULL) >
        1)
        return ec2_fault(c, "InvalidParameterCombination",
                         "Fields for multiple attribute types specified");
    if (in->enable_dns_hostnames != NULL)
        vpc->dns_hostnames = in->enable_dns_hostnames->value.v;
    if (in->enable_dns_support != NULL)
        vpc->dns_support = in->enable_dns_support->value.v;
    if (in->enable_network_address_usage_metrics != NULL)
        vpc->usage_metrics = in->enable_network_address_usage_metrics->value.v;
    r = vpc_update(c->store, vpc);
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}

/* --- making ---------------------------------------------------------------------------------- */

/* The region's options: one set for all VPCs that choose none. */
static int default_options(struct call *c, struct str *ret_id)
{
    struct vpc *first = NULL;
    int r = vpc_list(c->store, c->arena, c->account, c->region, (struct str){0}, &first);

    *ret_id = first != NULL ? first->dhcp_options : ec2_id(c, "dopt");
    return r;
}

int ec2_make_vpc(struct call *c, struct vpc *vpc)
{
    struct vpc_cidr block = {.id = ec2_id(c, "vpc-cidr-assoc"), .vpc = vpc->id, .cidr = vpc->cidr};
    struct route_table table = {.id = ec2_id(c, "rtb"),
                                .account = c->account,
                                .region = c->region,
                                .vpc = vpc->id,
                                .main = true};
    struct vpc_route local = {
        .route_table = table.id, .destination = vpc->cidr, .target = S("local")};
    struct route_association main = {.id = ec2_id(c, "rtbassoc"), .route_table = table.id};
    struct security_group group = {.account = c->account,
                                   .region = c->region,
                                   .vpc = vpc->id,
                                   .name = S("default"),
                                   .description = S("default VPC security group")};
    int r = default_options(c, &vpc->dhcp_options);

    if (r == 0)
        r = ec2_insert(c->store, &vpc_table, vpc, vpc->id);
    if (r == 0)
        r = ec2_insert(c->store, &vpc_cidr_table, &block, vpc->id);
    if (r == 0)
        r = ec2_insert(c->store, &route_table_table, &table, table.id);
    if (r == 0)
        r = ec2_insert(c->store, &vpc_route_table, &local, table.id);
    if (r == 0)
        r = ec2_insert(c->store, &route_association_table, &main, table.id);
    return r < 0 ? r : security_group_make(c->store, c->arena, &group, true);
}

bool ec2_block_holds(struct call *c, struct str given, const char *range_code,
                     struct str *ret_block, struct done *ret_done)
{
    uint32_t base;
    int bits;

    if (given.n == 0)
        return ec2_refuse(c, ret_done, "MissingParameter",
                          "The request must contain the parameter cidrBlock");
    if (!cidr_parse(given, &base, &bits))
        return ec2_refuse(c, ret_done, "InvalidParameterValue",
                          "Value (%.*s) for parameter cidrBlock is invalid. This is not a valid "
                          "CIDR block.",
                          STR_ARG(given));
    if (bits < LARGEST_BLOCK || bits > SMALLEST_BLOCK)
        return ec2_refuse(c, ret_done, range_code, "The CIDR '%.*s' is invalid.", STR_ARG(given));
    return cidr_canonical(c->arena, given, ret_block);
}

static struct done reply_vpc(struct call *c, const struct vpc *vpc, const char *state)
{
    struct ec2_create_vpc_result out = {0};
    struct ec2_vpc *view;
    struct done done;

    view = ec2_view_of(c, &ec2_vpc_kind, vpc, &done);
    if (view == NULL)
        return done;
    view->state = str_c(state);
    out.vpc = view;
    return call_reply(c, &out);
}

struct done ec2_create_vpc(struct call *c, const void *input)
{
    const struct ec2_create_vpc_request *in = input;
    struct ec2_vpc kept = {.instance_tenancy = in->instance_tenancy};
    struct vpc vpc = {.id = ec2_id(c, "vpc"),
                      .account = c->account,
                      .region = c->region,
                      .dns_support = true,
                      .settings = document_write(c->arena, &ec2_vpc_shape, &kept)};
    struct done done;
    int r;

    if (in->instance_tenancy.n > 0 && !str_is(in->instance_tenancy, "default") &&
        !str_is(in->instance_tenancy, "dedicated"))
        return ec2_fault(c, "InvalidParameterValue",
                         "Value (%.*s) for parameter instanceTenancy is invalid. Allowed values "
                         "are [default, dedicated]",
                         STR_ARG(in->instance_tenancy));
    if (!ec2_block_holds(c, in->cidr_block, "InvalidVpc.Range", &vpc.cidr, &done))
        return done;
    r = ec2_make_vpc(c, &vpc);
    if (r < 0)
        return call_fail(c, r);
    if (!ec2_tag_new(c, in->tag_specifications.at, in->tag_specifications.n, "vpc", vpc.id, &done))
        return done;
    return reply_vpc(c, &vpc, "pending");
}

struct done ec2_create_default_vpc(struct call *c, const void *input UNUSED)
{
    struct vpc *first = NULL;
    struct str id;
    int r = vpc_list(c->store, c->arena, c->account, c->region, (struct str){0}, &first);

    for (; r == 0 && first != NULL; first = first->next)
        if (first->is_default)
            return ec2_fault(c, "DefaultVpcAlreadyExists",
                             "A Default VPC already exists for this account in this region.");
    if (r == 0)
        r = ec2_make_default_vpc(c, &id);
    if (r == 0)
        r = vpc_list(c->store, c->arena, c->account, c->region, id, &first);
    return r < 0 ? call_fail(c, r) : reply_vpc(c, first, "pending");
}

/* --- deleting -------------------------------------------------------------------------------- */

/* What a VPC must not have any more, besides what it was made with. */
static int count_dependents(struct call *c, struct str id, bool *ret_some)
{
    static const char *const kinds[] = {"natgateway", "vpc-endpoint", "network-acl",
                                        "egress-only-internet-gateway"};
    struct subnet *subnet = NULL;
    struct gateway *gateway = NULL;
    struct route_table *table = NULL;
    struct security_group *group = NULL;
    struct ec2_item *item = NULL;
    int r = subnet_list_of_vpc(c->store, c->arena, id, &subnet);

    *ret_some = subnet != NULL;
    if (r == 0)
        r = gateway_list(c->store, c->arena, c->account, c->region, (struct str){0}, &gateway);
    for (; gateway != NULL; gateway = gateway->next)
        *ret_some = *ret_some || str_eq(gateway->vpc, id);
    if (r == 0)
        r = route_table_list(c->store, c->arena, c->account, c->region, (struct str){0}, &table);
    for (; table != NULL; table = table->next)
        *ret_some = *ret_some || (str_eq(table->vpc, id) && !table->main);
    if (r == 0)
        r = security_group_list(c->store, c->arena, c->account, c->region, (struct str){0}, &group);
    for (; group != NULL; group = group->next)
        *ret_some = *ret_some || (str_eq(group->vpc, id) && !str_is(group->name, "default"));
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(kinds); i++, item = NULL) {
        r = ec2_item_list_of_vpc(c->store, c->arena, kinds[i], id, &item);
        for (; item != NULL; item = item->next)
            *ret_some = *ret_some || !ec2_item_is_gone(item);
    }
    return r;
}

/* What goes with the VPC: the group and the route table that it was made with. */
static int delete_own(struct call *c, struct str id)
{
    struct route_table *table = NULL;
    struct security_group *group = NULL;
    int r = route_table_list(c->store, c->arena, c->account, c->region, (struct str){0}, &table);

    for (; r == 0 && table != NULL; table = table->next)
        if (str_eq(table->vpc, id))
            r = route_table_delete(c->store, table->id);
    if (r == 0)
        r = security_group_list(c->store, c->arena, c->account, c->region, (struct str){0}, &group);
    for (; r == 0 && group != NULL; group = group->next)
        if (str_eq(group->vpc, id))
            r = security_group_delete(c->store, group->id);
    return r;
}

struct done ec2_delete_vpc(struct call *c, const void *input)
{
    const struct ec2_delete_vpc_request *in = input;
    struct vpc *vpc;
    bool some = false;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_vpc_kind, in->vpc_id, &vpc, &done))
        return done;
    r = count_dependents(c, vpc->id, &some);
    if (r == 0 && some)
        return ec2_fault(c, "DependencyViolation",
                         "The vpc '%.*s' has dependencies and cannot be deleted.",
                         STR_ARG(vpc->id));
    if (r == 0)
        r = delete_own(c, vpc->id);
    if (r == 0)
        r = vpc_delete(c->store, vpc->id);
    if (r == 0)
        r = ec2_untag(c, "vpc", vpc->id);
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}

/* --- more blocks ----------------------------------------------------------------------------- */

/* Every route table of the VPC has a local route for each block. */
static int set_local_routes(struct call *c, struct str vpc, struct str cidr, bool on)
{
    struct route_table *table = NULL;
    int r = route_table_list(c->store, c->arena, c->account, c->region, (struct str){0}, &table);

    for (; r == 0 && table != NULL; table = table->next) {
        struct vpc_route local = {
            .route_table = table->id, .destination = cidr, .target = S("local")};

        if (!str_eq(table->vpc, vpc))
            continue;
        r = on ? ec2_insert(c->store, &vpc_route_table, &local, table->id)
               : route_delete(c->store, table->id, cidr);
    }
    return r;
}

struct done ec2_associate_vpc_cidr_block(struct call *c, const void *input)
{
    const struct ec2_associate_vpc_cidr_block_request *in = input;
    struct vpc_cidr *first = NULL, block = {.id = ec2_id(c, "vpc-cidr-assoc"), .vpc = in->vpc_id};
    struct ec2_associate_vpc_cidr_block_result out = {.vpc_id = in->vpc_id};
    struct ec2_vpc_cidr_block_association view;
    struct vpc *vpc;
    struct done done;
    size_t n = 0;
    int r;

    if (!ec2_need(c, &ec2_vpc_kind, in->vpc_id, &vpc, &done) ||
        !ec2_block_holds(c, in->cidr_block, "InvalidVpc.Range", &block.cidr, &done))
        return done;
    r = vpc_cidr_list(c->store, c->arena, vpc->id, &first);
    for (; r == 0 && first != NULL; first = first->next, n++)
        if (cidr_overlaps(first->cidr, block.cidr))
            return ec2_fault(c, "InvalidVpc.Range",
                             "The CIDR '%.*s' conflicts with another block of the VPC",
                             STR_ARG(in->cidr_block));
    if (r == 0 && n >= MOST_BLOCKS)
        return ec2_fault(c, "CidrLimitExceeded",
                         "This network '%.*s' has met its maximum number of allowed CIDRs: %d",
                         STR_ARG(vpc->id), MOST_BLOCKS);
    if (r == 0)
        r = ec2_insert(c->store, &vpc_cidr_table, &block, vpc->id);
    if (r == 0)
        r = set_local_routes(c, vpc->id, block.cidr, true);
    view = association(c, &block, "associating");
    out.cidr_block_association = &view;
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

struct done ec2_disassociate_vpc_cidr_block(struct call *c, const void *input)
{
    const struct ec2_disassociate_vpc_cidr_block_request *in = input;
    struct ec2_disassociate_vpc_cidr_block_result out = {0};
    struct ec2_vpc_cidr_block_association view;
    struct vpc_cidr *found = NULL;
    struct subnet *subnet = NULL;
    struct vpc *vpc = NULL;
    int r = vpc_list(c->store, c->arena, c->account, c->region, (struct str){0}, &vpc);

    for (; r == 0 && vpc != NULL && found == NULL; vpc = found == NULL ? vpc->next : vpc) {
        r = vpc_cidr_list(c->store, c->arena, vpc->id, &found);
        while (found != NULL && !str_eq(found->id, in->association_id))
            found = found->next;
        if (found != NULL)
            break;
    }
    if (r < 0)
        return call_fail(c, r);
    if (found == NULL)
        return ec2_fault(c, "InvalidVpcCidrBlockAssociationID.NotFound",
                         "The vpc CIDR block association ID '%.*s' does not exist",
                         STR_ARG(in->association_id));
    if (str_eq(found->cidr, vpc->cidr))
        return ec2_fault(c, "OperationNotPermitted",
                         "The vpc CIDR block with association ID %.*s may not be disassociated. It "
                         "is the primary IPv4 CIDR block of the VPC",
                         STR_ARG(found->id));
    r = subnet_list_of_vpc(c->store, c->arena, vpc->id, &subnet);
    for (; r == 0 && subnet != NULL; subnet = subnet->next)
        if (cidr_overlaps(subnet->cidr, found->cidr))
            return ec2_fault(c, "DependencyViolation",
                             "The vpc CIDR block with association ID %.*s has dependencies and "
                             "cannot be disassociated.",
                             STR_ARG(found->id));
    if (r == 0)
        r = vpc_cidr_delete(c->store, found->id);
    if (r == 0)
        r = set_local_routes(c, vpc->id, found->cidr, false);
    view = association(c, found, "disassociating");
    out.cidr_block_association = &view;
    out.vpc_id = vpc->id;
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}
