/* Target health in a temporary table. The table is made when it is first asked for, since a
 * temporary one belongs to a connection and no migration can make it.
 * Source: Elastic Load Balancing API Reference 2015-12-01, TargetHealth. */
#include "store/target_health.h"

static int need_table(struct store *s)
{
    static const char sql[] = "CREATE TEMP TABLE IF NOT EXISTS target_health ("
                              "  group_arn TEXT NOT NULL,"
                              "  target_id TEXT NOT NULL,"
                              "  port INTEGER NOT NULL,"
                              "  state TEXT NOT NULL,"
                              "  reason TEXT NOT NULL,"
                              "  description TEXT NOT NULL,"
                              "  PRIMARY KEY (group_arn, target_id, port)) WITHOUT ROWID";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = stmt_open(s, &q, sql);

    return r < 0 ? r : stmt_run(&q);
}

static void bind_key(struct stmt *q, struct str group_arn, struct str target_id, int64_t port)
{
    stmt_bind_str(q, ":group", group_arn);
    stmt_bind_str(q, ":target", target_id);
    stmt_bind_int(q, ":port", port);
}

int target_health_get(struct store *s, struct arena *a, struct str group_arn, struct str target_id,
                      int64_t port, struct target_health *ret_health)
{
    static const char sql[] = "SELECT state, reason, description FROM temp.target_health"
                              " WHERE group_arn = :group AND target_id = :target AND port = :port";
    CLEANUP(stmt_done) struct stmt q = {0};
    struct target_health found = {
        .group_arn = arena_str(a, group_arn),
        .target_id = arena_str(a, target_id),
        .port = port,
        .state = S("initial"),
        .reason = S("Elb.RegistrationInProgress"),
        .description = S("Target registration is in progress"),
    };
    int r = need_table(s);

    if (r == 0)
        r = stmt_open(s, &q, sql);
    if (r < 0)
        return r;
    bind_key(&q, group_arn, target_id, port);
    r = stmt_step(&q);
    if (r < 0)
        return r;
    if (r == STMT_ROW) {
        found.state = stmt_str(&q, "state", a);
        found.reason = stmt_str(&q, "reason", a);
        found.description = stmt_str(&q, "description", a);
    }
    *ret_health = found;
    return 0;
}

int target_health_put(struct store *s, const struct target_health *health, bool *ret_changed)
{
    static const char sql[] =
        "INSERT INTO temp.target_health (group_arn, target_id, port, state, reason, description)"
        " VALUES (:group, :target, :port, :state, :reason, :description)"
        " ON CONFLICT DO UPDATE SET state = excluded.state, reason = excluded.reason,"
        "   description = excluded.description"
        " WHERE state != excluded.state OR reason != excluded.reason"
        "   OR description != excluded.description";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = need_table(s);

    if (r == 0)
        r = stmt_open(s, &q, sql);
    if (r < 0)
        return r;
    bind_key(&q, health->group_arn, health->target_id, health->port);
    stmt_bind_str(&q, ":state", health->state);
    stmt_bind_str(&q, ":reason", health->reason);
    stmt_bind_str(&q, ":description", health->description);
    r = stmt_run(&q);
    if (r == 0)
        *ret_changed = store_changed_rows(s) > 0;
    return r;
}

int target_health_forget(struct store *s, struct str group_arn, struct str target_id, int64_t port)
{
    static const char sql[] = "DELETE FROM temp.target_health WHERE group_arn = :group"
                              "   AND (:target = '' OR (target_id = :target AND port = :port))";
    CLEANUP(stmt_done) struct stmt q = {0};
    int r = need_table(s);

    if (r == 0)
        r = stmt_open(s, &q, sql);
    if (r < 0)
        return r;
    bind_key(&q, group_arn, target_id, port);
    return stmt_run(&q);
}
