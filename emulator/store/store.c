/* The SQLite connection, its transactions and the cache of prepared statements.
 *
 * The cache owns the statements; a struct stmt borrows one while it runs. A statement that is
 * opened again while it runs (a query inside the loop over another one of the same text) gets a
 * second copy. */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "store/feed.h"
#include "store/migrations.h"

struct stmt_cached {
    struct stmt_cached *next; /* other copies of the same text */
    sqlite3_stmt *handle;
    bool running;
};

struct store {
    sqlite3 *db;
    struct clock *clock;
    struct ids *ids;
    struct feed feed;
    struct map statements; /* by the address of their text */
    struct link hooks;
    bool in_transaction;
};

static int failed(struct store *s, const char *what)
{
    int code = sqlite3_extended_errcode(s->db);

    if ((code & 0xff) == SQLITE_CONSTRAINT)
        return -EEXIST;
    log_error("store", "%s: %s", what, sqlite3_errmsg(s->db));
    return -EIO;
}

static int run(struct store *s, const char *sql)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(s, sql);
}

int store_exec_script(struct store *s, const char *sql)
{
    return run(s, sql);
}

struct clock *store_clock(const struct store *s)
{
    return s->clock;
}

struct ids *store_ids(const struct store *s)
{
    return s->ids;
}

struct feed *store_feed(const struct store *s)
{
    return (struct feed *)&s->feed;
}

/* --- opening ---------------------------------------------------------------------------- */

static int prepare_connection(struct store *s, const char *path, struct arena *a,
                              struct str *ret_why)
{
    static const char settings[] = "PRAGMA journal_mode = WAL;"
                                   "PRAGMA synchronous = NORMAL;"
                                   "PRAGMA foreign_keys = ON;"
                                   "PRAGMA temp_store = MEMORY;";

    /* One thread uses one connection: SQLite needs neither locks nor counts of its memory. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    /* A memory budget for pages: the objects that are read often are cached above. */
    if (sqlite3_open_v2(path, &s->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK ||
        sqlite3_exec(s->db, "PRAGMA cache_size = -2048", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(s->db, settings, NULL, NULL, NULL) != SQLITE_OK) {
        *ret_why = arena_printf(a,
                                "cannot open the data file %s: %s; give another --data-dir, or "
                                "--ephemeral to keep nothing",
                                path, sqlite3_errmsg(s->db));
        return -EIO;
    }
    (void)sqlite3_busy_timeout(s->db, 2000);
    return 0;
}

int store_open(const char *path, struct clock *clock, struct ids *ids, struct arena *a,
               struct store **ret_store, struct str *ret_why)
{
    struct store *s = xcalloc(sizeof *s);
    int r;

    s->clock = clock;
    s->ids = ids;
    feed_init(&s->feed);
    list_init(&s->hooks);
    r = prepare_connection(s, path, a, ret_why);
    if (r == 0)
        r = migrations_apply(s, a, ret_why);
    if (r < 0) {
        store_close(s);
        return r;
    }
    *ret_store = s;
    return 0;
}

void store_close(struct store *s)
{
    struct map_entry *e;
    size_t at = 0;

    if (s == NULL)
        return;
    store_rollback(s);
    while ((e = map_next(&s->statements, &at)) != NULL) {
        struct stmt_cached *c = e->value;

        while (c != NULL) {
            struct stmt_cached *next = c->next;

            assert(!c->running);
            (void)sqlite3_finalize(c->handle);
            free(c);
            c = next;
        }
        free((void *)(uintptr_t)e->key.at);
    }
    map_free(&s->statements);
    feed_deinit(&s->feed);
    (void)sqlite3_close(s->db);
    free(s);
}

/* --- transactions ----------------------------------------------------------------------- */

int store_begin(struct store *s)
{
    int r;

    assert(!s->in_transaction);
    r = run(s, "BEGIN IMMEDIATE");
    s->in_transaction = r == 0;
    return r;
}

void store_hook_add(struct store *s, struct store_hook *hook, void (*ended)(void *, bool),
                    void *data)
{
    hook->ended = ended;
    hook->data = data;
    list_append(&s->hooks, &hook->link);
}

void store_hook_remove(struct store_hook *hook)
{
    list_remove(&hook->link);
}

static void tell_hooks(struct store *s, bool committed)
{
    LIST_EACH(struct store_hook, hook, &s->hooks, link)
        hook->ended(hook->data, committed);
}

int store_commit(struct store *s)
{
    int r;

    assert(s->in_transaction);
    r = run(s, "COMMIT");
    if (r < 0) {
        store_rollback(s);
        return r;
    }
    s->in_transaction = false;
    tell_hooks(s, true);
    feed_commit(&s->feed);
    return 0;
}

void store_rollback(struct store *s)
{
    if (!s->in_transaction)
        return;
    s->in_transaction = false;
    tell_hooks(s, false);
    feed_rollback(&s->feed);
    if (sqlite3_get_autocommit(s->db) == 0)
        (void)run(s, "ROLLBACK");
}

bool store_in_transaction(const struct store *s)
{
    return s->in_transaction;
}

int store_copy_to(struct store *s, const char *path)
{
    static const char sql[] = "VACUUM INTO :path";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":path", str_c(path));
    return stmt_run(&q);
}

/* --- statements ------------------------------------------------------------------------- */

static struct stmt_cached *idle_copy(struct store *s, const char *sql)
{
    struct stmt_cached *c = map_get(&s->statements, str_n((const char *)&sql, sizeof sql));

    while (c != NULL && c->running)
        c = c->next;
    return c;
}

static void keep(struct store *s, const char *sql, struct stmt_cached *c)
{
    struct stmt_cached *first = map_get(&s->statements, str_n((const char *)&sql, sizeof sql));
    const char **key;

    if (first != NULL) {
        c->next = first->next;
        first->next = c;
        return;
    }
    key = xcalloc(sizeof *key); /* the map borrows its key: the address, kept on the heap */
    *key = sql;
    (void)map_put(&s->statements, str_n((const char *)key, sizeof *key), c);
}

int stmt_open(struct store *s, struct stmt *ret_stmt, const char *sql)
{
    struct stmt_cached *c = idle_copy(s, sql);

    if (c == NULL) {
        sqlite3_stmt *handle = NULL;

        if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL) !=
            SQLITE_OK) {
            int r = failed(s, sql);

            return r;
        }
        c = xcalloc(sizeof *c);
        c->handle = handle;
        keep(s, sql, c);
    }
    c->running = true;
    *ret_stmt = (struct stmt){s, c};
    return 0;
}

static int parameter(struct stmt *q, const char *name)
{
    int i = sqlite3_bind_parameter_index(q->cached->handle, name);

    assert(i > 0);
    return i;
}

void stmt_bind_str(struct stmt *q, const char *name, struct str value)
{
    (void)sqlite3_bind_text64(q->cached->handle, parameter(q, name), value.n > 0 ? value.at : "",
                              value.n, SQLITE_STATIC, SQLITE_UTF8);
}

void stmt_bind_int(struct stmt *q, const char *name, int64_t value)
{
    (void)sqlite3_bind_int64(q->cached->handle, parameter(q, name), value);
}

void stmt_bind_real(struct stmt *q, const char *name, double value)
{
    (void)sqlite3_bind_double(q->cached->handle, parameter(q, name), value);
}

void stmt_bind_blob(struct stmt *q, const char *name, struct str value)
{
    (void)sqlite3_bind_blob64(q->cached->handle, parameter(q, name), value.n > 0 ? value.at : "",
                              value.n, SQLITE_STATIC);
}

void stmt_bind_null(struct stmt *q, const char *name)
{
    (void)sqlite3_bind_null(q->cached->handle, parameter(q, name));
}

int stmt_step(struct stmt *q)
{
    int code = sqlite3_step(q->cached->handle);

    if (code == SQLITE_ROW)
        return STMT_ROW;
    if (code == SQLITE_DONE)
        return STMT_DONE;
    return failed(q->store, sqlite3_sql(q->cached->handle));
}

int stmt_run(struct stmt *q)
{
    int r;

    do
        r = stmt_step(q);
    while (r == STMT_ROW);
    return r;
}

static int column_of(struct stmt *q, const char *name)
{
    int n = sqlite3_column_count(q->cached->handle);

    for (int i = 0; i < n; i++)
        if (strcmp(sqlite3_column_name(q->cached->handle, i), name) == 0)
            return i;
    assert(!"the statement has no such column");
    return 0;
}

struct str stmt_str_at(struct stmt *q, int i, struct arena *a)
{
    const void *at = sqlite3_column_blob(q->cached->handle, i);
    int n = sqlite3_column_bytes(q->cached->handle, i);

    return n > 0 ? arena_str(a, str_n(at, (size_t)n)) : (struct str){0};
}

int64_t stmt_int_at(struct stmt *q, int i)
{
    return sqlite3_column_int64(q->cached->handle, i);
}

bool stmt_has_column(struct stmt *q, int i, const char *column)
{
    return i < sqlite3_column_count(q->cached->handle) &&
           strcmp(sqlite3_column_name(q->cached->handle, i), column) == 0;
}

struct str stmt_str(struct stmt *q, const char *column, struct arena *a)
{
    return stmt_str_at(q, column_of(q, column), a);
}

int64_t stmt_int(struct stmt *q, const char *column)
{
    return stmt_int_at(q, column_of(q, column));
}

double stmt_real(struct stmt *q, const char *column)
{
    return sqlite3_column_double(q->cached->handle, column_of(q, column));
}

bool stmt_is_null(struct stmt *q, const char *column)
{
    return sqlite3_column_type(q->cached->handle, column_of(q, column)) == SQLITE_NULL;
}

void stmt_done(struct stmt *q)
{
    if (q->cached == NULL)
        return;
    (void)sqlite3_reset(q->cached->handle);
    (void)sqlite3_clear_bindings(q->cached->handle);
    q->cached->running = false;
    q->cached = NULL;
}

int64_t store_changed_rows(const struct store *s)
{
    return sqlite3_changes64(s->db);
}
