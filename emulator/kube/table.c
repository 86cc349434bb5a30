/* Tables: from a kind's rows of columns to JSON. What a kind's columns are is the table_*.c files';
 * a kind without any has its name and when it was made. */
#include "kube/table.h"

#include "kube/answer.h"
#include "kube/table_columns.h"
#include "kube/table_pod.h"

static const struct table_column fallback_columns[] = {
    {"Name",       "string", 0, cell_name,    NULL, 0, 0},
    {"Created At", "date",   0, cell_created, NULL, 0, 0},
};

static struct table_kind kind_of(struct str stored)
{
    static const struct table_kind *const files[] = {table_core, table_workload, table_network,
                                                     table_other};

    if (str_is(stored, "pods"))
        return (struct table_kind){"pods", table_pod_columns, table_pod_column_count,
                                   table_pod_conditions};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        for (const struct table_kind *k = files[i]; k->stored != NULL; k++)
            if (str_is(stored, k->stored))
                return *k;
    return (struct table_kind)TABLE(NULL, fallback_columns);
}

static bool is_shown(const struct table_column *c, int minor)
{
    return minor >= c->since && (c->until == 0 || minor < c->until);
}

static void write_columns(struct buf *b, const struct table_kind *k, int minor)
{
    bool first = true;

    buf_char(b, '[');
    for (size_t i = 0; i < k->n; i++) {
        const struct table_column *c = &k->columns[i];

        if (!is_shown(c, minor))
            continue;
        buf_printf(b,
                   "%s{\"name\":\"%s\",\"type\":\"%s\",\"format\":\"%s\",\"description\":\"\","
                   "\"priority\":%d}",
                   first ? "" : ",", c->name, c->type, strcmp(c->name, "Name") == 0 ? "name" : "",
                   c->priority);
        first = false;
    }
    buf_char(b, ']');
}

static void write_cells(struct buf *b, const struct table_kind *k, struct table_row *r)
{
    bool first = true;

    buf_add(b, S("{\"cells\":["));
    for (size_t i = 0; i < k->n; i++) {
        if (!is_shown(&k->columns[i], r->minor))
            continue;
        if (!first)
            buf_char(b, ',');
        first = false;
        r->column = &k->columns[i];
        r->column->cell(b, r);
    }
    buf_char(b, ']');
    if (k->conditions != NULL)
        k->conditions(b, r);
}

static void write_row(struct buf *b, struct kube_call *c, const struct table_kind *k,
                      struct object *o)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct table_row r = {
        .arena = &a,
        .object = o,
        .doc = object_doc(o),
        .now = clock_now(c->kube->clock),
        .minor = c->cluster->minor,
    };

    write_cells(b, k, &r);
    buf_add(b, S(",\"object\":"));
    if (str_is(c->query.include_object, "None"))
        buf_add(b, S("null"));
    else if (str_is(c->query.include_object, "Object"))
        answer_write_object(b, c->target.kind, o);
    else
        answer_write_partial(b, o);
    buf_char(b, '}');
}

static void write_head(struct buf *b, struct kube_call *c, int64_t rv)
{
    buf_printf(b,
               "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/%.*s\",\"metadata\":{"
               "\"resourceVersion\":\"%lld\"",
               STR_ARG(c->table_version), (long long)rv);
}

void table_write(struct buf *b, struct kube_call *c, struct object_list list, int64_t rv,
                 struct str continue_token, int64_t behind)
{
    struct table_kind k = kind_of(c->target.kind->stored);

    write_head(b, c, rv);
    if (continue_token.n > 0)
        buf_printf(b, ",\"continue\":\"%.*s\"", STR_ARG(continue_token));
    if (behind >= 0)
        buf_printf(b, ",\"remainingItemCount\":%lld", (long long)behind);
    buf_add(b, S("},\"columnDefinitions\":"));
    write_columns(b, &k, c->cluster->minor);
    buf_add(b, S(",\"rows\":["));
    for (size_t i = 0; i < list.n; i++) {
        if (i > 0)
            buf_char(b, ',');
        write_row(b, c, &k, list.at[i]);
    }
    buf_add(b, S("]}"));
}

void table_write_row(struct buf *b, struct kube_call *c, struct object *o, bool columns)
{
    struct table_kind k = kind_of(c->target.kind->stored);

    write_head(b, c, o->rv);
    buf_add(b, S("},\"columnDefinitions\":"));
    if (columns)
        write_columns(b, &k, c->cluster->minor);
    else
        buf_add(b, S("[]"));
    buf_add(b, S(",\"rows\":["));
    write_row(b, c, &k, o);
    buf_add(b, S("]}"));
}
