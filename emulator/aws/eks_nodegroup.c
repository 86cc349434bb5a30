/* Managed node groups: rows that the provisioning loop makes instances and nodes of.
 * Source: Amazon EKS API Reference, CreateNodegroup, UpdateNodegroupConfig. */
#include "aws/eks.h"

#include "store/iam.h"
#include "store/tag.h"

enum { DEFAULT_DISK = 20, DEFAULT_SIZE = 2 };

static bool refuse(struct call *c, struct done *ret_done, struct str why)
{
    *ret_done = call_fault(c, &eks_invalid_parameter_exception, "%.*s", STR_ARG(why));
    return false;
}

/* --- the view -------------------------------------------------------------------------------- */

/* The service's own Auto Scaling group: "eks-<group>-<uuid>", with the uuid of the ARN. */
static struct eks_nodegroup_resources *resources(struct call *c, const struct nodegroup *row)
{
    struct eks_nodegroup_resources *res = arena_alloc(c->arena, sizeof *res);
    size_t slash = str_rchr(row->arn, '/');

    res->auto_scaling_groups.at = arena_alloc(c->arena, sizeof *res->auto_scaling_groups.at);
    res->auto_scaling_groups.n = 1;
    res->auto_scaling_groups.at[0].name = arena_printf(
        c->arena, "eks-%.*s-%.*s", STR_ARG(row->name), STR_ARG(str_from(row->arn, slash + 1)));
    return res;
}

static int view_of(struct call *c, const struct nodegroup *row, struct str status,
                   struct eks_nodegroup **ret_view)
{
    struct eks_nodegroup *v = document_read(c->arena, &eks_nodegroup_shape, row->settings);
    struct eks_nodegroup_scaling_config *scaling = arena_alloc(c->arena, sizeof *scaling);
    struct eks_nodegroup_health *health = arena_alloc(c->arena, sizeof *health);
    struct eks_nodegroup_update_config *update = arena_alloc(c->arena, sizeof *update);
    const struct eks_release *release = eks_release_find(row->version);

    *scaling = (struct eks_nodegroup_scaling_config){OPT_INT(row->minimum), OPT_INT(row->maximum),
                                                     OPT_INT(row->desired)};
    health->issues.at = arena_alloc(c->arena, sizeof *health->issues.at);
    update->max_unavailable = OPT_INT(1);
    v->nodegroup_name = row->name;
    v->nodegroup_arn = row->arn;
    v->cluster_name = row->cluster;
    v->version = row->version;
    if (v->release_version.n == 0)
        v->release_version =
            arena_printf(c->arena, "%s-20260101", release != NULL ? release->patch : "1.16.15");
    v->created_at = OPT_INT(row->created);
    v->modified_at = OPT_INT(row->modified);
    v->status = status.n > 0 ? status : row->status;
    v->capacity_type = row->capacity_type;
    v->scaling_config = scaling;
    if (v->instance_types.n == 0 && v->launch_template == NULL)
        v->instance_types = words_split(c->arena, row->instance_type);
    v->subnets = words_split(c->arena, row->subnets);
    v->ami_type = row->ami_type;
    v->node_role = row->node_role;
    v->labels = eks_map_read(c, row->labels);
    v->resources = resources(c, row);
    if (v->launch_template == NULL)
        v->disk_size = OPT_INT(row->disk);
    v->health = health;
    if (v->update_config == NULL)
        v->update_config = update;
    *ret_view = v;
    return eks_tags(c, row->arn, &v->tags);
}

static struct done answer(struct call *c, const struct nodegroup *row, struct str status)
{
    struct eks_nodegroup *view;
    int r = view_of(c, row, status, &view);

    /* Create, describe and delete answer alike. */
    return r < 0 ? call_fail(c, r)
                 : call_reply(c, &(struct eks_describe_nodegroup_response){.nodegroup = view});
}

static bool need_group(struct call *c, struct str cluster, struct str name,
                       struct cluster **ret_cluster, struct nodegroup **ret_group,
                       struct done *ret_done)
{
    int r;

    if (!eks_need_cluster(c, cluster, ret_cluster, ret_done))
        return false;
    r = nodegroup_find(c->store, c->arena, cluster, name, ret_group);
    if (r < 0)
        return eks_failed(c, r, ret_done);
    if (*ret_group != NULL)
        return true;
    *ret_done = call_fault(c, &eks_resource_not_found_exception,
                           "No node group found for name: %.*s.", STR_ARG(name));
    return false;
}

/* --- checks ---------------------------------------------------------------------------------- */

/* A policy of AWS's that this world does not know cannot be asked for. */
static bool has_policy(struct call *c, const struct iam_managed *first, const char *name)
{
    struct str arn = arena_printf(c->arena, "arn:aws:iam::aws:policy/%s", name);
    struct iam_managed *known = NULL;

    for (const struct iam_managed *p = first; p != NULL; p = p->next)
        if (str_eq(p->arn, arn))
            return true;
    return iam_policy_find(c->store, c->arena, arn, &known) == 0 && known == NULL;
}

/* The role is there, EC2 may assume it, and it can do what a node must. */
static bool role_holds(struct call *c, struct str arn, struct done *ret_done)
{
    size_t slash = str_rchr(arn, '/');
    struct str name = slash == STR_NONE ? arn : str_from(arn, slash + 1);
    struct iam_managed *policies = NULL;
    struct iam_entity *role = NULL;
    int r = iam_entity_find_by_arn(c->store, c->arena, arn, &role);

    if (r < 0)
        return eks_failed(c, r, ret_done);
    if (role == NULL || role->kind != IAM_ROLE)
        return refuse(
            c, ret_done,
            arena_printf(c->arena, "The role with name %.*s cannot be found.", STR_ARG(name)));
    if (!eks_role_trusts(role->trust, S("ec2.amazonaws.com")))
        return refuse(c, ret_done,
                      arena_printf(c->arena,
                                   "Following required service principals [ec2.amazonaws.com] "
                                   "were not found in the trust relationships of nodeRole %.*s",
                                   STR_ARG(arn)));
    r = iam_attachment_list(c->store, c->arena, role, &policies);
    if (r < 0)
        return eks_failed(c, r, ret_done);
    if (!has_policy(c, policies, "AmazonEKSWorkerNodePolicy") ||
        (!has_policy(c, policies, "AmazonEC2ContainerRegistryReadOnly") &&
         !has_policy(c, policies, "AmazonEC2ContainerRegistryPullOnly")))
        return refuse(c, ret_done,
                      S("The provided role doesn't have the Amazon EKS Managed Policies associated "
                        "with it. Please ensure the following policies [AmazonEKSWorkerNodePolicy, "
                        "AmazonEC2ContainerRegistryReadOnly] are attached"));
    return call_may_pass_role(c, arn, "ec2.amazonaws.com", ret_done);
}

static bool scaling_holds(struct call *c, const struct nodegroup *g, struct done *ret_done)
{
    if (g->minimum > g->maximum)
        return refuse(c, ret_done,
                      arena_printf(c->arena,
                                   "Minimum capacity %lld can't be greater than maximum size %lld",
                                   (long long)g->minimum, (long long)g->maximum));
    if (g->minimum > g->desired)
        return refuse(c, ret_done,
                      arena_printf(c->arena,
                                   "Minimum capacity %lld can't be greater than desired size %lld",
                                   (long long)g->minimum, (long long)g->desired));
    if (g->desired > g->maximum)
        return refuse(c, ret_done,
                      arena_printf(c->arena,
                                   "desired capacity %lld can't be greater than max size %lld",
                                   (long long)g->desired, (long long)g->maximum));
    return true;
}

/* What is not given keeps its value, and a desired size comes between the bounds. */
static void merge_scaling(struct nodegroup *g, const struct eks_nodegroup_scaling_config *in)
{
    if (in == NULL)
        return;
    if (in->min_size.set)
        g->minimum = in->min_size.v;
    if (in->max_size.set)
        g->maximum = in->max_size.v;
    if (in->desired_size.set)
        g->desired = in->desired_size.v;
    else if (g->desired < g->minimum)
        g->desired = g->minimum;
    else if (g->desired > g->maximum)
        g->desired = g->maximum;
}

static bool version_holds(struct call *c, const struct cluster *row, struct str version,
                          struct done *ret_done)
{
    if (eks_release_find(version) == NULL)
        return refuse(c, ret_done, S("unsupported Kubernetes version"));
    if (eks_minor(version) > eks_minor(row->version))
        return refuse(c, ret_done,
                      arena_printf(c->arena,
                                   "Nodegroup Kubernetes version %.*s is not compatible with the "
                                   "cluster's version %.*s",
                                   STR_ARG(version), STR_ARG(row->version)));
    return true;
}

static bool taints_hold(struct call *c, const struct eks_taint *taints, size_t n,
                        struct done *ret_done)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (str_eq(taints[i].key, taints[k].key) && str_eq(taints[i].effect, taints[k].effect))
                return refuse(c, ret_done,
                              arena_printf(c->arena,
                                           "Duplicate taint with key %.*s and effect %.*s",
                                           STR_ARG(taints[i].key), STR_ARG(taints[i].effect)));
    return true;
}

static bool input_holds(struct call *c, const struct eks_create_nodegroup_request *in,
                        const struct cluster *cluster, const struct nodegroup *g,
                        struct done *ret_done)
{
    struct str vpc = {0};

    if (in->launch_template != NULL && in->disk_size.set)
        return refuse(c, ret_done, S("Disk size must be specified within the launch template."));
    if (in->launch_template != NULL && in->remote_access != NULL)
        return refuse(c, ret_done,
                      S("Remote access configuration cannot be specified with a launch template."));
    if (!role_holds(c, in->node_role, ret_done) || !scaling_holds(c, g, ret_done) ||
        !version_holds(c, cluster, g->version, ret_done) ||
        !taints_hold(c, in->taints.at, in->taints.n, ret_done) ||
        !eks_subnets_hold(c, &in->subnets, false, &vpc, ret_done))
        return false;
    if (vpc.n == 0)
        return refuse(c, ret_done, S("subnets can not be empty"));
    if (!str_eq(vpc, cluster->vpc))
        return refuse(c, ret_done,
                      S("Subnets are not tagged with the required tag or are not in the "
                        "cluster's VPC"));
    return true;
}

/* --- making ---------------------------------------------------------------------------------- */

static struct str settings(struct call *c, const struct eks_create_nodegroup_request *in)
{
    struct eks_nodegroup kept = {
        .release_version = in->release_version,
        .instance_types = in->instance_types,
        .remote_access = in->remote_access,
        .update_config = in->update_config,
        .node_repair_config = in->node_repair_config,
        .launch_template = in->launch_template,
        .warm_pool_config = in->warm_pool_config,
    };

    kept.taints.at = in->taints.at;
    kept.taints.n = in->taints.n;
    return document_write(c->arena, &eks_nodegroup_shape, &kept);
}

static struct str default_ami(struct str version)
{
    return eks_minor(version) >= 30 ? S("AL2023_x86_64_STANDARD") : S("AL2_x86_64");
}

struct done eks_create_nodegroup(struct call *c, const void *input)
{
    const struct eks_create_nodegroup_request *in = input;
    struct nodegroup *old = NULL,
                     row = {
                         .name = in->nodegroup_name,
                         .cluster = in->cluster_name,
                         .status = S("ACTIVE"),
                         .subnets = words_join(c->arena, &in->subnets),
                         .instance_type =
                             in->instance_types.n > 0 ? in->instance_types.at[0] : S("t3.medium"),
                         .node_role = in->node_role,
                         .labels = eks_map_text(c, &in->labels),
                         .capacity_type =
                             in->capacity_type.n > 0 ? in->capacity_type : S("ON_DEMAND"),
                         .minimum = 1,
                         .desired = DEFAULT_SIZE,
                         .maximum = DEFAULT_SIZE,
                         .disk = in->disk_size.set ? in->disk_size.v : DEFAULT_DISK,
                         .created = c->now,
                         .modified = c->now,
                         .settings = settings(c, in),
                         .token = in->client_request_token,
                     };
    struct cluster *cluster = NULL;
    struct str uuid = ids_uuid(c->ids, c->arena);
    struct done done;
    int r;

    if (!eks_need_active(c, in->cluster_name, &cluster, &done))
        return done;
    row.version = in->version.n > 0 ? in->version : cluster->version;
    row.ami_type = in->ami_type.n > 0 ? in->ami_type : default_ami(row.version);
    r = nodegroup_find(c->store, c->arena, cluster->name, row.name, &old);
    if (r < 0)
        return call_fail(c, r);
    if (old != NULL && row.token.n > 0 && str_eq(row.token, old->token))
        return answer(c, old, (struct str){0});
    if (old != NULL)
        return call_fault(c, &eks_resource_in_use_exception,
                          "NodeGroup already exists with name %.*s and cluster name %.*s",
                          STR_ARG(row.name), STR_ARG(cluster->name));
    merge_scaling(&row, in->scaling_config);
    row.arn = call_arn(c, "nodegroup/%.*s/%.*s/%.*s", STR_ARG(cluster->name), STR_ARG(row.name),
                       STR_ARG(uuid));
    if (!input_holds(c, in, cluster, &row, &done) || !eks_put_tags(c, row.arn, &in->tags, &done))
        return done;
    r = nodegroup_insert(c->store, &row);
    if (r == 0 && !str_is(cluster->authentication, "CONFIG_MAP"))
        r = eks_admit_nodes(c, cluster, row.node_role, "EC2_LINUX");
    return r < 0 ? call_fail(c, r) : answer(c, &row, S("CREATING"));
}

/* --- reading and deleting -------------------------------------------------------------------- */

struct done eks_describe_nodegroup(struct call *c, const void *input)
{
    const struct eks_describe_nodegroup_request *in = input;
    struct cluster *cluster = NULL;
    struct nodegroup *row = NULL;
    struct done done;

    if (!need_group(c, in->cluster_name, in->nodegroup_name, &cluster, &row, &done))
        return done;
    return answer(c, row, (struct str){0});
}

struct done eks_list_nodegroups(struct call *c, const void *input)
{
    const struct eks_list_nodegroups_request *in = input;
    struct cluster *cluster = NULL;
    struct nodegroup *first = NULL;
    struct done done;
    int r;

    if (!eks_need_cluster(c, in->cluster_name, &cluster, &done))
        return done;
    r = nodegroup_list(c->store, c->arena, cluster->name, &first);
    if (r < 0)
        return call_fail(c, r);
    return eks_reply_names(c, in->next_token, in->max_results, EKS_NAMES(c, first));
}

struct done eks_delete_nodegroup(struct call *c, const void *input)
{
    const struct eks_delete_nodegroup_request *in = input;
    struct cluster *cluster = NULL;
    struct nodegroup *row = NULL;
    struct eks_nodegroup *view;
    struct done done;
    int r;

    if (!need_group(c, in->cluster_name, in->nodegroup_name, &cluster, &row, &done))
        return done;
    r = view_of(c, row, S("DELETING"), &view);
    if (r == 0)
        r = nodegroup_delete(c->store, cluster->name, row->name);
    if (r == 0)
        r = tag_remove_all(c->store, row->arn);
    return r < 0 ? call_fail(c, r)
                 : call_reply(c, &(struct eks_delete_nodegroup_response){.nodegroup = view});
}

/* --- updates --------------------------------------------------------------------------------- */

static void merge_labels(struct call *c, struct nodegroup *row,
                         const struct eks_update_labels_payload *in)
{
    CLEANUP(json_freep) cJSON *object = json_parse(row->labels, NULL);
    CLEANUP(buf_free) struct buf b = buf_init(1 << 20);

    if (object == NULL)
        object = cJSON_CreateObject();
    for (size_t i = 0; i < in->remove_labels.n; i++)
        json_remove(object, in->remove_labels.at[i]);
    for (size_t i = 0; i < in->add_or_update_labels.n; i++)
        json_put_str(object, in->add_or_update_labels.at[i].key,
                     in->add_or_update_labels.at[i].value);
    json_write(&b, object);
    row->labels = arena_str(c->arena, buf_str(&b));
}

static bool same_taint(const struct eks_taint *a, const struct eks_taint *b)
{
    return str_eq(a->key, b->key) && str_eq(a->effect, b->effect);
}

static void drop_taint(struct eks_nodegroup *kept, const struct eks_taint *t)
{
    size_t n = 0;

    for (size_t i = 0; i < kept->taints.n; i++)
        if (!same_taint(&kept->taints.at[i], t))
            kept->taints.at[n++] = kept->taints.at[i];
    kept->taints.n = n;
}

static void merge_taints(struct call *c, struct eks_nodegroup *kept,
                         const struct eks_update_taints_payload *in)
{
    size_t most = kept->taints.n + in->add_or_update_taints.n + 1;
    struct eks_taint *all = arena_array(c->arena, most, sizeof *all);

    if (kept->taints.n > 0)
        memcpy(all, kept->taints.at, kept->taints.n * sizeof *all);
    kept->taints.at = all;
    for (size_t i = 0; i < in->remove_taints.n; i++)
        drop_taint(kept, &in->remove_taints.at[i]);
    for (size_t i = 0; i < in->add_or_update_taints.n; i++) {
        drop_taint(kept, &in->add_or_update_taints.at[i]);
        all[kept->taints.n++] = in->add_or_update_taints.at[i];
    }
}

static struct str number(struct call *c, int64_t n)
{
    return arena_printf(c->arena, "%lld", (long long)n);
}

struct done eks_update_nodegroup_config(struct call *c, const void *input)
{
    const struct eks_update_nodegroup_config_request *in = input;
    struct eks_update_param params[8] = {0};
    struct cluster *cluster = NULL;
    struct nodegroup *row = NULL;
    struct eks_nodegroup *kept;
    struct done done;
    size_t n = 0;
    int r;

    if (!need_group(c, in->cluster_name, in->nodegroup_name, &cluster, &row, &done))
        return done;
    kept = document_read(c->arena, &eks_nodegroup_shape, row->settings);
    merge_scaling(row, in->scaling_config);
    if (!scaling_holds(c, row, &done))
        return done;
    if (in->scaling_config != NULL) {
        params[n++] = (struct eks_update_param){S("MinSize"), number(c, row->minimum)};
        params[n++] = (struct eks_update_param){S("MaxSize"), number(c, row->maximum)};
        params[n++] = (struct eks_update_param){S("DesiredSize"), number(c, row->desired)};
    }
    if (in->labels != NULL) {
        merge_labels(c, row, in->labels);
        params[n++] = (struct eks_update_param){S("LabelsToAdd"),
                                                eks_map_text(c, &in->labels->add_or_update_labels)};
        params[n++] = (struct eks_update_param){
            S("LabelsToRemove"), document_write_list(c->arena, &in->labels->remove_labels)};
    }
    if (in->taints != NULL) {
        merge_taints(c, kept, in->taints);
        params[n++] = (struct eks_update_param){
            S("TaintsToAdd"),
            document_write(c->arena, &eks_update_taints_payload_shape, in->taints)};
    }
    if (in->update_config != NULL) {
        kept->update_config = in->update_config;
        params[n++] = (struct eks_update_param){S("MaxUnavailable"),
                                                number(c, in->update_config->max_unavailable.v)};
    }
    if (in->node_repair_config != NULL)
        kept->node_repair_config = in->node_repair_config;
    row->settings = document_write(c->arena, &eks_nodegroup_shape, kept);
    row->modified = c->now;
    r = nodegroup_update(c->store, row);
    return r < 0 ? call_fail(c, r)
                 : eks_updated(c, cluster,
                               arena_printf(c->arena, "nodegroup/%.*s", STR_ARG(row->name)),
                               "ConfigUpdate", params, n);
}

struct done eks_update_nodegroup_version(struct call *c, const void *input)
{
    const struct eks_update_nodegroup_version_request *in = input;
    struct eks_update_param params[2];
    struct cluster *cluster = NULL;
    struct nodegroup *row = NULL;
    struct eks_nodegroup *kept;
    struct done done;
    int r;

    if (!need_group(c, in->cluster_name, in->nodegroup_name, &cluster, &row, &done))
        return done;
    kept = document_read(c->arena, &eks_nodegroup_shape, row->settings);
    row->version = in->version.n > 0 ? in->version : cluster->version;
    if (!version_holds(c, cluster, row->version, &done))
        return done;
    kept->release_version = in->release_version;
    if (in->launch_template != NULL)
        kept->launch_template = in->launch_template;
    row->settings = document_write(c->arena, &eks_nodegroup_shape, kept);
    row->modified = c->now;
    params[0] = (struct eks_update_param){S("Version"), row->version};
    params[1] = (struct eks_update_param){S("ReleaseVersion"), kept->release_version};
    r = nodegroup_update(c->store, row);
    return r < 0 ? call_fail(c, r)
                 : eks_updated(c, cluster,
                               arena_printf(c->arena, "nodegroup/%.*s", STR_ARG(row->name)),
                               "VersionUpdate", params, 2);
}
