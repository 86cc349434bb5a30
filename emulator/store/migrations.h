/* The database schema, grown only by appending. Each table family keeps its SQL in its own file
 * and has its rows in the table of migrations.c. */
#pragma once

#include "base/arena.h"
#include "store/store.h"

/* Brings the database up to date in one transaction. A database that knows a migration which this
 * program does not was made by a newer one: -EPROTO, and *ret_why says so. */
int migrations_apply(struct store *s, struct arena *a, struct str *ret_why);

/* The same, inside the caller's transaction. */
int migrations_make(struct store *s, struct arena *a, struct str *ret_why);
