/* Where load balancers are: subnets, security groups, and the interfaces that hold their addresses.
 * Source: ELB API Reference 2015-12-01, CreateLoadBalancer, SetSubnets, SetSecurityGroups;
 * Application Load Balancers User Guide, "Subnets for your load balancer". */
#include "aws/elbv2.h"

#include <errno.h>

#include "base/macros.h"
#include "store/ec2_address.h"

enum { LEAST_FREE = 8 };

static bool is_application(const struct load_balancer *lb)
{
    return str_is(lb->type, "application");
}

static bool is_internet_facing(const struct load_balancer *lb)
{
    return str_is(lb->scheme, "internet-facing");
}

/* --- subnets --------------------------------------------------------------------------------- */

/* What the two ways of naming subnets come to. */
static int read_names(struct call *c, const struct load_balancer *lb,
                      const struct str_list *subnets, const struct elbv2_subnet_mapping *mappings,
                      size_t mapping_count, struct elb_place *ret)
{
    if (subnets->n > 0 && mapping_count > 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Subnets and subnet mappings cannot be specified at the same time");
    if (subnets->n + mapping_count == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "%s",
                          is_application(lb) ? "At least two subnets in two different Availability "
                                               "Zones must be specified"
                                             : "At least one subnet must be specified");
    ret->zones = arena_array(c->arena, subnets->n + mapping_count, sizeof *ret->zones);
    ret->subnets = arena_array(c->arena, subnets->n + mapping_count, sizeof *ret->subnets);
    for (size_t i = 0; i < subnets->n; i++)
        ret->zones[ret->n++].subnet = subnets->at[i];
    for (size_t i = 0; i < mapping_count; i++) {
        const struct elbv2_subnet_mapping *m = &mappings[i];

        if (m->subnet_id.n == 0)
            return elb_refuse(c, &AWS_VALIDATION_ERROR, "A subnet ID must be specified");
        if (is_application(lb) && m->allocation_id.n > 0)
            return elb_refuse(
                c, &elbv2_invalid_configuration_request_exception,
                "Elastic IP addresses are not supported for load balancers with type '%.*s'",
                STR_ARG(lb->type));
        if (is_internet_facing(lb) && m->private_i_pv4_address.n > 0)
            return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                              "Private IPv4 addresses are only supported for internal load "
                              "balancers");
        ret->zones[ret->n++] = (struct load_balancer_zone){
            .subnet = m->subnet_id,
            .allocation = m->allocation_id,
            .private_address = m->private_i_pv4_address,
            .ipv6_address = m->i_pv6_address,
            .source_nat_prefix = m->source_nat_ipv6_prefix,
        };
    }
    return 0;
}

static int find_subnets(struct call *c, struct elb_place *place)
{
    for (size_t i = 0; i < place->n; i++) {
        struct subnet *subnet = NULL;
        int r =
            subnet_list(c->store, c->arena, c->account, c->region, place->zones[i].subnet, &subnet);

        if (r < 0)
            return r;
        if (subnet == NULL)
            return elb_refuse(c, &elbv2_subnet_not_found_exception,
                              "The subnet ID '%.*s' does not exist",
                              STR_ARG(place->zones[i].subnet));
        place->subnets[i] = subnet;
        place->zones[i].zone = subnet->zone;
    }
    place->vpc = place->subnets[0]->vpc;
    return 0;
}

static int check_zones(struct call *c, const struct load_balancer *lb,
                       const struct elb_place *place)
{
    for (size_t i = 0; i < place->n; i++)
        if (!str_eq(place->subnets[i]->vpc, place->vpc))
            return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                              "All subnets must belong to the same VPC: '%.*s'",
                              STR_ARG(place->vpc));
    for (size_t i = 0; i < place->n; i++)
        for (size_t k = 0; k < i; k++)
            if (str_eq(place->zones[i].zone, place->zones[k].zone))
                return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                                  "A load balancer cannot be attached to multiple subnets in the "
                                  "same Availability Zone");
    if (is_application(lb) && place->n < 2)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "At least two subnets in two different Availability Zones must be "
                          "specified");
    return 0;
}

static int check_gateway(struct call *c, const struct load_balancer *lb,
                         const struct elb_place *place)
{
    struct gateway *g = NULL;
    int r;

    if (!is_internet_facing(lb))
        return 0;
    r = gateway_list(c->store, c->arena, c->account, c->region, S(""), &g);
    for (; g != NULL; g = g->next)
        if (str_eq(g->vpc, place->vpc))
            return r;
    if (r < 0)
        return r;
    return elb_refuse(c, &elbv2_invalid_subnet_exception, "VPC %.*s has no internet gateway",
                      STR_ARG(place->vpc));
}

static bool lives_in(const struct network_interface *first, struct str subnet)
{
    for (; first != NULL; first = first->next)
        if (str_eq(first->subnet, subnet))
            return true;
    return false;
}

static int check_room(struct call *c, const struct load_balancer *lb, const struct elb_place *place)
{
    struct network_interface *have = NULL;
    int r = lb->arn.n > 0 ? interface_list_by_owner(c->store, c->arena, lb->arn, &have) : 0;

    for (size_t i = 0; r == 0 && i < place->n; i++) {
        int64_t left = 0;

        if (lives_in(have, place->zones[i].subnet))
            continue;
        r = subnet_free_addresses(c->store, place->subnets[i], &left);
        if (r == 0 && left < LEAST_FREE)
            r = elb_refuse(c, &elbv2_invalid_subnet_exception,
                           "Not enough IP space available in %.*s. ELB requires at least %d free "
                           "IP addresses in each subnet.",
                           STR_ARG(place->zones[i].subnet), LEAST_FREE);
    }
    return r;
}

int elb_read_place(struct call *c, const struct load_balancer *lb, const struct str_list *subnets,
                   const struct elbv2_subnet_mapping *mappings, size_t mapping_count,
                   struct elb_place *ret)
{
    int r = read_names(c, lb, subnets, mappings, mapping_count, ret);

    if (r == 0)
        r = find_subnets(c, ret);
    if (r == 0)
        r = check_zones(c, lb, ret);
    if (r == 0)
        r = check_gateway(c, lb, ret);
    return r == 0 ? check_room(c, lb, ret) : r;
}

/* --- security groups ------------------------------------------------------------------------- */

static int find_default_group(struct call *c, struct str vpc, struct str_list *ret)
{
    struct security_group *g = NULL;
    int r = security_group_list(c->store, c->arena, c->account, c->region, S(""), &g);

    ret->at = arena_alloc(c->arena, sizeof *ret->at);
    for (; r == 0 && g != NULL && ret->n == 0; g = g->next)
        if (str_eq(g->vpc, vpc) && str_is(g->name, "default"))
            ret->at[ret->n++] = g->id;
    return r;
}

static int check_security_group(struct call *c, struct str vpc, struct str id)
{
    struct security_group *g = NULL;
    int r = security_group_list(c->store, c->arena, c->account, c->region, id, &g);

    if (r < 0)
        return r;
    if (id.n == 0 || g == NULL)
        return elb_refuse(c, &elbv2_invalid_security_group_exception,
                          "The security group '%.*s' does not exist", STR_ARG(id));
    if (!str_eq(g->vpc, vpc))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "One or more security groups are invalid");
    return 0;
}

int elb_read_security_groups(struct call *c, const struct load_balancer *lb,
                             const struct str_list *wanted, struct str_list *ret)
{
    int r = 0;

    *ret = (struct str_list){0};
    if (wanted->n > 0 && str_is(lb->type, "gateway"))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "Security groups are not supported for load balancers with type "
                          "'gateway'");
    if (wanted->n == 0)
        return is_application(lb) ? find_default_group(c, lb->vpc, ret) : 0;
    ret->at = arena_array(c->arena, wanted->n, sizeof *ret->at);
    for (size_t i = 0; r == 0 && i < wanted->n; i++) {
        r = check_security_group(c, lb->vpc, wanted->at[i]);
        if (!elb_has(ret->at, ret->n, wanted->at[i]))
            ret->at[ret->n++] = wanted->at[i];
    }
    return r;
}

/* --- interfaces ------------------------------------------------------------------------------ */

static int make_interface(struct call *c, const struct load_balancer *lb,
                          const struct load_balancer_zone *zone, const struct subnet *subnet,
                          const struct str_list *groups)
{
    struct network_interface eni = {
        .owner = lb->arn,
        .requester = S("amazon-elb"),
        .managed = true,
        .description = arena_printf(c->arena, "ELB %.*s", STR_ARG(elb_arn_path(lb->arn))),
        .type = str_is(lb->type, "network")   ? S("network_load_balancer")
                : str_is(lb->type, "gateway") ? S("gateway_load_balancer")
                                              : S("interface"),
        .attachment =
            arena_printf(c->arena, "ela-attach-%.*s", STR_ARG(ids_hex(c->ids, c->arena, 17))),
        .attachment_owner = S("amazon-elb"),
        .device_index = 1,
        .address = zone->private_address,
    };
    int r;

    if (is_internet_facing(lb))
        eni.public_address = public_address_make(c->store, c->arena);
    r = interface_make(c->store, c->arena, subnet, &eni, groups->at, groups->n);
    if (r == -EEXIST)
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "The IP address '%.*s' is already in use in subnet '%.*s'",
                          STR_ARG(zone->private_address), STR_ARG(subnet->id));
    if (r == -ENOSPC)
        return elb_refuse(c, &elbv2_invalid_subnet_exception,
                          "Not enough IP space available in %.*s. ELB requires at least %d free "
                          "IP addresses in each subnet.",
                          STR_ARG(subnet->id), LEAST_FREE);
    return r;
}

static bool wants(const struct elb_place *place, struct str subnet)
{
    for (size_t i = 0; i < place->n; i++)
        if (str_eq(place->zones[i].subnet, subnet))
            return true;
    return false;
}

int elb_sync_interfaces(struct call *c, const struct load_balancer *lb,
                        const struct elb_place *place, const struct str_list *groups)
{
    struct network_interface *have = NULL;
    int r = interface_list_by_owner(c->store, c->arena, lb->arn, &have);

    for (const struct network_interface *i = have; r == 0 && i != NULL; i = i->next)
        r = wants(place, i->subnet) ? interface_set_groups(c->store, i->id, groups->at, groups->n)
                                    : interface_delete(c->store, i->id);
    for (size_t i = 0; r == 0 && i < place->n; i++)
        if (!lives_in(have, place->zones[i].subnet))
            r = make_interface(c, lb, &place->zones[i], place->subnets[i], groups);
    return r;
}

int elb_delete_interfaces(struct call *c, struct str arn)
{
    struct network_interface *have = NULL;
    int r = interface_list_by_owner(c->store, c->arena, arn, &have);

    for (; r == 0 && have != NULL; have = have->next)
        r = interface_delete(c->store, have->id);
    return r;
}
