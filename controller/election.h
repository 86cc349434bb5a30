/* One leader among several copies, by a lease in a ConfigMap's annotation. Loop thread.
 * Source: client-go 1.13, tools/leaderelection; controller-runtime 0.1.10, pkg/leaderelection. */
#pragma once

#include "kube_client.h"
#include "recorder.h"

struct election;

struct election_options {
    uv_loop_t *loop;
    struct kube_client *client; /* borrowed, as everything here */
    struct recorder *recorder;
    const struct clock *clock;
    struct str namespace, name; /* of the ConfigMap */
    struct str identity;        /* "<host name>_<uuid>" */
    bool host_is_ours;          /* nobody else has this host name: a lease that it holds is that of
                                 * a former process of ours, and is taken over at once */
    void (*on_leading)(void *data);
    void (*on_lost)(void *data); /* somebody else leads, or nobody answers: end the program */
    void *data;
};

/* Begins to acquire the lease. Free with election_close. */
struct election *election_start(const struct election_options *o);

/* Gives the lease up, if it is held, so that the next one need not wait for its end; then frees
 * all. @on_closed is called once, from the loop, perhaps before this returns. */
void election_close(struct election *e, void (*on_closed)(void *data), void *data);
