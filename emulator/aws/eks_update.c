/* Changes of a cluster's configuration and version, and the record of all updates. An update has
 * come to its end by the time its call is answered; the answer still says InProgress.
 * Source: Amazon EKS API Reference, UpdateClusterConfig, UpdateClusterVersion, DescribeUpdate. */
#include "aws/eks.h"

/* --- the record ------------------------------------------------------------------------------ */

struct done eks_updated(struct call *c, const struct cluster *row, struct str parent,
                        const char *type, const struct eks_update_param *params, size_t n)
{
    struct eks_update update = {
        .id = ids_uuid(c->ids, c->arena),
        .status = S("Successful"),
        .type = str_c(type),
        .created_at = OPT_INT(c->now),
    };
    struct eks_update_cluster_config_response out = {.update = &update};
    struct eks_item item = {
        .cluster = row->name, .kind = S("update"), .name = update.id, .parent = parent};
    int r;

    update.params.at = arena_array(c->arena, n + 1, sizeof *params);
    for (size_t i = 0; i < n; i++)
        if (params[i].value.n > 0)
            update.params.at[update.params.n++] = params[i];
    update.errors.at = arena_alloc(c->arena, sizeof *update.errors.at);
    item.document = document_write(c->arena, &eks_update_shape, &update);
    r = eks_item_insert(c->store, &item);
    update.status = S("InProgress");
    return r < 0 ? call_fail(c, r) : call_reply(c, &out); /* every update answers alike */
}

/* "node group/ng-1" or "addon/coredns": what an update was of; empty for the cluster. */
static struct str parent_of(struct call *c, struct str nodegroup, struct str addon)
{
    return nodegroup.n > 0 ? arena_printf(c->arena, "nodegroup/%.*s", STR_ARG(nodegroup))
           : addon.n > 0   ? arena_printf(c->arena, "addon/%.*s", STR_ARG(addon))
                           : S("");
}

struct done eks_list_updates(struct call *c, const void *input)
{
    const struct eks_list_updates_request *in = input;
    struct str parent = parent_of(c, in->nodegroup_name, in->addon_name), *names;
    struct eks_item *first = NULL;
    struct cluster *row = NULL;
    struct done done;
    size_t n = 0;
    int r;

    if (!eks_need_cluster(c, in->name, &row, &done))
        return done;
    r = eks_item_list(c->store, c->arena, row->name, S("update"), S(""), &first);
    if (r < 0)
        return call_fail(c, r);
    for (const struct eks_item *i = first; i != NULL; i = i->next)
        n++;
    names = arena_array(c->arena, n + 1, sizeof *names);
    n = 0;
    for (const struct eks_item *i = first; i != NULL; i = i->next)
        if (str_eq(i->parent, parent))
            names[n++] = i->name;
    return eks_reply_names(c, in->next_token, in->max_results, (struct str_list){names, n});
}

struct done eks_describe_update(struct call *c, const void *input)
{
    const struct eks_describe_update_request *in = input;
    struct str parent = parent_of(c, in->nodegroup_name, in->addon_name);
    struct eks_describe_update_response out = {0};
    struct eks_item *item = NULL;
    struct cluster *row = NULL;
    struct done done;
    int r;

    if (!eks_need_cluster(c, in->name, &row, &done))
        return done;
    r = eks_item_list(c->store, c->arena, row->name, S("update"), in->update_id, &item);
    if (r < 0)
        return call_fail(c, r);
    if (item == NULL || !str_eq(item->parent, parent))
        return call_fault(c, &eks_resource_not_found_exception, "No update found for ID: %.*s",
                          STR_ARG(in->update_id));
    out.update = document_read(c->arena, &eks_update_shape, item->document);
    return call_reply(c, &out);
}

/* --- configuration --------------------------------------------------------------------------- */

enum change { VPC, LOGGING, ACCESS, UPGRADE, ZONAL, COMPUTE, REMOTE, PROTECTION, SCALING, CHANGES };

/* Which of the parts the request has; exactly one is allowed, but that compute, storage and
 * network of Auto Mode go together. */
static size_t parts_of(const struct eks_update_cluster_config_request *in, enum change *ret_change)
{
    const bool has[CHANGES] = {
        [VPC] = in->resources_vpc_config != NULL,
        [LOGGING] = in->logging != NULL,
        [ACCESS] = in->access_config != NULL,
        [UPGRADE] = in->upgrade_policy != NULL,
        [ZONAL] = in->zonal_shift_config != NULL,
        [COMPUTE] = in->compute_config != NULL || in->storage_config != NULL ||
                    in->kubernetes_network_config != NULL,
        [REMOTE] = in->remote_network_config != NULL,
        [PROTECTION] = in->deletion_protection.set,
        [SCALING] = in->control_plane_scaling_config != NULL,
    };
    size_t n = 0;

    for (size_t i = 0; i < CHANGES; i++)
        if (has[i]) {
            *ret_change = (enum change)i;
            n++;
        }
    return n;
}

static struct str truth(bool value)
{
    return value ? S("true") : S("false");
}

static const char *merge_vpc(struct call *c, const struct eks_vpc_config_request *in,
                             struct cluster *row, struct eks_cluster *kept,
                             struct eks_update_param *params, size_t *ret_n)
{
    struct eks_vpc_config_response *set = arena_alloc(c->arena, sizeof *set);
    bool moves = in->subnet_ids.n > 0 || in->security_group_ids.n > 0;

    if (kept->resources_vpc_config != NULL)
        *set = *kept->resources_vpc_config;
    if (in->endpoint_public_access.set)
        set->endpoint_public_access = in->endpoint_public_access;
    if (in->endpoint_private_access.set)
        set->endpoint_private_access = in->endpoint_private_access;
    if (in->public_access_cidrs.n > 0)
        set->public_access_cidrs = in->public_access_cidrs;
    if (in->subnet_ids.n > 0)
        row->subnets = words_join(c->arena, &in->subnet_ids);
    if (in->security_group_ids.n > 0)
        row->security_groups = words_join(c->arena, &in->security_group_ids);
    kept->resources_vpc_config = set;
    if (moves) {
        params[0] = (struct eks_update_param){S("SubnetIds"), row->subnets};
        params[1] = (struct eks_update_param){S("SecurityGroups"), row->security_groups};
        *ret_n = 2;
        return "VpcConfigUpdate";
    }
    params[0] = (struct eks_update_param){
        S("EndpointPublicAccess"),
        truth(!set->endpoint_public_access.set || set->endpoint_public_access.v)};
    params[1] = (struct eks_update_param){S("EndpointPrivateAccess"),
                                          truth(set->endpoint_private_access.v)};
    params[2] = (struct eks_update_param){
        S("PublicAccessCidrs"), set->public_access_cidrs.n > 0
                                    ? document_write_list(c->arena, &set->public_access_cidrs)
                                    : S("[\"0.0.0.0/0\"]")};
    *ret_n = 3;
    return "EndpointAccessUpdate";
}

/* The kinds of log that @in names keep its word; the others stay as they were. */
static const struct eks_logging *merge_logging(struct call *c, const struct eks_logging *old,
                                               const struct eks_logging *in)
{
    struct eks_logging *both = arena_alloc(c->arena, sizeof *both);
    size_t before = old != NULL ? old->cluster_logging.n : 0;

    both->cluster_logging.at =
        arena_array(c->arena, before + in->cluster_logging.n + 1, sizeof(struct eks_log_setup));
    for (size_t i = 0; i < before; i++)
        both->cluster_logging.at[both->cluster_logging.n++] = old->cluster_logging.at[i];
    for (size_t i = 0; i < in->cluster_logging.n; i++)
        both->cluster_logging.at[both->cluster_logging.n++] = in->cluster_logging.at[i];
    return both; /* the last word counts when it is shown */
}

static const char *merge(struct call *c, const struct eks_update_cluster_config_request *in,
                         enum change change, struct cluster *row, struct eks_cluster *kept,
                         struct eks_update_param *params, size_t *ret_n)
{
    struct arena *a = c->arena;

    *ret_n = 1;
    switch (change) {
    case VPC:
        return merge_vpc(c, in->resources_vpc_config, row, kept, params, ret_n);
    case LOGGING:
        kept->logging = merge_logging(c, kept->logging, in->logging);
        params[0] = (struct eks_update_param){S("ClusterLogging"),
                                              document_write(a, &eks_logging_shape, in->logging)};
        return "LoggingUpdate";
    case ACCESS:
        row->authentication = in->access_config->authentication_mode;
        params[0] = (struct eks_update_param){S("AuthenticationMode"), row->authentication};
        return "AccessConfigUpdate";
    case UPGRADE:
        kept->upgrade_policy =
            document_convert(a, &eks_upgrade_policy_request_shape, in->upgrade_policy,
                             &eks_upgrade_policy_response_shape);
        params[0] =
            (struct eks_update_param){S("UpgradePolicy"), kept->upgrade_policy->support_type};
        return "UpgradePolicyUpdate";
    case ZONAL:
        kept->zonal_shift_config =
            document_convert(a, &eks_zonal_shift_config_request_shape, in->zonal_shift_config,
                             &eks_zonal_shift_config_response_shape);
        params[0] = (struct eks_update_param){S("ZonalShiftConfig"),
                                              truth(in->zonal_shift_config->enabled.v)};
        return "ZonalShiftConfigUpdate";
    case COMPUTE:
        if (in->compute_config != NULL)
            kept->compute_config =
                document_convert(a, &eks_compute_config_request_shape, in->compute_config,
                                 &eks_compute_config_response_shape);
        if (in->storage_config != NULL)
            kept->storage_config =
                document_convert(a, &eks_storage_config_request_shape, in->storage_config,
                                 &eks_storage_config_response_shape);
        if (in->kubernetes_network_config != NULL)
            kept->kubernetes_network_config = document_convert(
                a, &eks_kubernetes_network_config_request_shape, in->kubernetes_network_config,
                &eks_kubernetes_network_config_response_shape);
        params[0] = (struct eks_update_param){
            S("ComputeConfig"),
            document_write(a, &eks_compute_config_request_shape, in->compute_config)};
        return "AutoModeUpdate";
    case REMOTE:
        kept->remote_network_config =
            document_convert(a, &eks_remote_network_config_request_shape, in->remote_network_config,
                             &eks_remote_network_config_response_shape);
        params[0] = (struct eks_update_param){
            S("RemoteNetworkConfig"),
            document_write(a, &eks_remote_network_config_request_shape, in->remote_network_config)};
        return "RemoteNetworkConfigUpdate";
    case PROTECTION:
        kept->deletion_protection = in->deletion_protection;
        params[0] =
            (struct eks_update_param){S("DeletionProtection"), truth(in->deletion_protection.v)};
        return "DeletionProtectionUpdate";
    case SCALING:
    case CHANGES:
        break;
    }
    kept->control_plane_scaling_config = in->control_plane_scaling_config;
    params[0] = (struct eks_update_param){S("ControlPlaneScalingConfig"),
                                          document_write(a, &eks_control_plane_scaling_config_shape,
                                                         in->control_plane_scaling_config)};
    return "ControlPlaneScalingConfigUpdate";
}

/* Access by entries is never taken back. */
static bool mode_may_change(struct call *c, struct str from, struct str to, struct done *ret_done)
{
    static const char *const order[] = {"CONFIG_MAP", "API_AND_CONFIG_MAP", "API"};
    int at = -1, wanted = -1;

    for (int i = 0; i < 3; i++) {
        at = str_is(from, order[i]) ? i : at;
        wanted = str_is(to, order[i]) ? i : wanted;
    }
    if (wanted >= at)
        return true;
    *ret_done = call_fault(c, &eks_invalid_parameter_exception,
                           "Unsupported authentication mode update from %.*s to %.*s",
                           STR_ARG(from), STR_ARG(to));
    return false;
}

static struct done unchanged(struct call *c, enum change change)
{
    static const char *const what[CHANGES] = {
        [VPC] = "Cluster is already at the desired configuration with endpointPrivateAccess, "
                "endpointPublicAccess, and Public Endpoint Restrictions as given",
        [LOGGING] = "No changes needed for the logging config provided",
        [ACCESS] = "No changes needed for the access config provided",
        [UPGRADE] = "No changes needed for the upgrade policy provided",
        [ZONAL] = "No changes needed for the zonal shift config provided",
        [COMPUTE] = "No changes needed for the compute config provided",
        [REMOTE] = "No changes needed for the remote network config provided",
        [PROTECTION] = "No changes needed for the deletion protection provided",
        [SCALING] = "No changes needed for the control plane scaling config provided",
    };

    return call_fault(c, &eks_invalid_parameter_exception, "%s", what[change]);
}

struct done eks_update_cluster_config(struct call *c, const void *input)
{
    const struct eks_update_cluster_config_request *in = input;
    struct eks_update_param params[3] = {0};
    struct cluster *row = NULL;
    struct eks_cluster *kept, *before, *after;
    enum change change = CHANGES;
    const char *type;
    struct str vpc = {0};
    struct done done;
    size_t n;
    int r;

    if (!eks_need_active(c, in->name, &row, &done))
        return done;
    if (parts_of(in, &change) != 1)
        return call_fault(c, &eks_invalid_parameter_exception,
                          change == CHANGES ? "No changes detected: the update has no configuration"
                                            : "Only one type of update can be allowed.");
    if (change == ACCESS &&
        !mode_may_change(c, row->authentication, in->access_config->authentication_mode, &done))
        return done;
    if (change == VPC &&
        (!eks_subnets_hold(c, &in->resources_vpc_config->subnet_ids,
                           in->resources_vpc_config->subnet_ids.n > 0, &vpc, &done) ||
         !eks_groups_hold(c, &in->resources_vpc_config->security_group_ids, row->vpc, &done)))
        return done;
    if (vpc.n > 0 && !str_eq(vpc, row->vpc))
        return call_fault(c, &eks_invalid_parameter_exception,
                          "Provided subnets belong to the VPC '%.*s', the cluster to '%.*s'",
                          STR_ARG(vpc), STR_ARG(row->vpc));
    r = eks_cluster_view(c, row, (struct str){0}, &before);
    kept = document_read(c->arena, &eks_cluster_shape, row->settings);
    type = merge(c, in, change, row, kept, params, &n);
    row->settings = document_write(c->arena, &eks_cluster_shape, kept);
    if (r == 0)
        r = eks_cluster_view(c, row, (struct str){0}, &after);
    if (r == 0 && str_eq(document_write(c->arena, &eks_cluster_shape, before),
                         document_write(c->arena, &eks_cluster_shape, after)))
        return unchanged(c, change);
    if (r == 0)
        r = cluster_update(c->store, row);
    return r < 0 ? call_fail(c, r) : eks_updated(c, row, S(""), type, params, n);
}

struct done eks_associate_encryption_config(struct call *c, const void *input)
{
    const struct eks_associate_encryption_config_request *in = input;
    struct eks_update_param param = {.type = S("EncryptionConfig")};
    struct cluster *row = NULL;
    struct eks_cluster *kept;
    struct done done;
    int r;

    if (!eks_need_active(c, in->cluster_name, &row, &done))
        return done;
    kept = document_read(c->arena, &eks_cluster_shape, row->settings);
    if (kept->encryption_config.n > 0)
        return call_fault(c, &eks_invalid_parameter_exception,
                          "Encryption is already enabled for cluster %.*s", STR_ARG(row->name));
    kept->encryption_config.at = in->encryption_config.at;
    kept->encryption_config.n = in->encryption_config.n;
    row->settings = document_write(c->arena, &eks_cluster_shape, kept);
    if (in->encryption_config.n > 0)
        param.value =
            document_write(c->arena, &eks_encryption_config_shape, &in->encryption_config.at[0]);
    r = cluster_update(c->store, row);
    return r < 0 ? call_fail(c, r)
                 : eks_updated(c, row, S(""), "AssociateEncryptionConfig", &param, 1);
}

struct done eks_update_cluster_version(struct call *c, const void *input)
{
    const struct eks_update_cluster_version_request *in = input;
    const struct eks_release *to = eks_release_find(in->version);
    struct eks_update_param params[2];
    struct cluster *row = NULL;
    struct done done;
    int r;

    if (!eks_need_active(c, in->name, &row, &done))
        return done;
    if (to == NULL)
        return call_fault(c, &eks_invalid_parameter_exception, "unsupported Kubernetes version");
    if (str_eq(in->version, row->version))
        return call_fault(c, &eks_invalid_parameter_exception,
                          "Cluster is already at the desired configuration with version: %.*s",
                          STR_ARG(in->version));
    if (eks_minor(in->version) != eks_minor(row->version) + 1)
        return call_fault(c, &eks_invalid_parameter_exception,
                          "Unsupported Kubernetes minor version update from %.*s to %.*s",
                          STR_ARG(row->version), STR_ARG(in->version));
    params[0] = (struct eks_update_param){S("Version"), in->version};
    params[1] = (struct eks_update_param){S("PlatformVersion"),
                                          arena_printf(c->arena, "eks.%d", to->platform)};
    row->version = in->version;
    r = cluster_update(c->store, row);
    return r < 0 ? call_fail(c, r) : eks_updated(c, row, S(""), "VersionUpdate", params, 2);
}
