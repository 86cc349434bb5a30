/* A Deployment's status. */
#include "loops/deployment_status.h"

#include "base/clock.h"
#include "base/macros.h"
#include "loops/controller.h"

enum {
    MS = 1000,
    NO_DEADLINE = 2147483647, /* what very old API versions default to */
};

struct counts {
    int64_t spec, replicas, updated, ready, available;
};

static void add(struct counts *n, const cJSON *set)
{
    n->spec += json_int(set, "spec.replicas", 0);
    n->replicas += json_int(set, "status.replicas", 0);
    n->ready += json_int(set, "status.readyReplicas", 0);
    n->available += json_int(set, "status.availableReplicas", 0);
}

static struct counts count(const struct deployment_sets *sets)
{
    struct counts n = {0};

    if (sets->fresh != NULL) {
        add(&n, sets->fresh);
        n.updated = n.replicas;
    }
    for (size_t i = 0; i < sets->old_n; i++)
        add(&n, sets->old[i]);
    return n;
}

/* Zero counts are left out, as Go leaves them out. */
static void put_count(cJSON *status, const char *name, int64_t n)
{
    if (n > 0)
        json_put_int(status, str_c(name), n);
    else
        json_remove(status, str_c(name));
}

static void put_counts(cJSON *status, const struct counts *n)
{
    put_count(status, "replicas", n->replicas);
    put_count(status, "updatedReplicas", n->updated);
    put_count(status, "readyReplicas", n->ready);
    put_count(status, "availableReplicas", n->available);
    put_count(status, "unavailableReplicas", n->spec - n->available);
}

static bool is_complete(const cJSON *doc, const struct counts *n)
{
    int64_t want = json_int(doc, "spec.replicas", 1);

    return n->updated == want && n->replicas == want && n->available == want;
}

/* Since the last status something got better. */
static bool is_progressing(const cJSON *before, const struct counts *n)
{
    int64_t updated = json_int(before, "updatedReplicas", 0);
    int64_t old = json_int(before, "replicas", 0) - updated;

    return n->updated > updated || n->replicas - n->updated < old ||
           n->ready > json_int(before, "readyReplicas", 0) ||
           n->available > json_int(before, "availableReplicas", 0);
}

static struct str subject(struct arena *a, const cJSON *doc, const struct deployment_sets *sets)
{
    if (sets->fresh != NULL)
        return arena_printf(a, "ReplicaSet \"%.*s\"",
                            STR_ARG(json_str(sets->fresh, "metadata.name")));
    return arena_printf(a, "Deployment \"%.*s\"", STR_ARG(json_str(doc, "metadata.name")));
}

struct progress {
    struct arena *arena;
    cJSON *doc, *status;
    const cJSON *before;
    const struct deployment_sets *sets;
    const struct counts *counts;
    int64_t now, deadline_ms;
};

static void say(const struct progress *p, const char *status, const char *reason, const char *text)
{
    struct str message =
        arena_printf(p->arena, "%.*s %s", STR_ARG(subject(p->arena, p->doc, p->sets)), text);
    struct condition c = {"Progressing", status, str_c(reason), message};
    cJSON *at = (cJSON *)(uintptr_t)find_condition(p->status, "Progressing");

    /* progress renews the time that the deadline counts from */
    if (at != NULL && str_is(c.reason, "ReplicaSetUpdated"))
        json_put_str(at, S("lastUpdateTime"), clock_rfc3339(p->arena, p->now));
    (void)set_condition(p->status, &c, clock_rfc3339(p->arena, p->now), true);
}

static bool waits_for_news(const cJSON *condition)
{
    struct str reason = json_str(condition, "reason");

    return !str_is(reason, "DeploymentPaused");
}

/* The Progressing condition; returns when to look again. */
static int64_t put_progress(const struct progress *p)
{
    const cJSON *at = find_condition(p->status, "Progressing");
    int64_t left;

    if (p->counts->replicas == p->counts->updated &&
        str_is(json_str(at, "reason"), "NewReplicaSetAvailable"))
        return 0; /* done before, until the next template */
    if (is_complete(p->doc, p->counts)) {
        say(p, "True", "NewReplicaSetAvailable", "has successfully progressed.");
        return 0;
    }
    if (is_progressing(p->before, p->counts)) {
        say(p, "True", "ReplicaSetUpdated", "is progressing.");
        return p->deadline_ms;
    }
    if (at == NULL || !waits_for_news(at))
        return 0;
    if (str_is(json_str(at, "reason"), "ProgressDeadlineExceeded"))
        return 0;
    left = json_time(at, "lastUpdateTime") + p->deadline_ms - p->now;
    if (left > 0)
        return left;
    say(p, "False", "ProgressDeadlineExceeded", "has timed out progressing.");
    return 0;
}

static void put_available(struct arena *a, cJSON *status, bool enough, int64_t now)
{
    struct condition c = {
        "Available",
        enough ? "True" : "False",
        enough ? S("MinimumReplicasAvailable") : S("MinimumReplicasUnavailable"),
        enough ? S("Deployment has minimum availability.")
               : S("Deployment does not have minimum availability."),
    };

    (void)set_condition(status, &c, clock_rfc3339(a, now), true);
}

static const cJSON *failure_of(const struct deployment_sets *sets)
{
    const cJSON *found = find_condition(json_get(sets->fresh, "status"), "ReplicaFailure");

    for (size_t i = 0; found == NULL && i < sets->old_n; i++)
        found = find_condition(json_get(sets->old[i], "status"), "ReplicaFailure");
    return found;
}

static void put_failure(struct arena *a, cJSON *status, const struct deployment_sets *sets,
                        int64_t now)
{
    const cJSON *failure = failure_of(sets);
    cJSON *at = (cJSON *)(uintptr_t)find_condition(status, "ReplicaFailure");
    struct condition c = {"ReplicaFailure", "True", json_str(failure, "reason"),
                          json_str(failure, "message")};

    if (failure != NULL)
        (void)set_condition(status, &c, clock_rfc3339(a, now), true);
    else if (at != NULL)
        cJSON_Delete(cJSON_DetachItemViaPointer(json_get(status, "conditions"), at));
}

static void put_paused(struct arena *a, const cJSON *doc, cJSON *status, int64_t now)
{
    const cJSON *at = find_condition(status, "Progressing");
    bool paused = json_bool(doc, "spec.paused", false);
    bool was = str_is(json_str(at, "reason"), "DeploymentPaused");
    struct condition c = {"Progressing", "Unknown", S("DeploymentPaused"),
                          S("Deployment is paused")};

    if (paused == was || json_get(doc, "spec.progressDeadlineSeconds") == NULL ||
        (paused && str_is(json_str(at, "reason"), "ProgressDeadlineExceeded")))
        return;
    if (!paused) {
        c.reason = S("DeploymentResumed");
        c.message = S("Deployment is resumed");
    }
    (void)set_condition(status, &c, clock_rfc3339(a, now), true);
}

int64_t deployment_status_plan(struct arena *a, cJSON *doc, const struct deployment_sets *sets,
                               int64_t max_unavailable, int64_t now)
{
    CLEANUP(json_freep) cJSON *before = cJSON_Duplicate(json_get(doc, "status"), true);
    cJSON *status = json_need_object(doc, "status");
    int64_t seconds = json_int(doc, "spec.progressDeadlineSeconds", NO_DEADLINE);
    int64_t want = json_int(doc, "spec.replicas", 1);
    struct counts n = count(sets);
    struct progress p = {a, doc, status, before, sets, &n, now, seconds * MS};

    json_put_int(status, S("observedGeneration"), json_int(doc, "metadata.generation", 1));
    put_counts(status, &n);
    put_available(a, status, n.available >= want - max_unavailable, now);
    put_failure(a, status, sets, now);
    put_paused(a, doc, status, now);
    if (seconds >= NO_DEADLINE || json_bool(doc, "spec.paused", false))
        return 0;
    return put_progress(&p);
}
