/* Tags of IAM's resources, by ARN. Source: IAM User Guide, "Tags for IAM resources". */
#include "store/iam.h"

#include "store/feed.h"

int iam_tag_list(struct store *s, struct arena *a, struct str arn, struct iam_label **ret_first)
{
    static const char sql[] = "SELECT key, value FROM iam_tag WHERE arn = :arn ORDER BY key";
    CLEANUP(stmt_done) struct stmt q = {0};
    struct iam_label *first = NULL, **tail = &first;
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", arn);
    while ((r = stmt_step(&q)) == STMT_ROW) {
        struct iam_label *t = arena_alloc(a, sizeof *t);

        *t = (struct iam_label){.key = stmt_str(&q, "key", a), .value = stmt_str(&q, "value", a)};
        *tail = t;
        tail = &t->next;
    }
    if (r == 0)
        *ret_first = first;
    return r;
}

int iam_tag_put(struct store *s, struct str arn, struct str key, struct str value)
{
    static const char sql[] =
        "INSERT INTO iam_tag (arn, key, value) VALUES (:arn, :key, :value)"
        " ON CONFLICT (arn, key) DO UPDATE SET key = excluded.key, value = excluded.value";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", arn);
    stmt_bind_str(&q, ":key", key);
    stmt_bind_str(&q, ":value", value.n > 0 ? value : S(""));
    r = stmt_run(&q);
    if (r == 0)
        feed_announce(s, CHANGE_IAM, arn);
    return r;
}

int iam_tag_remove(struct store *s, struct str arn, struct str key)
{
    static const char sql[] = "DELETE FROM iam_tag WHERE arn = :arn AND key = :key";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", arn);
    stmt_bind_str(&q, ":key", key);
    r = stmt_run(&q);
    if (r == 0)
        feed_announce(s, CHANGE_IAM, arn);
    return r;
}
