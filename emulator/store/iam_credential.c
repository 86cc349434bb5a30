/* Access keys of users, and the sessions that STS gave out. Source: IAM User Guide, "Managing
 * access keys", "Temporary security credentials". */
#include "store/iam.h"

#include "store/feed.h"

enum { KEEP_OVER_SESSIONS_MS = 24 * 3600 * 1000 };

static int run_announced(struct store *s, struct stmt *q, struct str key)
{
    int r = stmt_run(q);

    if (r == 0)
        feed_announce(s, CHANGE_IAM, key);
    return r;
}

#define KEY_COLUMNS \
    "id, account, user_name, secret, active, created, last_used, last_service, last_region"

static int read_keys(struct stmt *q, struct arena *a, struct iam_key **ret_first)
{
    struct iam_key *first = NULL, **tail = &first;
    int r;

    while ((r = stmt_step(q)) == STMT_ROW) {
        struct iam_key *k = arena_alloc(a, sizeof *k);

        *k = (struct iam_key){
            .id = stmt_str(q, "id", a),
            .account = stmt_str(q, "account", a),
            .user = stmt_str(q, "user_name", a),
            .secret = stmt_str(q, "secret", a),
            .active = stmt_int(q, "active") != 0,
            .created = stmt_int(q, "created"),
            .last_used = stmt_int(q, "last_used"),
            .last_service = stmt_str(q, "last_service", a),
            .last_region = stmt_str(q, "last_region", a),
        };
        *tail = k;
        tail = &k->next;
    }
    if (r == 0)
        *ret_first = first;
    return r;
}

int iam_key_find(struct store *s, struct arena *a, struct str id, struct iam_key **ret_key)
{
    static const char sql[] = "SELECT " KEY_COLUMNS " FROM iam_key WHERE id = :id";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":id", id);
    return read_keys(&q, a, ret_key);
}

int iam_key_list(struct store *s, struct arena *a, struct str account, struct str user,
                 struct iam_key **ret_first)
{
    static const char sql[] = "SELECT " KEY_COLUMNS " FROM iam_key"
                              " WHERE account = :account AND user_name = :user"
                              " ORDER BY created, id";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":account", account);
    stmt_bind_str(&q, ":user", user);
    return read_keys(&q, a, ret_first);
}

int iam_key_insert(struct store *s, const struct iam_key *k)
{
    static const char sql[] =
        "INSERT INTO iam_key (id, account, user_name, secret, active, created)"
        " VALUES (:id, :account, :user, :secret, :active, :created)";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":id", k->id);
    stmt_bind_str(&q, ":account", k->account);
    stmt_bind_str(&q, ":user", k->user);
    stmt_bind_str(&q, ":secret", k->secret);
    stmt_bind_int(&q, ":active", k->active);
    stmt_bind_int(&q, ":created", k->created);
    return run_announced(s, &q, k->id);
}

int iam_key_set_active(struct store *s, struct str id, bool active)
{
    static const char sql[] = "UPDATE iam_key SET active = :active WHERE id = :id";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":id", id);
    stmt_bind_int(&q, ":active", active);
    return run_announced(s, &q, id);
}

int iam_key_note_use(struct store *s, struct str id, int64_t now, struct str service,
                     struct str region)
{
    static const char sql[] = "UPDATE iam_key SET last_used = :now, last_service = :service,"
                              " last_region = :region WHERE id = :id";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":id", id);
    stmt_bind_int(&q, ":now", now);
    stmt_bind_str(&q, ":service", service);
    stmt_bind_str(&q, ":region", region);
    return stmt_run(&q);
}

int iam_key_delete(struct store *s, struct str id)
{
    static const char sql[] = "DELETE FROM iam_key WHERE id = :id";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":id", id);
    return run_announced(s, &q, id);
}

int iam_session_find(struct store *s, struct arena *a, struct str id,
                     struct iam_session **ret_session)
{
    static const char sql[] =
        "SELECT id, account, secret, token, arn, user_id, kind, entity, issued, expires,"
        " policies, tags, transitive, federated, source_identity FROM iam_session WHERE id = :id";
    CLEANUP(stmt_done) struct stmt q = {0};
    struct iam_session *x;
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":id", id);
    r = stmt_step(&q);
    if (r != STMT_ROW) {
        if (r == 0)
            *ret_session = NULL;
        return r;
    }
    x = arena_alloc(a, sizeof *x);
    *x = (struct iam_session){
        .id = stmt_str(&q, "id", a),
        .account = stmt_str(&q, "account", a),
        .secret = stmt_str(&q, "secret", a),
        .token = stmt_str(&q, "token", a),
        .arn = stmt_str(&q, "arn", a),
        .user_id = stmt_str(&q, "user_id", a),
        .kind = (enum iam_kind)stmt_int(&q, "kind"),
        .entity = stmt_str(&q, "entity", a),
        .issued = stmt_int(&q, "issued"),
        .expires = stmt_int(&q, "expires"),
        .policies = stmt_str(&q, "policies", a),
        .tags = stmt_str(&q, "tags", a),
        .transitive = stmt_str(&q, "transitive", a),
        .federated = stmt_str(&q, "federated", a),
        .source_identity = stmt_str(&q, "source_identity", a),
    };
    *ret_session = x;
    return 0;
}

static int forget_sessions(struct store *s, int64_t before)
{
    static const char sql[] = "DELETE FROM iam_session WHERE expires < :before";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_int(&q, ":before", before);
    return stmt_run(&q);
}

int iam_session_insert(struct store *s, const struct iam_session *x)
{
    static const char sql[] =
        "INSERT INTO iam_session (id, account, secret, token, arn, user_id, kind, entity,"
        " issued, expires, policies, tags, transitive, federated, source_identity)"
        " VALUES (:id, :account, :secret, :token, :arn, :user_id, :kind, :entity,"
        " :issued, :expires, :policies, :tags, :transitive, :federated, :source_identity)";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = forget_sessions(s, x->issued - KEEP_OVER_SESSIONS_MS);

    if (r == 0)
        r = stmt_open(s, &q, sql);
    if (r < 0)
        return r;
    stmt_bind_str(&q, ":id", x->id);
    stmt_bind_str(&q, ":account", x->account);
    stmt_bind_str(&q, ":secret", x->secret);
    stmt_bind_str(&q, ":token", x->token);
    stmt_bind_str(&q, ":arn", x->arn);
    stmt_bind_str(&q, ":user_id", x->user_id);
    stmt_bind_int(&q, ":kind", x->kind);
    stmt_bind_str(&q, ":entity", x->entity);
    stmt_bind_int(&q, ":issued", x->issued);
    stmt_bind_int(&q, ":expires", x->expires);
    stmt_bind_str(&q, ":policies", x->policies);
    stmt_bind_str(&q, ":tags", x->tags);
    stmt_bind_str(&q, ":transitive", x->transitive);
    stmt_bind_str(&q, ":federated", x->federated);
    stmt_bind_str(&q, ":source_identity", x->source_identity);
    return run_announced(s, &q, x->id);
}
