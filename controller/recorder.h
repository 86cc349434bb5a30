/* Events: written one after the other, in the background; what can't be delivered for long is given
 * up. Loop thread. Source: client-go 1.13, tools/record/event.go. */
#pragma once

#include "base/clock.h"
#include "event_series.h"
#include "kube_client.h"

struct recorder;

struct recorder *recorder_new(uv_loop_t *loop, struct kube_client *client,
                              const struct clock *clock);

/* Before the client. What waits is lost. */
void recorder_close(struct recorder *r);

/* Everything is copied. */
void recorder_tell(struct recorder *r, const struct event *e);
