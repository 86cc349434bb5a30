/* Source: Application Load Balancers User Guide, "Health checks for your target groups". */
#include "test.h"

#include "dataplane/health_state.h"

static struct dp_code_range ok[] = {
    {200, 200},
    {300, 302}
};
static const struct dp_health_settings settings = {
    .healthy_threshold = 2, .unhealthy_threshold = 2, .matcher = ok, .matcher_count = 2};

/* P a pass, T a timeout, F a failure, 4 and 5 the codes 404 and 500. */
static const struct {
    const char *label, *results;
    enum dp_target_state state;
    struct str reason, description;
    bool last_changed;
} cases[] = {
    {"nothing yet",                     "",     DP_TARGET_INITIAL,   S("Elb.InitialHealthChecking"),
     S("Initial health checks in progress"),                                                                  false},
    {"one pass is enough at first",     "P",    DP_TARGET_HEALTHY,   S(""),                            S(""), true },
    {"one failure is not",              "T",    DP_TARGET_INITIAL,   S("Elb.InitialHealthChecking"),
     S("Initial health checks in progress"),                                                                  false},
    {"the threshold of failures",       "TT",   DP_TARGET_UNHEALTHY, S("Target.Timeout"),
     S("Request timed out"),                                                                                  true },
    {"a healthy one stays for a while", "PF",   DP_TARGET_HEALTHY,   S(""),                            S(""), false},
    {"and then does not",               "PFF",  DP_TARGET_UNHEALTHY, S("Target.FailedHealthChecks"),
     S("Health checks failed"),                                                                               true },
    {"a pass ends the streak",          "PFPF", DP_TARGET_HEALTHY,   S(""),                            S(""), false},
    {"coming back takes the threshold", "FFP",  DP_TARGET_UNHEALTHY, S("Target.FailedHealthChecks"),
     S("Health checks failed"),                                                                               false},
    {"of passes in a row",              "FFPP", DP_TARGET_HEALTHY,   S(""),                            S(""), true },
    {"codes of the streak are told",    "44",   DP_TARGET_UNHEALTHY, S("Target.ResponseCodeMismatch"),
     S("Health checks failed with these codes: [404]"),                                                       true },
    {"each once, as they came",         "5454", DP_TARGET_UNHEALTHY, S("Target.ResponseCodeMismatch"),
     S("Health checks failed with these codes: [500, 404]"),                                                  false},
    {"a new reason is a change",        "44T",  DP_TARGET_UNHEALTHY, S("Target.Timeout"),
     S("Request timed out"),                                                                                  true },
};

TEST(transitions)
{
    CASE_EACH(c, cases) {
        struct health_state h = {0};
        char room[100];
        struct text text = {.at = room, .room = sizeof room};
        bool changed = false;

        for (const char *r = c->results; *r != '\0'; r++)
            changed = health_state_feed(&h, &settings,
                                        *r == 'P'   ? PROBE_PASSED
                                        : *r == 'T' ? PROBE_TIMEOUT
                                        : *r == 'F' ? PROBE_FAILED
                                                    : PROBE_CODE,
                                        *r == '4' ? 404 : 500);
        CHECK(c->label, h.state == c->state);
        CHECK(c->label, changed == c->last_changed);
        CHECK_STR(c->label, health_reason(&h), c->reason);
        health_describe(&h, &text);
        CHECK_STR(c->label, str_n(text.at, text.n), c->description);
    }
}

TEST(matcher)
{
    CHECK("a listed code", health_matches(&settings, 200));
    CHECK("a code in a range", health_matches(&settings, 301));
    CHECK("a code in none", !health_matches(&settings, 303));
}

TEST_MAIN(T(transitions), T(matcher))
