/* EKS rows. */
#include "store/eks.h"

#include "store/feed.h"
#include "store/setting.h"

const char eks_schema_1[] = ROW_CREATE("cluster", CLUSTER_COLUMNS, ", UNIQUE (name)")
    ROW_CREATE("nodegroup", NODEGROUP_COLUMNS, ", UNIQUE (cluster, name)")
        ROW_CREATE("fargate_profile", FARGATE_PROFILE_COLUMNS, ", UNIQUE (cluster, name)")
            ROW_CREATE("access_entry", ACCESS_ENTRY_COLUMNS, ", UNIQUE (cluster, principal)")
                ROW_CREATE("access_policy", ACCESS_POLICY_COLUMNS,
                           ", UNIQUE (cluster, principal, policy)")
                    ROW_CREATE("eks_item", EKS_ITEM_COLUMNS, ", UNIQUE (cluster, kind, name)");

#define ROW_COLUMN_OF_cluster(kind, name)         ROW_COLUMN(cluster, kind, name)
#define ROW_COLUMN_OF_nodegroup(kind, name)       ROW_COLUMN(nodegroup, kind, name)
#define ROW_COLUMN_OF_fargate_profile(kind, name) ROW_COLUMN(fargate_profile, kind, name)
#define ROW_COLUMN_OF_access_entry(kind, name)    ROW_COLUMN(access_entry, kind, name)
#define ROW_COLUMN_OF_access_policy(kind, name)   ROW_COLUMN(access_policy, kind, name)
#define ROW_COLUMN_OF_eks_item(kind, name)        ROW_COLUMN(eks_item, kind, name)

ROW_TABLE(cluster, "cluster", CLUSTER_COLUMNS);
ROW_TABLE(nodegroup, "nodegroup", NODEGROUP_COLUMNS);
ROW_TABLE(fargate_profile, "fargate_profile", FARGATE_PROFILE_COLUMNS);
ROW_TABLE(access_entry, "access_entry", ACCESS_ENTRY_COLUMNS);
ROW_TABLE(access_policy, "access_policy", ACCESS_POLICY_COLUMNS);
ROW_TABLE(eks_item, "eks_item", EKS_ITEM_COLUMNS);

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
    static const char *const statements[] = {
        "DELETE FROM access_policy WHERE cluster = :name",
        "DELETE FROM access_entry WHERE cluster = :name",
        "DELETE FROM eks_item WHERE cluster = :name",
        "DELETE FROM cluster WHERE name = :name",
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(statements); i++)
        r = row_run(s, statements[i], ROW_PARAMETERS({":name", name}));
    return announced(s, r, name);
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

/* --- access ------------------------------------------------------------------------------- */

int access_entry_list(struct store *s, struct arena *a, struct str cluster, struct str principal,
                      struct access_entry **ret_first)
{
    static const char sql[] =
        ROW_SELECT("access_entry", ACCESS_ENTRY_COLUMNS) "WHERE cluster = :cluster AND "
                                                         "(:principal = '' OR principal = "
                                                         ":principal) ORDER BY seq";

    return row_list(s, a, &access_entry_table, sql,
                    ROW_PARAMETERS({":cluster", cluster}, {":principal", principal}), ret_first);
}

int access_entry_insert(struct store *s, const struct access_entry *e)
{
    return announced(s, row_insert(s, &access_entry_table, e), e->cluster);
}

int access_entry_update(struct store *s, const struct access_entry *e)
{
    static const char sql[] = ROW_UPDATE(
        "access_entry", ACCESS_ENTRY_COLUMNS) "WHERE cluster = :cluster AND principal = :principal";

    return announced(s, row_update(s, &access_entry_table, sql, e), e->cluster);
}

int access_entry_delete(struct store *s, struct str cluster, struct str principal)
{
    static const char *const statements[] = {
        "DELETE FROM access_policy WHERE cluster = :cluster AND principal = :principal",
        "DELETE FROM access_entry WHERE cluster = :cluster AND principal = :principal",
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(statements); i++)
        r = row_run(s, statements[i],
                    ROW_PARAMETERS({":cluster", cluster}, {":principal", principal}));
    return announced(s, r, cluster);
}

int access_policy_list(struct store *s, struct arena *a, struct str cluster, struct str principal,
                       struct access_policy **ret_first)
{
    static const char sql[] =
        ROW_SELECT("access_policy", ACCESS_POLICY_COLUMNS) "WHERE cluster = :cluster AND "
                                                           "principal = :principal ORDER BY seq";

    return row_list(s, a, &access_policy_table, sql,
                    ROW_PARAMETERS({":cluster", cluster}, {":principal", principal}), ret_first);
}

int access_policy_put(struct store *s, const struct access_policy *p)
{
    static const char sql[] =
        ROW_UPDATE("access_policy", ACCESS_POLICY_COLUMNS) "WHERE cluster = :cluster AND principal "
                                                           "= :principal AND policy = :policy";
    int r = row_update(s, &access_policy_table, sql, p);

    if (r == 0 && store_changed_rows(s) == 0)
        r = row_insert(s, &access_policy_table, p);
    return announced(s, r, p->cluster);
}

int access_policy_delete(struct store *s, struct str cluster, struct str principal,
                         struct str policy)
{
    static const char sql[] = "DELETE FROM access_policy WHERE cluster = :cluster AND "
                              "principal = :principal AND policy = :policy";

    return announced(s,
                     row_run(s, sql,
                             ROW_PARAMETERS({":cluster", cluster}, {":principal", principal},
                                            {":policy", policy})),
                     cluster);
}

/* --- what else hangs on a cluster --------------------------------------------------------- */

int eks_item_list(struct store *s, struct arena *a, struct str cluster, struct str kind,
                  struct str name, struct eks_item **ret_first)
{
    static const char sql[] =
        ROW_SELECT("eks_item", EKS_ITEM_COLUMNS) "WHERE cluster = :cluster AND kind = :kind AND "
                                                 "(:name = '' OR name = :name) ORDER BY seq";

    return row_list(s, a, &eks_item_table, sql,
                    ROW_PARAMETERS({":cluster", cluster}, {":kind", kind}, {":name", name}),
                    ret_first);
}

int eks_item_insert(struct store *s, const struct eks_item *i)
{
    return announced(s, row_insert(s, &eks_item_table, i), i->cluster);
}

int eks_item_update(struct store *s, const struct eks_item *i)
{
    static const char sql[] = ROW_UPDATE(
        "eks_item", EKS_ITEM_COLUMNS) "WHERE cluster = :cluster AND kind = :kind AND name = :name";

    return announced(s, row_update(s, &eks_item_table, sql, i), i->cluster);
}

int eks_item_delete(struct store *s, struct str cluster, struct str kind, struct str name)
{
    static const char sql[] =
        "DELETE FROM eks_item WHERE cluster = :cluster AND kind = :kind AND name = :name";

    return announced(
        s, row_run(s, sql, ROW_PARAMETERS({":cluster", cluster}, {":kind", kind}, {":name", name})),
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
