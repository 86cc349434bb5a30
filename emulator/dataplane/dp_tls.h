/* What a TLS listener is made of: a security policy, its certificates, what it asks of clients.
 * Made by the builder, immutable, shared by workers and by one configuration after the other as
 * long as nothing of it changes, so that sessions outlive changes of rules and targets.
 * Source: Application Load Balancers User Guide, "SSL certificates for your Application Load
 * Balancer". */
#pragma once

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "dataplane/mutual.h"
#include "dataplane/tls_policy.h"

/* A server certificate, as ACM and IAM have them. */
struct dp_certificate_pem {
    struct str arn;
    struct str chain; /* PEM, the leaf first */
    struct str key;   /* PEM */
};

struct dp_tls_options {
    struct str policy; /* its name; an unknown one reads as the default */
    const struct dp_certificate_pem *certificates; /* the default one first */
    size_t certificate_count;
    bool http2; /* offered beside http/1.1 */
    struct dp_mutual mutual;
    const struct clock *clock; /* the world's, for clients' certificates; borrowed for good */
};

struct dp_certificate;

struct dp_tls {
    atomic_uint refs;
    struct arena arena;
    char fingerprint[65]; /* hex of a digest of everything in the options */
    SSL_CTX *ctx;
    struct dp_certificate *certificates; /* the default one first */
    size_t certificate_count;
    bool http2;
    enum dp_mutual_mode mutual;
    const struct clock *clock;
};

/* The fingerprint that dp_tls_new would give, 64 hex digits; in @a. */
struct str dp_tls_fingerprint(struct arena *a, const struct dp_tls_options *o);

/* 0 and one reference; or -EINVAL and *ret_why, one sentence in @a, when a certificate or its key
 * is unreadable or they do not belong together. */
int dp_tls_new(struct arena *a, const struct dp_tls_options *o, struct dp_tls **ret_tls,
               struct str *ret_why);

struct dp_tls *dp_tls_ref(struct dp_tls *t);
void dp_tls_unref(struct dp_tls *t); /* NULL is fine; safe from any thread */

/* The ARN of the certificate that a finished handshake used; empty for a resumed session. */
struct str dp_tls_chosen(const struct dp_tls *t, SSL *ssl);

/* The contexts of connections to targets: nothing is verified, no name is sent. @modern: the
 * policy of load balancers whose listener has one with TLS 1.3. @http2: offers h2. NULL when
 * OpenSSL refuses. */
SSL_CTX *dp_tls_client(bool modern, bool http2);
