/* Chains and keys of server certificates. */
#include "store/tls_material.h"

#include "store/feed.h"

const char tls_material_schema_1[] =
    ROW_CREATE("tls_material", TLS_MATERIAL_COLUMNS, ", UNIQUE (arn)");

#define ROW_COLUMN_OF_tls_material(kind, name) ROW_COLUMN(tls_material, kind, name)
ROW_TABLE(tls_material, "tls_material", TLS_MATERIAL_COLUMNS);

int tls_material_find(struct store *s, struct arena *a, struct str arn,
                      struct tls_material **ret_material)
{
    static const char sql[] = ROW_SELECT("tls_material", TLS_MATERIAL_COLUMNS) "WHERE arn = :arn";

    return row_list(s, a, &tls_material_table, sql, ROW_PARAMETERS({":arn", arn}), ret_material);
}

static int remove_row(struct store *s, struct str arn)
{
    static const char sql[] = "DELETE FROM tls_material WHERE arn = :arn";

    return row_run(s, sql, ROW_PARAMETERS({":arn", arn}));
}

int tls_material_put(struct store *s, const struct tls_material *m)
{
    int r = remove_row(s, m->arn);

    if (r == 0)
        r = row_insert(s, &tls_material_table, m);
    if (r == 0)
        feed_announce(s, CHANGE_CERTIFICATE, m->arn);
    return r;
}

int tls_material_remove(struct store *s, struct str arn)
{
    int r = remove_row(s, arn);

    if (r == 0)
        feed_announce(s, CHANGE_CERTIFICATE, arn);
    return r;
}
