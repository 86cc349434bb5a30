/* One kind of objects kept up to date: a list, then a watch from there on, resumed where it ended,
 * and listed anew when the server no longer knows that place. Loop thread.
 * Source: client-go 1.13, tools/cache/reflector.go and tools/pager. */
#pragma once

#include "kube_client.h"
#include "objects.h"

struct informer;

/* @old is NULL for a new object, @now NULL for one that is gone; both are borrowed for the call.
 * Of a kind that is not kept nothing is told. */
typedef void informer_change_cb(void *data, enum object_kind kind, const cJSON *old,
                                const cJSON *now);

struct informer_options {
    uv_loop_t *loop;
    struct kube_client *client; /* borrowed */
    struct objects *objects;    /* borrowed; filled */
    enum object_kind kind;
    struct str namespace; /* the only one to watch; empty: all */
    informer_change_cb *on_change;
    void (*on_synced)(void *data); /* once, after the first whole list */
    void *data;
};

/* Begins at once. Free with informer_close, before the client. */
struct informer *informer_start(const struct informer_options *o);
void informer_close(struct informer *i);
