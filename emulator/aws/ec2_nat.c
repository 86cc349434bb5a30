/* NAT gateways, and gateways for outgoing IPv6. Source: Amazon EC2 API Reference,
 * CreateNatGateway, CreateEgressOnlyInternetGateway. */
#include "aws/ec2.h"

#include "store/ec2_address.h"

/* --- NAT ------------------------------------------------------------------------------------- */

static int list_nat(struct call *c, struct str id, void **ret_first)
{
    return ec2_item_list(c->store, c->arena, "natgateway", c->account, c->region, id,
                         (struct ec2_item **)ret_first);
}

static int show_nat(struct call *c, const void *row, void *view)
{
    const struct ec2_item *item = row;
    struct ec2_nat_gateway *v = view;
    int r = 0;

    *v = *(const struct ec2_nat_gateway *)document_read(c->arena, &ec2_nat_gateway_shape,
                                                        item->document);
    v->tags.at = ec2_tags(c, "natgateway", item->id, &v->tags.n, &r);
    return r;
}

static const struct ec2_filter_row nat_filters[] = {
    {"nat-gateway-id", "natGatewayId"},
    {"state",          "state"       },
    {"subnet-id",      "subnetId"    },
    {"vpc-id",         "vpcId"       },
};

const struct ec2_kind ec2_nat_gateway_kind = {
    .type = "natgateway",
    .prefix = "nat",
    .missing = "NatGatewayNotFound",
    .malformed = "NatGatewayMalformed",
    .noun = "Nat Gateway",
    .ids = "NatGatewayId",
    .view = &ec2_nat_gateway_shape,
    EC2_FILTERS(nat_filters),
    .list = list_nat,
    .show = show_nat,
};

struct done ec2_describe_nat_gateways(struct call *c, const void *input)
{
    return ec2_describe(c, input, &ec2_nat_gateway_kind);
}

/* The gateway's interface, with its elastic address when it has one. */
static bool make_place(struct call *c, const struct ec2_create_nat_gateway_request *in,
                       const struct subnet *subnet, struct str id, struct ec2_item *address,
                       struct network_interface *eni, struct done *ret_done)
{
    int r;

    *eni = (struct network_interface){
        .description = arena_printf(c->arena, "Interface for NAT Gateway %.*s", STR_ARG(id)),
        .type = S("nat_gateway"),
        .requester = S("amazon-nat"),
        .managed = true,
        .attachment = ec2_id(c, "eni-attach"),
        .attachment_owner = S("amazon-aws"),
        .device_index = 1,
        .address = in->private_ip_address,
        .owner = id,
    };
    if (!ec2_address_holds(c, subnet, in->private_ip_address, ret_done))
        return false;
    r = interface_make(c->store, c->arena, subnet, eni, NULL, 0);
    if (!ec2_address_failed(c, r, in->private_ip_address, ret_done))
        return false;
    r = address != NULL ? ec2_address_join(c, address, eni) : 0;
    return r < 0 ? ec2_failed(c, r, ret_done) : true;
}

struct done ec2_create_nat_gateway(struct call *c, const void *input)
{
    const struct ec2_create_nat_gateway_request *in = input;
    bool private = str_is(in->connectivity_type, "private");
    struct ec2_create_nat_gateway_result out = {.client_token = in->client_token};
    struct ec2_nat_gateway_address at = {.is_primary = OPT_BOOL(true), .status = S("succeeded")};
    struct ec2_nat_gateway v = {
        .nat_gateway_id = ec2_id(c, "nat"),
        .create_time = OPT_INT(c->now),
        .state = S("available"),
        .subnet_id = in->subnet_id,
        .connectivity_type = private ? S("private") : S("public"),
    };
    struct ec2_item item = {.kind = S("natgateway"),
                            .id = v.nat_gateway_id,
                            .account = c->account,
                            .region = c->region,
                            .parent = in->subnet_id};
    struct network_interface eni;
    struct ec2_item *address = NULL;
    struct ec2_nat_gateway *view;
    struct subnet *subnet;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_subnet_kind, in->subnet_id, &subnet, &done))
        return done;
    if (!private && in->allocation_id.n == 0)
        return ec2_fault(c, "MissingParameter",
                         "The request must contain the parameter AllocationId");
    if (private && in->allocation_id.n > 0)
        return ec2_fault(c, "InvalidParameter",
                         "AllocationId must not be specified for a private NAT gateway");
    if (in->allocation_id.n > 0) {
        if (!ec2_need(c, &ec2_address_kind, in->allocation_id, &address, &done))
            return done;
        if (address->parent.n > 0)
            return ec2_fault(c, "Resource.AlreadyAssociated",
                             "Elastic IP address [%.*s] is already associated",
                             STR_ARG(in->allocation_id));
    }
    if (!make_place(c, in, subnet, item.id, address, &eni, &done))
        return done;
    at.allocation_id = in->allocation_id;
    at.network_interface_id = eni.id;
    at.private_ip = eni.address;
    at.public_ip = eni.public_address;
    if (address != NULL)
        at.association_id = ((const struct ec2_address *)document_read(c->arena, &ec2_address_shape,
                                                                       address->document))
                                ->association_id;
    v.vpc_id = item.vpc = subnet->vpc;
    v.nat_gateway_addresses.at = &at;
    v.nat_gateway_addresses.n = 1;
    item.document = document_write(c->arena, &ec2_nat_gateway_shape, &v);
    r = ec2_item_insert(c->store, &item);
    if (r < 0)
        return call_fail(c, r);
    if (!ec2_tag_new(c, in->tag_specifications.at, in->tag_specifications.n, "natgateway", item.id,
                     &done))
        return done;
    view = ec2_view_of(c, &ec2_nat_gateway_kind, &item, &done);
    if (view == NULL)
        return done;
    view->state = S("pending");
    out.nat_gateway = view;
    return call_reply(c, &out);
}

/* It is shown as deleted from then on; the row has no VPC any more. */
struct done ec2_delete_nat_gateway(struct call *c, const void *input)
{
    const struct ec2_delete_nat_gateway_request *in = input;
    struct ec2_delete_nat_gateway_result out = {in->nat_gateway_id};
    struct network_interface *eni = NULL;
    struct ec2_item *item, *address = NULL;
    struct ec2_nat_gateway *v;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_nat_gateway_kind, in->nat_gateway_id, &item, &done))
        return done;
    r = interface_list_by_owner(c->store, c->arena, item->id, &eni);
    for (; r == 0 && eni != NULL; eni = eni->next) {
        r = ec2_item_list_of_parent(c->store, c->arena, "elastic-ip", eni->id, &address);
        if (r == 0 && address != NULL)
            r = ec2_address_part(c, address);
        if (r == 0)
            r = interface_delete(c->store, eni->id);
    }
    v = document_read(c->arena, &ec2_nat_gateway_shape, item->document);
    v->state = S("deleted");
    v->delete_time = OPT_INT(c->now);
    item->document = document_write(c->arena, &ec2_nat_gateway_shape, v);
    item->vpc = item->parent = (struct str){0};
    if (r == 0)
        r = ec2_item_update(c->store, item);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

/* --- outgoing IPv6 --------------------------------------------------------------------------- */

static int list_egress(struct call *c, struct str id, void **ret_first)
{
    return ec2_item_list(c->store, c->arena, "egress-only-internet-gateway", c->account, c->region,
                         id, (struct ec2_item **)ret_first);
}

static int show_egress(struct call *c, const void *row, void *view)
{
    const struct ec2_item *item = row;
    struct ec2_egress_only_internet_gateway *v = view;
    int r = 0;

    v->egress_only_internet_gateway_id = item->id;
    v->attachments.at = arena_alloc(c->arena, sizeof *v->attachments.at);
    v->attachments.at[0] = (struct ec2_internet_gateway_attachment){S("attached"), item->vpc};
    v->attachments.n = 1;
    v->tags.at = ec2_tags(c, "egress-only-internet-gateway", item->id, &v->tags.n, &r);
    return r;
}

const struct ec2_kind ec2_egress_gateway_kind = {
    .type = "egress-only-internet-gateway",
    .prefix = "eigw",
    .missing = "InvalidGatewayID.NotFound",
    .noun = "eigw ID",
    .ids = "EgressOnlyInternetGatewayId",
    .view = &ec2_egress_only_internet_gateway_shape,
    .list = list_egress,
    .show = show_egress,
};

struct done ec2_describe_egress_only_internet_gateways(struct call *c, const void *input)
{
    return ec2_describe(c, input, &ec2_egress_gateway_kind);
}

struct done ec2_create_egress_only_internet_gateway(struct call *c, const void *input)
{
    const struct ec2_create_egress_only_internet_gateway_request *in = input;
    struct ec2_create_egress_only_internet_gateway_result out = {.client_token = in->client_token};
    struct ec2_item item = {.kind = S("egress-only-internet-gateway"),
                            .id = ec2_id(c, "eigw"),
                            .account = c->account,
                            .region = c->region,
                            .vpc = in->vpc_id};
    struct vpc *vpc;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_vpc_kind, in->vpc_id, &vpc, &done))
        return done;
    r = ec2_item_insert(c->store, &item);
    if (r < 0)
        return call_fail(c, r);
    if (!ec2_tag_new(c, in->tag_specifications.at, in->tag_specifications.n,
                     "egress-only-internet-gateway", item.id, &done))
        return done;
    out.egress_only_internet_gateway = ec2_view_of(c, &ec2_egress_gateway_kind, &item, &done);
    return out.egress_only_internet_gateway == NULL ? done : call_reply(c, &out);
}

struct done ec2_delete_egress_only_internet_gateway(struct call *c, const void *input)
{
    const struct ec2_delete_egress_only_internet_gateway_request *in = input;
    struct ec2_delete_egress_only_internet_gateway_result out = {OPT_BOOL(true)};
    struct ec2_item *item;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_egress_gateway_kind, in->egress_only_internet_gateway_id, &item, &done))
        return done;
    r = ec2_item_delete(c->store, "egress-only-internet-gateway", item->id);
    if (r == 0)
        r = ec2_untag(c, "egress-only-internet-gateway", item->id);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}
