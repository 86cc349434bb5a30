/* CronJobs: a Job for each time that has come, the old ones tidied up.
 * DIFFERS: spec.timeZone is kept, and times are UTC.
 * Source: kubernetes-api.md §6.3; pkg/controller/cronjob. */
#include "loops/loop_kinds.h"

#include <stdlib.h>
#include <time.h>

#include "base/macros.h"
#include "loops/cronjob_plan.h"

enum {
    MS = 1000,
    MINUTE_MS = 60 * 1000,
    MOST_MISSED = 100,
    DEFAULT_SUCCEEDED_KEPT = 3,
    DEFAULT_FAILED_KEPT = 1,
    SAYS_CONDITION = 31,
};

#define JOBS "batch/jobs"

struct cron_view {
    struct controller *controller;
    struct arena *arena;
    struct object_key key;
    struct object *object;
    const cJSON *doc;
    struct object **jobs; /* its own */
    size_t jobs_n;
    cJSON *status; /* a copy, to be written where it changed; owned by reconcile */
};

static const char *end_of(const cJSON *job)
{
    static const char *const types[] = {"Complete", "Failed"};

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        const cJSON *c = find_condition(json_get(job, "status"), types[i]);

        if (c != NULL && str_is(json_str(c, "status"), "True"))
            return types[i];
    }
    return NULL;
}

static void find_jobs(struct cron_view *v)
{
    struct object_list all =
        object_list(v->controller->world->objects, v->arena, v->key.cluster, S(JOBS), v->key.ns);

    v->jobs = arena_array(v->arena, all.n, sizeof(struct object *));
    for (size_t i = 0; i < all.n; i++)
        if (is_controlled_by(object_doc(all.at[i]), v->object->uid))
            v->jobs[v->jobs_n++] = all.at[i];
}

static void say(const struct cron_view *v, bool warning, const char *reason, struct str message)
{
    if (warning)
        event_warning(v->controller, v->key.cluster, v->doc, reason, message);
    else
        event_normal(v->controller, v->key.cluster, v->doc, reason, message);
}

/* --- the list of active Jobs ------------------------------------------------------------------ */

static cJSON *active_ref(const cJSON *active, struct str uid)
{
    JSON_EACH(ref, active)
        if (str_eq(json_str(ref, "uid"), uid))
            return ref;
    return NULL;
}

static void add_active(struct cron_view *v, const cJSON *job)
{
    static const char *const copied[] = {"namespace", "name", "uid", "resourceVersion"};
    cJSON *ref = cJSON_CreateObject();

    json_put_str(ref, S("kind"), S("Job"));
    for (size_t i = 0; i < ARRAY_LEN(copied); i++)
        json_put_str(ref, str_c(copied[i]), json_str(json_get(job, "metadata"), copied[i]));
    json_put_str(ref, S("apiVersion"), S("batch/v1"));
    cJSON_AddItemToArray(json_need_array(v->status, "active"), ref);
}

static void note_end(struct cron_view *v, struct object *job, const char *how)
{
    const struct loop_cluster *cluster = world_cluster(v->controller->world, v->key.cluster);
    struct str done = json_str(object_doc(job), "status.completionTime");

    say(v, false, "SawCompletedJob",
        arena_printf(v->arena, "Saw completed job: %.*s, %s: %s", STR_ARG(job->key.name),
                     cluster->minor >= SAYS_CONDITION ? "condition" : "status", how));
    if (str_is(str_c(how), "Complete") && done.n > 0 &&
        json_time(v->status, "lastSuccessfulTime") <
            json_time(object_doc(job), "status.completionTime"))
        json_put_str(v->status, S("lastSuccessfulTime"), done);
}

/* Jobs that have ended, or are gone, leave the list; those that run and are missing join it. */
static void tend_active(struct cron_view *v)
{
    cJSON *active = json_need_array(v->status, "active");

    for (size_t i = 0; i < v->jobs_n; i++) {
        const cJSON *job = object_doc(v->jobs[i]);
        cJSON *ref = active_ref(active, v->jobs[i]->uid);
        const char *how = end_of(job);

        if (ref != NULL && how != NULL) {
            cJSON_Delete(cJSON_DetachItemViaPointer(active, ref));
            note_end(v, v->jobs[i], how);
        } else if (ref == NULL && how == NULL && !is_deleting(job)) {
            add_active(v, job);
        }
    }
    for (cJSON *ref = active->child, *next; ref != NULL; ref = next) {
        bool there = false;

        next = ref->next;
        for (size_t i = 0; i < v->jobs_n; i++)
            there |= str_eq(v->jobs[i]->uid, json_str(ref, "uid"));
        if (!there) {
            say(v, false, "MissingJob",
                arena_printf(v->arena, "Active job went missing: %.*s",
                             STR_ARG(json_str(ref, "name"))));
            cJSON_Delete(cJSON_DetachItemViaPointer(active, ref));
        }
    }
}

/* --- history ---------------------------------------------------------------------------------- */

static int by_start(const void *left, const void *right)
{
    struct object *const *a = left, *const *b = right;
    int64_t x = json_time(object_doc(*a), "status.startTime");
    int64_t y = json_time(object_doc(*b), "status.startTime");

    return x < y ? -1 : x > y ? 1 : str_cmp((*a)->key.name, (*b)->key.name);
}

static void delete_job(struct cron_view *v, struct object *job)
{
    struct str name = arena_str(v->arena, job->key.name);
    struct object_key key = job->key;

    if (written_ok(loop_delete(v->controller, v->arena, &key, job->uid, "Background")))
        say(v, false, "SuccessfulDelete",
            arena_printf(v->arena, "Deleted job %.*s", STR_ARG(name)));
}

static void drop_history(struct cron_view *v, const char *how, int64_t kept)
{
    int64_t n = 0;

    for (size_t i = 0; i < v->jobs_n; i++) {
        const char *end = end_of(object_doc(v->jobs[i]));

        n += end != NULL && str_is(str_c(end), how);
    }
    for (size_t i = 0; i < v->jobs_n && n > kept; i++) {
        const char *end = end_of(object_doc(v->jobs[i]));

        if (end == NULL || !str_is(str_c(end), how))
            continue;
        delete_job(v, v->jobs[i]);
        n--;
    }
}

/* --- starting --------------------------------------------------------------------------------- */

static cJSON *new_job(const struct cron_view *v, struct str name, int64_t due)
{
    const cJSON *template = json_get(v->doc, "spec.jobTemplate");
    cJSON *job = new_object("batch/v1", "Job", v->key.ns, name),
          *metadata = json_get(job, "metadata");
    static const char *const copied[] = {"labels", "annotations"};

    for (size_t i = 0; i < ARRAY_LEN(copied); i++) {
        const cJSON *value = json_get(json_get(template, "metadata"), copied[i]);

        if (value != NULL)
            json_put(metadata, str_c(copied[i]), cJSON_Duplicate(value, true));
    }
    json_put_str(json_need_object(metadata, "annotations"),
                 S("batch.kubernetes.io/cronjob-scheduled-timestamp"),
                 clock_rfc3339(v->arena, due));
    cJSON_AddItemToArray(json_need_array(metadata, "ownerReferences"), new_controller_ref(v->doc));
    json_put(job, S("spec"), cJSON_Duplicate(json_get(template, "spec"), true));
    return job;
}

static void start_job(struct cron_view *v, int64_t due)
{
    struct str name =
        arena_printf(v->arena, "%.*s-%lld", STR_ARG(v->key.name), (long long)(due / MINUTE_MS));
    struct object_key key = key_of(v->key.cluster, JOBS, v->key.ns, name);
    CLEANUP(json_freep) cJSON *job = new_job(v, name, due);
    struct written w = loop_create(v->controller, v->arena, &key, job);
    struct object *made = object_get(v->controller->world->objects, key);

    if (!written_ok(w) && !str_is(w.reason, "AlreadyExists")) {
        say(v, true, "FailedCreate",
            arena_printf(v->arena, "Error creating job: %.*s", STR_ARG(w.message)));
        queue_retry(&v->controller->queue, &v->key);
        return;
    }
    if (written_ok(w))
        say(v, false, "SuccessfulCreate",
            arena_printf(v->arena, "Created job %.*s", STR_ARG(name)));
    if (made != NULL && active_ref(json_get(v->status, "active"), made->uid) == NULL)
        add_active(v, object_doc(made));
    json_put_str(v->status, S("lastScheduleTime"), clock_rfc3339(v->arena, due));
}

static struct str go_time(struct arena *a, int64_t ms)
{
    char text[64] = "";
    time_t at = (time_t)(ms / MS);
    struct tm t;

    (void)gmtime_r(&at, &t);
    (void)strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", &t);
    return arena_str(a, str_c(text));
}

/* Whether the time that is due may start a Job now. */
static bool may_start(struct cron_view *v, const struct cronjob_plan *plan)
{
    struct str policy = json_str(v->doc, "spec.concurrencyPolicy");
    const cJSON *active = json_get(v->status, "active");

    if (plan->too_late) {
        say(v, true, "MissSchedule",
            arena_printf(v->arena, "Missed scheduled time to start a job: %.*s",
                         STR_ARG(go_time(v->arena, plan->due))));
        return false;
    }
    if (active == NULL || active->child == NULL)
        return true;
    if (str_is(policy, "Forbid")) {
        say(v, false, "JobAlreadyActive",
            S("Not starting job because prior execution is running and concurrency policy is "
              "Forbid"));
        return false;
    }
    if (str_is(policy, "Replace")) {
        for (size_t i = 0; i < v->jobs_n; i++)
            if (active_ref(active, v->jobs[i]->uid) != NULL)
                delete_job(v, v->jobs[i]);
        json_put(v->status, S("active"), cJSON_CreateArray());
    }
    return true;
}

static void follow_schedule(struct cron_view *v)
{
    int64_t now = clock_now(v->controller->world->clock);
    int64_t last = json_time(v->status, "lastScheduleTime");
    struct cronjob_view view = {
        .since = last > 0 ? last : json_time(v->doc, "metadata.creationTimestamp"),
        .now = now,
        .deadline_ms = json_get(v->doc, "spec.startingDeadlineSeconds") == NULL
                           ? -1
                           : json_int(v->doc, "spec.startingDeadlineSeconds", 0) * MS,
    };
    struct str text = json_str(v->doc, "spec.schedule"), why;
    struct cronjob_plan plan;

    if (!cron_parse(v->arena, text, &view.schedule, &why)) {
        say(v, true, "UnparseableSchedule",
            arena_printf(v->arena, "unparseable schedule: \"%.*s\" : %.*s", STR_ARG(text),
                         STR_ARG(why)));
        return;
    }
    plan = cronjob_plan(&view);
    if (plan.missed > MOST_MISSED)
        say(v, true, "TooManyMissedTimes",
            S("too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check "
              "clock skew"));
    if (plan.due > 0 && may_start(v, &plan))
        start_job(v, plan.due);
    if (plan.next > now)
        queue_add_after(&v->controller->queue, &v->key, plan.next - now);
}

static void write_status(struct cron_view *v)
{
    cJSON *active = json_get(v->status, "active");

    if (active != NULL && active->child == NULL)
        json_remove(v->status, S("active"));
    if (json_equal(v->status, json_get(v->doc, "status")) ||
        (json_get(v->doc, "status") == NULL && v->status->child == NULL))
        return;
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(v->object);
    json_put(doc, S("status"), cJSON_Duplicate(v->status, true));
    (void)loop_update(v->controller, v->arena, &v->key, "status", doc);
}

static void reconcile(struct controller *c, struct arena *a, const struct object_key *key)
{
    struct cron_view v = {.controller = c, .arena = a, .key = *key};

    v.object = object_get(c->world->objects, *key);
    if (v.object == NULL)
        return;
    v.doc = object_doc(v.object);
    CLEANUP(json_freep)
    cJSON *status = json_get(v.doc, "status") == NULL
                        ? cJSON_CreateObject()
                        : cJSON_Duplicate(json_get(v.doc, "status"), true);
    v.status = status;
    find_jobs(&v);
    if (v.jobs_n > 1)
        qsort(v.jobs, v.jobs_n, sizeof(struct object *), by_start);
    tend_active(&v);
    drop_history(&v, "Complete",
                 json_int(v.doc, "spec.successfulJobsHistoryLimit", DEFAULT_SUCCEEDED_KEPT));
    drop_history(&v, "Failed", json_int(v.doc, "spec.failedJobsHistoryLimit", DEFAULT_FAILED_KEPT));
    if (!is_deleting(v.doc) && !json_bool(v.doc, "spec.suspend", false))
        follow_schedule(&v);
    write_status(&v);
}

static void heard_job(struct controller *c, const struct object_change *change)
{
    heard_controlled(c, change, "CronJob");
}

static const struct controller_watch watches[] = {
    {"batch/cronjobs", heard_self},
    {JOBS,             heard_job },
};

const struct controller_kind cronjob_loop = {
    .name = "cronjob-controller",
    .user = "system:serviceaccount:kube-system:cronjob-controller",
    .resource = "batch/cronjobs",
    .watches = watches,
    .watches_n = ARRAY_LEN(watches),
    .sync = reconcile,
};
