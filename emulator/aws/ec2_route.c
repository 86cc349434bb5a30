/* Route tables, their routes, and which subnet uses which.
 * Source: Amazon EC2 API Reference, CreateRoute, ReplaceRouteTableAssociation; Amazon VPC User
 * Guide, "Route tables". */
#include "aws/ec2.h"

#include "aws/cidr.h"

/* --- the view -------------------------------------------------------------------------------- */

static int list_tables(struct call *c, struct str id, void **ret_first)
{
    return route_table_list(c->store, c->arena, c->account, c->region, id,
                            (struct route_table **)ret_first);
}

/* What a route leads to, by the prefix of the target's id, and whether that is still there. */
static const struct target_row {
    const char *prefix;
    size_t offset; /* in struct ec2_route */
} targets[] = {
    {"local", offsetof(struct ec2_route, gateway_id)                     },
    {"igw-",  offsetof(struct ec2_route, gateway_id)                     },
    {"vgw-",  offsetof(struct ec2_route, gateway_id)                     },
    {"vpce-", offsetof(struct ec2_route, gateway_id)                     },
    {"nat-",  offsetof(struct ec2_route, nat_gateway_id)                 },
    {"eni-",  offsetof(struct ec2_route, network_interface_id)           },
    {"i-",    offsetof(struct ec2_route, instance_id)                    },
    {"pcx-",  offsetof(struct ec2_route, vpc_peering_connection_id)      },
    {"eigw-", offsetof(struct ec2_route, egress_only_internet_gateway_id)},
    {"tgw-",  offsetof(struct ec2_route, transit_gateway_id)             },
};

static bool target_is_there(struct call *c, const struct route_table *t, struct str target)
{
    struct gateway *g = NULL;
    struct ec2_item *item = NULL;
    struct network_interface *eni = NULL;

    if (str_starts(target, S("igw-")))
        return gateway_list(c->store, c->arena, c->account, c->region, target, &g) == 0 &&
               g != NULL && str_eq(g->vpc, t->vpc);
    if (str_starts(target, S("nat-")))
        return ec2_item_list(c->store, c->arena, "natgateway", c->account, c->region, target,
                             &item) == 0 &&
               item != NULL && !ec2_item_is_gone(item);
    if (str_starts(target, S("eni-")))
        return interface_find(c->store, c->arena, target, &eni) == 0 && eni != NULL;
    return true;
}

static struct ec2_route shown_route(struct call *c, const struct route_table *t,
                                    const struct vpc_route *row)
{
    struct ec2_route v = {.origin = S("CreateRoute")};
    bool six = str_chr(row->destination, ':') != STR_NONE;

    if (str_is(row->target, "local"))
        v.origin = S("CreateRouteTable");
    v.state = target_is_there(c, t, row->target) ? S("active") : S("blackhole");
    if (str_starts(row->destination, S("pl-")))
        v.destination_prefix_list_id = row->destination;
    else if (six)
        v.destination_ipv6_cidr_block = row->destination;
    else
        v.destination_cidr_block = row->destination;
    for (size_t i = 0; i < ARRAY_LEN(targets); i++)
        if (str_starts(row->target, str_c(targets[i].prefix))) {
            *(struct str *)((char *)&v + targets[i].offset) = row->target;
            break;
        }
    return v;
}

static struct ec2_route_table_association shown_association(struct call *c,
                                                            const struct route_association *row)
{
    struct ec2_route_table_association_state *state = arena_alloc(c->arena, sizeof *state);

    state->state = S("associated");
    return (struct ec2_route_table_association){
        .main = OPT_BOOL(row->subnet.n == 0),
        .route_table_association_id = row->id,
        .route_table_id = row->route_table,
        .subnet_id = row->subnet,
        .association_state = state,
    };
}

static int show_table(struct call *c, const void *row, void *view)
{
    const struct route_table *t = row;
    struct ec2_route_table *v = view;
    struct route_association *association = NULL;
    struct vpc_route *route = NULL;
    size_t n = 0;
    int r = route_list(c->store, c->arena, t->id, &route);

    if (r == 0)
        r = route_association_list(c->store, c->arena, t->id, &association);
    v->route_table_id = t->id;
    v->vpc_id = t->vpc;
    v->owner_id = t->account;
    v->propagating_vgws.at = arena_alloc(c->arena, sizeof *v->propagating_vgws.at);
    for (const struct vpc_route *one = route; one != NULL; one = one->next)
        n++;
    for (const struct route_association *one = association; one != NULL; one = one->next)
        n++;
    v->routes.at = arena_array(c->arena, n + 1, sizeof *v->routes.at);
    v->associations.at = arena_array(c->arena, n + 1, sizeof *v->associations.at);
    for (const struct vpc_route *one = route; one != NULL; one = one->next)
        v->routes.at[v->routes.n++] = shown_route(c, t, one);
    for (const struct route_association *one = association; one != NULL; one = one->next)
        v->associations.at[v->associations.n++] = shown_association(c, one);
    v->tags.at = ec2_tags(c, "route-table", t->id, &v->tags.n, &r);
    return r;
}

static const struct ec2_filter_row table_filters[] = {
    {"association.main",                       "associationSet.main"                   },
    {"association.route-table-association-id", "associationSet.routeTableAssociationId"},
    {"association.route-table-id",             "associationSet.routeTableId"           },
    {"association.subnet-id",                  "associationSet.subnetId"               },
    {"association.gateway-id",                 "associationSet.gatewayId"              },
    {"owner-id",                               "ownerId"                               },
    {"route.destination-cidr-block",           "routeSet.destinationCidrBlock"         },
    {"route.destination-ipv6-cidr-block",      "routeSet.destinationIpv6CidrBlock"     },
    {"route.destination-prefix-list-id",       "routeSet.destinationPrefixListId"      },
    {"route.egress-only-internet-gateway-id",  "routeSet.egressOnlyInternetGatewayId"  },
    {"route.gateway-id",                       "routeSet.gatewayId"                    },
    {"route.instance-id",                      "routeSet.instanceId"                   },
    {"route.nat-gateway-id",                   "routeSet.natGatewayId"                 },
    {"route.origin",                           "routeSet.origin"                       },
    {"route.state",                            "routeSet.state"                        },
    {"route.transit-gateway-id",               "routeSet.transitGatewayId"             },
    {"route.vpc-peering-connection-id",        "routeSet.vpcPeeringConnectionId"       },
    {"route-table-id",                         "routeTableId"                          },
    {"vpc-id",                                 "vpcId"                                 },
};

const struct ec2_kind ec2_route_table_kind = {
    .type = "route-table",
    .prefix = "rtb",
    .missing = "InvalidRouteTableID.NotFound",
    .malformed = "InvalidRouteTableId.Malformed",
    .noun = "routeTable ID",
    .ids = "RouteTableId",
    .view = &ec2_route_table_shape,
    EC2_FILTERS(table_filters),
    .list = list_tables,
    .show = show_table,
};

struct done ec2_describe_route_tables(struct call *c, const void *input)
{
    return ec2_describe(c, input, &ec2_route_table_kind);
}

/* --- tables ---------------------------------------------------------------------------------- */

struct done ec2_create_route_table(struct call *c, const void *input)
{
    const struct ec2_create_route_table_request *in = input;
    struct route_table t = {
        .id = ec2_id(c, "rtb"), .account = c->account, .region = c->region, .vpc = in->vpc_id};
    struct ec2_create_route_table_result out = {0};
    struct vpc_cidr *block = NULL;
    struct vpc *vpc;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_vpc_kind, in->vpc_id, &vpc, &done))
        return done;
    r = ec2_insert(c->store, &route_table_table, &t, t.id);
    if (r == 0)
        r = vpc_cidr_list(c->store, c->arena, vpc->id, &block);
    for (; r == 0 && block != NULL; block = block->next)
        r = ec2_insert(c->store, &vpc_route_table,
                       &(struct vpc_route){
                           .route_table = t.id, .destination = block->cidr, .target = S("local")},
                       t.id);
    if (r < 0)
        return call_fail(c, r);
    if (!ec2_tag_new(c, in->tag_specifications.at, in->tag_specifications.n, "route-table", t.id,
                     &done))
        return done;
    out.route_table = ec2_view_of(c, &ec2_route_table_kind, &t, &done);
    return out.route_table == NULL ? done : call_reply(c, &out);
}

struct done ec2_delete_route_table(struct call *c, const void *input)
{
    const struct ec2_delete_route_table_request *in = input;
    struct route_association *association = NULL;
    struct route_table *t;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_route_table_kind, in->route_table_id, &t, &done))
        return done;
    r = route_association_list(c->store, c->arena, t->id, &association);
    if (r == 0 && (t->main || association != NULL))
        return ec2_fault(c, "DependencyViolation",
                         "The routeTable '%.*s' has dependencies and cannot be deleted.",
                         STR_ARG(t->id));
    if (r == 0)
        r = route_table_delete(c->store, t->id);
    if (r == 0)
        r = ec2_untag(c, "route-table", t->id);
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}

/* --- routes ---------------------------------------------------------------------------------- */

/* The destination in its canonical form. */
static bool read_destination(struct call *c, struct str four, struct str six, struct str list,
                             struct str *ret_text, struct done *ret_done)
{
    *ret_text = list;
    if (list.n > 0)
        return ec2_prefix_list_holds(c, list, ret_done);
    if (four.n == 0 && six.n == 0)
        return ec2_refuse(c, ret_done, "MissingParameter",
                          "The request must contain the parameter destinationCidrBlock");
    if (four.n > 0 ? cidr_canonical(c->arena, four, ret_text)
                   : cidr6_canonical(c->arena, six, ret_text))
        return true;
    return ec2_refuse(c, ret_done, "InvalidParameterValue",
                      "Value (%.*s) for parameter destinationCidrBlock is invalid. This is not a "
                      "valid CIDR block.",
                      STR_ARG(four.n > 0 ? four : six));
}

static bool gateway_holds(struct call *c, const struct route_table *t, struct str id,
                          struct done *ret_done)
{
    struct gateway *g;

    if (!str_starts(id, S("igw-")))
        return ec2_refuse(c, ret_done, "InvalidGatewayID.NotFound",
                          "The gateway ID '%.*s' does not exist", STR_ARG(id));
    if (!ec2_need(c, &ec2_internet_gateway_kind, id, &g, ret_done))
        return false;
    return str_eq(g->vpc, t->vpc) ||
           ec2_refuse(c, ret_done, "InvalidParameterValue",
                      "route table %.*s and network gateway %.*s belong to different networks",
                      STR_ARG(t->id), STR_ARG(id));
}

/* An instance stands for its first interface. */
static bool instance_target(struct call *c, struct str id, struct str *ret_target,
                            struct done *ret_done)
{
    struct network_interface *eni = NULL;
    struct instance *i;
    int r;

    if (!ec2_need(c, &ec2_instance_kind, id, &i, ret_done))
        return false;
    r = interface_list_by_instance(c->store, c->arena, id, &eni);
    if (r < 0)
        return ec2_failed(c, r, ret_done);
    if (eni == NULL || eni->next != NULL)
        return ec2_refuse(c, ret_done, "InvalidInstanceID",
                          "There are multiple interfaces attached to instance '%.*s'. Please "
                          "specify an interface ID for the operation instead.",
                          STR_ARG(id));
    *ret_target = eni->id;
    return true;
}

static bool read_target(struct call *c, const struct route_table *t,
                        const struct ec2_create_route_request *in, struct str *ret_target,
                        struct done *ret_done)
{
    const struct str given[] = {in->gateway_id,
                                in->nat_gateway_id,
                                in->network_interface_id,
                                in->instance_id,
                                in->vpc_peering_connection_id,
                                in->egress_only_internet_gateway_id,
                                in->vpc_endpoint_id,
                                in->transit_gateway_id};
    struct network_interface *eni;
    void *row;
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(given); i++)
        if (given[i].n > 0) {
            *ret_target = given[i];
            n++;
        }
    if (n != 1)
        return ec2_refuse(c, ret_done, n == 0 ? "MissingParameter" : "InvalidParameterCombination",
                          n == 0 ? "The request must contain the parameter gatewayId"
                                 : "Only one target may be specified for a route");
    if (in->gateway_id.n > 0)
        return gateway_holds(c, t, in->gateway_id, ret_done);
    if (in->nat_gateway_id.n > 0)
        return ec2_need(c, &ec2_nat_gateway_kind, in->nat_gateway_id, &row, ret_done);
    if (in->network_interface_id.n > 0)
        return ec2_need(c, &ec2_network_interface_kind, in->network_interface_id, &eni, ret_done);
    if (in->instance_id.n > 0)
        return instance_target(c, in->instance_id, ret_target, ret_done);
    if (in->vpc_peering_connection_id.n > 0)
        return ec2_need(c, &ec2_peering_kind, in->vpc_peering_connection_id, &row, ret_done);
    if (in->egress_only_internet_gateway_id.n > 0)
        return ec2_need(c, &ec2_egress_gateway_kind, in->egress_only_internet_gateway_id, &row,
                        ret_done);
    return ec2_refuse(c, ret_done, "InvalidParameterValue", "The target '%.*s' does not exist",
                      STR_ARG(*ret_target));
}

static int find_route(struct call *c, struct str table, struct str destination,
                      struct vpc_route **ret_route)
{
    struct vpc_route *one = NULL;
    int r = route_list(c->store, c->arena, table, &one);

    for (; r == 0 && one != NULL; one = one->next)
        if (str_eq(one->destination, destination)) {
            *ret_route = one;
            break;
        }
    return r;
}

/* "destination-cidr-block 0.0.0.0/0", as the error texts name a route. */
static struct str route_words(struct call *c, struct str destination)
{
    return arena_printf(c->arena, "%s %.*s",
                        str_starts(destination, S("pl-"))       ? "destination-prefix-list-id"
                        : str_chr(destination, ':') != STR_NONE ? "destination-ipv6-cidr-block"
                                                                : "destination-cidr-block",
                        STR_ARG(destination));
}

/* A route inside the VPC is no one's to make. */
static bool is_within(struct call *c, const struct route_table *t, struct str destination)
{
    struct vpc_cidr *block = NULL;

    if (vpc_cidr_list(c->store, c->arena, t->vpc, &block) < 0)
        return false;
    for (; block != NULL; block = block->next)
        if (cidr_contains(block->cidr, destination) && !str_eq(block->cidr, destination))
            return true;
    return false;
}

static struct done put_route(struct call *c, const struct ec2_create_route_request *in,
                             bool replace)
{
    struct vpc_route *old = NULL, route = {.route_table = in->route_table_id};
    struct route_table *t;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_route_table_kind, in->route_table_id, &t, &done) ||
        !read_destination(c, in->destination_cidr_block, in->destination_ipv6_cidr_block,
                          in->destination_prefix_list_id, &route.destination, &done) ||
        !read_target(c, t, in, &route.target, &done))
        return done;
    r = find_route(c, t->id, route.destination, &old);
    if (r < 0)
        return call_fail(c, r);
    if (old == NULL && replace)
        return ec2_fault(c, "InvalidParameterValue",
                         "There is no route defined for '%.*s' in the route table. Use CreateRoute "
                         "instead.",
                         STR_ARG(route.destination));
    if (old != NULL && (!replace || str_is(old->target, "local")))
        return ec2_fault(c, "RouteAlreadyExists", "The route identified by %.*s already exists.",
                         STR_ARG(route.destination));
    if (is_within(c, t, route.destination) && !str_starts(route.target, S("eni-")))
        return ec2_fault(c, "InvalidParameterValue",
                         "The destination CIDR block %.*s is equal to or more specific than one of "
                         "this VPC's CIDR blocks. This route can target only an interface or an "
                         "instance.",
                         STR_ARG(route.destination));
    if (old != NULL)
        r = route_delete(c->store, t->id, route.destination);
    if (r == 0)
        r = ec2_insert(c->store, &vpc_route_table, &route, t->id);
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}

struct done ec2_create_route(struct call *c, const void *input)
{
    return put_route(c, input, false);
}

struct done ec2_replace_route(struct call *c, const void *input)
{
    const struct ec2_replace_route_request *in = input;
    struct ec2_create_route_request same = {
        .destination_prefix_list_id = in->destination_prefix_list_id,
        .vpc_endpoint_id = in->vpc_endpoint_id,
        .transit_gateway_id = in->transit_gateway_id,
        .route_table_id = in->route_table_id,
        .destination_cidr_block = in->destination_cidr_block,
        .gateway_id = in->gateway_id,
        .destination_ipv6_cidr_block = in->destination_ipv6_cidr_block,
        .egress_only_internet_gateway_id = in->egress_only_internet_gateway_id,
        .instance_id = in->instance_id,
        .network_interface_id = in->network_interface_id,
        .vpc_peering_connection_id = in->vpc_peering_connection_id,
        .nat_gateway_id = in->nat_gateway_id,
    };

    return put_route(c, &same, true);
}

struct done ec2_delete_route(struct call *c, const void *input)
{
    const struct ec2_delete_route_request *in = input;
    struct vpc_route *old = NULL;
    struct str destination;
    struct route_table *t;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_route_table_kind, in->route_table_id, &t, &done) ||
        !read_destination(c, in->destination_cidr_block, in->destination_ipv6_cidr_block,
                          in->destination_prefix_list_id, &destination, &done))
        return done;
    r = find_route(c, t->id, destination, &old);
    if (r == 0 && old == NULL)
        return ec2_fault(c, "InvalidRoute.NotFound", "no route with %.*s in route table %.*s",
                         STR_ARG(route_words(c, destination)), STR_ARG(t->id));
    if (r == 0 && str_is(old->target, "local"))
        return ec2_fault(c, "InvalidParameterValue",
                         "cannot remove local route %.*s in route table %.*s", STR_ARG(destination),
                         STR_ARG(t->id));
    if (r == 0)
        r = route_delete(c->store, t->id, destination);
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}

/* --- associations ---------------------------------------------------------------------------- */

static struct done reply_association(struct call *c, struct str id)
{
    struct ec2_route_table_association_state state = {.state = S("associated")};
    struct ec2_associate_route_table_result out = {id, &state};

    return call_reply(c, &out); /* of ReplaceRouteTableAssociation too, but for its first name */
}

struct done ec2_associate_route_table(struct call *c, const void *input)
{
    const struct ec2_associate_route_table_request *in = input;
    struct route_association *old = NULL, row = {.id = ec2_id(c, "rtbassoc"),
                                                 .route_table = in->route_table_id,
                                                 .subnet = in->subnet_id};
    struct route_table *t;
    struct subnet *s;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_route_table_kind, in->route_table_id, &t, &done) ||
        !ec2_need(c, &ec2_subnet_kind, in->subnet_id, &s, &done))
        return done;
    if (!str_eq(t->vpc, s->vpc))
        return ec2_fault(c, "InvalidParameterValue",
                         "Route table %.*s and subnet %.*s belong to different networks",
                         STR_ARG(t->id), STR_ARG(s->id));
    r = route_association_find_by_subnet(c->store, c->arena, s->id, &old);
    if (r < 0)
        return call_fail(c, r);
    if (old != NULL && str_eq(old->route_table, t->id))
        return reply_association(c, old->id);
    if (old != NULL)
        return ec2_fault(c, "Resource.AlreadyAssociated",
                         "the specified association for route table %.*s conflicts with an "
                         "existing association",
                         STR_ARG(t->id));
    r = ec2_insert(c->store, &route_association_table, &row, t->id);
    return r < 0 ? call_fail(c, r) : reply_association(c, row.id);
}

static bool need_association(struct call *c, struct str id, struct route_association **ret_row,
                             struct done *ret_done)
{
    int r = route_association_find(c->store, c->arena, id, ret_row);

    if (r < 0)
        return ec2_failed(c, r, ret_done);
    return *ret_row != NULL || ec2_refuse(c, ret_done, "InvalidAssociationID.NotFound",
                                          "The association ID '%.*s' does not exist", STR_ARG(id));
}

struct done ec2_disassociate_route_table(struct call *c, const void *input)
{
    const struct ec2_disassociate_route_table_request *in = input;
    struct route_association *row = NULL;
    struct done done;
    int r;

    if (!need_association(c, in->association_id, &row, &done))
        return done;
    if (row->subnet.n == 0)
        return ec2_fault(c, "InvalidParameterValue",
                         "cannot disassociate the main route table association %.*s",
                         STR_ARG(row->id));
    r = route_association_delete(c->store, row->id);
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}

struct done ec2_replace_route_table_association(struct call *c, const void *input)
{
    const struct ec2_replace_route_table_association_request *in = input;
    struct ec2_route_table_association_state state = {.state = S("associated")};
    struct ec2_replace_route_table_association_result out = {
        .new_association_id = ec2_id(c, "rtbassoc"), .association_state = &state};
    struct route_association *row = NULL;
    struct route_table *t, *from;
    struct done done;
    int r;

    if (!need_association(c, in->association_id, &row, &done) ||
        !ec2_need(c, &ec2_route_table_kind, in->route_table_id, &t, &done) ||
        !ec2_need(c, &ec2_route_table_kind, row->route_table, &from, &done))
        return done;
    if (!str_eq(t->vpc, from->vpc))
        return ec2_fault(c, "InvalidParameterValue",
                         "route table %.*s and association %.*s belong to different networks",
                         STR_ARG(t->id), STR_ARG(row->id));
    r = route_association_move(c->store, row->id, out.new_association_id, t->id);
    if (r == 0 && row->subnet.n == 0)
        r = route_table_set_main(c->store, t->vpc, t->id);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}
