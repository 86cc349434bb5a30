/* From the results of health checks to the state of a target. Pure. */
#pragma once

#include "dataplane/dp_config.h"
#include "dataplane/text.h"

enum probe_outcome {
    PROBE_PASSED,
    PROBE_CODE,    /* answered with a status that does not match */
    PROBE_TIMEOUT, /* no answer, or no connection, in time */
    PROBE_FAILED,  /* refused, reset, or no HTTP */
};

enum { HEALTH_CODES_MAX = 8 };

struct health_state {
    enum dp_target_state state;       /* INITIAL, HEALTHY or UNHEALTHY */
    enum probe_outcome last;          /* of the running streak of failures */
    unsigned passed, failed;          /* lengths of the running streaks */
    uint16_t codes[HEALTH_CODES_MAX]; /* distinct ones of the streak, as they came */
    size_t code_count;
};

/* Whether a status is one that @s accepts. */
bool health_matches(const struct dp_health_settings *s, unsigned status);

/* Takes one result in; true when what DescribeTargetHealth shows has changed. */
bool health_state_feed(struct health_state *h, const struct dp_health_settings *s,
                       enum probe_outcome outcome, unsigned status);

/* The API's words for the state: "Target.Timeout" and the like, empty when healthy; the
 * description is written into @room. */
struct str health_reason(const struct health_state *h);
void health_describe(const struct health_state *h, struct text *room);
