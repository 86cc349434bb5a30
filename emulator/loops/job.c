/* Jobs: pods until enough of them have succeeded, or too many have failed.
 *
 * What has succeeded and failed is counted from the pods that are there, and never less than the
 * status says, so that pods may be removed meanwhile.
 * Source: kubernetes-api.md §6.3; pkg/controller/job, ttlafterfinished. */
#include "loops/loop_kinds.h"

#include "base/macros.h"
#include "loops/claim.h"
#include "loops/job_plan.h"
#include "loops/pods.h"

enum {
    MS = 1000,
    MOST_AT_ONCE = 500,
    MOST_INDEXES = 100000,
    DEFAULT_BACKOFF_LIMIT = 6,
    SAYS_REASON_OF_SUCCESS = 31, /* CompletionsReached */
};

#define INDEX_ANNOTATION "batch.kubernetes.io/job-completion-index"

struct job_state {
    struct controller *controller;
    struct arena *arena;
    struct object_key key;
    struct object *object;
    const cJSON *doc;
    struct claimed pods;
    struct job_view view;
    bool indexed;
    int64_t ready;
    bool *succeeded_index, *taken_index; /* of indexed Jobs */
};

static const cJSON *finished(const cJSON *doc)
{
    static const char *const types[] = {"Complete", "Failed"};

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        const cJSON *c = find_condition(json_get(doc, "status"), types[i]);

        if (c != NULL && str_is(json_str(c, "status"), "True"))
            return c;
    }
    return NULL;
}

/* --- looking ---------------------------------------------------------------------------------- */

static int64_t index_of(const cJSON *pod)
{
    int64_t n = -1;

    (void)str_to_int(
        json_text(json_member(json_get(pod, "metadata.annotations"), S(INDEX_ANNOTATION))), &n);
    return n;
}

static int64_t finished_at(const cJSON *pod)
{
    int64_t last = 0;

    JSON_EACH(status, json_get(pod, "status.containerStatuses")) {
        int64_t t = json_time(status, "state.terminated.finishedAt");

        last = t > last ? t : last;
    }
    return last > 0 ? last : json_time(pod, "metadata.creationTimestamp");
}

/* "0-2,5" of a status, into @at. */
static void read_indexes(struct str text, bool *at, size_t n)
{
    struct str part;

    while (str_next(&text, ',', &part)) {
        struct str low = part, high = part;
        int64_t a, b;

        (void)str_cut(part, '-', &low, &high);
        if (!str_to_int(low, &a) || !str_to_int(high, &b))
            continue;
        for (int64_t i = a < 0 ? 0 : a; i <= b && i < (int64_t)n; i++)
            at[i] = true;
    }
}

static void count_pod(struct job_state *j, const cJSON *pod, int64_t *last_success)
{
    struct str phase = json_str(pod, "status.phase");
    struct job_view *v = &j->view;
    int64_t index = j->indexed ? index_of(pod) : -1;
    bool counts = index >= 0 && index < v->completions;

    if (str_is(phase, "Succeeded")) {
        int64_t at = finished_at(pod);

        if (j->indexed && counts) {
            j->succeeded_index[index] = j->taken_index[index] = true;
        } else if (!j->indexed) {
            v->succeeded++;
        }
        *last_success = at > *last_success ? at : *last_success;
    } else if (str_is(phase, "Failed")) {
        int64_t at = finished_at(pod);

        v->failed++;
        v->last_failure = at > v->last_failure ? at : v->last_failure;
    } else if (!is_deleting(pod)) {
        v->active++;
        v->restarts += pod_restarts(pod);
        j->ready += pod_is_ready(pod);
        if (counts)
            j->taken_index[index] = true;
    }
}

static int64_t at_least(int64_t n, const cJSON *doc, const char *path)
{
    int64_t said = json_int(doc, path, 0);

    return n > said ? n : said;
}

static void fill_view(struct job_state *j)
{
    const cJSON *doc = j->doc;
    struct job_view *v = &j->view;
    int64_t last_success = 0;
    size_t indexes;

    *v = (struct job_view){
        .parallelism = json_int(doc, "spec.parallelism", 1),
        .completions = json_int(doc, "spec.completions", -1),
        .backoff_limit = json_int(doc, "spec.backoffLimit", DEFAULT_BACKOFF_LIMIT),
        .deadline_ms = json_get(doc, "spec.activeDeadlineSeconds") == NULL
                           ? -1
                           : json_int(doc, "spec.activeDeadlineSeconds", 0) * MS,
        .suspended = json_bool(doc, "spec.suspend", false),
        .never = str_is(json_str(doc, "spec.template.spec.restartPolicy"), "Never"),
        .started = json_time(doc, "status.startTime"),
        .now = clock_now(j->controller->world->clock),
    };
    j->indexed = str_is(json_str(doc, "spec.completionMode"), "Indexed") && v->completions >= 0 &&
                 v->completions <= MOST_INDEXES;
    indexes = j->indexed ? (size_t)v->completions : 0;
    j->succeeded_index = arena_array(j->arena, indexes, sizeof(bool));
    j->taken_index = arena_array(j->arena, indexes, sizeof(bool));
    read_indexes(json_str(doc, "status.completedIndexes"), j->succeeded_index, indexes);
    j->ready = 0;
    j->pods = claim_pods(j->controller, j->arena, j->object, selects_by_selector);
    for (size_t i = 0; i < j->pods.n; i++)
        count_pod(j, object_doc(j->pods.at[i]), &last_success);
    for (size_t i = 0; i < indexes; i++) {
        v->succeeded += j->succeeded_index[i];
        j->taken_index[i] |= j->succeeded_index[i];
    }
    v->succeeded = at_least(v->succeeded, doc, "status.succeeded");
    v->failed = at_least(v->failed, doc, "status.failed");
    if (v->last_failure > last_success)
        for (size_t i = 0; i < j->pods.n; i++) {
            const cJSON *pod = object_doc(j->pods.at[i]);

            v->failures_in_row +=
                str_is(json_str(pod, "status.phase"), "Failed") && finished_at(pod) > last_success;
        }
}

static bool look(struct job_state *j)
{
    j->object = object_get(j->controller->world->objects, j->key);
    if (j->object == NULL)
        return false;
    j->doc = object_doc(j->object);
    fill_view(j);
    return true;
}

/* --- pods ------------------------------------------------------------------------------------- */

static void put_index(const struct job_state *j, cJSON *pod, int64_t index)
{
    struct str text = arena_printf(j->arena, "%lld", (long long)index);
    cJSON *metadata = json_get(pod, "metadata");

    json_put_str(json_need_object(metadata, "annotations"), S(INDEX_ANNOTATION), text);
    json_put_str(json_need_object(metadata, "labels"), S(INDEX_ANNOTATION), text);
    json_put_str(metadata, S("generateName"),
                 arena_printf(j->arena, "%.*s-%.*s-", STR_ARG(j->key.name), STR_ARG(text)));
    JSON_EACH(container, json_get(pod, "spec.containers")) {
        cJSON *env = cJSON_CreateObject();

        json_put_str(env, S("name"), S("JOB_COMPLETION_INDEX"));
        json_put_str(json_need_object(env, "valueFrom.fieldRef"), S("fieldPath"),
                     S("metadata.annotations['" INDEX_ANNOTATION "']"));
        cJSON_AddItemToArray(json_need_array(container, "env"), env);
    }
    json_put_str(json_get(pod, "spec"), S("hostname"),
                 arena_printf(j->arena, "%.*s-%.*s", STR_ARG(j->key.name), STR_ARG(text)));
}

static void make_pods(struct job_state *j, int64_t n)
{
    int64_t indexes[MOST_AT_ONCE];
    size_t most = n > MOST_AT_ONCE ? MOST_AT_ONCE : (size_t)n;

    if (j->indexed)
        most = job_missing_indexes(j->taken_index, (size_t)j->view.completions, most, indexes);
    for (size_t i = 0; i < most; i++) {
        CLEANUP(json_freep)
        cJSON *pod = pod_from_template(j->doc, json_get(j->doc, "spec.template"), j->key.ns);

        if (j->indexed)
            put_index(j, pod, indexes[i]);
        if (!written_ok(pod_create(j->controller, j->arena, j->key.cluster, j->doc, pod))) {
            queue_retry(&j->controller->queue, &j->key);
            return;
        }
    }
    queue_forget(&j->controller->queue, &j->key);
}

/* Pods that are not ready go first, then the younger ones. */
static void drop_pods(struct job_state *j, int64_t n)
{
    for (int ready = 0; ready <= 1; ready++)
        for (size_t i = j->pods.n; i-- > 0 && n > 0;) {
            const cJSON *pod = object_doc(j->pods.at[i]);

            if (!pod_is_active(pod) || pod_is_ready(pod) != (ready == 1))
                continue;
            (void)pod_delete(j->controller, j->arena, j->doc, j->pods.at[i]);
            n--;
        }
}

/* --- status ----------------------------------------------------------------------------------- */

static struct str write_indexes(struct arena *a, const bool *at, size_t n)
{
    struct str out = S("");

    for (size_t i = 0; i < n; i++) {
        size_t last = i;

        if (!at[i])
            continue;
        while (last + 1 < n && at[last + 1])
            last++;
        out = last == i
                  ? arena_printf(a, "%.*s%s%zu", STR_ARG(out), out.n > 0 ? "," : "", i)
                  : arena_printf(a, "%.*s%s%zu-%zu", STR_ARG(out), out.n > 0 ? "," : "", i, last);
        i = last;
    }
    return out;
}

static void put_unless_zero(cJSON *status, const char *name, int64_t n)
{
    if (n > 0)
        json_put_int(status, str_c(name), n);
    else
        json_remove(status, str_c(name));
}

static void put_finished(struct job_state *j, cJSON *status, const struct condition *end)
{
    cJSON *c = cJSON_CreateObject();
    struct str now = now_text(j->controller->world, j->arena);

    json_put_str(c, S("type"), str_c(end->type));
    json_put_str(c, S("status"), S("True"));
    json_put_str(c, S("lastProbeTime"), now);
    json_put_str(c, S("lastTransitionTime"), now);
    if (end->reason.n > 0)
        json_put_str(c, S("reason"), end->reason);
    if (end->message.n > 0)
        json_put_str(c, S("message"), end->message);
    cJSON_AddItemToArray(json_need_array(status, "conditions"), c);
    if (str_is(str_c(end->type), "Complete"))
        json_put_str(status, S("completionTime"), now);
}

static void put_suspended(struct job_state *j, cJSON *status)
{
    const struct loop_world *w = j->controller->world;
    const cJSON *old = find_condition(status, "Suspended");
    struct condition want = {"Suspended", j->view.suspended ? "True" : "False",
                             j->view.suspended ? S("JobSuspended") : S("JobResumed"),
                             j->view.suspended ? S("Job suspended") : S("Job resumed")};
    struct str now = now_text(w, j->arena);

    if (old == NULL && !j->view.suspended)
        return;
    if (!set_condition(status, &want, now, false))
        return;
    event_normal(j->controller, j->key.cluster, j->doc, j->view.suspended ? "Suspended" : "Resumed",
                 want.message);
    if (j->view.suspended)
        json_remove(status, S("startTime"));
    else
        json_put_str(status, S("startTime"), now);
}

static void write_status(struct job_state *j, const struct condition *end)
{
    CLEANUP(json_freep) cJSON *doc = object_copy_doc(j->object);
    cJSON *status = json_need_object(doc, "status");
    const struct job_view *v = &j->view;

    if (json_str(status, "startTime").n == 0 && !v->suspended)
        json_put_str(status, S("startTime"), now_text(j->controller->world, j->arena));
    put_suspended(j, status);
    put_unless_zero(status, "active", end != NULL ? 0 : v->active);
    put_unless_zero(status, "succeeded", v->succeeded);
    put_unless_zero(status, "failed", v->failed);
    json_put_int(status, S("ready"), end != NULL ? 0 : j->ready);
    if (j->indexed)
        json_put_str(status, S("completedIndexes"),
                     write_indexes(j->arena, j->succeeded_index, (size_t)v->completions));
    if (end != NULL)
        put_finished(j, status, end);
    if (!json_equal(doc, object_doc(j->object)))
        (void)loop_update(j->controller, j->arena, &j->key, "status", doc);
}

/* --- the end ---------------------------------------------------------------------------------- */

static const struct {
    const char *type, *reason, *event, *message;
} ends[] = {
    [JOB_COMPLETE] = {"Complete", "CompletionsReached",   "Completed",            "Job completed"},
    [JOB_BACKOFF_EXCEEDED] = {"Failed",   "BackoffLimitExceeded", "BackoffLimitExceeded",
                      "Job has reached the specified backoff limit"                              },
    [JOB_DEADLINE_EXCEEDED] = {"Failed",   "DeadlineExceeded",     "DeadlineExceeded",
                      "Job was active longer than specified deadline"                            },
};

static void finish(struct job_state *j, enum job_verdict verdict)
{
    const struct loop_cluster *cluster = world_cluster(j->controller->world, j->key.cluster);
    struct condition end = {ends[verdict].type, "True", str_c(ends[verdict].reason),
                            str_c(ends[verdict].message)};
    struct str text = str_c(ends[verdict].message);

    if (verdict == JOB_COMPLETE) {
        if (cluster->minor < SAYS_REASON_OF_SUCCESS)
            end.reason = (struct str){0};
        end.message = cluster->minor < SAYS_REASON_OF_SUCCESS
                          ? (struct str){0}
                          : S("Reached expected number of succeeded pods");
        event_normal(j->controller, j->key.cluster, j->doc, ends[verdict].event, text);
    } else {
        event_warning(j->controller, j->key.cluster, j->doc, ends[verdict].event, text);
    }
    write_status(j, &end);
}

/* ttlSecondsAfterFinished */
static void tidy_up(struct job_state *j, const cJSON *condition)
{
    int64_t left;

    if (json_get(j->doc, "spec.ttlSecondsAfterFinished") == NULL)
        return;
    left = json_time(condition, "lastTransitionTime") +
           json_int(j->doc, "spec.ttlSecondsAfterFinished", 0) * MS -
           clock_now(j->controller->world->clock);
    if (left > 0)
        queue_add_after(&j->controller->queue, &j->key, left);
    else
        (void)loop_delete(j->controller, j->arena, &j->key, j->object->uid, "Foreground");
}

static void reconcile(struct controller *c, struct arena *a, const struct object_key *key)
{
    struct job_state j = {.controller = c, .arena = a, .key = *key};
    struct job_plan plan;

    j.object = object_get(c->world->objects, *key);
    if (j.object == NULL || is_deleting(object_doc(j.object)))
        return;
    j.doc = object_doc(j.object);
    if (finished(j.doc) != NULL) {
        tidy_up(&j, finished(j.doc));
        return;
    }
    fill_view(&j);
    plan = job_plan(&j.view);
    if (plan.remove > 0)
        drop_pods(&j, plan.remove);
    if (plan.create > 0)
        make_pods(&j, plan.create);
    if (!look(&j))
        return;
    if (plan.verdict != JOB_RUNS)
        finish(&j, plan.verdict);
    else
        write_status(&j, NULL);
    if (plan.wait_ms > 0)
        queue_add_after(&c->queue, key, plan.wait_ms);
}

static void heard_pod(struct controller *c, const struct object_change *change)
{
    heard_pod_of(c, change, "Job", selects_by_selector);
}

static const struct controller_watch watches[] = {
    {"batch/jobs", heard_self},
    {"pods",       heard_pod },
};

const struct controller_kind job_loop = {
    .name = "job-controller",
    .user = "system:serviceaccount:kube-system:job-controller",
    .resource = "batch/jobs",
    .watches = watches,
    .watches_n = ARRAY_LEN(watches),
    .sync = reconcile,
};
