/* What every control loop stands on: the world it looks at, the objects it hears of, its queue, and
 * the one way to write. A loop is a row (struct controller_kind): who it is, what it watches, and
 * a sync function that brings one object one step nearer to what is wanted. Rules are in pure
 * `*_plan` functions beside it. Control thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "auth/jwt.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/list.h"
#include "loops/event.h"
#include "loops/queue.h"
#include "net/fabric.h"
#include "runtime/pod_runtime.h"
#include "store/feed.h"
#include "store/object.h"
#include "store/object_writer.h"

/* One cluster that the loops care for. */
struct loop_cluster {
    struct link link;
    struct arena arena;
    struct str name;
    struct str kube_host; /* where its API server listens */
    uint16_t kube_port;
    struct str ca_pem;                 /* for kube-root-ca.crt */
    struct str issuer;                 /* of service account tokens */
    const struct jwt_key *signing_key; /* borrowed; NULL: no token files */
    int minor;                         /* 1.NN */
};

/* What all loops share. */
struct loop_world {
    struct store *store;
    struct objects *objects;
    struct object_writer *writer;
    const struct clock *clock;
    struct ids *ids;
    uv_loop_t *loop; /* NULL in unit tests: no probe is sent */
    struct fabric *fabric;
    struct pod_runtime *runtime;
    const struct provision *provision; /* loops/provision.h's door to addresses; may be NULL */
    struct work_pump pump;
    struct link clusters;    /* struct loop_cluster */
    struct link controllers; /* struct controller */
    struct event_recorder events;
};

struct controller;

#define ANY_RESOURCE "*"

struct controller_watch {
    const char *resource; /* or ANY_RESOURCE */
    void (*heard)(struct controller *c, const struct object_change *change);
};

struct controller_kind {
    const char *name;     /* the component of its events: "deployment-controller" */
    const char *user;     /* as whom it writes */
    const char *resource; /* what its keys are; all of it is looked at when it starts; or
                             ANY_RESOURCE */
    const struct controller_watch *watches;
    size_t watches_n;
    void (*sync)(struct controller *c, struct arena *a, const struct object_key *key);
    int (*open)(struct controller *c); /* may be NULL; sets own */
    void (*close)(struct controller *c);
    void (*forget)(struct controller *c, struct str cluster); /* may be NULL; it is gone */
};

struct controller {
    struct link link;
    const struct controller_kind *kind;
    struct loop_world *world;
    struct work_queue queue;
    void *own; /* the loop's own memory between syncs */
};

/* Makes the loop, without looking at anything yet. */
struct controller *controller_new(struct loop_world *w, const struct controller_kind *kind);
void controller_free(struct controller *c);

/* Looks at every object of a cluster that it is about. */
void controller_look_at(struct controller *c, const struct loop_cluster *cluster);

/* A change of an object, from the feed. */
void controller_hear(struct controller *c, const struct object_change *change);

/* The cluster, or NULL when the loops do not care for it (yet). */
struct loop_cluster *world_cluster(struct loop_world *w, struct str name);

/* --- hearing: for the watches of rows ----------------------------------------------------- */

/* The object itself. */
void heard_self(struct controller *c, const struct object_change *change);

/* The controlling owner, when it is of the loop's own resource and @kind. */
void heard_controlled(struct controller *c, const struct object_change *change, const char *kind);

/* --- reading ------------------------------------------------------------------------------ */

/* The ownerReference with controller: true, or NULL. */
const cJSON *controller_ref(const cJSON *doc);
bool is_controlled_by(const cJSON *doc, struct str uid);
bool is_deleting(const cJSON *doc);

struct object_key key_of(struct str cluster, const char *resource, struct str ns, struct str name);

/* The time of a RFC 3339 member, 0 when absent. */
int64_t json_time(const cJSON *doc, const char *path);

/* --- writing ------------------------------------------------------------------------------ */

struct written {
    int status;                       /* HTTP; 0: the answer is still to come */
    struct str name, reason, message; /* in the arena; of the answer */
};

static inline bool written_ok(struct written w)
{
    return w.status >= 200 && w.status < 300;
}

/* One write as the loop's user; @body is borrowed. */
struct written loop_write(struct controller *c, struct arena *a, const struct object_write *what);

struct written loop_create(struct controller *c, struct arena *a, const struct object_key *key,
                           const cJSON *body);
struct written loop_update(struct controller *c, struct arena *a, const struct object_key *key,
                           const char *subresource, const cJSON *body);
/* @uid (may be empty) is a precondition; @propagation "Background" …, NULL for the default. */
struct written loop_delete(struct controller *c, struct arena *a, const struct object_key *key,
                           struct str uid, const char *propagation);
struct written loop_patch(struct controller *c, struct arena *a, const struct object_key *key,
                          const char *subresource, const cJSON *merge_patch);

/* An object's skeleton: apiVersion, kind, metadata {name, namespace}; the caller's. */
cJSON *new_object(const char *api_version, const char *kind, struct str ns, struct str name);

/* {apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true}; the caller's. */
cJSON *new_controller_ref(const cJSON *owner);

/* "2026-11-24T13:11:00Z" of now, in @a. */
struct str now_text(const struct loop_world *w, struct arena *a);

/* Sets one condition of status.conditions by type; lastTransitionTime moves when status changes.
 * @with_update: lastUpdateTime too, where anything changed. Returns whether anything changed. */
struct condition {
    const char *type, *status;
    struct str reason, message;
};
bool set_condition(cJSON *status, const struct condition *want, struct str now, bool with_update);
const cJSON *find_condition(const cJSON *status, const char *type);
