/* Load balancing rows. */
#include "store/elbv2.h"

#include "store/feed.h"

/* clang-format off */
const char elbv2_schema_1[] =
    ROW_CREATE("load_balancer", LOAD_BALANCER_COLUMNS,
               ", UNIQUE (arn), UNIQUE (account, region, name)")
    "CREATE INDEX load_balancer_by_place ON load_balancer (account, region);"
    ROW_CREATE("load_balancer_zone", LOAD_BALANCER_ZONE_COLUMNS, ", UNIQUE (load_balancer, zone)")
    ROW_CREATE("load_balancer_group", LOAD_BALANCER_GROUP_COLUMNS,
               ", UNIQUE (load_balancer, group_id)")
    ROW_CREATE("lb_attribute", LB_ATTRIBUTE_COLUMNS, ", UNIQUE (arn, key)")
    ROW_CREATE("lb_capacity", LB_CAPACITY_COLUMNS, ", UNIQUE (arn)")
    ROW_CREATE("listener", LISTENER_COLUMNS, ", UNIQUE (arn), UNIQUE (load_balancer, port)")
    ROW_CREATE("listener_certificate", LISTENER_CERTIFICATE_COLUMNS,
               ", UNIQUE (listener, certificate, is_default)")
    ROW_CREATE("listener_rule", LISTENER_RULE_COLUMNS, ", UNIQUE (arn)")
    "CREATE INDEX listener_rule_by_listener ON listener_rule (listener, priority);"
    ROW_CREATE("rule_forward", RULE_FORWARD_COLUMNS, ", UNIQUE (rule, target_group)")
    "CREATE INDEX rule_forward_by_group ON rule_forward (target_group);"
    ROW_CREATE("target_group", TARGET_GROUP_COLUMNS,
               ", UNIQUE (arn), UNIQUE (account, region, name)")
    "CREATE INDEX target_group_by_place ON target_group (account, region);"
    ROW_CREATE("target", TARGET_COLUMNS, ", UNIQUE (target_group, id, port)")
    "CREATE INDEX target_by_id ON target (id);"
    "CREATE INDEX target_by_draining ON target (draining_until) WHERE draining_until > 0;";
/* clang-format on */

#define ROW_COLUMN_OF_load_balancer(kind, name)        ROW_COLUMN(load_balancer, kind, name)
#define ROW_COLUMN_OF_load_balancer_zone(kind, name)   ROW_COLUMN(load_balancer_zone, kind, name)
#define ROW_COLUMN_OF_load_balancer_group(kind, name)  ROW_COLUMN(load_balancer_group, kind, name)
#define ROW_COLUMN_OF_lb_attribute(kind, name)         ROW_COLUMN(lb_attribute, kind, name)
#define ROW_COLUMN_OF_listener(kind, name)             ROW_COLUMN(listener, kind, name)
#define ROW_COLUMN_OF_listener_certificate(kind, name) ROW_COLUMN(listener_certificate, kind, name)
#define ROW_COLUMN_OF_listener_rule(kind, name)        ROW_COLUMN(listener_rule, kind, name)
#define ROW_COLUMN_OF_rule_forward(kind, name)         ROW_COLUMN(rule_forward, kind, name)
#define ROW_COLUMN_OF_target_group(kind, name)         ROW_COLUMN(target_group, kind, name)
#define ROW_COLUMN_OF_lb_capacity(kind, name)          ROW_COLUMN(lb_capacity, kind, name)
#define ROW_COLUMN_OF_target(kind, name)               ROW_COLUMN(target, kind, name)

ROW_TABLE(load_balancer, "load_balancer", LOAD_BALANCER_COLUMNS);
ROW_TABLE(load_balancer_zone, "load_balancer_zone", LOAD_BALANCER_ZONE_COLUMNS);
ROW_TABLE(load_balancer_group, "load_balancer_group", LOAD_BALANCER_GROUP_COLUMNS);
ROW_TABLE(lb_attribute, "lb_attribute", LB_ATTRIBUTE_COLUMNS);
ROW_TABLE(listener, "listener", LISTENER_COLUMNS);
ROW_TABLE(listener_certificate, "listener_certificate", LISTENER_CERTIFICATE_COLUMNS);
ROW_TABLE(listener_rule, "listener_rule", LISTENER_RULE_COLUMNS);
ROW_TABLE(rule_forward, "rule_forward", RULE_FORWARD_COLUMNS);
ROW_TABLE(target_group, "target_group", TARGET_GROUP_COLUMNS);
ROW_TABLE(target, "target", TARGET_COLUMNS);
ROW_TABLE(lb_capacity, "lb_capacity", LB_CAPACITY_COLUMNS);

/* --- reading -------------------------------------------------------------------------------- */

#define OF_PLACE "WHERE :account = '' OR (account = :account AND region = :region) ORDER BY seq"

/* A list (or one row) of a table by one text column. */
#define LIST_BY(function, of, name, COLUMNS, column, order)                                  \
    int function(struct store *s, struct arena *a, struct str column, struct of **ret)       \
    {                                                                                        \
        static const char sql[] =                                                            \
            ROW_SELECT(name, COLUMNS) "WHERE " #column " = :" #column " ORDER BY " order;    \
                                                                                             \
        return row_list(s, a, &of##_table, sql, ROW_PARAMETERS({":" #column, column}), ret); \
    }

LIST_BY(load_balancer_find, load_balancer, "load_balancer", LOAD_BALANCER_COLUMNS, arn, "seq")
LIST_BY(lb_capacity_find, lb_capacity, "lb_capacity", LB_CAPACITY_COLUMNS, arn, "seq")
LIST_BY(lb_attribute_list, lb_attribute, "lb_attribute", LB_ATTRIBUTE_COLUMNS, arn, "seq")
LIST_BY(listener_list, listener, "listener", LISTENER_COLUMNS, load_balancer, "seq")
LIST_BY(listener_find, listener, "listener", LISTENER_COLUMNS, arn, "seq")
LIST_BY(listener_certificate_list, listener_certificate, "listener_certificate",
        LISTENER_CERTIFICATE_COLUMNS, listener, "is_default DESC, seq")
LIST_BY(listener_rule_list, listener_rule, "listener_rule", LISTENER_RULE_COLUMNS, listener,
        "priority = 0, priority")
LIST_BY(listener_rule_find, listener_rule, "listener_rule", LISTENER_RULE_COLUMNS, arn, "seq")
LIST_BY(target_group_find, target_group, "target_group", TARGET_GROUP_COLUMNS, arn, "seq")
LIST_BY(target_list, target, "target", TARGET_COLUMNS, target_group, "seq")

/* Rows of one place in order of creation, from some place on. The index on account and region has
 * the place as its last column, so a page costs the same wherever it is. */
#define PAGE_OF(of, name, COLUMNS)                                                              \
    int of##_page(struct store *s, struct arena *a, struct str account, struct str region,      \
                  const struct elbv2_page *page, struct of **ret_first)                         \
    {                                                                                           \
        static const char sql[] =                                                               \
            ROW_SELECT(name, COLUMNS) "INDEXED BY " name                                        \
                                      "_by_place WHERE account = :account AND region ="         \
                                      " :region AND seq > CAST(:after AS INTEGER) ORDER BY seq" \
                                      " LIMIT CAST(:most AS INTEGER)";                          \
                                                                                                \
        return row_list(s, a, &of##_table, sql,                                                 \
                        ROW_PARAMETERS({":account", account}, {":region", region},              \
                                       {":after", number(a, page->after)},                      \
                                       {":most", number(a, page->most)}),                       \
                        ret_first);                                                             \
    }                                                                                           \
                                                                                                \
    int of##_place(struct store *s, struct str arn, int64_t *ret_place)                         \
    {                                                                                           \
        static const char sql[] = "SELECT seq AS number FROM " name " WHERE arn = :arn";        \
                                                                                                \
        return ask_number(s, sql, ROW_PARAMETERS({":arn", arn}), ret_place);                    \
    }

static struct str number(struct arena *a, int64_t n)
{
    return arena_printf(a, "%lld", (long long)n);
}

/* The column `number` of the first row; 0 where there is none. */
static int ask_number(struct store *s, const char *sql, const struct row_parameter *parameters,
                      size_t n, int64_t *ret_number)
{
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        stmt_bind_str(&q, parameters[i].name, parameters[i].text);
    r = stmt_step(&q);
    if (r < 0)
        return r;
    *ret_number = r == STMT_ROW ? stmt_int(&q, "number") : 0;
    return 0;
}

PAGE_OF(load_balancer, "load_balancer", LOAD_BALANCER_COLUMNS)
PAGE_OF(target_group, "target_group", TARGET_GROUP_COLUMNS)

int load_balancer_count(struct store *s, struct str account, struct str region, struct str type,
                        int64_t *ret_count)
{
    static const char sql[] = "SELECT count(*) AS number FROM load_balancer WHERE"
                              " account = :account AND region = :region AND type = :type";

    return ask_number(s, sql,
                      ROW_PARAMETERS({":account", account}, {":region", region}, {":type", type}),
                      ret_count);
}

int target_group_count(struct store *s, struct str account, struct str region, int64_t *ret_count)
{
    static const char sql[] = "SELECT count(*) AS number FROM target_group WHERE"
                              " account = :account AND region = :region";

    return ask_number(s, sql, ROW_PARAMETERS({":account", account}, {":region", region}),
                      ret_count);
}

int listener_find_by_port(struct store *s, struct arena *a, struct str load_balancer, int64_t port,
                          struct listener **ret_listener)
{
    static const char sql[] =
        ROW_SELECT("listener", LISTENER_COLUMNS) "WHERE load_balancer = :balancer"
                                                 " AND port = CAST(:port AS INTEGER)";

    return row_list(s, a, &listener_table, sql,
                    ROW_PARAMETERS({":balancer", load_balancer}, {":port", number(a, port)}),
                    ret_listener);
}

int listener_list_by_trust_store(struct store *s, struct arena *a, struct str trust_store,
                                 struct listener **ret_first)
{
    static const char sql[] =
        ROW_SELECT("listener", LISTENER_COLUMNS) "WHERE mutual_authentication <> '' AND"
                                                 " instr(mutual_authentication, :store) > 0"
                                                 " ORDER BY seq";

    return row_list(s, a, &listener_table, sql, ROW_PARAMETERS({":store", trust_store}), ret_first);
}

int listener_rule_find_by_priority(struct store *s, struct arena *a, struct str listener,
                                   int64_t priority, struct listener_rule **ret_rule)
{
    static const char sql[] =
        ROW_SELECT("listener_rule", LISTENER_RULE_COLUMNS) "WHERE listener = :listener"
                                                           " AND priority ="
                                                           " CAST(:priority AS INTEGER)";

    return row_list(s, a, &listener_rule_table, sql,
                    ROW_PARAMETERS({":listener", listener}, {":priority", number(a, priority)}),
                    ret_rule);
}

int listener_rule_count(struct store *s, struct str load_balancer, int64_t *ret_count)
{
    static const char sql[] =
        "SELECT count(*) AS number FROM listener_rule WHERE priority > 0 AND listener IN"
        " (SELECT arn FROM listener WHERE load_balancer = :balancer)";

    return ask_number(s, sql, ROW_PARAMETERS({":balancer", load_balancer}), ret_count);
}

int target_find(struct store *s, struct arena *a, struct str target_group, struct str id,
                int64_t port, struct target **ret_target)
{
    static const char sql[] =
        ROW_SELECT("target", TARGET_COLUMNS) "WHERE target_group = :group AND id = :id"
                                             " AND port = CAST(:port AS INTEGER)";

    return row_list(
        s, a, &target_table, sql,
        ROW_PARAMETERS({":group", target_group}, {":id", id}, {":port", number(a, port)}),
        ret_target);
}

int target_count(struct store *s, struct str target_group, int64_t *ret_count)
{
    static const char sql[] = "SELECT count(*) AS number FROM target WHERE"
                              " target_group = :group AND draining_until = 0";

    return ask_number(s, sql, ROW_PARAMETERS({":group", target_group}), ret_count);
}

int load_balancer_list(struct store *s, struct arena *a, struct str account, struct str region,
                       struct load_balancer **ret_first)
{
    static const char sql[] = ROW_SELECT("load_balancer", LOAD_BALANCER_COLUMNS) OF_PLACE;

    return row_list(s, a, &load_balancer_table, sql,
                    ROW_PARAMETERS({":account", account}, {":region", region}), ret_first);
}

int load_balancer_find_by_name(struct store *s, struct arena *a, struct str account,
                               struct str region, struct str name,
                               struct load_balancer **ret_balancer)
{
    static const char sql[] = ROW_SELECT(
        "load_balancer",
        LOAD_BALANCER_COLUMNS) "WHERE account = :account AND region = :region AND name = :name";

    return row_list(s, a, &load_balancer_table, sql,
                    ROW_PARAMETERS({":account", account}, {":region", region}, {":name", name}),
                    ret_balancer);
}

int load_balancer_zone_list(struct store *s, struct arena *a, struct str arn,
                            struct load_balancer_zone **ret_first)
{
    static const char sql[] = ROW_SELECT(
        "load_balancer_zone", LOAD_BALANCER_ZONE_COLUMNS) "WHERE load_balancer = :arn ORDER BY seq";

    return row_list(s, a, &load_balancer_zone_table, sql, ROW_PARAMETERS({":arn", arn}), ret_first);
}

int load_balancer_group_list(struct store *s, struct arena *a, struct str arn,
                             struct load_balancer_group **ret_first)
{
    static const char sql[] =
        ROW_SELECT("load_balancer_group",
                   LOAD_BALANCER_GROUP_COLUMNS) "WHERE load_balancer = :arn ORDER BY seq";

    return row_list(s, a, &load_balancer_group_table, sql, ROW_PARAMETERS({":arn", arn}),
                    ret_first);
}

int load_balancer_list_by_certificate(struct store *s, struct arena *a, struct str certificate,
                                      struct load_balancer **ret_first)
{
    static const char sql[] = ROW_SELECT(
        "load_balancer", LOAD_BALANCER_COLUMNS) "WHERE arn IN (SELECT load_balancer FROM listener "
                                                "WHERE arn IN (SELECT listener FROM "
                                                "listener_certificate WHERE certificate = "
                                                ":certificate)) ORDER BY seq";

    return row_list(s, a, &load_balancer_table, sql, ROW_PARAMETERS({":certificate", certificate}),
                    ret_first);
}

int load_balancer_list_by_target_group(struct store *s, struct arena *a, struct str target_group,
                                       struct load_balancer **ret_first)
{
    static const char sql[] =
        ROW_SELECT("load_balancer",
                   LOAD_BALANCER_COLUMNS) "WHERE arn IN (SELECT l.load_balancer FROM listener AS l"
                                          " JOIN listener_rule AS r ON r.listener = l.arn"
                                          " JOIN rule_forward AS f ON f.rule = r.arn WHERE "
                                          "f.target_group = :group) ORDER BY seq";

    return row_list(s, a, &load_balancer_table, sql, ROW_PARAMETERS({":group", target_group}),
                    ret_first);
}

int target_group_list(struct store *s, struct arena *a, struct str account, struct str region,
                      struct target_group **ret_first)
{
    static const char sql[] = ROW_SELECT("target_group", TARGET_GROUP_COLUMNS) OF_PLACE;

    return row_list(s, a, &target_group_table, sql,
                    ROW_PARAMETERS({":account", account}, {":region", region}), ret_first);
}

int target_group_find_by_name(struct store *s, struct arena *a, struct str account,
                              struct str region, struct str name, struct target_group **ret_group)
{
    static const char sql[] = ROW_SELECT(
        "target_group",
        TARGET_GROUP_COLUMNS) "WHERE account = :account AND region = :region AND name = :name";

    return row_list(s, a, &target_group_table, sql,
                    ROW_PARAMETERS({":account", account}, {":region", region}, {":name", name}),
                    ret_group);
}

int target_group_list_by_load_balancer(struct store *s, struct arena *a, struct str load_balancer,
                                       struct target_group **ret_first)
{
    static const char sql[] = ROW_SELECT(
        "target_group",
        TARGET_GROUP_COLUMNS) "WHERE arn IN (SELECT f.target_group FROM rule_forward AS f"
                              " JOIN listener_rule AS r ON r.arn = f.rule"
                              " JOIN listener AS l ON l.arn = r.listener WHERE l.load_balancer = "
                              ":balancer) ORDER BY seq";

    return row_list(s, a, &target_group_table, sql, ROW_PARAMETERS({":balancer", load_balancer}),
                    ret_first);
}

int target_group_list_by_target(struct store *s, struct arena *a, struct str id,
                                struct target_group **ret_first)
{
    static const char sql[] =
        ROW_SELECT("target_group", TARGET_GROUP_COLUMNS) "WHERE arn IN (SELECT target_group FROM "
                                                         "target WHERE id = :id) ORDER BY seq";

    return row_list(s, a, &target_group_table, sql, ROW_PARAMETERS({":id", id}), ret_first);
}

int target_list_drained(struct store *s, struct arena *a, int64_t now, struct target **ret_first)
{
    static const char sql[] =
        ROW_SELECT("target", TARGET_COLUMNS) "WHERE draining_until > 0 AND draining_until <= "
                                             "CAST(:now AS INTEGER) ORDER BY seq";

    return row_list(s, a, &target_table, sql,
                    ROW_PARAMETERS({":now", arena_printf(a, "%lld", (long long)now)}), ret_first);
}

int target_next_drained(struct store *s, int64_t *ret_when)
{
    static const char sql[] =
        "SELECT min(draining_until) AS next FROM target WHERE draining_until > 0";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r == 0)
        r = stmt_step(&q);
    if (r < 0)
        return r;
    *ret_when = r == STMT_ROW && !stmt_is_null(&q, "next") ? stmt_int(&q, "next") : INT64_MAX;
    return 0;
}

/* --- writing -------------------------------------------------------------------------------- */

static int announced(struct store *s, int r, struct str arn)
{
    if (r == 0)
        feed_announce(s, CHANGE_LOAD_BALANCING, arn);
    return r;
}

/* Runs statements over one ARN, until one fails. */
static int run_each(struct store *s, const char *const *statements, size_t n, struct str arn)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = row_run(s, statements[i], ROW_PARAMETERS({":arn", arn}));
    return announced(s, r, arn);
}

#define DELETE_EACH(function, ...)                                  \
    int function(struct store *s, struct str arn)                   \
    {                                                               \
        static const char *const statements[] = {__VA_ARGS__};      \
                                                                    \
        return run_each(s, statements, ARRAY_LEN(statements), arn); \
    }

#define OF_BALANCER        "(SELECT arn FROM listener WHERE load_balancer = :arn)"
#define OF_BALANCERS_RULES "(SELECT arn FROM listener_rule WHERE listener IN " OF_BALANCER ")"
#define OF_LISTENERS_RULES "(SELECT arn FROM listener_rule WHERE listener = :arn)"

DELETE_EACH(load_balancer_delete, "DELETE FROM rule_forward WHERE rule IN " OF_BALANCERS_RULES,
            "DELETE FROM listener_rule WHERE listener IN " OF_BALANCER,
            "DELETE FROM listener_certificate WHERE listener IN " OF_BALANCER,
            "DELETE FROM lb_attribute WHERE arn = :arn OR arn IN " OF_BALANCER,
            "DELETE FROM listener WHERE load_balancer = :arn",
            "DELETE FROM load_balancer_zone WHERE load_balancer = :arn",
            "DELETE FROM load_balancer_group WHERE load_balancer = :arn",
            "DELETE FROM lb_capacity WHERE arn = :arn",
            "DELETE FROM load_balancer WHERE arn = :arn")
DELETE_EACH(listener_delete, "DELETE FROM rule_forward WHERE rule IN " OF_LISTENERS_RULES,
            "DELETE FROM listener_rule WHERE listener = :arn",
            "DELETE FROM listener_certificate WHERE listener = :arn",
            "DELETE FROM lb_attribute WHERE arn = :arn", "DELETE FROM listener WHERE arn = :arn")
DELETE_EACH(listener_rule_delete, "DELETE FROM rule_forward WHERE rule = :arn",
            "DELETE FROM listener_rule WHERE arn = :arn")
DELETE_EACH(target_group_delete, "DELETE FROM target WHERE target_group = :arn",
            "DELETE FROM lb_attribute WHERE arn = :arn",
            "DELETE FROM target_group WHERE arn = :arn")

int load_balancer_insert(struct store *s, const struct load_balancer *b)
{
    return announced(s, row_insert(s, &load_balancer_table, b), b->arn);
}

int load_balancer_update(struct store *s, const struct load_balancer *b)
{
    static const char sql[] = ROW_UPDATE("load_balancer", LOAD_BALANCER_COLUMNS) "WHERE arn = :arn";

    return announced(s, row_update(s, &load_balancer_table, sql, b), b->arn);
}

int load_balancer_set_zones(struct store *s, struct str arn, const struct load_balancer_zone *zones,
                            size_t n)
{
    static const char sql[] = "DELETE FROM load_balancer_zone WHERE load_balancer = :arn";
    int r = row_run(s, sql, ROW_PARAMETERS({":arn", arn}));

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct load_balancer_zone zone = zones[i];

        zone.load_balancer = arn;
        r = row_insert(s, &load_balancer_zone_table, &zone);
    }
    return announced(s, r, arn);
}

int load_balancer_set_groups(struct store *s, struct str arn, const struct str *groups, size_t n)
{
    static const char sql[] = "DELETE FROM load_balancer_group WHERE load_balancer = :arn";
    int r = row_run(s, sql, ROW_PARAMETERS({":arn", arn}));

    for (size_t i = 0; r == 0 && i < n; i++)
        r = row_insert(s, &load_balancer_group_table,
                       &(struct load_balancer_group){.load_balancer = arn, .group_id = groups[i]});
    return announced(s, r, arn);
}

int lb_capacity_put(struct store *s, const struct lb_capacity *capacity)
{
    static const char sql[] = "DELETE FROM lb_capacity WHERE arn = :arn";
    int r = row_run(s, sql, ROW_PARAMETERS({":arn", capacity->arn}));

    if (r == 0 && capacity->modified > 0)
        r = row_insert(s, &lb_capacity_table, capacity);
    return announced(s, r, capacity->arn);
}

int lb_attribute_put(struct store *s, const struct lb_attribute *attribute)
{
    static const char sql[] = "DELETE FROM lb_attribute WHERE arn = :arn AND key = :key";
    int r = row_run(s, sql, ROW_PARAMETERS({":arn", attribute->arn}, {":key", attribute->key}));

    if (r == 0)
        r = row_insert(s, &lb_attribute_table, attribute);
    return announced(s, r, attribute->arn);
}

int listener_insert(struct store *s, const struct listener *l)
{
    return announced(s, row_insert(s, &listener_table, l), l->arn);
}

int listener_update(struct store *s, const struct listener *l)
{
    static const char sql[] = ROW_UPDATE("listener", LISTENER_COLUMNS) "WHERE arn = :arn";

    return announced(s, row_update(s, &listener_table, sql, l), l->arn);
}

int listener_certificate_put(struct store *s, const struct listener_certificate *c)
{
    static const char old[] = "DELETE FROM listener_certificate WHERE listener = :listener AND"
                              " is_default = 1";
    int r = c->is_default ? row_run(s, old, ROW_PARAMETERS({":listener", c->listener})) : 0;

    if (r == 0)
        r = row_insert(s, &listener_certificate_table, c);
    return announced(s, r, c->listener);
}

int listener_certificate_remove_all(struct store *s, struct str listener)
{
    static const char sql[] = "DELETE FROM listener_certificate WHERE listener = :listener";

    return announced(s, row_run(s, sql, ROW_PARAMETERS({":listener", listener})), listener);
}

int listener_certificate_remove(struct store *s, struct str listener, struct str certificate)
{
    static const char sql[] = "DELETE FROM listener_certificate WHERE listener = :listener"
                              " AND certificate = :certificate AND is_default = 0";

    return announced(
        s, row_run(s, sql, ROW_PARAMETERS({":listener", listener}, {":certificate", certificate})),
        listener);
}

static int set_forwards(struct store *s, struct str rule, const struct str *groups, size_t n)
{
    static const char sql[] = "DELETE FROM rule_forward WHERE rule = :rule";
    int r = row_run(s, sql, ROW_PARAMETERS({":rule", rule}));

    for (size_t i = 0; r == 0 && i < n; i++)
        r = row_insert(s, &rule_forward_table,
                       &(struct rule_forward){.rule = rule, .target_group = groups[i]});
    return r;
}

int listener_rule_insert(struct store *s, const struct listener_rule *r, const struct str *groups,
                         size_t n)
{
    int result = row_insert(s, &listener_rule_table, r);

    if (result == 0)
        result = set_forwards(s, r->arn, groups, n);
    return announced(s, result, r->arn);
}

int listener_rule_update(struct store *s, const struct listener_rule *r, const struct str *groups,
                         size_t n)
{
    static const char sql[] = ROW_UPDATE("listener_rule", LISTENER_RULE_COLUMNS) "WHERE arn = :arn";
    int result = row_update(s, &listener_rule_table, sql, r);

    if (result == 0)
        result = set_forwards(s, r->arn, groups, n);
    return announced(s, result, r->arn);
}

int listener_rule_set_priority(struct store *s, struct str arn, int64_t priority)
{
    static const char sql[] = "UPDATE listener_rule SET priority = :priority WHERE arn = :arn";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", arn);
    stmt_bind_int(&q, ":priority", priority);
    return announced(s, stmt_run(&q), arn);
}

int target_group_insert(struct store *s, const struct target_group *g)
{
    return announced(s, row_insert(s, &target_group_table, g), g->arn);
}

int target_group_update(struct store *s, const struct target_group *g)
{
    static const char sql[] = ROW_UPDATE("target_group", TARGET_GROUP_COLUMNS) "WHERE arn = :arn";

    return announced(s, row_update(s, &target_group_table, sql, g), g->arn);
}

int target_put(struct store *s, const struct target *t)
{
    static const char sql[] =
        ROW_INSERT("target", TARGET_COLUMNS) " ON CONFLICT (target_group, id, port) DO UPDATE SET"
                                             " zone = excluded.zone,"
                                             " registered = excluded.registered,"
                                             " draining_until = excluded.draining_until,"
                                             " quic_server_id = excluded.quic_server_id";

    return announced(s, row_update(s, &target_table, sql, t), t->target_group);
}

int target_remove(struct store *s, struct str target_group, struct str id, int64_t port)
{
    static const char sql[] =
        "DELETE FROM target WHERE target_group = :group AND id = :id AND port = :port";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":group", target_group);
    stmt_bind_str(&q, ":id", id);
    stmt_bind_int(&q, ":port", port);
    return announced(s, stmt_run(&q), target_group);
}
