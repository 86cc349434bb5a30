/* Subnets. Source: Amazon EC2 API Reference, CreateSubnet, ModifySubnetAttribute; Amazon VPC User
 * Guide, "Subnet sizing". */
#include "aws/ec2.h"

#include "aws/cidr.h"
#include "store/ec2_address.h"

/* --- the view -------------------------------------------------------------------------------- */

static int list_subnets(struct call *c, struct str id, void **ret_first)
{
    return subnet_list(c->store, c->arena, c->account, c->region, id, (struct subnet **)ret_first);
}

static const struct ec2_private_dns_name_options_on_launch *
names_on_launch(struct call *c, const struct ec2_private_dns_name_options_on_launch *set)
{
    struct ec2_private_dns_name_options_on_launch *o = arena_alloc(c->arena, sizeof *o);

    o->hostname_type = S("ip-name");
    o->enable_resource_name_dns_a_record = OPT_BOOL(false);
    o->enable_resource_name_dns_aaaa_record = OPT_BOOL(false);
    return set != NULL ? set : o;
}

static int show_subnet(struct call *c, const void *row, void *view)
{
    const struct subnet *s = row;
    struct ec2_subnet *v = view;
    int64_t available = 0;
    int r = subnet_free_addresses(c->store, s, &available);

    if (s->settings.n > 0)
        *v = *(const struct ec2_subnet *)document_read(c->arena, &ec2_subnet_shape, s->settings);
    v->subnet_id = s->id;
    v->subnet_arn = ec2_arn(c, "subnet", s->id);
    v->state = S("available");
    v->vpc_id = s->vpc;
    v->cidr_block = s->cidr;
    v->available_ip_address_count = OPT_INT(available);
    v->availability_zone = s->zone;
    v->availability_zone_id = ec2_zone_id(c, s->zone);
    v->default_for_az = OPT_BOOL(s->default_for_az);
    v->map_public_ip_on_launch = OPT_BOOL(s->map_public);
    if (!v->assign_ipv6_address_on_creation.set)
        v->assign_ipv6_address_on_creation = OPT_BOOL(false);
    if (!v->map_customer_owned_ip_on_launch.set)
        v->map_customer_owned_ip_on_launch = OPT_BOOL(false);
    if (!v->enable_dns64.set)
        v->enable_dns64 = OPT_BOOL(false);
    v->ipv6_native = OPT_BOOL(false);
    v->private_dns_name_options_on_launch =
        names_on_launch(c, v->private_dns_name_options_on_launch);
    v->ipv6_cidr_block_association_set.at =
        arena_alloc(c->arena, sizeof *v->ipv6_cidr_block_association_set.at);
    v->owner_id = s->account;
    v->tags.at = ec2_tags(c, "subnet", s->id, &v->tags.n, &r);
    return r;
}

static const struct ec2_filter_row subnet_filters[] = {
    {"availability-zone",          "availabilityZone"       },
    {"availabilityZone",           "availabilityZone"       },
    {"availability-zone-id",       "availabilityZoneId"     },
    {"availabilityZoneId",         "availabilityZoneId"     },
    {"available-ip-address-count", "availableIpAddressCount"},
    {"cidr",                       "cidrBlock"              },
    {"cidr-block",                 "cidrBlock"              },
    {"cidrBlock",                  "cidrBlock"              },
    {"default-for-az",             "defaultForAz"           },
    {"defaultForAz",               "defaultForAz"           },
    {"enable-dns64",               "enableDns64"            },
    {"ipv6-native",                "ipv6Native"             },
    {"map-public-ip-on-launch",    "mapPublicIpOnLaunch"    },
    {"outpost-arn",                "outpostArn"             },
    {"owner-id",                   "ownerId"                },
    {"state",                      "state"                  },
    {"subnet-arn",                 "subnetArn"              },
    {"subnet-id",                  "subnetId"               },
    {"vpc-id",                     "vpcId"                  },
};

const struct ec2_kind ec2_subnet_kind = {
    .type = "subnet",
    .prefix = "subnet",
    .missing = "InvalidSubnetID.NotFound",
    .noun = "subnet ID",
    .ids = "SubnetId",
    .view = &ec2_subnet_shape,
    EC2_FILTERS(subnet_filters),
    .list = list_subnets,
    .show = show_subnet,
};

struct done ec2_describe_subnets(struct call *c, const void *input)
{
    return ec2_describe(c, input, &ec2_subnet_kind);
}

/* --- making ---------------------------------------------------------------------------------- */

/* Inside a block of the VPC, and apart from all other subnets. */
static bool place_holds(struct call *c, const struct vpc *vpc, struct str cidr, struct str given,
                        struct done *ret_done)
{
    struct vpc_cidr *block = NULL;
    struct subnet *other = NULL;
    bool inside = false;
    int r = vpc_cidr_list(c->store, c->arena, vpc->id, &block);

    for (; block != NULL; block = block->next)
        inside = inside || cidr_contains(block->cidr, cidr);
    if (r == 0)
        r = subnet_list_of_vpc(c->store, c->arena, vpc->id, &other);
    if (r < 0)
        return ec2_failed(c, r, ret_done);
    if (!inside)
        return ec2_refuse(c, ret_done, "InvalidSubnet.Range", "The CIDR '%.*s' is invalid.",
                          STR_ARG(given));
    for (; other != NULL; other = other->next)
        if (cidr_overlaps(other->cidr, cidr))
            return ec2_refuse(c, ret_done, "InvalidSubnet.Conflict",
                              "The CIDR '%.*s' conflicts with another subnet", STR_ARG(given));
    return true;
}

/* The zone by its name or its id; the region's first where none is asked for. */
static bool choose_zone(struct call *c, struct str name, struct str id, struct str *ret_zone,
                        struct done *ret_done)
{
    struct str_list zones = ec2_zones(c);

    *ret_zone = zones.at[0];
    if (name.n == 0 && id.n == 0)
        return true;
    for (size_t i = 0; i < zones.n; i++)
        if (str_eq(name, zones.at[i]) || (id.n > 0 && str_eq(id, ec2_zone_id(c, zones.at[i])))) {
            *ret_zone = zones.at[i];
            return true;
        }
    return ec2_refuse(c, ret_done, "InvalidParameterValue",
                      "Value (%.*s) for parameter availabilityZone is invalid. Subnets can "
                      "currently only be created in the following availability zones: %.*s.",
                      STR_ARG(name.n > 0 ? name : id), STR_ARG(ec2_joined(c, &zones)));
}

static struct done reply_subnet(struct call *c, const struct subnet *s)
{
    struct ec2_create_subnet_result out = {0};
    struct done done;

    out.subnet = ec2_view_of(c, &ec2_subnet_kind, s, &done);
    return out.subnet == NULL ? done : call_reply(c, &out);
}

struct done ec2_create_subnet(struct call *c, const void *input)
{
    const struct ec2_create_subnet_request *in = input;
    struct subnet s = {
        .id = ec2_id(c, "subnet"), .account = c->account, .region = c->region, .vpc = in->vpc_id};
    struct vpc *vpc;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_vpc_kind, in->vpc_id, &vpc, &done) ||
        !choose_zone(c, in->availability_zone, in->availability_zone_id, &s.zone, &done) ||
        !ec2_block_holds(c, in->cidr_block, "InvalidSubnet.Range", &s.cidr, &done) ||
        !place_holds(c, vpc, s.cidr, in->cidr_block, &done))
        return done;
    r = ec2_insert(c->store, &subnet_table, &s, s.id);
    if (r < 0)
        return call_fail(c, r);
    if (!ec2_tag_new(c, in->tag_specifications.at, in->tag_specifications.n, "subnet", s.id, &done))
        return done;
    return reply_subnet(c, &s);
}

struct done ec2_create_default_subnet(struct call *c, const void *input)
{
    const struct ec2_create_default_subnet_request *in = input;
    struct str_list zones = ec2_zones(c);
    struct subnet *have = NULL;
    struct vpc *vpc = NULL;
    struct str zone, id;
    struct done done;
    size_t i = 0;
    int r;

    if (!choose_zone(c, in->availability_zone, in->availability_zone_id, &zone, &done))
        return done;
    r = vpc_list(c->store, c->arena, c->account, c->region, (struct str){0}, &vpc);
    while (vpc != NULL && !vpc->is_default)
        vpc = vpc->next;
    if (r == 0 && vpc == NULL)
        return ec2_fault(c, "DefaultVpcDoesNotExist",
                         "No default VPC exists for this account in "
                         "this region.");
    if (r == 0)
        r = subnet_list_of_vpc(c->store, c->arena, vpc->id, &have);
    for (; r == 0 && have != NULL; have = have->next)
        if (have->default_for_az && str_eq(have->zone, zone))
            return ec2_fault(c, "DefaultSubnetAlreadyExistsInAvailabilityZone",
                             "'%.*s' is already the default subnet in %.*s.", STR_ARG(have->id),
                             STR_ARG(zone));
    while (i < zones.n && !str_eq(zones.at[i], zone))
        i++;
    if (r == 0)
        r = ec2_make_default_subnet(c, vpc->id, zone, i, &id);
    if (r == 0)
        r = subnet_list(c->store, c->arena, c->account, c->region, id, &have);
    return r < 0 ? call_fail(c, r) : reply_subnet(c, have);
}

/* --- changing and deleting ------------------------------------------------------------------- */

struct done ec2_modify_subnet_attribute(struct call *c, const void *input)
{
    const struct ec2_modify_subnet_attribute_request *in = input;
    struct ec2_private_dns_name_options_on_launch *names = arena_alloc(c->arena, sizeof *names);
    struct ec2_subnet *kept;
    struct subnet *s;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_subnet_kind, in->subnet_id, &s, &done))
        return done;
    kept = document_read(c->arena, &ec2_subnet_shape, s->settings);
    *names = *names_on_launch(c, kept->private_dns_name_options_on_launch);
    if (in->map_public_ip_on_launch != NULL)
        s->map_public = in->map_public_ip_on_launch->value.v;
    if (in->assign_ipv6_address_on_creation != NULL)
        kept->assign_ipv6_address_on_creation = in->assign_ipv6_address_on_creation->value;
    if (in->enable_dns64 != NULL)
        kept->enable_dns64 = in->enable_dns64->value;
    if (in->private_dns_hostname_type_on_launch.n > 0)
        names->hostname_type = in->private_dns_hostname_type_on_launch;
    if (in->enable_resource_name_dns_a_record_on_launch != NULL)
        names->enable_resource_name_dns_a_record =
            in->enable_resource_name_dns_a_record_on_launch->value;
    if (in->enable_resource_name_dns_aaaa_record_on_launch != NULL)
        names->enable_resource_name_dns_aaaa_record =
            in->enable_resource_name_dns_aaaa_record_on_launch->value;
    kept->private_dns_name_options_on_launch = names;
    s->settings = document_write(c->arena, &ec2_subnet_shape, kept);
    r = subnet_update(c->store, s);
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}

struct done ec2_delete_subnet(struct call *c, const void *input)
{
    const struct ec2_delete_subnet_request *in = input;
    struct private_address *used = NULL;
    struct subnet *s;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_subnet_kind, in->subnet_id, &s, &done))
        return done;
    r = private_address_list_of_subnet(c->store, c->arena, s->id, &used);
    if (r == 0 && used != NULL)
        return ec2_fault(c, "DependencyViolation",
                         "The subnet '%.*s' has dependencies and cannot be deleted.",
                         STR_ARG(s->id));
    if (r == 0)
        r = subnet_delete(c->store, s->id);
    if (r == 0)
        r = ec2_untag(c, "subnet", s->id);
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}
