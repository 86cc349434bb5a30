/* Trust store rows. */
#include "store/trust_store.h"

#include "store/feed.h"

const char trust_store_schema_1[] =
    ROW_CREATE("trust_store", TRUST_STORE_COLUMNS, ", UNIQUE (arn), UNIQUE (account, region, name)")
        ROW_CREATE("trust_store_revocation", TRUST_STORE_REVOCATION_COLUMNS,
                   ", UNIQUE (trust_store, id)");

#define ROW_COLUMN_OF_trust_store(kind, name) ROW_COLUMN(trust_store, kind, name)
#define ROW_COLUMN_OF_trust_store_revocation(kind, name) \
    ROW_COLUMN(trust_store_revocation, kind, name)

ROW_TABLE(trust_store, "trust_store", TRUST_STORE_COLUMNS);
ROW_TABLE(trust_store_revocation, "trust_store_revocation", TRUST_STORE_REVOCATION_COLUMNS);

int trust_store_list(struct store *s, struct arena *a, struct str account, struct str region,
                     struct trust_store **ret_first)
{
    static const char sql[] = ROW_SELECT(
        "trust_store",
        TRUST_STORE_COLUMNS) "WHERE account = :account AND region = :region ORDER BY seq";

    return row_list(s, a, &trust_store_table, sql,
                    ROW_PARAMETERS({":account", account}, {":region", region}), ret_first);
}

int trust_store_find(struct store *s, struct arena *a, struct str arn,
                     struct trust_store **ret_store)
{
    static const char sql[] = ROW_SELECT("trust_store", TRUST_STORE_COLUMNS) "WHERE arn = :arn";

    return row_list(s, a, &trust_store_table, sql, ROW_PARAMETERS({":arn", arn}), ret_store);
}

int trust_store_find_by_name(struct store *s, struct arena *a, struct str account,
                             struct str region, struct str name, struct trust_store **ret_store)
{
    static const char sql[] = ROW_SELECT(
        "trust_store",
        TRUST_STORE_COLUMNS) "WHERE account = :account AND region = :region AND name = :name";

    return row_list(s, a, &trust_store_table, sql,
                    ROW_PARAMETERS({":account", account}, {":region", region}, {":name", name}),
                    ret_store);
}

int trust_store_revocation_list(struct store *s, struct arena *a, struct str trust_store,
                                struct trust_store_revocation **ret_first)
{
    static const char sql[] =
        ROW_SELECT("trust_store_revocation",
                   TRUST_STORE_REVOCATION_COLUMNS) "WHERE trust_store = :store ORDER BY seq";

    return row_list(s, a, &trust_store_revocation_table, sql,
                    ROW_PARAMETERS({":store", trust_store}), ret_first);
}

static int announced(struct store *s, int r, struct str arn)
{
    if (r == 0)
        feed_announce(s, CHANGE_LOAD_BALANCING, arn);
    return r;
}

int trust_store_insert(struct store *s, const struct trust_store *t)
{
    return announced(s, row_insert(s, &trust_store_table, t), t->arn);
}

int trust_store_update(struct store *s, const struct trust_store *t)
{
    static const char sql[] = ROW_UPDATE("trust_store", TRUST_STORE_COLUMNS) "WHERE arn = :arn";

    return announced(s, row_update(s, &trust_store_table, sql, t), t->arn);
}

int trust_store_delete(struct store *s, struct str arn)
{
    static const char revocations[] = "DELETE FROM trust_store_revocation WHERE trust_store = :arn";
    static const char itself[] = "DELETE FROM trust_store WHERE arn = :arn";
    int r = row_run(s, revocations, ROW_PARAMETERS({":arn", arn}));

    return announced(s, r < 0 ? r : row_run(s, itself, ROW_PARAMETERS({":arn", arn})), arn);
}

int trust_store_revocation_insert(struct store *s, const struct trust_store_revocation *r)
{
    return announced(s, row_insert(s, &trust_store_revocation_table, r), r->trust_store);
}

int trust_store_revocation_remove(struct store *s, struct str trust_store, int64_t id)
{
    static const char sql[] =
        "DELETE FROM trust_store_revocation WHERE trust_store = :store AND id = :id";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":store", trust_store);
    stmt_bind_int(&q, ":id", id);
    return announced(s, stmt_run(&q), trust_store);
}
