/* Load balancers: creation, deletion, what is shown of them, and what SetSubnets and its like
 * change.
 * Source: ELB API Reference 2015-12-01.
 * DIFFERS: a new load balancer is provisioning in the answer that made it and active from then on.
 */
#include "aws/elbv2.h"

#include "aws/aws.h"
#include "base/macros.h"

/* --- showing --------------------------------------------------------------------------------- */

/* The static addresses of a network load balancer; application ones have none to show. */
static void show_address(struct call *c, const struct load_balancer *lb,
                         const struct load_balancer_zone *zone, struct elbv2_availability_zone *ret)
{
    struct elbv2_load_balancer_address *at = arena_alloc(c->arena, sizeof *at);

    ret->load_balancer_addresses.at = at;
    if (!str_is(lb->type, "network") ||
        zone->allocation.n + zone->private_address.n + zone->ipv6_address.n == 0)
        return;
    at->allocation_id = elb_some(zone->allocation);
    at->private_i_pv4_address = elb_some(zone->private_address);
    at->i_pv6_address = elb_some(zone->ipv6_address);
    ret->load_balancer_addresses.n = 1;
}

int elb_show_zones(struct call *c, const struct load_balancer *lb,
                   struct elbv2_availability_zone **ret_at, size_t *ret_n)
{
    struct load_balancer_zone *first = NULL;
    size_t n = 0;
    int r = load_balancer_zone_list(c->store, c->arena, lb->arn, &first);

    ELB_COUNT(n, first);
    *ret_at = arena_array(c->arena, n, sizeof **ret_at);
    *ret_n = 0;
    for (const struct load_balancer_zone *z = first; z != NULL; z = z->next) {
        struct elbv2_availability_zone *to = &(*ret_at)[(*ret_n)++];

        to->zone_name = z->zone;
        to->subnet_id = z->subnet;
        show_address(c, lb, z, to);
        if (z->source_nat_prefix.n > 0) {
            to->source_nat_ipv6_prefixes.at = &((struct load_balancer_zone *)z)->source_nat_prefix;
            to->source_nat_ipv6_prefixes.n = 1;
        }
    }
    return r;
}

static int show_security_groups(struct call *c, const struct load_balancer *lb,
                                struct str_list *ret)
{
    struct load_balancer_group *first = NULL;
    size_t n = 0;
    int r = load_balancer_group_list(c->store, c->arena, lb->arn, &first);

    ELB_COUNT(n, first);
    *ret = (struct str_list){0};
    if (n == 0 && !str_is(lb->type, "application"))
        return r;
    ret->at = arena_array(c->arena, n, sizeof *ret->at);
    for (const struct load_balancer_group *g = first; g != NULL; g = g->next)
        ret->at[ret->n++] = g->group_id;
    return r;
}

/* A new load balancer is that in the answer that makes it, and for as long as the server was told.
 */
static bool is_provisioning(struct call *c, const struct load_balancer *lb)
{
    return c->now < lb->created + aws_options_of(c->aws)->provisioning_ms;
}

int elb_show_balancer(struct call *c, const struct load_balancer *lb,
                      struct elbv2_load_balancer *ret)
{
    struct elbv2_load_balancer_state *state = arena_alloc(c->arena, sizeof *state);
    bool gateway = str_is(lb->type, "gateway");
    int r;

    state->code = is_provisioning(c, lb) ? S("provisioning") : lb->state;
    *ret = (struct elbv2_load_balancer){
        .load_balancer_arn = lb->arn,
        .dns_name = elb_some(lb->dns_name),
        .canonical_hosted_zone_id = gateway ? (struct str){0} : lb->hosted_zone,
        .created_time = OPT_INT(lb->created),
        .load_balancer_name = lb->name,
        .scheme = gateway ? (struct str){0} : lb->scheme,
        .vpc_id = lb->vpc,
        .state = state,
        .type = lb->type,
        .ip_address_type = lb->ip_address_type,
        .customer_owned_ipv4_pool = elb_some(lb->owned_pool),
        .enforce_security_group_inbound_rules_on_private_link_traffic = elb_some(lb->private_link),
        .enable_prefix_for_ipv6_source_nat = elb_some(lb->source_nat),
    };
    if (lb->ipam_pool.n > 0) {
        struct elbv2_ipam_pools *pools = arena_alloc(c->arena, sizeof *pools);

        pools->ipv4_ipam_pool_id = lb->ipam_pool;
        ret->ipam_pools = pools;
    }
    r = elb_show_zones(c, lb, &ret->availability_zones.at, &ret->availability_zones.n);
    return r < 0 ? r : show_security_groups(c, lb, &ret->security_groups);
}

/* --- creation -------------------------------------------------------------------------------- */

static struct str or_default(struct str s, struct str otherwise)
{
    return s.n > 0 ? s : otherwise;
}

static int check_options(struct call *c, const struct load_balancer *lb)
{
    if (str_starts(lb->name, S("internal-")))
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Load balancer name '%.*s' cannot begin with 'internal-'",
                          STR_ARG(lb->name));
    if (str_is(lb->ip_address_type, "dualstack-without-public-ipv4") &&
        (!str_is(lb->type, "application") || !str_is(lb->scheme, "internet-facing")))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "The IP address type 'dualstack-without-public-ipv4' is only supported "
                          "for internet-facing application load balancers");
    if (lb->source_nat.n > 0 && !str_is(lb->type, "network"))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "EnablePrefixForIpv6SourceNat is not supported for load balancers with "
                          "type '%.*s'",
                          STR_ARG(lb->type));
    if (lb->ipam_pool.n > 0 && !str_is(lb->type, "application"))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "IPAM pools are not supported for load balancers with type '%.*s'",
                          STR_ARG(lb->type));
    return 0;
}

static int same_place(struct call *c, const struct load_balancer *lb, const struct elb_place *place,
                      const struct str_list *groups, bool *ret_same)
{
    struct load_balancer_zone *zone = NULL;
    struct str_list have = {0};
    size_t n = 0;
    int r = load_balancer_zone_list(c->store, c->arena, lb->arn, &zone);

    *ret_same = true;
    for (; zone != NULL; zone = zone->next, n++) {
        bool found = false;

        for (size_t i = 0; i < place->n; i++)
            found = found || str_eq(place->zones[i].subnet, zone->subnet);
        *ret_same = *ret_same && found;
    }
    *ret_same = *ret_same && n == place->n;
    if (r == 0)
        r = show_security_groups(c, lb, &have);
    *ret_same = *ret_same && elb_lists_equal(have.at, have.n, groups->at, groups->n);
    return r;
}

/* The one of that name: the same again is the same, another is a refusal. *ret_found is NULL where
 * the name is free. */
static int find_namesake(struct call *c, const struct load_balancer *wanted,
                         const struct elb_place *place, const struct str_list *groups,
                         struct load_balancer **ret_found)
{
    bool same = false;
    int r = load_balancer_find_by_name(c->store, c->arena, c->account, c->region, wanted->name,
                                       ret_found);

    if (r < 0 || *ret_found == NULL)
        return r;
    r = same_place(c, *ret_found, place, groups, &same);
    if (r < 0 || (same && str_eq((*ret_found)->type, wanted->type) &&
                  str_eq((*ret_found)->scheme, wanted->scheme) &&
                  str_eq((*ret_found)->ip_address_type, wanted->ip_address_type)))
        return r;
    return elb_refuse(c, &elbv2_duplicate_load_balancer_name_exception,
                      "A load balancer with the same name '%.*s' exists, but with different "
                      "settings",
                      STR_ARG(wanted->name));
}

static int check_count(struct call *c, const struct load_balancer *lb)
{
    const char *name = str_is(lb->type, "network")   ? "network-load-balancers"
                       : str_is(lb->type, "gateway") ? "gateway-load-balancers"
                                                     : "application-load-balancers";
    int64_t have = 0;
    int r;

    if (elb_limit(c, name) == INT64_MAX)
        return 0;
    r = load_balancer_count(c->store, c->account, c->region, lb->type, &have);
    return r < 0 ? r : elb_check_limit(c, name, have + 1, &elbv2_too_many_load_balancers_exception);
}

static int insert(struct call *c, struct load_balancer *lb, const struct elb_place *place,
                  const struct str_list *groups)
{
    struct str id = ids_hex(c->ids, c->arena, 16);
    int r;

    lb->arn = call_arn(c, "loadbalancer/%s/%.*s/%.*s", elb_type_word(lb->type), STR_ARG(lb->name),
                       STR_ARG(id));
    lb->dns_name = elb_new_dns_name(c, lb);
    lb->hosted_zone = elb_hosted_zone(c->region, lb->type);
    lb->created = c->now;
    lb->state = S("active");
    r = load_balancer_insert(c->store, lb);
    if (r == 0)
        r = load_balancer_set_zones(c->store, lb->arn, place->zones, place->n);
    if (r == 0)
        r = load_balancer_set_groups(c->store, lb->arn, groups->at, groups->n);
    return r < 0 ? r : elb_sync_interfaces(c, lb, place, groups);
}

/* The row that a request asks for, as far as it is settled before the place is known. */
static struct load_balancer read_wanted(struct call *c,
                                        const struct elbv2_create_load_balancer_input *in)
{
    struct load_balancer lb = {
        .account = c->account,
        .region = c->region,
        .name = in->name,
        .type = or_default(in->type, S("application")),
        .ip_address_type = or_default(in->ip_address_type, S("ipv4")),
        .owned_pool = in->customer_owned_ipv4_pool,
        .ipam_pool = in->ipam_pools != NULL ? in->ipam_pools->ipv4_ipam_pool_id : S(""),
        .source_nat = in->enable_prefix_for_ipv6_source_nat,
    };

    lb.scheme =
        or_default(in->scheme, str_is(lb.type, "gateway") ? S("internal") : S("internet-facing"));
    return lb;
}

struct done elb_create_load_balancer(struct call *c, const void *input)
{
    const struct elbv2_create_load_balancer_input *in = input;
    struct load_balancer lb = read_wanted(c, in), *found = NULL;
    struct elbv2_create_load_balancer_output out = {0};
    struct elb_place place = {0};
    struct str_list groups = {0};
    int r = elb_check_name(c, "Load balancer", in->name);

    if (r == 0)
        r = check_options(c, &lb);
    if (r == 0)
        r = elb_check_tags(c, in->tags.at, in->tags.n);
    if (r == 0)
        r = elb_read_place(c, &lb, &in->subnets, in->subnet_mappings.at, in->subnet_mappings.n,
                           &place);
    lb.vpc = place.vpc;
    if (r == 0)
        r = elb_read_security_groups(c, &lb, &in->security_groups, &groups);
    if (str_is(lb.type, "network") && lb.source_nat.n == 0)
        lb.source_nat = S("off");
    if (str_is(lb.type, "network") && groups.n > 0)
        lb.private_link = S("on");
    if (r == 0)
        r = find_namesake(c, &lb, &place, &groups, &found);
    if (r == 0 && found == NULL) {
        r = check_count(c, &lb);
        if (r == 0)
            r = insert(c, &lb, &place, &groups);
        if (r == 0)
            r = elb_put_tags(c, lb.arn, in->tags.at, in->tags.n);
        lb.state = S("provisioning");
        found = &lb;
    }
    out.load_balancers.at = arena_alloc(c->arena, sizeof *out.load_balancers.at);
    out.load_balancers.n = 1;
    if (r == 0)
        r = elb_show_balancer(c, found, out.load_balancers.at);
    return elb_answer(c, r, &out);
}

/* --- deletion -------------------------------------------------------------------------------- */

/* The tags of its listeners and rules go with it. */
static int remove_tags_below(struct call *c, struct str arn)
{
    struct listener *l = NULL;
    int r = listener_list(c->store, c->arena, arn, &l);

    for (; r == 0 && l != NULL; l = l->next)
        r = elb_remove_listener_tags(c, l->arn);
    return r < 0 ? r : tag_remove_all(c->store, arn);
}

static int check_deletion(struct call *c, const struct load_balancer *lb)
{
    struct target_group *used = NULL;
    struct str protection = {0};
    int r = elb_attribute(c, lb->arn, "deletion_protection.enabled", &protection);

    if (r == 0 && str_is(protection, "true"))
        return elb_refuse(c, &elbv2_operation_not_permitted_exception,
                          "Load balancer '%.*s' cannot be deleted because deletion protection is "
                          "enabled",
                          STR_ARG(lb->arn));
    if (r == 0)
        r = target_group_list_by_target(c->store, c->arena, lb->arn, &used);
    if (r == 0 && used != NULL)
        return elb_refuse(c, &elbv2_resource_in_use_exception,
                          "Load balancer '%.*s' is currently in use as a target of target group "
                          "'%.*s'",
                          STR_ARG(lb->arn), STR_ARG(used->arn));
    return r;
}

struct done elb_delete_load_balancer(struct call *c, const void *input)
{
    const struct elbv2_delete_load_balancer_input *in = input;
    struct load_balancer *lb = NULL;
    int r = elb_check_arn(c, in->load_balancer_arn, ELB_BALANCER);

    if (r == 0)
        r = load_balancer_find(c->store, c->arena, in->load_balancer_arn, &lb);
    if (r != 0 || lb == NULL) /* gone is gone: no error */
        return elb_answer(c, r, NULL);
    r = check_deletion(c, lb);
    if (r == 0)
        r = remove_tags_below(c, lb->arn);
    if (r == 0)
        r = elb_delete_interfaces(c, lb->arn);
    if (r == 0)
        r = load_balancer_delete(c->store, lb->arn);
    return elb_answer(c, r, NULL);
}

/* --- description ----------------------------------------------------------------------------- */

/* The load balancers that a request names, in its order. */
static int find_named(struct call *c, const struct elbv2_describe_load_balancers_input *in,
                      struct load_balancer **ret_first)
{
    struct load_balancer **tail = ret_first;
    int r = 0;

    for (size_t i = 0; r == 0 && i < in->load_balancer_arns.n; i++) {
        r = elb_check_arn(c, in->load_balancer_arns.at[i], ELB_BALANCER);
        if (r == 0)
            r = load_balancer_find(c->store, c->arena, in->load_balancer_arns.at[i], tail);
        if (r == 0 && *tail == NULL)
            r = elb_refuse(c, &elbv2_load_balancer_not_found_exception,
                           "One or more load balancers not found");
        if (r == 0)
            tail = &(*tail)->next;
    }
    for (size_t i = 0; r == 0 && i < in->names.n; i++) {
        r = load_balancer_find_by_name(c->store, c->arena, c->account, c->region, in->names.at[i],
                                       tail);
        if (r == 0 && *tail == NULL)
            r = elb_refuse(c, &elbv2_load_balancer_not_found_exception,
                           "Load balancers '[%.*s]' not found", STR_ARG(in->names.at[i]));
        if (r == 0)
            tail = &(*tail)->next;
    }
    return r;
}

static int find_page(struct call *c, const struct elbv2_describe_load_balancers_input *in,
                     struct load_balancer **ret_first, struct str *ret_next)
{
    struct elbv2_page page;
    struct load_balancer *last;
    int64_t n = 1, place = 0;
    int r = elb_read_page(c, in->marker, in->page_size, &page);

    page.most++; /* one more tells whether there is a next page */
    if (r == 0)
        r = load_balancer_page(c->store, c->arena, c->account, c->region, &page, ret_first);
    if (r != 0 || *ret_first == NULL)
        return r;
    for (last = *ret_first; last->next != NULL && n < page.most - 1; last = last->next)
        n++;
    if (last->next == NULL)
        return 0;
    last->next = NULL;
    r = load_balancer_place(c->store, last->arn, &place);
    *ret_next = elb_marker(c, place);
    return r;
}

struct done elb_describe_load_balancers(struct call *c, const void *input)
{
    const struct elbv2_describe_load_balancers_input *in = input;
    struct elbv2_describe_load_balancers_output out = {0};
    struct load_balancer *first = NULL;
    size_t n = 0;
    int r;

    if (in->load_balancer_arns.n > 0 && in->names.n > 0)
        r = elb_refuse(c, &AWS_VALIDATION_ERROR,
                       "Load balancer names and load balancer ARNs cannot be specified at the same "
                       "time");
    else if (in->load_balancer_arns.n > 20 || in->names.n > 20)
        r = elb_refuse(c, &AWS_VALIDATION_ERROR,
                       "The maximum number of load balancers that can be specified is '20'");
    else if (in->load_balancer_arns.n + in->names.n > 0)
        r = find_named(c, in, &first);
    else
        r = find_page(c, in, &first, &out.next_marker);
    ELB_COUNT(n, first);
    out.load_balancers.at = arena_array(c->arena, n, sizeof *out.load_balancers.at);
    for (const struct load_balancer *lb = first; r == 0 && lb != NULL; lb = lb->next)
        r = elb_show_balancer(c, lb, &out.load_balancers.at[out.load_balancers.n++]);
    return elb_answer(c, r, &out);
}

/* --- changes --------------------------------------------------------------------------------- */

struct done elb_set_subnets(struct call *c, const void *input)
{
    const struct elbv2_set_subnets_input *in = input;
    struct elbv2_set_subnets_output out = {0};
    struct elb_place place = {0};
    struct load_balancer *lb = NULL;
    struct str_list groups = {0};
    int r = elb_need_balancer(c, in->load_balancer_arn, &lb);

    if (r == 0 && str_is(lb->type, "gateway"))
        r = elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                       "SetSubnets is not supported for load balancers with type 'gateway'");
    if (r == 0)
        r = elb_read_place(c, lb, &in->subnets, in->subnet_mappings.at, in->subnet_mappings.n,
                           &place);
    if (r == 0 && !str_eq(place.vpc, lb->vpc))
        r = elb_refuse(c, &elbv2_invalid_subnet_exception,
                       "All subnets must belong to the load balancer's VPC: '%.*s'",
                       STR_ARG(lb->vpc));
    if (r == 0)
        r = show_security_groups(c, lb, &groups);
    if (r == 0)
        r = load_balancer_set_zones(c->store, lb->arn, place.zones, place.n);
    if (r == 0)
        r = elb_sync_interfaces(c, lb, &place, &groups);
    if (r == 0 && in->ip_address_type.n > 0)
        lb->ip_address_type = in->ip_address_type;
    if (r == 0 && in->enable_prefix_for_ipv6_source_nat.n > 0)
        lb->source_nat = in->enable_prefix_for_ipv6_source_nat;
    if (r == 0)
        r = check_options(c, lb);
    if (r == 0)
        r = load_balancer_update(c->store, lb);
    if (r == 0)
        r = elb_show_zones(c, lb, &out.availability_zones.at, &out.availability_zones.n);
    if (r == 0) {
        out.ip_address_type = lb->ip_address_type;
        out.enable_prefix_for_ipv6_source_nat = elb_some(lb->source_nat);
    }
    return elb_answer(c, r, &out);
}

static int set_interface_groups(struct call *c, struct str arn, const struct str_list *groups)
{
    struct network_interface *have = NULL;
    int r = interface_list_by_owner(c->store, c->arena, arn, &have);

    for (; r == 0 && have != NULL; have = have->next)
        r = interface_set_groups(c->store, have->id, groups->at, groups->n);
    return r;
}

static int check_group_change(struct call *c, const struct load_balancer *lb,
                              const struct elbv2_set_security_groups_input *in)
{
    struct str_list have = {0};
    int r = show_security_groups(c, lb, &have);

    if (r != 0)
        return r;
    if (str_is(lb->type, "network") && have.n == 0 && in->security_groups.n > 0)
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "You cannot set security groups on a Network Load Balancer that was "
                          "created without security groups");
    if (in->security_groups.n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "At least one security group must be specified");
    if (in->enforce_security_group_inbound_rules_on_private_link_traffic.n > 0 &&
        !str_is(lb->type, "network"))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic is not supported "
                          "for load balancers with type '%.*s'",
                          STR_ARG(lb->type));
    return 0;
}

struct done elb_set_security_groups(struct call *c, const void *input)
{
    const struct elbv2_set_security_groups_input *in = input;
    struct elbv2_set_security_groups_output out = {0};
    struct load_balancer *lb = NULL;
    int r = elb_need_balancer(c, in->load_balancer_arn, &lb);

    if (r == 0)
        r = check_group_change(c, lb, in);
    if (r == 0)
        r = elb_read_security_groups(c, lb, &in->security_groups, &out.security_group_ids);
    if (r == 0)
        r = load_balancer_set_groups(c->store, lb->arn, out.security_group_ids.at,
                                     out.security_group_ids.n);
    if (r == 0)
        r = set_interface_groups(c, lb->arn, &out.security_group_ids);
    if (r == 0 && in->enforce_security_group_inbound_rules_on_private_link_traffic.n > 0) {
        lb->private_link = in->enforce_security_group_inbound_rules_on_private_link_traffic;
        r = load_balancer_update(c->store, lb);
    }
    if (r == 0)
        out.enforce_security_group_inbound_rules_on_private_link_traffic =
            elb_some(lb->private_link);
    return elb_answer(c, r, &out);
}

struct done elb_set_ip_address_type(struct call *c, const void *input)
{
    const struct elbv2_set_ip_address_type_input *in = input;
    struct elbv2_set_ip_address_type_output out = {.ip_address_type = in->ip_address_type};
    struct load_balancer *lb = NULL;
    int r = elb_need_balancer(c, in->load_balancer_arn, &lb);

    if (r == 0) {
        lb->ip_address_type = in->ip_address_type;
        r = check_options(c, lb);
    }
    if (r == 0)
        r = load_balancer_update(c->store, lb);
    return elb_answer(c, r, &out);
}

struct done elb_modify_ip_pools(struct call *c, const void *input)
{
    const struct elbv2_modify_ip_pools_input *in = input;
    struct elbv2_modify_ip_pools_output out = {0};
    struct elbv2_ipam_pools pools = {0};
    struct load_balancer *lb = NULL;
    int r = elb_need_balancer(c, in->load_balancer_arn, &lb);

    if (r == 0 && elb_has(in->remove_ipam_pools.at, in->remove_ipam_pools.n, S("ipv4")))
        lb->ipam_pool = S("");
    if (r == 0 && in->ipam_pools != NULL)
        lb->ipam_pool = in->ipam_pools->ipv4_ipam_pool_id;
    if (r == 0)
        r = check_options(c, lb);
    if (r == 0)
        r = load_balancer_update(c->store, lb);
    if (r == 0 && lb->ipam_pool.n > 0) {
        pools.ipv4_ipam_pool_id = lb->ipam_pool;
        out.ipam_pools = &pools;
    }
    return elb_answer(c, r, &out);
}
