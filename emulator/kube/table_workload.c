/* Columns of what runs pods. Source: Kubernetes, pkg/printers/internalversion. */
#include "kube/table_columns.h"
#include "kube/table_pod.h"

/* What runs in the pods of the template at @path. */
#define RUNS(path)                                            \
    {"Containers", "string", 1, cell_containers, path, 0, 0}, \
    {                                                         \
        "Images", "string", 1, cell_images, path, 0, 0        \
    }
#define SELECTOR(path)                                   \
    {                                                    \
        "Selector", "string", 1, cell_labels, path, 0, 0 \
    }
#define COUNT(name, path)                        \
    {                                            \
        name, "integer", 0, cell_int, path, 0, 0 \
    }
#define TEMPLATE "spec.template.spec"

static void ready_of(struct buf *b, const struct table_row *r)
{
    table_printf(b, r, "%lld/%lld", (long long)json_int(r->doc, "status.readyReplicas", 0),
                 (long long)json_int(r->doc, "spec.replicas", 0));
}

static const struct table_column deployments[] = {
    TABLE_NAME,
    {"Ready", "string", 0, ready_of, NULL, 0, 0},
    COUNT("Up-to-date", "status.updatedReplicas"),
    COUNT("Available", "status.availableReplicas"),
    TABLE_AGE,
    RUNS(TEMPLATE),
    SELECTOR("spec.selector"),
};

static const struct table_column replicasets[] = {
    TABLE_NAME,
    COUNT("Desired", "spec.replicas"),
    COUNT("Current", "status.replicas"),
    COUNT("Ready", "status.readyReplicas"),
    TABLE_AGE,
    RUNS(TEMPLATE),
    SELECTOR("spec.selector"),
};

static const struct table_column statefulsets[] = {
    TABLE_NAME,
    {"Ready", "string", 0, ready_of, NULL, 0, 0},
    TABLE_AGE,
    RUNS(TEMPLATE),
};

static const struct table_column daemonsets[] = {
    TABLE_NAME,
    COUNT("Desired", "status.desiredNumberScheduled"),
    COUNT("Current", "status.currentNumberScheduled"),
    COUNT("Ready", "status.numberReady"),
    COUNT("Up-to-date", "status.updatedNumberScheduled"),
    COUNT("Available", "status.numberAvailable"),
    {"Node Selector", "string", 0, cell_labels, TEMPLATE ".nodeSelector", 0, 0},
    TABLE_AGE,
    RUNS(TEMPLATE),
    SELECTOR("spec.selector"),
};

/* --- jobs --------------------------------------------------------------------------------- */

enum { JOB_STATUS_SINCE = 30, TIME_ZONE_SINCE = 29 };

static bool job_is(const cJSON *job, const char *condition)
{
    JSON_EACH(c, json_get(job, "status.conditions"))
        if (str_is(json_str(c, "type"), condition))
            return str_is(json_str(c, "status"), "True");
    return false;
}

static void job_status(struct buf *b, const struct table_row *r)
{
    static const char *const late[] = {"Suspended", "FailureTarget", "SuccessCriteriaMet"};
    const char *status = "Running";

    for (size_t i = ARRAY_LEN(late); i > 0; i--)
        if (job_is(r->doc, late[i - 1]))
            status = late[i - 1];
    if (json_str(r->doc, "metadata.deletionTimestamp").n > 0)
        status = "Terminating";
    if (job_is(r->doc, "Failed"))
        status = "Failed";
    if (job_is(r->doc, "Complete"))
        status = "Complete";
    json_write_str(b, str_c(status));
}

static void job_completions(struct buf *b, const struct table_row *r)
{
    long long done = (long long)json_int(r->doc, "status.succeeded", 0);
    long long wanted = (long long)json_int(r->doc, "spec.completions", -1);
    long long side = (long long)json_int(r->doc, "spec.parallelism", 0);

    if (wanted >= 0)
        table_printf(b, r, "%lld/%lld", done, wanted);
    else if (side > 1)
        table_printf(b, r, "%lld/1 of %lld", done, side);
    else
        table_printf(b, r, "%lld/1", done);
}

static void job_duration(struct buf *b, const struct table_row *r)
{
    int64_t start, end = r->now;

    if (!clock_parse_rfc3339(json_str(r->doc, "status.startTime"), &start)) {
        json_write_str(b, S(""));
        return;
    }
    (void)clock_parse_rfc3339(json_str(r->doc, "status.completionTime"), &end);
    json_write_str(b, table_duration(r->arena, end - start));
}

static const struct table_column jobs[] = {
    TABLE_NAME,
    {"Status",      "string", 0, job_status,      NULL, JOB_STATUS_SINCE, 0},
    {"Completions", "string", 0, job_completions, NULL, 0,                0},
    {"Duration",    "string", 0, job_duration,    NULL, 0,                0},
    TABLE_AGE,
    RUNS(TEMPLATE),
    SELECTOR("spec.selector"),
};

static void cron_suspend(struct buf *b, const struct table_row *r)
{
    json_write_str(b, json_bool(r->doc, "spec.suspend", false) ? S("True") : S("False"));
}

static void cron_last(struct buf *b, const struct table_row *r)
{
    struct str last = json_str(r->doc, "status.lastScheduleTime");

    table_or_none(b, last.n > 0 ? table_since(r, last) : last);
}

static const struct table_column cronjobs[] = {
    TABLE_NAME,
    {"Schedule",      "string",  0, cell_text,         "spec.schedule", 0,               0},
    {"Timezone",      "string",  0, cell_text_or_none, "spec.timeZone", TIME_ZONE_SINCE, 0},
    {"Suspend",       "boolean", 0, cron_suspend,      NULL,            0,               0},
    {"Active",        "integer", 0, cell_count,        "status.active", 0,               0},
    {"Last Schedule", "string",  0, cron_last,         NULL,            0,               0},
    TABLE_AGE,
    RUNS("spec.jobTemplate." TEMPLATE),
    SELECTOR("spec.jobTemplate.spec.selector"),
};

/* --- autoscalers, budgets, revisions -------------------------------------------------------- */

static const struct table_column podtemplates[] = {
    TABLE_NAME,
    {"Containers", "string", 0, cell_containers, "template.spec",            0, 0},
    {"Images",     "string", 0, cell_images,     "template.spec",            0, 0},
    {"Pod Labels", "string", 0, cell_labels,     "template.metadata.labels", 0, 0},
};

/* A number or a percentage, or what kubectl shows for none. */
static struct str int_or_string(const struct table_row *r, const cJSON *item, struct str otherwise)
{
    if (cJSON_IsString(item))
        return json_text(item);
    if (cJSON_IsNumber(item))
        return arena_printf(r->arena, "%lld", (long long)item->valuedouble);
    return otherwise;
}

static void budget_bound(struct buf *b, const struct table_row *r)
{
    json_write_str(b, int_or_string(r, json_get(r->doc, r->column->path), S("N/A")));
}

static const struct table_column budgets[] = {
    TABLE_NAME,
    {"Min Available",   "string", 0, budget_bound, "spec.minAvailable",   0, 0},
    {"Max Unavailable", "string", 0, budget_bound, "spec.maxUnavailable", 0, 0},
    COUNT("Allowed Disruptions", "status.disruptionsAllowed"),
    TABLE_AGE,
};

static void hpa_reference(struct buf *b, const struct table_row *r)
{
    table_printf(b, r, "%.*s/%.*s", STR_ARG(json_str(r->doc, "spec.scaleTargetRef.kind")),
                 STR_ARG(json_str(r->doc, "spec.scaleTargetRef.name")));
}

/* The member of a metric that holds its own description: "resource", "pods" … */
static const cJSON *metric_body(const cJSON *metric)
{
    JSON_EACH(member, metric)
        if (cJSON_IsObject(member))
            return member;
    return NULL;
}

static struct str metric_value(const struct table_row *r, const cJSON *value)
{
    const cJSON *share = json_get(value, "averageUtilization");
    struct str average = json_str(value, "averageValue"), whole = json_str(value, "value");

    if (share != NULL)
        return arena_printf(r->arena, "%lld%%", (long long)share->valuedouble);
    if (average.n > 0)
        return arena_printf(r->arena, "%.*s (avg)", STR_ARG(average));
    return whole.n > 0 ? whole : S("<unknown>");
}

static void hpa_targets(struct buf *b, const struct table_row *r)
{
    enum { NAMED_SINCE = 31 };
    struct table_joined j = {.arena = r->arena, .separator = ", ", .most = 2};
    const cJSON *current = json_get(r->doc, "status.currentMetrics");
    int i = 0;

    JSON_EACH(metric, json_get(r->doc, "spec.metrics")) {
        const cJSON *body = metric_body(metric);
        const cJSON *now = metric_body(cJSON_GetArrayItem(current, i++));
        struct str name = json_str(body, "name");
        bool named = r->minor >= NAMED_SINCE && name.n > 0;

        table_join(&j, arena_printf(r->arena, "%.*s%s%.*s/%.*s", named ? (int)name.n : 0,
                                    named ? name.at : "", named ? ": " : "",
                                    STR_ARG(metric_value(r, json_get(now, "current"))),
                                    STR_ARG(metric_value(r, json_get(body, "target")))));
    }
    table_or_none(b, table_joined_text(&j));
}

static void hpa_least(struct buf *b, const struct table_row *r)
{
    json_write_str(b, int_or_string(r, json_get(r->doc, "spec.minReplicas"), S("<unset>")));
}

static const struct table_column autoscalers[] = {
    TABLE_NAME,
    {"Reference", "string", 0, hpa_reference, NULL, 0, 0},
    {"Targets",   "string", 0, hpa_targets,   NULL, 0, 0},
    {"MinPods",   "string", 0, hpa_least,     NULL, 0, 0},
    COUNT("MaxPods", "spec.maxReplicas"),
    COUNT("Replicas", "status.currentReplicas"),
    TABLE_AGE,
};

/* "daemonset.apps/web": what a revision belongs to. */
static void revision_owner(struct buf *b, const struct table_row *r)
{
    struct str version, group, rest, kind;

    JSON_EACH(owner, json_get(r->doc, "metadata.ownerReferences")) {
        if (!json_bool(owner, "controller", false))
            continue;
        version = json_str(owner, "apiVersion");
        if (!str_cut(version, '/', &group, &rest))
            group = (struct str){0};
        kind = table_lower(r, json_str(owner, "kind"));
        table_printf(b, r, "%.*s%s%.*s/%.*s", STR_ARG(kind), group.n > 0 ? "." : "", STR_ARG(group),
                     STR_ARG(json_str(owner, "name")));
        return;
    }
    table_or_none(b, S(""));
}

static const struct table_column revisions[] = {
    TABLE_NAME,
    {"Controller", "string", 0, revision_owner, NULL, 0, 0},
    COUNT("Revision", "revision"),
    TABLE_AGE,
};

const struct table_kind table_workload[] = {
    TABLE("apps/deployments", deployments),
    TABLE("apps/replicasets", replicasets),
    TABLE("replicationcontrollers", replicasets),
    TABLE("apps/statefulsets", statefulsets),
    TABLE("apps/daemonsets", daemonsets),
    TABLE("apps/controllerrevisions", revisions),
    TABLE("batch/jobs", jobs),
    TABLE("batch/cronjobs", cronjobs),
    TABLE("podtemplates", podtemplates),
    TABLE("policy/poddisruptionbudgets", budgets),
    TABLE("autoscaling/horizontalpodautoscalers", autoscalers),
    {NULL, NULL, 0, NULL},
};
