/* Fargate profiles: which pods run on Fargate, in which subnets and as which role.
 * Source: Amazon EKS API Reference, CreateFargateProfile; reference section 6.3. */
#include "aws/eks.h"

#include "store/ec2.h"
#include "store/iam.h"
#include "store/tag.h"

enum { MOST_PROFILES = 10, MOST_SELECTORS = 5, MOST_LABELS = 5 };

static bool refuse(struct call *c, struct done *ret_done, struct str why)
{
    *ret_done = call_fault(c, &eks_invalid_parameter_exception, "%.*s", STR_ARG(why));
    return false;
}

/* --- the view -------------------------------------------------------------------------------- */

/* Selectors are kept as {"selectors": […]} would be, without the outer object. */
static struct str selectors_text(struct call *c,
                                 const struct eks_create_fargate_profile_request *in)
{
    struct eks_fargate_profile kept = {0};
    struct str text;

    kept.selectors.at = in->selectors.at;
    kept.selectors.n = in->selectors.n;
    text = document_write(c->arena, &eks_fargate_profile_shape, &kept);
    text = str_from(text, sizeof "{\"selectors\":" - 1);
    return str_first(text, text.n - 1);
}

static int view_of(struct call *c, const struct fargate_profile *row, struct str status,
                   struct eks_fargate_profile **ret_view)
{
    struct str text = arena_printf(c->arena, "{\"selectors\":%.*s}", STR_ARG(row->selectors));
    struct eks_fargate_profile *v = document_read(c->arena, &eks_fargate_profile_shape, text);
    struct eks_fargate_profile_health *health = arena_alloc(c->arena, sizeof *health);

    health->issues.at = arena_alloc(c->arena, sizeof *health->issues.at);
    v->fargate_profile_name = row->name;
    v->fargate_profile_arn = row->arn;
    v->cluster_name = row->cluster;
    v->created_at = OPT_INT(row->created);
    v->pod_execution_role_arn = row->role_arn;
    v->subnets = words_split(c->arena, row->subnets);
    v->status = status.n > 0 ? status : row->status;
    v->health = health;
    *ret_view = v;
    return eks_tags(c, row->arn, &v->tags);
}

static struct done answer(struct call *c, const struct fargate_profile *row, struct str status)
{
    struct eks_fargate_profile *view;
    int r = view_of(c, row, status, &view);

    /* Create, describe and delete answer alike. */
    return r < 0 ? call_fail(c, r)
                 : call_reply(
                       c, &(struct eks_describe_fargate_profile_response){.fargate_profile = view});
}

static bool need_profile(struct call *c, struct str cluster, struct str name,
                         struct cluster **ret_cluster, struct fargate_profile **ret_profile,
                         struct done *ret_done)
{
    int r;

    if (!eks_need_cluster(c, cluster, ret_cluster, ret_done))
        return false;
    r = fargate_profile_find(c->store, c->arena, cluster, name, ret_profile);
    if (r < 0)
        return eks_failed(c, r, ret_done);
    if (*ret_profile != NULL)
        return true;
    *ret_done = call_fault(c, &eks_resource_not_found_exception,
                           "No Fargate Profile found with name: %.*s.", STR_ARG(name));
    return false;
}

/* --- checks ---------------------------------------------------------------------------------- */

static bool selectors_hold(struct call *c, const struct eks_create_fargate_profile_request *in,
                           struct done *ret_done)
{
    if (in->selectors.n == 0)
        return refuse(c, ret_done, S("Fargate Profile requires at least one selector."));
    if (in->selectors.n > MOST_SELECTORS)
        return refuse(
            c, ret_done,
            arena_printf(c->arena, "Request contains more than %d selectors", MOST_SELECTORS));
    for (size_t i = 0; i < in->selectors.n; i++) {
        if (in->selectors.at[i].namespace.n == 0)
            return refuse(c, ret_done,
                          S("Fargate Profile must have at least one selector with at least one "
                            "namespace value."));
        if (in->selectors.at[i].labels.n > MOST_LABELS)
            return refuse(c, ret_done, S("Request contains Selector with more than 5 Label pairs"));
    }
    return true;
}

static bool role_holds(struct call *c, const struct cluster *cluster, struct str arn,
                       struct done *ret_done)
{
    struct iam_entity *role = NULL;
    struct nodegroup *group = NULL;
    int r = iam_entity_find_by_arn(c->store, c->arena, arn, &role);

    if (r == 0)
        r = nodegroup_list(c->store, c->arena, cluster->name, &group);
    if (r < 0)
        return eks_failed(c, r, ret_done);
    for (; group != NULL; group = group->next)
        if (str_eq(group->node_role, arn))
            return refuse(c, ret_done,
                          S("Pod Execution Role must not be the same as the role of a node "
                            "group of the cluster"));
    if (role == NULL || role->kind != IAM_ROLE)
        return refuse(c, ret_done,
                      arena_printf(c->arena, "Invalid pod execution role: %.*s does not exist",
                                   STR_ARG(arn)));
    if (!eks_role_trusts(role->trust, S("eks-fargate-pods.amazonaws.com")))
        return refuse(c, ret_done,
                      S("Misconfigured PodExecutionRole Trust Policy; Please add the "
                        "eks-fargate-pods.amazonaws.com Service Principal"));
    return call_may_pass_role(c, arn, "eks-fargate-pods.amazonaws.com", ret_done);
}

/* The subnets of the request, which must be private ones of the cluster's VPC; where it names none,
 * all private subnets of the cluster. */
static bool choose_subnets(struct call *c, const struct cluster *cluster,
                           const struct str_list *wanted, struct str *ret_words,
                           struct done *ret_done)
{
    struct str_list all = wanted->n > 0 ? *wanted : words_split(c->arena, cluster->subnets);
    struct str_list kept = {arena_array(c->arena, all.n + 1, sizeof(struct str)), 0};
    struct str vpc = {0};

    if (!eks_subnets_hold(c, &all, false, &vpc, ret_done))
        return false;
    if (!str_eq(vpc, cluster->vpc))
        return refuse(c, ret_done, S("Subnets must be in the VPC of the cluster"));
    for (size_t i = 0; i < all.n; i++) {
        struct subnet *s = NULL;
        bool public = false;
        int r = subnet_list(c->store, c->arena, c->account, c->region, all.at[i], &s);

        if (r == 0 && s != NULL)
            r = subnet_is_public(c->store, s, &public);
        if (r < 0)
            return eks_failed(c, r, ret_done);
        if (public && wanted->n > 0)
            return refuse(c, ret_done,
                          arena_printf(c->arena,
                                       "Subnet %.*s provided in Fargate Profile is not a private "
                                       "subnet",
                                       STR_ARG(all.at[i])));
        if (!public)
            kept.at[kept.n++] = all.at[i];
    }
    *ret_words = words_join(c->arena, &kept);
    if (kept.n == 0)
        return refuse(c, ret_done, S("Fargate Profile requires at least one private subnet"));
    return true;
}

/* No other profile of that name, none that is being made or deleted, and room for one more. */
static bool place_holds(struct call *c, const struct cluster *cluster, struct str name,
                        struct done *ret_done)
{
    struct fargate_profile *p = NULL;
    size_t n = 0;
    int r = fargate_profile_list(c->store, c->arena, cluster->name, &p);

    if (r < 0)
        return eks_failed(c, r, ret_done);
    for (; p != NULL; p = p->next, n++) {
        if (str_eq(p->name, name)) {
            *ret_done =
                call_fault(c, &eks_resource_in_use_exception,
                           "A Fargate Profile already exists with this name in this cluster.");
            return false;
        }
        if (str_is(p->status, "CREATING") || str_is(p->status, "DELETING")) {
            *ret_done = call_fault(c, &eks_resource_in_use_exception,
                                   "Cannot create Fargate Profile %.*s because cluster %.*s "
                                   "currently has Fargate profile %.*s in status %.*s",
                                   STR_ARG(name), STR_ARG(cluster->name), STR_ARG(p->name),
                                   STR_ARG(p->status));
            return false;
        }
    }
    if (n < MOST_PROFILES)
        return true;
    *ret_done = call_fault(c, &eks_resource_limit_exceeded_exception,
                           "Fargate Profile limit exceeded for cluster %.*s: at most %d",
                           STR_ARG(cluster->name), MOST_PROFILES);
    return false;
}

/* --- handlers -------------------------------------------------------------------------------- */

struct done eks_create_fargate_profile(struct call *c, const void *input)
{
    const struct eks_create_fargate_profile_request *in = input;
    struct fargate_profile *old = NULL, row = {
                                            .name = in->fargate_profile_name,
                                            .cluster = in->cluster_name,
                                            .status = S("ACTIVE"),
                                            .role_arn = in->pod_execution_role_arn,
                                            .created = c->now,
                                            .token = in->client_request_token,
                                        };
    struct str uuid = ids_uuid(c->ids, c->arena);
    struct cluster *cluster = NULL;
    struct done done;
    int r;

    if (!eks_need_active(c, in->cluster_name, &cluster, &done))
        return done;
    if (str_starts(row.name, S("eks-")))
        return call_fault(c, &eks_invalid_parameter_exception,
                          "Fargate Profile name cannot start with prefix eks-");
    r = fargate_profile_find(c->store, c->arena, cluster->name, row.name, &old);
    if (r < 0)
        return call_fail(c, r);
    if (old != NULL && row.token.n > 0 && str_eq(old->token, row.token))
        return answer(c, old, (struct str){0});
    row.arn = call_arn(c, "fargateprofile/%.*s/%.*s/%.*s", STR_ARG(cluster->name),
                       STR_ARG(row.name), STR_ARG(uuid));
    if (!place_holds(c, cluster, row.name, &done) || !selectors_hold(c, in, &done) ||
        !role_holds(c, cluster, row.role_arn, &done) ||
        !choose_subnets(c, cluster, &in->subnets, &row.subnets, &done) ||
        !eks_put_tags(c, row.arn, &in->tags, &done))
        return done;
    row.selectors = selectors_text(c, in);
    r = fargate_profile_insert(c->store, &row);
    if (r == 0 && !str_is(cluster->authentication, "CONFIG_MAP"))
        r = eks_admit_nodes(c, cluster, row.role_arn, "FARGATE_LINUX");
    return r < 0 ? call_fail(c, r) : answer(c, &row, S("CREATING"));
}

struct done eks_describe_fargate_profile(struct call *c, const void *input)
{
    const struct eks_describe_fargate_profile_request *in = input;
    struct fargate_profile *row = NULL;
    struct cluster *cluster = NULL;
    struct done done;

    if (!need_profile(c, in->cluster_name, in->fargate_profile_name, &cluster, &row, &done))
        return done;
    return answer(c, row, (struct str){0});
}

struct done eks_list_fargate_profiles(struct call *c, const void *input)
{
    const struct eks_list_fargate_profiles_request *in = input;
    struct fargate_profile *first = NULL;
    struct cluster *cluster = NULL;
    struct done done;
    int r;

    if (!eks_need_cluster(c, in->cluster_name, &cluster, &done))
        return done;
    r = fargate_profile_list(c->store, c->arena, cluster->name, &first);
    if (r < 0)
        return call_fail(c, r);
    return eks_reply_names(c, in->next_token, in->max_results, EKS_NAMES(c, first));
}

struct done eks_delete_fargate_profile(struct call *c, const void *input)
{
    const struct eks_delete_fargate_profile_request *in = input;
    struct eks_fargate_profile *view;
    struct fargate_profile *row = NULL;
    struct cluster *cluster = NULL;
    struct done done;
    int r;

    if (!need_profile(c, in->cluster_name, in->fargate_profile_name, &cluster, &row, &done))
        return done;
    r = view_of(c, row, S("DELETING"), &view);
    if (r == 0)
        r = fargate_profile_delete(c->store, cluster->name, row->name);
    if (r == 0)
        r = tag_remove_all(c->store, row->arn);
    return r < 0 ? call_fail(c, r)
                 : call_reply(
                       c, &(struct eks_delete_fargate_profile_response){.fargate_profile = view});
}
