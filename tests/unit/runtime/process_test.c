/* The process runtime with real programs: output, exits, signals, what a process sees. */
#include "runtime/pod_runtime.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/image_catalogue.h"
#include "test.h"

struct world {
    uv_loop_t loop;
    struct arena arena;
    struct clock clock;
    struct fabric *fabric;
    struct image_catalogue catalogue;
    struct pod_runtime *runtime;
    char folder[32];
    struct container *container;
    struct container_exit how;
    int exits, closes;
};

static bool claim(void *data, uint8_t block)
{
    (void)data;
    (void)block;
    return true;
}

static void open_world(struct world *w)
{
    static const struct fabric_options fabric = {.claim = claim};
    struct runtime_options o = {0};
    struct str why = {0};

    (void)alarm(60); /* a test that hangs is ended */
    *w = (struct world){.folder = "/tmp/elbow-test.XXXXXX"};
    CHECK("a folder", mkdtemp(w->folder) != NULL);
    (void)uv_loop_init(&w->loop);
    clock_init(&w->clock);
    w->fabric = fabric_new(&fabric);
    image_catalogue_init(&w->catalogue);
    CHECK("a catalogue", image_catalogue_read_builtin(&w->catalogue, &w->arena, &why) == 0);
    o = (struct runtime_options){
        .loop = &w->loop,
        .clock = &w->clock,
        .fabric = w->fabric,
        .catalogue = &w->catalogue,
        .folder = str_c(w->folder),
        .ca_file = S("/ca.pem"),
        .proxy = S("http://127.0.0.1:4566"),
    };
    w->runtime = process_runtime_new(&o);
    CHECK("a pod", pod_runtime_add_pod(w->runtime, &(struct pod_sandbox){
                                                       .uid = S("u1"),
                                                       .namespace = S("ns"),
                                                       .name = S("pod-1"),
                                                       .address = S("192.168.3.4"),
                                                       .kube_host = S("127.0.0.1"),
                                                       .kube_port = 6443,
                                                   }) == 0);
}

static void on_closed(void *data)
{
    struct world *w = data;

    w->closes++;
}

static void close_world(struct world *w)
{
    pod_runtime_close(w->runtime, on_closed, w);
    (void)uv_run(&w->loop, UV_RUN_DEFAULT);
    CHECK("the runtime says that it is gone", w->closes == 1);
    CHECK("the loop holds nothing of it", uv_loop_close(&w->loop) == 0);
    CHECK("nothing is left on disk", rmdir(w->folder) == 0);
    fabric_free(w->fabric);
    image_catalogue_deinit(&w->catalogue);
    arena_free(&w->arena);
}

static void on_exit_of_container(void *data, const struct container_exit *how)
{
    struct world *w = data;

    w->exits++;
    w->how = *how;
}

static int start(struct world *w, const char *script, struct str *ret_why)
{
    const struct str command[] = {S("/bin/sh"), S("-c"), str_c(script)};
    static const struct container_mount mounts[] = {
        {.volume = S("token"), .path = S("/var/run/secrets/x")}
    };
    static const struct container_env env[] = {
        {S("TOKEN_FILE"), S("/var/run/secrets/x/token")},
        {S("PLAIN"),      S("/var/run/secretsx/token") },
    };
    struct container_spec spec = {
        .pod_uid = S("u1"),
        .name = S("c"),
        .image = S("busybox:1"),
        .command = command,
        .command_n = ARRAY_LEN(command),
        .mounts = mounts,
        .mounts_n = ARRAY_LEN(mounts),
        .env = env,
        .env_n = ARRAY_LEN(env),
    };

    return pod_runtime_start(w->runtime, &w->arena, &spec, on_exit_of_container, w, &w->container,
                             ret_why);
}

static void run_until_exit(struct world *w, int exits)
{
    while (w->exits < exits)
        (void)uv_run(&w->loop, UV_RUN_ONCE);
}

static struct str log_of(struct world *w, bool previous)
{
    struct log_query all = {.tail_lines = -1};
    struct buf out = buf_init(1 << 16);
    struct container_log *log = pod_runtime_log(w->runtime, S("u1"), S("c"), previous);
    struct str text;

    if (log == NULL)
        return S("no log");
    container_log_read(log, &all, &out);
    text = arena_str(&w->arena, buf_str(&out));
    buf_free(&out);
    return text;
}

static const struct {
    const char *label, *script;
    struct str log;
    int code, signal;
} runs[] = {
    {"both outputs are the log",          "echo out; echo err >&2",                                 S("out\nerr\n"),                      0,   0      },
    {"/dev/stdout can be opened anew",    "echo a >/dev/stdout",                                    S("a\n"),                             0,   0      },
    {"the exit code is the program's",    "exit 3",                                                 S(""),                                3,   0      },
    {"a signal is 128 and its number",    "kill -9 $$",                                             S(""),                                137, SIGKILL},
    {"mounted paths are the real ones",   "cat $TOKEN_FILE",                                        S("secret"),                          0,   0      },
    {"others stay",                       "echo $PLAIN",                                            S("/var/run/secretsx/token\n"),       0,   0      },
    {"the host is named after the pod",   "echo $HOSTNAME",                                         S("pod-1\n"),                         0,   0      },
    {"the pod's address on this machine", "echo $ELBOW_POD_ADDRESS",                                S("127.168.3.4\n"),                   0,   0      },
    {"the door to AWS",                   "echo $HTTPS_PROXY $AWS_CA_BUNDLE",                       S("http://127.0.0.1:4566 /ca.pem\n"), 0,
     0                                                                                                                                                },
    {"the API server",                    "echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT",
     S("127.0.0.1:6443\n"),                                                                                                               0,   0      },
};

TEST(a_program_runs_as_a_container)
{
    CASE_EACH(c, runs) {
        struct str why = {0}, log;
        struct world w;

        open_world(&w);
        CHECK(c->label, pod_runtime_put_file(w.runtime, S("u1"), S("token"), S("token"),
                                             S("secret"), 0600) == 0);
        CHECK(c->label, start(&w, c->script, &why) == 0);
        run_until_exit(&w, 1);
        log = log_of(&w, false);
        CHECK_STR(c->label, str_ends(c->log, S("secret")) ? str_first(log, 6) : log, c->log);
        CHECK(c->label, w.how.code == c->code && w.how.signal == c->signal);
        close_world(&w);
    }
}

TEST(a_stop_is_polite_first)
{
    struct str why = {0};
    struct world w;

    open_world(&w);
    CHECK("it starts",
          start(&w, "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done", &why) ==
              0);
    while (!str_eq(log_of(&w, false), S("up\n")))
        (void)uv_run(&w.loop, UV_RUN_ONCE);
    pod_runtime_stop(w.container, 30000);
    run_until_exit(&w, 1);
    CHECK_STR("SIGTERM was heard", log_of(&w, false), S("up\nbye\n"));
    CHECK("and obeyed", w.how.code == 0 && w.how.signal == 0);
    close_world(&w);
}

TEST(who_does_not_listen_is_killed_with_all_children)
{
    struct str why = {0}, log;
    struct world w;
    int64_t child;

    open_world(&w);
    CHECK("it starts", start(&w, "trap '' TERM; sleep 1000 & echo $!; wait", &why) == 0);
    while ((log = str_trim(log_of(&w, false))).n == 0)
        (void)uv_run(&w.loop, UV_RUN_ONCE);
    CHECK("a child's number", str_to_int(log, &child));
    pod_runtime_stop(w.container, 1);
    run_until_exit(&w, 1);
    CHECK("it was killed", w.how.signal == SIGKILL);
    while (kill((pid_t)child, 0) == 0) /* till init has reaped it */
        (void)usleep(1000);
    CHECK("its child too", errno == ESRCH);
    close_world(&w);
}

TEST(the_previous_instance_keeps_its_log)
{
    struct str why = {0};
    struct world w;

    open_world(&w);
    CHECK("first", start(&w, "echo 1", &why) == 0);
    CHECK("one at a time", start(&w, "echo 1", &why) < 0);
    run_until_exit(&w, 1);
    CHECK("second", start(&w, "echo 2", &why) == 0);
    run_until_exit(&w, 2);
    CHECK_STR("the new one", log_of(&w, false), S("2\n"));
    CHECK_STR("the one before", log_of(&w, true), S("1\n"));
    close_world(&w);
}

TEST(closing_ends_what_runs)
{
    struct str why = {0};
    struct world w;

    open_world(&w);
    CHECK("it starts", start(&w, "sleep 1000", &why) == 0);
    close_world(&w);
    CHECK("no callback comes after the close", w.exits == 0);
}

TEST(an_image_is_pulled_or_not)
{
    struct pulled_image image;
    struct world w;

    open_world(&w);
    CHECK("known", pod_runtime_pull(w.runtime, &w.arena, S("busybox"), &image) == PULL_OK);
    CHECK_STR("its full name", image.name, S("docker.io/library/busybox:latest"));
    CHECK("unknown", pod_runtime_pull(w.runtime, &w.arena, S("a/b"), &image) == PULL_UNKNOWN);
    CHECK("no name", pod_runtime_pull(w.runtime, &w.arena, S("A b"), &image) == PULL_INVALID);
    close_world(&w);
}

TEST_MAIN(T(a_program_runs_as_a_container), T(a_stop_is_polite_first),
          T(who_does_not_listen_is_killed_with_all_children),
          T(the_previous_instance_keeps_its_log), T(closing_ends_what_runs),
          T(an_image_is_pulled_or_not))
