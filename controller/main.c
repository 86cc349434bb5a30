/* alb-ingress-controller: the command line. */
#include <stdio.h>
#include <unistd.h>

#include "klog.h"
#include "program.h"

enum { FATAL = 255, USAGE = 2 };

static int complain(struct arena *a, struct str error, bool usage)
{
    struct str text;

    if (usage) {
        text = settings_usage(a);
        (void)fprintf(error.n > 0 ? stderr : stdout, "%.*s%s%.*s", STR_ARG(error),
                      error.n > 0 ? "\n" : "", STR_ARG(text));
        return error.n > 0 ? USAGE : 0;
    }
    if (error.n > 0)
        klog_write(KLOG_FATAL, "main.go:61", "%.*s", STR_ARG(error));
    return error.n > 0 ? FATAL : 0;
}

int main(int argc, char **argv)
{
    struct arena a = {0};
    struct settings settings;
    struct str error, banner = program_banner(&a);
    bool usage, ok;
    int status;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    ok = settings_read(&a, argc, argv, environ, &settings, &error, &usage);
    if (ok && settings.explain.n > 0) {
        status = program_explain(&settings);
    } else {
        if (!usage)
            (void)printf("%.*s\n", STR_ARG(banner));
        status = ok ? program_run(&settings) : complain(&a, error, usage);
    }
    arena_free(&a);
    return status;
}
