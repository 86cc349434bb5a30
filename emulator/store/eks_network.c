/* What EKS puts into a cluster's VPC.
 * Source: Amazon EKS User Guide, "View Amazon EKS security group requirements for clusters". */
#include "store/eks_network.h"

#include "store/ec2_address.h"
#include "store/ec2_group.h"
#include "store/tag.h"

enum { CONTROL_PLANE_ZONES = 2 };

static struct str group_arn(struct arena *a, const struct cluster *c, struct str id)
{
    return arena_printf(a, "arn:aws:ec2:%.*s:%.*s:security-group/%.*s", STR_ARG(c->region),
                        STR_ARG(c->account), STR_ARG(id));
}

static struct str owner_of(struct arena *a, const struct cluster *c)
{
    return arena_printf(a, "cluster/%.*s", STR_ARG(c->name));
}

int cluster_group_make(struct store *s, struct arena *a, struct cluster *c)
{
    struct security_group g = {
        .account = c->account,
        .region = c->region,
        .vpc = c->vpc,
        .name = arena_printf(a, "eks-cluster-sg-%.*s-%.*s", STR_ARG(c->name),
                             STR_ARG(ids_from(store_ids(s), a, 8, IDS_DIGITS))),
        .description = S("EKS created security group applied to ENI that is attached to EKS "
                         "Control Plane master nodes, as well as any managed workloads."),
    };
    int r = security_group_make(s, a, &g, true);
    struct str keys[] = {S("Name"), S("aws:eks:cluster-name"),
                         arena_printf(a, "kubernetes.io/cluster/%.*s", STR_ARG(c->name))};
    struct str values[] = {g.name, c->name, S("owned")};

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(keys); i++)
        r = tag_put(s, &(struct tag){.account = c->account,
                                     .region = c->region,
                                     .arn = group_arn(a, c, g.id),
                                     .key = keys[i],
                                     .value = values[i]});
    c->cluster_group = g.id;
    return r;
}

int cluster_interfaces_make(struct store *s, struct arena *a, const struct cluster *c)
{
    struct str rest = c->subnets, id, zones[CONTROL_PLANE_ZONES], groups[8];
    struct str others = c->security_groups;
    size_t made = 0, n = 0;
    int r = 0;

    groups[n++] = c->cluster_group;
    while (n < ARRAY_LEN(groups) && str_next(&others, ' ', &id))
        groups[n++] = id;
    while (r == 0 && made < CONTROL_PLANE_ZONES && str_next(&rest, ' ', &id)) {
        struct network_interface eni = {
            .description = arena_printf(a, "Amazon EKS %.*s", STR_ARG(c->name)),
            .requester = c->account,
            .managed = true,
            .attachment = ec2_new_id(s, a, "eni-attach"),
            .attachment_owner = S("amazon-eks"),
            .device_index = 1,
            .owner = owner_of(a, c),
        };
        struct subnet *subnet = NULL;

        r = subnet_list(s, a, c->account, c->region, id, &subnet);
        if (r < 0 || subnet == NULL || (made > 0 && str_eq(zones[0], subnet->zone)))
            continue;
        zones[made++] = subnet->zone;
        r = interface_make(s, a, subnet, &eni, groups, n);
    }
    return r;
}

int cluster_network_remove(struct store *s, struct arena *a, const struct cluster *c)
{
    struct network_interface *eni = NULL;
    bool used = false;
    int r = interface_list_by_owner(s, a, owner_of(a, c), &eni);

    for (; r == 0 && eni != NULL; eni = eni->next)
        r = interface_delete(s, eni->id);
    if (r == 0)
        r = security_group_in_use(s, a, c->cluster_group, &used);
    if (r == 0 && !used)
        r = security_group_delete(s, c->cluster_group);
    if (r == 0 && !used)
        r = tag_remove_all(s, group_arn(a, c, c->cluster_group));
    return r;
}
