/* Calls of the Kubernetes API: JSON requests with the client's credentials, and errors in
 * client-go's words. On the loop's thread they are asynchronous; a thread that may wait uses
 * kube_client_wait. */
#pragma once

#include <uv.h>

#include "base/json.h"
#include "blocking_http.h"
#include "kube_config.h"

struct kube_client;
struct kube_call;

struct kube_answer {
    bool ok;           /* a 2xx status, all of the body */
    int status;        /* 0: nobody answered */
    struct str body;   /* empty where on_data took it */
    struct str error;  /* as client-go words it */
    struct str reason; /* of the Status in the answer: "NotFound", "Expired" … */
    bool refused;      /* the connection was: the server is not there at the moment */
};

/* Slices live for the callback only. */
typedef void kube_answer_cb(void *data, const struct kube_answer *answer);

struct kube_request {
    const char *method;       /* "GET" */
    struct str path;          /* with its query */
    const char *content_type; /* of the body; NULL: application/json */
    struct str body;
    /* A streamed answer: each part of a 200's body, until on_answer. NULL: collected. */
    void (*on_data)(void *data, struct str bytes);
    kube_answer_cb *on_answer; /* once, unless the call was cancelled */
    void *data;
};

/* @config is borrowed for the client's life. Free with kube_client_close. */
struct kube_client *kube_client_new(uv_loop_t *loop, const struct kube_config *config);
void kube_client_close(struct kube_client *c);

/* Loop thread. Everything is copied. An answer of 429 or 5xx that says when to come back is asked
 * again then, up to ten times. */
struct kube_call *kube_client_send(struct kube_client *c, const struct kube_request *r);

/* No callback of this call comes any more. NULL is fine. */
void kube_call_cancel(struct kube_call *call);

/* From another thread: GETs @path and waits. The answer is in @a. */
struct kube_answer kube_client_wait(struct kube_client *c, struct blocking_http *http,
                                    struct arena *a, struct str path);
