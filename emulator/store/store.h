/* The durable truth: one SQLite database (WAL), one connection, used by the control thread alone.
 * Everything that one API call changes is one transaction; an answer leaves after its commit.
 * All SQL of the house lies in this folder. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/list.h"
#include "base/str.h"

struct feed;
struct store;

/* Opens (and where it is new, makes) the database @path, ":memory:" for one that dies with the
 * process, and brings its schema up to date. The store borrows @clock and @ids.
 * Returns 0 and *ret_store, to be closed with store_close; or a negative errno and *ret_why, one
 * sentence for a person (in @a): unreadable, no database, or made by a newer version. */
int store_open(const char *path, struct clock *clock, struct ids *ids, struct arena *a,
               struct store **ret_store, struct str *ret_why);

/* Closes the database. Changes that were not committed are gone. NULL is fine. */
void store_close(struct store *s);

/* What the store was opened with; borrowed. */
struct clock *store_clock(const struct store *s);
struct ids *store_ids(const struct store *s);
struct feed *store_feed(const struct store *s);

/* One transaction at a time. Each returns 0 or a negative error (logged). Commit hands the
 * announced changes to the feed; rollback drops them, and is harmless outside a transaction. */
int store_begin(struct store *s);
int store_commit(struct store *s);
void store_rollback(struct store *s);
bool store_in_transaction(const struct store *s);

/* Told when a transaction has ended, before the feed speaks: for caches that follow the database.
 * A member of whoever listens. */
struct store_hook {
    struct link link;
    void (*ended)(void *data, bool committed);
    void *data;
};

void store_hook_add(struct store *s, struct store_hook *hook, void (*ended)(void *, bool),
                    void *data);
void store_hook_remove(struct store_hook *hook);

/* Runs a script of constant statements (the migrations'). 0 or a negative error (logged). */
int store_exec_script(struct store *s, const char *sql);

/* Empties the world, but for the certificate authority: every table is made anew, as in a new
 * database. Nothing is announced: whoever caches rows must be gone. 0 or a negative error. */
int store_renew(struct store *s);

/* Copies the whole world into a new database file. */
int store_copy_to(struct store *s, const char *path);

/* --- statements ------------------------------------------------------------------------- */

struct stmt_cached;

/* A running statement; zero-initialise, and let CLEANUP(stmt_done) give it back to the cache. */
struct stmt {
    struct store *store;
    struct stmt_cached *cached;
};

enum { STMT_DONE = 0, STMT_ROW = 1 };

/* Prepares @sql, or takes it from the cache. @sql is a constant: its address is the key. Values
 * are bound by name (":name"), never formatted in. Returns 0 or a negative error (logged). */
int stmt_open(struct store *s, struct stmt *ret_stmt, const char *sql);

/* Binding; @name has its colon. A name that the statement lacks is a bug and asserts. Text is
 * borrowed until the statement is done. */
void stmt_bind_str(struct stmt *q, const char *name, struct str value);
void stmt_bind_int(struct stmt *q, const char *name, int64_t value);
void stmt_bind_real(struct stmt *q, const char *name, double value);
void stmt_bind_blob(struct stmt *q, const char *name, struct str value);
void stmt_bind_null(struct stmt *q, const char *name);

/* STMT_ROW, STMT_DONE, or a negative error (logged): -EEXIST where a unique or foreign key
 * forbids the change, -EIO otherwise. */
int stmt_step(struct stmt *q);

/* For statements without rows: 0 or a negative error as above. */
int stmt_run(struct stmt *q);

/* Columns of the current row by name; a missing name asserts. Text is copied into @a; NULL is
 * an empty slice, 0. */
struct str stmt_str(struct stmt *q, const char *column, struct arena *a);
int64_t stmt_int(struct stmt *q, const char *column);
/* By position, for whoever has checked that the column is there (stmt_has_column). */
struct str stmt_str_at(struct stmt *q, int i, struct arena *a);
int64_t stmt_int_at(struct stmt *q, int i);
bool stmt_has_column(struct stmt *q, int i, const char *column);
double stmt_real(struct stmt *q, const char *column);
bool stmt_is_null(struct stmt *q, const char *column);

/* Gives the statement back. For CLEANUP. */
void stmt_done(struct stmt *q);

/* Rows that the last statement changed. */
int64_t store_changed_rows(const struct store *s);
