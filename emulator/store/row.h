/* A table's columns are one list; the struct, the SQL and the reading and writing of rows come
 * from it:
 *
 *     #define VPC_COLUMNS(X) X(TEXT, id) X(TEXT, account) X(FLAG, is_default)
 *     struct vpc {
 *         struct vpc *next;
 *         ROW_FIELDS(VPC_COLUMNS)
 *     };
 *     extern const struct row_table vpc_table;        (ROW_TABLE in the .c)
 *
 * Every table ends with `seq`, which counts up in order of creation. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "store/store.h"

enum row_kind { ROW_TEXT, ROW_INT, ROW_FLAG };

struct row_column {
    const char *name, *parameter; /* ":name" */
    enum row_kind kind;
    size_t offset;
};

struct row_table {
    const char *insert; /* its statement */
    size_t size;        /* of the struct; its first member is `next` */
    const struct row_column *columns;
    size_t column_count;
};

#define ROW_C_TEXT   struct str
#define ROW_C_INT    int64_t
#define ROW_C_FLAG   bool
#define ROW_DDL_TEXT "TEXT NOT NULL"
#define ROW_DDL_INT  "INTEGER NOT NULL"
#define ROW_DDL_FLAG "INTEGER NOT NULL"

#define ROW_FIELD(kind, name) ROW_C_##kind name;
#define ROW_FIELDS(COLUMNS)   COLUMNS(ROW_FIELD)

#define ROW_DDL(kind, name)       #name " " ROW_DDL_##kind ", "
#define ROW_NAME(kind, name)      #name ", "
#define ROW_PARAMETER(kind, name) ":" #name ", "
#define ROW_SET(kind, name)       #name " = :" #name ", "

/* Statements as text. @constraints ends the table's definition: ", UNIQUE (id)". */
#define ROW_CREATE(table, COLUMNS, constraints) \
    "CREATE TABLE " table                       \
    " (" COLUMNS(ROW_DDL) "seq INTEGER PRIMARY KEY AUTOINCREMENT" constraints ");"
#define ROW_SELECT(table, COLUMNS) "SELECT " COLUMNS(ROW_NAME) "seq FROM " table " "
#define ROW_INSERT(table, COLUMNS) \
    "INSERT INTO " table " (" COLUMNS(ROW_NAME) "seq) VALUES (" COLUMNS(ROW_PARAMETER) "NULL)"
#define ROW_UPDATE(table, COLUMNS) "UPDATE " table " SET " COLUMNS(ROW_SET) "seq = seq "

/* Defines <name>_table for struct <name>; to be used in a function-free place of the .c. */
#define ROW_TABLE(name, table, COLUMNS)                                                     \
    static const struct row_column name##_columns[] = {COLUMNS(ROW_COLUMN_OF_##name)};      \
    const struct row_table name##_table = {ROW_INSERT(table, COLUMNS), sizeof(struct name), \
                                           name##_columns,                                  \
                                           sizeof name##_columns / sizeof name##_columns[0]}
#define ROW_COLUMN(of, kind, name) {#name, ":" #name, ROW_##kind, offsetof(struct of, name)},

/* Inserts @row (a struct of @t). 0, -EEXIST, or a negative error of the store. */
int row_insert(struct store *s, const struct row_table *t, const void *row);

/* A parameter of a query. */
struct row_parameter {
    const char *name; /* ":id" */
    struct str text;
};

/* Runs @sql with @n parameters and puts every row into @a, linked through `next` in the order in
 * which they came; *ret_first is NULL for none and untouched on error. 0 or a negative error. */
int row_list(struct store *s, struct arena *a, const struct row_table *t, const char *sql,
             const struct row_parameter *parameters, size_t n, void *ret_first);

/* Runs an UPDATE made of all columns, with @row's values. */
int row_update(struct store *s, const struct row_table *t, const char *sql, const void *row);

/* Runs a statement that gives no rows. */
int row_run(struct store *s, const char *sql, const struct row_parameter *parameters, size_t n);

#define ROW_PARAMETERS(...)                      \
    (const struct row_parameter[]){__VA_ARGS__}, \
        sizeof((const struct row_parameter[]){__VA_ARGS__}) / sizeof(struct row_parameter)
