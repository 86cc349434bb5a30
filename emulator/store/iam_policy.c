/* Managed and inline policies, their versions, and what they are attached to.
 * Source: IAM User Guide, "Managed policies and inline policies", "Versioning IAM policies". */
#include "store/iam.h"

#include "store/feed.h"

/* Counts are derived: nothing stores them. */
#define POLICY_COLUMNS                                                                       \
    "p.arn, p.account, p.name, p.path, p.id, p.created, p.updated, p.description,"           \
    " p.default_version, p.next_version,"                                                    \
    " (SELECT count(*) FROM iam_attachment AS t WHERE t.policy_arn = p.arn) AS attachments," \
    " (SELECT count(*) FROM iam_entity AS b WHERE b.boundary = p.arn) AS boundaries"

static int run_announced(struct store *s, struct stmt *q, struct str key)
{
    int r = stmt_run(q);

    if (r == 0)
        feed_announce(s, CHANGE_IAM, key);
    return r;
}

static struct iam_managed *read_policy(struct stmt *q, struct arena *a)
{
    struct iam_managed *p = arena_alloc(a, sizeof *p);

    *p = (struct iam_managed){
        .arn = stmt_str(q, "arn", a),
        .account = stmt_str(q, "account", a),
        .name = stmt_str(q, "name", a),
        .path = stmt_str(q, "path", a),
        .id = stmt_str(q, "id", a),
        .description = stmt_str(q, "description", a),
        .created = stmt_int(q, "created"),
        .updated = stmt_int(q, "updated"),
        .default_version = stmt_int(q, "default_version"),
        .next_version = stmt_int(q, "next_version"),
        .attachments = stmt_int(q, "attachments"),
        .boundaries = stmt_int(q, "boundaries"),
    };
    return p;
}

static int read_policies(struct stmt *q, struct arena *a, struct iam_managed **ret_first)
{
    struct iam_managed *first = NULL, **tail = &first;
    int r;

    while ((r = stmt_step(q)) == STMT_ROW) {
        *tail = read_policy(q, a);
        tail = &(*tail)->next;
    }
    if (r == 0)
        *ret_first = first;
    return r;
}

int iam_policy_find(struct store *s, struct arena *a, struct str arn,
                    struct iam_managed **ret_policy)
{
    static const char sql[] = "SELECT " POLICY_COLUMNS " FROM iam_policy AS p WHERE p.arn = :arn";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", arn);
    return read_policies(&q, a, ret_policy);
}

int iam_policy_list(struct store *s, struct arena *a, struct str account, struct str path_prefix,
                    struct iam_managed **ret_first)
{
    static const char sql[] = "SELECT " POLICY_COLUMNS " FROM iam_policy AS p"
                              " WHERE p.account = :account"
                              "   AND substr(p.path, 1, length(:prefix)) = :prefix"
                              " ORDER BY p.name";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":account", account);
    stmt_bind_str(&q, ":prefix", path_prefix.n > 0 ? path_prefix : S("/"));
    return read_policies(&q, a, ret_first);
}

static int insert_version(struct store *s, struct str arn, int64_t number, struct str document,
                          int64_t now)
{
    static const char sql[] = "INSERT INTO iam_version (arn, number, document, created)"
                              " VALUES (:arn, :number, :document, :created)";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", arn);
    stmt_bind_int(&q, ":number", number);
    stmt_bind_str(&q, ":document", document);
    stmt_bind_int(&q, ":created", now);
    return run_announced(s, &q, arn);
}

int iam_policy_insert(struct store *s, const struct iam_managed *p, struct str document)
{
    int64_t version = p->default_version > 0 ? p->default_version : 1;
    static const char sql[] =
        "INSERT INTO iam_policy (arn, account, name, path, id, created, updated, description,"
        " default_version, next_version) VALUES (:arn, :account, :name, :path, :id, :created,"
        " :created, :description, :version, :version + 1)";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", p->arn);
    stmt_bind_str(&q, ":account", p->account);
    stmt_bind_str(&q, ":name", p->name);
    stmt_bind_str(&q, ":path", p->path);
    stmt_bind_str(&q, ":id", p->id);
    stmt_bind_int(&q, ":created", p->created);
    stmt_bind_str(&q, ":description", p->description);
    stmt_bind_int(&q, ":version", version);
    r = stmt_run(&q);
    return r < 0 ? r : insert_version(s, p->arn, version, document, p->created);
}

static int delete_by_arn(struct store *s, const char *sql, struct str arn)
{
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", arn);
    return run_announced(s, &q, arn);
}

int iam_policy_delete(struct store *s, struct str arn)
{
    static const char tags[] = "DELETE FROM iam_tag WHERE arn = :arn";
    static const char sql[] = "DELETE FROM iam_policy WHERE arn = :arn";
    int r = delete_by_arn(s, tags, arn);

    return r < 0 ? r : delete_by_arn(s, sql, arn);
}

int iam_version_list(struct store *s, struct arena *a, struct str arn,
                     struct iam_version **ret_first)
{
    static const char sql[] = "SELECT number, document, created FROM iam_version"
                              " WHERE arn = :arn ORDER BY number DESC";
    CLEANUP(stmt_done) struct stmt q = {0};
    struct iam_version *first = NULL, **tail = &first;
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", arn);
    while ((r = stmt_step(&q)) == STMT_ROW) {
        struct iam_version *v = arena_alloc(a, sizeof *v);

        *v = (struct iam_version){
            .number = stmt_int(&q, "number"),
            .document = stmt_str(&q, "document", a),
            .created = stmt_int(&q, "created"),
        };
        *tail = v;
        tail = &v->next;
    }
    if (r == 0)
        *ret_first = first;
    return r;
}

int iam_version_insert(struct store *s, struct arena *a, struct str arn, struct str document,
                       int64_t now, bool make_default, int64_t *ret_number)
{
    static const char sql[] =
        "UPDATE iam_policy SET next_version = next_version + 1, updated = :now WHERE arn = :arn";
    CLEANUP(stmt_done) struct stmt q = {0};
    struct iam_managed *p = NULL;
    int r = iam_policy_find(s, a, arn, &p);

    if (r == 0)
        r = insert_version(s, arn, p->next_version, document, now);
    if (r == 0)
        r = stmt_open(s, &q, sql);
    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", arn);
    stmt_bind_int(&q, ":now", now);
    r = stmt_run(&q);
    if (r == 0 && make_default)
        r = iam_version_set_default(s, arn, p->next_version, now);
    if (r == 0)
        *ret_number = p->next_version;
    return r;
}

int iam_version_set_default(struct store *s, struct str arn, int64_t number, int64_t now)
{
    static const char sql[] =
        "UPDATE iam_policy SET default_version = :number, updated = :now WHERE arn = :arn";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", arn);
    stmt_bind_int(&q, ":number", number);
    stmt_bind_int(&q, ":now", now);
    return run_announced(s, &q, arn);
}

int iam_version_delete(struct store *s, struct str arn, int64_t number)
{
    static const char sql[] = "DELETE FROM iam_version WHERE arn = :arn AND number = :number";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", arn);
    stmt_bind_int(&q, ":number", number);
    return run_announced(s, &q, arn);
}

/* --- attachments ----------------------------------------------------------------------- */

static void bind_entity(struct stmt *q, const struct iam_entity *e)
{
    stmt_bind_int(q, ":kind", e->kind);
    stmt_bind_str(q, ":account", e->account);
    stmt_bind_str(q, ":name", e->name);
}

int iam_attach(struct store *s, const struct iam_entity *e, struct str policy_arn, int64_t now)
{
    static const char sql[] =
        "INSERT OR IGNORE INTO iam_attachment (kind, account, name, policy_arn, attached)"
        " VALUES (:kind, :account, :name, :arn, :now)";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    bind_entity(&q, e);
    stmt_bind_str(&q, ":arn", policy_arn);
    stmt_bind_int(&q, ":now", now);
    return run_announced(s, &q, e->arn);
}

int iam_detach(struct store *s, const struct iam_entity *e, struct str policy_arn,
               bool *ret_changed)
{
    static const char sql[] = "DELETE FROM iam_attachment WHERE kind = :kind"
                              " AND account = :account AND name = :name AND policy_arn = :arn";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    bind_entity(&q, e);
    stmt_bind_str(&q, ":arn", policy_arn);
    r = run_announced(s, &q, e->arn);
    if (r == 0)
        *ret_changed = store_changed_rows(s) > 0;
    return r;
}

int iam_attachment_list(struct store *s, struct arena *a, const struct iam_entity *e,
                        struct iam_managed **ret_first)
{
    static const char sql[] = "SELECT " POLICY_COLUMNS " FROM iam_policy AS p"
                              "  JOIN iam_attachment AS at ON at.policy_arn = p.arn"
                              " WHERE at.kind = :kind AND at.account = :account AND at.name = :name"
                              " ORDER BY at.attached, p.name";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    bind_entity(&q, e);
    return read_policies(&q, a, ret_first);
}

int iam_attached_to(struct store *s, struct arena *a, struct str policy_arn, enum iam_kind kind,
                    bool as_boundary, struct iam_entity **ret_first)
{
    static const char attached[] =
        "SELECT e.arn FROM iam_entity AS e JOIN iam_attachment AS t"
        "    ON t.kind = e.kind AND t.account = e.account AND t.name = e.name"
        " WHERE t.policy_arn = :arn AND e.kind = :kind ORDER BY e.name";
    static const char bounded[] = "SELECT e.arn FROM iam_entity AS e"
                                  " WHERE e.boundary = :arn AND e.kind = :kind ORDER BY e.name";
    CLEANUP(stmt_done) struct stmt q = {0};
    struct iam_entity *first = NULL, **tail = &first;
    int r = stmt_open(s, &q, as_boundary ? bounded : attached);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", policy_arn);
    stmt_bind_int(&q, ":kind", kind);
    while ((r = stmt_step(&q)) == STMT_ROW) {
        r = iam_entity_find_by_arn(s, a, stmt_str(&q, "arn", a), tail);
        if (r < 0)
            return r;
        tail = &(*tail)->next;
    }
    if (r == 0)
        *ret_first = first;
    return r;
}

/* --- inline policies ------------------------------------------------------------------- */

int iam_inline_put(struct store *s, const struct iam_entity *e, struct str name,
                   struct str document)
{
    static const char sql[] =
        "INSERT INTO iam_inline (kind, account, name, policy, document)"
        " VALUES (:kind, :account, :name, :policy, :document)"
        " ON CONFLICT (kind, account, name, policy) DO UPDATE SET document = excluded.document";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    bind_entity(&q, e);
    stmt_bind_str(&q, ":policy", name);
    stmt_bind_str(&q, ":document", document);
    return run_announced(s, &q, e->arn);
}

int iam_inline_delete(struct store *s, const struct iam_entity *e, struct str name,
                      bool *ret_changed)
{
    static const char sql[] = "DELETE FROM iam_inline WHERE kind = :kind AND account = :account"
                              " AND name = :name AND policy = :policy";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    bind_entity(&q, e);
    stmt_bind_str(&q, ":policy", name);
    r = run_announced(s, &q, e->arn);
    if (r == 0)
        *ret_changed = store_changed_rows(s) > 0;
    return r;
}

/* Puts the (name, document) rows of an opened and bound statement at *tail. */
static int read_documents(struct stmt *q, struct arena *a, struct iam_inline ***tail)
{
    int r;

    while ((r = stmt_step(q)) == STMT_ROW) {
        struct iam_inline *i = arena_alloc(a, sizeof *i);

        *i = (struct iam_inline){
            .name = stmt_str(q, "name", a),
            .document = stmt_str(q, "document", a),
        };
        **tail = i;
        *tail = &i->next;
    }
    return r;
}

int iam_inline_list(struct store *s, struct arena *a, const struct iam_entity *e,
                    struct iam_inline **ret_first)
{
    static const char sql[] = "SELECT policy AS name, document FROM iam_inline"
                              " WHERE kind = :kind AND account = :account AND name = :name"
                              " ORDER BY policy";
    CLEANUP(stmt_done) struct stmt q = {0};
    struct iam_inline *first = NULL, **tail = &first;
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    bind_entity(&q, e);
    r = read_documents(&q, a, &tail);
    if (r == 0)
        *ret_first = first;
    return r;
}

static int list_documents(struct store *s, struct arena *a, const struct iam_entity *e,
                          struct iam_inline ***tail)
{
    static const char sql[] =
        "SELECT policy AS name, document FROM iam_inline"
        " WHERE kind = :kind AND account = :account AND name = :name"
        " UNION ALL "
        "SELECT p.name AS name, v.document FROM iam_attachment AS t"
        "  JOIN iam_policy AS p ON p.arn = t.policy_arn"
        "  JOIN iam_version AS v ON v.arn = p.arn AND v.number = p.default_version"
        " WHERE t.kind = :kind AND t.account = :account AND t.name = :name";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    bind_entity(&q, e);
    return read_documents(&q, a, tail);
}

static int find_default_document(struct store *s, struct arena *a, struct str arn,
                                 struct str *ret_document)
{
    static const char sql[] = "SELECT v.document FROM iam_policy AS p JOIN iam_version AS v"
                              "    ON v.arn = p.arn AND v.number = p.default_version"
                              " WHERE p.arn = :arn";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", arn);
    r = stmt_step(&q);
    if (r < 0)
        return r;
    *ret_document = r == STMT_ROW ? stmt_str(&q, "document", a) : (struct str){0};
    return 0;
}

int iam_document_list(struct store *s, struct arena *a, const struct iam_entity *e,
                      struct iam_inline **ret_first, struct str *ret_boundary)
{
    struct iam_inline *first = NULL, **tail = &first;
    struct iam_entity *groups = NULL;
    struct str boundary = {0};
    int r = list_documents(s, a, e, &tail);

    if (r == 0 && e->kind == IAM_USER)
        r = iam_group_list(s, a, IAM_USER, e->account, e->name, &groups);
    for (const struct iam_entity *g = groups; r == 0 && g != NULL; g = g->next)
        r = list_documents(s, a, g, &tail);
    if (r == 0 && e->boundary.n > 0)
        r = find_default_document(s, a, e->boundary, &boundary);
    if (r < 0)
        return r;
    *ret_first = first;
    *ret_boundary = boundary;
    return 0;
}
