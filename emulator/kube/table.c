/* Tables of any kind: name and age. */
#include "kube/table.h"

#include "kube/answer.h"

static void write_columns(struct buf *b)
{
    buf_add(b, S("[{\"name\":\"Name\",\"type\":\"string\",\"format\":\"name\",\"description\":\"\","
                 "\"priority\":0},{\"name\":\"Created At\",\"type\":\"date\",\"format\":\"\","
                 "\"description\":\"\",\"priority\":0}]"));
}

static void write_row(struct buf *b, struct kube_call *c, struct object *o)
{
    buf_add(b, S("{\"cells\":["));
    json_write_str(b, o->key.name);
    buf_char(b, ',');
    json_write_str(b, json_str(object_doc(o), "metadata.creationTimestamp"));
    buf_add(b, S("],\"object\":"));
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
    write_head(b, c, rv);
    if (continue_token.n > 0)
        buf_printf(b, ",\"continue\":\"%.*s\"", STR_ARG(continue_token));
    if (behind >= 0)
        buf_printf(b, ",\"remainingItemCount\":%lld", (long long)behind);
    buf_add(b, S("},\"columnDefinitions\":"));
    write_columns(b);
    buf_add(b, S(",\"rows\":["));
    for (size_t i = 0; i < list.n; i++) {
        if (i > 0)
            buf_char(b, ',');
        write_row(b, c, list.at[i]);
    }
    buf_add(b, S("]}"));
}

void table_write_row(struct buf *b, struct kube_call *c, struct object *o, bool columns)
{
    write_head(b, c, o->rv);
    buf_add(b, S("},\"columnDefinitions\":"));
    if (columns)
        write_columns(b);
    else
        buf_add(b, S("[]"));
    buf_add(b, S(",\"rows\":["));
    write_row(b, c, o);
    buf_add(b, S("]}"));
}
