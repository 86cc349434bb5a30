/* The server's parts, for the files of floor 4 that start, end and renew them. Two kinds: those
 * that live as long as the process (the loop, the data folder, the certificate authority, the AWS
 * door and its connections), and those that hold the world (the objects, the API servers, the
 * loops, the pods, the traffic), which a reset ends and opens again. */
#pragma once

#include <uv.h>

#include "aws/aws.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "clusters.h"
#include "console/api.h"
#include "data_dir.h"
#include "door.h"
#include "kube/kube.h"
#include "loops/loops.h"
#include "loops/provision.h"
#include "loops/routing.h"
#include "net/ca.h"
#include "net/fabric.h"
#include "options.h"
#include "runtime/image_catalogue.h"
#include "runtime/pod_runtime.h"
#include "store/object.h"

struct emulator;

/* What a reset ends. All NULL while there is none. */
struct server_world {
    struct arena arena; /* what lives as long as the world */
    struct objects *objects;
    struct routing *routing;
    struct pod_runtime *runtime;
    struct aws *aws;
    struct kube *kube;
    struct provisioner *provisioner;
    struct loops *loops;
    struct clusters *clusters;
    struct str region;
    int open; /* parts that the loop still holds while it closes */
    void (*on_closed)(struct emulator *e);
};

struct emulator {
    const struct options *options;
    struct arena arena; /* what lives as long as the server */
    uv_loop_t loop;
    uv_signal_t interrupt, terminate;
    uv_async_t changed;     /* the feed has something to tell */
    uv_prepare_t before_io; /* the last thing before the sockets are looked at */
    struct clock clock;
    struct ids ids;
    struct log_ring *log;
    struct data_dir dir;
    struct store *store;
    struct ca *ca;
    struct fabric *fabric;
    struct image_catalogue catalogue;
    struct door *door;
    struct console console;
    struct server_world world;
    struct cluster_ports ports;          /* which cluster listened where */
    struct sockaddr_in front, front_tls; /* the load balancers' common doors; port 0 before the
                                            first start */
    struct str fixture_name, fixture;
    uint16_t aws_port;
    struct str ready_copy;       /* where the user's running servers are noted */
    struct http_exchange *asker; /* who waits for the reset under way, or NULL */
    bool ending, signals;
    struct str why; /* of a start that failed */
    int status;     /* to exit with */
};

/* Notes why a start failed; false. */
bool server_failed(struct emulator *e, struct str why);
bool server_cannot_listen(struct emulator *e, const char *flag, struct str address, int error);

/* The parts of "host:port", which the options have checked. */
struct str address_host(struct str address);

/* Where clients of this machine reach what listens on @host: loopback for a wildcard address. */
struct str address_reached(struct str host);
uint16_t address_port(struct str address);

/* world.c: opens everything that holds the world, over a store that is open; false and why.
 * Closing is asynchronous: @on_closed comes when the loop holds nothing of it any more, also of one
 * that was opened in part. */
bool world_open(struct emulator *e);
void world_close(struct emulator *e, void (*on_closed)(struct emulator *e));

/* What the ready file says, and `elbow status`; the caller's. */
cJSON *server_document(struct emulator *e);

/* Writes the ready files and the user's note of the server; false and why. */
bool server_tell_ready(struct emulator *e);

/* Ends the server: everything is closed, then the loop runs out. May be called again. */
void server_end(struct emulator *e);

/* reset.c: puts the world back to its fixture, then answers @x. */
void server_reset(struct emulator *e, struct http_exchange *x);
