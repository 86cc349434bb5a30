/* EKS clusters: making, showing, deleting. A cluster is ready as soon as its API server listens,
 * right after the call; the call's own answer still says CREATING, as on AWS.
 * Source: Amazon EKS API Reference, CreateCluster, DeleteCluster. */
#include "aws/eks.h"

#include <errno.h>

#include "store/ec2.h"
#include "store/eks_network.h"
#include "store/iam.h"
#include "store/tag.h"

enum { MOST_CLUSTERS = 100 };

/* --- checks ----------------------------------------------------------------------------------- */

static bool refuse(struct call *c, struct done *ret_done, struct str why)
{
    *ret_done = call_fault(c, &eks_invalid_parameter_exception, "%.*s", STR_ARG(why));
    return false;
}

static bool role_holds(struct call *c, struct str arn, struct done *ret_done)
{
    struct iam_entity *role = NULL;
    int r = iam_entity_find_by_arn(c->store, c->arena, arn, &role);

    if (r < 0)
        return eks_failed(c, r, ret_done);
    if (role == NULL || role->kind != IAM_ROLE ||
        !eks_role_trusts(role->trust, S("eks.amazonaws.com")))
        return refuse(c, ret_done,
                      arena_printf(c->arena,
                                   "Role with arn: %.*s, could not be assumed because it does not "
                                   "exist or the trusted entity is not correct",
                                   STR_ARG(arn)));
    return call_may_pass_role(c, arn, "eks.amazonaws.com", ret_done);
}

static bool limit_holds(struct call *c, struct done *ret_done)
{
    struct cluster *first = NULL;
    int r = cluster_list(c->store, c->arena, c->account, c->region, &first), n = 0;

    for (; r == 0 && first != NULL; first = first->next)
        n++;
    if (r < 0)
        return eks_failed(c, r, ret_done);
    if (n < MOST_CLUSTERS)
        return true;
    *ret_done = call_fault(c, &eks_resource_limit_exceeded_exception,
                           "Maximum number of clusters reached (%d)", MOST_CLUSTERS);
    return false;
}

static bool input_holds(struct call *c, const struct eks_create_cluster_request *in,
                        struct str version, struct str *ret_vpc, struct done *ret_done)
{
    if (eks_release_find(version) == NULL)
        return refuse(c, ret_done, S("unsupported Kubernetes version"));
    return limit_holds(c, ret_done) && role_holds(c, in->role_arn, ret_done) &&
           eks_subnets_hold(c, &in->resources_vpc_config->subnet_ids, true, ret_vpc, ret_done) &&
           eks_groups_hold(c, &in->resources_vpc_config->security_group_ids, *ret_vpc, ret_done);
}

/* --- making ---------------------------------------------------------------------------------- */

/* What is only echoed. */
static struct str settings(struct call *c, const struct eks_create_cluster_request *in)
{
    struct arena *a = c->arena;
    struct eks_cluster kept = {
        .resources_vpc_config =
            document_convert(a, &eks_vpc_config_request_shape, in->resources_vpc_config,
                             &eks_vpc_config_response_shape),
        .kubernetes_network_config = document_convert(
            a, &eks_kubernetes_network_config_request_shape, in->kubernetes_network_config,
            &eks_kubernetes_network_config_response_shape),
        .logging = in->logging,
        .upgrade_policy = document_convert(a, &eks_upgrade_policy_request_shape, in->upgrade_policy,
                                           &eks_upgrade_policy_response_shape),
        .zonal_shift_config =
            document_convert(a, &eks_zonal_shift_config_request_shape, in->zonal_shift_config,
                             &eks_zonal_shift_config_response_shape),
        .remote_network_config =
            document_convert(a, &eks_remote_network_config_request_shape, in->remote_network_config,
                             &eks_remote_network_config_response_shape),
        .compute_config = document_convert(a, &eks_compute_config_request_shape, in->compute_config,
                                           &eks_compute_config_response_shape),
        .storage_config = document_convert(a, &eks_storage_config_request_shape, in->storage_config,
                                           &eks_storage_config_response_shape),
        .deletion_protection = in->deletion_protection,
        .control_plane_scaling_config = in->control_plane_scaling_config,
    };

    kept.encryption_config.at = in->encryption_config.at;
    kept.encryption_config.n = in->encryption_config.n;
    return document_write(a, &eks_cluster_shape, &kept);
}

/* 10.100.0.0/16, or 172.20.0.0/16 where the VPC has the tens. */
static int service_cidr(struct call *c, const struct eks_create_cluster_request *in, struct str vpc,
                        struct str *ret_cidr)
{
    struct vpc *row = NULL;
    int r = vpc_list(c->store, c->arena, c->account, c->region, vpc, &row);
    bool tens = row != NULL && str_starts(row->cidr, S("10."));

    *ret_cidr = tens ? S("172.20.0.0/16") : S("10.100.0.0/16");
    if (in->kubernetes_network_config != NULL &&
        in->kubernetes_network_config->service_ipv4_cidr.n > 0)
        *ret_cidr = in->kubernetes_network_config->service_ipv4_cidr;
    return r;
}

/* The tag that load balancer controllers find subnets by; EKS set it itself up to 1.18. */
static int tag_subnets(struct call *c, const struct cluster *row)
{
    struct str rest = row->subnets, id;
    struct str key = arena_printf(c->arena, "kubernetes.io/cluster/%.*s", STR_ARG(row->name));
    int r = 0;

    if (eks_minor(row->version) > 18)
        return 0;
    while (r == 0 && str_next(&rest, ' ', &id)) {
        struct str arn =
            arena_printf(c->arena, "arn:%.*s:ec2:%.*s:%.*s:subnet/%.*s", STR_ARG(c->partition),
                         STR_ARG(c->region), STR_ARG(c->account), STR_ARG(id));

        r = tag_put(c->store, &(struct tag){.account = c->account,
                                            .region = c->region,
                                            .arn = arn,
                                            .key = key,
                                            .value = S("shared")});
    }
    return r;
}

static int make(struct call *c, const struct eks_create_cluster_request *in, struct cluster *row)
{
    int r = service_cidr(c, in, row->vpc, &row->service_cidr);

    if (r == 0)
        r = cluster_group_make(c->store, c->arena, row);
    if (r == 0)
        r = cluster_interfaces_make(c->store, c->arena, row);
    if (r == 0)
        r = cluster_insert(c->store, row);
    if (r == 0)
        r = tag_subnets(c, row);
    if (r == 0 && !str_is(row->authentication, "CONFIG_MAP") &&
        (in->access_config == NULL ||
         !in->access_config->bootstrap_cluster_creator_admin_permissions.set ||
         in->access_config->bootstrap_cluster_creator_admin_permissions.v))
        r = eks_admit_creator(c, row);
    return r;
}

static struct done answer(struct call *c, const struct cluster *row, struct str status)
{
    struct eks_cluster *view;
    int r = eks_cluster_view(c, row, status, &view);

    /* Create, describe and delete answer alike. */
    return r < 0 ? call_fail(c, r)
                 : call_reply(c, &(struct eks_describe_cluster_response){.cluster = view});
}

/* The name is taken: the same call again, told by its token, has the same answer. */
static struct done answer_again(struct call *c, const struct eks_create_cluster_request *in,
                                const struct cluster *old)
{
    if (in->client_request_token.n > 0 && str_eq(in->client_request_token, old->token))
        return answer(c, old, (struct str){0});
    return call_fault(c, &eks_resource_in_use_exception, "Cluster already exists with name: %.*s",
                      STR_ARG(in->name));
}

struct done eks_create_cluster(struct call *c, const void *input)
{
    const struct eks_create_cluster_request *in = input;
    struct cluster row = {
        .name = in->name,
        .account = c->account,
        .region = c->region,
        .version = in->version.n > 0 ? in->version : eks_default_version(),
        .status = S("ACTIVE"),
        .role_arn = in->role_arn,
        .subnets = words_join(c->arena, &in->resources_vpc_config->subnet_ids),
        .security_groups = words_join(c->arena, &in->resources_vpc_config->security_group_ids),
        .authentication = in->access_config != NULL && in->access_config->authentication_mode.n > 0
                              ? in->access_config->authentication_mode
                              : S("CONFIG_MAP"),
        .created = c->now,
        .settings = settings(c, in),
        .token = in->client_request_token,
        .creator = c->identity.role_arn.n > 0 ? c->identity.role_arn : c->identity.arn,
    };
    struct cluster *old = NULL;
    struct done done;
    /* DIFFERS: cluster names are unique in the whole emulated world, not in a region. */
    int r = cluster_find(c->store, c->arena, S(""), S(""), in->name, &old);

    if (r < 0)
        return call_fail(c, r);
    if (old != NULL)
        return answer_again(c, in, old);
    if (!input_holds(c, in, row.version, &row.vpc, &done))
        return done;
    row.issuer_id = ids_from(c->ids, c->arena, 32, "0123456789ABCDEF");
    if (!eks_put_tags(c, cluster_arn(c->arena, &row), &in->tags, &done))
        return done;
    r = make(c, in, &row);
    return r < 0 ? call_fail(c, r) : answer(c, &row, S("CREATING"));
}

/* --- the rest -------------------------------------------------------------------------------- */

struct done eks_describe_cluster(struct call *c, const void *input)
{
    const struct eks_describe_cluster_request *in = input;
    struct cluster *row = NULL;
    struct done done;

    return eks_need_cluster(c, in->name, &row, &done) ? answer(c, row, (struct str){0}) : done;
}

struct done eks_list_clusters(struct call *c, const void *input)
{
    const struct eks_list_clusters_request *in = input;
    struct cluster *first = NULL;
    int r = cluster_list(c->store, c->arena, c->account, c->region, &first);

    if (r < 0)
        return call_fail(c, r);
    return eks_reply_names(c, in->next_token, in->max_results, EKS_NAMES(c, first));
}

/* What keeps a cluster from being deleted. */
static bool is_free(struct call *c, const struct cluster *row, struct done *ret_done)
{
    const struct eks_cluster *kept = document_read(c->arena, &eks_cluster_shape, row->settings);
    struct nodegroup *group = NULL;
    struct fargate_profile *profile = NULL;
    int r = nodegroup_list(c->store, c->arena, row->name, &group);

    if (r == 0)
        r = fargate_profile_list(c->store, c->arena, row->name, &profile);
    if (r < 0)
        return eks_failed(c, r, ret_done);
    if (kept->deletion_protection.v) {
        *ret_done = call_fault(c, &eks_invalid_request_exception,
                               "Cannot delete cluster %.*s because it has deletion protection "
                               "enabled",
                               STR_ARG(row->name));
        return false;
    }
    if (group != NULL)
        *ret_done =
            call_fault(c, &eks_resource_in_use_exception, "Cluster has nodegroups attached");
    else if (profile != NULL)
        *ret_done =
            call_fault(c, &eks_resource_in_use_exception,
                       "Cannot delete because cluster %.*s currently has Fargate profile "
                       "%.*s in status %.*s",
                       STR_ARG(row->name), STR_ARG(profile->name), STR_ARG(profile->status));
    return group == NULL && profile == NULL;
}

struct done eks_delete_cluster(struct call *c, const void *input)
{
    const struct eks_delete_cluster_request *in = input;
    struct cluster *row = NULL;
    struct eks_cluster *view;
    struct done done;
    int r;

    if (!eks_need_cluster(c, in->name, &row, &done) || !is_free(c, row, &done))
        return done;
    r = eks_cluster_view(c, row, S("DELETING"), &view);
    if (r == 0)
        r = cluster_network_remove(c->store, c->arena, row);
    if (r == 0)
        r = tag_remove_all(c->store, cluster_arn(c->arena, row));
    if (r == 0)
        r = cluster_delete(c->store, row->name);
    return r < 0 ? call_fail(c, r)
                 : call_reply(c, &(struct eks_delete_cluster_response){.cluster = view});
}
