/* EKS: the table of operations, tags, and what every handler begins with.
 * Source: Amazon EKS API Reference, 2017-11-01. */
#include "aws/eks.h"

#include "aws/internal.h"
#include "store/ec2.h"
#include "store/tag.h"

enum { MOST_TAGS = 50, LARGEST_MAP = 1 << 20 };

/* --- what handlers begin with ----------------------------------------------------------------- */

bool eks_failed(struct call *c, int error, struct done *ret_done)
{
    *ret_done = call_fail(c, error);
    return false;
}

bool eks_need_cluster(struct call *c, struct str name, struct cluster **ret_cluster,
                      struct done *ret_done)
{
    int r = cluster_find(c->store, c->arena, c->account, c->region, name, ret_cluster);

    if (r < 0)
        return eks_failed(c, r, ret_done);
    if (*ret_cluster != NULL)
        return true;
    *ret_done = call_fault(c, &eks_resource_not_found_exception, "No cluster found for name: %.*s.",
                           STR_ARG(name));
    return false;
}

bool eks_need_active(struct call *c, struct str name, struct cluster **ret_cluster,
                     struct done *ret_done)
{
    if (!eks_need_cluster(c, name, ret_cluster, ret_done))
        return false;
    if (eks_cluster_is_active(*ret_cluster))
        return true;
    *ret_done = call_fault(c, &eks_invalid_request_exception,
                           "Cluster '%.*s' is not in ACTIVE status", STR_ARG(name));
    return false;
}

bool eks_page(struct call *c, struct str token, struct opt_int most, size_t count,
              struct page *ret_page, struct done *ret_done)
{
    if (page_cut(c, token, most.set ? most : OPT_INT(100), count, ret_page))
        return true;
    *ret_done = call_fault(c, &eks_invalid_parameter_exception, "Invalid nextToken");
    return false;
}

struct done eks_reply_names(struct call *c, struct str token, struct opt_int most,
                            struct str_list names)
{
    struct eks_list_clusters_response out = {0};
    struct page page;
    struct done done;

    if (!eks_page(c, token, most, names.n, &page, &done))
        return done;
    out.clusters = (struct str_list){names.at + page.from, page.n};
    out.next_token = page.next;
    return call_reply(c, &out);
}

/* --- checks ----------------------------------------------------------------------------------- */

static bool refuse(struct call *c, struct done *ret_done, struct str why)
{
    *ret_done = call_fault(c, &eks_invalid_parameter_exception, "%.*s", STR_ARG(why));
    return false;
}

bool eks_subnets_hold(struct call *c, const struct str_list *ids, bool zones, struct str *ret_vpc,
                      struct done *ret_done)
{
    struct str first_zone = {0};

    for (size_t i = 0; i < ids->n; i++) {
        struct subnet *s = NULL;
        int r = ids->at[i].n > 0
                    ? subnet_list(c->store, c->arena, c->account, c->region, ids->at[i], &s)
                    : 0;

        if (r < 0)
            return eks_failed(c, r, ret_done);
        if (s == NULL)
            return refuse(
                c, ret_done,
                arena_printf(c->arena, "The subnet ID '%.*s' does not exist", STR_ARG(ids->at[i])));
        if (i > 0 && !str_eq(s->vpc, *ret_vpc))
            return refuse(c, ret_done, S("Subnets specified must be in the same VPC"));
        zones = zones && (i == 0 || str_eq(s->zone, first_zone));
        if (i == 0)
            first_zone = s->zone;
        *ret_vpc = s->vpc;
    }
    if (zones)
        return refuse(c, ret_done, S("Subnets specified must be in at least two different AZs"));
    return true;
}

bool eks_groups_hold(struct call *c, const struct str_list *ids, struct str vpc,
                     struct done *ret_done)
{
    for (size_t i = 0; i < ids->n; i++) {
        struct security_group *g = NULL;
        int r = ids->at[i].n > 0
                    ? security_group_list(c->store, c->arena, c->account, c->region, ids->at[i], &g)
                    : 0;

        if (r < 0)
            return eks_failed(c, r, ret_done);
        if (g == NULL || !str_eq(g->vpc, vpc))
            return refuse(c, ret_done,
                          arena_printf(c->arena,
                                       "The security group '%.*s' does not exist in VPC '%.*s'",
                                       STR_ARG(ids->at[i]), STR_ARG(vpc)));
    }
    return true;
}

static bool names_service(const cJSON *services, struct str service)
{
    if (str_eq(json_text(services), service))
        return true;
    JSON_EACH(one, cJSON_IsArray(services) ? services : NULL)
        if (str_eq(json_text(one), service))
            return true;
    return false;
}

bool eks_role_trusts(struct str trust, struct str service)
{
    CLEANUP(json_freep) cJSON *document = json_parse(trust, NULL);
    cJSON *statements = json_get(document, "Statement");

    if (cJSON_IsObject(statements))
        return str_is(json_str(statements, "Effect"), "Allow") &&
               names_service(json_get(statements, "Principal.Service"), service);
    JSON_EACH(statement, statements)
        if (str_is(json_str(statement, "Effect"), "Allow") &&
            names_service(json_get(statement, "Principal.Service"), service))
            return true;
    return false;
}

/* --- maps and tags ---------------------------------------------------------------------------- */

struct str eks_map_text(struct call *c, const struct str_map *map)
{
    CLEANUP(json_freep) cJSON *object = cJSON_CreateObject();
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_MAP);

    for (size_t i = 0; i < map->n; i++)
        json_put_str(object, map->at[i].key, map->at[i].value);
    json_write(&b, object);
    return arena_str(c->arena, buf_str(&b));
}

struct str_map eks_map_read(struct call *c, struct str text)
{
    CLEANUP(json_freep) cJSON *object = text.n > 0 ? json_parse(text, NULL) : NULL;
    size_t n = (size_t)cJSON_GetArraySize(object);
    struct str_map map = {arena_array(c->arena, n > 0 ? n : 1, sizeof(struct str_pair)), 0};

    JSON_EACH(item, object)
        map.at[map.n++] = (struct str_pair){arena_str(c->arena, str_c(item->string)),
                                            arena_str(c->arena, json_text(item))};
    return map;
}

int eks_tags(struct call *c, struct str arn, struct str_map *ret_tags)
{
    struct tag *first = NULL;
    size_t n = 0;
    int r = tag_list(c->store, c->arena, c->account, c->region, arn, &first);

    for (const struct tag *t = first; t != NULL; t = t->next)
        n++;
    *ret_tags = (struct str_map){arena_array(c->arena, n + 1, sizeof(struct str_pair)), 0};
    for (const struct tag *t = first; t != NULL; t = t->next)
        ret_tags->at[ret_tags->n++] = (struct str_pair){t->key, t->value};
    return r;
}

bool eks_put_tags(struct call *c, struct str arn, const struct str_map *tags, struct done *ret_done)
{
    int64_t count = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < tags->n; i++) {
        if (str_starts(tags->at[i].key, S("aws:"))) {
            *ret_done = call_fault(c, &eks_invalid_parameter_exception,
                                   "Tag keys that start with 'aws:' are reserved for AWS use");
            return false;
        }
        r = tag_put(c->store, &(struct tag){.account = c->account,
                                            .region = c->region,
                                            .arn = arn,
                                            .key = tags->at[i].key,
                                            .value = tags->at[i].value});
    }
    if (r == 0)
        r = tag_count(c->store, c->arena, arn, &count);
    if (r < 0)
        return eks_failed(c, r, ret_done);
    if (count <= MOST_TAGS)
        return true;
    *ret_done = call_fault(c, &eks_bad_request_exception,
                           "The maximum number of tags is %d for a resource", MOST_TAGS);
    return false;
}

/* "cluster" and "sample" of "arn:aws:eks:R:A:cluster/sample". */
static bool split_arn(struct call *c, struct str arn, struct str *ret_type, struct str *ret_rest)
{
    struct str prefix = call_arn(c, "%s", "");

    return str_starts(arn, prefix) && str_cut(str_from(arn, prefix.n), '/', ret_type, ret_rest);
}

/* Whether something of ours has that ARN. */
static int arn_exists(struct call *c, struct str arn, bool *ret_exists)
{
    struct str type, rest, cluster, name, last;
    struct nodegroup *group = NULL;
    struct fargate_profile *profile = NULL;
    struct eks_item *item = NULL;
    struct cluster *row = NULL;
    int r;

    *ret_exists = false;
    if (!split_arn(c, arn, &type, &rest))
        return 0;
    if (str_is(type, "cluster")) {
        r = cluster_find(c->store, c->arena, c->account, c->region, rest, &row);
        *ret_exists = row != NULL;
        return r;
    }
    if (!str_cut(rest, '/', &cluster, &name))
        return 0;
    if (!str_cut(name, '/', &name, &last))
        last = name;
    r = str_is(type, "nodegroup") ? nodegroup_find(c->store, c->arena, cluster, name, &group)
        : str_is(type, "fargateprofile")
            ? fargate_profile_find(c->store, c->arena, cluster, name, &profile)
        : str_is(type, "podidentityassociation")
            ? eks_item_list(c->store, c->arena, cluster, S("pod-identity"), last, &item)
        : str_is(type, "addon")
            ? eks_item_list(c->store, c->arena, cluster, S("addon"), name, &item)
            : 0;
    *ret_exists = (group != NULL && str_eq(group->arn, arn)) ||
                  (profile != NULL && str_eq(profile->arn, arn)) ||
                  (item != NULL && str_eq(item->arn, arn));
    if (r == 0 && str_is(type, "access-entry")) {
        struct access_entry *entry = NULL;

        r = access_entry_list(c->store, c->arena, cluster, S(""), &entry);
        for (; r == 0 && entry != NULL; entry = entry->next)
            *ret_exists = *ret_exists || str_eq(entry->arn, arn);
    }
    return r;
}

static bool need_arn(struct call *c, struct str arn, struct done *ret_done)
{
    bool exists;
    int r = arn_exists(c, arn, &exists);

    if (r < 0)
        return eks_failed(c, r, ret_done);
    if (!exists)
        *ret_done = call_fault(c, &eks_not_found_exception,
                               "Resource not found for resourceArn '%.*s'", STR_ARG(arn));
    return exists;
}

static struct done tag_resource(struct call *c, const void *input)
{
    const struct eks_tag_resource_request *in = input;
    struct eks_tag_resource_response out = {0};
    struct done done;

    if (!need_arn(c, in->resource_arn, &done) ||
        !eks_put_tags(c, in->resource_arn, &in->tags, &done))
        return done;
    return call_reply(c, &out);
}

static struct done untag_resource(struct call *c, const void *input)
{
    const struct eks_untag_resource_request *in = input;
    struct eks_untag_resource_response out = {0};
    struct done done;
    int r = 0;

    if (!need_arn(c, in->resource_arn, &done))
        return done;
    for (size_t i = 0; r == 0 && i < in->tag_keys.n; i++)
        r = tag_remove(c->store, in->resource_arn, in->tag_keys.at[i]);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct done list_tags_for_resource(struct call *c, const void *input)
{
    const struct eks_list_tags_for_resource_request *in = input;
    struct eks_list_tags_for_resource_response out = {0};
    struct done done;
    int r;

    if (!need_arn(c, in->resource_arn, &done))
        return done;
    r = eks_tags(c, in->resource_arn, &out.tags);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

/* --- the table -------------------------------------------------------------------------------- */

#define CLUSTER  "arn:aws:eks:{region}:{account}:cluster/{name}"
#define GROUP    "arn:aws:eks:{region}:{account}:nodegroup/{name}/{nodegroupName}/*"
#define PROFILE  "arn:aws:eks:{region}:{account}:fargateprofile/{name}/{fargateProfileName}/*"
#define ADDON    "arn:aws:eks:{region}:{account}:addon/{name}/{addonName}/*"
#define ENTRY    "arn:aws:eks:{region}:{account}:access-entry/{name}/*"
#define POD_ROLE "arn:aws:eks:{region}:{account}:podidentityassociation/{name}/{associationId}"

static const struct aws_op ops[] = {
    {"CreateCluster",                      eks_create_cluster,                        CLUSTER,         OP_WRITES},
    {"DescribeCluster",                    eks_describe_cluster,                      CLUSTER,         0        },
    {"ListClusters",                       eks_list_clusters,                         "*",             0        },
    {"DeleteCluster",                      eks_delete_cluster,                        CLUSTER,         OP_WRITES},
    {"DescribeClusterVersions",            eks_describe_cluster_versions,             "*",             0        },
    {"UpdateClusterConfig",                eks_update_cluster_config,                 CLUSTER,         OP_WRITES},
    {"UpdateClusterVersion",               eks_update_cluster_version,                CLUSTER,         OP_WRITES},
    {"AssociateEncryptionConfig",          eks_associate_encryption_config,           CLUSTER,         OP_WRITES},
    {"ListUpdates",                        eks_list_updates,                          CLUSTER,         0        },
    {"DescribeUpdate",                     eks_describe_update,                       CLUSTER,         0        },
    {"CreateNodegroup",                    eks_create_nodegroup,                      CLUSTER,         OP_WRITES},
    {"DescribeNodegroup",                  eks_describe_nodegroup,                    GROUP,           0        },
    {"ListNodegroups",                     eks_list_nodegroups,                       CLUSTER,         0        },
    {"DeleteNodegroup",                    eks_delete_nodegroup,                      GROUP,           OP_WRITES},
    {"UpdateNodegroupConfig",              eks_update_nodegroup_config,               GROUP,           OP_WRITES},
    {"UpdateNodegroupVersion",             eks_update_nodegroup_version,              GROUP,           OP_WRITES},
    {"CreateFargateProfile",               eks_create_fargate_profile,                CLUSTER,         OP_WRITES},
    {"DescribeFargateProfile",             eks_describe_fargate_profile,              PROFILE,         0        },
    {"ListFargateProfiles",                eks_list_fargate_profiles,                 CLUSTER,         0        },
    {"DeleteFargateProfile",               eks_delete_fargate_profile,                PROFILE,         OP_WRITES},
    {"CreateAccessEntry",                  eks_create_access_entry,                   CLUSTER,         OP_WRITES},
    {"DescribeAccessEntry",                eks_describe_access_entry,                 ENTRY,           0        },
    {"ListAccessEntries",                  eks_list_access_entries,                   CLUSTER,         0        },
    {"UpdateAccessEntry",                  eks_update_access_entry,                   ENTRY,           OP_WRITES},
    {"DeleteAccessEntry",                  eks_delete_access_entry,                   ENTRY,           OP_WRITES},
    {"AssociateAccessPolicy",              eks_associate_access_policy,               ENTRY,           OP_WRITES},
    {"DisassociateAccessPolicy",           eks_disassociate_access_policy,            ENTRY,           OP_WRITES},
    {"ListAssociatedAccessPolicies",       eks_list_associated_access_policies,       ENTRY,           0        },
    {"ListAccessPolicies",                 eks_list_access_policies,                  "*",             0        },
    {"CreateAddon",                        eks_create_addon,                          CLUSTER,         OP_WRITES},
    {"DescribeAddon",                      eks_describe_addon,                        ADDON,           0        },
    {"ListAddons",                         eks_list_addons,                           CLUSTER,         0        },
    {"UpdateAddon",                        eks_update_addon,                          ADDON,           OP_WRITES},
    {"DeleteAddon",                        eks_delete_addon,                          ADDON,           OP_WRITES},
    {"DescribeAddonVersions",              eks_describe_addon_versions,               "*",             0        },
    {"DescribeAddonConfiguration",         eks_describe_addon_configuration,          "*",             0        },
    {"CreatePodIdentityAssociation",       eks_create_pod_identity_association,       CLUSTER,         OP_WRITES},
    {"DescribePodIdentityAssociation",     eks_describe_pod_identity_association,     POD_ROLE,        0        },
    {"ListPodIdentityAssociations",        eks_list_pod_identity_associations,        CLUSTER,         0        },
    {"UpdatePodIdentityAssociation",       eks_update_pod_identity_association,       POD_ROLE,        OP_WRITES},
    {"DeletePodIdentityAssociation",       eks_delete_pod_identity_association,       POD_ROLE,        OP_WRITES},
    {"AssociateIdentityProviderConfig",    eks_associate_identity_provider_config,    CLUSTER,         OP_WRITES},
    {"DescribeIdentityProviderConfig",     eks_describe_identity_provider_config,     CLUSTER,         0        },
    {"ListIdentityProviderConfigs",        eks_list_identity_provider_configs,        CLUSTER,         0        },
    {"DisassociateIdentityProviderConfig", eks_disassociate_identity_provider_config, CLUSTER,
     OP_WRITES                                                                                                  },
    {"TagResource",                        tag_resource,                              "{resourceArn}", OP_WRITES},
    {"UntagResource",                      untag_resource,                            "{resourceArn}", OP_WRITES},
    {"ListTagsForResource",                list_tags_for_resource,                    "{resourceArn}", 0        },
};

const struct aws_service eks_service = AWS_SERVICE(eks, "eks", ops);
