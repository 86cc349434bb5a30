/* Users, roles and groups, and who is in which group. Source: IAM User Guide, "IAM
 * identifiers". */
#include "store/iam.h"

#include "store/feed.h"

/* kind is enum iam_kind; the foreign keys follow a renamed user. */
const char iam_schema_1[] =
    "CREATE TABLE iam_entity ("
    "  kind INTEGER NOT NULL, account TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE,"
    "  path TEXT NOT NULL, id TEXT NOT NULL UNIQUE, arn TEXT NOT NULL UNIQUE,"
    "  created INTEGER NOT NULL, boundary TEXT, description TEXT, max_session INTEGER,"
    "  trust TEXT, last_used INTEGER, last_region TEXT,"
    "  PRIMARY KEY (kind, account, name)"
    ") WITHOUT ROWID;"
    "CREATE TABLE iam_member ("
    "  account TEXT NOT NULL, user_kind INTEGER NOT NULL DEFAULT 0,"
    "  user_name TEXT NOT NULL COLLATE NOCASE, group_kind INTEGER NOT NULL DEFAULT 2,"
    "  group_name TEXT NOT NULL COLLATE NOCASE,"
    "  PRIMARY KEY (account, user_name, group_name),"
    "  FOREIGN KEY (user_kind, account, user_name) REFERENCES iam_entity"
    "    ON UPDATE CASCADE ON DELETE CASCADE,"
    "  FOREIGN KEY (group_kind, account, group_name) REFERENCES iam_entity"
    "    ON UPDATE CASCADE ON DELETE CASCADE"
    ") WITHOUT ROWID;"
    "CREATE TABLE iam_policy ("
    "  arn TEXT PRIMARY KEY, account TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE,"
    "  path TEXT NOT NULL, id TEXT NOT NULL UNIQUE, created INTEGER NOT NULL,"
    "  updated INTEGER NOT NULL, description TEXT, default_version INTEGER NOT NULL,"
    "  next_version INTEGER NOT NULL, UNIQUE (account, name)"
    ") WITHOUT ROWID;"
    "CREATE TABLE iam_version ("
    "  arn TEXT NOT NULL REFERENCES iam_policy ON DELETE CASCADE, number INTEGER NOT NULL,"
    "  document TEXT NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (arn, number)"
    ") WITHOUT ROWID;"
    "CREATE TABLE iam_attachment ("
    "  kind INTEGER NOT NULL, account TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE,"
    "  policy_arn TEXT NOT NULL REFERENCES iam_policy, attached INTEGER NOT NULL,"
    "  PRIMARY KEY (kind, account, name, policy_arn),"
    "  FOREIGN KEY (kind, account, name) REFERENCES iam_entity"
    "    ON UPDATE CASCADE ON DELETE CASCADE"
    ") WITHOUT ROWID;"
    "CREATE INDEX iam_attachment_by_policy ON iam_attachment (policy_arn);"
    "CREATE TABLE iam_inline ("
    "  kind INTEGER NOT NULL, account TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE,"
    "  policy TEXT NOT NULL COLLATE NOCASE, document TEXT NOT NULL,"
    "  PRIMARY KEY (kind, account, name, policy),"
    "  FOREIGN KEY (kind, account, name) REFERENCES iam_entity"
    "    ON UPDATE CASCADE ON DELETE CASCADE"
    ") WITHOUT ROWID;"
    "CREATE TABLE iam_tag ("
    "  arn TEXT NOT NULL, key TEXT NOT NULL COLLATE NOCASE, value TEXT NOT NULL,"
    "  PRIMARY KEY (arn, key)"
    ") WITHOUT ROWID;"
    "CREATE TABLE iam_provider ("
    "  arn TEXT PRIMARY KEY, account TEXT NOT NULL, url TEXT NOT NULL, created INTEGER NOT NULL,"
    "  client_ids TEXT NOT NULL, thumbprints TEXT NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE TABLE iam_profile ("
    "  account TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, path TEXT NOT NULL,"
    "  id TEXT NOT NULL UNIQUE, arn TEXT NOT NULL, created INTEGER NOT NULL,"
    "  role_kind INTEGER NOT NULL DEFAULT 1, role TEXT COLLATE NOCASE,"
    "  PRIMARY KEY (account, name),"
    "  FOREIGN KEY (role_kind, account, role) REFERENCES iam_entity"
    ") WITHOUT ROWID;"
    "CREATE TABLE iam_certificate ("
    "  account TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, path TEXT NOT NULL,"
    "  id TEXT NOT NULL UNIQUE, arn TEXT NOT NULL, uploaded INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL, body TEXT NOT NULL, chain TEXT, key TEXT NOT NULL,"
    "  PRIMARY KEY (account, name)"
    ") WITHOUT ROWID;"
    "CREATE TABLE iam_key ("
    "  id TEXT PRIMARY KEY, account TEXT NOT NULL, user_kind INTEGER NOT NULL DEFAULT 0,"
    "  user_name TEXT NOT NULL COLLATE NOCASE, secret TEXT NOT NULL, active INTEGER NOT NULL,"
    "  created INTEGER NOT NULL, last_used INTEGER, last_service TEXT, last_region TEXT,"
    "  FOREIGN KEY (user_kind, account, user_name) REFERENCES iam_entity"
    "    ON UPDATE CASCADE ON DELETE CASCADE"
    ") WITHOUT ROWID;"
    "CREATE TABLE iam_session ("
    "  id TEXT PRIMARY KEY, account TEXT NOT NULL, secret TEXT NOT NULL, token TEXT NOT NULL,"
    "  arn TEXT NOT NULL, user_id TEXT NOT NULL, kind INTEGER NOT NULL, entity TEXT NOT NULL,"
    "  issued INTEGER NOT NULL, expires INTEGER NOT NULL, policies TEXT, tags TEXT,"
    "  federated TEXT, source_identity TEXT"
    ") WITHOUT ROWID";

#define ENTITY_COLUMNS                                                       \
    "e.kind, e.account, e.name, e.path, e.id, e.arn, e.created, e.boundary," \
    " e.description, e.max_session, e.trust, e.last_used, e.last_region"

static struct iam_entity *read_entity(struct stmt *q, struct arena *a)
{
    struct iam_entity *e = arena_alloc(a, sizeof *e);

    *e = (struct iam_entity){
        .kind = (enum iam_kind)stmt_int(q, "kind"),
        .account = stmt_str(q, "account", a),
        .name = stmt_str(q, "name", a),
        .path = stmt_str(q, "path", a),
        .id = stmt_str(q, "id", a),
        .arn = stmt_str(q, "arn", a),
        .created = stmt_int(q, "created"),
        .boundary = stmt_str(q, "boundary", a),
        .description = stmt_str(q, "description", a),
        .max_session_s = stmt_int(q, "max_session"),
        .trust = stmt_str(q, "trust", a),
        .last_used = stmt_int(q, "last_used"),
        .last_region = stmt_str(q, "last_region", a),
    };
    return e;
}

/* Reads every row of an opened and bound statement. */
static int read_entities(struct stmt *q, struct arena *a, struct iam_entity **ret_first)
{
    struct iam_entity *first = NULL, **tail = &first;
    int r;

    while ((r = stmt_step(q)) == STMT_ROW) {
        *tail = read_entity(q, a);
        tail = &(*tail)->next;
    }
    if (r == 0)
        *ret_first = first;
    return r;
}

int iam_entity_find(struct store *s, struct arena *a, enum iam_kind kind, struct str account,
                    struct str name, struct iam_entity **ret_entity)
{
    static const char sql[] = "SELECT " ENTITY_COLUMNS " FROM iam_entity AS e"
                              " WHERE e.kind = :kind AND e.account = :account AND e.name = :name";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_int(&q, ":kind", kind);
    stmt_bind_str(&q, ":account", account);
    stmt_bind_str(&q, ":name", name);
    return read_entities(&q, a, ret_entity);
}

int iam_entity_find_by_arn(struct store *s, struct arena *a, struct str arn,
                           struct iam_entity **ret_entity)
{
    static const char sql[] = "SELECT " ENTITY_COLUMNS " FROM iam_entity AS e WHERE e.arn = :arn";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":arn", arn);
    return read_entities(&q, a, ret_entity);
}

int iam_entity_list(struct store *s, struct arena *a, enum iam_kind kind, struct str account,
                    struct str path_prefix, struct iam_entity **ret_first)
{
    static const char sql[] = "SELECT " ENTITY_COLUMNS " FROM iam_entity AS e"
                              " WHERE e.kind = :kind AND e.account = :account"
                              "   AND substr(e.path, 1, length(:prefix)) = :prefix"
                              " ORDER BY e.name";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_int(&q, ":kind", kind);
    stmt_bind_str(&q, ":account", account);
    stmt_bind_str(&q, ":prefix", path_prefix.n > 0 ? path_prefix : S("/"));
    return read_entities(&q, a, ret_first);
}

/* What both writing statements bind. */
static void bind_entity(struct stmt *q, const struct iam_entity *e)
{
    stmt_bind_int(q, ":kind", e->kind);
    stmt_bind_str(q, ":account", e->account);
    stmt_bind_str(q, ":name", e->name);
    stmt_bind_str(q, ":path", e->path);
    stmt_bind_str(q, ":arn", e->arn);
    stmt_bind_str(q, ":boundary", e->boundary);
    stmt_bind_str(q, ":description", e->description);
    stmt_bind_int(q, ":max_session", e->max_session_s);
    stmt_bind_str(q, ":trust", e->trust);
    stmt_bind_int(q, ":last_used", e->last_used);
    stmt_bind_str(q, ":last_region", e->last_region);
}

static int run_announced(struct store *s, struct stmt *q, struct str key)
{
    int r = stmt_run(q);

    if (r == 0)
        feed_announce(s, CHANGE_IAM, key);
    return r;
}

int iam_entity_insert(struct store *s, const struct iam_entity *e)
{
    static const char sql[] =
        "INSERT INTO iam_entity (kind, account, name, path, id, arn, created, boundary,"
        " description, max_session, trust, last_used, last_region)"
        " VALUES (:kind, :account, :name, :path, :id, :arn, :created, :boundary,"
        " :description, :max_session, :trust, :last_used, :last_region)";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    bind_entity(&q, e);
    stmt_bind_str(&q, ":id", e->id);
    stmt_bind_int(&q, ":created", e->created);
    return run_announced(s, &q, e->arn);
}

int iam_entity_update(struct store *s, struct str old_name, const struct iam_entity *e)
{
    static const char sql[] =
        "UPDATE iam_entity SET name = :name, path = :path, arn = :arn, boundary = :boundary,"
        "   description = :description, max_session = :max_session, trust = :trust,"
        "   last_used = :last_used, last_region = :last_region"
        " WHERE kind = :kind AND account = :account AND name = :old";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    bind_entity(&q, e);
    stmt_bind_str(&q, ":old", old_name);
    return run_announced(s, &q, e->arn);
}

int iam_entity_delete(struct store *s, const struct iam_entity *e)
{
    static const char sql[] =
        "DELETE FROM iam_entity WHERE kind = :kind AND account = :account AND name = :name";
    static const char tags[] = "DELETE FROM iam_tag WHERE arn = :arn";
    CLEANUP(stmt_done) struct stmt q = {0}, t = {0};
    int r = stmt_open(s, &t, tags);

    if (r == 0)
        r = stmt_open(s, &q, sql);
    if (r < 0)
        return r;
    stmt_bind_str(&t, ":arn", e->arn);
    r = stmt_run(&t);
    if (r < 0)
        return r;
    stmt_bind_int(&q, ":kind", e->kind);
    stmt_bind_str(&q, ":account", e->account);
    stmt_bind_str(&q, ":name", e->name);
    return run_announced(s, &q, e->arn);
}

static int change_member(struct store *s, const char *sql, struct str account, struct str group,
                         struct str user)
{
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":account", account);
    stmt_bind_str(&q, ":group", group);
    stmt_bind_str(&q, ":user", user);
    return run_announced(s, &q, group);
}

int iam_group_add(struct store *s, struct str account, struct str group, struct str user)
{
    static const char sql[] = "INSERT OR IGNORE INTO iam_member (account, group_name, user_name)"
                              " VALUES (:account, :group, :user)";

    return change_member(s, sql, account, group, user);
}

int iam_group_remove(struct store *s, struct str account, struct str group, struct str user)
{
    static const char sql[] = "DELETE FROM iam_member WHERE account = :account"
                              " AND group_name = :group AND user_name = :user";

    return change_member(s, sql, account, group, user);
}

int iam_group_list(struct store *s, struct arena *a, enum iam_kind kind, struct str account,
                   struct str name, struct iam_entity **ret_first)
{
    static const char groups[] =
        "SELECT " ENTITY_COLUMNS " FROM iam_entity AS e"
        "  JOIN iam_member AS m ON m.account = e.account AND m.group_name = e.name"
        " WHERE e.kind = 2 AND e.account = :account AND m.user_name = :name ORDER BY e.name";
    static const char users[] =
        "SELECT " ENTITY_COLUMNS " FROM iam_entity AS e"
        "  JOIN iam_member AS m ON m.account = e.account AND m.user_name = e.name"
        " WHERE e.kind = 0 AND e.account = :account AND m.group_name = :name ORDER BY e.name";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, kind == IAM_USER ? groups : users);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":account", account);
    stmt_bind_str(&q, ":name", name);
    return read_entities(&q, a, ret_first);
}
