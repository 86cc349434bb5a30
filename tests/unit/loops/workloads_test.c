/* DaemonSets, StatefulSets, Jobs and CronJobs over a store, with the fake runtime. */
#include "world.h"

#define POD_SPEC(restart) \
    "{\"restartPolicy\":\"" restart "\",\"containers\":[{\"name\":\"c\",\"image\":\"nginx:1\"}]}"

static size_t count(struct world *w, const char *resource)
{
    return object_list(w->objects, &w->arena, CLUSTER, str_c(resource), S("ns")).n;
}

static const cJSON *doc_of(struct world *w, const char *resource, const char *name)
{
    struct object *o = get(w, resource, "ns", name);

    return o == NULL ? NULL : object_doc(o);
}

static int64_t events(struct world *w, const char *reason)
{
    struct object_list all = object_list(w->objects, &w->arena, CLUSTER, S("events"), S(""));
    int64_t n = 0;

    for (size_t i = 0; i < all.n; i++)
        if (str_is(json_str(object_doc(all.at[i]), "reason"), reason))
            n += json_int(object_doc(all.at[i]), "count", 1);
    return n;
}

static bool is_true(const cJSON *doc, const char *type)
{
    JSON_EACH(c, json_get(doc, "status.conditions"))
        if (str_is(json_str(c, "type"), type))
            return str_is(json_str(c, "status"), "True");
    return false;
}

static struct str label(struct object *o, const char *key)
{
    for (size_t i = 0; i < o->label_count; i++)
        if (str_is(o->labels[i].key, key))
            return o->labels[i].value;
    return (struct str){0};
}

/* --- DaemonSets ------------------------------------------------------------------------------- */

static const char daemonset[] =
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"DaemonSet\",\"metadata\":{\"name\":\"d\",\"namespace\":"
    "\"ns\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"d\"}},\"updateStrategy\":{\"type\":"
    "\"RollingUpdate\",\"rollingUpdate\":{\"maxUnavailable\":1}},\"template\":{\"metadata\":{"
    "\"labels\":{\"a\":\"d\"}},\"spec\":" POD_SPEC("Always") "}}}";

TEST(a_daemon_runs_on_every_node)
{
    const cJSON *status;
    struct world w;

    open_world(&w);
    have(&w, "apps/daemonsets", daemonset);
    settle(&w);
    CHECK("one on each", count(&w, "pods") == 2);
    status = json_get(doc_of(&w, "apps/daemonsets", "d"), "status");
    CHECK("both are ready", json_int(status, "numberReady", 0) == 2 &&
                                json_int(status, "numberAvailable", 0) == 2 &&
                                json_int(status, "updatedNumberScheduled", 0) == 2);
    CHECK("its template is kept", count(&w, "apps/controllerrevisions") == 1);
    have(&w, "nodes",
         "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"n3\"},\"status\":{"
         "\"allocatable\":{\"cpu\":\"2\",\"memory\":\"4Gi\",\"pods\":\"29\"},\"addresses\":[{"
         "\"type\":\"InternalIP\",\"address\":\"192.168.1.3\"}]}}");
    settle(&w);
    CHECK("a new node gets one", count(&w, "pods") == 3);
    change(&w, "nodes", "", "n3", "", "{\"spec\":{\"unschedulable\":true}}");
    settle(&w);
    CHECK("a cordoned node keeps it", count(&w, "pods") == 3);
    change(&w, "nodes", "", "n3", "",
           "{\"spec\":{\"taints\":[{\"key\":\"k\",\"effect\":\"NoExecute\"}]}}");
    settle(&w);
    CHECK("a taint drives it out", count(&w, "pods") == 2);
    close_world(&w);
}

TEST(a_daemon_rolls_and_comes_back)
{
    struct object_list pods;
    struct str first;
    struct world w;

    open_world(&w);
    have(&w, "apps/daemonsets", daemonset);
    settle(&w);
    pods = object_list(w.objects, &w.arena, CLUSTER, S("pods"), S("ns"));
    first = arena_str(&w.arena, label(pods.at[0], "controller-revision-hash"));
    CHECK("pods say which template they have", first.n > 0);
    change(&w, "apps/daemonsets", "ns", "d", "",
           "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"r\":\"2\"}}}}}");
    settle(&w);
    pods = object_list(w.objects, &w.arena, CLUSTER, S("pods"), S("ns"));
    CHECK("all are of the new one",
          pods.n == 2 && !str_eq(label(pods.at[0], "controller-revision-hash"), first) &&
              !str_eq(label(pods.at[1], "controller-revision-hash"), first));
    CHECK("two revisions", count(&w, "apps/controllerrevisions") == 2);
    change(&w, "apps/daemonsets", "ns", "d", "",
           "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":null}}}}");
    settle(&w);
    pods = object_list(w.objects, &w.arena, CLUSTER, S("pods"), S("ns"));
    CHECK_STR("going back takes the old one", label(pods.at[0], "controller-revision-hash"), first);
    CHECK("which is the newest now", count(&w, "apps/controllerrevisions") == 2);
    close_world(&w);
}

/* --- StatefulSets ----------------------------------------------------------------------------- */

static const char statefulset[] =
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"StatefulSet\",\"metadata\":{\"name\":\"web\","
    "\"namespace\":\"ns\"},\"spec\":{\"replicas\":3,\"serviceName\":\"web\",\"selector\":{"
    "\"matchLabels\":{\"a\":\"s\"}},\"updateStrategy\":{\"type\":\"RollingUpdate\"},"
    "\"volumeClaimTemplates\":[{\"metadata\":{\"name\":\"data\"},\"spec\":{\"accessModes\":["
    "\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}}}],\"template\":{"
    "\"metadata\":{\"labels\":{\"a\":\"s\"}},\"spec\":" POD_SPEC("Always") "}}}";

TEST(a_stateful_set_counts_up)
{
    const cJSON *pod, *status;
    struct world w;

    open_world(&w);
    have(&w, "apps/statefulsets", statefulset);
    settle(&w);
    CHECK("three with numbers", get(&w, "pods", "ns", "web-0") != NULL &&
                                    get(&w, "pods", "ns", "web-1") != NULL &&
                                    get(&w, "pods", "ns", "web-2") != NULL);
    pod = doc_of(&w, "pods", "web-1");
    CHECK_STR("each has its name", json_str(pod, "spec.hostname"), S("web-1"));
    CHECK_STR("in its service", json_str(pod, "spec.subdomain"), S("web"));
    CHECK_STR("and its claim",
              json_str(json_get(pod, "spec.volumes")->child, "persistentVolumeClaim.claimName"),
              S("data-web-1"));
    CHECK("made for it", get(&w, "persistentvolumeclaims", "ns", "data-web-1") != NULL);
    status = json_get(doc_of(&w, "apps/statefulsets", "web"), "status");
    CHECK("all are counted", json_int(status, "readyReplicas", 0) == 3 &&
                                 json_int(status, "currentReplicas", 0) == 3 &&
                                 json_int(status, "updatedReplicas", 0) == 3);
    change(&w, "apps/statefulsets", "ns", "web", "", "{\"spec\":{\"replicas\":1}}");
    settle(&w);
    CHECK("down from the last", count(&w, "pods") == 1 && get(&w, "pods", "ns", "web-0") != NULL);
    CHECK("claims stay", count(&w, "persistentvolumeclaims") == 3);
    close_world(&w);
}

TEST(a_stateful_set_rolls)
{
    const cJSON *status;
    struct str old;
    struct world w;

    open_world(&w);
    have(&w, "apps/statefulsets", statefulset);
    settle(&w);
    old = arena_str(&w.arena, label(get(&w, "pods", "ns", "web-0"), "controller-revision-hash"));
    change(&w, "apps/statefulsets", "ns", "web", "",
           "{\"spec\":{\"updateStrategy\":{\"rollingUpdate\":{\"partition\":2}},\"template\":{"
           "\"metadata\":{\"annotations\":{\"r\":\"2\"}}}}}");
    settle(&w);
    CHECK("below the partition nothing changes",
          str_eq(label(get(&w, "pods", "ns", "web-1"), "controller-revision-hash"), old));
    CHECK("above it does",
          !str_eq(label(get(&w, "pods", "ns", "web-2"), "controller-revision-hash"), old));
    drop(&w, "pods", "ns", "web-0", "{}");
    settle(&w);
    CHECK_STR("below it the old template comes again",
              label(get(&w, "pods", "ns", "web-0"), "controller-revision-hash"), old);
    change(&w, "apps/statefulsets", "ns", "web", "",
           "{\"spec\":{\"updateStrategy\":{\"rollingUpdate\":{\"partition\":0}}}}");
    settle(&w);
    CHECK("then all roll",
          !str_eq(label(get(&w, "pods", "ns", "web-0"), "controller-revision-hash"), old));
    status = json_get(doc_of(&w, "apps/statefulsets", "web"), "status");
    CHECK("and the new one is the current one",
          str_eq(json_str(status, "currentRevision"), json_str(status, "updateRevision")) &&
              json_int(status, "currentReplicas", 0) == 3);
    close_world(&w);
}

/* --- Jobs ------------------------------------------------------------------------------------- */

static void have_job(struct world *w, const char *more, const char *restart)
{
    have(w, "batch/jobs",
         arena_printf(&w->arena,
                      "{\"apiVersion\":\"batch/v1\",\"kind\":\"Job\",\"metadata\":{\"name\":\"j\","
                      "\"namespace\":\"ns\"},\"spec\":{%s\"selector\":{\"matchLabels\":{\"a\":"
                      "\"j\"}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"j\"}},\"spec\":{"
                      "\"restartPolicy\":\"%s\",\"containers\":[{\"name\":\"c\",\"image\":"
                      "\"nginx:1\"}]}}}}",
                      more, restart)
             .at);
}

/* Ends the containers of all running pods. */
static size_t end_pods(struct world *w, int code)
{
    struct object_list pods = object_list(w->objects, &w->arena, CLUSTER, S("pods"), S("ns"));
    size_t n = 0;

    for (size_t i = 0; i < pods.n; i++)
        n += fake_runtime_exit(w->runtime, pods.at[i]->uid, S("c"), code);
    settle(w);
    return n;
}

TEST(a_job_completes)
{
    const cJSON *job;
    struct world w;

    open_world(&w);
    have_job(&w, "\"parallelism\":2,\"completions\":3,", "Never");
    settle(&w);
    CHECK("two at once", end_pods(&w, 0) == 2);
    CHECK("then the last one", end_pods(&w, 0) == 1);
    job = doc_of(&w, "batch/jobs", "j");
    CHECK("it is complete", is_true(job, "Complete"));
    CHECK("three succeeded",
          json_int(job, "status.succeeded", 0) == 3 && json_get(job, "status.active") == NULL);
    CHECK("it took its time",
          json_str(job, "status.startTime").n > 0 && json_str(job, "status.completionTime").n > 0);
    CHECK("it was said", events(&w, "Completed") == 1);
    CHECK("the pods stay", count(&w, "pods") == 3);
    close_world(&w);
}

TEST(a_job_fails)
{
    struct world w;

    open_world(&w);
    have_job(&w, "\"backoffLimit\":1,", "Never");
    settle(&w);
    CHECK("it fails", end_pods(&w, 1) == 1);
    CHECK("and waits", end_pods(&w, 1) == 0 && count(&w, "pods") == 1);
    pass(&w, 11000);
    CHECK("then it is tried again", end_pods(&w, 1) == 1);
    CHECK("till the limit", is_true(doc_of(&w, "batch/jobs", "j"), "Failed"));
    CHECK("which is said", events(&w, "BackoffLimitExceeded") == 1);
    close_world(&w);
}

TEST(indexes_are_given_once)
{
    struct world w;

    open_world(&w);
    have_job(&w, "\"completionMode\":\"Indexed\",\"parallelism\":2,\"completions\":3,", "Never");
    settle(&w);
    CHECK("two", end_pods(&w, 0) == 2);
    CHECK_STR("they are the first ones",
              json_str(doc_of(&w, "batch/jobs", "j"), "status.completedIndexes"), S("0-1"));
    CHECK("the third", end_pods(&w, 0) == 1);
    CHECK_STR("all", json_str(doc_of(&w, "batch/jobs", "j"), "status.completedIndexes"), S("0-2"));
    CHECK("complete", is_true(doc_of(&w, "batch/jobs", "j"), "Complete"));
    close_world(&w);
}

TEST(a_job_that_is_over_goes_after_its_time)
{
    struct world w;

    open_world(&w);
    have_job(&w, "\"ttlSecondsAfterFinished\":60,", "Never");
    settle(&w);
    CHECK("it ends", end_pods(&w, 0) == 1);
    pass(&w, 59000);
    CHECK("it is kept", get(&w, "batch/jobs", "ns", "j") != NULL);
    pass(&w, 2000);
    CHECK("then it goes, with its pods",
          get(&w, "batch/jobs", "ns", "j") == NULL && count(&w, "pods") == 0);
    close_world(&w);
}

TEST(a_suspended_job_waits)
{
    struct world w;

    open_world(&w);
    have_job(&w, "\"suspend\":true,", "Never");
    settle(&w);
    CHECK("no pod", count(&w, "pods") == 0);
    CHECK("it says so", is_true(doc_of(&w, "batch/jobs", "j"), "Suspended"));
    change(&w, "batch/jobs", "ns", "j", "", "{\"spec\":{\"suspend\":false}}");
    settle(&w);
    CHECK("now it runs", end_pods(&w, 0) == 1);
    close_world(&w);
}

/* --- CronJobs --------------------------------------------------------------------------------- */

static void have_cronjob(struct world *w, const char *policy)
{
    int64_t now = clock_now(&w->clock);

    clock_step(&w->clock, 3600000 - now % 3600000); /* at a full hour */
    have(w, "batch/cronjobs",
         arena_printf(&w->arena,
                      "{\"apiVersion\":\"batch/v1\",\"kind\":\"CronJob\",\"metadata\":{\"name\":"
                      "\"t\",\"namespace\":\"ns\"},\"spec\":{\"schedule\":\"*/10 * * * *\","
                      "\"concurrencyPolicy\":\"%s\",\"successfulJobsHistoryLimit\":1,"
                      "\"jobTemplate\":{\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"t\"}},"
                      "\"template\":{\"metadata\":{\"labels\":{\"a\":\"t\"}},\"spec\":{"
                      "\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":"
                      "\"nginx:1\"}]}}}}}}",
                      policy)
             .at);
    settle(w);
}

enum { TEN_MINUTES = 10 * 60 * 1000 };

TEST(a_job_for_each_time)
{
    struct world w;

    open_world(&w);
    have_cronjob(&w, "Allow");
    CHECK("not yet", count(&w, "batch/jobs") == 0);
    pass(&w, TEN_MINUTES);
    CHECK("one", count(&w, "batch/jobs") == 1 && end_pods(&w, 0) == 1);
    CHECK("its end is seen",
          events(&w, "SawCompletedJob") == 1 &&
              json_str(doc_of(&w, "batch/cronjobs", "t"), "status.lastSuccessfulTime").n > 0);
    pass(&w, TEN_MINUTES);
    CHECK("another", count(&w, "batch/jobs") == 2 && end_pods(&w, 0) == 1);
    settle(&w);
    CHECK("old ones are tidied up", count(&w, "batch/jobs") == 1 && count(&w, "pods") == 1);
    close_world(&w);
}

static const struct {
    const char *policy;
    size_t jobs;
    const char *reason;
} policies[] = {
    {"Allow",   2, "SuccessfulCreate"},
    {"Forbid",  1, "JobAlreadyActive"},
    {"Replace", 1, "SuccessfulDelete"},
};

TEST(what_happens_while_one_still_runs)
{
    CASE_EACH(c, policies) {
        struct world w;

        open_world(&w);
        have_cronjob(&w, c->policy);
        pass(&w, TEN_MINUTES);
        pass(&w, TEN_MINUTES);
        CHECK(c->policy, count(&w, "batch/jobs") == c->jobs);
        CHECK(c->policy, events(&w, c->reason) >= 1);
        CHECK(c->policy, (size_t)cJSON_GetArraySize(json_get(doc_of(&w, "batch/cronjobs", "t"),
                                                             "status.active")) == c->jobs);
        close_world(&w);
    }
}

TEST_MAIN(T(a_daemon_runs_on_every_node), T(a_daemon_rolls_and_comes_back),
          T(a_stateful_set_counts_up), T(a_stateful_set_rolls), T(a_job_completes), T(a_job_fails),
          T(indexes_are_given_once), T(a_job_that_is_over_goes_after_its_time),
          T(a_suspended_job_waits), T(a_job_for_each_time), T(what_happens_while_one_still_runs))
