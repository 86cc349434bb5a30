/* Where the Kubernetes API is and how to speak to it: --apiserver-host, a kubeconfig file, or what
 * a pod finds in itself. Source: client-go 1.13, tools/clientcmd and rest/config.go. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

struct kube_config {
    struct str server; /* "https://192.0.2.1:443/prefix", no slash at its end */
    SSL_CTX *tls;      /* ours; NULL for http */
    struct str token, user, password;
    struct str token_file; /* read anew every minute; wins over token */
};

struct kube_config_request {
    struct str host, kubeconfig;               /* the flags; empty: not given */
    const char *(*variable)(const char *name); /* getenv */
};

/* Everything but the TLS context is in @a. False and *ret_error as client-go words it. */
bool kube_config_load(struct arena *a, const struct kube_config_request *r, struct kube_config *ret,
                      struct str *ret_error);

/* Gives the TLS context back. */
void kube_config_clear(struct kube_config *c);

/* A file of the pod's service account ("token"). A pod that is a process of this machine has its
 * files below $ELBOW_ROOTFS. In @a. */
struct str kube_config_account_file(struct arena *a, const char *(*variable)(const char *name),
                                    const char *name);
