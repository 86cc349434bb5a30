/* What the files of kube/ share about one cluster's API server. Not for other rooms. */
#pragma once

#include "auth/rbac.h"
#include "base/list.h"
#include "kube/kube.h"
#include "net/http_client.h"
#include "net/tls.h"

struct kube {
    struct kube_options options;
    struct store *store;
    struct clock *clock;
    struct ids *ids;
    struct objects *objects;
    struct link clusters;
    struct object_writer writer;
    struct feed_subscriber feed;
    uv_check_t sweep;          /* frees what was borrowed, once a turn of the loop */
    uv_timer_t ticker;         /* bookmarks and timeouts of watches; runs while there are any */
    struct http_client *proxy; /* made when first needed; kube/proxy.c */
    unsigned handles; /* the first two, the proxy and the clusters' servers, while the loop holds
                       * them */
    void (*on_closed)(void *data);
    void *on_closed_data;
};

struct kube_cluster {
    struct link link; /* in kube->clusters */
    struct kube *kube;
    struct kube_cluster_options options; /* texts in arena */
    struct arena arena;
    int minor;              /* of options.version */
    struct str git_version; /* "v1.16.8-eks-e16311" */

    struct rbac_policy *policy; /* NULL: to be compiled again */
    struct arena policy_arena;

    struct link watches; /* struct kube_watch, kube/watch.c */
    struct http_server *server;
    SSL_CTX *tls;
    struct certificate *certificate;
};

/* The key of an object of this cluster. */
static inline struct object_key cluster_key(const struct kube_cluster *c, struct str resource,
                                            struct str ns, struct str name)
{
    return (struct object_key){c->options.name, resource, ns, name};
}

static inline struct object *cluster_get(const struct kube_cluster *c, struct str resource,
                                         struct str ns, struct str name)
{
    return object_get(c->kube->objects, cluster_key(c, resource, ns, name));
}

/* The first address of the Service range: the API server's own. In @a. */
struct str cluster_first_address(const struct kube_cluster *c, struct arena *a);
