/* Commands beside containers, and containers themselves, on a client's terminal.
 *
 * Ownership: a session is made before the upgrade and freed when its channels are gone; the
 * command, while there is one, is released with it.
 * Source: Kubernetes API Reference, "connect … exec of Pod"; kubernetes-api reference §3.9. */
#include "kube/exec.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/percent.h"
#include "kube/channels.h"
#include "kube/pod_log.h"

#include "runtime/pod_runtime.h"

enum {
    MOST_WORDS = 256,
    HIGH_WATER = 1 << 20, /* bytes that the slower side may owe */
    LOOK_AGAIN_MS = 10,   /* nobody tells when a program has taken its input */
};

struct session {
    struct pod_runtime *runtime; /* borrowed */
    struct channels *channels;
    struct container_exec *exec; /* NULL: not started, or over */
    uv_timer_t timer;            /* runs while the client is held */
    bool held;
    unsigned holders; /* the channels and the timer: freed with the last */
    struct arena arena;
    struct str uid, container;
    struct str *argv; /* none: attach */
    size_t argv_n;
    bool takes_stdin, tty;
};

static void session_release(struct session *s)
{
    if (--s->holders > 0)
        return;
    arena_free(&s->arena);
    free(s);
}

/* --- how it ended --------------------------------------------------------------------------- */

static cJSON *new_status(const char *status)
{
    cJSON *doc = cJSON_CreateObject();

    json_put(doc, S("metadata"), cJSON_CreateObject());
    json_put_str(doc, S("status"), str_c(status));
    return doc;
}

static void put_cause(cJSON *doc, const char *reason, struct str message)
{
    cJSON *cause = cJSON_CreateObject();

    if (reason != NULL)
        json_put_str(cause, S("reason"), str_c(reason));
    json_put_str(cause, S("message"), message);
    cJSON_AddItemToArray(json_need_array(doc, "details.causes"), cause);
}

static cJSON *exit_status(struct session *s, int code)
{
    struct str words = {0};
    cJSON *doc;

    if (code == 0 || s->argv_n == 0)
        return new_status("Success");
    for (size_t i = 0; i < s->argv_n; i++)
        words = arena_printf(&s->arena, "%.*s%s%.*s", STR_ARG(words), i > 0 ? " " : "",
                             STR_ARG(s->argv[i]));
    doc = new_status("Failure");
    json_put_str(doc, S("message"),
                 arena_printf(&s->arena,
                              "command terminated with non-zero exit code: error executing command "
                              "[%.*s], exit code %d",
                              STR_ARG(words), code));
    json_put_str(doc, S("reason"), S("NonZeroExitCode"));
    put_cause(doc, "ExitCode", arena_printf(&s->arena, "%d", code));
    return doc;
}

static cJSON *start_failure(struct session *s, struct str why)
{
    cJSON *doc = new_status("Failure");
    struct str cause = arena_printf(&s->arena,
                                    "error executing command in container: failed to exec in "
                                    "container: failed to start exec: OCI runtime exec failed: "
                                    "exec failed: unable to start container process: %.*s: unknown",
                                    STR_ARG(why));

    json_put_str(doc, S("message"),
                 arena_printf(&s->arena, "Internal error occurred: %.*s", STR_ARG(cause)));
    json_put_str(doc, S("reason"), S("InternalError"));
    put_cause(doc, NULL, cause);
    json_put_int(doc, S("code"), 500);
    return doc;
}

static void finish(struct session *s, cJSON *status)
{
    channels_finish(s->channels, status);
    cJSON_Delete(status);
}

/* --- from the program ----------------------------------------------------------------------- */

static void on_output(void *data, enum log_stream stream, struct str bytes)
{
    struct session *s = data;

    channels_send(s->channels, stream == LOG_STDERR ? CHANNEL_STDERR : CHANNEL_STDOUT, bytes);
    if (channels_queued(s->channels) > HIGH_WATER && s->exec != NULL)
        container_exec_hold(s->exec, true);
}

static void on_exit_of_program(void *data, const struct container_exit *how)
{
    struct session *s = data;

    s->exec = NULL;
    finish(s, exit_status(s, how->code));
}

/* --- from the client ------------------------------------------------------------------------ */

static void on_ready(void *data)
{
    static struct str why_none = STR_INIT("container not found");
    struct session *s = data;
    struct exec_callbacks callbacks = {on_output, on_exit_of_program, s};
    struct exec_options o = {
        .argv = s->argv, .argv_n = s->argv_n, .takes_stdin = s->takes_stdin, .tty = s->tty};
    struct container *container = pod_runtime_find(s->runtime, s->uid, s->container);
    struct str why = why_none;

    if (container == NULL) {
        finish(s, start_failure(s, why));
        return;
    }
    if (s->argv_n == 0) {
        s->exec = pod_runtime_attach(container, &callbacks);
        return;
    }
    if (pod_runtime_exec(container, &s->arena, &o, &callbacks, &s->exec, &why) < 0) {
        s->exec = NULL;
        finish(s, start_failure(s, why));
    }
}

static void on_look(uv_timer_t *timer)
{
    struct session *s = container_of(timer, struct session, timer);

    if (s->exec != NULL && container_exec_unsent(s->exec) > HIGH_WATER / 2)
        return;
    (void)uv_timer_stop(timer);
    s->held = false;
    channels_hold(s->channels, false);
}

static void write_stdin(struct session *s, struct str bytes)
{
    container_exec_write(s->exec, bytes);
    if (s->held || container_exec_unsent(s->exec) <= HIGH_WATER)
        return;
    s->held = true;
    channels_hold(s->channels, true);
    (void)uv_timer_start(&s->timer, on_look, LOOK_AGAIN_MS, LOOK_AGAIN_MS);
}

static void resize(struct session *s, struct str text)
{
    CLEANUP(json_freep) cJSON *size = json_parse(str_trim(text), NULL);
    int64_t width = json_int(size, "Width", 0), height = json_int(size, "Height", 0);

    if (width > 0 && width <= UINT16_MAX && height > 0 && height <= UINT16_MAX)
        container_exec_resize(s->exec, (uint16_t)width, (uint16_t)height);
}

static void on_input(void *data, enum channel ch, struct str bytes)
{
    struct session *s = data;

    if (s->exec == NULL)
        return;
    if (ch == CHANNEL_RESIZE)
        resize(s, bytes);
    else if (s->takes_stdin)
        write_stdin(s, bytes);
}

static void on_end(void *data, enum channel ch)
{
    struct session *s = data;

    if (ch == CHANNEL_STDIN && s->exec != NULL && s->takes_stdin && s->argv_n > 0)
        container_exec_write(s->exec, S(""));
}

static void on_drained(void *data)
{
    struct session *s = data;

    if (s->exec != NULL)
        container_exec_hold(s->exec, false);
}

static void on_timer_closed(uv_handle_t *handle)
{
    session_release(handle->data);
}

static void on_channels_closed(void *data)
{
    struct session *s = data;

    if (s->exec != NULL)
        container_exec_release(TAKE(s->exec));
    uv_close((uv_handle_t *)&s->timer, on_timer_closed);
    session_release(s);
}

/* --- the call ------------------------------------------------------------------------------- */

static bool flag(struct kube_call *c, struct str name)
{
    struct str value;

    return http_query_get(c->arena, c->request->query, name, &value) &&
           (str_is(value, "1") || str_is(value, "true"));
}

/* The words of a command are repeated in the query. */
static void read_command(struct kube_call *c, struct session *s)
{
    struct str query = c->request->query, part, name, value;

    s->argv = arena_array(&s->arena, MOST_WORDS, sizeof *s->argv);
    while (str_next(&query, '&', &part) && s->argv_n < MOST_WORDS)
        if (str_cut(part, '=', &name, &value) && str_is(name, "command") &&
            percent_decode(&s->arena, value, true, &s->argv[s->argv_n]))
            s->argv_n++;
}

/* The pod's container that is meant, running; false: refused. */
static bool find_container(struct kube_call *c, struct str *ret_uid, struct str *ret_container)
{
    struct object *pod = cluster_get(c->cluster, S("pods"), c->target.ns, c->target.name);
    struct str name = {0};

    if (pod == NULL)
        return call_not_found(c, c->target.kind, c->target.name);
    (void)http_query_get(c->arena, c->request->query, S("container"), &name);
    if (!pod_choose_container(c, object_doc(pod), &name))
        return false;
    if (json_str(object_doc(pod), "spec.nodeName").n == 0)
        return call_bad_request(c, "pod %.*s does not have a host assigned",
                                STR_ARG(c->target.name));
    if (c->kube->options.runtime == NULL ||
        pod_runtime_find(c->kube->options.runtime, pod->uid, name) == NULL) {
        call_answer_raw(c, 500, S("text/plain; charset=utf-8"),
                        arena_printf(c->arena, "container not found (\"%.*s\")", STR_ARG(name)));
        return false;
    }
    *ret_uid = pod->uid;
    *ret_container = name;
    return true;
}

static void start(struct kube_call *c, bool command)
{
    static const struct channels_events events = {on_ready, on_input, on_end, on_drained,
                                                  on_channels_closed};
    struct channels_wanted wanted = {{0}};
    struct str uid, container;
    struct session *s;

    if (!find_container(c, &uid, &container))
        return;
    s = xcalloc(sizeof *s);
    *s = (struct session){.runtime = c->kube->options.runtime,
                          .holders = 2,
                          .takes_stdin = flag(c, S("stdin")),
                          .tty = flag(c, S("tty"))};
    s->uid = arena_str(&s->arena, uid);
    s->container = arena_str(&s->arena, container);
    if (command)
        read_command(c, s);
    wanted.on[CHANNEL_STDIN] = s->takes_stdin;
    wanted.on[CHANNEL_STDOUT] = flag(c, S("stdout"));
    wanted.on[CHANNEL_STDERR] = flag(c, S("stderr")) && !s->tty;
    wanted.on[CHANNEL_RESIZE] = s->tty;
    wanted.on[CHANNEL_ERROR] = true;
    if (command && s->argv_n == 0) {
        (void)call_bad_request(c, "you must specify at least one command for the container");
    } else if (!wanted.on[CHANNEL_STDIN] && !wanted.on[CHANNEL_STDOUT] &&
               !wanted.on[CHANNEL_STDERR]) {
        (void)call_bad_request(c, "you must specify at least 1 of stdin, stdout, stderr");
    } else {
        (void)uv_timer_init(c->kube->options.loop, &s->timer);
        s->timer.data = s;
        if (channels_accept(c, &wanted, &events, s, &s->channels))
            return;
        s->holders = 1;
        uv_close((uv_handle_t *)&s->timer, on_timer_closed);
        return;
    }
    s->holders = 1;
    session_release(s);
}

void exec_answer(struct kube_call *c)
{
    start(c, true);
}

void attach_answer(struct kube_call *c)
{
    start(c, false);
}
