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
    (void)fputs(
        "elbow stands in for Amazon EKS and Elastic Load Balancing on this machine.\n\n"
        "  elbow serve [SETTINGS]   run the server; 'elbow serve --help' lists the settings\n",
        out);
    commands_print_help(out);
    (void)fputs("\nEach has its own --help.\n", out);
}

static void print_help_of_serve(void)
{
    (void)fputs(
        "elbow serve: run the server\n\n"
        "It says on standard error where it listens, writes --ready-file when everything\n"
        "answers, and ends with SIGTERM or SIGINT, exit status 0.\n\n"
        "Settings. Each is a flag, a variable (ELBOW_NAME) and a key of the --config file;\n"
        "a flag wins over the variable, the variable over the file.\n",
        stdout);
    options_print_help(stdout);
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int serve(int argc, char **argv)
{
    struct options options;
    struct arena a = {0};
    struct str why = {0};
    int status = 2;

    if (asks_for_help(argc, argv)) {
        print_help_of_serve();
        return 0;
    }
    if (options_read(&a, argc, argv, environ, &options, &why) < 0)
        (void)fprintf(stderr, "elbow: %.*s\n", STR_ARG(why));
    else
        status = emulator_serve(&options);
    arena_free(&a);
    return status;
}

int main(int argc, char **argv)
{
    static const char *const asking[] = {"help", "--help", "-h"};
    int status;

    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    for (size_t i = 0; i < ARRAY_LEN(asking); i++)
        if (strcmp(argv[1], asking[i]) == 0) {
            print_help(stdout);
            return 0;
        }
    if (strcmp(argv[1], "--version") == 0)
        argv[1] = (char *)(uintptr_t) "version";
    if (strcmp(argv[1], "serve") == 0)
        return serve(argc - 2, argv + 2);
    if (command_run(argc, argv, &status))
        return status;
    (void)fprintf(stderr, "elbow: there is no command '%s'; 'elbow --help' lists them\n", argv[1]);
    return 2;
}
