/* EKS rows. */
#include "store/eks.h"

#include "store/feed.h"
#include "store/setting.h"

const char eks_schema_1[] = ROW_CREATE("cluster", CLUSTER_COLUMNS, ", UNIQUE (name)")
    ROW_CREATE("nodegroup", NODEGROUP_COLUMNS, ", UNIQUE (cluster, name)")
        ROW_CREATE("fargate_profile", FARGATE_PROFILE_COLUMNS, ", UNIQUE (cluster, name)");

#define ROW_COLUMN_OF_cluster(kind, name)         ROW_COLUMN(cluster, kind, name)
#define ROW_COLUMN_OF_nodegroup(kind, name)       ROW_COLUMN(nodegroup, kind, name)
#define ROW_COLUMN_OF_fargate_profile(kind, name) ROW_COLUMN(fargate_profile, kind, name)

ROW_TABLE(cluster, "cluster", CLUSTER_COLUMNS);
ROW_TABLE(nodegroup, "nodegroup", NODEGROUP_COLUMNS);
ROW_TABLE(fargate_profile, "fargate_profile", FARGATE_PROFILE_COLUMNS);

static int announced(struct store *s, int r, struct str cluster)
{
    if (r == 0)
        feed_announce(s, CHANGE_EKS, cluster);
    return r;
}

int cluster_list(struct store *s, struct arena *a, struct str account, struct str region,
                 struct cluster **ret_first)
{
    static const char sql[] =
        ROW_SELECT("cluster", CLUSTER_COLUMNS) "WHERE (:account = '' OR account = :account) AND "
                                               "(:region = '' OR region = :region)"
                                               " ORDER BY seq";

    return row_list(s, a, &cluster_table, sql,
                    ROW_PARAMETERS({":account", account}, {":region", region}), ret_first);
}

int cluster_find(struct store *s, struct arena *a, struct str account, struct str region,
                 struct str name, struct cluster **ret_cluster)
{
    static const char sql[] = ROW_SELECT(
        "cluster", CLUSTER_COLUMNS) "WHERE name = :name AND (:account = '' OR account = :account)"
                                    " AND (:region = '' OR region = :region)";

    return row_list(s, a, &cluster_table, sql,
                    ROW_PARAMETERS({":account", account}, {":region", region}, {":name", name}),
                    ret_cluster);
}

int cluster_find_by_issuer(struct store *s, struct arena *a, struct str issuer_id,
                           struct cluster **ret_cluster)
{
    static const char sql[] = ROW_SELECT("cluster", CLUSTER_COLUMNS) "WHERE issuer_id = :id";

    return row_list(s, a, &cluster_table, sql, ROW_PARAMETERS({":id", issuer_id}), ret_cluster);
}

#define OF_CLUSTER "WHERE cluster = :cluster AND (:name = '' OR name = :name) ORDER BY seq"

int nodegroup_find(struct store *s, struct arena *a, struct str cluster, struct str name,
                   struct nodegroup **ret_nodegroup)
{
    static const char sql[] = ROW_SELECT("nodegroup", NODEGROUP_COLUMNS) OF_CLUSTER;

    return row_list(s, a, &nodegroup_table, sql,
                    ROW_PARAMETERS({":cluster", cluster}, {":name", name}), ret_nodegroup);
}

int nodegroup_list(struct store *s, struct arena *a, struct str cluster,
                   struct nodegroup **ret_first)
{
    return nodegroup_find(s, a, cluster, S(""), ret_first);
}

int fargate_profile_find(struct store *s, struct arena *a, struct str cluster, struct str name,
                         struct fargate_profile **ret_profile)
{
    static const char sql[] = ROW_SELECT("fargate_profile", FARGATE_PROFILE_COLUMNS) OF_CLUSTER;

    return row_list(s, a, &fargate_profile_table, sql,
                    ROW_PARAMETERS({":cluster", cluster}, {":name", name}), ret_profile);
}

int fargate_profile_list(struct store *s, struct arena *a, struct str cluster,
                         struct fargate_profile **ret_first)
{
    return fargate_profile_find(s, a, cluster, S(""), ret_first);
}

int cluster_insert(struct store *s, const struct cluster *c)
{
    return announced(s, row_insert(s, &cluster_table, c), c->name);
}

int cluster_update(struct store *s, const struct cluster *c)
{
    static const char sql[] = ROW_UPDATE("cluster", CLUSTER_COLUMNS) "WHERE name = :name";

    return announced(s, row_update(s, &cluster_table, sql, c), c->name);
}

int cluster_delete(struct store *s, struct str name)
{
    static const char sql[] = "DELETE FROM cluster WHERE name = :name";

    return announced(s, row_run(s, sql, ROW_PARAMETERS({":name", name})), name);
}

int nodegroup_insert(struct store *s, const struct nodegroup *n)
{
    return announced(s, row_insert(s, &nodegroup_table, n), n->cluster);
}

int nodegroup_update(struct store *s, const struct nodegroup *n)
{
    static const char sql[] =
        ROW_UPDATE("nodegroup", NODEGROUP_COLUMNS) "WHERE cluster = :cluster AND name = :name";

    return announced(s, row_update(s, &nodegroup_table, sql, n), n->cluster);
}

int nodegroup_delete(struct store *s, struct str cluster, struct str name)
{
    static const char sql[] = "DELETE FROM nodegroup WHERE cluster = :cluster AND name = :name";

    return announced(s, row_run(s, sql, ROW_PARAMETERS({":cluster", cluster}, {":name", name})),
                     cluster);
}

int fargate_profile_insert(struct store *s, const struct fargate_profile *p)
{
    return announced(s, row_insert(s, &fargate_profile_table, p), p->cluster);
}

int fargate_profile_delete(struct store *s, struct str cluster, struct str name)
{
    static const char sql[] =
        "DELETE FROM fargate_profile WHERE cluster = :cluster AND name = :name";

    return announced(s, row_run(s, sql, ROW_PARAMETERS({":cluster", cluster}, {":name", name})),
                     cluster);
}

struct str cluster_issuer(struct arena *a, const struct cluster *c)
{
    return arena_printf(a, "https://oidc.eks.%.*s.amazonaws.com/id/%.*s", STR_ARG(c->region),
                        STR_ARG(c->issuer_id));
}

struct str cluster_arn(struct arena *a, const struct cluster *c)
{
    return arena_printf(a, "arn:aws:eks:%.*s:%.*s:cluster/%.*s", STR_ARG(c->region),
                        STR_ARG(c->account), STR_ARG(c->name));
}

struct str cluster_signing_key_name(struct arena *a, struct str cluster)
{
    return arena_printf(a, "cluster/%.*s/signing-key", STR_ARG(cluster));
}

int cluster_signing_key(struct store *s, struct arena *a, struct str cluster, struct str *ret_pem)
{
    return setting_get(s, a, cluster_signing_key_name(a, cluster), ret_pem);
}
