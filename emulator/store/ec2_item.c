/* What else EC2 has, one table. */
#include "store/ec2_item.h"

#include "store/feed.h"

const char ec2_item_schema_1[] =
    ROW_CREATE("ec2_item", EC2_ITEM_COLUMNS,
               ", UNIQUE (kind, id)") "CREATE INDEX ec2_item_by_vpc ON ec2_item (vpc, kind);"
                                      "CREATE INDEX ec2_item_by_parent ON ec2_item (parent, kind);"
                                      "CREATE UNIQUE INDEX ec2_item_by_name ON ec2_item (kind, "
                                      "account, region, name) "
                                      "WHERE name <> '';";

#define ROW_COLUMN_OF_ec2_item(kind, name) ROW_COLUMN(ec2_item, kind, name)
ROW_TABLE(ec2_item, "ec2_item", EC2_ITEM_COLUMNS);

static int announced(struct store *s, int r, struct str id)
{
    if (r == 0)
        feed_announce(s, CHANGE_NETWORK, id);
    return r;
}

int ec2_item_list(struct store *s, struct arena *a, const char *kind, struct str account,
                  struct str region, struct str id, struct ec2_item **ret_first)
{
    static const char all[] =
        ROW_SELECT("ec2_item", EC2_ITEM_COLUMNS) "WHERE kind = :kind AND account = :account AND "
                                                 "region = :region ORDER BY seq";
    static const char one[] =
        ROW_SELECT("ec2_item", EC2_ITEM_COLUMNS) "WHERE kind = :kind AND id = :id AND account = "
                                                 ":account AND region = :region";

    if (id.n == 0)
        return row_list(
            s, a, &ec2_item_table, all,
            ROW_PARAMETERS({":kind", str_c(kind)}, {":account", account}, {":region", region}),
            ret_first);
    return row_list(s, a, &ec2_item_table, one,
                    ROW_PARAMETERS({":kind", str_c(kind)}, {":account", account},
                                   {":region", region}, {":id", id}),
                    ret_first);
}

int ec2_item_list_of_vpc(struct store *s, struct arena *a, const char *kind, struct str vpc,
                         struct ec2_item **ret_first)
{
    static const char sql[] =
        ROW_SELECT("ec2_item", EC2_ITEM_COLUMNS) "WHERE vpc = :vpc AND kind = :kind ORDER BY seq";

    return row_list(s, a, &ec2_item_table, sql,
                    ROW_PARAMETERS({":kind", str_c(kind)}, {":vpc", vpc}), ret_first);
}

int ec2_item_list_of_parent(struct store *s, struct arena *a, const char *kind, struct str parent,
                            struct ec2_item **ret_first)
{
    static const char sql[] = ROW_SELECT(
        "ec2_item", EC2_ITEM_COLUMNS) "WHERE parent = :parent AND kind = :kind ORDER BY seq";

    return row_list(s, a, &ec2_item_table, sql,
                    ROW_PARAMETERS({":kind", str_c(kind)}, {":parent", parent}), ret_first);
}

int ec2_item_find_by_name(struct store *s, struct arena *a, const char *kind, struct str account,
                          struct str region, struct str name, struct ec2_item **ret_item)
{
    static const char sql[] =
        ROW_SELECT("ec2_item", EC2_ITEM_COLUMNS) "WHERE kind = :kind AND account = :account AND "
                                                 "region = :region AND name = :name AND "
                                                 "name <> ''";

    return row_list(s, a, &ec2_item_table, sql,
                    ROW_PARAMETERS({":kind", str_c(kind)}, {":account", account},
                                   {":region", region}, {":name", name}),
                    ret_item);
}

int ec2_item_insert(struct store *s, const struct ec2_item *i)
{
    return announced(s, row_insert(s, &ec2_item_table, i), i->id);
}

int ec2_item_update(struct store *s, const struct ec2_item *i)
{
    static const char sql[] =
        ROW_UPDATE("ec2_item", EC2_ITEM_COLUMNS) "WHERE kind = :kind AND id = :id";

    return announced(s, row_update(s, &ec2_item_table, sql, i), i->id);
}

int ec2_item_delete(struct store *s, const char *kind, struct str id)
{
    static const char sql[] = "DELETE FROM ec2_item WHERE kind = :kind AND id = :id";

    return announced(s, row_run(s, sql, ROW_PARAMETERS({":kind", str_c(kind)}, {":id", id})), id);
}
