/* HTTP for the worker threads, which work through a pass step by step and wait for each answer.
 * The request itself is made on the loop, where all sockets are. */
#pragma once

#include <stdbool.h>

#include "mailbox.h"
#include "net/http_client.h"

struct blocking_http;

/* Loop thread. Free with blocking_http_free when no worker runs. */
struct blocking_http *blocking_http_new(struct mailbox *mailbox);
void blocking_http_free(struct blocking_http *b);

/* From a worker: sends @o (its callbacks and data are ignored) through @client and waits. What
 * comes back is copied to @a. error is -ECANCELED once the program is stopping. */
struct http_result blocking_http_call(struct blocking_http *b, struct http_client *client,
                                      struct arena *a, const struct http_call_options *o);

/* From a worker: waits; false when the program is stopping. */
bool blocking_http_sleep(struct blocking_http *b, int64_t ms);

/* Loop thread: everyone who waits is told that the program is stopping. */
void blocking_http_stop(struct blocking_http *b);
bool blocking_http_is_stopping(struct blocking_http *b);
