/* Watches: streams of changes. */
#pragma once

#include "kube/call.h"

/* Answers the call as a stream; it lives on until the client goes, the time is up or the cluster
 * closes. */
void kube_watch(struct kube_call *c);

/* A change was committed: every watch of its resource is told. */
void watch_tell(struct kube_cluster *c, const struct object_change *change);

/* Sends due bookmarks and ends what is over; the number of watches left. */
size_t watch_tick(struct kube_cluster *c);

/* Ends every watch of the cluster. */
void watch_end_all(struct kube_cluster *c);
