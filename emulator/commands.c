/* The small commands: a table of names, each with the request that it makes, if any. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/arena.h"
#include "base/memory.h"
#include "environment.h"
#include "net/http_client.h"
#include "ready.h"

/* What the flags of a small command say; `env` takes all, the others the first two. */
struct wishes {
    struct str ready_file, data_dir, format;
    bool proxy;
};

struct command {
    const char *name;
    const char *method, *path; /* what is asked of the server; NULL: nothing */
    const char *help;
};

static const struct command commands[] = {
    {"env",     NULL,   NULL,             "print the variables that point a shell's clients at the server"},
    {"status",  "GET",  "/_elbow/status", "what runs, and where"                                          },
    {"reset",   "POST", "/_elbow/reset",  "put the world back to its fixture"                             },
    {"logs",    "GET",  "/_elbow/logs",   "the server's last log lines"                                   },
    {"version", NULL,   NULL,             "print the version"                                             },
};

static int complain(const char *sentence)
{
    (void)fprintf(stderr, "elbow: %s\n", sentence);
    return 1;
}

static bool take_flag(struct str argument, const char *name, struct str *ret_value)
{
    struct str key, value;

    if (!str_cut(argument, '=', &key, &value) || !str_is(key, name))
        return false;
    *ret_value = value;
    return true;
}

/* Flags as "--name=value", "--name value", and --proxy. NULL, or the argument that is none. */
static const char *read_wishes(struct arena *a, int argc, char **argv, bool env, struct wishes *w)
{
    for (int i = 2; i < argc; i++) {
        struct str argument = str_c(argv[i]);

        if (env && str_is(argument, "--proxy")) {
            w->proxy = true;
            continue;
        }
        if (str_starts(argument, S("--")) && str_chr(argument, '=') == STR_NONE && i + 1 < argc)
            argument = arena_printf(a, "%s=%s", argv[i], argv[i + 1]), i++;
        if (!take_flag(argument, "--ready-file", &w->ready_file) &&
            !take_flag(argument, "--data-dir", &w->data_dir) &&
            !(env && take_flag(argument, "--format", &w->format)))
            return argv[i];
    }
    return NULL;
}

/* --- asking the server ------------------------------------------------------------------ */

struct asking {
    struct http_client *client;
    const char *url;
    int status;
};

static void on_answer(void *data, const struct http_result *result)
{
    struct asking *ask = data;

    if (result->status == 200) {
        (void)fwrite(result->body.at, 1, result->body.n, stdout);
        ask->status = 0;
    } else if (result->error < 0) {
        (void)fprintf(stderr, "elbow: the server at %s does not answer: %.*s\n", ask->url,
                      STR_ARG(result->why));
    } else {
        (void)fprintf(stderr, "elbow: the server at %s refused (%d): %.*s", ask->url,
                      result->status, STR_ARG(result->body));
    }
    http_client_close(ask->client, NULL, NULL);
}

static int ask_server(struct arena *a, const cJSON *ready, const struct command *c)
{
    uv_loop_t loop;
    struct http_client_options options = {.loop = &loop};
    struct str url = arena_printf(a, "%s%s", json_str(ready, "aws").at, c->path);
    struct asking ask = {.url = url.at, .status = 1};
    struct http_call_options call = {
        .method = str_c(c->method), .url = url, .on_done = on_answer, .data = &ask};

    (void)uv_loop_init(&loop);
    ask.client = http_client_new(&options);
    (void)http_client_send(ask.client, &call);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    return ask.status;
}

/* --- the commands ------------------------------------------------------------------------ */

static int print_environment(const cJSON *ready, const struct wishes *w)
{
    static const char *const formats[] = {"sh", "fish", "json"};

    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (str_is(w->format, formats[i])) {
            environment_print(stdout, ready, w->proxy, (enum environment_format)i);
            return 0;
        }
    return complain("--format takes sh, fish or json");
}

static struct str variable(const char *name)
{
    return str_c(getenv(name));
}

static int run(struct arena *a, const struct command *c, int argc, char **argv)
{
    struct wishes w = {.ready_file = variable("ELBOW_READY_FILE"),
                       .data_dir = variable("ELBOW_DATA_DIR"),
                       .format = S("sh")};
    bool env = strcmp(c->name, "env") == 0;
    const char *unknown = read_wishes(a, argc, argv, env, &w);
    CLEANUP(json_freep) cJSON *ready = NULL;
    struct str why = {0};

    if (unknown != NULL)
        return complain(arena_printf(a,
                                     "unknown argument '%s'; '%s' takes --ready-file FILE and "
                                     "--data-dir DIR%s",
                                     unknown, c->name,
                                     env ? ", --proxy and --format sh|fish|json" : "")
                            .at);
    if (strcmp(c->name, "version") == 0)
        return printf("elbow %s\n", ELBOW_VERSION) > 0 ? 0 : 1;
    ready = ready_find(a, w.ready_file, w.data_dir, &why);
    if (ready == NULL)
        return complain(arena_cstr(a, why));
    return env ? print_environment(ready, &w) : ask_server(a, ready, c);
}

void commands_print_help(FILE *out)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        (void)fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
}

bool command_run(int argc, char **argv, int *ret_status)
{
    struct arena a = {0};

    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            *ret_status = run(&a, &commands[i], argc, argv);
            arena_free(&a);
            return true;
        }
    return false;
}
