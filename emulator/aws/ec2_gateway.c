/* Internet gateways. Source: Amazon EC2 API Reference, CreateInternetGateway,
 * AttachInternetGateway, DetachInternetGateway. */
#include "aws/ec2.h"

static int list_gateways(struct call *c, struct str id, void **ret_first)
{
    return gateway_list(c->store, c->arena, c->account, c->region, id,
                        (struct gateway **)ret_first);
}

static int show_gateway(struct call *c, const void *row, void *view)
{
    const struct gateway *g = row;
    struct ec2_internet_gateway *v = view;
    int r = 0;

    v->internet_gateway_id = g->id;
    v->owner_id = g->account;
    v->attachments.at = arena_alloc(c->arena, sizeof *v->attachments.at);
    if (g->vpc.n > 0)
        v->attachments.at[v->attachments.n++] =
            (struct ec2_internet_gateway_attachment){S("available"), g->vpc};
    v->tags.at = ec2_tags(c, "internet-gateway", g->id, &v->tags.n, &r);
    return r;
}

static const struct ec2_filter_row gateway_filters[] = {
    {"attachment.state",    "attachmentSet.state"},
    {"attachment.vpc-id",   "attachmentSet.vpcId"},
    {"internet-gateway-id", "internetGatewayId"  },
    {"owner-id",            "ownerId"            },
};

const struct ec2_kind ec2_internet_gateway_kind = {
    .type = "internet-gateway",
    .prefix = "igw",
    .missing = "InvalidInternetGatewayID.NotFound",
    .noun = "internetGateway ID",
    .ids = "internetGatewayId",
    .view = &ec2_internet_gateway_shape,
    EC2_FILTERS(gateway_filters),
    .list = list_gateways,
    .show = show_gateway,
};

struct done ec2_describe_internet_gateways(struct call *c, const void *input)
{
    return ec2_describe(c, input, &ec2_internet_gateway_kind);
}

struct done ec2_create_internet_gateway(struct call *c, const void *input)
{
    const struct ec2_create_internet_gateway_request *in = input;
    struct gateway g = {.id = ec2_id(c, "igw"), .account = c->account, .region = c->region};
    struct ec2_create_internet_gateway_result out = {0};
    struct done done;
    int r = ec2_insert(c->store, &gateway_table, &g, g.id);

    if (r < 0)
        return call_fail(c, r);
    if (!ec2_tag_new(c, in->tag_specifications.at, in->tag_specifications.n, "internet-gateway",
                     g.id, &done))
        return done;
    out.internet_gateway = ec2_view_of(c, &ec2_internet_gateway_kind, &g, &done);
    return out.internet_gateway == NULL ? done : call_reply(c, &out);
}

struct done ec2_attach_internet_gateway(struct call *c, const void *input)
{
    const struct ec2_attach_internet_gateway_request *in = input;
    struct gateway *g, *other = NULL;
    struct vpc *vpc;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_internet_gateway_kind, in->internet_gateway_id, &g, &done) ||
        !ec2_need(c, &ec2_vpc_kind, in->vpc_id, &vpc, &done))
        return done;
    if (g->vpc.n > 0)
        return ec2_fault(c, "Resource.AlreadyAssociated",
                         "resource %.*s is already attached to network %.*s", STR_ARG(g->id),
                         STR_ARG(g->vpc));
    r = gateway_list(c->store, c->arena, c->account, c->region, (struct str){0}, &other);
    for (; r == 0 && other != NULL; other = other->next)
        if (str_eq(other->vpc, vpc->id))
            return ec2_fault(c, "InvalidParameterValue",
                             "Network %.*s already has an internet gateway attached",
                             STR_ARG(vpc->id));
    if (r == 0)
        r = gateway_attach(c->store, g->id, vpc->id);
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}

/* Whether an interface of the VPC has a public address. */
static int has_public_address(struct call *c, struct str vpc, bool *ret_has)
{
    struct network_interface *eni = NULL;
    int r = interface_list(c->store, c->arena, c->account, c->region, (struct str){0}, &eni);

    *ret_has = false;
    for (; eni != NULL; eni = eni->next)
        *ret_has = *ret_has || (str_eq(eni->vpc, vpc) && eni->public_address.n > 0);
    return r;
}

struct done ec2_detach_internet_gateway(struct call *c, const void *input)
{
    const struct ec2_detach_internet_gateway_request *in = input;
    struct gateway *g;
    bool mapped = false;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_internet_gateway_kind, in->internet_gateway_id, &g, &done))
        return done;
    if (!str_eq(g->vpc, in->vpc_id) || g->vpc.n == 0)
        return ec2_fault(c, "Gateway.NotAttached", "resource %.*s is not attached to network %.*s",
                         STR_ARG(g->id), STR_ARG(in->vpc_id));
    r = has_public_address(c, g->vpc, &mapped);
    if (r == 0 && mapped)
        return ec2_fault(c, "DependencyViolation",
                         "Network %.*s has some mapped public address(es). Please unmap those "
                         "public address(es) before detaching the gateway.",
                         STR_ARG(g->vpc));
    if (r == 0)
        r = gateway_attach(c->store, g->id, (struct str){0});
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}

struct done ec2_delete_internet_gateway(struct call *c, const void *input)
{
    const struct ec2_delete_internet_gateway_request *in = input;
    struct gateway *g;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_internet_gateway_kind, in->internet_gateway_id, &g, &done))
        return done;
    if (g->vpc.n > 0)
        return ec2_fault(c, "DependencyViolation",
                         "The internetGateway '%.*s' has dependencies and cannot be deleted.",
                         STR_ARG(g->id));
    r = gateway_delete(c->store, g->id);
    if (r == 0)
        r = ec2_untag(c, "internet-gateway", g->id);
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}
