/* TLS contexts for both ends. A context is shared by many connections and owned by its maker;
 * the connections themselves are net/stream's. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"
#include "net/ca.h"

/* Who the other end proved to be. Slices live as long as the stream or request they came with. */
struct tls_peer {
    bool present;  /* it sent a certificate */
    bool verified; /* and that chains to the accepted CA and is valid now */
    struct str common_name;
    struct str *organizations; /* every O of the subject, in order */
    size_t organization_count;
    struct str serial; /* lower-case hex */
};

/* Chooses a server's context by the name that a client asked for (lower case; empty when it sent
 * no SNI). NULL refuses the handshake with unrecognized_name. Contexts stay the chooser's. */
struct tls_chooser {
    SSL_CTX *(*choose)(void *data, struct str name);
    void *data;
};

struct tls_server_options {
    const struct certificate *certificate; /* copied; NULL where a chooser always answers */
    struct tls_chooser *chooser;           /* borrowed for the context's life; NULL: one certificate
                                            * for every name */
    const struct ca *client_ca;            /* ask for a client certificate of this CA; may be NULL.
                                            * The handshake goes on without one, and with a bad
                                            * one: see tls_peer.verified */
};

/* A server's context: TLS 1.2 and 1.3, ALPN http/1.1. Returns 0 or a negative errno (logged).
 * Free with tls_free. */
int tls_server_new(const struct tls_server_options *o, SSL_CTX **ret_ctx);

struct tls_client_options {
    struct str ca_pem;                     /* trusted, one or more PEM certificates */
    const char *ca_file;                   /* likewise; may be NULL */
    bool system_roots;                     /* trust the system's too (SSL_CERT_FILE honoured) */
    bool insecure;                         /* verify nothing */
    const struct certificate *certificate; /* of the client; copied; may be NULL */
};

/* A client's context; names are verified by the stream that is told the server's name.
 * Returns 0 or a negative errno (logged). */
int tls_client_new(const struct tls_client_options *o, SSL_CTX **ret_ctx);

/* NULL is fine. Connections that use the context keep it alive. */
void tls_free(SSL_CTX *ctx);

/* Reads the peer's subject into @a. */
void tls_peer_read(SSL *ssl, struct arena *a, struct tls_peer *ret_peer);

/* OpenSSL's oldest queued error as text, emptying the queue. In @a. */
struct str tls_error_text(struct arena *a);
