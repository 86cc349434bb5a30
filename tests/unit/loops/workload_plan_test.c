/* The rules of DaemonSets, StatefulSets and Jobs as tables. */
#include "loops/daemonset_plan.h"
#include "loops/job_plan.h"
#include "loops/statefulset_plan.h"

#include "test.h"

/* --- DaemonSets ------------------------------------------------------------------------------- */

static const struct {
    const char *label, *pod, *labels, *taints;
    enum daemon_verdict want;
} verdicts[] = {
    {"any node",                        "{}",                                                       "{}",            "[]",                                          DAEMON_WANTED},
    {"a label that is there",           "{\"spec\":{\"nodeSelector\":{\"a\":\"b\"}}}",              "{\"a\":\"b\"}", "[]",
     DAEMON_WANTED                                                                                                                                                               },
    {"a label that is not",             "{\"spec\":{\"nodeSelector\":{\"a\":\"b\"}}}",              "{}",            "[]",                                          DAEMON_GOES  },
    {"a taint that keeps new ones out", "{}",                                                       "{}",            "[{\"key\":\"k\",\"effect\":\"NoSchedule\"}]",
     DAEMON_STAYS                                                                                                                                                                },
    {"a taint that drives out",         "{}",                                                       "{}",            "[{\"key\":\"k\",\"effect\":\"NoExecute\"}]",
     DAEMON_GOES                                                                                                                                                                 },
    {"a taint that is tolerated",       "{\"spec\":{\"tolerations\":[{\"operator\":\"Exists\"}]}}", "{}",
     "[{\"key\":\"k\",\"effect\":\"NoExecute\"}]",                                                                                                                  DAEMON_WANTED},
};

TEST(daemons_and_nodes)
{
    CASE_EACH(c, verdicts) {
        struct arena a = {0};
        cJSON *pod = json_parse(str_c(c->pod), NULL), *labels = json_parse(str_c(c->labels), NULL);
        cJSON *taints = json_parse(str_c(c->taints), NULL);

        CHECK(c->label,
              daemon_verdict(pod, S("n1"), labels_of_tree(&a, labels), taints) == c->want);
        cJSON_Delete(pod);
        cJSON_Delete(labels);
        cJSON_Delete(taints);
        arena_free(&a);
    }
}

/* Pods as letters at their node: F fresh and available, f fresh, O old and available, o old,
 * X failed, D being deleted. Results: + a pod is made there, - one goes. */
static const struct {
    const char *label, *pods[3];
    char nodes[4]; /* w wanted, s stays, g goes */
    int64_t unavailable, surge;
    bool on_delete;
    const char *want[3];
} rollouts[] = {
    {"each wanted node gets one",            {"", "F", ""},    "wwg", 1, 0, false, {"+", "", ""} },
    {"where none may be it goes",            {"F", "F", "o"},  "gsg", 1, 0, false, {"-", "", "-"}},
    {"a failed one is replaced",             {"X", "F", "F"},  "www", 1, 0, false, {"+-", "", ""}},
    {"a node waits for the end of the last", {"D", "F", "F"},  "www", 1, 0, false, {"", "", ""}  },
    {"of two the available one stays",       {"fF", "F", "F"}, "www", 1, 0, false, {"-", "", ""} },
    {"one old one at a time",                {"O", "O", "O"},  "www", 1, 0, false, {"-", "", ""} },
    {"as many as may be missing",            {"O", "O", "O"},  "www", 2, 0, false, {"-", "-", ""}},
    {"missing ones count",                   {"f", "O", "O"},  "www", 1, 0, false, {"", "", ""}  },
    {"old ones of no use go at once",        {"o", "o", "O"},  "www", 1, 0, false, {"-", "-", ""}},
    {"OnDelete leaves old ones alone",       {"O", "O", ""},   "www", 1, 0, true,  {"", "", "+"} },
    {"with surge the new one comes first",   {"O", "O", "O"},  "www", 0, 1, false, {"+", "", ""} },
    {"and waits till it is available",       {"Of", "O", "O"}, "www", 0, 1, false, {"", "", ""}  },
    {"then the old one goes",                {"OF", "O", "O"}, "www", 0, 1, false, {"-", "", ""} },
};

static size_t read_daemons(const char *const *pods, struct daemon_pod *to)
{
    size_t n = 0;

    for (size_t node = 0; node < 3; node++)
        for (const char *c = pods[node]; *c != '\0'; c++)
            to[n++] = (struct daemon_pod){.node = node,
                                          .fresh = *c == 'F' || *c == 'f',
                                          .available = *c == 'F' || *c == 'O',
                                          .over = *c == 'X',
                                          .failed = *c == 'X',
                                          .deleting = *c == 'D',
                                          .created = (int64_t)n};
    return n;
}

TEST(daemons_roll)
{
    CASE_EACH(c, rollouts) {
        struct arena a = {0};
        struct daemon_pod pods[8];
        enum daemon_verdict nodes[3];
        struct daemon_plan p = {.nodes = nodes,
                                .nodes_n = 3,
                                .pods = pods,
                                .max_unavailable = c->unavailable,
                                .max_surge = c->surge,
                                .on_delete = c->on_delete};

        for (size_t i = 0; i < 3; i++)
            nodes[i] = c->nodes[i] == 'w'   ? DAEMON_WANTED
                       : c->nodes[i] == 's' ? DAEMON_STAYS
                                            : DAEMON_GOES;
        p.pods_n = read_daemons(c->pods, pods);
        daemonset_plan(&a, &p);
        for (size_t i = 0; i < 3; i++) {
            char got[8] = "", *at = got;

            if (p.create[i])
                *at++ = '+';
            for (size_t k = 0; k < p.pods_n; k++)
                if (pods[k].node == i && pods[k].doomed)
                    *at++ = '-';
            CHECK_STR(c->label, str_c(got), str_c(c->want[i]));
        }
        arena_free(&a);
    }
}

/* --- StatefulSets ----------------------------------------------------------------------------- */

/* Pods by ordinal as above: F, f, O, o (capital: healthy), X failed, D being deleted, '.' none.
 * Behind '|' those beyond the wanted ones. Results: + made fresh, = made of the template before,
 * - dropped, ~ dropped and made again. */
static const struct {
    const char *label, *pods;
    bool parallel, on_delete, has_partition;
    size_t partition, current;
    const char *want;
} ordinals[] = {
    {"the first one first",              "...",  false, false, false, 0, 0, "+.." },
    {"the next when it is healthy",      "F..",  false, false, false, 0, 0, "F+." },
    {"and not before",                   "f..",  false, false, false, 0, 0, "f.." },
    {"in parallel all at once",          "f..",  true,  false, false, 0, 0, "f++" },
    {"a failed one is made again",       "FX.",  false, false, false, 0, 0, "F~." },
    {"one on its way out is waited for", "FDF",  false, false, false, 0, 0, "FDF" },
    {"the last one goes first",          "F|FF", false, false, false, 0, 0, "F|F-"},
    {"one after the other",              "F|FD", false, false, false, 0, 0, "F|FD"},
    {"in parallel all go",               "F|FF", true,  false, false, 0, 0, "F|--"},
    {"a rollout starts with the last",   "OOO",  false, false, false, 0, 3, "OO-" },
    {"waits for it",                     "OOf",  false, false, false, 0, 2, "OOf" },
    {"makes it of the new template",     "OO.",  false, false, false, 0, 2, "OO+" },
    {"goes on downwards",                "OOF",  false, false, false, 0, 2, "O-F" },
    {"and ends",                         "FFF",  false, false, false, 0, 0, "FFF" },
    {"a partition keeps the first ones", "OOF",  false, false, true,  2, 2, "OOF" },
    {"even when they are made again",    ".OF",  false, false, true,  2, 2, "=OF" },
    {"OnDelete waits for the user",      "OOO",  false, true,  false, 0, 3, "OOO" },
    {"and then takes the new template",  "O.O",  false, true,  false, 0, 2, "O+O" },
};

static struct stateful_pod read_ordinal(char c)
{
    return (struct stateful_pod){.exists = c != '.',
                                 .fresh = c == 'F' || c == 'f',
                                 .healthy = c == 'F' || c == 'O',
                                 .over = c == 'X',
                                 .terminating = c == 'D'};
}

TEST(ordinals_in_order)
{
    CASE_EACH(c, ordinals) {
        struct stateful_pod pods[8];
        struct stateful_plan p = {.wanted = pods,
                                  .parallel = c->parallel,
                                  .on_delete = c->on_delete,
                                  .has_partition = c->has_partition,
                                  .partition = c->partition,
                                  .current_replicas = c->current};
        size_t n = 0;
        bool extra = false;
        char got[16] = "", *at = got;

        for (const char *l = c->pods; *l != '\0'; l++) {
            if (*l == '|') {
                extra = true;
                continue;
            }
            pods[n++] = read_ordinal(*l);
            p.wanted_n += !extra;
            p.extra_n += extra;
        }
        p.extra = &pods[p.wanted_n];
        statefulset_plan(&p);
        n = 0;
        for (const char *l = c->pods; *l != '\0'; l++) {
            const struct stateful_pod *pod = &pods[n];

            if (*l == '|') {
                *at++ = '|';
                continue;
            }
            *at++ = pod->make && pod->drop         ? '~'
                    : pod->make && pod->make_fresh ? '+'
                    : pod->make                    ? '='
                    : pod->drop                    ? '-'
                                                   : *l;
            n++;
        }
        CHECK_STR(c->label, str_c(got), str_c(c->want));
    }
}

/* --- Jobs ------------------------------------------------------------------------------------- */

/* @at and @deadline in seconds since the start, 100 s ago; -1: none. */
static const struct {
    const char *label;
    int64_t parallelism, completions, active, succeeded, failed, restarts, in_row, at, deadline;
    bool suspended, always;
    struct job_plan want;
} jobs[] = {
    {"a pod is started",                        1, 1,  0, 0, 0, 0, 0, 0,  -1,  false, false, {.create = 1}                                  },
    {"one is enough",                           1, 1,  1, 0, 0, 0, 0, 0,  -1,  false, false, {0}                                            },
    {"success ends it",                         1, 1,  0, 1, 0, 0, 0, 0,  -1,  false, false, {.verdict = JOB_COMPLETE}                      },
    {"several at once",                         3, 5,  0, 0, 0, 0, 0, 0,  -1,  false, false, {.create = 3}                                  },
    {"not more than are needed",                3, 5,  0, 4, 0, 0, 0, 0,  -1,  false, false, {.create = 1}                                  },
    {"too many are stopped",                    1, 5,  3, 0, 0, 0, 0, 0,  -1,  false, false, {.remove = 2}                                  },
    {"without completions one success decides", 2, -1, 1, 1, 0, 0, 0, 0,  -1,  false, false, {0}                                            },
    {"when the others are done",
     2,                                            -1,
     0,                                                   1,
     0,                                                         0,
     0,                                                               0,
     -1,
     false,                                                                           false,
     {.verdict = JOB_COMPLETE}                                                                                                              },
    {"a failure is tried again after a pause",
     1,                                            1,
     0,                                                   0,
     1,                                                         0,
     1,                                                               95,
     -1,
     false,                                                                           false,
     {.wait_ms = 5000}                                                                                                                      },
    {"then",                                    1, 1,  0, 0, 1, 0, 1, 90, -1,  false, false, {.create = 1}                                  },
    {"too many failures",
     1,                                            1,
     1,                                                   0,
     7,                                                         0,
     0,                                                               0,
     -1,
     false,                                                                           false,
     {.verdict = JOB_BACKOFF_EXCEEDED, .remove = 1}                                                                                         },
    {"with Never, restarts do not count",       1, 1,  1, 0, 0, 6, 0, 0,  -1,  false, false, {0}                                            },
    {"without, they do",
     1,                                            1,
     1,                                                   0,
     0,                                                         6,
     0,                                                               0,
     -1,
     false,                                                                           true,
     {.verdict = JOB_BACKOFF_EXCEEDED, .remove = 1}                                                                                         },
    {"time is up",
     1,                                            1,
     1,                                                   0,
     0,                                                         0,
     0,                                                               0,
     100,                                                                      false,
     false,                                                                                  {.verdict = JOB_DEADLINE_EXCEEDED, .remove = 1}},
    {"time is looked at again",                 1, 1,  1, 0, 0, 0, 0, 0,  150, false, false, {.wait_ms = 50000}                             },
    {"suspended, nothing runs",                 1, 1,  1, 0, 0, 0, 0, 0,  -1,  true,  false, {.remove = 1}                                  },
    {"nothing to do is done",                   1, 0,  0, 0, 0, 0, 0, 0,  -1,  false, false, {.verdict = JOB_COMPLETE}                      },
};

TEST(jobs_run)
{
    enum { NOW = 1000000, STARTED = NOW - 100000 };

    CASE_EACH(c, jobs) {
        struct job_view v = {.parallelism = c->parallelism,
                             .completions = c->completions,
                             .backoff_limit = 6,
                             .deadline_ms = c->deadline < 0 ? -1 : c->deadline * 1000,
                             .suspended = c->suspended,
                             .never = !c->always,
                             .active = c->active,
                             .succeeded = c->succeeded,
                             .failed = c->failed,
                             .restarts = c->restarts,
                             .started = STARTED,
                             .now = NOW,
                             .last_failure = c->in_row > 0 ? STARTED + c->at * 1000 : 0,
                             .failures_in_row = c->in_row};
        struct job_plan p = job_plan(&v);

        CHECK(c->label, p.verdict == c->want.verdict);
        CHECK(c->label, p.create == c->want.create && p.remove == c->want.remove);
        CHECK(c->label, p.wait_ms == c->want.wait_ms);
    }
}

TEST(jobs_back_off)
{
    static const int64_t seconds[] = {0, 10, 20, 40, 80, 160, 320, 360, 360};

    for (size_t i = 0; i < ARRAY_LEN(seconds); i++)
        CHECK("doubling up to six minutes", job_backoff_ms((int64_t)i) == seconds[i] * 1000);
}

TEST_MAIN(T(daemons_and_nodes), T(daemons_roll), T(ordinals_in_order), T(jobs_run),
          T(jobs_back_off))
