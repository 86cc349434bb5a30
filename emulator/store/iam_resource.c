/* OIDC providers, instance profiles and server certificates. Source: IAM API Reference. */
#include "store/iam.h"
#include "store/tls_material.h"

#include "store/feed.h"

static int run_announced(struct store *s, struct stmt *q, struct str key)
{
    int r = stmt_run(q);

    if (r == 0)
        feed_announce(s, CHANGE_IAM, key);
    return r;
}

/* --- OIDC providers -------------------------------------------------------------------- */

static int read_providers(struct stmt *q, struct arena *a, struct iam_provider **ret_first)
{
    struct iam_provider *first = NULL, **tail = &first;
    int r;

    while ((r = stmt_step(q)) == STMT_ROW) {
        struct iam_provider *p = arena_alloc(a, sizeof *p);

        *p = (struct iam_provider){
            .account = stmt_str(q, "account", a),
            .arn = stmt_str(q, "arn", a),
            .url = stmt_str(q, "url", a),
            .created = stmt_int(q, "created"),
            .client_ids = stmt_str(q, "client_ids", a),
            .thumbprints = stmt_str(q, "thumbprints", a),
        };
        *tail = p;
        tail = &p->next;
    }
    if (r == 0)
        *ret_first = first;
    return r;
}

#define PROVIDER_COLUMNS "account, arn, url, created, client_ids, thumbprints"

int iam_provider_find(struct store *s, struct arena *a, struct str arn,
                      struct iam_provider **ret_provider)
{
    static const char sql[] = "SELECT " PROVIDER_COLUMNS " FROM iam_provider WHERE arn = :arn";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", arn);
    return read_providers(&q, a, ret_provider);
}

int iam_provider_list(struct store *s, struct arena *a, struct str account,
                      struct iam_provider **ret_first)
{
    static const char sql[] = "SELECT " PROVIDER_COLUMNS " FROM iam_provider"
                              " WHERE account = :account ORDER BY created, arn";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":account", account);
    return read_providers(&q, a, ret_first);
}

int iam_provider_put(struct store *s, const struct iam_provider *p)
{
    static const char sql[] =
        "INSERT INTO iam_provider (arn, account, url, created, client_ids, thumbprints)"
        " VALUES (:arn, :account, :url, :created, :client_ids, :thumbprints)"
        " ON CONFLICT (arn) DO UPDATE SET client_ids = excluded.client_ids,"
        "   thumbprints = excluded.thumbprints";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", p->arn);
    stmt_bind_str(&q, ":account", p->account);
    stmt_bind_str(&q, ":url", p->url);
    stmt_bind_int(&q, ":created", p->created);
    stmt_bind_str(&q, ":client_ids", p->client_ids);
    stmt_bind_str(&q, ":thumbprints", p->thumbprints);
    return run_announced(s, &q, p->arn);
}

/* Whatever has an ARN and tags. */
static int delete_with_tags(struct store *s, const char *sql, struct str arn)
{
    static const char tags[] = "DELETE FROM iam_tag WHERE arn = :arn";
    CLEANUP(stmt_done) struct stmt t = {0}, q = {0};
    int r = stmt_open(s, &t, tags);

    if (r == 0)
        r = stmt_open(s, &q, sql);
    if (r < 0)
        return r;
    stmt_bind_str(&t, ":arn", arn);
    stmt_bind_str(&q, ":arn", arn);
    r = stmt_run(&t);
    return r < 0 ? r : run_announced(s, &q, arn);
}

int iam_provider_delete(struct store *s, struct str arn)
{
    static const char sql[] = "DELETE FROM iam_provider WHERE arn = :arn";

    return delete_with_tags(s, sql, arn);
}

/* --- instance profiles ----------------------------------------------------------------- */

#define PROFILE_COLUMNS "account, name, path, id, arn, created, role"

static int read_profiles(struct stmt *q, struct arena *a, struct iam_profile **ret_first)
{
    struct iam_profile *first = NULL, **tail = &first;
    int r;

    while ((r = stmt_step(q)) == STMT_ROW) {
        struct iam_profile *p = arena_alloc(a, sizeof *p);

        *p = (struct iam_profile){
            .account = stmt_str(q, "account", a),
            .name = stmt_str(q, "name", a),
            .path = stmt_str(q, "path", a),
            .id = stmt_str(q, "id", a),
            .arn = stmt_str(q, "arn", a),
            .created = stmt_int(q, "created"),
            .role = stmt_str(q, "role", a),
        };
        *tail = p;
        tail = &p->next;
    }
    if (r == 0)
        *ret_first = first;
    return r;
}

int iam_profile_find(struct store *s, struct arena *a, struct str account, struct str name,
                     struct iam_profile **ret_profile)
{
    static const char sql[] = "SELECT " PROFILE_COLUMNS " FROM iam_profile"
                              " WHERE account = :account AND name = :name";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":account", account);
    stmt_bind_str(&q, ":name", name);
    return read_profiles(&q, a, ret_profile);
}

int iam_profile_list(struct store *s, struct arena *a, struct str account, struct str path_prefix,
                     struct str role, struct iam_profile **ret_first)
{
    static const char sql[] = "SELECT " PROFILE_COLUMNS " FROM iam_profile"
                              " WHERE account = :account AND (:role = '' OR role = :role)"
                              "   AND substr(path, 1, length(:prefix)) = :prefix ORDER BY name";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":account", account);
    stmt_bind_str(&q, ":role", role.n > 0 ? role : S(""));
    stmt_bind_str(&q, ":prefix", path_prefix.n > 0 ? path_prefix : S("/"));
    return read_profiles(&q, a, ret_first);
}

int iam_profile_insert(struct store *s, const struct iam_profile *p)
{
    static const char sql[] = "INSERT INTO iam_profile (account, name, path, id, arn, created)"
                              " VALUES (:account, :name, :path, :id, :arn, :created)";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":account", p->account);
    stmt_bind_str(&q, ":name", p->name);
    stmt_bind_str(&q, ":path", p->path);
    stmt_bind_str(&q, ":id", p->id);
    stmt_bind_str(&q, ":arn", p->arn);
    stmt_bind_int(&q, ":created", p->created);
    return run_announced(s, &q, p->arn);
}

int iam_profile_set_role(struct store *s, const struct iam_profile *p, struct str role)
{
    static const char sql[] =
        "UPDATE iam_profile SET role = :role WHERE account = :account AND name = :name";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":account", p->account);
    stmt_bind_str(&q, ":name", p->name);
    if (role.n > 0)
        stmt_bind_str(&q, ":role", role);
    else
        stmt_bind_null(&q, ":role");
    return run_announced(s, &q, p->arn);
}

int iam_profile_delete(struct store *s, const struct iam_profile *p)
{
    static const char sql[] = "DELETE FROM iam_profile WHERE arn = :arn";

    return delete_with_tags(s, sql, p->arn);
}

/* --- server certificates --------------------------------------------------------------- */

#define CERTIFICATE_COLUMNS "account, name, path, id, arn, uploaded, expires, body, chain, key"

static int read_certificates(struct stmt *q, struct arena *a, struct iam_certificate **ret_first)
{
    struct iam_certificate *first = NULL, **tail = &first;
    int r;

    while ((r = stmt_step(q)) == STMT_ROW) {
        struct iam_certificate *c = arena_alloc(a, sizeof *c);

        *c = (struct iam_certificate){
            .account = stmt_str(q, "account", a),
            .name = stmt_str(q, "name", a),
            .path = stmt_str(q, "path", a),
            .id = stmt_str(q, "id", a),
            .arn = stmt_str(q, "arn", a),
            .uploaded = stmt_int(q, "uploaded"),
            .expires = stmt_int(q, "expires"),
            .body = stmt_str(q, "body", a),
            .chain = stmt_str(q, "chain", a),
            .key = stmt_str(q, "key", a),
        };
        *tail = c;
        tail = &c->next;
    }
    if (r == 0)
        *ret_first = first;
    return r;
}

int iam_certificate_find(struct store *s, struct arena *a, struct str account, struct str name,
                         struct iam_certificate **ret_certificate)
{
    static const char sql[] = "SELECT " CERTIFICATE_COLUMNS " FROM iam_certificate"
                              " WHERE account = :account AND name = :name";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":account", account);
    stmt_bind_str(&q, ":name", name);
    return read_certificates(&q, a, ret_certificate);
}

int iam_certificate_list(struct store *s, struct arena *a, struct str account,
                         struct str path_prefix, struct iam_certificate **ret_first)
{
    static const char sql[] = "SELECT " CERTIFICATE_COLUMNS " FROM iam_certificate"
                              " WHERE account = :account"
                              "   AND substr(path, 1, length(:prefix)) = :prefix ORDER BY name";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":account", account);
    stmt_bind_str(&q, ":prefix", path_prefix.n > 0 ? path_prefix : S("/"));
    return read_certificates(&q, a, ret_first);
}

/* What TLS listeners present for it. */
static int put_material(struct store *s, const struct iam_certificate *c)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct str chain = arena_printf(&a, "%.*s\n%.*s", STR_ARG(c->body), STR_ARG(c->chain));

    return tls_material_put(
        s, &(struct tls_material){.arn = c->arn, .chain = chain, .private_key = c->key});
}

int iam_certificate_insert(struct store *s, const struct iam_certificate *c)
{
    static const char sql[] =
        "INSERT INTO iam_certificate (account, name, path, id, arn, uploaded, expires, body,"
        " chain, key) VALUES (:account, :name, :path, :id, :arn, :uploaded, :expires, :body,"
        " :chain, :key)";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":account", c->account);
    stmt_bind_str(&q, ":name", c->name);
    stmt_bind_str(&q, ":path", c->path);
    stmt_bind_str(&q, ":id", c->id);
    stmt_bind_str(&q, ":arn", c->arn);
    stmt_bind_int(&q, ":uploaded", c->uploaded);
    stmt_bind_int(&q, ":expires", c->expires);
    stmt_bind_str(&q, ":body", c->body);
    stmt_bind_str(&q, ":chain", c->chain);
    stmt_bind_str(&q, ":key", c->key);
    r = run_announced(s, &q, c->arn);
    return r < 0 ? r : put_material(s, c);
}

int iam_certificate_update(struct store *s, struct str old_name, const struct iam_certificate *c)
{
    static const char sql[] = "UPDATE iam_certificate SET name = :name, path = :path, arn = :arn"
                              " WHERE account = :account AND name = :old";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":account", c->account);
    stmt_bind_str(&q, ":old", old_name);
    stmt_bind_str(&q, ":name", c->name);
    stmt_bind_str(&q, ":path", c->path);
    stmt_bind_str(&q, ":arn", c->arn);
    r = run_announced(s, &q, c->arn);
    return r < 0 ? r : put_material(s, c);
}

int iam_certificate_delete(struct store *s, const struct iam_certificate *c)
{
    static const char sql[] = "DELETE FROM iam_certificate WHERE arn = :arn";

    int r = delete_with_tags(s, sql, c->arn);

    return r < 0 ? r : tls_material_remove(s, c->arn);
}
