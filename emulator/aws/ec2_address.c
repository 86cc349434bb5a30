/* Elastic addresses. Source: Amazon EC2 API Reference, AllocateAddress, AssociateAddress,
 * ReleaseAddress. */
#include "aws/ec2.h"

#include "store/ec2_address.h"

/* A row's parent is the interface that has the address. */
static int list_addresses(struct call *c, struct str id, void **ret_first)
{
    return ec2_item_list(c->store, c->arena, "elastic-ip", c->account, c->region, id,
                         (struct ec2_item **)ret_first);
}

static int show_address(struct call *c, const void *row, void *view)
{
    const struct ec2_item *item = row;
    struct ec2_address *v = view;
    int r = 0;

    *v = *(const struct ec2_address *)document_read(c->arena, &ec2_address_shape, item->document);
    v->tags.at = ec2_tags(c, "elastic-ip", item->id, &v->tags.n, &r);
    return r;
}

static const struct ec2_filter_row address_filters[] = {
    {"allocation-id",              "allocationId"           },
    {"association-id",             "associationId"          },
    {"domain",                     "domain"                 },
    {"instance-id",                "instanceId"             },
    {"network-border-group",       "networkBorderGroup"     },
    {"network-interface-id",       "networkInterfaceId"     },
    {"network-interface-owner-id", "networkInterfaceOwnerId"},
    {"private-ip-address",         "privateIpAddress"       },
    {"public-ip",                  "publicIp"               },
};

const struct ec2_kind ec2_address_kind = {
    .type = "elastic-ip",
    .prefix = "eipalloc",
    .missing = "InvalidAllocationID.NotFound",
    .noun = "allocation ID",
    .ids = "AllocationId",
    .view = &ec2_address_shape,
    EC2_FILTERS(address_filters),
    .list = list_addresses,
    .show = show_address,
};

/* By the address itself. */
static bool need_by_address(struct call *c, struct str public_ip, struct ec2_item **ret_item,
                            struct done *ret_done)
{
    int r = ec2_item_find_by_name(c->store, c->arena, "elastic-ip", c->account, c->region,
                                  public_ip, ret_item);

    if (r < 0)
        return ec2_failed(c, r, ret_done);
    return *ret_item != NULL || ec2_refuse(c, ret_done, "InvalidAddress.NotFound",
                                           "Address '%.*s' not found.", STR_ARG(public_ip));
}

/* Addresses may be asked for by themselves, too. */
struct done ec2_describe_addresses(struct call *c, const void *input)
{
    struct ec2_describe_addresses_request in =
        *(const struct ec2_describe_addresses_request *)input;
    struct str_list ids = {
        arena_array(c->arena, in.allocation_ids.n + in.public_ips.n + 1, sizeof(struct str)), 0};
    struct done done;

    for (size_t i = 0; i < in.allocation_ids.n; i++)
        ids.at[ids.n++] = in.allocation_ids.at[i];
    for (size_t i = 0; i < in.public_ips.n; i++) {
        struct ec2_item *item = NULL;

        if (!need_by_address(c, in.public_ips.at[i], &item, &done))
            return done;
        ids.at[ids.n++] = item->id;
    }
    in.allocation_ids = ids;
    return ec2_describe(c, &in, &ec2_address_kind);
}

struct done ec2_describe_addresses_attribute(struct call *c, const void *input)
{
    const struct ec2_describe_addresses_attribute_request *in = input;
    struct ec2_describe_addresses_attribute_result out = {0};

    if (in->attribute.n > 0 && !str_is(in->attribute, "domain-name"))
        return ec2_fault(c, "InvalidParameterValue", "Invalid value '%.*s' for attribute.",
                         STR_ARG(in->attribute));
    out.addresses.at = arena_array(c->arena, in->allocation_ids.n + 1, sizeof *out.addresses.at);
    for (size_t i = 0; i < in->allocation_ids.n; i++) {
        struct ec2_item *item;
        struct done done;

        if (!ec2_need(c, &ec2_address_kind, in->allocation_ids.at[i], &item, &done))
            return done;
        out.addresses.at[out.addresses.n++] =
            (struct ec2_address_attribute){.public_ip = item->name, .allocation_id = item->id};
    }
    return call_reply(c, &out);
}

struct done ec2_allocate_address(struct call *c, const void *input)
{
    const struct ec2_allocate_address_request *in = input;
    struct ec2_address a = {
        .allocation_id = ec2_id(c, "eipalloc"),
        .public_ip = public_address_make(c->store, c->arena),
        .domain = S("vpc"),
        .public_ipv4_pool = S("amazon"),
        .network_border_group = c->region,
    };
    struct ec2_item item = {.kind = S("elastic-ip"),
                            .id = a.allocation_id,
                            .account = c->account,
                            .region = c->region,
                            .name = a.public_ip,
                            .document = document_write(c->arena, &ec2_address_shape, &a)};
    struct ec2_allocate_address_result out = {
        .allocation_id = a.allocation_id,
        .public_ip = a.public_ip,
        .domain = a.domain,
        .public_ipv4_pool = a.public_ipv4_pool,
        .network_border_group = a.network_border_group,
    };
    struct done done;
    int r;

    if (in->domain.n > 0 && !str_is(in->domain, "vpc") && !str_is(in->domain, "standard"))
        return ec2_fault(c, "InvalidParameterValue", "Invalid value '%.*s' for domain.",
                         STR_ARG(in->domain));
    r = ec2_item_insert(c->store, &item);
    if (r < 0)
        return call_fail(c, r);
    if (!ec2_tag_new(c, in->tag_specifications.at, in->tag_specifications.n, "elastic-ip", item.id,
                     &done))
        return done;
    return call_reply(c, &out);
}

static bool need_address(struct call *c, struct str id, struct str public_ip,
                         struct ec2_item **ret_item, struct done *ret_done)
{
    if (id.n > 0)
        return ec2_need(c, &ec2_address_kind, id, ret_item, ret_done);
    if (public_ip.n > 0)
        return need_by_address(c, public_ip, ret_item, ret_done);
    return ec2_refuse(c, ret_done, "MissingParameter",
                      "Either public IP or allocation id must be specified");
}

struct done ec2_release_address(struct call *c, const void *input)
{
    const struct ec2_release_address_request *in = input;
    struct ec2_item *item = NULL;
    struct done done;
    int r;

    if (!need_address(c, in->allocation_id, in->public_ip, &item, &done))
        return done;
    if (item->parent.n > 0)
        return ec2_fault(c, "InvalidIPAddress.InUse", "Address %.*s is in use.",
                         STR_ARG(item->name));
    r = ec2_item_delete(c->store, "elastic-ip", item->id);
    if (r == 0)
        r = ec2_untag(c, "elastic-ip", item->id);
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}

/* --- on interfaces --------------------------------------------------------------------------- */

int ec2_address_join(struct call *c, struct ec2_item *item, struct network_interface *eni)
{
    struct ec2_address *a = document_read(c->arena, &ec2_address_shape, item->document);
    int r;

    a->association_id = ec2_id(c, "eipassoc");
    a->network_interface_id = eni->id;
    a->network_interface_owner_id = c->account;
    a->private_ip_address = eni->address;
    a->instance_id = eni->instance;
    item->parent = eni->id;
    item->document = document_write(c->arena, &ec2_address_shape, a);
    eni->public_address = item->name;
    r = ec2_item_update(c->store, item);
    return r < 0 ? r : interface_update(c->store, eni);
}

int ec2_address_part(struct call *c, struct ec2_item *item)
{
    struct ec2_address *a = document_read(c->arena, &ec2_address_shape, item->document);
    struct network_interface *eni = NULL;
    int r = item->parent.n > 0 ? interface_find(c->store, c->arena, item->parent, &eni) : 0;

    a->association_id = a->network_interface_id = a->network_interface_owner_id =
        a->private_ip_address = a->instance_id = (struct str){0};
    item->parent = (struct str){0};
    item->document = document_write(c->arena, &ec2_address_shape, a);
    if (r == 0)
        r = ec2_item_update(c->store, item);
    if (r < 0 || eni == NULL)
        return r;
    eni->public_address = (struct str){0};
    return interface_update(c->store, eni);
}

/* The interface, or the instance's first one. */
static bool need_place(struct call *c, const struct ec2_associate_address_request *in,
                       struct network_interface **ret_eni, struct done *ret_done)
{
    struct instance *i;
    int r;

    if (in->network_interface_id.n > 0)
        return ec2_need(c, &ec2_network_interface_kind, in->network_interface_id, ret_eni,
                        ret_done);
    if (in->instance_id.n == 0)
        return ec2_refuse(c, ret_done, "MissingParameter",
                          "Either instance ID or network interface id must be specified");
    if (!ec2_need(c, &ec2_instance_kind, in->instance_id, &i, ret_done))
        return false;
    r = interface_list_by_instance(c->store, c->arena, i->id, ret_eni);
    if (r < 0)
        return ec2_failed(c, r, ret_done);
    while (*ret_eni != NULL && (*ret_eni)->device_index != 0)
        *ret_eni = (*ret_eni)->next;
    return *ret_eni != NULL || ec2_refuse(c, ret_done, "InvalidInstanceID",
                                          "The instance '%.*s' has no interface.", STR_ARG(i->id));
}

struct done ec2_associate_address(struct call *c, const void *input)
{
    const struct ec2_associate_address_request *in = input;
    struct ec2_associate_address_result out = {0};
    struct network_interface *eni = NULL;
    struct ec2_item *item = NULL;
    const struct ec2_address *a;
    struct done done;
    int r = 0;

    if (!need_address(c, in->allocation_id, in->public_ip, &item, &done) ||
        !need_place(c, in, &eni, &done))
        return done;
    if (item->parent.n > 0 && !str_eq(item->parent, eni->id) && !in->allow_reassociation.v)
        return ec2_fault(c, "Resource.AlreadyAssociated",
                         "resource %.*s is already associated with associate-id %.*s",
                         STR_ARG(item->id),
                         STR_ARG(((const struct ec2_address *)document_read(
                                      c->arena, &ec2_address_shape, item->document))
                                     ->association_id));
    if (item->parent.n > 0)
        r = ec2_address_part(c, item);
    if (r == 0)
        r = ec2_address_join(c, item, eni);
    a = document_read(c->arena, &ec2_address_shape, item->document);
    out.association_id = a->association_id;
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

struct done ec2_disassociate_address(struct call *c, const void *input)
{
    const struct ec2_disassociate_address_request *in = input;
    struct ec2_item *item = NULL;
    struct done done;
    int r;

    if (in->public_ip.n > 0) {
        if (!need_by_address(c, in->public_ip, &item, &done))
            return done;
    } else {
        r = ec2_item_list(c->store, c->arena, "elastic-ip", c->account, c->region, (struct str){0},
                          &item);
        if (r < 0)
            return call_fail(c, r);
        while (item != NULL && !str_eq(((const struct ec2_address *)document_read(
                                            c->arena, &ec2_address_shape, item->document))
                                           ->association_id,
                                       in->association_id))
            item = item->next;
        if (item == NULL)
            return ec2_fault(c, "InvalidAssociationID.NotFound",
                             "The association ID '%.*s' does not exist",
                             STR_ARG(in->association_id));
    }
    r = ec2_address_part(c, item);
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}
