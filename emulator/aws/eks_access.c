/* Access entries: which IAM principals may use a cluster, as whom, and under which access policies.
 * Source: Amazon EKS API Reference, CreateAccessEntry, AssociateAccessPolicy; Amazon EKS User
 * Guide, "Create access entries". */
#include "aws/eks.h"

#include "store/iam.h"
#include "store/tag.h"

#define POLICY_PREFIX "arn:aws:eks::aws:cluster-access-policy/"

/* Types of entries and what they set; a STANDARD one has what its caller says. */
static const struct entry_type {
    const char *name, *username, *groups;
} entry_types[] = {
    {"STANDARD",      NULL,                                "[]"                },
    {"EC2_LINUX",     "system:node:{{EC2PrivateDNSName}}", "[\"system:nodes\"]"},
    {"EC2_WINDOWS",   "system:node:{{EC2PrivateDNSName}}",
     "[\"system:nodes\",\"eks:kube-proxy-windows\"]"                           },
    {"FARGATE_LINUX", "system:node:{{SessionName}}",
     "[\"system:bootstrappers\",\"system:nodes\",\"system:node-proxier\"]"     },
    {"EC2",           "system:node:{{EC2PrivateDNSName}}", "[\"system:nodes\"]"},
    {"HYBRID_LINUX",  "system:node:{{SessionName}}",       "[\"system:nodes\"]"},
};

/* In byte order, as they are listed. */
static const char *const policies[] = {
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSAutoNodePolicy",
    "AmazonEKSBlockStorageClusterPolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSComputeClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSHybridPolicy",
    "AmazonEKSLoadBalancingClusterPolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingClusterPolicy",
    "AmazonEKSNetworkingPolicy",
    "AmazonEKSViewPolicy",
};

static const struct entry_type *find_type(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(entry_types); i++)
        if (str_is(name, entry_types[i].name))
            return &entry_types[i];
    return NULL;
}

/* "name" of "arn:aws:iam::A:role/path/name". */
static struct str principal_name(struct str arn)
{
    size_t slash = str_rchr(arn, '/');

    return slash == STR_NONE ? arn : str_from(arn, slash + 1);
}

static bool is_role(struct str arn)
{
    return str_find(arn, S(":role/")) != STR_NONE;
}

/* A role's sessions are told apart; a user is itself. */
static struct str default_username(struct call *c, struct str principal,
                                   const struct entry_type *type)
{
    if (type->username != NULL)
        return str_c(type->username);
    if (!is_role(principal))
        return principal;
    return arena_printf(c->arena, "arn:%.*s:sts::%.*s:assumed-role/%.*s/{{SessionName}}",
                        STR_ARG(c->partition), STR_ARG(c->account),
                        STR_ARG(principal_name(principal)));
}

static struct str entry_arn(struct call *c, struct str cluster, struct str principal)
{
    struct str uuid = ids_uuid(c->ids, c->arena);

    return call_arn(c, "access-entry/%.*s/%s/%.*s/%.*s/%.*s", STR_ARG(cluster),
                    is_role(principal) ? "role" : "user", STR_ARG(c->account),
                    STR_ARG(principal_name(principal)), STR_ARG(uuid));
}

static struct access_entry new_entry(struct call *c, struct str cluster, struct str principal,
                                     const struct entry_type *type)
{
    return (struct access_entry){
        .cluster = cluster,
        .principal = principal,
        .arn = entry_arn(c, cluster, principal),
        .username = default_username(c, principal, type),
        .kubernetes_groups = str_c(type->groups),
        .type = str_c(type->name),
        .created = c->now,
        .modified = c->now,
    };
}

int eks_admit_creator(struct call *c, const struct cluster *row)
{
    struct access_policy policy = {
        .cluster = row->name,
        .principal = row->creator,
        .policy = S(POLICY_PREFIX "AmazonEKSClusterAdminPolicy"),
        .scope = S("cluster"),
        .created = c->now,
        .modified = c->now,
    };
    struct access_entry entry = new_entry(c, row->name, row->creator, &entry_types[0]);
    int r = access_entry_insert(c->store, &entry);

    return r < 0 ? r : access_policy_put(c->store, &policy);
}

int eks_admit_nodes(struct call *c, const struct cluster *row, struct str role_arn,
                    const char *type)
{
    struct access_entry *old = NULL, entry;
    int r = access_entry_list(c->store, c->arena, row->name, role_arn, &old);

    if (r < 0 || old != NULL)
        return r;
    entry = new_entry(c, row->name, role_arn, find_type(str_c(type)));
    return access_entry_insert(c->store, &entry);
}

/* --- what the handlers share ----------------------------------------------------------------- */

static int view_of(struct call *c, const struct access_entry *e, struct eks_access_entry **ret_view)
{
    struct eks_access_entry *v = arena_alloc(c->arena, sizeof *v);

    *v = (struct eks_access_entry){
        .cluster_name = e->cluster,
        .principal_arn = e->principal,
        .kubernetes_groups = document_read_list(c->arena, e->kubernetes_groups),
        .access_entry_arn = e->arn,
        .created_at = OPT_INT(e->created),
        .modified_at = OPT_INT(e->modified),
        .username = e->username,
        .type = e->type,
    };
    *ret_view = v;
    return eks_tags(c, e->arn, &v->tags);
}

static struct done answer(struct call *c, const struct access_entry *e)
{
    struct eks_access_entry *view;
    int r = view_of(c, e, &view);

    /* Create, describe and update answer alike. */
    return r < 0 ? call_fail(c, r)
                 : call_reply(c, &(struct eks_create_access_entry_response){.access_entry = view});
}

static bool need_api_mode(struct call *c, struct str name, struct cluster **ret_cluster,
                          struct done *ret_done)
{
    if (!eks_need_cluster(c, name, ret_cluster, ret_done))
        return false;
    if (!str_is((*ret_cluster)->authentication, "CONFIG_MAP"))
        return true;
    *ret_done = call_fault(c, &eks_invalid_request_exception,
                           "The cluster's authentication mode must be set to one of [API, "
                           "API_AND_CONFIG_MAP] to perform this operation.");
    return false;
}

static bool need_entry(struct call *c, struct str cluster, struct str principal,
                       struct access_entry **ret_entry, struct done *ret_done)
{
    struct cluster *row = NULL;
    int r = 0;

    if (!need_api_mode(c, cluster, &row, ret_done))
        return false;
    if (principal.n > 0)
        r = access_entry_list(c->store, c->arena, cluster, principal, ret_entry);
    if (r < 0)
        return eks_failed(c, r, ret_done);
    if (*ret_entry != NULL)
        return true;
    *ret_done = call_fault(c, &eks_resource_not_found_exception,
                           "The specified principalArn could not be found. You can view your "
                           "access entries with ListAccessEntries.");
    return false;
}

static bool refuse(struct call *c, struct done *ret_done, struct str why)
{
    *ret_done = call_fault(c, &eks_invalid_parameter_exception, "%.*s", STR_ARG(why));
    return false;
}

static bool principal_holds(struct call *c, struct str arn, struct done *ret_done)
{
    struct iam_entity *e = NULL;
    int r = iam_entity_find_by_arn(c->store, c->arena, arn, &e);

    if (r < 0)
        return eks_failed(c, r, ret_done);
    if (e == NULL || e->kind == IAM_GROUP)
        return refuse(c, ret_done, S("The specified principalArn is invalid: invalid principal."));
    return true;
}

static bool groups_hold(struct call *c, const struct str_list *groups, struct done *ret_done)
{
    for (size_t i = 0; i < groups->n; i++)
        if (str_starts(groups->at[i], S("system:")))
            return refuse(c, ret_done,
                          arena_printf(c->arena,
                                       "The kubernetes group name %.*s is invalid, it cannot "
                                       "start with system:",
                                       STR_ARG(groups->at[i])));
    return true;
}

static bool username_holds(struct call *c, struct str name, struct done *ret_done)
{
    static const char *const reserved[] = {"system:", "eks:", "aws:", "amazon:", "iam:"};

    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (str_starts(name, str_c(reserved[i])))
            return refuse(c, ret_done,
                          arena_printf(c->arena,
                                       "The username %.*s is invalid, it cannot start "
                                       "with %s",
                                       STR_ARG(name), reserved[i]));
    return true;
}

/* --- entries --------------------------------------------------------------------------------- */

struct done eks_create_access_entry(struct call *c, const void *input)
{
    const struct eks_create_access_entry_request *in = input;
    const struct entry_type *type = find_type(in->type.n > 0 ? in->type : S("STANDARD"));
    struct access_entry *old = NULL, entry;
    struct cluster *cluster = NULL;
    struct done done;
    int r;

    if (!need_api_mode(c, in->cluster_name, &cluster, &done))
        return done;
    if (type == NULL)
        return call_fault(c, &eks_invalid_parameter_exception, "The type %.*s is not valid",
                          STR_ARG(in->type));
    if (type != &entry_types[0] && (in->kubernetes_groups.n > 0 || in->username.n > 0))
        return call_fault(c, &eks_invalid_parameter_exception,
                          "The type %s does not support setting kubernetesGroups or username",
                          type->name);
    if (!principal_holds(c, in->principal_arn, &done) ||
        !groups_hold(c, &in->kubernetes_groups, &done) || !username_holds(c, in->username, &done))
        return done;
    r = access_entry_list(c->store, c->arena, cluster->name, in->principal_arn, &old);
    if (r < 0)
        return call_fail(c, r);
    if (old != NULL)
        return call_fault(c, &eks_resource_in_use_exception,
                          "The specified access entry resource is already in use on this cluster.");
    entry = new_entry(c, cluster->name, in->principal_arn, type);
    if (in->username.n > 0)
        entry.username = in->username;
    if (in->kubernetes_groups.n > 0)
        entry.kubernetes_groups = document_write_list(c->arena, &in->kubernetes_groups);
    if (!eks_put_tags(c, entry.arn, &in->tags, &done))
        return done;
    r = access_entry_insert(c->store, &entry);
    return r < 0 ? call_fail(c, r) : answer(c, &entry);
}

struct done eks_describe_access_entry(struct call *c, const void *input)
{
    const struct eks_describe_access_entry_request *in = input;
    struct access_entry *entry = NULL;
    struct done done;

    return need_entry(c, in->cluster_name, in->principal_arn, &entry, &done) ? answer(c, entry)
                                                                             : done;
}

static bool has_policy(const struct access_policy *first, struct str arn)
{
    for (; first != NULL; first = first->next)
        if (str_eq(first->policy, arn))
            return true;
    return false;
}

struct done eks_list_access_entries(struct call *c, const void *input)
{
    const struct eks_list_access_entries_request *in = input;
    struct access_entry *first = NULL;
    struct cluster *cluster = NULL;
    struct str *names;
    struct done done;
    size_t n = 0;
    int r;

    if (!need_api_mode(c, in->cluster_name, &cluster, &done))
        return done;
    r = access_entry_list(c->store, c->arena, cluster->name, S(""), &first);
    for (const struct access_entry *e = first; e != NULL; e = e->next)
        n++;
    names = arena_array(c->arena, n + 1, sizeof *names);
    n = 0;
    for (const struct access_entry *e = first; r == 0 && e != NULL; e = e->next) {
        struct access_policy *has = NULL;

        if (in->associated_policy_arn.n > 0)
            r = access_policy_list(c->store, c->arena, cluster->name, e->principal, &has);
        if (in->associated_policy_arn.n == 0 || has_policy(has, in->associated_policy_arn))
            names[n++] = e->principal;
    }
    if (r < 0)
        return call_fail(c, r);
    return eks_reply_names(c, in->next_token, in->max_results, (struct str_list){names, n});
}

struct done eks_update_access_entry(struct call *c, const void *input)
{
    const struct eks_update_access_entry_request *in = input;
    struct access_entry *entry = NULL;
    struct done done;
    int r;

    if (!need_entry(c, in->cluster_name, in->principal_arn, &entry, &done) ||
        !groups_hold(c, &in->kubernetes_groups, &done) || !username_holds(c, in->username, &done))
        return done;
    if (!str_is(entry->type, "STANDARD"))
        return call_fault(c, &eks_invalid_request_exception,
                          "An access entry of type %.*s cannot be updated", STR_ARG(entry->type));
    if (in->kubernetes_groups.at != NULL)
        entry->kubernetes_groups = document_write_list(c->arena, &in->kubernetes_groups);
    if (in->username.n > 0)
        entry->username = in->username;
    entry->modified = c->now;
    r = access_entry_update(c->store, entry);
    return r < 0 ? call_fail(c, r) : answer(c, entry);
}

struct done eks_delete_access_entry(struct call *c, const void *input)
{
    const struct eks_delete_access_entry_request *in = input;
    struct access_entry *entry = NULL;
    struct done done;
    int r;

    if (!need_entry(c, in->cluster_name, in->principal_arn, &entry, &done))
        return done;
    r = access_entry_delete(c->store, entry->cluster, entry->principal);
    if (r == 0)
        r = tag_remove_all(c->store, entry->arn);
    return r < 0 ? call_fail(c, r) : call_reply(c, &(struct eks_delete_access_entry_response){0});
}

/* --- policies -------------------------------------------------------------------------------- */

static struct eks_associated_access_policy policy_view(struct call *c,
                                                       const struct access_policy *p)
{
    struct eks_access_scope *scope = arena_alloc(c->arena, sizeof *scope);

    scope->type = p->scope;
    scope->namespaces = document_read_list(c->arena, p->namespaces);
    return (struct eks_associated_access_policy){
        .policy_arn = p->policy,
        .access_scope = scope,
        .associated_at = OPT_INT(p->created),
        .modified_at = OPT_INT(p->modified),
    };
}

static bool policy_exists(struct str arn)
{
    for (size_t i = 0; i < ARRAY_LEN(policies); i++)
        if (str_starts(arn, S(POLICY_PREFIX)) &&
            str_is(str_from(arn, sizeof POLICY_PREFIX - 1), policies[i]))
            return true;
    return false;
}

static bool scope_holds(struct call *c, const struct eks_access_scope *scope, struct done *ret_done)
{
    bool of_namespaces = str_is(scope->type, "namespace");

    if (!of_namespaces && !str_is(scope->type, "cluster"))
        return refuse(c, ret_done, S("The access scope type must be cluster or namespace"));
    if (of_namespaces && scope->namespaces.n == 0)
        return refuse(c, ret_done,
                      S("At least one namespace must be specified for an access scope of type "
                        "namespace"));
    if (!of_namespaces && scope->namespaces.n > 0)
        return refuse(c, ret_done,
                      S("Namespaces cannot be specified for an access scope of type cluster"));
    return true;
}

struct done eks_associate_access_policy(struct call *c, const void *input)
{
    const struct eks_associate_access_policy_request *in = input;
    struct access_entry *entry = NULL;
    struct access_policy *old = NULL, policy = {
                                          .cluster = in->cluster_name,
                                          .principal = in->principal_arn,
                                          .policy = in->policy_arn,
                                          .scope = in->access_scope->type,
                                          .created = c->now,
                                          .modified = c->now,
                                      };
    struct eks_associate_access_policy_response out = {.cluster_name = in->cluster_name,
                                                       .principal_arn = in->principal_arn};
    struct eks_associated_access_policy view;
    struct done done;
    int r;

    if (!need_entry(c, in->cluster_name, in->principal_arn, &entry, &done) ||
        !scope_holds(c, in->access_scope, &done))
        return done;
    if (!policy_exists(in->policy_arn))
        return call_fault(c, &eks_resource_not_found_exception,
                          "The specified policyArn could not be found: %.*s",
                          STR_ARG(in->policy_arn));
    if (!str_is(entry->type, "STANDARD") && !str_is(entry->type, "EC2"))
        return call_fault(c, &eks_invalid_request_exception,
                          "Access policies can't be associated to an access entry of type %.*s",
                          STR_ARG(entry->type));
    r = access_policy_list(c->store, c->arena, entry->cluster, entry->principal, &old);
    for (; r == 0 && old != NULL; old = old->next)
        if (str_eq(old->policy, policy.policy))
            policy.created = old->created;
    policy.namespaces = document_write_list(c->arena, &in->access_scope->namespaces);
    if (r == 0)
        r = access_policy_put(c->store, &policy);
    if (r < 0)
        return call_fail(c, r);
    view = policy_view(c, &policy);
    out.associated_access_policy = &view;
    return call_reply(c, &out);
}

struct done eks_disassociate_access_policy(struct call *c, const void *input)
{
    const struct eks_disassociate_access_policy_request *in = input;
    struct access_entry *entry = NULL;
    struct access_policy *has = NULL;
    struct done done;
    int r;

    if (!need_entry(c, in->cluster_name, in->principal_arn, &entry, &done))
        return done;
    r = access_policy_list(c->store, c->arena, entry->cluster, entry->principal, &has);
    if (r < 0)
        return call_fail(c, r);
    if (!has_policy(has, in->policy_arn))
        return call_fault(c, &eks_resource_not_found_exception,
                          "The specified policyArn could not be found: %.*s",
                          STR_ARG(in->policy_arn));
    r = access_policy_delete(c->store, entry->cluster, entry->principal, in->policy_arn);
    return r < 0 ? call_fail(c, r)
                 : call_reply(c, &(struct eks_disassociate_access_policy_response){0});
}

struct done eks_list_associated_access_policies(struct call *c, const void *input)
{
    const struct eks_list_associated_access_policies_request *in = input;
    struct eks_list_associated_access_policies_response out = {.cluster_name = in->cluster_name,
                                                               .principal_arn = in->principal_arn};
    struct eks_associated_access_policy *all;
    struct access_entry *entry = NULL;
    struct access_policy *first = NULL;
    struct page page;
    struct done done;
    size_t n = 0;
    int r;

    if (!need_entry(c, in->cluster_name, in->principal_arn, &entry, &done))
        return done;
    r = access_policy_list(c->store, c->arena, entry->cluster, entry->principal, &first);
    if (r < 0)
        return call_fail(c, r);
    for (const struct access_policy *p = first; p != NULL; p = p->next)
        n++;
    all = arena_array(c->arena, n + 1, sizeof *all);
    n = 0;
    for (const struct access_policy *p = first; p != NULL; p = p->next)
        all[n++] = policy_view(c, p);
    if (!eks_page(c, in->next_token, in->max_results, n, &page, &done))
        return done;
    out.associated_access_policies.at = all + page.from;
    out.associated_access_policies.n = page.n;
    out.next_token = page.next;
    return call_reply(c, &out);
}

struct done eks_list_access_policies(struct call *c, const void *input)
{
    const struct eks_list_access_policies_request *in = input;
    struct eks_access_policy all[ARRAY_LEN(policies)];
    struct eks_list_access_policies_response out = {0};
    struct page page;
    struct done done;

    for (size_t i = 0; i < ARRAY_LEN(policies); i++)
        all[i] = (struct eks_access_policy){
            str_c(policies[i]), arena_printf(c->arena, POLICY_PREFIX "%s", policies[i])};
    if (!eks_page(c, in->next_token, in->max_results, ARRAY_LEN(policies), &page, &done))
        return done;
    out.access_policies.at = all + page.from;
    out.access_policies.n = page.n;
    out.next_token = page.next;
    return call_reply(c, &out);
}
