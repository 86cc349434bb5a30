/* The channels of exec and attach, over whatever the client speaks: WebSocket (v5, v4 and the first
 * version, plain or in base64) or SPDY/3.1. */
#pragma once

#include <stdbool.h>

#include "kube/call.h"

enum channel {
    CHANNEL_STDIN,
    CHANNEL_STDOUT,
    CHANNEL_STDERR,
    CHANNEL_ERROR,
    CHANNEL_RESIZE,
    CHANNELS,
};

struct channels;

struct channels_events {
    void (*on_ready)(void *data); /* every channel that is wanted is there */
    void (*on_input)(void *data, enum channel ch, struct str bytes); /* stdin, resize */
    void (*on_end)(void *data, enum channel ch);                     /* no more of it comes */
    void (*on_drained)(void *data);
    void (*on_closed)(void *data); /* the last callback: the channels are gone */
};

struct channels_wanted {
    bool on[CHANNELS];
};

/* Answers the call's upgrade; @data is the heap's, the call's arena is gone then. The channels come
 * in *ret_channels before any callback. False: the call was refused, or the client had gone;
 * nothing of @events comes. */
bool channels_accept(struct kube_call *c, const struct channels_wanted *wanted,
                     const struct channels_events *events, void *data,
                     struct channels **ret_channels);

void channels_send(struct channels *ch, enum channel to, struct str bytes);
size_t channels_queued(const struct channels *ch);
void channels_hold(struct channels *ch, bool held);

/* Says how it ended (a Status document; older clients get its message), and closes. */
void channels_finish(struct channels *ch, const cJSON *status);
