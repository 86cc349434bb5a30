/* The control loop: what changes in the cluster is queued, worked through by passes, and ends in
 * the Ingress's status. Loop thread. */
#pragma once

#include "aws_client.h"
#include "kube_client.h"
#include "metrics.h"
#include "recorder.h"
#include "settings.h"

struct reconciler;

struct reconciler_options {
    uv_loop_t *loop;
    struct mailbox *mailbox; /* borrowed, as everything here */
    struct blocking_http *waiting;
    struct kube_client *client;
    struct aws_client *aws;
    struct recorder *recorder;
    struct metrics *metrics;
    const struct clock *clock;
    const struct settings *settings;
};

/* Begins to watch; works once everything has been listed. */
struct reconciler *reconciler_start(const struct reconciler_options *o);

/* After blocking_http_stop. @on_closed is called once, from the loop, when no thread works any
 * more. */
void reconciler_close(struct reconciler *r, void (*on_closed)(void *data), void *data);
