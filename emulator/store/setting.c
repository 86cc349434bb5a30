/* Settings and secrets that belong to no API. */
#include "store/setting.h"

#include "store/feed.h"

const char setting_schema_1[] = "CREATE TABLE setting ("
                                "  name TEXT PRIMARY KEY, value TEXT NOT NULL"
                                ") WITHOUT ROWID";

int setting_get(struct store *s, struct arena *a, struct str name, struct str *ret_value)
{
    static const char sql[] = "SELECT value FROM setting WHERE name = :name";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":name", name);
    r = stmt_step(&q);
    if (r < 0)
        return r;
    *ret_value = r == STMT_ROW ? stmt_str(&q, "value", a) : (struct str){0};
    return 0;
}

int setting_put(struct store *s, struct str name, struct str value)
{
    static const char sql[] = "INSERT INTO setting (name, value) VALUES (:name, :value)"
                              " ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":name", name);
    stmt_bind_str(&q, ":value", value);
    r = stmt_run(&q);
    if (r == 0)
        feed_announce(s, CHANGE_SETTING, name);
    return r;
}

int setting_remove(struct store *s, struct str name)
{
    static const char sql[] = "DELETE FROM setting WHERE name = :name";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":name", name);
    r = stmt_run(&q);
    if (r == 0)
        feed_announce(s, CHANGE_SETTING, name);
    return r;
}
