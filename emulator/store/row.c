/* Rows by their column lists. */
#include "store/row.h"

#include <assert.h>

static void *field(void *row, const struct row_column *c)
{
    return (char *)row + c->offset;
}

static void bind_row(struct stmt *q, const struct row_table *t, const void *row)
{
    for (size_t i = 0; i < t->column_count; i++) {
        const struct row_column *c = &t->columns[i];
        const void *at = (const char *)row + c->offset;

        if (c->kind == ROW_TEXT)
            stmt_bind_str(q, c->parameter, *(const struct str *)at);
        else if (c->kind == ROW_INT)
            stmt_bind_int(q, c->parameter, *(const int64_t *)at);
        else
            stmt_bind_int(q, c->parameter, *(const bool *)at);
    }
}

/* A SELECT of a table has the table's columns, in their order. */
static void check_columns(struct stmt *q, const struct row_table *t)
{
    for (size_t i = 0; i < t->column_count; i++)
        assert(stmt_has_column(q, (int)i, t->columns[i].name));
}

static void *read_row(struct stmt *q, struct arena *a, const struct row_table *t)
{
    void *row = arena_alloc(a, t->size);

    for (size_t i = 0; i < t->column_count; i++) {
        const struct row_column *c = &t->columns[i];

        if (c->kind == ROW_TEXT)
            *(struct str *)field(row, c) = stmt_str_at(q, (int)i, a);
        else if (c->kind == ROW_INT)
            *(int64_t *)field(row, c) = stmt_int_at(q, (int)i);
        else
            *(bool *)field(row, c) = stmt_int_at(q, (int)i) != 0;
    }
    return row;
}

static int run_bound(struct store *s, const struct row_table *t, const char *sql, const void *row)
{
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    bind_row(&q, t, row);
    return stmt_run(&q);
}

int row_insert(struct store *s, const struct row_table *t, const void *row)
{
    return run_bound(s, t, t->insert, row);
}

int row_update(struct store *s, const struct row_table *t, const char *sql, const void *row)
{
    return run_bound(s, t, sql, row);
}

static int open_with(struct store *s, struct stmt *q, const char *sql,
                     const struct row_parameter *parameters, size_t n)
{
    int r = stmt_open(s, q, sql);

    for (size_t i = 0; r == 0 && i < n; i++)
        stmt_bind_str(q, parameters[i].name, parameters[i].text);
    return r;
}

int row_list(struct store *s, struct arena *a, const struct row_table *t, const char *sql,
             const struct row_parameter *parameters, size_t n, void *ret_first)
{
    CLEANUP(stmt_done) struct stmt q = {0};
    void *first = NULL, **tail = &first;
    int r = open_with(s, &q, sql, parameters, n);

    if (r < 0)
        return r;
    while ((r = stmt_step(&q)) == STMT_ROW) {
        if (first == NULL)
            check_columns(&q, t);
        *tail = read_row(&q, a, t);
        tail = *tail; /* `next` is the first member */
    }
    if (r == 0)
        *(void **)ret_first = first;
    return r;
}

int row_run(struct store *s, const char *sql, const struct row_parameter *parameters, size_t n)
{
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = open_with(s, &q, sql, parameters, n);

    return r < 0 ? r : stmt_run(&q);
}
