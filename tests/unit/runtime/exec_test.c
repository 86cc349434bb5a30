/* Commands beside a container of the process runtime, and who is attached to it. */
#include "runtime/pod_runtime.h"

#include <errno.h>
#include <fcntl.h>
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
    struct container_exec *exec;
    struct buf out[LOG_STREAMS];
    struct container_exit how;
    int container_exits, exits, closes;
};

static bool claim(void *data UNUSED, uint8_t block UNUSED)
{
    return true;
}

static void on_container_exit(void *data, const struct container_exit *how UNUSED)
{
    ((struct world *)data)->container_exits++;
}

static void start(struct world *w, const char *script, bool takes_stdin, bool tty)
{
    const struct str command[] = {S("/bin/sh"), S("-c"), str_c(script)};
    static const struct container_mount mounts[] = {
        {.volume = S("v"), .path = S("/var/run/secrets/x")}
    };
    static const struct container_env env[] = {
        {S("COLOUR"), S("blue")}
    };
    struct container_spec spec = {.pod_uid = S("u1"),
                                  .name = S("c"),
                                  .image = S("busybox:1"),
                                  .command = command,
                                  .command_n = ARRAY_LEN(command),
                                  .mounts = mounts,
                                  .mounts_n = ARRAY_LEN(mounts),
                                  .env = env,
                                  .env_n = ARRAY_LEN(env),
                                  .takes_stdin = takes_stdin,
                                  .stdin_once = takes_stdin,
                                  .tty = tty};
    struct str why = {0};

    CHECK("a file",
          pod_runtime_put_file(w->runtime, S("u1"), S("v"), S("token"), S("secret\n"), 0600) == 0);
    CHECK("a container", pod_runtime_start(w->runtime, &w->arena, &spec, on_container_exit, w,
                                           &w->container, &why) == 0);
}

static void open_world(struct world *w)
{
    enum { LONGEST_S = 60 }; /* a test that hangs is ended */
    static const struct fabric_options fabric = {.claim = claim};
    struct runtime_options o = {0};
    struct str why = {0};

    (void)alarm(LONGEST_S);
    *w = (struct world){.folder = "/tmp/elbow-test.XXXXXX"};
    CHECK("a folder", mkdtemp(w->folder) != NULL);
    (void)uv_loop_init(&w->loop);
    clock_init(&w->clock);
    w->fabric = fabric_new(&fabric);
    image_catalogue_init(&w->catalogue);
    CHECK("a catalogue", image_catalogue_read_builtin(&w->catalogue, &w->arena, &why) == 0);
    for (size_t i = 0; i < LOG_STREAMS; i++)
        w->out[i] = buf_init(1 << 22);
    o = (struct runtime_options){.loop = &w->loop,
                                 .clock = &w->clock,
                                 .fabric = w->fabric,
                                 .catalogue = &w->catalogue,
                                 .folder = str_c(w->folder)};
    w->runtime = process_runtime_new(&o);
    CHECK("a pod",
          pod_runtime_add_pod(w->runtime, &(struct pod_sandbox){.uid = S("u1"),
                                                                .namespace = S("ns"),
                                                                .name = S("pod-1"),
                                                                .address = S("192.168.3.4")}) == 0);
}

static void on_closed(void *data)
{
    ((struct world *)data)->closes++;
}

static void close_world(struct world *w)
{
    pod_runtime_close(w->runtime, on_closed, w);
    (void)uv_run(&w->loop, UV_RUN_DEFAULT);
    CHECK("the runtime says that it is gone", w->closes == 1);
    CHECK("the loop holds nothing of it", uv_loop_close(&w->loop) == 0);
    CHECK("nothing is left on disk", rmdir(w->folder) == 0);
    for (size_t i = 0; i < LOG_STREAMS; i++)
        buf_free(&w->out[i]);
    fabric_free(w->fabric);
    image_catalogue_deinit(&w->catalogue);
    arena_free(&w->arena);
}

static void on_output(void *data, enum log_stream stream, struct str bytes)
{
    buf_add(&((struct world *)data)->out[stream], bytes);
}

static void on_exit_of_command(void *data, const struct container_exit *how)
{
    struct world *w = data;

    w->exits++;
    w->exec = NULL;
    w->how = *how;
}

static const struct exec_callbacks *callbacks_of(struct world *w)
{
    static struct exec_callbacks callbacks;

    callbacks = (struct exec_callbacks){on_output, on_exit_of_command, w};
    return &callbacks;
}

static int run(struct world *w, const char *script, bool takes_stdin, bool tty, struct str *ret_why)
{
    const struct str argv[] = {S("sh"), S("-c"), str_c(script)};
    struct exec_options o = {.argv = argv,
                             .argv_n = ARRAY_LEN(argv),
                             .takes_stdin = takes_stdin,
                             .tty = tty,
                             .columns = tty ? 101 : 0,
                             .rows = tty ? 33 : 0};

    return pod_runtime_exec(w->container, &w->arena, &o, callbacks_of(w), &w->exec, ret_why);
}

static void wait_for(struct world *w, const int *what)
{
    while (*what == 0)
        (void)uv_run(&w->loop, UV_RUN_ONCE);
}

static void wait_for_output(struct world *w, struct str text)
{
    while (str_find(buf_str(&w->out[LOG_STDOUT]), text) == STR_NONE)
        (void)uv_run(&w->loop, UV_RUN_ONCE);
}

/* A chroot where nobody mounted /dev/pts has none, and what needs one cannot be asked there. */
static bool has_terminals(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (master >= 0)
        (void)close(master);
    return master >= 0;
}

static const struct {
    const char *label, *script, *input;
    bool tty;
    struct str out, err;
    int code;
} commands[] = {
    {"the outputs are apart",             "echo a; echo b >&2",     NULL,         false, S("a\n"),             S("b\n"), 0  },
    {"the exit code is the command's",    "exit 7",                 NULL,         false, S(""),                S(""),    7  },
    {"a signal is 128 and its number",    "kill -9 $$",             NULL,         false, S(""),                S(""),    137},
    {"the container's environment",       "echo $COLOUR $HOSTNAME", NULL,         false, S("blue pod-1\n"),    S(""),
     0                                                                                                                      },
    {"no stdin is an empty one",          "cat; echo end",          NULL,         false, S("end\n"),           S(""),    0  },
    {"stdin comes, and ends",             "cat; echo end",          "one\ntwo\n", false, S("one\ntwo\nend\n"), S(""),    0  },
    {"a terminal, with its size",         "stty size; tty -s",      NULL,         true,  S("33 101\r\n"),      S(""),    0  },
    {"at a terminal there is one stream", "echo a; echo b >&2",     NULL,         true,  S("a\r\nb\r\n"),      S(""),
     0                                                                                                                      },
};

TEST(a_command_runs_beside_a_container)
{
    CASE_EACH(c, commands) {
        struct str why = {0};
        struct world w;

        if (c->tty && !has_terminals())
            continue;
        open_world(&w);
        start(&w, "sleep 1000", false, false);
        CHECK(c->label, run(&w, c->script, c->input != NULL, c->tty, &why) == 0);
        if (c->input != NULL) {
            container_exec_write(w.exec, str_c(c->input));
            container_exec_write(w.exec, (struct str){0});
        }
        wait_for(&w, &w.exits);
        CHECK_STR(c->label, buf_str(&w.out[LOG_STDOUT]), c->out);
        CHECK_STR(c->label, buf_str(&w.out[LOG_STDERR]), c->err);
        CHECK(c->label, w.how.code == c->code);
        CHECK("the container goes on", w.container_exits == 0);
        close_world(&w);
    }
}

TEST(words_that_are_mounted_paths_are_the_real_ones)
{
    const struct str argv[] = {S("cat"), S("/var/run/secrets/x/token")};
    struct exec_options o = {.argv = argv, .argv_n = ARRAY_LEN(argv)};
    struct str why = {0};
    struct world w;

    open_world(&w);
    start(&w, "sleep 1000", false, false);
    CHECK("it starts",
          pod_runtime_exec(w.container, &w.arena, &o, callbacks_of(&w), &w.exec, &why) == 0);
    wait_for(&w, &w.exits);
    CHECK_STR("the file", buf_str(&w.out[LOG_STDOUT]), S("secret\n"));
    close_world(&w);
}

TEST(an_unknown_program_is_named)
{
    const struct str argv[] = {S("no-such-program")};
    struct exec_options o = {.argv = argv, .argv_n = ARRAY_LEN(argv)};
    struct str why = {0};
    struct world w;

    open_world(&w);
    start(&w, "sleep 1000", false, false);
    CHECK("refused",
          pod_runtime_exec(w.container, &w.arena, &o, callbacks_of(&w), &w.exec, &why) == -ENOENT);
    CHECK_STR("why", why, S("exec: \"no-such-program\": executable file not found in $PATH"));
    close_world(&w);
    CHECK("no callback", w.exits == 0);
}

TEST(a_terminal_is_worked_at)
{
    /* what is typed ahead of ^C may be dropped: each step waits for what the one before shows */
    static const char script[] = "stty -echo; trap 'stty size' WINCH; trap 'exit 3' INT; "
                                 "read line; echo got $line; "
                                 "while :; do sleep 0.01; done";
    struct str why = {0};
    struct world w;

    if (!has_terminals())
        skip();
    open_world(&w);
    start(&w, "sleep 1000", false, false);
    CHECK("it starts", run(&w, script, true, true, &why) == 0);
    container_exec_write(w.exec, S("hello\n"));
    wait_for_output(&w, S("got hello\r\n"));
    container_exec_resize(w.exec, 50, 20);
    wait_for_output(&w, S("20 50\r\n"));
    container_exec_write(w.exec, S("\003"));
    wait_for(&w, &w.exits);
    CHECK("^C came as a signal", w.how.code == 3);
    close_world(&w);
}

TEST(a_command_ends_with_its_container)
{
    struct str why = {0};
    struct world w;

    open_world(&w);
    start(&w, "sleep 1000", false, false);
    CHECK("it runs", run(&w, "sleep 1000", false, false, &why) == 0);
    pod_runtime_stop(w.container, 0);
    wait_for(&w, &w.exits);
    CHECK("killed", w.how.code == 137);
    close_world(&w);
}

TEST(a_closing_runtime_tells_how_commands_ended)
{
    struct str why = {0};
    struct world w;

    open_world(&w);
    start(&w, "sleep 1000", false, false);
    CHECK("it runs", run(&w, "sleep 1000", false, true, &why) == 0);
    close_world(&w);
    CHECK("told", w.exits == 1);
    CHECK("but not of the container", w.container_exits == 0);
}

TEST(a_released_command_is_killed_silently)
{
    struct str why = {0};
    struct world w;

    open_world(&w);
    start(&w, "sleep 1000", false, false);
    CHECK("it runs", run(&w, "sleep 1000", true, false, &why) == 0);
    container_exec_release(w.exec);
    close_world(&w);
    CHECK("no callback", w.exits == 0);
}

TEST(held_output_waits)
{
    struct str why = {0};
    struct world w;

    open_world(&w);
    start(&w, "sleep 1000", false, false);
    CHECK("it runs", run(&w, "head -c 1000000 /dev/zero; sleep 1000", false, false, &why) == 0);
    container_exec_hold(w.exec, true);
    for (int i = 0; i < 20; i++) {
        (void)uv_run(&w.loop, UV_RUN_NOWAIT);
        (void)usleep(1000);
    }
    CHECK("nothing came", w.out[LOG_STDOUT].n == 0);
    container_exec_hold(w.exec, false);
    while (w.out[LOG_STDOUT].n < 1000000)
        (void)uv_run(&w.loop, UV_RUN_ONCE);
    CHECK("then all of it", w.out[LOG_STDOUT].n == 1000000);
    close_world(&w);
}

TEST(who_is_attached_talks_to_the_container)
{
    struct world w;

    open_world(&w);
    start(&w, "while read line; do echo got $line; done; echo over", true, false);
    w.exec = pod_runtime_attach(w.container, callbacks_of(&w));
    container_exec_write(w.exec, S("one\n"));
    wait_for_output(&w, S("got one\n"));
    container_exec_write(w.exec, (struct str){0}); /* stdinOnce */
    wait_for(&w, &w.exits);
    CHECK_STR("all of it", buf_str(&w.out[LOG_STDOUT]), S("got one\nover\n"));
    CHECK("the container's end is its own", w.how.code == 0 && w.container_exits == 1);
    close_world(&w);
}

TEST(a_container_may_have_a_terminal)
{
    struct world w;

    if (!has_terminals())
        skip();
    open_world(&w);
    start(&w, "read x; stty size; echo $x", true, true);
    w.exec = pod_runtime_attach(w.container, callbacks_of(&w));
    container_exec_resize(w.exec, 70, 10);
    container_exec_write(w.exec, S("hello\n"));
    wait_for(&w, &w.exits);
    CHECK_STR("echo, size, answer", buf_str(&w.out[LOG_STDOUT]), S("hello\r\n10 70\r\nhello\r\n"));
    close_world(&w);
}

TEST(where_a_port_of_a_pod_is)
{
    struct sockaddr_in where;
    char text[32] = "";
    struct world w;

    open_world(&w);
    CHECK("known", pod_runtime_locate(w.runtime, S("u1"), 80, &where));
    (void)uv_ip4_name(&where, text, sizeof text);
    CHECK_STR("on loopback", str_c(text), S("127.168.3.4"));
    CHECK("the same port", ntohs(where.sin_port) == 80);
    CHECK("another pod", !pod_runtime_locate(w.runtime, S("u2"), 80, &where));
    close_world(&w);
}

TEST_MAIN(T(a_command_runs_beside_a_container), T(words_that_are_mounted_paths_are_the_real_ones),
          T(an_unknown_program_is_named), T(a_terminal_is_worked_at),
          T(a_command_ends_with_its_container), T(a_closing_runtime_tells_how_commands_ended),
          T(a_released_command_is_killed_silently), T(held_output_waits),
          T(who_is_attached_talks_to_the_container), T(a_container_may_have_a_terminal),
          T(where_a_port_of_a_pod_is))
