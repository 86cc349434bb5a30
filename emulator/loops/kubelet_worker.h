/* The kubelet's memory of one pod: its containers between syncs. For the kubelet's files only.
 *
 * Ownership: a worker belongs to the kubelet, in its map while the pod object is there, in its
 * list of orphans while containers of a vanished pod still end. It is freed when no container of
 * it runs and no probe is out. */
#pragma once

#include "loops/controller.h"
#include "loops/probe.h"

enum { CONTAINER_ID_DIGITS = 64 };

enum container_phase { CONTAINER_WAITING, CONTAINER_RUNNING, CONTAINER_ENDED };
enum image_phase { IMAGE_UNPULLED, IMAGE_PULL_FAILED, IMAGE_PULL_BACKOFF, IMAGE_PULLED };
enum probe_kind { PROBE_STARTUP, PROBE_READINESS, PROBE_LIVENESS, PROBE_KINDS };

/* How an instance ended. */
struct container_end {
    bool set;
    int code;
    const char *reason; /* NULL: by the code */
    int64_t started, finished;
    char id[CONTAINER_ID_DIGITS + 1];
};

struct container_worker;

struct probe_worker {
    struct container_worker *container;
    enum probe_kind kind;
    struct probe *sent;          /* NULL: none is out */
    int64_t next;                /* when to send the next */
    int64_t successes, failures; /* in a row */
    bool succeeded;              /* once, since the start */
};

struct container_worker {
    struct pod_worker *pod;
    struct str name;
    size_t index; /* in its list of the spec */
    bool init;
    enum container_phase phase;
    struct container *running;
    enum image_phase image;
    struct str image_name, image_digest; /* normalised, once pulled; in the pod's arena */
    int64_t pull_backoff, pull_again;    /* ms */
    int64_t try_again;                   /* ms; not before, after a start that failed */
    const char *wait_reason;             /* a constant */
    char *wait_message;                  /* NULL: none */
    int64_t restarts, started_at;
    int64_t backoff, backoff_at;    /* ms; the pause before the next restart, since when */
    struct container_end end, last; /* of this instance, and of the one before */
    char id[CONTAINER_ID_DIGITS + 1];
    bool ready, started;     /* as its probes say */
    bool killed_by_liveness; /* ends to be restarted */
    bool said_back_off, said_stopping;
    struct probe_worker probes[PROBE_KINDS];
};

struct pod_worker {
    struct link link; /* orphans */
    struct arena arena;
    struct controller *controller;
    struct object_key key;
    struct str id; /* key as one text, in the kubelet's map */
    struct str uid;
    struct str node, address, host_address;
    struct container_worker *containers; /* init containers first */
    size_t init_n, n;
    int64_t started_at;
    int64_t renew_at; /* tokens */
    bool has_volumes;
    bool orphan;
};

/* kubelet.c: a container of a pod that is gone has ended; frees the worker after the last. */
void kubelet_container_of_orphan_ended(struct pod_worker *w);

/* kubelet_container.c: brings one container a step on. @doc is the pod, @spec its container. */
void container_step(struct container_worker *w, struct arena *a, const cJSON *doc,
                    const cJSON *spec);

/* Whether it ended for good, as its pod's restartPolicy has it. */
bool container_is_done(const struct container_worker *w, const cJSON *doc);

/* Stops it; said once as an event when @doc is given. */
void container_stop(struct container_worker *w, const cJSON *doc, int64_t grace_ms);

/* Sets why it waits; @message may be empty. */
void container_wait(struct container_worker *w, const char *reason, struct str message);

/* kubelet_probe.c: sends the probes that are due, returns when the next one is (ms, 0 for none). */
int64_t container_probe(struct container_worker *w, const cJSON *doc, const cJSON *spec);
void container_stop_probes(struct container_worker *w);
/* What probes start from when a container starts. */
void container_reset_probes(struct container_worker *w, const cJSON *spec);

/* kubelet_status.c: rewrites doc.status from the worker. Pure but for the clock's @now. */
void kubelet_status_plan(struct arena *a, const struct pod_worker *w, cJSON *doc, int64_t now,
                         int minor);
