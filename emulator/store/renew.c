/* The world begins anew in the same database: every table is dropped and made again, in one
 * transaction, so that a kill leaves either the old world or the new, empty one. */
#include "store/migrations.h"

#include "base/buf.h"

enum { LARGEST_SCRIPT = 1 << 16 };

static const char keep[] = "PRAGMA defer_foreign_keys = ON;"
                           "DROP TABLE IF EXISTS temp.kept;"
                           "CREATE TEMP TABLE kept AS"
                           "  SELECT name, value FROM setting WHERE name GLOB 'ca/*'";

static const char give_back[] =
    "INSERT INTO setting (name, value) SELECT name, value FROM temp.kept;"
    "DROP TABLE temp.kept";

/* "DROP TABLE …" for each table of ours; the names are the schema's own. */
static int drop_tables(struct store *s)
{
    static const char sql[] = "SELECT 'DROP TABLE ' || quote(name) AS statement FROM sqlite_schema"
                              " WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    CLEANUP(buf_free) struct buf script = buf_init(LARGEST_SCRIPT);
    struct arena a = {0};
    int r;

    {
        CLEANUP(stmt_done) struct stmt q = {0};

        r = stmt_open(s, &q, sql);
        while (r >= 0 && (r = stmt_step(&q)) == STMT_ROW)
            buf_printf(&script, "%.*s;", STR_ARG(stmt_str(&q, "statement", &a)));
    }
    arena_free(&a);
    buf_char(&script, '\0');
    return r < 0 ? r : store_exec_script(s, script.at);
}

int store_renew(struct store *s)
{
    struct arena a = {0};
    struct str why = {0};
    int r = store_begin(s);

    if (r < 0)
        return r;
    r = store_exec_script(s, keep);
    if (r == 0)
        r = drop_tables(s);
    if (r == 0)
        r = migrations_make(s, &a, &why);
    if (r == 0)
        r = store_exec_script(s, give_back);
    if (r == 0)
        r = store_commit(s);
    else
        store_rollback(s);
    arena_free(&a);
    return r;
}
