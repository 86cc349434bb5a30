/* elbow: the command line. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "commands.h"
#include "emulator.h"
#include "options.h"

static void print_help(FILE *out)
{
    (void)fputs("elbow stands in for Amazon EKS and Elastic Load Balancing on this machine.\n\n"
                "  elbow serve [SETTINGS]   run the server\n",
                out);
    commands_print_help(out);
    (void)fputs("\nSettings of serve (also as ELBOW_NAME, and in the --config file):\n", out);
    options_print_help(out);
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 ||
            (i == 1 && strcmp(argv[i], "help") == 0))
            return true;
    return false;
}

static int serve(int argc, char **argv)
{
    struct options options;
    struct arena a = {0};
    struct str why = {0};
    int status = 2;

    if (options_read(&a, argc, argv, environ, &options, &why) < 0)
        (void)fprintf(stderr, "elbow: %.*s\n", STR_ARG(why));
    else
        status = emulator_serve(&options);
    arena_free(&a);
    return status;
}

int main(int argc, char **argv)
{
    int status;

    if (argc < 2 || asks_for_help(argc, argv)) {
        print_help(argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    if (strcmp(argv[1], "serve") == 0)
        return serve(argc - 2, argv + 2);
    if (command_run(argc, argv, &status))
        return status;
    (void)fprintf(stderr, "elbow: there is no command '%s'; 'elbow --help' lists them\n", argv[1]);
    return 2;
}
