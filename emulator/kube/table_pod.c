/* What kubectl get pods shows. Source: Kubernetes, pkg/printers/internalversion, printPod; the
 * states are those of "Pod Lifecycle". */
#include "kube/table_pod.h"

/* The releases since which the last restart is told, and sidecars are a kind of container. */
enum { TELLS_LAST_RESTART_SINCE = 23 };

struct summary {
    struct str reason;
    int64_t ready, total, restarts, last_restart; /* last_restart: ms, 0: none known */
};

static bool condition_holds(const cJSON *pod, const char *type)
{
    JSON_EACH(condition, json_get(pod, "status.conditions"))
        if (str_is(json_str(condition, "type"), type))
            return str_is(json_str(condition, "status"), "True");
    return false;
}

static bool is_sidecar(const cJSON *pod, struct str container)
{
    JSON_EACH(c, json_get(pod, "spec.initContainers"))
        if (str_eq(json_str(c, "name"), container))
            return str_is(json_str(c, "restartPolicy"), "Always");
    return false;
}

static void count_restarts(struct summary *s, const cJSON *status)
{
    struct str ended = json_str(status, "lastState.terminated.finishedAt");
    int64_t ms;

    s->restarts += json_int(status, "restartCount", 0);
    if (clock_parse_rfc3339(ended, &ms) && ms > s->last_restart)
        s->last_restart = ms;
}

/* How a container that ended without a reason did. */
static struct str end_of(struct arena *a, const cJSON *terminated, const char *prefix)
{
    struct str reason = json_str(terminated, "reason");

    if (reason.n > 0)
        return arena_printf(a, "%s%.*s", prefix, STR_ARG(reason));
    if (json_int(terminated, "signal", 0) != 0)
        return arena_printf(a, "%sSignal:%lld", prefix,
                            (long long)json_int(terminated, "signal", 0));
    return arena_printf(a, "%sExitCode:%lld", prefix,
                        (long long)json_int(terminated, "exitCode", 0));
}

/* Why initialisation stands at this container; empty when it has passed it. */
static struct str init_reason(struct arena *a, const cJSON *pod, const cJSON *status, int at,
                              struct summary *s)
{
    const cJSON *terminated = json_get(status, "state.terminated");
    struct str waiting = json_str(status, "state.waiting.reason");

    if (terminated != NULL && json_int(terminated, "exitCode", 0) == 0)
        return (struct str){0};
    if (is_sidecar(pod, json_str(status, "name")) && json_bool(status, "started", false)) {
        s->ready += json_bool(status, "ready", false);
        return (struct str){0};
    }
    if (terminated != NULL)
        return end_of(a, terminated, "Init:");
    if (waiting.n > 0 && !str_is(waiting, "PodInitializing"))
        return arena_printf(a, "Init:%.*s", STR_ARG(waiting));
    return arena_printf(a, "Init:%d/%d", at,
                        cJSON_GetArraySize(json_get(pod, "spec.initContainers")));
}

static bool is_initializing(struct arena *a, const cJSON *pod, struct summary *s)
{
    int at = 0;

    JSON_EACH(status, json_get(pod, "status.initContainerStatuses")) {
        struct str why;

        count_restarts(s, status);
        why = init_reason(a, pod, status, at++, s);
        if (why.n > 0) {
            s->reason = why;
            return true;
        }
    }
    return false;
}

/* Only sidecars' restarts count beside those of the containers. */
static void forget_init_restarts(const cJSON *pod, struct summary *s)
{
    s->restarts = s->last_restart = 0;
    JSON_EACH(status, json_get(pod, "status.initContainerStatuses"))
        if (is_sidecar(pod, json_str(status, "name")))
            count_restarts(s, status);
}

/* The first container decides, so they are walked from the last one. */
static void read_containers(struct arena *a, const cJSON *pod, struct summary *s)
{
    const cJSON *list = json_get(pod, "status.containerStatuses");
    bool running = false;

    for (int i = cJSON_GetArraySize(list) - 1; i >= 0; i--) {
        const cJSON *status = cJSON_GetArrayItem(list, i);
        struct str waiting = json_str(status, "state.waiting.reason");
        const cJSON *terminated = json_get(status, "state.terminated");

        count_restarts(s, status);
        if (waiting.n > 0) {
            s->reason = waiting;
        } else if (terminated != NULL) {
            s->reason = end_of(a, terminated, "");
        } else if (json_bool(status, "ready", false) && json_get(status, "state.running") != NULL) {
            running = true;
            s->ready++;
        }
    }
    if (str_is(s->reason, "Completed") && running)
        s->reason = condition_holds(pod, "Ready") ? S("Running") : S("NotReady");
}

static bool is_over(const cJSON *pod)
{
    struct str phase = json_str(pod, "status.phase");

    return str_is(phase, "Succeeded") || str_is(phase, "Failed");
}

static struct summary summarize(const struct table_row *r)
{
    const cJSON *pod = r->doc;
    struct summary s = {
        .reason = json_str(pod, "status.reason"),
        .total = cJSON_GetArraySize(json_get(pod, "spec.containers")),
    };

    if (s.reason.n == 0)
        s.reason = json_str(pod, "status.phase");
    JSON_EACH(condition, json_get(pod, "status.conditions"))
        if (str_is(json_str(condition, "type"), "PodScheduled") &&
            str_is(json_str(condition, "reason"), "SchedulingGated"))
            s.reason = S("SchedulingGated");
    JSON_EACH(c, json_get(pod, "spec.initContainers"))
        s.total += str_is(json_str(c, "restartPolicy"), "Always");
    if (!is_initializing(r->arena, pod, &s) || condition_holds(pod, "Initialized")) {
        forget_init_restarts(pod, &s);
        read_containers(r->arena, pod, &s);
    }
    if (json_str(pod, "metadata.deletionTimestamp").n > 0) {
        if (str_is(json_str(pod, "status.reason"), "NodeLost"))
            s.reason = S("Unknown");
        else if (!is_over(pod))
            s.reason = S("Terminating");
    }
    return s;
}

/* --- cells -------------------------------------------------------------------------------- */

static void cell_ready(struct buf *b, const struct table_row *r)
{
    struct summary s = summarize(r);

    table_printf(b, r, "%lld/%lld", (long long)s.ready, (long long)s.total);
}

static void cell_status(struct buf *b, const struct table_row *r)
{
    json_write_str(b, summarize(r).reason);
}

static void cell_restart_count(struct buf *b, const struct table_row *r)
{
    buf_printf(b, "%lld", (long long)summarize(r).restarts);
}

static void cell_restarts(struct buf *b, const struct table_row *r)
{
    struct summary s = summarize(r);

    if (s.restarts == 0 || s.last_restart == 0)
        table_printf(b, r, "%lld", (long long)s.restarts);
    else
        table_printf(b, r, "%lld (%.*s ago)", (long long)s.restarts,
                     STR_ARG(table_duration(r->arena, r->now - s.last_restart)));
}

static void cell_address(struct buf *b, const struct table_row *r)
{
    struct str ip = json_str(cJSON_GetArrayItem(json_get(r->doc, "status.podIPs"), 0), "ip");

    table_or_none(b, ip.n > 0 ? ip : json_str(r->doc, "status.podIP"));
}

static void cell_gates(struct buf *b, const struct table_row *r)
{
    int all = 0, open = 0;

    JSON_EACH(gate, json_get(r->doc, "spec.readinessGates")) {
        all++;
        JSON_EACH(condition, json_get(r->doc, "status.conditions"))
            open += str_eq(json_str(condition, "type"), json_str(gate, "conditionType")) &&
                    str_is(json_str(condition, "status"), "True");
    }
    if (all == 0)
        table_or_none(b, S(""));
    else
        table_printf(b, r, "%d/%d", open, all);
}

const struct table_column table_pod_columns[] = {
    {"Name",            "string",  0, cell_name,          NULL,                       0,                        0                       },
    {"Ready",           "string",  0, cell_ready,         NULL,                       0,                        0                       },
    {"Status",          "string",  0, cell_status,        NULL,                       0,                        0                       },
    {"Restarts",        "integer", 0, cell_restart_count, NULL,                       0,                        TELLS_LAST_RESTART_SINCE},
    {"Restarts",        "string",  0, cell_restarts,      NULL,                       TELLS_LAST_RESTART_SINCE, 0                       },
    {"Age",             "string",  0, cell_age,           NULL,                       0,                        0                       },
    {"IP",              "string",  1, cell_address,       NULL,                       0,                        0                       },
    {"Node",            "string",  1, cell_text_or_none,  "spec.nodeName",            0,                        0                       },
    {"Nominated Node",  "string",  1, cell_text_or_none,  "status.nominatedNodeName", 0,                        0                       },
    {"Readiness Gates", "string",  1, cell_gates,         NULL,                       0,                        0                       },
};
const size_t table_pod_column_count = ARRAY_LEN(table_pod_columns);

void table_pod_conditions(struct buf *b, const struct table_row *r)
{
    if (!is_over(r->doc))
        return;
    buf_printf(b,
               ",\"conditions\":[{\"type\":\"Completed\",\"status\":\"True\",\"reason\":\"%.*s\","
               "\"message\":\"The pod has %s.\"}]",
               STR_ARG(json_str(r->doc, "status.phase")),
               str_is(json_str(r->doc, "status.phase"), "Failed") ? "failed"
                                                                  : "completed successfully");
}
