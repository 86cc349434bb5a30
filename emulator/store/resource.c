/* Things of services, one table. */
#include "store/resource.h"

const char resource_schema_1[] =
    ROW_CREATE("resource", RESOURCE_COLUMNS,
               ", UNIQUE (kind, arn)") "CREATE INDEX resource_by_parent ON resource (parent, kind);"
                                       "CREATE UNIQUE INDEX resource_by_name ON resource (kind, "
                                       "account, region, name) "
                                       "WHERE name <> '';";

#define ROW_COLUMN_OF_resource(kind, name) ROW_COLUMN(resource, kind, name)
ROW_TABLE(resource, "resource", RESOURCE_COLUMNS);

int resource_list(struct store *s, struct arena *a, const char *kind, struct str account,
                  struct str region, struct resource **ret_first)
{
    static const char sql[] =
        ROW_SELECT("resource", RESOURCE_COLUMNS) "WHERE kind = :kind AND account = :account AND "
                                                 "region = :region ORDER BY seq";

    return row_list(
        s, a, &resource_table, sql,
        ROW_PARAMETERS({":kind", str_c(kind)}, {":account", account}, {":region", region}),
        ret_first);
}

int resource_find(struct store *s, struct arena *a, const char *kind, struct str arn,
                  struct resource **ret_resource)
{
    static const char sql[] =
        ROW_SELECT("resource", RESOURCE_COLUMNS) "WHERE kind = :kind AND arn = :arn";

    return row_list(s, a, &resource_table, sql,
                    ROW_PARAMETERS({":kind", str_c(kind)}, {":arn", arn}), ret_resource);
}

int resource_find_by_name(struct store *s, struct arena *a, const char *kind, struct str account,
                          struct str region, struct str name, struct resource **ret_resource)
{
    static const char sql[] =
        ROW_SELECT("resource", RESOURCE_COLUMNS) "WHERE kind = :kind AND account = :account AND "
                                                 "region = :region AND name = :name AND "
                                                 "name <> ''";

    return row_list(s, a, &resource_table, sql,
                    ROW_PARAMETERS({":kind", str_c(kind)}, {":account", account},
                                   {":region", region}, {":name", name}),
                    ret_resource);
}

int resource_list_by_parent(struct store *s, struct arena *a, const char *kind, struct str parent,
                            struct resource **ret_first)
{
    static const char sql[] = ROW_SELECT(
        "resource", RESOURCE_COLUMNS) "WHERE parent = :parent AND kind = :kind ORDER BY seq";

    return row_list(s, a, &resource_table, sql,
                    ROW_PARAMETERS({":kind", str_c(kind)}, {":parent", parent}), ret_first);
}

int resource_insert(struct store *s, const struct resource *r)
{
    return row_insert(s, &resource_table, r);
}

int resource_update(struct store *s, const struct resource *r)
{
    static const char sql[] =
        ROW_UPDATE("resource", RESOURCE_COLUMNS) "WHERE kind = :kind AND arn = :arn";

    return row_update(s, &resource_table, sql, r);
}

int resource_delete(struct store *s, const char *kind, struct str arn)
{
    static const char sql[] = "DELETE FROM resource WHERE kind = :kind AND arn = :arn";

    return row_run(s, sql, ROW_PARAMETERS({":kind", str_c(kind)}, {":arn", arn}));
}
