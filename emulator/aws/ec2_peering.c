/* VPC peering. Source: Amazon EC2 API Reference, CreateVpcPeeringConnection; Amazon VPC Peering
 * Guide, "VPC peering connection lifecycle". */
#include "aws/ec2.h"

#include "aws/cidr.h"

static int list_peerings(struct call *c, struct str id, void **ret_first)
{
    return ec2_item_list(c->store, c->arena, "vpc-peering-connection", c->account, c->region, id,
                         (struct ec2_item **)ret_first);
}

static int show_peering(struct call *c, const void *row, void *view)
{
    const struct ec2_item *item = row;
    struct ec2_vpc_peering_connection *v = view;
    int r = 0;

    *v = *(const struct ec2_vpc_peering_connection *)document_read(
        c->arena, &ec2_vpc_peering_connection_shape, item->document);
    v->tags.at = ec2_tags(c, "vpc-peering-connection", item->id, &v->tags.n, &r);
    return r;
}

static const struct ec2_filter_row peering_filters[] = {
    {"accepter-vpc-info.cidr-block",  "accepterVpcInfo.cidrBlock" },
    {"accepter-vpc-info.owner-id",    "accepterVpcInfo.ownerId"   },
    {"accepter-vpc-info.vpc-id",      "accepterVpcInfo.vpcId"     },
    {"requester-vpc-info.cidr-block", "requesterVpcInfo.cidrBlock"},
    {"requester-vpc-info.owner-id",   "requesterVpcInfo.ownerId"  },
    {"requester-vpc-info.vpc-id",     "requesterVpcInfo.vpcId"    },
    {"status-code",                   "status.code"               },
    {"status-message",                "status.message"            },
    {"vpc-peering-connection-id",     "vpcPeeringConnectionId"    },
};

const struct ec2_kind ec2_peering_kind = {
    .type = "vpc-peering-connection",
    .prefix = "pcx",
    .missing = "InvalidVpcPeeringConnectionID.NotFound",
    .malformed = "InvalidVpcPeeringConnectionId.Malformed",
    .noun = "vpcPeeringConnection ID",
    .ids = "VpcPeeringConnectionId",
    .view = &ec2_vpc_peering_connection_shape,
    EC2_FILTERS(peering_filters),
    .list = list_peerings,
    .show = show_peering,
};

struct done ec2_describe_vpc_peering_connections(struct call *c, const void *input)
{
    return ec2_describe(c, input, &ec2_peering_kind);
}

bool ec2_vpcs_are_peered(struct call *c, struct str one, struct str other)
{
    struct ec2_item *item = NULL;

    if (ec2_item_list(c->store, c->arena, "vpc-peering-connection", c->account, c->region,
                      (struct str){0}, &item) < 0)
        return false;
    for (; item != NULL; item = item->next) {
        const struct ec2_vpc_peering_connection *v =
            document_read(c->arena, &ec2_vpc_peering_connection_shape, item->document);
        struct str from = v->requester_vpc_info->vpc_id, to = v->accepter_vpc_info->vpc_id;

        if (str_is(v->status->code, "active") &&
            ((str_eq(from, one) && str_eq(to, other)) || (str_eq(from, other) && str_eq(to, one))))
            return true;
    }
    return false;
}

static struct ec2_vpc_peering_connection_vpc_info *side(struct call *c, const struct vpc *vpc)
{
    struct ec2_vpc_peering_connection_vpc_info *info = arena_alloc(c->arena, sizeof *info);
    struct ec2_vpc_peering_connection_options_description *options =
        arena_alloc(c->arena, sizeof *options);

    options->allow_dns_resolution_from_remote_vpc = OPT_BOOL(false);
    options->allow_egress_from_local_classic_link_to_remote_vpc = OPT_BOOL(false);
    options->allow_egress_from_local_vpc_to_remote_classic_link = OPT_BOOL(false);
    info->cidr_block = vpc->cidr;
    info->owner_id = vpc->account;
    info->region = vpc->region;
    info->vpc_id = vpc->id;
    info->peering_options = options;
    info->cidr_block_set.at = arena_alloc(c->arena, sizeof *info->cidr_block_set.at);
    info->cidr_block_set.at[0].cidr_block = vpc->cidr;
    info->cidr_block_set.n = 1;
    return info;
}

static struct ec2_vpc_peering_connection_state_reason *state(struct call *c, const char *code,
                                                             struct str message)
{
    struct ec2_vpc_peering_connection_state_reason *s = arena_alloc(c->arena, sizeof *s);

    s->code = str_c(code);
    s->message = message;
    return s;
}

struct done ec2_create_vpc_peering_connection(struct call *c, const void *input)
{
    const struct ec2_create_vpc_peering_connection_request *in = input;
    struct ec2_create_vpc_peering_connection_result out = {0};
    struct ec2_vpc_peering_connection v = {
        .vpc_peering_connection_id = ec2_id(c, "pcx"),
        .expiration_time = OPT_INT(c->now + INT64_C(7) * 24 * 3600 * 1000),
    };
    struct ec2_item item = {.kind = S("vpc-peering-connection"),
                            .id = v.vpc_peering_connection_id,
                            .account = c->account,
                            .region = c->region,
                            .parent = in->vpc_id};
    struct vpc *from, *to = NULL;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_vpc_kind, in->vpc_id, &from, &done))
        return done;
    r = in->peer_vpc_id.n > 0
            ? vpc_list(c->store, c->arena, in->peer_owner_id.n > 0 ? in->peer_owner_id : c->account,
                       in->peer_region.n > 0 ? in->peer_region : c->region, in->peer_vpc_id, &to)
            : 0;
    if (r < 0)
        return call_fail(c, r);
    if (to == NULL)
        return ec2_fault(c, "InvalidVpcID.NotFound", "The vpc ID '%.*s' does not exist",
                         STR_ARG(in->peer_vpc_id));
    v.requester_vpc_info = side(c, from);
    v.accepter_vpc_info = side(c, to);
    v.status =
        cidr_overlaps(from->cidr, to->cidr)
            ? state(c, "failed",
                    arena_printf(c->arena, "Failed due to incorrect VPC-ID, Account ID, or "
                                           "overlapping CIDR range"))
            : state(c, "pending-acceptance",
                    arena_printf(c->arena, "Pending Acceptance by %.*s", STR_ARG(to->account)));
    item.document = document_write(c->arena, &ec2_vpc_peering_connection_shape, &v);
    r = ec2_item_insert(c->store, &item);
    if (r < 0)
        return call_fail(c, r);
    if (!ec2_tag_new(c, in->tag_specifications.at, in->tag_specifications.n,
                     "vpc-peering-connection", item.id, &done))
        return done;
    out.vpc_peering_connection = ec2_view_of(c, &ec2_peering_kind, &item, &done);
    return out.vpc_peering_connection == NULL ? done : call_reply(c, &out);
}

/* Moves a connection that waits for it (or any, when @from is NULL) to another state. */
static struct done move(struct call *c, struct str id, const char *from, const char *to,
                        const char *message, bool shows)
{
    struct ec2_accept_vpc_peering_connection_result out = {0};
    struct ec2_vpc_peering_connection *v;
    struct ec2_item *item;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_peering_kind, id, &item, &done))
        return done;
    v = document_read(c->arena, &ec2_vpc_peering_connection_shape, item->document);
    if (from != NULL && !str_is(v->status->code, from))
        return ec2_fault(c, "InvalidStateTransition",
                         "Invalid state transition for %.*s, attempted to transition from %.*s to "
                         "%s",
                         STR_ARG(id), STR_ARG(v->status->code), to);
    v->status = state(c, to, str_c(message));
    v->expiration_time = (struct opt_int){0};
    item->document = document_write(c->arena, &ec2_vpc_peering_connection_shape, v);
    r = ec2_item_update(c->store, item);
    if (r < 0)
        return call_fail(c, r);
    if (!shows)
        return ec2_true(c);
    out.vpc_peering_connection = ec2_view_of(c, &ec2_peering_kind, item, &done);
    return out.vpc_peering_connection == NULL ? done : call_reply(c, &out);
}

struct done ec2_accept_vpc_peering_connection(struct call *c, const void *input)
{
    const struct ec2_accept_vpc_peering_connection_request *in = input;

    return move(c, in->vpc_peering_connection_id, "pending-acceptance", "active", "Active", true);
}

struct done ec2_reject_vpc_peering_connection(struct call *c, const void *input)
{
    const struct ec2_reject_vpc_peering_connection_request *in = input;

    return move(c, in->vpc_peering_connection_id, "pending-acceptance", "rejected", "Inactive",
                false);
}

struct done ec2_delete_vpc_peering_connection(struct call *c, const void *input)
{
    const struct ec2_delete_vpc_peering_connection_request *in = input;

    return move(c, in->vpc_peering_connection_id, NULL, "deleted", "Deleted", false);
}
