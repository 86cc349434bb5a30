/* How control loops change Kubernetes objects: as a client would, through the whole pipeline of
 * the API server (authorisation aside), but without a socket. kube/ implements it, main hands it
 * to the loops. */
#pragma once

#include "base/json.h"
#include "base/str.h"
#include "store/object.h"

enum object_verb {
    OBJECT_CREATE,          /* body: the object; key.name may be empty with generateName */
    OBJECT_UPDATE,          /* body: the object; with a resourceVersion it is a lock */
    OBJECT_MERGE_PATCH,     /* body: a JSON merge patch (RFC 7386) */
    OBJECT_STRATEGIC_PATCH, /* body: a strategic merge patch */
    OBJECT_DELETE,          /* body: DeleteOptions, or NULL */
};

struct object_write {
    enum object_verb verb;
    struct str user;        /* "system:kube-scheduler", "system:serviceaccount:kube-system:…" */
    struct object_key key;  /* resource as in store/object.h; empty: as the body's kind says */
    struct str subresource; /* "", "status", "binding", "finalize", "scale" … */
    const cJSON *body;      /* borrowed for the call; in the stored version of the kind (for a
                               subresource with a kind of its own, that kind). apiVersion and
                               kind may be missing */
};

/* @status is the HTTP status; @answer the object as written, or the Status of a refusal; borrowed
 * for the call. */
typedef void object_written_cb(void *data, int status, const cJSON *answer);

struct object_writer {
    /* Does one write in a transaction of its own: never call it inside one. @done (may be NULL)
     * may be called before this returns, or later. */
    void (*write)(struct object_writer *w, const struct object_write *what, object_written_cb *done,
                  void *data);
};

static inline void object_write_do(struct object_writer *w, const struct object_write *what,
                                   object_written_cb *done, void *data)
{
    w->write(w, what, done, data);
}
