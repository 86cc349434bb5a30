/* One Kubernetes API server for each EKS cluster: opened when the cluster is there, closed when it
 * is gone; with its signing key and its entry in the kubeconfig. */
#pragma once

#include <uv.h>

#include "base/json.h"
#include "base/map.h"
#include "data_dir.h"
#include "kube/kube.h"
#include "loops/loops.h"
#include "net/ca.h"
#include "store/object.h"
#include "store/store.h"

struct clusters;

/* Which cluster of which name listened where: it gets its port back when it is opened again. */
struct cluster_ports {
    struct arena arena;
    struct map ports; /* struct cluster_port by name */
};

/* Gives the memory back. */
void cluster_ports_free(struct cluster_ports *p);

/* Everything is borrowed. */
struct clusters_options {
    uv_loop_t *loop;
    struct store *store;
    struct objects *objects;
    struct kube *kube;
    struct loops *loops;
    const struct ca *ca;
    const struct data_dir *dir;
    struct str address;  /* to listen on */
    struct str reached;  /* where clients of this machine reach that */
    uint16_t first_port; /* counting up; 0: free ones */
    struct cluster_ports *ports;
    const char *flag; /* to name in complaints */
};

/* Opens what there is, and follows EKS from then on. False and *ret_why (in @a) when a port cannot
 * be had. */
bool clusters_start(const struct clusters_options *o, struct arena *a,
                    struct clusters **ret_clusters, struct str *ret_why);
/* NULL is fine. The servers themselves are closed with kube_close. */
void clusters_stop(struct clusters *c);

/* [{"cluster": …, "server": …}], the caller's. */
cJSON *clusters_document(const struct clusters *c);
