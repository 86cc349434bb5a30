/* Add-ons: a catalogue, and which of it a cluster has. Source: Amazon EKS API Reference,
 * CreateAddon, DescribeAddonVersions; Amazon EKS User Guide, "Amazon EKS add-ons".
 *
 * DIFFERS: an add-on is a record; the workloads of a cluster are those of its fixture. */
#include "aws/eks.h"

#include "store/tag.h"

enum { MOST_VERSIONS = 4 };

/* Versions newest first, parted by '|'; one that holds "%s" is the release's own patch version. */
static const struct addon_row {
    const char *name, *type, *publisher, *owner, *ns;
    int from_minor;
    bool needs_iam;
    const char *versions;
} catalogue[] = {
    {"aws-ebs-csi-driver",     "storage",       "eks",       "aws",       "kube-system", 16, true,
     "v1.51.0-eksbuild.1|v1.48.0-eksbuild.2|v1.44.0-eksbuild.1"                                                     },
    {"aws-efs-csi-driver",     "storage",       "eks",       "aws",       "kube-system", 16, true,
     "v2.1.11-eksbuild.1|v2.1.8-eksbuild.1"                                                                         },
    {"coredns",                "networking",    "eks",       "aws",       "kube-system", 14, false,
     "v1.12.4-eksbuild.1|v1.11.4-eksbuild.24|v1.9.3-eksbuild.34"                                                    },
    {"eks-pod-identity-agent", "security",      "eks",       "aws",       "kube-system", 24, false,
     "v1.3.8-eksbuild.2|v1.3.4-eksbuild.1"                                                                          },
    {"kube-proxy",             "networking",    "eks",       "aws",       "kube-system", 14, false, "v%s-eksbuild.2"},
    {"metrics-server",         "observability", "community", "community", "kube-system", 24, false,
     "v0.8.0-eksbuild.2|v0.7.2-eksbuild.4"                                                                          },
    {"snapshot-controller",    "storage",       "eks",       "aws",       "kube-system", 20, false,
     "v8.3.0-eksbuild.1|v8.2.0-eksbuild.1"                                                                          },
    {"vpc-cni",                "networking",    "eks",       "aws",       "kube-system", 14, true,
     "v1.20.4-eksbuild.1|v1.19.6-eksbuild.7|v1.18.6-eksbuild.1"                                                     },
};

static const struct addon_row *find_row(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(catalogue); i++)
        if (str_is(name, catalogue[i].name))
            return &catalogue[i];
    return NULL;
}

/* The @i-th version of the add-on for a cluster of that version; empty behind the last. */
static struct str version_at(struct call *c, const struct addon_row *row, size_t i,
                             struct str cluster_version)
{
    const struct eks_release *release = eks_release_find(cluster_version);
    struct str rest = str_c(row->versions), text, head, tail;

    if (release == NULL || eks_minor(cluster_version) < row->from_minor)
        return (struct str){0};
    do {
        if (!str_next(&rest, '|', &text))
            return (struct str){0};
    } while (i-- > 0);
    if (!str_cut(text, '%', &head, &tail))
        return text;
    return arena_printf(c->arena, "%.*s%s%.*s", STR_ARG(head), release->patch,
                        STR_ARG(str_from(tail, 1)));
}

static bool version_is_there(struct call *c, const struct addon_row *row, struct str version,
                             struct str cluster_version)
{
    struct str one;

    for (size_t i = 0; (one = version_at(c, row, i, cluster_version)).n > 0; i++)
        if (str_eq(one, version))
            return true;
    return false;
}

/* --- the catalogue --------------------------------------------------------------------------- */

static bool is_in(const struct str_list *words, const char *word)
{
    for (size_t i = 0; i < words->n; i++)
        if (str_is(words->at[i], word))
            return true;
    return words->n == 0;
}

/* Newest first, down to the oldest release of the catalogue. */
static const int newest_minor = 35, oldest_minor = 14;

static struct eks_addon_version_info version_info(struct call *c, const struct addon_row *row,
                                                  size_t i, struct str only)
{
    struct eks_addon_version_info info = {
        .requires_configuration = OPT_BOOL(false),
        .requires_iam_permissions = OPT_BOOL(row->needs_iam),
    };

    info.architecture = (struct str_list){arena_array(c->arena, 2, sizeof(struct str)), 2};
    info.architecture.at[0] = S("amd64");
    info.architecture.at[1] = S("arm64");
    info.compute_types = (struct str_list){arena_array(c->arena, 1, sizeof(struct str)), 1};
    info.compute_types.at[0] = S("ec2");
    info.compatibilities.at = arena_array(c->arena, (size_t)(newest_minor - oldest_minor) + 1,
                                          sizeof(struct eks_compatibility));
    for (int minor = newest_minor; minor >= oldest_minor; minor--) {
        struct str cluster = arena_printf(c->arena, "1.%d", minor);
        struct eks_compatibility *one = &info.compatibilities.at[info.compatibilities.n];
        struct str version = version_at(c, row, i, cluster);

        if (version.n == 0 || (only.n > 0 && !str_eq(only, cluster)) ||
            (info.addon_version.n > 0 && !str_eq(info.addon_version, version)))
            continue;
        info.addon_version = version;
        *one = (struct eks_compatibility){.cluster_version = cluster,
                                          .default_version = OPT_BOOL(i == 0)};
        one->platform_versions = (struct str_list){arena_array(c->arena, 1, sizeof(struct str)), 1};
        one->platform_versions.at[0] = S("*");
        info.compatibilities.n++;
    }
    return info;
}

static struct eks_addon_info addon_info(struct call *c, const struct addon_row *row,
                                        struct str only)
{
    struct eks_addon_info info = {
        .addon_name = str_c(row->name),
        .type = str_c(row->type),
        .publisher = str_c(row->publisher),
        .owner = str_c(row->owner),
        .default_namespace = str_c(row->ns),
    };

    info.addon_versions.at =
        arena_array(c->arena, MOST_VERSIONS, sizeof(struct eks_addon_version_info));
    for (size_t i = 0; i < MOST_VERSIONS; i++) {
        struct eks_addon_version_info one = version_info(c, row, i, only);

        if (one.compatibilities.n > 0)
            info.addon_versions.at[info.addon_versions.n++] = one;
    }
    return info;
}

struct done eks_describe_addon_versions(struct call *c, const void *input)
{
    const struct eks_describe_addon_versions_request *in = input;
    struct eks_addon_info *all = arena_array(c->arena, ARRAY_LEN(catalogue), sizeof *all);
    struct eks_describe_addon_versions_response out = {0};
    struct page page;
    struct done done;
    size_t n = 0;

    if (in->addon_name.n > 0 && find_row(in->addon_name) == NULL)
        return call_fault(c, &eks_resource_not_found_exception, "Addon %.*s not found",
                          STR_ARG(in->addon_name));
    for (size_t i = 0; i < ARRAY_LEN(catalogue); i++) {
        const struct addon_row *row = &catalogue[i];
        struct eks_addon_info info;

        if ((in->addon_name.n > 0 && !str_is(in->addon_name, row->name)) ||
            !is_in(&in->types, row->type) || !is_in(&in->publishers, row->publisher) ||
            !is_in(&in->owners, row->owner))
            continue;
        info = addon_info(c, row, in->kubernetes_version);
        if (info.addon_versions.n > 0)
            all[n++] = info;
    }
    if (!eks_page(c, in->next_token, in->max_results, n, &page, &done))
        return done;
    out.addons.at = all + page.from;
    out.addons.n = page.n;
    out.next_token = page.next;
    return call_reply(c, &out);
}

struct done eks_describe_addon_configuration(struct call *c, const void *input)
{
    const struct eks_describe_addon_configuration_request *in = input;
    struct eks_describe_addon_configuration_response out = {
        .addon_name = in->addon_name,
        .addon_version = in->addon_version,
        .configuration_schema = S("{\"$schema\":\"http://json-schema.org/draft-07/schema#\","
                                  "\"type\":\"object\",\"additionalProperties\":true}"),
    };

    if (find_row(in->addon_name) == NULL)
        return call_fault(c, &eks_resource_not_found_exception, "Addon %.*s not found",
                          STR_ARG(in->addon_name));
    return call_reply(c, &out);
}

/* --- add-ons of a cluster -------------------------------------------------------------------- */

static bool need_addon(struct call *c, struct str cluster, struct str name,
                       struct cluster **ret_cluster, struct eks_item **ret_item,
                       struct done *ret_done)
{
    int r = 0;

    if (!eks_need_cluster(c, cluster, ret_cluster, ret_done))
        return false;
    if (name.n > 0)
        r = eks_item_list(c->store, c->arena, cluster, S("addon"), name, ret_item);
    if (r < 0)
        return eks_failed(c, r, ret_done);
    if (*ret_item != NULL)
        return true;
    *ret_done =
        call_fault(c, &eks_resource_not_found_exception, "No addon: %.*s found in cluster: %.*s",
                   STR_ARG(name), STR_ARG(cluster));
    return false;
}

static struct done answer(struct call *c, struct eks_addon *view, struct str status)
{
    struct eks_addon_health *health = arena_alloc(c->arena, sizeof *health);
    int r = eks_tags(c, view->addon_arn, &view->tags);

    health->issues.at = arena_alloc(c->arena, sizeof *health->issues.at);
    view->health = health;
    if (status.n > 0)
        view->status = status;
    /* Create, describe and delete answer alike. */
    return r < 0 ? call_fail(c, r)
                 : call_reply(c, &(struct eks_create_addon_response){.addon = view});
}

static bool version_holds(struct call *c, const struct addon_row *row, struct str version,
                          const struct cluster *cluster, struct done *ret_done)
{
    if (version_is_there(c, row, version, cluster->version))
        return true;
    *ret_done =
        call_fault(c, &eks_invalid_parameter_exception, "Addon version specified is not supported");
    return false;
}

static bool values_hold(struct call *c, struct str values, struct done *ret_done)
{
    CLEANUP(json_freep) cJSON *tree = values.n > 0 ? json_parse(values, NULL) : NULL;

    /* YAML is allowed too; what begins like JSON must be JSON. */
    if (str_trim(values).n == 0 || str_trim(values).at[0] != '{' || cJSON_IsObject(tree))
        return true;
    *ret_done = call_fault(c, &eks_invalid_parameter_exception,
                           "ConfigurationValue is not in JSON or YAML format");
    return false;
}

struct done eks_create_addon(struct call *c, const void *input)
{
    const struct eks_create_addon_request *in = input;
    const struct addon_row *row = find_row(in->addon_name);
    struct str uuid = ids_uuid(c->ids, c->arena);
    struct cluster *cluster = NULL;
    struct eks_item *old = NULL, item;
    struct eks_addon addon;
    struct done done;
    int r;

    if (!eks_need_active(c, in->cluster_name, &cluster, &done))
        return done;
    if (row == NULL || eks_minor(cluster->version) < row->from_minor)
        return call_fault(c, &eks_invalid_parameter_exception,
                          "Addon %.*s specified is not supported in %.*s kubernetes version",
                          STR_ARG(in->addon_name), STR_ARG(cluster->version));
    r = eks_item_list(c->store, c->arena, cluster->name, S("addon"), in->addon_name, &old);
    if (r < 0)
        return call_fail(c, r);
    if (old != NULL)
        return call_fault(c, &eks_resource_in_use_exception, "Addon already exists.");
    addon = (struct eks_addon){
        .addon_name = in->addon_name,
        .cluster_name = cluster->name,
        .status = S("ACTIVE"),
        .addon_version =
            in->addon_version.n > 0 ? in->addon_version : version_at(c, row, 0, cluster->version),
        .addon_arn = call_arn(c, "addon/%.*s/%.*s/%.*s", STR_ARG(cluster->name),
                              STR_ARG(in->addon_name), STR_ARG(uuid)),
        .created_at = OPT_INT(c->now),
        .modified_at = OPT_INT(c->now),
        .service_account_role_arn = in->service_account_role_arn,
        .publisher = str_c(row->publisher),
        .owner = str_c(row->owner),
        .configuration_values = in->configuration_values,
    };
    if (!version_holds(c, row, addon.addon_version, cluster, &done) ||
        !values_hold(c, in->configuration_values, &done) ||
        !eks_put_tags(c, addon.addon_arn, &in->tags, &done))
        return done;
    item = (struct eks_item){
        .cluster = cluster->name,
        .kind = S("addon"),
        .name = in->addon_name,
        .arn = addon.addon_arn,
        .document = document_write(c->arena, &eks_addon_shape, &addon),
    };
    r = eks_item_insert(c->store, &item);
    return r < 0 ? call_fail(c, r) : answer(c, &addon, S("CREATING"));
}

struct done eks_describe_addon(struct call *c, const void *input)
{
    const struct eks_describe_addon_request *in = input;
    struct cluster *cluster = NULL;
    struct eks_item *item = NULL;
    struct done done;

    if (!need_addon(c, in->cluster_name, in->addon_name, &cluster, &item, &done))
        return done;
    return answer(c, document_read(c->arena, &eks_addon_shape, item->document), (struct str){0});
}

struct done eks_list_addons(struct call *c, const void *input)
{
    const struct eks_list_addons_request *in = input;
    struct cluster *cluster = NULL;
    struct eks_item *first = NULL;
    struct done done;
    int r;

    if (!eks_need_cluster(c, in->cluster_name, &cluster, &done))
        return done;
    r = eks_item_list(c->store, c->arena, cluster->name, S("addon"), S(""), &first);
    if (r < 0)
        return call_fail(c, r);
    return eks_reply_names(c, in->next_token, in->max_results, EKS_NAMES(c, first));
}

struct done eks_update_addon(struct call *c, const void *input)
{
    const struct eks_update_addon_request *in = input;
    struct eks_update_param params[4];
    struct cluster *cluster = NULL;
    struct eks_item *item = NULL;
    struct eks_addon *addon;
    struct done done;
    int r;

    if (!need_addon(c, in->cluster_name, in->addon_name, &cluster, &item, &done))
        return done;
    addon = document_read(c->arena, &eks_addon_shape, item->document);
    if (in->addon_version.n > 0)
        addon->addon_version = in->addon_version;
    if (in->service_account_role_arn.at != NULL)
        addon->service_account_role_arn = in->service_account_role_arn;
    if (in->configuration_values.at != NULL)
        addon->configuration_values = in->configuration_values;
    addon->modified_at = OPT_INT(c->now);
    if (!version_holds(c, find_row(in->addon_name), addon->addon_version, cluster, &done) ||
        !values_hold(c, in->configuration_values, &done))
        return done;
    item->document = document_write(c->arena, &eks_addon_shape, addon);
    params[0] = (struct eks_update_param){S("AddonVersion"), in->addon_version};
    params[1] = (struct eks_update_param){S("ServiceAccountRoleArn"), in->service_account_role_arn};
    params[2] = (struct eks_update_param){S("ResolveConflicts"), in->resolve_conflicts};
    params[3] = (struct eks_update_param){S("ConfigurationValues"), in->configuration_values};
    r = eks_item_update(c->store, item);
    return r < 0 ? call_fail(c, r)
                 : eks_updated(c, cluster,
                               arena_printf(c->arena, "addon/%.*s", STR_ARG(in->addon_name)),
                               "AddonUpdate", params, ARRAY_LEN(params));
}

struct done eks_delete_addon(struct call *c, const void *input)
{
    const struct eks_delete_addon_request *in = input;
    struct cluster *cluster = NULL;
    struct eks_item *item = NULL;
    struct eks_addon *addon;
    struct done done;
    int r;

    if (!need_addon(c, in->cluster_name, in->addon_name, &cluster, &item, &done))
        return done;
    addon = document_read(c->arena, &eks_addon_shape, item->document);
    done = answer(c, addon, S("DELETING"));
    r = eks_item_delete(c->store, cluster->name, S("addon"), in->addon_name);
    if (r == 0)
        r = tag_remove_all(c->store, addon->addon_arn);
    return r < 0 ? call_fail(c, r) : done;
}
