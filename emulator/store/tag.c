/* Tags by ARN. */
#include "store/tag.h"

const char tag_schema_1[] = ROW_CREATE(
    "tag", TAG_COLUMNS,
    ", UNIQUE (arn, key)") "CREATE INDEX tag_by_key ON tag (account, region, key, value);"
                           "CREATE INDEX tag_by_place ON tag (account, region, arn, key);";

#define ROW_COLUMN_OF_tag(kind, name) ROW_COLUMN(tag, kind, name)
ROW_TABLE(tag, "tag", TAG_COLUMNS);

/* Rows of a query, not of a table. */
static const struct row_column tag_text_columns[] = {
    {"text", ":text", ROW_TEXT, offsetof(struct tag_text, text)}
};
static const struct row_table tag_text_table = {NULL, sizeof(struct tag_text), tag_text_columns, 1};

int tag_list(struct store *s, struct arena *a, struct str account, struct str region,
             struct str arn, struct tag **ret_first)
{
    static const char all[] = ROW_SELECT(
        "tag", TAG_COLUMNS) "WHERE account = :account AND region = :region ORDER BY arn, key";
    static const char one[] = ROW_SELECT("tag", TAG_COLUMNS) "WHERE arn = :arn ORDER BY key";

    if (arn.n > 0)
        return row_list(s, a, &tag_table, one, ROW_PARAMETERS({":arn", arn}), ret_first);
    return row_list(s, a, &tag_table, all,
                    ROW_PARAMETERS({":account", account}, {":region", region}), ret_first);
}

int tag_put(struct store *s, const struct tag *tag)
{
    int r = tag_remove(s, tag->arn, tag->key);

    return r < 0 ? r : row_insert(s, &tag_table, tag);
}

int tag_remove(struct store *s, struct str arn, struct str key)
{
    static const char sql[] = "DELETE FROM tag WHERE arn = :arn AND key = :key";

    return row_run(s, sql, ROW_PARAMETERS({":arn", arn}, {":key", key}));
}

int tag_remove_all(struct store *s, struct str arn)
{
    static const char sql[] = "DELETE FROM tag WHERE arn = :arn";

    return row_run(s, sql, ROW_PARAMETERS({":arn", arn}));
}

int tag_count(struct store *s, struct arena *a, struct str arn, int64_t *ret_count)
{
    struct tag *first = NULL;
    int r = tag_list(s, a, (struct str){0}, (struct str){0}, arn, &first);

    *ret_count = 0;
    for (; first != NULL; first = first->next)
        ++*ret_count;
    return r;
}

int tag_key_list(struct store *s, struct arena *a, struct str account, struct str region,
                 struct tag_text **ret_first)
{
    static const char sql[] = "SELECT DISTINCT key AS text FROM tag WHERE account = :account"
                              " AND region = :region ORDER BY key";

    return row_list(s, a, &tag_text_table, sql,
                    ROW_PARAMETERS({":account", account}, {":region", region}), ret_first);
}

int tag_value_list(struct store *s, struct arena *a, struct str account, struct str region,
                   struct str key, struct tag_text **ret_first)
{
    static const char sql[] = "SELECT DISTINCT value AS text FROM tag WHERE account = :account"
                              " AND region = :region AND key = :key ORDER BY value";

    return row_list(s, a, &tag_text_table, sql,
                    ROW_PARAMETERS({":account", account}, {":region", region}, {":key", key}),
                    ret_first);
}
