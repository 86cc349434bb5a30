/* A pod's status, as the kubelet writes it. Conditions of others are left alone.
 * Source: kubernetes-api.md §6.5; pkg/kubelet/status/generate.go, getPhase. */
#include "loops/kubelet_worker.h"

#include "base/macros.h"
#include "base/quantity.h"

static struct str time_text(struct arena *a, int64_t ms)
{
    return clock_rfc3339(a, ms);
}

/* --- containers ------------------------------------------------------------------------- */

static void put_terminated(struct arena *a, cJSON *state, const struct container_end *end)
{
    cJSON *t = json_need_object(state, "terminated");
    const char *reason = end->reason != NULL ? end->reason : end->code == 0 ? "Completed" : "Error";

    json_put_int(t, S("exitCode"), end->code);
    json_put_str(t, S("reason"), str_c(reason));
    json_put_str(t, S("startedAt"), time_text(a, end->started));
    json_put_str(t, S("finishedAt"), time_text(a, end->finished));
    if (end->id[0] != '\0')
        json_put_str(t, S("containerID"), arena_printf(a, "containerd://%s", end->id));
}

static void put_state(struct arena *a, const struct container_worker *w, cJSON *state)
{
    cJSON *waiting;

    if (w->phase == CONTAINER_RUNNING) {
        json_put_str(json_need_object(state, "running"), S("startedAt"),
                     time_text(a, w->started_at));
        return;
    }
    if (w->phase == CONTAINER_ENDED && w->wait_reason == NULL) {
        put_terminated(a, state, &w->end);
        return;
    }
    waiting = json_need_object(state, "waiting");
    json_put_str(waiting, S("reason"),
                 str_c(w->wait_reason == NULL ? "ContainerCreating" : w->wait_reason));
    if (w->wait_message != NULL)
        json_put_str(waiting, S("message"), str_c(w->wait_message));
}

static bool shows_last(const struct container_worker *w)
{
    return w->last.set || (w->phase == CONTAINER_ENDED && w->wait_reason != NULL);
}

static bool is_ready(const struct container_worker *w)
{
    if (w->init)
        return w->phase == CONTAINER_ENDED && w->end.code == 0;
    return w->phase == CONTAINER_RUNNING && w->ready;
}

static struct str image_id(struct arena *a, const struct container_worker *w)
{
    size_t colon = str_rchr(w->image_name, ':');

    if (w->image_digest.n == 0)
        return S("");
    return arena_printf(a, "%.*s@%.*s", STR_ARG(str_first(w->image_name, colon)),
                        STR_ARG(w->image_digest));
}

static cJSON *container_status(struct arena *a, const struct container_worker *w, const cJSON *spec)
{
    cJSON *s = cJSON_CreateObject(), *last;

    json_put_str(s, S("name"), w->name);
    put_state(a, w, json_need_object(s, "state"));
    last = json_need_object(s, "lastState");
    if (shows_last(w))
        put_terminated(a, last,
                       w->phase == CONTAINER_ENDED && w->wait_reason != NULL ? &w->end : &w->last);
    json_put_bool(s, S("ready"), is_ready(w));
    json_put_int(s, S("restartCount"), w->restarts);
    json_put_str(s, S("image"), w->image_name.n > 0 ? w->image_name : json_str(spec, "image"));
    json_put_str(s, S("imageID"), image_id(a, w));
    if (w->id[0] != '\0')
        json_put_str(s, S("containerID"), arena_printf(a, "containerd://%s", w->id));
    json_put_bool(s, S("started"), w->phase == CONTAINER_RUNNING && w->started);
    return s;
}

static void put_containers(struct arena *a, const struct pod_worker *w, const cJSON *doc,
                           cJSON *status)
{
    const cJSON *lists[] = {json_get(doc, "spec.initContainers"), json_get(doc, "spec.containers")};
    cJSON *to;

    if (w->init_n > 0)
        json_put(status, S("initContainerStatuses"), cJSON_CreateArray());
    json_put(status, S("containerStatuses"), cJSON_CreateArray());
    for (size_t i = 0; i < w->n; i++) {
        const struct container_worker *c = &w->containers[i];

        to = json_get(status, c->init ? "initContainerStatuses" : "containerStatuses");
        cJSON_AddItemToArray(
            to, container_status(a, c, cJSON_GetArrayItem(lists[!c->init], (int)c->index)));
    }
}

/* --- phase ------------------------------------------------------------------------------ */

struct tally {
    size_t running, waiting, stopped, succeeded;
    bool initializing;
};

static struct tally count(const struct pod_worker *w, const cJSON *doc)
{
    bool never = str_is(json_str(doc, "spec.restartPolicy"), "Never");
    struct tally t = {0};

    for (size_t i = 0; i < w->n; i++) {
        const struct container_worker *c = &w->containers[i];

        if (c->init) {
            bool failed = c->phase == CONTAINER_ENDED && c->end.code != 0;

            t.initializing |= !is_ready(c) && !(failed && never);
            t.stopped += failed && never;
        } else if (c->phase == CONTAINER_RUNNING) {
            t.running++;
        } else if (c->phase == CONTAINER_ENDED) {
            t.stopped++;
            t.succeeded += c->end.code == 0;
        } else if (c->last.set) {
            t.stopped++;
        } else {
            t.waiting++;
        }
    }
    return t;
}

static struct str phase_of(const struct pod_worker *w, const cJSON *doc)
{
    struct str policy = json_str(doc, "spec.restartPolicy");
    struct tally t = count(w, doc);
    bool init_failed = w->init_n > 0 && !t.initializing && t.stopped > 0 && t.waiting > 0;

    if (init_failed)
        return S("Failed");
    if (t.initializing || t.waiting > 0)
        return S("Pending");
    if (t.running > 0)
        return S("Running");
    if (t.stopped == 0)
        return S("Pending");
    if (!str_is(policy, "Always") && t.stopped == t.succeeded)
        return S("Succeeded");
    return str_is(policy, "Never") ? S("Failed") : S("Running");
}

/* --- conditions ------------------------------------------------------------------------- */

static struct str unready(struct arena *a, const struct pod_worker *w, bool init, const char *text)
{
    struct str names = {0};

    for (size_t i = 0; i < w->n; i++) {
        const struct container_worker *c = &w->containers[i];

        if (c->init == init && !is_ready(c))
            names = arena_printf(a, "%.*s%s%.*s", STR_ARG(names), names.n > 0 ? " " : "",
                                 STR_ARG(c->name));
    }
    return names.n == 0 ? names : arena_printf(a, "%s: [%.*s]", text, STR_ARG(names));
}

static struct condition containers_ready(struct arena *a, const struct pod_worker *w,
                                         struct str phase, const char *type)
{
    struct str not_ready = unready(a, w, false, "containers with unready status");

    if (str_is(phase, "Succeeded"))
        return (struct condition){type, "False", S("PodCompleted"), {0}};
    if (str_is(phase, "Failed"))
        return (struct condition){type, "False", S("PodFailed"), {0}};
    if (not_ready.n > 0)
        return (struct condition){type, "False", S("ContainersNotReady"), not_ready};
    return (struct condition){type, "True", {0}, {0}};
}

/* Ready: the containers are, and every readiness gate's condition is True. */
static struct condition pod_ready(struct arena *a, const struct pod_worker *w, const cJSON *doc,
                                  struct str phase)
{
    struct condition ready = containers_ready(a, w, phase, "Ready");
    struct str why = {0};

    if (str_is(str_c(ready.status), "False"))
        return ready;
    JSON_EACH(gate, json_get(doc, "spec.readinessGates")) {
        struct str type = json_str(gate, "conditionType");
        const cJSON *c = find_condition(json_get(doc, "status"), arena_cstr(a, type));

        if (c == NULL)
            why = arena_printf(a,
                               "%.*s%scorresponding condition of pod readiness gate \"%.*s\" does "
                               "not exist.",
                               STR_ARG(why), why.n > 0 ? ", " : "", STR_ARG(type));
        else if (!str_is(json_str(c, "status"), "True"))
            why = arena_printf(a,
                               "%.*s%sthe status of pod readiness gate \"%.*s\" is not \"True\", "
                               "but %.*s",
                               STR_ARG(why), why.n > 0 ? ", " : "", STR_ARG(type),
                               STR_ARG(json_str(c, "status")));
    }
    if (why.n == 0)
        return ready;
    return (struct condition){"Ready", "False", S("ReadinessGatesNotReady"), why};
}

static struct condition initialized(struct arena *a, const struct pod_worker *w, struct str phase)
{
    struct str missing = unready(a, w, true, "containers with incomplete status");

    if (missing.n > 0 && !str_is(phase, "Succeeded"))
        return (struct condition){"Initialized", "False", S("ContainersNotInitialized"), missing};
    return (struct condition){"Initialized", "True", {0}, {0}};
}

/* --- quality of service ----------------------------------------------------------------- */

static bool same_limits(const cJSON *container)
{
    static const char *const names[] = {"cpu", "memory"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        int64_t limit = quantity_of(json_get(json_get(container, "resources.limits"), names[i]));
        int64_t request =
            quantity_of(json_get(json_get(container, "resources.requests"), names[i]));

        if (limit == 0 || limit != request)
            return false;
    }
    return true;
}

static bool asks_anything(const cJSON *container)
{
    const cJSON *limits = json_get(container, "resources.limits");
    const cJSON *requests = json_get(container, "resources.requests");

    return (limits != NULL && limits->child != NULL) ||
           (requests != NULL && requests->child != NULL);
}

static const char *qos_class(const cJSON *doc)
{
    bool any = false, all = true;

    JSON_EACH(container, json_get(doc, "spec.containers")) {
        any |= asks_anything(container);
        all &= same_limits(container);
    }
    return !any ? "BestEffort" : all ? "Guaranteed" : "Burstable";
}

/* --- all of it -------------------------------------------------------------------------- */

static void put_address(cJSON *status, const char *one, const char *many, struct str ip)
{
    cJSON *item, *list;

    if (ip.n == 0)
        return;
    json_put_str(status, str_c(one), ip);
    list = cJSON_CreateArray();
    item = cJSON_CreateObject();
    json_put_str(item, S("ip"), ip);
    cJSON_AddItemToArray(list, item);
    json_put(status, str_c(many), list);
}

void kubelet_status_plan(struct arena *a, const struct pod_worker *w, cJSON *doc, int64_t now,
                         int minor)
{
    enum { SINCE_READY_TO_START = 29, SINCE_HOST_IPS = 30 };
    cJSON *status = json_need_object(doc, "status");
    struct str phase, stamp = time_text(a, now);
    struct condition wants[5];
    size_t n = 0;

    phase = phase_of(w, doc);
    json_put_str(status, S("phase"), phase);
    if (minor >= SINCE_READY_TO_START)
        wants[n++] = (struct condition){
            "PodReadyToStartContainers", w->has_volumes ? "True" : "False", {0}, {0}};
    wants[n++] = initialized(a, w, phase);
    wants[n++] = pod_ready(a, w, doc, phase);
    wants[n++] = containers_ready(a, w, phase, "ContainersReady");
    wants[n++] = (struct condition){"PodScheduled", "True", {0}, {0}};
    for (size_t i = 0; i < n; i++)
        (void)set_condition(status, &wants[i], stamp, false);
    put_address(status, "hostIP", "hostIPs", w->host_address);
    if (minor < SINCE_HOST_IPS)
        json_remove(status, S("hostIPs"));
    put_address(status, "podIP", "podIPs", w->address);
    json_put_str(status, S("startTime"), time_text(a, w->started_at));
    json_put_str(status, S("qosClass"), str_c(qos_class(doc)));
    put_containers(a, w, doc, status);
}
