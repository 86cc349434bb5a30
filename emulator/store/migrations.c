/* The table of migrations and its walk. */
#include "store/migrations.h"

#include <errno.h>

#include "store/ec2.h"
#include "store/ec2_item.h"
#include "store/eks.h"
#include "store/elbv2.h"
#include "store/iam.h"
#include "store/object.h"
#include "store/resource.h"
#include "store/setting.h"
#include "store/tag.h"
#include "store/tls_material.h"
#include "store/trust_store.h"

struct migration {
    const char *family;
    int version;     /* counts up from 1 in each family */
    const char *sql; /* one or more statements */
};

/* Append only. */
static const struct migration migrations[] = {
    {"setting",      1, setting_schema_1     },
    {"object",       1, object_schema_1      },
    {"iam",          1, iam_schema_1         },
    {"tag",          1, tag_schema_1         },
    {"ec2",          1, ec2_schema_1         },
    {"eks",          1, eks_schema_1         },
    {"elbv2",        1, elbv2_schema_1       },
    {"trust_store",  1, trust_store_schema_1 },
    {"iam",          2, iam_schema_2         },
    {"tls_material", 1, tls_material_schema_1},
    {"ec2_item",     1, ec2_item_schema_1    },
    {"resource",     1, resource_schema_1    },
};

static const char table_of_migrations[] =
    "CREATE TABLE IF NOT EXISTS migration ("
    "  family TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (family, version)"
    ") WITHOUT ROWID";

/* How far @family has come in this database: the newest version it holds, 0 for none. */
static int version_of(struct store *s, const char *family, int *ret_version)
{
    static const char sql[] =
        "SELECT coalesce(max(version), 0) AS version FROM migration WHERE family = :family";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":family", str_c(family));
    r = stmt_step(&q);
    if (r == STMT_ROW)
        *ret_version = (int)stmt_int(&q, "version");
    return r < 0 ? r : 0;
}

static int note_version(struct store *s, const struct migration *m)
{
    static const char sql[] = "INSERT INTO migration (family, version) VALUES (:family, :version)";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":family", str_c(m->family));
    stmt_bind_int(&q, ":version", m->version);
    return stmt_run(&q);
}

static bool known(struct str family, int64_t version)
{
    for (size_t i = 0; i < ARRAY_LEN(migrations); i++)
        if (str_is(family, migrations[i].family) && migrations[i].version == version)
            return true;
    return false;
}

static int refuse_newer(struct store *s, struct arena *a, struct str *ret_why)
{
    static const char sql[] = "SELECT family, version FROM migration";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    while ((r = stmt_step(&q)) == STMT_ROW) {
        struct str family = stmt_str(&q, "family", a);
        int64_t version = stmt_int(&q, "version");

        if (!known(family, version)) {
            *ret_why = arena_printf(a,
                                    "the data file was made by a newer elbow (it has %.*s "
                                    "version %lld); use that elbow, or another --data-dir",
                                    STR_ARG(family), (long long)version);
            return -EPROTO;
        }
    }
    return r;
}

int migrations_make(struct store *s, struct arena *a, struct str *ret_why)
{
    int r = store_exec_script(s, table_of_migrations);

    if (r == 0)
        r = refuse_newer(s, a, ret_why);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(migrations); i++) {
        const struct migration *m = &migrations[i];
        int version = 0;

        r = version_of(s, m->family, &version);
        if (r < 0 || version >= m->version)
            continue;
        r = store_exec_script(s, m->sql);
        if (r == 0)
            r = note_version(s, m);
    }
    return r;
}

int migrations_apply(struct store *s, struct arena *a, struct str *ret_why)
{
    int r = store_begin(s);

    if (r == 0) {
        r = migrations_make(s, a, ret_why);
        if (r == 0)
            r = store_commit(s);
        else
            store_rollback(s);
    }
    if (r < 0 && ret_why->n == 0)
        *ret_why = S("the data file cannot be read; it is damaged or no elbow database: give "
                     "another --data-dir");
    return r;
}
