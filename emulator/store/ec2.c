/* EC2 and VPC rows. */
#include "store/ec2.h"

#include "store/feed.h"

const char ec2_schema_1[] = ROW_CREATE("vpc", VPC_COLUMNS, ", UNIQUE (id)") ROW_CREATE(
    "vpc_cidr", VPC_CIDR_COLUMNS, ", UNIQUE (id)") ROW_CREATE("subnet", SUBNET_COLUMNS,
                                                              ", UNIQUE (id)")
    ROW_CREATE("internet_gateway", GATEWAY_COLUMNS, ", UNIQUE (id)") ROW_CREATE(
        "route_table", ROUTE_TABLE_COLUMNS,
        ", UNIQUE (id)") ROW_CREATE("route", ROUTE_COLUMNS, ", UNIQUE (route_table, destination)")
        ROW_CREATE("route_association", ROUTE_ASSOCIATION_COLUMNS, ", UNIQUE (id)") ROW_CREATE(
            "security_group", SECURITY_GROUP_COLUMNS, ", UNIQUE (id), UNIQUE (vpc, name)")
            ROW_CREATE(
                "security_group_rule", SECURITY_GROUP_RULE_COLUMNS,
                ", UNIQUE (id)") "CREATE INDEX security_group_rule_by_group ON "
                                 "security_group_rule (group_id);"
                                 "CREATE INDEX security_group_rule_by_peer ON "
                                 "security_group_rule (peer_group);" ROW_CREATE(
                                     "instance", INSTANCE_COLUMNS, ", UNIQUE (id)")
                                     ROW_CREATE(
                                         "network_interface", INTERFACE_COLUMNS,
                                         ", UNIQUE (id)") "CREATE INDEX "
                                                          "network_interface_by_owner "
                                                          "ON network_interface (owner);"
                                                          "CREATE INDEX "
                                                          "network_interface_by_"
                                                          "instance ON "
                                                          "network_interface "
                                                          "(instance);" ROW_CREATE(
                                                              "private_address", ADDRESS_COLUMNS,
                                                              ", UNIQUE (subnet, "
                                                              "address)") "CREATE INDEX "
                                                                          "private_"
                                                                          "address_by_"
                                                                          "interface ON "
                                                                          "private_"
                                                                          "address "
                                                                          "(interface);"
                                                                          "CREATE INDEX "
                                                                          "private_"
                                                                          "address_by_"
                                                                          "owner ON "
                                                                          "private_"
                                                                          "address "
                                                                          "(owner)"
                                                                          ";" ROW_CREATE(
                                                                              "interface"
                                                                              "_group",
                                                                              INTERFACE_GROUP_COLUMNS,
                                                                              ", UNIQUE "
                                                                              "(interfac"
                                                                              "e, "
                                                                              "group_"
                                                                              "id)") "CR"
                                                                                     "EA"
                                                                                     "TE"
                                                                                     " I"
                                                                                     "ND"
                                                                                     "EX"
                                                                                     " i"
                                                                                     "nt"
                                                                                     "er"
                                                                                     "fa"
                                                                                     "ce"
                                                                                     "_g"
                                                                                     "ro"
                                                                                     "up"
                                                                                     "_b"
                                                                                     "y_"
                                                                                     "gr"
                                                                                     "ou"
                                                                                     "p "
                                                                                     "ON"
                                                                                     " i"
                                                                                     "nt"
                                                                                     "er"
                                                                                     "fa"
                                                                                     "ce"
                                                                                     "_g"
                                                                                     "ro"
                                                                                     "up"
                                                                                     " ("
                                                                                     "gr"
                                                                                     "ou"
                                                                                     "p_"
                                                                                     "id"
                                                                                     ")"
                                                                                     ";";

#define ROW_COLUMN_OF_vpc(kind, name)                 ROW_COLUMN(vpc, kind, name)
#define ROW_COLUMN_OF_vpc_cidr(kind, name)            ROW_COLUMN(vpc_cidr, kind, name)
#define ROW_COLUMN_OF_subnet(kind, name)              ROW_COLUMN(subnet, kind, name)
#define ROW_COLUMN_OF_gateway(kind, name)             ROW_COLUMN(gateway, kind, name)
#define ROW_COLUMN_OF_route_table(kind, name)         ROW_COLUMN(route_table, kind, name)
#define ROW_COLUMN_OF_vpc_route(kind, name)           ROW_COLUMN(vpc_route, kind, name)
#define ROW_COLUMN_OF_route_association(kind, name)   ROW_COLUMN(route_association, kind, name)
#define ROW_COLUMN_OF_security_group(kind, name)      ROW_COLUMN(security_group, kind, name)
#define ROW_COLUMN_OF_security_group_rule(kind, name) ROW_COLUMN(security_group_rule, kind, name)
#define ROW_COLUMN_OF_instance(kind, name)            ROW_COLUMN(instance, kind, name)
#define ROW_COLUMN_OF_network_interface(kind, name)   ROW_COLUMN(network_interface, kind, name)
#define ROW_COLUMN_OF_private_address(kind, name)     ROW_COLUMN(private_address, kind, name)
#define ROW_COLUMN_OF_interface_group(kind, name)     ROW_COLUMN(interface_group, kind, name)

ROW_TABLE(vpc, "vpc", VPC_COLUMNS);
ROW_TABLE(vpc_cidr, "vpc_cidr", VPC_CIDR_COLUMNS);
ROW_TABLE(subnet, "subnet", SUBNET_COLUMNS);
ROW_TABLE(gateway, "internet_gateway", GATEWAY_COLUMNS);
ROW_TABLE(route_table, "route_table", ROUTE_TABLE_COLUMNS);
ROW_TABLE(vpc_route, "route", ROUTE_COLUMNS);
ROW_TABLE(route_association, "route_association", ROUTE_ASSOCIATION_COLUMNS);
ROW_TABLE(security_group, "security_group", SECURITY_GROUP_COLUMNS);
ROW_TABLE(security_group_rule, "security_group_rule", SECURITY_GROUP_RULE_COLUMNS);
ROW_TABLE(instance, "instance", INSTANCE_COLUMNS);
ROW_TABLE(network_interface, "network_interface", INTERFACE_COLUMNS);
ROW_TABLE(private_address, "private_address", ADDRESS_COLUMNS);
ROW_TABLE(interface_group, "interface_group", INTERFACE_GROUP_COLUMNS);

/* --- reading -------------------------------------------------------------------------------- */

#define IN_REGION "WHERE account = :account AND region = :region ORDER BY seq"
#define OF_ID     "WHERE id = :id AND account = :account AND region = :region"

/* A finder of everything in an account's region, or of one id there. */
#define LIST_IN_REGION(function, type, table, text, COLUMNS)                                     \
    int function(struct store *s, struct arena *a, struct str account, struct str region,        \
                 struct str id, struct type **ret_first)                                         \
    {                                                                                            \
        static const char all[] = ROW_SELECT(text, COLUMNS) IN_REGION;                           \
        static const char one[] = ROW_SELECT(text, COLUMNS) OF_ID;                               \
                                                                                                 \
        if (id.n == 0)                                                                           \
            return row_list(s, a, &table, all,                                                   \
                            ROW_PARAMETERS({":account", account}, {":region", region}),          \
                            ret_first);                                                          \
        return row_list(s, a, &table, one,                                                       \
                        ROW_PARAMETERS({":account", account}, {":region", region}, {":id", id}), \
                        ret_first);                                                              \
    }

/* A finder by one column's value. */
#define LIST_BY(function, type, table, text, COLUMNS, condition)                                \
    int function(struct store *s, struct arena *a, struct str by, struct type **ret_first)      \
    {                                                                                           \
        static const char sql[] = ROW_SELECT(text, COLUMNS) "WHERE " condition " ORDER BY seq"; \
                                                                                                \
        return row_list(s, a, &table, sql, ROW_PARAMETERS({":by", by}), ret_first);             \
    }

LIST_IN_REGION(vpc_list, vpc, vpc_table, "vpc", VPC_COLUMNS)
LIST_IN_REGION(subnet_list, subnet, subnet_table, "subnet", SUBNET_COLUMNS)
LIST_IN_REGION(gateway_list, gateway, gateway_table, "internet_gateway", GATEWAY_COLUMNS)
LIST_IN_REGION(route_table_list, route_table, route_table_table, "route_table", ROUTE_TABLE_COLUMNS)
LIST_IN_REGION(security_group_list, security_group, security_group_table, "security_group",
               SECURITY_GROUP_COLUMNS)
LIST_IN_REGION(instance_list, instance, instance_table, "instance", INSTANCE_COLUMNS)
LIST_IN_REGION(interface_list, network_interface, network_interface_table, "network_interface",
               INTERFACE_COLUMNS)

LIST_BY(vpc_cidr_list, vpc_cidr, vpc_cidr_table, "vpc_cidr", VPC_CIDR_COLUMNS, "vpc = :by")
LIST_BY(subnet_list_of_vpc, subnet, subnet_table, "subnet", SUBNET_COLUMNS, "vpc = :by")
LIST_BY(route_list, vpc_route, vpc_route_table, "route", ROUTE_COLUMNS, "route_table = :by")
LIST_BY(route_association_list, route_association, route_association_table, "route_association",
        ROUTE_ASSOCIATION_COLUMNS, "route_table = :by")
LIST_BY(route_association_find, route_association, route_association_table, "route_association",
        ROUTE_ASSOCIATION_COLUMNS, "id = :by")
LIST_BY(route_association_find_by_subnet, route_association, route_association_table,
        "route_association", ROUTE_ASSOCIATION_COLUMNS, "subnet = :by")
LIST_BY(security_group_rule_list, security_group_rule, security_group_rule_table,
        "security_group_rule", SECURITY_GROUP_RULE_COLUMNS, "group_id = :by")
LIST_BY(security_group_rule_list_by_peer, security_group_rule, security_group_rule_table,
        "security_group_rule", SECURITY_GROUP_RULE_COLUMNS, "peer_group = :by")
LIST_BY(instance_find, instance, instance_table, "instance", INSTANCE_COLUMNS, "id = :by")
LIST_BY(instance_list_by_state, instance, instance_table, "instance", INSTANCE_COLUMNS,
        "state = :by")
LIST_BY(interface_find, network_interface, network_interface_table, "network_interface",
        INTERFACE_COLUMNS, "id = :by")
LIST_BY(interface_list_by_owner, network_interface, network_interface_table, "network_interface",
        INTERFACE_COLUMNS, "owner = :by")
LIST_BY(interface_list_by_instance, network_interface, network_interface_table, "network_interface",
        INTERFACE_COLUMNS, "instance = :by")
LIST_BY(interface_list_by_group, network_interface, network_interface_table, "network_interface",
        INTERFACE_COLUMNS, "id IN (SELECT interface FROM interface_group WHERE group_id = :by)")
LIST_BY(private_address_list, private_address, private_address_table, "private_address",
        ADDRESS_COLUMNS, "interface = :by")
LIST_BY(private_address_find_by_owner, private_address, private_address_table, "private_address",
        ADDRESS_COLUMNS, "owner = :by")
LIST_BY(private_address_list_of_subnet, private_address, private_address_table, "private_address",
        ADDRESS_COLUMNS, "subnet = :by")
LIST_BY(interface_group_list, interface_group, interface_group_table, "interface_group",
        INTERFACE_GROUP_COLUMNS, "interface = :by")

int security_group_rule_list_in(struct store *s, struct arena *a, struct str account,
                                struct str region, struct str id,
                                struct security_group_rule **ret_first)
{
    static const char sql[] = ROW_SELECT(
        "security_group_rule",
        SECURITY_GROUP_RULE_COLUMNS) "WHERE (:id = '' OR id = "
                                     ":id) AND group_id IN (SELECT id FROM security_group WHERE "
                                     "account = :account AND region "
                                     "= :region) ORDER BY seq";

    return row_list(s, a, &security_group_rule_table, sql,
                    ROW_PARAMETERS({":account", account}, {":region", region}, {":id", id}),
                    ret_first);
}

int subnet_is_public(struct store *s, const struct subnet *subnet, bool *ret_public)
{
    static const char sql[] =
        "SELECT count(*) AS n FROM route WHERE destination IN ('0.0.0.0/0', '::/0') AND "
        "target LIKE 'igw-%' AND route_table = coalesce("
        "(SELECT route_table FROM route_association WHERE subnet = :subnet), "
        "(SELECT id FROM route_table WHERE vpc = :vpc AND main = 1))";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":subnet", subnet->id);
    stmt_bind_str(&q, ":vpc", subnet->vpc);
    r = stmt_step(&q);
    if (r == STMT_ROW)
        *ret_public = stmt_int(&q, "n") > 0;
    return r < 0 ? r : 0;
}

int instance_list_of_cluster(struct store *s, struct arena *a, struct str cluster,
                             struct str nodegroup, struct instance **ret_first)
{
    static const char sql[] = ROW_SELECT(
        "instance",
        INSTANCE_COLUMNS) "WHERE cluster = :cluster AND (:nodegroup = '' OR nodegroup = :nodegroup)"
                          " AND state <> 48 ORDER BY seq";

    return row_list(s, a, &instance_table, sql,
                    ROW_PARAMETERS({":cluster", cluster}, {":nodegroup", nodegroup}), ret_first);
}

int interface_find_by_address(struct store *s, struct arena *a, struct str vpc, struct str address,
                              struct network_interface **ret_interface)
{
    static const char sql[] = ROW_SELECT(
        "network_interface", INTERFACE_COLUMNS) "WHERE vpc = :vpc AND id IN (SELECT interface FROM "
                                                "private_address WHERE address = :address)"
                                                " ORDER BY seq";

    return row_list(s, a, &network_interface_table, sql,
                    ROW_PARAMETERS({":vpc", vpc}, {":address", address}), ret_interface);
}

/* --- writing -------------------------------------------------------------------------------- */

static int announced(struct store *s, int r, struct str id)
{
    if (r == 0)
        feed_announce(s, CHANGE_NETWORK, id);
    return r;
}

int ec2_insert(struct store *s, const struct row_table *t, const void *row, struct str id)
{
    return announced(s, row_insert(s, t, row), id);
}

/* Runs statements over one id, until one fails. */
static int run_each(struct store *s, const char *const *statements, size_t n, struct str id)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = row_run(s, statements[i], ROW_PARAMETERS({":id", id}));
    return announced(s, r, id);
}

#define DELETE_EACH(function, ...)                                 \
    int function(struct store *s, struct str id)                   \
    {                                                              \
        static const char *const statements[] = {__VA_ARGS__};     \
                                                                   \
        return run_each(s, statements, ARRAY_LEN(statements), id); \
    }

DELETE_EACH(vpc_delete, "DELETE FROM vpc_cidr WHERE vpc = :id", "DELETE FROM vpc WHERE id = :id")
DELETE_EACH(subnet_delete, "DELETE FROM route_association WHERE subnet = :id",
            "DELETE FROM subnet WHERE id = :id")
DELETE_EACH(vpc_cidr_delete, "DELETE FROM vpc_cidr WHERE id = :id")
DELETE_EACH(gateway_delete, "DELETE FROM internet_gateway WHERE id = :id")
DELETE_EACH(route_table_delete, "DELETE FROM route WHERE route_table = :id",
            "DELETE FROM route_association WHERE route_table = :id",
            "DELETE FROM route_table WHERE id = :id")
DELETE_EACH(route_association_delete, "DELETE FROM route_association WHERE id = :id")
DELETE_EACH(security_group_delete, "DELETE FROM security_group_rule WHERE group_id = :id",
            "DELETE FROM security_group WHERE id = :id")
DELETE_EACH(interface_delete, "DELETE FROM private_address WHERE interface = :id",
            "DELETE FROM interface_group WHERE interface = :id",
            "DELETE FROM network_interface WHERE id = :id")
DELETE_EACH(private_address_delete, "DELETE FROM private_address WHERE owner = :id")

int gateway_attach(struct store *s, struct str id, struct str vpc)
{
    static const char sql[] = "UPDATE internet_gateway SET vpc = :vpc WHERE id = :id";

    return announced(s, row_run(s, sql, ROW_PARAMETERS({":id", id}, {":vpc", vpc})), id);
}

int route_delete(struct store *s, struct str route_table, struct str destination)
{
    static const char sql[] =
        "DELETE FROM route WHERE route_table = :id AND destination = :destination";

    return announced(
        s, row_run(s, sql, ROW_PARAMETERS({":id", route_table}, {":destination", destination})),
        route_table);
}

int security_group_rule_delete(struct store *s, struct str id, struct str group_id)
{
    static const char sql[] =
        "DELETE FROM security_group_rule WHERE id = :id AND group_id = :group";

    return announced(s, row_run(s, sql, ROW_PARAMETERS({":id", id}, {":group", group_id})),
                     group_id);
}

int interface_set_groups(struct store *s, struct str id, const struct str *groups, size_t n)
{
    static const char sql[] = "DELETE FROM interface_group WHERE interface = :id";
    int r = row_run(s, sql, ROW_PARAMETERS({":id", id}));

    for (size_t i = 0; r == 0 && i < n; i++)
        r = row_insert(s, &interface_group_table,
                       &(struct interface_group){.interface = id, .group_id = groups[i]});
    return announced(s, r, id);
}

/* Sets one number of one row. */
static int set_number(struct store *s, const char *sql, struct str id, int64_t value)
{
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":id", id);
    stmt_bind_int(&q, ":value", value);
    return announced(s, stmt_run(&q), id);
}

int instance_set_state(struct store *s, struct str id, int64_t state)
{
    static const char sql[] = "UPDATE instance SET state = :value WHERE id = :id";

    return set_number(s, sql, id, state);
}

/* Writes all columns of the row with that id. */
#define UPDATE_BY_ID(function, type, table, text, COLUMNS)                    \
    int function(struct store *s, const struct type *row)                     \
    {                                                                         \
        static const char sql[] = ROW_UPDATE(text, COLUMNS) "WHERE id = :id"; \
                                                                              \
        return announced(s, row_update(s, &table, sql, row), row->id);        \
    }

UPDATE_BY_ID(vpc_update, vpc, vpc_table, "vpc", VPC_COLUMNS)
UPDATE_BY_ID(subnet_update, subnet, subnet_table, "subnet", SUBNET_COLUMNS)
UPDATE_BY_ID(instance_update, instance, instance_table, "instance", INSTANCE_COLUMNS)
UPDATE_BY_ID(interface_update, network_interface, network_interface_table, "network_interface",
             INTERFACE_COLUMNS)
UPDATE_BY_ID(security_group_rule_update, security_group_rule, security_group_rule_table,
             "security_group_rule", SECURITY_GROUP_RULE_COLUMNS)

int private_address_delete_one(struct store *s, struct str interface, struct str address)
{
    static const char sql[] =
        "DELETE FROM private_address WHERE interface = :interface AND address = :address";

    return announced(
        s, row_run(s, sql, ROW_PARAMETERS({":interface", interface}, {":address", address})),
        interface);
}

int route_association_move(struct store *s, struct str id, struct str new_id,
                           struct str route_table)
{
    static const char sql[] =
        "UPDATE route_association SET id = :new, route_table = :table WHERE id = :id";

    return announced(
        s, row_run(s, sql, ROW_PARAMETERS({":id", id}, {":new", new_id}, {":table", route_table})),
        route_table);
}

int route_table_set_main(struct store *s, struct str vpc, struct str id)
{
    static const char sql[] = "UPDATE route_table SET main = (id = :id) WHERE vpc = :vpc";

    return announced(s, row_run(s, sql, ROW_PARAMETERS({":id", id}, {":vpc", vpc})), id);
}
