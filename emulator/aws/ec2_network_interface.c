/* Network interfaces: those of nodes, pods, load balancers, control planes, and people's own.
 * Source: Amazon EC2 API Reference, DescribeNetworkInterfaces, ModifyNetworkInterfaceAttribute,
 * CreateNetworkInterface; reference section 5.6. */
#include "aws/ec2.h"

#include <errno.h>

#include "aws/cidr.h"
#include "store/ec2_address.h"
#include "store/ec2_group.h"

/* --- the view -------------------------------------------------------------------------------- */

static int list_interfaces(struct call *c, struct str id, void **ret_first)
{
    return interface_list(c->store, c->arena, c->account, c->region, id,
                          (struct network_interface **)ret_first);
}

static struct str dashed(struct call *c, struct str address)
{
    char *text = arena_cstr(c->arena, address);

    for (char *at = text; *at != '\0'; at++)
        *at = *at == '.' ? '-' : *at;
    return str_c(text);
}

struct str ec2_private_name(struct call *c, struct str address)
{
    struct str region = str_is(c->region, "us-east-1")
                            ? S("ec2.internal")
                            : arena_printf(c->arena, "%.*s.compute.internal", STR_ARG(c->region));

    return arena_printf(c->arena, "ip-%.*s.%.*s", STR_ARG(dashed(c, address)), STR_ARG(region));
}

struct str ec2_public_name(struct call *c, struct str address)
{
    struct str region =
        str_is(c->region, "us-east-1")
            ? S("compute-1.amazonaws.com")
            : arena_printf(c->arena, "%.*s.compute.amazonaws.com", STR_ARG(c->region));

    return arena_printf(c->arena, "ec2-%.*s.%.*s", STR_ARG(dashed(c, address)), STR_ARG(region));
}

/* The elastic address on an interface, or NULL. */
static const struct ec2_address *elastic_address(struct call *c, const struct network_interface *i)
{
    struct ec2_item *item = NULL;

    if (ec2_item_list_of_parent(c->store, c->arena, "elastic-ip", i->id, &item) < 0 || item == NULL)
        return NULL;
    return document_read(c->arena, &ec2_address_shape, item->document);
}

static const struct ec2_network_interface_association *
association(struct call *c, const struct network_interface *i)
{
    struct ec2_network_interface_association *a = arena_alloc(c->arena, sizeof *a);
    const struct ec2_address *elastic = elastic_address(c, i);

    if (i->public_address.n == 0)
        return NULL;
    a->public_ip = i->public_address;
    a->public_dns_name = ec2_public_name(c, i->public_address);
    a->ip_owner_id = elastic != NULL ? c->account : i->requester.n > 0 ? i->requester : S("amazon");
    if (elastic != NULL) {
        a->allocation_id = elastic->allocation_id;
        a->association_id = elastic->association_id;
    }
    return a;
}

static const struct ec2_network_interface_attachment *
attachment(struct call *c, const struct network_interface *i,
           const struct ec2_network_interface_attachment *set)
{
    struct ec2_network_interface_attachment *a = arena_alloc(c->arena, sizeof *a);

    if (i->attachment.n == 0)
        return NULL;
    a->attachment_id = i->attachment;
    a->instance_id = i->instance;
    a->instance_owner_id = i->attachment_owner.n > 0 ? i->attachment_owner : c->account;
    a->device_index = OPT_INT(i->device_index);
    a->network_card_index = OPT_INT(0);
    a->status = S("attached");
    if (i->attached > 0)
        a->attach_time = OPT_INT(i->attached);
    /* What came with its instance goes with it. */
    a->delete_on_termination = set != NULL && set->delete_on_termination.set
                                   ? set->delete_on_termination
                                   : OPT_BOOL(i->instance.n > 0 && i->device_index == 0);
    return a;
}

static int show_addresses(struct call *c, const struct network_interface *i,
                          struct ec2_network_interface *v)
{
    struct private_address *first = NULL;
    size_t n = 0;
    int r = private_address_list(c->store, c->arena, i->id, &first);

    for (const struct private_address *a = first; a != NULL; a = a->next)
        n++;
    v->private_ip_addresses.at = arena_array(c->arena, n + 1, sizeof *v->private_ip_addresses.at);
    for (const struct private_address *a = first; a != NULL; a = a->next)
        v->private_ip_addresses.at[v->private_ip_addresses.n++] =
            (struct ec2_network_interface_private_ip_address){
                .primary = OPT_BOOL(a->is_primary),
                .private_ip_address = a->address,
                .private_dns_name = ec2_private_name(c, a->address),
                .association = a->is_primary ? v->association : NULL,
            };
    return r;
}

int ec2_show_interface(struct call *c, const struct network_interface *i,
                       struct ec2_network_interface *v)
{
    const struct ec2_network_interface *kept =
        document_read(c->arena, &ec2_network_interface_shape, i->settings);
    int r;

    v->network_interface_id = i->id;
    v->subnet_id = i->subnet;
    v->vpc_id = i->vpc;
    v->availability_zone = i->zone;
    v->description = ec2_shown(i->description);
    v->owner_id = i->account;
    v->requester_id = i->requester;
    v->requester_managed = OPT_BOOL(i->managed);
    v->status = i->attachment.n > 0 || i->managed ? S("in-use") : S("available");
    v->interface_type = i->type;
    v->mac_address = i->mac;
    v->private_ip_address = i->address;
    v->private_dns_name = ec2_private_name(c, i->address);
    v->source_dest_check = kept->source_dest_check.set
                               ? kept->source_dest_check
                               : OPT_BOOL(!str_is(i->type, "nat_gateway") &&
                                          !str_is(i->type, "network_load_balancer"));
    v->association = association(c, i);
    v->attachment = attachment(c, i, kept->attachment);
    v->ipv6_addresses.at = arena_alloc(c->arena, sizeof *v->ipv6_addresses.at);
    v->groups.at = NULL;
    r = show_addresses(c, i, v);
    v->groups.at = ec2_groups_of(c, i->id, &v->groups.n, &r);
    v->tag_set.at = ec2_tags(c, "network-interface", i->id, &v->tag_set.n, &r);
    return r;
}

static int show_interface(struct call *c, const void *row, void *view)
{
    return ec2_show_interface(c, row, view);
}

static const struct ec2_filter_row interface_filters[] = {
    {"addresses.association.owner-id",   "privateIpAddressesSet.association.ipOwnerId"},
    {"addresses.association.public-ip",  "privateIpAddressesSet.association.publicIp" },
    {"addresses.primary",                "privateIpAddressesSet.primary"              },
    {"addresses.private-ip-address",     "privateIpAddressesSet.privateIpAddress"     },
    {"association.allocation-id",        "association.allocationId"                   },
    {"association.association-id",       "association.associationId"                  },
    {"association.ip-owner-id",          "association.ipOwnerId"                      },
    {"association.public-dns-name",      "association.publicDnsName"                  },
    {"association.public-ip",            "association.publicIp"                       },
    {"attachment.attach-time",           "attachment.attachTime"                      },
    {"attachment.attachment-id",         "attachment.attachmentId"                    },
    {"attachment.delete-on-termination", "attachment.deleteOnTermination"             },
    {"attachment.device-index",          "attachment.deviceIndex"                     },
    {"attachment.instance-id",           "attachment.instanceId"                      },
    {"attachment.instance-owner-id",     "attachment.instanceOwnerId"                 },
    {"attachment.status",                "attachment.status"                          },
    {"availability-zone",                "availabilityZone"                           },
    {"description",                      "description"                                },
    {"group-id",                         "groupSet.groupId"                           },
    {"group-name",                       "groupSet.groupName"                         },
    {"interface-type",                   "interfaceType"                              },
    {"mac-address",                      "macAddress"                                 },
    {"network-interface-id",             "networkInterfaceId"                         },
    {"owner-id",                         "ownerId"                                    },
    {"private-dns-name",                 "privateDnsName"                             },
    {"private-ip-address",               "privateIpAddress"                           },
    {"requester-id",                     "requesterId"                                },
    {"requester-managed",                "requesterManaged"                           },
    {"source-dest-check",                "sourceDestCheck"                            },
    {"status",                           "status"                                     },
    {"subnet-id",                        "subnetId"                                   },
    {"vpc-id",                           "vpcId"                                      },
};

const struct ec2_kind ec2_network_interface_kind = {
    .type = "network-interface",
    .prefix = "eni",
    .missing = "InvalidNetworkInterfaceID.NotFound",
    .malformed = "InvalidNetworkInterfaceId.Malformed",
    .noun = "networkInterface ID",
    .ids = "NetworkInterfaceId",
    .view = &ec2_network_interface_shape,
    EC2_FILTERS(interface_filters),
    .list = list_interfaces,
    .show = show_interface,
};

struct done ec2_describe_network_interfaces(struct call *c, const void *input)
{
    return ec2_describe(c, input, &ec2_network_interface_kind);
}

/* --- changing -------------------------------------------------------------------------------- */

/* One's own interface; what a service made is the service's. */
static bool need_own(struct call *c, struct str id, struct network_interface **ret_interface,
                     struct done *ret_done)
{
    return ec2_need(c, &ec2_network_interface_kind, id, ret_interface, ret_done) &&
           (!(*ret_interface)->managed ||
            ec2_refuse(
                c, ret_done, "OperationNotPermitted",
                "You are not allowed to manage '%.*s' attachments.",
                STR_ARG((*ret_interface)->attachment.n > 0 ? (*ret_interface)->attachment : id)));
}

struct done ec2_modify_network_interface_attribute(struct call *c, const void *input)
{
    const struct ec2_modify_network_interface_attribute_request *in = input;
    struct ec2_network_interface_attachment *how = arena_alloc(c->arena, sizeof *how);
    struct ec2_network_interface *kept;
    struct network_interface *i;
    struct str_list groups;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_network_interface_kind, in->network_interface_id, &i, &done))
        return done;
    if (in->groups.n == 0 && in->description == NULL && in->source_dest_check == NULL &&
        in->attachment == NULL)
        return ec2_fault(c, "InvalidParameterCombination", "No attributes specified.");
    if (i->managed)
        return ec2_fault(c, "AuthFailure",
                         "You do not have permission to access the specified resource.");
    kept = document_read(c->arena, &ec2_network_interface_shape, i->settings);
    if (in->description != NULL)
        i->description = in->description->value;
    if (in->source_dest_check != NULL)
        kept->source_dest_check = in->source_dest_check->value;
    if (in->attachment != NULL && in->attachment->delete_on_termination.set) {
        how->delete_on_termination = in->attachment->delete_on_termination;
        kept->attachment = how;
    }
    i->settings = document_write(c->arena, &ec2_network_interface_shape, kept);
    r = interface_update(c->store, i);
    if (r < 0)
        return call_fail(c, r);
    if (in->groups.n > 0) {
        if (!ec2_groups_hold(c, &in->groups, i->vpc, &groups, &done))
            return done;
        r = interface_set_groups(c->store, i->id, groups.at, groups.n);
    }
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}

struct done ec2_describe_network_interface_attribute(struct call *c, const void *input)
{
    const struct ec2_describe_network_interface_attribute_request *in = input;
    struct ec2_describe_network_interface_attribute_result out = {0};
    struct ec2_attribute_boolean_value check;
    struct ec2_attribute_value description;
    const struct ec2_network_interface *v;
    struct network_interface *i;
    struct done done;

    if (!ec2_need(c, &ec2_network_interface_kind, in->network_interface_id, &i, &done))
        return done;
    v = ec2_view_of(c, &ec2_network_interface_kind, i, &done);
    if (v == NULL)
        return done;
    out.network_interface_id = i->id;
    check.value = v->source_dest_check;
    description.value = v->description;
    if (str_is(in->attribute, "description"))
        out.description = &description;
    else if (str_is(in->attribute, "sourceDestCheck"))
        out.source_dest_check = &check;
    else if (str_is(in->attribute, "attachment"))
        out.attachment = v->attachment;
    else if (str_is(in->attribute, "groupSet")) {
        out.groups.at = v->groups.at;
        out.groups.n = v->groups.n;
    } else
        return ec2_fault(c, "InvalidParameterCombination", "No attributes specified.");
    return call_reply(c, &out);
}

/* --- making and deleting --------------------------------------------------------------------- */

/* An address that is asked for lies in the subnet, and nobody has it. */
bool ec2_address_holds(struct call *c, const struct subnet *s, struct str address,
                       struct done *ret_done)
{
    if (address.n == 0)
        return true;
    if (!cidr_has(s->cidr, address))
        return ec2_refuse(c, ret_done, "InvalidParameterValue",
                          "Address %.*s does not fall within the subnet's address range",
                          STR_ARG(address));
    return true;
}

/* The errors of taking an address. */
bool ec2_address_failed(struct call *c, int r, struct str address, struct done *ret_done)
{
    if (r == -ENOSPC)
        return ec2_refuse(c, ret_done, "InsufficientFreeAddressesInSubnet",
                          "The specified subnet does not have enough free addresses to satisfy the "
                          "request.");
    if (r == -EEXIST)
        return ec2_refuse(c, ret_done, "InvalidIPAddress.InUse", "Address %.*s is in use.",
                          STR_ARG(address));
    return r < 0 ? ec2_failed(c, r, ret_done) : true;
}

static bool take_more(struct call *c, const struct subnet *s, struct network_interface *i,
                      const struct str_list *wanted, int64_t count, struct str_list *ret_taken,
                      struct done *ret_done)
{
    size_t n = wanted->n + (size_t)(count > 0 ? count : 0);

    *ret_taken = (struct str_list){arena_array(c->arena, n + 1, sizeof(struct str)), 0};
    for (size_t k = 0; k < n; k++) {
        struct str address = k < wanted->n ? wanted->at[k] : (struct str){0};
        int r;

        if (!ec2_address_holds(c, s, address, ret_done))
            return false;
        r = address.n > 0
                ? private_address_take_this(c->store, s, i->id, false, S(""), address)
                : private_address_take(c->store, c->arena, s, i->id, false, S(""), &address);
        if (!ec2_address_failed(c, r, address, ret_done))
            return false;
        ret_taken->at[ret_taken->n++] = address;
    }
    return true;
}

struct done ec2_create_network_interface(struct call *c, const void *input)
{
    const struct ec2_create_network_interface_request *in = input;
    struct network_interface i = {.description = in->description,
                                  .address = in->private_ip_address};
    struct ec2_create_network_interface_result out = {.client_token = in->client_token};
    struct str_list groups, more, taken;
    struct subnet *s;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_subnet_kind, in->subnet_id, &s, &done) ||
        !ec2_groups_hold(c, &in->groups, s->vpc, &groups, &done))
        return done;
    more = (struct str_list){
        arena_array(c->arena, in->private_ip_addresses.n + 1, sizeof(struct str)), 0};
    for (size_t k = 0; k < in->private_ip_addresses.n; k++)
        if (in->private_ip_addresses.at[k].primary.v)
            i.address = in->private_ip_addresses.at[k].private_ip_address;
        else
            more.at[more.n++] = in->private_ip_addresses.at[k].private_ip_address;
    if (!ec2_address_holds(c, s, i.address, &done))
        return done;
    r = interface_make(c->store, c->arena, s, &i, groups.at, groups.n);
    if (!ec2_address_failed(c, r, i.address, &done) ||
        !take_more(c, s, &i, &more, in->secondary_private_ip_address_count.v, &taken, &done) ||
        !ec2_tag_new(c, in->tag_specifications.at, in->tag_specifications.n, "network-interface",
                     i.id, &done))
        return done;
    out.network_interface = ec2_view_of(c, &ec2_network_interface_kind, &i, &done);
    return out.network_interface == NULL ? done : call_reply(c, &out);
}

struct done ec2_delete_network_interface(struct call *c, const void *input)
{
    const struct ec2_delete_network_interface_request *in = input;
    struct network_interface *i;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_network_interface_kind, in->network_interface_id, &i, &done))
        return done;
    if (i->attachment.n > 0 || i->managed)
        return ec2_fault(c, "InvalidParameterValue",
                         "Network interface '%.*s' is currently in use.", STR_ARG(i->id));
    r = interface_delete(c->store, i->id);
    if (r == 0)
        r = ec2_untag(c, "network-interface", i->id);
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}

/* --- attaching ------------------------------------------------------------------------------- */

struct done ec2_attach_network_interface(struct call *c, const void *input)
{
    const struct ec2_attach_network_interface_request *in = input;
    struct ec2_attach_network_interface_result out = {.attachment_id = ec2_id(c, "eni-attach"),
                                                      .network_card_index = OPT_INT(0)};
    struct network_interface *i, *other = NULL;
    struct instance *instance;
    struct done done;
    int r;

    if (!need_own(c, in->network_interface_id, &i, &done) ||
        !ec2_need(c, &ec2_instance_kind, in->instance_id, &instance, &done))
        return done;
    if (i->attachment.n > 0)
        return ec2_fault(c, "InvalidNetworkInterface.InUse", "Interface: [%.*s] in use.",
                         STR_ARG(i->id));
    if (instance->state != INSTANCE_RUNNING && instance->state != INSTANCE_STOPPED)
        return ec2_fault(c, "IncorrectState", "Instance '%.*s' is not 'running' or 'stopped'.",
                         STR_ARG(instance->id));
    if (!str_eq(instance->zone, i->zone))
        return ec2_fault(c, "InvalidParameterCombination",
                         "You may not attach a network interface to an instance if they are not in "
                         "the same availability zone");
    r = interface_list_by_instance(c->store, c->arena, instance->id, &other);
    for (; r == 0 && other != NULL; other = other->next)
        if (other->device_index == in->device_index.v)
            return ec2_fault(c, "InvalidParameterValue",
                             "Instance '%.*s' already has an interface attached at device index "
                             "'%lld'.",
                             STR_ARG(instance->id), (long long)in->device_index.v);
    i->instance = instance->id;
    i->attachment = out.attachment_id;
    i->attachment_owner = c->account;
    i->device_index = in->device_index.v;
    i->attached = c->now;
    if (r == 0)
        r = interface_update(c->store, i);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

struct done ec2_detach_network_interface(struct call *c, const void *input)
{
    const struct ec2_detach_network_interface_request *in = input;
    struct network_interface *i = NULL;
    int r = interface_list(c->store, c->arena, c->account, c->region, (struct str){0}, &i);

    while (i != NULL && !str_eq(i->attachment, in->attachment_id))
        i = i->next;
    if (r < 0)
        return call_fail(c, r);
    if (i == NULL || in->attachment_id.n == 0)
        return ec2_fault(c, "InvalidAttachmentID.NotFound", "Attachment '%.*s' does not exist.",
                         STR_ARG(in->attachment_id));
    if (i->managed)
        return ec2_fault(c, "OperationNotPermitted",
                         "You are not allowed to manage '%.*s' attachments.",
                         STR_ARG(in->attachment_id));
    if (i->device_index == 0)
        return ec2_fault(c, "OperationNotPermitted",
                         "The network interface at device index 0 cannot be detached.");
    i->instance = i->attachment = i->attachment_owner = (struct str){0};
    i->device_index = i->attached = 0;
    r = interface_update(c->store, i);
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}

/* --- secondary addresses --------------------------------------------------------------------- */

struct done ec2_assign_private_ip_addresses(struct call *c, const void *input)
{
    const struct ec2_assign_private_ip_addresses_request *in = input;
    struct ec2_assign_private_ip_addresses_result out = {.network_interface_id =
                                                             in->network_interface_id};
    struct network_interface *i;
    struct subnet *s;
    struct str_list taken;
    struct done done;

    if (!ec2_need(c, &ec2_network_interface_kind, in->network_interface_id, &i, &done) ||
        !ec2_need(c, &ec2_subnet_kind, i->subnet, &s, &done) ||
        !take_more(c, s, i, &in->private_ip_addresses, in->secondary_private_ip_address_count.v,
                   &taken, &done))
        return done;
    out.assigned_private_ip_addresses.at =
        arena_array(c->arena, taken.n + 1, sizeof *out.assigned_private_ip_addresses.at);
    for (size_t k = 0; k < taken.n; k++)
        out.assigned_private_ip_addresses.at[out.assigned_private_ip_addresses.n++]
            .private_ip_address = taken.at[k];
    return call_reply(c, &out);
}

struct done ec2_unassign_private_ip_addresses(struct call *c, const void *input)
{
    const struct ec2_unassign_private_ip_addresses_request *in = input;
    struct private_address *have = NULL;
    struct network_interface *i;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_network_interface_kind, in->network_interface_id, &i, &done))
        return done;
    r = private_address_list(c->store, c->arena, i->id, &have);
    for (size_t k = 0; r == 0 && k < in->private_ip_addresses.n; k++) {
        const struct private_address *found = have;

        while (found != NULL && !str_eq(found->address, in->private_ip_addresses.at[k]))
            found = found->next;
        if (found == NULL || found->is_primary)
            return ec2_fault(c, "InvalidParameterValue",
                             "Some of [%.*s] are not assigned to interface %.*s",
                             STR_ARG(in->private_ip_addresses.at[k]), STR_ARG(i->id));
        r = private_address_delete_one(c->store, i->id, found->address);
    }
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}
