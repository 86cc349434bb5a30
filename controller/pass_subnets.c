/* Subnets for the load balancer: those of the annotation, or those that are tagged for the
 * cluster and the scheme. Source: v1.1.4, internal/alb/lb/loadbalancer.go, internal/aws/rgt.go. */
#include "ec2.h"
#include "go_text.h"
#include "tagging.h"

static const char internal_role[] = "kubernetes.io/role/internal-elb";
static const char public_role[] = "kubernetes.io/role/elb";

/* Names are looked up by their Name tag; ids are taken as they are. */
static bool resolve_given(struct pass *p, const struct strs *given, struct strs *ret)
{
    struct strs ids = {0}, names = {0};
    struct subnets found;
    struct str in, out;

    for (size_t i = 0; i < given->n; i++)
        strs_add(p->a, str_starts(given->at[i], S("subnet-")) ? &ids : &names, given->at[i]);
    if (names.n > 0) {
        if (!ec2_list_subnets(p, "tag:Name", &names, &found))
            return pass_because(p, "unable to fetch subnets due to ");
        for (size_t i = 0; i < found.n; i++)
            strs_add(p->a, &ids, found.at[i].id);
    }
    strs_sort(&ids);
    *ret = ids;
    if (ids.n == given->n)
        return true;
    in = strs_join(p->a, given, ",");
    out = strs_join(p->a, &ids, ",");
    return pass_fail(p, "not all subnets were resolvable, (%.*s != %.*s)", STR_ARG(in),
                     STR_ARG(out));
}

/* Both roles are always asked for, the internal one first. */
static bool find_tagged(struct pass *p, const char *role, struct strs *ret_ids)
{
    static const char *const roles[] = {internal_role, public_role};
    struct str cluster =
        arena_printf(p->a, "kubernetes.io/cluster/%.*s", STR_ARG(p->settings->cluster_name));

    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        const struct tag_filter filters[] = {
            {str_c(roles[i]), {S(""), S("1")},           2},
            {cluster,         {S("owned"), S("shared")}, 2},
        };
        struct tagged_resources found = {0};

        if (!tagging_find(p, "ec2", 50, filters, ARRAY_LEN(filters), &found))
            return pass_because(p, "failed to get AWS tags. Error: ");
        for (size_t f = 0; f < found.n; f++) {
            struct str arn = found.at[f].arn;

            if (str_find(arn, S(":subnet/")) == STR_NONE ||
                pairs_get(&found.at[f].tags, str_c(role)) == NULL)
                continue;
            arn = str_from(arn, str_rchr(arn, '/') + 1);
            if (!strs_has(ret_ids, arn))
                strs_add(p->a, ret_ids, arn);
        }
    }
    strs_sort(ret_ids);
    return true;
}

/* The first subnet of each zone. */
static struct strs one_a_zone(struct pass *p, const struct subnets *found)
{
    struct strs zones = {0}, ids = {0};

    for (size_t i = 0; i < found->n; i++) {
        if (strs_has(&zones, found->at[i].zone))
            continue;
        strs_add(p->a, &zones, found->at[i].zone);
        strs_add(p->a, &ids, found->at[i].id);
    }
    return ids;
}

static bool discover(struct pass *p, struct strs *ret)
{
    const char *role =
        str_is(p->wanted->annotations.scheme, "internal") ? internal_role : public_role;
    struct strs tagged = {0};
    struct subnets found = {0};
    struct str list;

    if (!find_tagged(p, role, &tagged))
        return false;
    if (tagged.n > 0 && !ec2_list_subnets(p, "subnet-id", &tagged, &found))
        return pass_because(p, "unable to fetch subnets due to unable to fetch subnets due to ");
    *ret = one_a_zone(p, &found);
    if (ret->n >= 2) {
        strs_sort(ret);
        return true;
    }
    list = pretty_list(p->a, ret);
    return pass_fail(p,
                     "retrieval of subnets failed to resolve 2 qualified subnets. Subnets must "
                     "contain the kubernetes.io/cluster/<cluster name> tag with a value of shared "
                     "or owned and the %s tag signifying it should be used for ALBs Additionally, "
                     "there must be at least 2 subnets with unique availability zones as required "
                     "by ALBs. Either tag subnets to meet this requirement or use the subnets "
                     "annotation on the ingress resource to explicitly call out what subnets to "
                     "use for ALB creation. The subnets that did resolve were %.*s",
                     role, STR_ARG(list));
}

bool subnets_resolve(struct pass *p, struct strs *ret_subnets)
{
    const struct strs *given = &p->wanted->annotations.subnets;

    return given->n > 0 ? resolve_given(p, given, ret_subnets) : discover(p, ret_subnets);
}
