/* Transforms of a rule: what becomes of a request's host and URL after it was routed. Pure. */
#pragma once

#include "dataplane/dp_config.h"
#include "dataplane/http_head.h"
#include "dataplane/regex.h"

enum { TRANSFORM_HOST_ROOM = 1024, TRANSFORM_URL_ROOM = HTTP_REQUEST_LINE_MAX };

/* A request as it goes on. */
struct transformed {
    struct request_head head; /* shares the fields with the one that came */
    struct str host;          /* to be sent instead; empty: as it came */
    char host_room[TRANSFORM_HOST_ROOM], url_room[TRANSFORM_URL_ROOM];
};

/* False when a transform matches but can't be carried out: that is a 500. */
bool transform_apply(const struct dp_rule *rule, const struct request_head *h,
                     const struct regex_scratch *s, struct transformed *ret);
