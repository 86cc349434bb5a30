/* Logs of containers, through the pod runtime.
 *
 * Ownership: a follower lives in the exchange's arena; stop_following() ends it and the answer, in
 * one place, whether the container ended, the limit was reached or the client went away.
 * Source: Kubernetes API Reference, "Read log of the specified Pod"; the words are those of the
 * API server and of the kubelet. */
#include "kube/pod_log.h"

#include "kube/answer.h"
#include "runtime/pod_runtime.h"

enum { LARGEST_LOG = 64 << 20, MOST_OWED = 16 << 20 };

/* --- the query ---------------------------------------------------------------------------- */

struct log_options {
    struct str container;
    bool follow, previous;
    struct log_query query;
};

static struct str option(struct kube_call *c, struct str name)
{
    struct str value = {0};

    (void)http_query_get(c->arena, c->request->query, name, &value);
    return value;
}

static bool flag(struct kube_call *c, struct str name)
{
    struct str value;

    return http_query_get(c->arena, c->request->query, name, &value) && !str_is(value, "false") &&
           !str_is(value, "0");
}

static void must_be(struct field_errors *e, struct str field, int64_t value, const char *what)
{
    CLEANUP(json_freep) cJSON *number = cJSON_CreateNumber((double)value);

    field_error_add(e, FIELD_INVALID, field, number, "%s", what);
}

/* A number of the query; *ret_given when it is there. */
static bool number(struct kube_call *c, struct str name, int64_t *ret_value, bool *ret_given)
{
    struct str text = option(c, name);

    *ret_given = text.n > 0;
    if (text.n == 0 || str_to_int(text, ret_value))
        return true;
    return call_bad_request(c, "strconv.ParseInt: parsing \"%.*s\": invalid syntax", STR_ARG(text));
}

static bool read_since(struct kube_call *c, struct log_options *o, struct field_errors *e)
{
    struct str time = option(c, S("sinceTime"));
    int64_t seconds = 0;
    bool given;

    if (!number(c, S("sinceSeconds"), &seconds, &given))
        return false;
    if (given && time.n > 0)
        field_error_add(e, FIELD_FORBIDDEN, S("sinceSeconds"), NULL,
                        "at most one of `sinceTime` or `sinceSeconds` may be specified");
    if (given && seconds < 1)
        must_be(e, S("sinceSeconds"), seconds, "must be greater than 0");
    if (given)
        o->query.since_ms = clock_now(c->kube->clock) - seconds * 1000;
    if (time.n > 0 && !clock_parse_rfc3339(time, &o->query.since_ms))
        return call_bad_request(c,
                                "parsing time \"%.*s\" as \"2006-01-02T15:04:05Z07:00\": cannot "
                                "parse \"%.*s\" as \"2006\"",
                                STR_ARG(time), STR_ARG(time));
    return true;
}

static bool read_options(struct kube_call *c, struct log_options *o)
{
    struct field_errors e = field_errors_new(c->arena);
    int64_t tail = -1, limit = 0;
    bool tail_given, limit_given;

    *o = (struct log_options){
        .container = option(c, S("container")),
        .follow = flag(c, S("follow")),
        .previous = flag(c, S("previous")),
        .query = {.timestamps = flag(c, S("timestamps"))},
    };
    if (!number(c, S("tailLines"), &tail, &tail_given) ||
        !number(c, S("limitBytes"), &limit, &limit_given))
        return false;
    if (tail_given && tail < 0)
        must_be(&e, S("tailLines"), tail, "must be greater than or equal to 0");
    if (limit_given && limit < 1)
        must_be(&e, S("limitBytes"), limit, "must be greater than 0");
    if (!read_since(c, o, &e))
        return false;
    o->query.tail_lines = tail;
    o->query.limit_bytes = limit;
    return e.n == 0 || call_invalid_kind(c, S(""), S("PodLogOptions"), c->target.name, &e);
}

/* --- the container ------------------------------------------------------------------------ */

static const char *const lists[] = {"spec.containers", "spec.initContainers",
                                    "spec.ephemeralContainers"};
static const char *const statuses[] = {"status.containerStatuses", "status.initContainerStatuses",
                                       "status.ephemeralContainerStatuses"};

static const cJSON *named(const cJSON *list, struct str name)
{
    JSON_EACH(item, list)
        if (str_eq(json_str(item, "name"), name))
            return item;
    return NULL;
}

static struct str names_of(struct arena *a, const cJSON *list)
{
    struct str all = {0};

    JSON_EACH(item, list)
        all = arena_printf(a, "%.*s%s%.*s", STR_ARG(all), all.n > 0 ? " " : "",
                           STR_ARG(json_str(item, "name")));
    return all;
}

static bool refuse_nameless(struct kube_call *c, const cJSON *pod)
{
    struct str all = names_of(c->arena, json_get(pod, lists[0]));
    struct str init = names_of(c->arena, json_get(pod, lists[1]));

    if (init.n > 0)
        return call_bad_request(c,
                                "a container name must be specified for pod %.*s, choose one of: "
                                "[%.*s] or one of the init containers: [%.*s]",
                                STR_ARG(c->target.name), STR_ARG(all), STR_ARG(init));
    return call_bad_request(
        c, "a container name must be specified for pod %.*s, choose one of: [%.*s]",
        STR_ARG(c->target.name), STR_ARG(all));
}

bool pod_choose_container(struct kube_call *c, const cJSON *pod, struct str *name)
{
    const cJSON *containers = json_get(pod, lists[0]);

    if (name->n == 0) {
        if (cJSON_GetArraySize(containers) != 1)
            return refuse_nameless(c, pod);
        *name = json_str(cJSON_GetArrayItem(containers, 0), "name");
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (named(json_get(pod, lists[i]), *name) != NULL)
            return true;
    return call_bad_request(c, "container %.*s is not valid for pod %.*s", STR_ARG(*name),
                            STR_ARG(c->target.name));
}

static const cJSON *status_of(const cJSON *pod, struct str container)
{
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        const cJSON *status = named(json_get(pod, statuses[i]), container);

        if (status != NULL)
            return status;
    }
    return NULL;
}

/* Why a container that waits for its first start has no log yet. */
static bool refuse_waiting(struct kube_call *c, const struct log_options *o, const cJSON *waiting)
{
    struct str reason = json_str(waiting, "reason"), why = reason;

    if (str_is(reason, "ErrImagePull"))
        why = S("image can't be pulled");
    else if (str_is(reason, "ImagePullBackOff"))
        why = S("trying and failing to pull image");
    if (waiting == NULL)
        return call_bad_request(
            c, "container \"%.*s\" in pod \"%.*s\" is waiting to start - no logs yet",
            STR_ARG(o->container), STR_ARG(c->target.name));
    return call_bad_request(c, "container \"%.*s\" in pod \"%.*s\" is waiting to start: %.*s",
                            STR_ARG(o->container), STR_ARG(c->target.name), STR_ARG(why));
}

/* Whether the kubelet would have a log to give. */
static bool check_state(struct kube_call *c, const cJSON *pod, const struct log_options *o)
{
    const cJSON *status = status_of(pod, o->container);
    const cJSON *last = json_get(status, "lastState.terminated");

    if (status == NULL)
        return call_bad_request(c, "container \"%.*s\" in pod \"%.*s\" is not available",
                                STR_ARG(o->container), STR_ARG(c->target.name));
    if (o->previous && last == NULL)
        return call_bad_request(c,
                                "previous terminated container \"%.*s\" in pod \"%.*s\" not "
                                "found",
                                STR_ARG(o->container), STR_ARG(c->target.name));
    if (o->previous || last != NULL || json_get(status, "state.running") != NULL ||
        json_get(status, "state.terminated") != NULL)
        return true;
    return refuse_waiting(c, o, json_get(status, "state.waiting"));
}

/* --- following ---------------------------------------------------------------------------- */

struct following {
    struct log_follower follower;
    struct kube_call *call;
    struct container_log *log; /* referenced */
    bool listed;               /* the follower is in the log's list */
};

static void end_call(struct kube_call *c, struct kube_out *out)
{
    if (c->ended != NULL)
        *c->ended = true;
    call_deinit(c);
    out->end(out); /* the arena goes with it */
}

static void stop_following(struct following *f)
{
    struct kube_out *out = f->call->out;

    if (f->listed)
        container_log_unfollow(&f->follower);
    container_log_unref(f->log);
    end_call(f->call, out);
}

static void on_line(struct log_follower *follower, struct str text, bool ended)
{
    struct following *f = container_of(follower, struct following, follower);
    struct kube_out *out = f->call->out;

    if (text.n > 0)
        out->write(out, text);
    if (ended)
        f->listed = false;
    if (ended || follower->query.limit_bytes < 0 || out->queued(out) > MOST_OWED)
        stop_following(f);
}

static void on_gone(void *data)
{
    stop_following(data);
}

static void follow(struct kube_call *c, struct container_log *log, const struct log_options *o)
{
    struct following *f = arena_alloc(c->arena, sizeof *f);
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_LOG);
    struct log_query rest = o->query;

    container_log_read(log, &o->query, &b);
    c->state = CALL_STREAM;
    c->out->start(c->out, 200, answer_headers(c, S("text/plain")));
    if (b.n > 0)
        c->out->write(c->out, buf_str(&b));
    if (rest.limit_bytes > 0 && (int64_t)b.n >= rest.limit_bytes) {
        end_call(c, c->out);
        return;
    }
    if (rest.limit_bytes > 0)
        rest.limit_bytes -= (int64_t)b.n;
    *f = (struct following){.call = c, .log = container_log_ref(log), .listed = true};
    c->out->on_gone(c->out, on_gone, f);
    container_log_follow(log, &f->follower, on_line, &rest);
}

/* --- the answer --------------------------------------------------------------------------- */

void pod_log_answer(struct kube_call *c)
{
    struct object *o = cluster_get(c->cluster, S("pods"), c->target.ns, c->target.name);
    struct pod_runtime *runtime = c->kube->options.runtime;
    struct container_log *log = NULL;
    struct log_options options;

    if (o == NULL) {
        (void)call_not_found(c, c->target.kind, c->target.name);
        return;
    }
    if (!read_options(c, &options) || !pod_choose_container(c, object_doc(o), &options.container))
        return;
    call_answer_raw(c, 200, S("text/plain"), S(""));
    if (json_str(object_doc(o), "spec.nodeName").n == 0)
        return; /* on no node yet: nothing was written */
    if (!check_state(c, object_doc(o), &options))
        return;
    if (runtime != NULL)
        log = pod_runtime_log(runtime, o->uid, options.container, options.previous);
    if (log == NULL)
        return;
    if (options.follow) {
        follow(c, log, &options);
        return;
    }
    c->bytes = buf_init(LARGEST_LOG);
    container_log_read(log, &options.query, &c->bytes);
    call_answer_raw(c, 200, S("text/plain"), buf_str(&c->bytes));
}
