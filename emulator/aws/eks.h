/* EKS: what its files share. Handlers by file, rows of the table in eks.c. */
#pragma once

#include "aws/document.h"
#include "aws/page.h"
#include "aws/service.h"
#include "schema/aws/eks.h"
#include "store/eks.h"

/* --- eks.c: what handlers begin with -------------------------------------------------------- */

/* The cluster of that name in the call's account and region; else false, and *ret_done answers
 * with ResourceNotFoundException. */
bool eks_need_cluster(struct call *c, struct str name, struct cluster **ret_cluster,
                      struct done *ret_done);
/* The same, and it is ACTIVE; else InvalidRequestException. */
bool eks_need_active(struct call *c, struct str name, struct cluster **ret_cluster,
                     struct done *ret_done);

/* The page of a list of @count, else false and InvalidParameterException. */
bool eks_page(struct call *c, struct str token, struct opt_int most, size_t count,
              struct page *ret_page, struct done *ret_done);

/* The names of a chain of rows, as a str_list in the call's arena. */
#define EKS_NAMES(c, chain)                                                           \
    __extension__({                                                                   \
        struct str_list names_ = {0};                                                 \
        size_t count_ = 0;                                                            \
        for (const __typeof__(*(chain)) *at_ = (chain); at_ != NULL; at_ = at_->next) \
            count_++;                                                                 \
        names_.at = arena_array((c)->arena, count_ + 1, sizeof *names_.at);           \
        for (const __typeof__(*(chain)) *at_ = (chain); at_ != NULL; at_ = at_->next) \
            names_.at[names_.n++] = at_->name;                                        \
        names_;                                                                       \
    })

/* Answers with a page of @names: the answers of all lists of names look alike. */
struct done eks_reply_names(struct call *c, struct str token, struct opt_int most,
                            struct str_list names);

/* Answers with a negative error of the store; for `return eks_failed(...)` of bool helpers. */
bool eks_failed(struct call *c, int error, struct done *ret_done);

/* Whether the trust policy of a role lets @service ("eks.amazonaws.com") assume it. */
bool eks_role_trusts(struct str trust, struct str service);

/* The subnets exist and are of one VPC, *ret_vpc, which is empty where there are none;
 * @zones: of two zones at least. Else false and InvalidParameterException. */
bool eks_subnets_hold(struct call *c, const struct str_list *ids, bool zones, struct str *ret_vpc,
                      struct done *ret_done);
/* The security groups exist in @vpc. */
bool eks_groups_hold(struct call *c, const struct str_list *ids, struct str vpc,
                     struct done *ret_done);

/* The tags of @arn as a map; one without entries when there are none. */
int eks_tags(struct call *c, struct str arn, struct str_map *ret_tags);
/* Sets them; false, and the answer, for keys beginning with "aws:" or more than 50 tags. */
bool eks_put_tags(struct call *c, struct str arn, const struct str_map *tags,
                  struct done *ret_done);

/* A map as a JSON object, and back. In the call's arena. */
struct str eks_map_text(struct call *c, const struct str_map *map);
struct str_map eks_map_read(struct call *c, struct str text);

/* --- eks_cluster_view.c --------------------------------------------------------------------- */

/* What the API shows of a cluster. @status: empty for what it is; CREATING shows less. */
int eks_cluster_view(struct call *c, const struct cluster *row, struct str status,
                     struct eks_cluster **ret_view);
/* Whether its server is open: until then it is CREATING. */
bool eks_cluster_is_active(const struct cluster *row);

/* --- eks_version.c -------------------------------------------------------------------------- */

struct eks_release {
    const char *version, *patch;                            /* "1.16", "1.16.15" */
    int platform;                                           /* "eks.N" */
    const char *released, *standard_until, *extended_until; /* dates, "2020-04-30" */
};
/* The row of that version, or NULL. */
const struct eks_release *eks_release_find(struct str version);
struct str eks_default_version(void);
/* 16 of "1.16"; 0 for anything else. */
int64_t eks_minor(struct str version);

/* --- eks_update.c --------------------------------------------------------------------------- */

/* Notes an update that has come to its end, of the cluster or of what @parent names in it, and
 * answers with it. @params: n pairs. */
struct done eks_updated(struct call *c, const struct cluster *row, struct str parent,
                        const char *type, const struct eks_update_param *params, size_t n);

/* --- eks_access.c --------------------------------------------------------------------------- */

/* Whoever makes a cluster is its first administrator. */
int eks_admit_creator(struct call *c, const struct cluster *row);
/* A node role's entry, of that type (EC2_LINUX, FARGATE_LINUX), unless it has one. */
int eks_admit_nodes(struct call *c, const struct cluster *row, struct str role_arn,
                    const char *type);

/* --- handlers ------------------------------------------------------------------------------- */

/* eks_cluster.c */
aws_handler eks_create_cluster, eks_describe_cluster, eks_list_clusters, eks_delete_cluster;
/* eks_version.c */
aws_handler eks_describe_cluster_versions;
/* eks_update.c */
aws_handler eks_update_cluster_config, eks_update_cluster_version, eks_list_updates,
    eks_describe_update, eks_associate_encryption_config;
/* eks_nodegroup.c */
aws_handler eks_create_nodegroup, eks_describe_nodegroup, eks_list_nodegroups, eks_delete_nodegroup,
    eks_update_nodegroup_config, eks_update_nodegroup_version;
/* eks_fargate.c */
aws_handler eks_create_fargate_profile, eks_describe_fargate_profile, eks_list_fargate_profiles,
    eks_delete_fargate_profile;
/* eks_access.c */
aws_handler eks_create_access_entry, eks_describe_access_entry, eks_list_access_entries,
    eks_update_access_entry, eks_delete_access_entry, eks_associate_access_policy,
    eks_disassociate_access_policy, eks_list_associated_access_policies, eks_list_access_policies;
/* eks_addon.c */
aws_handler eks_create_addon, eks_describe_addon, eks_list_addons, eks_update_addon,
    eks_delete_addon, eks_describe_addon_versions, eks_describe_addon_configuration;
/* eks_identity.c */
aws_handler eks_create_pod_identity_association, eks_describe_pod_identity_association,
    eks_list_pod_identity_associations, eks_update_pod_identity_association,
    eks_delete_pod_identity_association, eks_associate_identity_provider_config,
    eks_describe_identity_provider_config, eks_list_identity_provider_configs,
    eks_disassociate_identity_provider_config;
