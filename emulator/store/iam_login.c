/* Login profiles: that a user may sign in to the console. The password itself is not kept: nothing
 * of this world asks for it. Source: IAM API Reference, CreateLoginProfile. */
#include "store/iam.h"

#include "store/feed.h"

const char iam_schema_2[] = "CREATE TABLE iam_login ("
                            "  account TEXT NOT NULL, user_kind INTEGER NOT NULL DEFAULT 0,"
                            "  user_name TEXT NOT NULL COLLATE NOCASE, created INTEGER NOT NULL,"
                            "  reset_required INTEGER NOT NULL, PRIMARY KEY (account, user_name),"
                            "  FOREIGN KEY (user_kind, account, user_name) REFERENCES iam_entity"
                            "    ON UPDATE CASCADE ON DELETE CASCADE"
                            ") WITHOUT ROWID;"
                            "ALTER TABLE iam_session ADD COLUMN transitive TEXT";

static int run_announced(struct store *s, struct stmt *q, struct str key)
{
    int r = stmt_run(q);

    if (r == 0)
        feed_announce(s, CHANGE_IAM, key);
    return r;
}

int iam_login_find(struct store *s, struct arena *a, struct str account, struct str user,
                   struct iam_login **ret_login)
{
    static const char sql[] = "SELECT account, user_name, created, reset_required FROM iam_login"
                              " WHERE account = :account AND user_name = :user";
    CLEANUP(stmt_done) struct stmt q = {0};
    struct iam_login *l;
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":account", account);
    stmt_bind_str(&q, ":user", user);
    r = stmt_step(&q);
    if (r < 0)
        return r;
    *ret_login = NULL;
    if (r != STMT_ROW)
        return 0;
    l = arena_alloc(a, sizeof *l);
    *l = (struct iam_login){
        .account = stmt_str(&q, "account", a),
        .user = stmt_str(&q, "user_name", a),
        .created = stmt_int(&q, "created"),
        .reset_required = stmt_int(&q, "reset_required") != 0,
    };
    *ret_login = l;
    return 0;
}

int iam_login_put(struct store *s, const struct iam_login *l)
{
    static const char sql[] =
        "INSERT INTO iam_login (account, user_name, created, reset_required)"
        " VALUES (:account, :user, :created, :reset)"
        " ON CONFLICT (account, user_name) DO UPDATE SET reset_required = excluded.reset_required";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":account", l->account);
    stmt_bind_str(&q, ":user", l->user);
    stmt_bind_int(&q, ":created", l->created);
    stmt_bind_int(&q, ":reset", l->reset_required);
    return run_announced(s, &q, l->user);
}

int iam_login_delete(struct store *s, struct str account, struct str user)
{
    static const char sql[] =
        "DELETE FROM iam_login WHERE account = :account AND user_name = :user";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":account", account);
    stmt_bind_str(&q, ":user", user);
    return run_announced(s, &q, user);
}
