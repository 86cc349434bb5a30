/* The Kubernetes API servers: one for each EKS cluster, over one set of objects.
 *
 * main makes one `struct kube`, opens a cluster for each that EKS has, and lets it listen; loops
 * write through kube_writer. A request can also be handed in without a socket (kube_handle), which
 * is how unit tests ask. Source: Kubernetes API Reference and "API Concepts". */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "auth/jwt.h"
#include "base/arena.h"
#include "base/str.h"
#include "net/ca.h"
#include "net/http_server.h"
#include "store/object.h"
#include "store/object_writer.h"

struct kube;
struct kube_cluster;
struct pod_runtime;

struct kube_options {
    struct objects *objects;     /* borrowed */
    uv_loop_t *loop;             /* NULL: no sockets and no timers (unit tests) */
    const struct ca *ca;         /* signs the servers' certificates, and the clients'; may be NULL
                                  * where nothing listens */
    struct pod_runtime *runtime; /* for logs and exec; NULL: pods have none */
};

struct kube *kube_new(const struct kube_options *o);

/* Closes every cluster, then calls @on_closed (may be NULL) from the loop and is gone. */
void kube_close(struct kube *k, void (*on_closed)(void *data), void *data);

/* How loops write, to any cluster. Borrowed. */
struct object_writer *kube_writer(struct kube *k);

struct kube_cluster_options {
    struct str name;    /* the EKS cluster's: the first part of its objects' keys */
    struct str version; /* "1.16": what /version and the nodes show */
    int serve_minor;    /* only what release 1.NN serves; 0: every version there is */
    struct str issuer;  /* "iss" of ServiceAccount tokens: the OIDC issuer's URL */
    struct str account, region;
    struct str creator_arn;            /* the IAM principal that is always system:masters */
    struct str service_cidr;           /* "10.100.0.0/16" */
    struct str endpoint_host;          /* EKS' name for the server, for its certificate; or empty */
    const struct jwt_key *signing_key; /* borrowed; may be NULL at first: kube_cluster_set_key */
};

/* Opens the cluster, making what every new one has (namespaces, RBAC, the kubernetes Service …)
 * where it is missing. Strings are copied. 0 and *ret_cluster, or a negative error of the store. */
int kube_cluster_open(struct kube *k, const struct kube_cluster_options *o,
                      struct kube_cluster **ret_cluster);

/* Serves HTTPS on a literal address; @port 0 takes a free one. May be called for several. 0 and
 * *ret_port (may be NULL), or a negative error. */
int kube_cluster_listen(struct kube_cluster *c, struct str address, uint16_t port,
                        uint16_t *ret_port);

/* The key that signs ServiceAccount tokens; borrowed. Until there is one, tokens are refused with
 * 503. */
void kube_cluster_set_key(struct kube_cluster *c, const struct jwt_key *key);

/* Stops listening and ends the watches. The objects stay. */
void kube_cluster_close(struct kube_cluster *c);

/* The cluster of that name, or NULL. */
struct kube_cluster *kube_cluster_find(const struct kube *k, struct str name);

/* A token for ServiceAccount @ns/@name as TokenRequest gives it, bound to @pod (may be NULL): what
 * the kubelet mounts. In @a; empty when there is no such account or no key yet. @seconds: how long
 * it holds. */
struct str kube_account_token(struct kube_cluster *c, struct arena *a, struct str ns,
                              struct str name, struct object *pod, struct str audience,
                              int64_t seconds);

/* --- one request ----------------------------------------------------------------------- */

/* Where an answer goes: an HTTP exchange, or a test's memory. Calls come as for net/http_server's
 * functions of the same names; exactly one of answer and end comes last. */
struct kube_out {
    void (*answer)(struct kube_out *out, int status, struct http_headers headers, struct str body);
    void (*start)(struct kube_out *out, int status, struct http_headers headers);
    void (*write)(struct kube_out *out, struct str bytes);
    void (*end)(struct kube_out *out);
    size_t (*queued)(const struct kube_out *out);
    /* @gone is called when the client goes away before the end; end is still to be called. */
    void (*on_gone)(struct kube_out *out, void (*gone)(void *data), void *data);
    /* Instead of an answer: the head, and the connection is the caller's, as by http_upgrade. NULL
     * where there is none to be had. */
    struct stream *(*upgrade)(struct kube_out *out, int status, struct http_headers headers);
};

/* Handles one request; @r and its arena live until the answer has ended. */
void kube_handle(struct kube_cluster *c, struct kube_out *out, const struct http_request *r);
