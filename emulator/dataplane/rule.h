/* Listener rules: which one a request meets. Pure functions over compiled rules. */
#pragma once

#include <stdbool.h>

#include "dataplane/dp_config.h"
#include "dataplane/http_head.h"
#include "dataplane/regex.h"

/* What conditions look at. */
struct rule_request {
    struct str method;
    struct str host;  /* the first Host, without its port */
    struct str path;  /* as sent, up to '?' */
    struct str query; /* as sent, behind '?' */
    uint32_t source;  /* the TCP peer's address */
    const struct http_field *fields;
    size_t field_count;
    const struct regex_scratch *scratch; /* NULL: no regular expression matches */
};

enum glob_flags {
    GLOB_CASE_SENSITIVE = 0,
    GLOB_CASE_IGNORED = 1,
    GLOB_ESCAPES = 2, /* \* and \? (and \\) stand for themselves */
};

/* Whether all of @text is what @pattern describes: '*' is any number of characters, '?' exactly
 * one. Control characters are matched by nothing. Time is at most the product of the lengths. */
bool glob_matches(struct str pattern, struct str text, unsigned flags);

/* Fills what sealing prepares. */
void rule_prepare_pattern(struct dp_pattern *p, unsigned flags);

bool rule_matches(const struct dp_rule *rule, const struct rule_request *r);

/* The first rule in order whose conditions are all true; NULL only if @l has no default rule. */
const struct dp_rule *rule_find(const struct dp_listener *l, const struct rule_request *r);

/* Letters of ASCII in lower case, everything else as it is. */
char ascii_lower(char c);
