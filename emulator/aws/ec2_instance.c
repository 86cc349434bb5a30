/* Instances as they are shown, and their attributes.
 * Source: Amazon EC2 API Reference, DescribeInstances, DescribeInstanceStatus,
 * ModifyInstanceAttribute, ModifyInstanceMetadataOptions. */
#include "aws/ec2.h"

#include "store/iam.h"
#include "store/setting.h"

/* --- the view -------------------------------------------------------------------------------- */

static int list_instances(struct call *c, struct str id, void **ret_first)
{
    return instance_list(c->store, c->arena, c->account, c->region, id,
                         (struct instance **)ret_first);
}

const struct ec2_instance_state *ec2_state(struct call *c, int64_t code)
{
    static const struct {
        int64_t code;
        const char *name;
    } names[] = {
        {INSTANCE_PENDING,       "pending"      },
        {INSTANCE_RUNNING,       "running"      },
        {INSTANCE_SHUTTING_DOWN, "shutting-down"},
        {INSTANCE_TERMINATED,    "terminated"   },
        {INSTANCE_STOPPING,      "stopping"     },
        {INSTANCE_STOPPED,       "stopped"      },
    };
    struct ec2_instance_state *state = arena_alloc(c->arena, sizeof *state);

    state->code = OPT_INT(code);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].code == code)
            state->name = str_c(names[i].name);
    return state;
}

static const struct ec2_instance_network_interface_association *
shown_association(struct call *c, const struct ec2_network_interface *eni)
{
    struct ec2_instance_network_interface_association *a = arena_alloc(c->arena, sizeof *a);

    if (eni->association == NULL)
        return NULL;
    a->ip_owner_id = eni->association->ip_owner_id;
    a->public_dns_name = eni->association->public_dns_name;
    a->public_ip = eni->association->public_ip;
    return a;
}

static struct ec2_instance_network_interface
shown_interface(struct call *c, const struct ec2_network_interface *eni, int64_t launched)
{
    struct ec2_instance_network_interface_attachment *a = arena_alloc(c->arena, sizeof *a);
    struct ec2_instance_network_interface v = {
        .association = shown_association(c, eni),
        .attachment = a,
        .description = eni->description,
        .mac_address = eni->mac_address,
        .network_interface_id = eni->network_interface_id,
        .owner_id = eni->owner_id,
        .private_dns_name = eni->private_dns_name,
        .private_ip_address = eni->private_ip_address,
        .source_dest_check = eni->source_dest_check,
        .status = eni->status,
        .subnet_id = eni->subnet_id,
        .vpc_id = eni->vpc_id,
        .interface_type = eni->interface_type,
    };

    if (eni->attachment != NULL) {
        a->attachment_id = eni->attachment->attachment_id;
        a->device_index = eni->attachment->device_index;
        a->delete_on_termination = eni->attachment->delete_on_termination;
        a->attach_time =
            eni->attachment->attach_time.set ? eni->attachment->attach_time : OPT_INT(launched);
    }
    a->status = S("attached");
    a->network_card_index = OPT_INT(0);
    v.groups.at = eni->groups.at;
    v.groups.n = eni->groups.n;
    v.ipv6_addresses.at = arena_alloc(c->arena, sizeof *v.ipv6_addresses.at);
    v.private_ip_addresses.at =
        arena_array(c->arena, eni->private_ip_addresses.n + 1, sizeof *v.private_ip_addresses.at);
    for (size_t i = 0; i < eni->private_ip_addresses.n; i++)
        v.private_ip_addresses.at[v.private_ip_addresses.n++] =
            (struct ec2_instance_private_ip_address){
                .primary = eni->private_ip_addresses.at[i].primary,
                .private_dns_name = eni->private_ip_addresses.at[i].private_dns_name,
                .private_ip_address = eni->private_ip_addresses.at[i].private_ip_address,
                .association = eni->private_ip_addresses.at[i].primary.v ? v.association : NULL,
            };
    return v;
}

/* Interfaces, and what the instance shows of its first one. */
static int show_interfaces(struct call *c, const struct instance *i, struct ec2_instance *v)
{
    struct network_interface *first = NULL;
    size_t n = 0;
    int r = interface_list_by_instance(c->store, c->arena, i->id, &first);

    for (const struct network_interface *eni = first; eni != NULL; eni = eni->next)
        n++;
    v->network_interfaces.at = arena_array(c->arena, n + 1, sizeof *v->network_interfaces.at);
    v->security_groups.at = arena_alloc(c->arena, sizeof *v->security_groups.at);
    for (const struct network_interface *eni = first; r == 0 && eni != NULL; eni = eni->next) {
        struct ec2_network_interface view = {0};

        r = ec2_show_interface(c, eni, &view);
        v->network_interfaces.at[v->network_interfaces.n++] =
            shown_interface(c, &view, i->launched);
        if (eni->device_index != 0)
            continue;
        v->private_ip_address = eni->address;
        v->public_ip_address = eni->public_address;
        v->source_dest_check = view.source_dest_check;
        if (eni->public_address.n > 0)
            v->public_dns_name = ec2_public_name(c, eni->public_address);
        v->security_groups.at = view.groups.at;
        v->security_groups.n = view.groups.n;
    }
    return r;
}

static const struct ec2_instance_metadata_options_response *
metadata(struct call *c, const struct ec2_instance_metadata_options_response *set)
{
    struct ec2_instance_metadata_options_response *o = arena_alloc(c->arena, sizeof *o);

    *o = (struct ec2_instance_metadata_options_response){
        .state = S("applied"),
        .http_tokens = S("optional"),
        .http_put_response_hop_limit = OPT_INT(2),
        .http_endpoint = S("enabled"),
        .http_protocol_ipv6 = S("disabled"),
        .instance_metadata_tags = S("disabled"),
    };
    return set != NULL ? set : o;
}

static const struct ec2_iam_instance_profile *profile(struct call *c, struct str arn)
{
    struct ec2_iam_instance_profile *p = arena_alloc(c->arena, sizeof *p);
    struct iam_profile *row = NULL;
    size_t slash = str_rchr(arn, '/');

    if (arn.n == 0)
        return NULL;
    p->arn = arn;
    p->id = S("AIPAELBOWNODEGROUP00000");
    if (slash != STR_NONE &&
        iam_profile_find(c->store, c->arena, c->account, str_from(arn, slash + 1), &row) == 0 &&
        row != NULL)
        p->id = row->id;
    return p;
}

static int show_instance(struct call *c, const void *row, void *view)
{
    const struct instance *i = row;
    struct ec2_instance *v = view;
    struct ec2_placement *placement = arena_alloc(c->arena, sizeof *placement);
    struct ec2_monitoring *monitoring = arena_alloc(c->arena, sizeof *monitoring);
    bool gone = i->state == INSTANCE_TERMINATED;
    int r = 0;

    if (i->settings.n > 0)
        *v =
            *(const struct ec2_instance *)document_read(c->arena, &ec2_instance_shape, i->settings);
    if (v->placement != NULL)
        *placement = *v->placement;
    placement->availability_zone = i->zone;
    placement->availability_zone_id = ec2_zone_id(c, i->zone);
    if (placement->tenancy.n == 0)
        placement->tenancy = S("default");
    placement->group_name = ec2_shown(placement->group_name);
    monitoring->state = S("disabled");
    v->instance_id = i->id;
    v->image_id = i->image;
    v->state = ec2_state(c, i->state);
    v->private_dns_name = gone ? S("") : i->private_dns;
    v->public_dns_name = S("");
    v->state_transition_reason = ec2_shown(v->state_transition_reason);
    v->key_name = i->key_name;
    if (!v->ami_launch_index.set)
        v->ami_launch_index = OPT_INT(0);
    v->instance_type = i->type;
    v->launch_time = OPT_INT(i->launched);
    v->placement = placement;
    if (v->monitoring == NULL)
        v->monitoring = monitoring;
    v->architecture = S("x86_64");
    v->hypervisor = S("xen");
    v->virtualization_type = S("hvm");
    v->root_device_name = S("/dev/xvda");
    v->root_device_type = S("ebs");
    v->platform_details = S("Linux/UNIX");
    v->usage_operation = S("RunInstances");
    if (!v->ebs_optimized.set)
        v->ebs_optimized = OPT_BOOL(false);
    v->ena_support = OPT_BOOL(true);
    v->client_token = ec2_shown(i->token);
    v->product_codes.at = arena_alloc(c->arena, sizeof *v->product_codes.at);
    if (v->block_device_mappings.at == NULL)
        v->block_device_mappings.at = arena_alloc(c->arena, sizeof *v->block_device_mappings.at);
    v->network_interfaces.at = arena_alloc(c->arena, sizeof *v->network_interfaces.at);
    v->security_groups.at = arena_alloc(c->arena, sizeof *v->security_groups.at);
    if (!gone) {
        v->subnet_id = i->subnet;
        v->vpc_id = i->vpc;
        v->iam_instance_profile = profile(c, i->profile);
        v->metadata_options = metadata(c, v->metadata_options);
        r = show_interfaces(c, i, v);
    }
    v->tags.at = ec2_tags(c, "instance", i->id, &v->tags.n, &r);
    return r;
}

static const struct ec2_filter_row instance_filters[] = {
    {"architecture",                                   "architecture"                                     },
    {"availability-zone",                              "placement.availabilityZone"                       },
    {"availability-zone-id",                           "placement.availabilityZoneId"                     },
    {"client-token",                                   "clientToken"                                      },
    {"dns-name",                                       "dnsName"                                          },
    {"group-id",                                       "groupSet.groupId"                                 },
    {"group-name",                                     "groupSet.groupName"                               },
    {"hypervisor",                                     "hypervisor"                                       },
    {"iam-instance-profile.arn",                       "iamInstanceProfile.arn"                           },
    {"iam-instance-profile.id",                        "iamInstanceProfile.id"                            },
    {"image-id",                                       "imageId"                                          },
    {"instance-id",                                    "instanceId"                                       },
    {"instance-lifecycle",                             "instanceLifecycle"                                },
    {"instance-state-code",                            "instanceState.code"                               },
    {"instance-state-name",                            "instanceState.name"                               },
    {"instance-type",                                  "instanceType"                                     },
    {"instance.group-id",                              "groupSet.groupId"                                 },
    {"instance.group-name",                            "groupSet.groupName"                               },
    {"ip-address",                                     "ipAddress"                                        },
    {"key-name",                                       "keyName"                                          },
    {"launch-index",                                   "amiLaunchIndex"                                   },
    {"launch-time",                                    "launchTime"                                       },
    {"metadata-options.http-endpoint",                 "metadataOptions.httpEndpoint"                     },
    {"metadata-options.http-tokens",                   "metadataOptions.httpTokens"                       },
    {"monitoring-state",                               "monitoring.state"                                 },
    {"network-interface.addresses.private-ip-address",
     "networkInterfaceSet.privateIpAddressesSet.privateIpAddress"                                         },
    {"network-interface.addresses.primary",            "networkInterfaceSet.privateIpAddressesSet.primary"},
    {"network-interface.association.public-ip",        "networkInterfaceSet.association.publicIp"         },
    {"network-interface.attachment.attachment-id",     "networkInterfaceSet.attachment.attachmentId"      },
    {"network-interface.attachment.device-index",      "networkInterfaceSet.attachment.deviceIndex"       },
    {"network-interface.attachment.status",            "networkInterfaceSet.attachment.status"            },
    {"network-interface.availability-zone",            "placement.availabilityZone"                       },
    {"network-interface.description",                  "networkInterfaceSet.description"                  },
    {"network-interface.group-id",                     "networkInterfaceSet.groupSet.groupId"             },
    {"network-interface.group-name",                   "networkInterfaceSet.groupSet.groupName"           },
    {"network-interface.mac-address",                  "networkInterfaceSet.macAddress"                   },
    {"network-interface.network-interface-id",         "networkInterfaceSet.networkInterfaceId"           },
    {"network-interface.owner-id",                     "networkInterfaceSet.ownerId"                      },
    {"network-interface.private-dns-name",             "networkInterfaceSet.privateDnsName"               },
    {"network-interface.private-ip-address",           "networkInterfaceSet.privateIpAddress"             },
    {"network-interface.source-dest-check",            "networkInterfaceSet.sourceDestCheck"              },
    {"network-interface.status",                       "networkInterfaceSet.status"                       },
    {"network-interface.subnet-id",                    "networkInterfaceSet.subnetId"                     },
    {"network-interface.vpc-id",                       "networkInterfaceSet.vpcId"                        },
    {"owner-id",                                       "networkInterfaceSet.ownerId"                      },
    {"placement-group-name",                           "placement.groupName"                              },
    {"platform",                                       "platform"                                         },
    {"platform-details",                               "platformDetails"                                  },
    {"private-dns-name",                               "privateDnsName"                                   },
    {"private-ip-address",                             "privateIpAddress"                                 },
    {"reason",                                         "reason"                                           },
    {"root-device-name",                               "rootDeviceName"                                   },
    {"root-device-type",                               "rootDeviceType"                                   },
    {"source-dest-check",                              "sourceDestCheck"                                  },
    {"state-reason-code",                              "stateReason.code"                                 },
    {"subnet-id",                                      "subnetId"                                         },
    {"tenancy",                                        "placement.tenancy"                                },
    {"virtualization-type",                            "virtualizationType"                               },
    {"vpc-id",                                         "vpcId"                                            },
};

const struct ec2_kind ec2_instance_kind = {
    .type = "instance",
    .prefix = "i",
    .missing = "InvalidInstanceID.NotFound",
    .malformed = "InvalidInstanceID.Malformed",
    .noun = "instance ID",
    .ids = "InstanceId",
    .view = &ec2_instance_shape,
    EC2_FILTERS(instance_filters),
    .list = list_instances,
    .show = show_instance,
};

/* The reservation of an instance that is shown. */
static struct str reservation_of(struct call *c, struct str id)
{
    struct instance *i = NULL;

    return instance_list(c->store, c->arena, c->account, c->region, id, &i) == 0 && i != NULL
               ? i->reservation
               : (struct str){0};
}

/* Instances of one reservation stand together. */
struct done ec2_describe_instances(struct call *c, const void *input)
{
    struct ec2_describe_instances_result out = {0};
    struct ec2_instance *all;
    struct ec2_views views;
    struct done done;

    if (!ec2_collect(c, input, &ec2_instance_kind, &views, &done))
        return done;
    all = views.at;
    out.reservations.at = arena_array(c->arena, views.n + 1, sizeof *out.reservations.at);
    for (size_t i = 0; i < views.n; i++) {
        struct str id = reservation_of(c, all[i].instance_id);
        struct ec2_reservation *r = &out.reservations.at[out.reservations.n];

        if (out.reservations.n > 0 && str_eq(r[-1].reservation_id, id)) {
            r[-1].instances.n++;
            continue;
        }
        r->reservation_id = id;
        r->owner_id = c->account;
        r->groups.at = arena_alloc(c->arena, sizeof *r->groups.at);
        r->instances.at = &all[i]; /* its instances are neighbours */
        r->instances.n = 1;
        out.reservations.n++;
    }
    out.next_token = views.next;
    return call_reply(c, &out);
}

/* --- status ---------------------------------------------------------------------------------- */

static const struct ec2_instance_status_summary *summary(struct call *c, bool running)
{
    struct ec2_instance_status_summary *s = arena_alloc(c->arena, sizeof *s);

    s->details.at = arena_alloc(c->arena, sizeof *s->details.at);
    s->status = running ? S("ok") : S("not-applicable");
    if (running)
        s->details.at[s->details.n++] =
            (struct ec2_instance_status_details){.name = S("reachability"), .status = S("passed")};
    return s;
}

static int show_status(struct call *c, const void *row, void *view)
{
    const struct instance *i = row;
    struct ec2_instance_status *v = view;

    v->instance_id = i->id;
    v->availability_zone = i->zone;
    v->availability_zone_id = ec2_zone_id(c, i->zone);
    v->instance_state = ec2_state(c, i->state);
    v->instance_status = summary(c, i->state == INSTANCE_RUNNING);
    v->system_status = summary(c, i->state == INSTANCE_RUNNING);
    return 0;
}

static const struct ec2_filter_row status_filters[] = {
    {"availability-zone",            "availabilityZone"             },
    {"instance-state-code",          "instanceState.code"           },
    {"instance-state-name",          "instanceState.name"           },
    {"instance-status.reachability", "instanceStatus.details.status"},
    {"instance-status.status",       "instanceStatus.status"        },
    {"system-status.reachability",   "systemStatus.details.status"  },
    {"system-status.status",         "systemStatus.status"          },
};

static const struct ec2_kind status_kind = {
    .prefix = "i",
    .missing = "InvalidInstanceID.NotFound",
    .malformed = "InvalidInstanceID.Malformed",
    .noun = "instance ID",
    .ids = "InstanceId",
    .view = &ec2_instance_status_shape,
    EC2_FILTERS(status_filters),
    .list = list_instances,
    .show = show_status,
};

/* Without a wish for all of them, the running ones only. */
struct done ec2_describe_instance_status(struct call *c, const void *input)
{
    const struct ec2_describe_instance_status_request *in = input;
    struct ec2_describe_instance_status_result out = {0};
    struct ec2_instance_status *all;
    struct ec2_views views;
    struct done done;

    if (!ec2_collect(c, input, &status_kind, &views, &done))
        return done;
    all = views.at;
    out.instance_statuses.at = arena_array(c->arena, views.n + 1, sizeof *all);
    for (size_t i = 0; i < views.n; i++)
        if (in->include_all_instances.v || all[i].instance_state->code.v == INSTANCE_RUNNING)
            out.instance_statuses.at[out.instance_statuses.n++] = all[i];
    out.next_token = views.next;
    return call_reply(c, &out);
}

/* --- attributes ------------------------------------------------------------------------------ */

/* What the API only keeps: switches that stand in no view. */
static struct str switch_name(struct call *c, struct str instance, const char *attribute)
{
    return arena_printf(c->arena, "ec2/instance/%.*s/%s", STR_ARG(instance), attribute);
}

static int set_groups(struct call *c, const struct instance *i, const struct str_list *groups)
{
    struct network_interface *eni = NULL;
    int r = interface_list_by_instance(c->store, c->arena, i->id, &eni);

    while (eni != NULL && eni->device_index != 0)
        eni = eni->next;
    return r < 0 || eni == NULL ? r
                                : interface_set_groups(c->store, eni->id, groups->at, groups->n);
}

static int set_source_check(struct call *c, const struct instance *i, bool on)
{
    struct network_interface *eni = NULL;
    int r = interface_list_by_instance(c->store, c->arena, i->id, &eni);
    struct ec2_network_interface *kept;

    while (eni != NULL && eni->device_index != 0)
        eni = eni->next;
    if (r < 0 || eni == NULL)
        return r;
    kept = document_read(c->arena, &ec2_network_interface_shape, eni->settings);
    kept->source_dest_check = OPT_BOOL(on);
    eni->settings = document_write(c->arena, &ec2_network_interface_shape, kept);
    return interface_update(c->store, eni);
}

/* Attribute by name, with its value as text: the old form of the call. */
static void use_old_form(struct call *c, struct ec2_modify_instance_attribute_request *in)
{
    struct ec2_attribute_boolean_value *truth = arena_alloc(c->arena, sizeof *truth);
    struct ec2_attribute_value *text = arena_alloc(c->arena, sizeof *text);

    truth->value = OPT_BOOL(str_is(in->value, "true"));
    text->value = in->value;
    if (str_is(in->attribute, "sourceDestCheck"))
        in->source_dest_check = truth;
    else if (str_is(in->attribute, "disableApiTermination"))
        in->disable_api_termination = truth;
    else if (str_is(in->attribute, "ebsOptimized"))
        in->ebs_optimized = truth;
    else if (str_is(in->attribute, "instanceType"))
        in->instance_type = text;
    else if (str_is(in->attribute, "instanceInitiatedShutdownBehavior"))
        in->instance_initiated_shutdown_behavior = text;
}

struct done ec2_modify_instance_attribute(struct call *c, const void *input)
{
    struct ec2_modify_instance_attribute_request in =
        *(const struct ec2_modify_instance_attribute_request *)input;
    struct ec2_instance *kept;
    struct str_list groups;
    struct instance *i;
    struct done done;
    int r = 0;

    if (!ec2_need(c, &ec2_instance_kind, in.instance_id, &i, &done))
        return done;
    use_old_form(c, &in);
    kept = document_read(c->arena, &ec2_instance_shape, i->settings);
    if (in.instance_type != NULL && i->state != INSTANCE_STOPPED)
        return ec2_fault(c, "IncorrectInstanceState",
                         "The instance '%.*s' is not in the 'stopped' "
                         "state.",
                         STR_ARG(i->id));
    if (in.groups.n > 0 && !ec2_groups_hold(c, &in.groups, i->vpc, &groups, &done))
        return done;
    if (in.groups.n > 0)
        r = set_groups(c, i, &groups);
    if (r == 0 && in.source_dest_check != NULL)
        r = set_source_check(c, i, in.source_dest_check->value.v);
    if (in.instance_type != NULL)
        i->type = in.instance_type->value;
    if (in.user_data != NULL)
        i->user_data = in.user_data->value;
    if (in.ebs_optimized != NULL)
        kept->ebs_optimized = in.ebs_optimized->value;
    i->settings = document_write(c->arena, &ec2_instance_shape, kept);
    if (r == 0)
        r = instance_update(c->store, i);
    if (r == 0 && in.disable_api_termination != NULL)
        r = setting_put(c->store, switch_name(c, i->id, "disableApiTermination"),
                        in.disable_api_termination->value.v ? S("true") : S("false"));
    if (r == 0 && in.disable_api_stop != NULL)
        r = setting_put(c->store, switch_name(c, i->id, "disableApiStop"),
                        in.disable_api_stop->value.v ? S("true") : S("false"));
    if (r == 0 && in.instance_initiated_shutdown_behavior != NULL)
        r = setting_put(c->store, switch_name(c, i->id, "instanceInitiatedShutdownBehavior"),
                        in.instance_initiated_shutdown_behavior->value);
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}

int ec2_instance_switch(struct call *c, struct str id, const char *attribute, struct str *ret_value)
{
    return setting_get(c->store, c->arena, switch_name(c, id, attribute), ret_value);
}

struct done ec2_modify_instance_metadata_options(struct call *c, const void *input)
{
    const struct ec2_modify_instance_metadata_options_request *in = input;
    struct ec2_modify_instance_metadata_options_result out = {.instance_id = in->instance_id};
    struct ec2_instance_metadata_options_response *options = arena_alloc(c->arena, sizeof *options);
    struct ec2_instance *kept;
    struct instance *i;
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_instance_kind, in->instance_id, &i, &done))
        return done;
    kept = document_read(c->arena, &ec2_instance_shape, i->settings);
    *options = *metadata(c, kept->metadata_options);
    if (in->http_tokens.n > 0)
        options->http_tokens = in->http_tokens;
    if (in->http_put_response_hop_limit.set)
        options->http_put_response_hop_limit = in->http_put_response_hop_limit;
    if (in->http_endpoint.n > 0)
        options->http_endpoint = in->http_endpoint;
    if (in->http_protocol_ipv6.n > 0)
        options->http_protocol_ipv6 = in->http_protocol_ipv6;
    if (in->instance_metadata_tags.n > 0)
        options->instance_metadata_tags = in->instance_metadata_tags;
    kept->metadata_options = options;
    i->settings = document_write(c->arena, &ec2_instance_shape, kept);
    r = instance_update(c->store, i);
    out.instance_metadata_options = options;
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}
