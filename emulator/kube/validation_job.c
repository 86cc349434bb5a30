/* Jobs and CronJobs. Source: Kubernetes, pkg/apis/batch/validation. */
#include "kube/validation_kinds.h"

static const char *const completion_modes[] = {"Indexed", "NonIndexed"};
static const char *const concurrency[] = {"Allow", "Forbid", "Replace"};
static const char *const restart_policies[] = {"OnFailure", "Never"};

static void check_restart(struct checks *c, struct str place, const cJSON *template)
{
    const cJSON *policy = json_get(template, "spec.restartPolicy");
    struct str word = json_text(policy), at = at_child(c, place, "template.spec.restartPolicy");

    if (word.n == 0 || str_is(word, "Always"))
        find_required(c, at, "valid values: \"OnFailure\", \"Never\"");
    else
        check_choice(c, at, policy, restart_policies, ARRAY_LEN(restart_policies));
}

static void check_job_spec(struct checks *c, struct str place, const cJSON *spec)
{
    static const char *const counts[] = {"parallelism", "completions", "activeDeadlineSeconds",
                                         "backoffLimit", "ttlSecondsAfterFinished"};

    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        check_not_negative(c, place, spec, counts[i]);
    CHECK_CHOICE(c, at_child(c, place, "completionMode"), json_get(spec, "completionMode"),
                 completion_modes);
    if (str_is(json_str(spec, "completionMode"), "Indexed") &&
        json_get(spec, "completions") == NULL)
        find_required(c, at_child(c, place, "completions"), "when completion mode is Indexed");
    check_pod_template(c, at_child(c, place, "template"), json_get(spec, "template"));
    check_restart(c, place, json_get(spec, "template"));
}

void validate_job(struct checks *c, const cJSON *old, const cJSON *doc)
{
    static const char *const fixed[] = {"completions", "selector", "completionMode",
                                        "podFailurePolicy", "backoffLimitPerIndex"};
    const cJSON *spec = json_get(doc, "spec");

    check_job_spec(c, S("spec"), spec);
    if (old == NULL)
        return;
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        check_immutable(c, at_child(c, S("spec"), fixed[i]),
                        json_get(json_get(old, "spec"), fixed[i]), json_get(spec, fixed[i]));
    if (!json_bool(old, "spec.suspend", false)) /* a suspended one may still be directed */
        check_immutable(c, S("spec.template"), json_get(old, "spec.template"),
                        json_get(spec, "template"));
}

/* --- CronJob -------------------------------------------------------------------------------- */

/* The five fields of a schedule, or one of the names that stand for some. */
static void check_schedule(struct checks *c, struct str schedule)
{
    static const char *const named[] = {"@yearly", "@annually", "@monthly", "@weekly",
                                        "@daily",  "@midnight", "@hourly"};
    struct str rest = schedule, part, shown = {0};
    size_t n = 0;

    if (schedule.n == 0) {
        find_required(c, S("spec.schedule"), "");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(named); i++)
        if (str_is(schedule, named[i]))
            return;
    if (str_starts(schedule, S("@every ")))
        return;
    while (str_next(&rest, ' ', &part)) {
        if (part.n == 0)
            continue;
        shown =
            arena_printf(c->arena, "%.*s%s%.*s", STR_ARG(shown), n > 0 ? " " : "", STR_ARG(part));
        n++;
    }
    if (n != 5)
        find_invalid_text(c, S("spec.schedule"), schedule,
                          arena_printf(c->arena, "expected exactly 5 fields, found %zu: [%.*s]", n,
                                       STR_ARG(shown))
                              .at);
}

void validate_cronjob(struct checks *c, const cJSON *old, const cJSON *doc)
{
    enum { LONGEST_NAME = 52 }; /* its jobs' names are eleven longer */
    static const char *const counts[] = {"startingDeadlineSeconds", "successfulJobsHistoryLimit",
                                         "failedJobsHistoryLimit"};
    const cJSON *spec = json_get(doc, "spec");
    struct str name = json_str(doc, "metadata.name");

    if (name.n > LONGEST_NAME && old == NULL)
        find_invalid_text(c, S("metadata.name"), name, "must be no more than 52 characters");
    check_schedule(c, json_str(spec, "schedule"));
    CHECK_CHOICE(c, S("spec.concurrencyPolicy"), json_get(spec, "concurrencyPolicy"), concurrency);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        check_not_negative(c, S("spec"), spec, counts[i]);
    check_job_spec(c, S("spec.jobTemplate.spec"), json_get(spec, "jobTemplate.spec"));
}
