/* Settings: flag over variable over file over default, and complaints that name the setting. */
#include "options.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/macros.h"

#include "test.h"

static const struct {
    const char *label;
    const char *flag, *variable;
    bool valid;
    struct str said; /* in the complaint */
} cases[] = {
    {"a flag and its value in one word", "--iam=off",                    NULL,                 true,  {0}                             },
    {"a switch needs no value",          "--ephemeral",                  NULL,                 true,  {0}                             },
    {"an unknown flag is named",         "--colour=red",                 NULL,                 false, STR_INIT("--colour=red")        },
    {"a flag without its value",         "--seed",                       NULL,                 false, STR_INIT("--seed needs a value")},
    {"a choice tells its words",         "--iam=maybe",                  NULL,                 false, STR_INIT("enforce|audit|off")   },
    {"a port ends at 65535",             "--aws-listen=127.0.0.1:65536", NULL,                 false, STR_INIT("aws-listen")          },
    {"a variable is named too",          NULL,                           "ELBOW_WORKERS=many", false, STR_INIT("ELBOW_WORKERS")       },
    {"a stray word is refused",          "serve",                        NULL,                 false, STR_INIT("serve")               },
};

TEST(bad_settings_are_refused_with_one_sentence)
{
    CASE_EACH(c, cases) {
        char *argv[] = {(char *)(uintptr_t)c->flag, NULL};
        char *environment[] = {(char *)(uintptr_t)c->variable, NULL};
        struct options options = {0};
        struct arena a = {0};
        struct str why = {0};
        int r = options_read(&a, c->flag != NULL, argv, environment, &options, &why);

        CHECK(c->label, (r == 0) == c->valid);
        CHECK(c->label, str_find(why, c->said) != STR_NONE);
        arena_free(&a);
    }
}

/* The path of a new file with @text in it; the caller removes it. */
static char *file_with(char *path, const char *text)
{
    int fd = mkstemp(path);

    CHECK("a temporary file", fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    (void)close(fd);
    return path;
}

TEST(a_flag_beats_a_variable_beats_the_file_beats_the_default)
{
    char path[] = "/tmp/elbow-options-XXXXXX";
    char *config = file_with(path, "workers: 2\nseed: 2\niam: audit\nimage: [a=/a, b=/b]\n");
    char *argv[] = {(char *)(uintptr_t) "--workers", (char *)(uintptr_t) "4",
                    (char *)(uintptr_t) "--config", config};
    char *environment[] = {(char *)(uintptr_t) "ELBOW_WORKERS=3",
                           (char *)(uintptr_t) "ELBOW_SEED=3", NULL};
    struct options options = {0};
    struct arena a = {0};
    struct str why = {0};

    CHECK("all are valid", options_read(&a, 4, argv, environment, &options, &why) == 0);
    CHECK("the flag", options.workers == 4);
    CHECK("the variable", options.seed == 3);
    CHECK_STR("the file", options.iam, S("audit"));
    CHECK("lists of the file", options.image.n == 2);
    CHECK_STR("the default", options.fixture, S("tutorial"));
    (void)unlink(path);
    arena_free(&a);
}

TEST(a_broken_config_file_is_shown_by_line_and_column)
{
    char path[] = "/tmp/elbow-options-XXXXXX";
    char *argv[] = {(char *)(uintptr_t) "--config", file_with(path, "workers: 2\n  iam: [\n")};
    struct options options = {0};
    struct arena a = {0};
    struct str why = {0};

    CHECK("refused", options_read(&a, 2, argv, NULL, &options, &why) < 0);
    CHECK("line and column", str_find(why, arena_printf(&a, "%s:2:", path)) != STR_NONE);
    (void)unlink(path);
    arena_free(&a);
}

TEST_MAIN(T(bad_settings_are_refused_with_one_sentence),
          T(a_flag_beats_a_variable_beats_the_file_beats_the_default),
          T(a_broken_config_file_is_shown_by_line_and_column))
