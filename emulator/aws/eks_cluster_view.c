/* A cluster as the API shows it: its row, what was only to be echoed, and what follows from both.
 */
#include "aws/eks.h"

#include "aws/aws.h"
#include "base/base64.h"
#include "net/ca.h"

bool eks_cluster_is_active(const struct cluster *row)
{
    return str_is(row->status, "ACTIVE") && row->port > 0;
}

static struct str endpoint(struct call *c, const struct cluster *row)
{
    return arena_printf(c->arena, "https://%.*s:%lld", STR_ARG(aws_options_of(c->aws)->kube_host),
                        (long long)row->port);
}

static struct eks_certificate *authority(struct call *c)
{
    const struct ca *ca = aws_options_of(c->aws)->ca;
    struct eks_certificate *certificate = arena_alloc(c->arena, sizeof *certificate);

    if (ca != NULL)
        certificate->data = base64_encode(c->arena, ca_certificate_pem(ca, c->arena));
    return certificate;
}

static struct eks_identity *identity(struct call *c, const struct cluster *row)
{
    struct eks_identity *identity = arena_alloc(c->arena, sizeof *identity);
    struct eks_oidc *oidc = arena_alloc(c->arena, sizeof *oidc);

    oidc->issuer = cluster_issuer(c->arena, row);
    identity->oidc = oidc;
    return identity;
}

static struct eks_vpc_config_response *vpc_config(struct call *c, const struct cluster *row,
                                                  const struct eks_vpc_config_response *set)
{
    struct eks_vpc_config_response *config = arena_alloc(c->arena, sizeof *config);
    struct str_list *everywhere = &config->public_access_cidrs;

    if (set != NULL)
        *config = *set;
    config->subnet_ids = words_split(c->arena, row->subnets);
    config->security_group_ids = words_split(c->arena, row->security_groups);
    config->vpc_id = row->vpc;
    config->cluster_security_group_id = row->cluster_group;
    if (!config->endpoint_public_access.set)
        config->endpoint_public_access = OPT_BOOL(true);
    if (!config->endpoint_private_access.set)
        config->endpoint_private_access = OPT_BOOL(false);
    if (!config->endpoint_public_access.v)
        *everywhere = (struct str_list){arena_alloc(c->arena, sizeof(struct str)), 0};
    else if (everywhere->n == 0) {
        *everywhere = (struct str_list){arena_alloc(c->arena, sizeof(struct str)), 1};
        everywhere->at[0] = S("0.0.0.0/0");
    }
    return config;
}

static struct eks_kubernetes_network_config_response *
network(struct call *c, const struct cluster *row,
        const struct eks_kubernetes_network_config_response *set)
{
    struct eks_kubernetes_network_config_response *config = arena_alloc(c->arena, sizeof *config);
    struct eks_elastic_load_balancing *off = arena_alloc(c->arena, sizeof *off);

    if (set != NULL)
        *config = *set;
    config->service_ipv4_cidr = row->service_cidr;
    if (config->ip_family.n == 0)
        config->ip_family = S("ipv4");
    off->enabled = OPT_BOOL(false);
    if (config->elastic_load_balancing == NULL)
        config->elastic_load_balancing = off;
    return config;
}

/* All five kinds, those that are on first. */
static struct eks_logging *logging(struct call *c, const struct eks_logging *set)
{
    static const char *const types[] = {"api", "audit", "authenticator", "controllerManager",
                                        "scheduler"};
    struct eks_logging *shown = arena_alloc(c->arena, sizeof *shown);
    struct eks_log_setup *halves = arena_array(c->arena, 2, sizeof *halves);

    for (size_t half = 0; half < 2; half++) {
        halves[half].enabled = OPT_BOOL(half == 0);
        halves[half].types.at = arena_array(c->arena, ARRAY_LEN(types), sizeof(struct str));
    }
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        bool on = false;

        for (size_t k = 0; set != NULL && k < set->cluster_logging.n; k++)
            for (size_t m = 0; m < set->cluster_logging.at[k].types.n; m++)
                if (str_is(set->cluster_logging.at[k].types.at[m], types[i]))
                    on = set->cluster_logging.at[k].enabled.v;
        halves[!on].types.at[halves[!on].types.n++] = str_c(types[i]);
    }
    shown->cluster_logging.at = arena_array(c->arena, 2, sizeof *halves);
    for (size_t half = 0; half < 2; half++)
        if (halves[half].types.n > 0)
            shown->cluster_logging.at[shown->cluster_logging.n++] = halves[half];
    return shown;
}

static struct eks_cluster_health *no_issues(struct call *c)
{
    struct eks_cluster_health *health = arena_alloc(c->arena, sizeof *health);

    health->issues.at = arena_alloc(c->arena, sizeof *health->issues.at);
    return health;
}

static const struct eks_upgrade_policy_response *
upgrade_policy(struct call *c, const struct eks_upgrade_policy_response *set)
{
    struct eks_upgrade_policy_response *policy = arena_alloc(c->arena, sizeof *policy);

    policy->support_type = S("EXTENDED");
    return set != NULL ? set : policy;
}

static const struct eks_access_config_response *access_config(struct call *c,
                                                              const struct cluster *row)
{
    struct eks_access_config_response *config = arena_alloc(c->arena, sizeof *config);

    config->authentication_mode = row->authentication;
    return config;
}

int eks_cluster_view(struct call *c, const struct cluster *row, struct str status,
                     struct eks_cluster **ret_view)
{
    struct eks_cluster *v = document_read(c->arena, &eks_cluster_shape, row->settings);
    const struct eks_release *release = eks_release_find(row->version);
    struct str shown = status.n > 0 ? status
                       : str_is(row->status, "ACTIVE") && !eks_cluster_is_active(row)
                           ? S("CREATING")
                           : row->status;
    bool ready = !str_is(shown, "CREATING");
    int r;

    v->name = row->name;
    v->arn = cluster_arn(c->arena, row);
    v->created_at = OPT_INT(row->created);
    v->version = row->version;
    v->role_arn = row->role_arn;
    v->status = shown;
    v->resources_vpc_config = vpc_config(c, row, v->resources_vpc_config);
    v->kubernetes_network_config = network(c, row, v->kubernetes_network_config);
    v->logging = logging(c, v->logging);
    v->platform_version = arena_printf(c->arena, "eks.%d", release != NULL ? release->platform : 1);
    v->health = no_issues(c);
    v->access_config = access_config(c, row);
    v->upgrade_policy = upgrade_policy(c, v->upgrade_policy);
    if (!v->deletion_protection.set)
        v->deletion_protection = OPT_BOOL(false);
    v->certificate_authority = arena_alloc(c->arena, sizeof *v->certificate_authority);
    if (ready) {
        v->endpoint = endpoint(c, row);
        v->certificate_authority = authority(c);
        v->identity = identity(c, row);
    } else {
        struct eks_vpc_config_response *config = (void *)(uintptr_t)v->resources_vpc_config;

        config->cluster_security_group_id = (struct str){0};
    }
    r = eks_tags(c, v->arn, &v->tags);
    *ret_view = v;
    return r;
}
