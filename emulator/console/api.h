/* Elbow's own API under /_elbow/: JSON, for scripts, tests and the small commands. */
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "console/log_ring.h"
#include "net/http_server.h"

struct console {
    struct clock *clock;
    struct log_ring *log;
    void *data; /* for what follows; main gives them */

    /* What `elbow status` shows; the caller frees it. */
    cJSON *(*status)(void *data);

    /* The AWS calls so far, newest last ({service, action, principal, status, …}); to be freed. */
    cJSON *(*aws_calls)(void *data);

    /* The AWS operations that there are ({service, operations: [{name, handled}]}); to be freed. */
    cJSON *(*aws_operations)(void *data);

    /* Puts the world back to its fixture and then answers @x. */
    void (*reset)(void *data, struct http_exchange *x);
};

/* An http_handle_cb; @data is the console. */
void console_handle(void *data, struct http_exchange *x, const struct http_request *r);
