/* The small commands: a table of names, each with the request that it makes, if any; and a table of
 * their flags. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/arena.h"
#include "base/memory.h"
#include "environment.h"
#include "net/http_client.h"
#include "ready.h"

/* What the flags of a small command say. */
struct wishes {
    struct str ready_file, data_dir, format;
    bool proxy, help;
};

enum { ENV = 1, STATUS = 2, RESET = 4, LOGS = 8, VERSION = 16, ASKS = ENV | STATUS | RESET | LOGS };

struct command {
    const char *name;
    unsigned bit;              /* in flags[].of */
    const char *method, *path; /* what is asked of the server; NULL: nothing */
    const char *help, *more;
};

static const struct command commands[] = {
    {"env",     ENV,     NULL,   NULL,             "print the variables that point a shell's clients at the server",
     "Use it as: eval \"$(elbow env --proxy)\"; in fish: elbow env --proxy --format fish | source\n"
     "Without --proxy AWS clients get the server as AWS_ENDPOINT_URL, which older ones do not "
     "know;\n"
     "with it they get the server as their proxy, and their own endpoints work as they are.\n"                                                            },
    {"status",  STATUS,  "GET",  "/_elbow/status", "what runs, and where",
     "Prints JSON: process, addresses, kubeconfig, certificate authority, data folder.\n"                                                                 },
    {"reset",   RESET,   "POST", "/_elbow/reset",  "put the world back to its fixture",
     "Everything made since is gone: AWS resources, Kubernetes objects, pods. Ports, folder,\n"
     "certificate authority and flags stay, so the shells that use the server go on.\n"                                                                   },
    {"logs",    LOGS,    "GET",  "/_elbow/logs",   "the server's last log lines",
     "The last 256 KiB of what the server wrote to its standard error.\n"                                                                                 },
    {"version", VERSION, NULL,   NULL,             "print the version",                                              "Prints \"elbow\" and its version.\n"},
};

static const struct flag {
    const char *name;
    unsigned of;       /* bits of the commands that take it */
    const char *takes; /* NULL: it is a switch */
    size_t field;
    const char *help;
} flags[] = {
    {"--proxy",      ENV,            NULL,           offsetof(struct wishes, proxy),
     "lead AWS clients through the server as their proxy"                                            },
    {"--format",     ENV,            "sh|fish|json", offsetof(struct wishes, format),
     "for a POSIX shell (the default), for fish, or as one JSON object"                              },
    {"--ready-file", ASKS,           "FILE",         offsetof(struct wishes, ready_file),
     "of the server that wrote this ready file (also ELBOW_READY_FILE)"                              },
    {"--data-dir",   ASKS,           "DIR",          offsetof(struct wishes, data_dir),
     "of the server that has this folder (also ELBOW_DATA_DIR)"                                      },
    {"--help",       ASKS | VERSION, NULL,           offsetof(struct wishes, help),       "this text"},
};

static int complain(const char *sentence)
{
    (void)fprintf(stderr, "elbow: %s\n", sentence);
    return 1;
}

static void print_flags(FILE *out, unsigned bit)
{
    struct arena a = {0};

    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if ((flags[i].of & bit) != 0)
            (void)fprintf(out, "  %-24s %s\n",
                          arena_printf(&a, "%s %s", flags[i].name,
                                       flags[i].takes == NULL ? "" : flags[i].takes)
                              .at,
                          flags[i].help);
    arena_free(&a);
}

static int print_help_of(const struct command *c)
{
    (void)printf("elbow %s: %s\n\n%s", c->name, c->help, c->more);
    if ((c->bit & ASKS) != 0)
        (void)printf("Of several servers of this user, the one that was started last is meant.\n");
    (void)printf("\n");
    print_flags(stdout, c->bit);
    return 0;
}

static const struct flag *find_flag(struct str name, unsigned bit)
{
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (str_is(name, flags[i].name) && (flags[i].of & bit) != 0)
            return &flags[i];
    return NULL;
}

/* Reads "--name=value", "--name value" and "--switch". False, having complained, when a word is
 * none of the command's. */
static bool read_wishes(struct arena *a, int argc, char **argv, const struct command *c,
                        struct wishes *w)
{
    for (int i = 2; i < argc; i++) {
        struct str name = str_c(argv[i]), value = {0};
        bool given = str_cut(name, '=', &name, &value);
        const struct flag *f = find_flag(str_is(name, "-h") ? S("--help") : name, c->bit);

        if (f == NULL || (f->takes == NULL && given)) {
            (void)complain(
                arena_printf(a, "unknown argument '%s'; 'elbow %s --help' lists those there are",
                             argv[i], c->name)
                    .at);
            return false;
        }
        if (f->takes == NULL) {
            *(bool *)(void *)((char *)w + f->field) = true;
            continue;
        }
        if (!given && i + 1 == argc) {
            (void)complain(arena_printf(a, "%s needs a value: %s", argv[i], f->takes).at);
            return false;
        }
        *(struct str *)(void *)((char *)w + f->field) = given ? value : str_c(argv[++i]);
    }
    return true;
}

/* --- asking the server ------------------------------------------------------------------ */

struct asking {
    struct http_client *client;
    const char *url;
    int status;
};

/* A JSON document is laid out for reading; a log is printed as it is. */
static void print_answer(struct str body)
{
    CLEANUP(json_freep) cJSON *document = json_parse(str_trim(body), NULL);
    char *text = cJSON_IsObject(document) ? cJSON_Print(document) : NULL;

    if (text != NULL)
        (void)printf("%s\n", text);
    else
        (void)fwrite(body.at, 1, body.n, stdout);
    cJSON_free(text);
}

static void on_answer(void *data, const struct http_result *result)
{
    struct asking *ask = data;

    if (result->status == 200) {
        print_answer(result->body);
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
    return complain("--format takes sh, fish or json") + 1;
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
    CLEANUP(json_freep) cJSON *ready = NULL;
    struct str why = {0};

    if (!read_wishes(a, argc, argv, c, &w))
        return 2;
    if (w.help)
        return print_help_of(c);
    if (c->bit == VERSION)
        return printf("elbow %s\n", ELBOW_VERSION) > 0 ? 0 : 1;
    ready = ready_find(a, w.ready_file, w.data_dir, &why);
    if (ready == NULL)
        return complain(arena_cstr(a, why));
    return c->bit == ENV ? print_environment(ready, &w) : ask_server(a, ready, c);
}

void commands_print_help(FILE *out)
{
    struct arena a = {0};

    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        (void)fprintf(out, "  %-24s %s\n", arena_printf(&a, "elbow %s", commands[i].name).at,
                      commands[i].help);
    arena_free(&a);
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
