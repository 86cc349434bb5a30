/* Thresholds and words of health checks.
 * Source: Application Load Balancers User Guide, "Health checks for your target groups", "Target
 * health status", "Health check reason codes". */
#include "dataplane/health_state.h"

bool health_matches(const struct dp_health_settings *s, unsigned status)
{
    for (size_t i = 0; i < s->matcher_count; i++)
        if (status >= s->matcher[i].first && status <= s->matcher[i].last)
            return true;
    return false;
}

static bool add_code(struct health_state *h, uint16_t code)
{
    for (size_t i = 0; i < h->code_count; i++)
        if (h->codes[i] == code)
            return false;
    if (h->code_count == HEALTH_CODES_MAX)
        return false;
    h->codes[h->code_count++] = code;
    return true;
}

static bool pass(struct health_state *h, const struct dp_health_settings *s)
{
    h->failed = 0;
    h->code_count = 0;
    h->passed++;
    if (h->state == DP_TARGET_HEALTHY ||
        (h->state == DP_TARGET_UNHEALTHY && h->passed < s->healthy_threshold))
        return false;
    h->state = DP_TARGET_HEALTHY;
    return true;
}

bool health_state_feed(struct health_state *h, const struct dp_health_settings *s,
                       enum probe_outcome outcome, unsigned status)
{
    bool other;

    if (outcome == PROBE_PASSED)
        return pass(h, s);
    other = h->last != outcome;
    h->last = outcome;
    h->passed = 0;
    h->failed++;
    if (outcome == PROBE_CODE)
        other |= add_code(h, (uint16_t)status);
    if (h->state == DP_TARGET_UNHEALTHY)
        return other;
    if (h->failed < s->unhealthy_threshold)
        return false;
    h->state = DP_TARGET_UNHEALTHY;
    return true;
}

struct str health_reason(const struct health_state *h)
{
    if (h->state == DP_TARGET_INITIAL)
        return S("Elb.InitialHealthChecking");
    if (h->state == DP_TARGET_HEALTHY)
        return (struct str){0};
    switch (h->last) {
    case PROBE_CODE:
        return S("Target.ResponseCodeMismatch");
    case PROBE_TIMEOUT:
        return S("Target.Timeout");
    case PROBE_PASSED:
    case PROBE_FAILED:
        break;
    }
    return S("Target.FailedHealthChecks");
}

void health_describe(const struct health_state *h, struct text *room)
{
    if (h->state == DP_TARGET_HEALTHY)
        return;
    if (h->state == DP_TARGET_INITIAL) {
        text_add(room, S("Initial health checks in progress"));
        return;
    }
    if (h->last == PROBE_TIMEOUT) {
        text_add(room, S("Request timed out"));
        return;
    }
    text_add(room, S("Health checks failed"));
    if (h->last != PROBE_CODE)
        return;
    text_add(room, S(" with these codes: ["));
    for (size_t i = 0; i < h->code_count; i++) {
        if (i > 0)
            text_add(room, S(", "));
        text_number(room, h->codes[i]);
    }
    text_add(room, S("]"));
}
