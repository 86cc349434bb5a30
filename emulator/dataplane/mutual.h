/* Mutual TLS: what is asked of clients' certificates, and what targets hear of them.
 * Source: Application Load Balancers User Guide, "Mutual authentication with TLS in Application
 * Load Balancer". */
#pragma once

#include <openssl/ssl.h>

#include "base/arena.h"
#include "base/clock.h"
#include "dataplane/dp_config.h"

enum dp_mutual_mode { DP_MUTUAL_OFF, DP_MUTUAL_PASSTHROUGH, DP_MUTUAL_VERIFY };

struct dp_mutual {
    enum dp_mutual_mode mode;
    /* DP_MUTUAL_VERIFY */
    struct str trusted;     /* PEM: the trust store's certificates */
    struct str revocations; /* PEM: its revocation lists, or empty */
    bool ignore_expiry;
    bool advertise; /* tell clients the names of the certificates we trust */
};

/* Makes a server's context ask for certificates. False when the trust store is unreadable. */
bool mutual_set_up(SSL_CTX *ctx, const struct dp_mutual *m);

/* For each handshake: certificates are valid or not by the world's clock. */
void mutual_prepare(SSL *ssl, int64_t now_ms);

/* What goes to targets, by header; empty where the mode has no such header or the client sent no
 * certificate. In @a. */
void mutual_describe(SSL *ssl, enum dp_mutual_mode mode, struct arena *a,
                     struct str ret_values[DP_TLS_HEADERS]);

/* Of a connection log: "Success", "Failed:ClientCertUntrusted" …; "-" where nothing is verified. */
const char *mutual_status(SSL *ssl, enum dp_mutual_mode mode);
