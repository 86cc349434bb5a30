/* The life of one container: its image, its start, its end and what comes after.
 * Source: kubernetes-api.md §6.5 (events, waiting reasons, back-off). */
#include "loops/kubelet_worker.h"

#include <stdlib.h>

#include "base/macros.h"
#include "base/memory.h"
#include "loops/container_spec.h"

enum {
    FIRST_BACKOFF_MS = 10 * 1000,
    LONGEST_BACKOFF_MS = 300 * 1000,
    BACKOFF_FORGOTTEN_MS = 600 * 1000, /* of running well */
    SHOW_PULL_ERROR_MS = 1000,         /* ErrImagePull is seen this long before ImagePullBackOff */
    CONFIG_RETRY_MS = 2000,
    SAYS_CREATED_CONTAINER = 32, /* 1.32 words it with a colon, and images' sizes since 1.27 */
    SAYS_IMAGE_SIZE = 29,
};

void container_wait(struct container_worker *w, const char *reason, struct str message)
{
    free(w->wait_message);
    w->wait_message = NULL;
    w->wait_reason = reason;
    if (message.n == 0)
        return;
    w->wait_message = xcalloc(message.n + 1);
    memcpy(w->wait_message, message.at, message.n);
}

static void wait_for_nothing(struct container_worker *w)
{
    container_wait(w, NULL, (struct str){0});
}

static struct loop_world *world_of(const struct container_worker *w)
{
    return w->pod->controller->world;
}

static int64_t now_of(const struct container_worker *w)
{
    return clock_now(world_of(w)->clock);
}

static int minor_of(const struct container_worker *w)
{
    return world_cluster(world_of(w), w->pod->key.cluster)->minor;
}

static void again_in(struct container_worker *w, int64_t ms)
{
    queue_add_after(&w->pod->controller->queue, &w->pod->key, ms);
}

static void say(struct container_worker *w, struct arena *a, const cJSON *doc, const char *type,
                const char *reason, struct str message)
{
    event_record(w->pod->controller, w->pod->key.cluster, doc,
                 &(struct event){.type = str_c(type),
                                 .reason = str_c(reason),
                                 .message = message,
                                 .host = w->pod->node,
                                 .field_path = arena_printf(
                                     a, "spec.%s{%.*s}", w->init ? "initContainers" : "containers",
                                     STR_ARG(w->name))});
}

/* --- images ----------------------------------------------------------------------------- */

static void say_pulled(struct container_worker *w, struct arena *a, const cJSON *doc,
                       struct str image, const struct pulled_image *pulled)
{
    int minor = minor_of(w);
    struct str text;

    if (minor >= SAYS_IMAGE_SIZE)
        text = arena_printf(a,
                            "Successfully pulled image \"%.*s\" in 1ms (1ms including waiting). "
                            "Image size: %lld bytes.",
                            STR_ARG(image), (long long)pulled->bytes);
    else
        text = arena_printf(a, "Successfully pulled image \"%.*s\"", STR_ARG(image));
    say(w, a, doc, "Normal", "Pulled", text);
}

static void pull_failed(struct container_worker *w, struct arena *a, const cJSON *doc,
                        struct str image, struct str why)
{
    w->image = IMAGE_PULL_FAILED;
    w->pull_backoff = w->pull_backoff == 0                       ? FIRST_BACKOFF_MS
                      : w->pull_backoff * 2 > LONGEST_BACKOFF_MS ? LONGEST_BACKOFF_MS
                                                                 : w->pull_backoff * 2;
    w->pull_again = now_of(w) + w->pull_backoff;
    say(w, a, doc, "Warning", "Failed",
        arena_printf(a, "Failed to pull image \"%.*s\": %.*s", STR_ARG(image), STR_ARG(why)));
    say(w, a, doc, "Warning", "Failed", S("Error: ErrImagePull"));
    container_wait(w, "ErrImagePull", why);
    again_in(w, SHOW_PULL_ERROR_MS);
}

static void pull_backs_off(struct container_worker *w, struct arena *a, const cJSON *doc,
                           struct str image)
{
    struct str text = arena_printf(a, "Back-off pulling image \"%.*s\"", STR_ARG(image));
    struct str message = text;

    if (minor_of(w) >= SAYS_CREATED_CONTAINER && w->wait_message != NULL)
        message = arena_printf(a, "%.*s: ErrImagePull: %s", STR_ARG(text), w->wait_message);
    w->image = IMAGE_PULL_BACKOFF;
    say(w, a, doc, "Normal", "BackOff", text);
    say(w, a, doc, "Warning", "Failed", S("Error: ImagePullBackOff"));
    container_wait(w, "ImagePullBackOff", message);
    again_in(w, w->pull_again - now_of(w));
}

static void pull(struct container_worker *w, struct arena *a, const cJSON *doc, const cJSON *spec)
{
    struct str image = json_str(spec, "image");
    struct pulled_image pulled;
    enum pull_result result = pod_runtime_pull(world_of(w)->runtime, a, image, &pulled);

    if (result == PULL_INVALID) {
        say(w, a, doc, "Warning", "InspectFailed", pulled.why);
        say(w, a, doc, "Warning", "Failed", S("Error: InvalidImageName"));
        container_wait(w, "InvalidImageName", pulled.why);
        return;
    }
    say(w, a, doc, "Normal", "Pulling", arena_printf(a, "Pulling image \"%.*s\"", STR_ARG(image)));
    if (result == PULL_UNKNOWN) {
        pull_failed(w, a, doc, image, pulled.why);
        return;
    }
    say_pulled(w, a, doc, image, &pulled);
    w->image = IMAGE_PULLED;
    w->image_name = arena_str(&w->pod->arena, pulled.name);
    w->image_digest = arena_str(&w->pod->arena, pulled.digest);
}

/* True once the image is there. */
static bool need_image(struct container_worker *w, struct arena *a, const cJSON *doc,
                       const cJSON *spec)
{
    struct str image = json_str(spec, "image");
    int64_t left = w->pull_again - now_of(w);

    if (w->image == IMAGE_PULL_FAILED && left > 0 && left <= w->pull_backoff - SHOW_PULL_ERROR_MS)
        pull_backs_off(w, a, doc, image);
    else if (w->image == IMAGE_PULL_FAILED && left > 0)
        again_in(w, left - (w->pull_backoff - SHOW_PULL_ERROR_MS));
    else if (w->image == IMAGE_PULL_BACKOFF && left > 0)
        again_in(w, left);
    else if (w->image != IMAGE_PULLED)
        pull(w, a, doc, spec);
    else if (w->phase == CONTAINER_WAITING && !w->last.set)
        return true;
    else
        say(w, a, doc, "Normal", "Pulled",
            arena_printf(a, "Container image \"%.*s\" already present on machine", STR_ARG(image)));
    return w->image == IMAGE_PULLED;
}

/* --- the end ---------------------------------------------------------------------------- */

static void on_exit_of_container(void *data, const struct container_exit *how)
{
    struct container_worker *w = data;
    struct pod_worker *pod = w->pod;

    container_stop_probes(w);
    w->running = NULL;
    w->phase = CONTAINER_ENDED;
    w->ready = w->started = false;
    w->end = (struct container_end){
        .set = true, .code = how->code, .started = w->started_at, .finished = now_of(w)};
    memcpy(w->end.id, w->id, sizeof w->end.id);
    if (pod->orphan)
        kubelet_container_of_orphan_ended(pod);
    else
        queue_add(&pod->controller->queue, &pod->key);
}

bool container_is_done(const struct container_worker *w, const cJSON *doc)
{
    struct str policy = json_str(doc, "spec.restartPolicy");
    const cJSON *spec;

    if (w->phase != CONTAINER_ENDED)
        return false;
    if (w->init) {
        spec = cJSON_GetArrayItem(json_get(doc, "spec.initContainers"), (int)w->index);
        if (str_is(json_str(spec, "restartPolicy"), "Always"))
            return false; /* a sidecar */
        return w->end.code == 0 || str_is(policy, "Never");
    }
    return str_is(policy, "Never") || (str_is(policy, "OnFailure") && w->end.code == 0);
}

void container_stop(struct container_worker *w, const cJSON *doc, int64_t grace_ms)
{
    struct arena a = {0};

    if (w->running == NULL)
        return;
    container_stop_probes(w);
    if (doc != NULL && !w->said_stopping)
        say(w, &a, doc, "Normal", "Killing",
            arena_printf(&a, "Stopping container %.*s", STR_ARG(w->name)));
    w->said_stopping = true;
    pod_runtime_stop(w->running, grace_ms);
    arena_free(&a);
}

/* --- the start -------------------------------------------------------------------------- */

static void config_failed(struct container_worker *w, struct arena *a, const cJSON *doc,
                          const char *reason, struct str why)
{
    say(w, a, doc, "Warning", "Failed", arena_printf(a, "Error: %.*s", STR_ARG(why)));
    container_wait(w, reason, why);
    w->try_again = now_of(w) + CONFIG_RETRY_MS;
    again_in(w, CONFIG_RETRY_MS);
}

static void new_id(struct container_worker *w, struct arena *a)
{
    struct str id = ids_hex(world_of(w)->ids, a, CONTAINER_ID_DIGITS);

    memcpy(w->id, id.at, id.n);
    w->id[id.n] = '\0';
}

static void started(struct container_worker *w, struct arena *a, const cJSON *doc,
                    const cJSON *spec)
{
    const char *form = minor_of(w) >= SAYS_CREATED_CONTAINER ? ":" : "";

    if (w->end.set) {
        w->last = w->end;
        w->restarts++;
    }
    w->end = (struct container_end){0};
    w->phase = CONTAINER_RUNNING;
    w->started_at = now_of(w);
    w->said_back_off = w->said_stopping = w->killed_by_liveness = false;
    new_id(w, a);
    wait_for_nothing(w);
    container_reset_probes(w, spec);
    say(w, a, doc, "Normal", "Created",
        arena_printf(a, "Created container%s %.*s", form, STR_ARG(w->name)));
    say(w, a, doc, "Normal", "Started",
        arena_printf(a, "Started container %.*s", STR_ARG(w->name)));
}

static void start(struct container_worker *w, struct arena *a, const cJSON *doc, const cJSON *spec)
{
    struct pod_runtime *rt = world_of(w)->runtime;
    struct container_spec container;
    struct pulled_image image;
    struct str why = {0};

    if (container_spec_plan(world_of(w)->objects, a, w->pod->key.cluster, doc, spec, &container,
                            &why) < 0) {
        config_failed(w, a, doc, "CreateContainerConfigError", why);
        return;
    }
    if (pod_runtime_pull(rt, a, container.image, &image) == PULL_BROKEN) {
        config_failed(w, a, doc, "CreateContainerError", image.why);
        return;
    }
    if (pod_runtime_start(rt, a, &container, on_exit_of_container, w, &w->running, &why) < 0) {
        config_failed(w, a, doc, "CreateContainerError", why);
        return;
    }
    started(w, a, doc, spec);
}

/* --- again ------------------------------------------------------------------------------ */

/* True when the pause before a restart is over. The first restart has none. */
static bool may_restart(struct container_worker *w, struct arena *a, const cJSON *doc)
{
    int64_t now = now_of(w), left;
    struct str subject;

    if (w->backoff > 0 && now - w->backoff_at > BACKOFF_FORGOTTEN_MS)
        w->backoff = 0;
    left = w->end.finished + w->backoff - now;
    if (w->backoff == 0 || left <= 0) {
        w->backoff = w->backoff == 0                       ? FIRST_BACKOFF_MS
                     : w->backoff * 2 > LONGEST_BACKOFF_MS ? LONGEST_BACKOFF_MS
                                                           : w->backoff * 2;
        w->backoff_at = now;
        return true;
    }
    again_in(w, left);
    if (w->said_back_off)
        return false;
    w->said_back_off = true;
    subject = arena_printf(a, "%.*s_%.*s(%.*s)", STR_ARG(w->pod->key.name), STR_ARG(w->pod->key.ns),
                           STR_ARG(w->pod->uid));
    say(w, a, doc, "Warning", "BackOff",
        arena_printf(a, "Back-off restarting failed container %.*s in pod %.*s", STR_ARG(w->name),
                     STR_ARG(subject)));
    container_wait(w, "CrashLoopBackOff",
                   w->backoff >= LONGEST_BACKOFF_MS
                       ? arena_printf(a, "back-off 5m0s restarting failed container=%.*s pod=%.*s",
                                      STR_ARG(w->name), STR_ARG(subject))
                       : arena_printf(a, "back-off %s restarting failed container=%.*s pod=%.*s",
                                      w->backoff == 10000   ? "10s"
                                      : w->backoff == 20000 ? "20s"
                                      : w->backoff == 40000 ? "40s"
                                      : w->backoff == 80000 ? "1m20s"
                                                            : "2m40s",
                                      STR_ARG(w->name), STR_ARG(subject)));
    return false;
}

void container_step(struct container_worker *w, struct arena *a, const cJSON *doc,
                    const cJSON *spec)
{
    if (w->phase == CONTAINER_RUNNING || container_is_done(w, doc))
        return;
    if (w->phase == CONTAINER_ENDED && !may_restart(w, a, doc))
        return;
    if (now_of(w) < w->try_again) {
        again_in(w, w->try_again - now_of(w));
        return;
    }
    if (need_image(w, a, doc, spec))
        start(w, a, doc, spec);
}
