/* The control loops of Kubernetes: deployments, replica sets, the scheduler, the kubelet and so on,
 * for every cluster. They hear of changes through the store's feed and write as clients do, through
 * the object writer. Everything runs on the control thread, in bounded batches. */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "auth/jwt.h"
#include "base/str.h"
#include "loops/placement.h"
#include "net/fabric.h"
#include "runtime/pod_runtime.h"
#include "store/object.h"
#include "store/object_writer.h"

struct loops;

/* Everything is borrowed and outlives the loops. */
struct loops_options {
    uv_loop_t *loop;
    struct objects *objects;
    struct object_writer *writer;
    struct fabric *fabric;
    struct pod_runtime *runtime;       /* not closed by loops_stop */
    const struct provision *provision; /* may be NULL */
};

struct loops_cluster {
    struct str name;
    struct str kube_host; /* where its API server listens, as pods reach it */
    uint16_t kube_port;
    struct str ca_pem; /* the CA of its API server */
    struct str issuer; /* of ServiceAccount tokens */
    const struct jwt_key *signing_key;
    int minor; /* 1.NN */
};

/* Starts them, without a cluster. */
struct loops *loops_start(const struct loops_options *o);

/* Looks after one cluster from now on; its API server must be able to take writes. Text is copied.
 * Called again for a cluster it renews what is said about it. */
void loops_add_cluster(struct loops *l, const struct loops_cluster *c);

/* The cluster is gone, with all its objects: its pods' containers are stopped at once. */
void loops_remove_cluster(struct loops *l, struct str name);

/* Ends the loops; nothing is written any more. Containers go on until the runtime is closed, which
 * kills them: pods of a stopped server are still Running in its store, and come back with it.
 * @on_stopped (may be NULL) is called from the loop when it holds nothing of ours. NULL is fine. */
void loops_stop(struct loops *l, void (*on_stopped)(void *data), void *data);

/* Does what is due at once, with what comes of it, a bounded part of it; the rest follows by
 * itself. Not needed for the loops to go on: for an order that does not depend on when requests
 * come. */
void loops_run(struct loops *l);

/* Works until nothing is due, at most @most pieces; for tests, in place of an event loop. */
void loops_settle(struct loops *l, size_t most);
