/* One certificate authority (EC P-256) and the certificates it issues. What it signs is valid by
 * the emulated clock; keys come from OpenSSL. Source: RFC 5280. */
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"

struct ca {
    EVP_PKEY *key;
    X509 *certificate;
};

/* A key with its certificate and the CA that signed it. */
struct certificate {
    EVP_PKEY *key;
    X509 *leaf;
    X509 *issuer; /* sent behind the leaf; NULL for a self-made pair */
};

/* A new authority, valid for ten years. 0 or a negative errno (logged). */
int ca_new(const struct clock *clock, struct str common_name, struct ca **ret_ca);

/* From what ca_key_pem and ca_certificate_pem gave. 0, or -EINVAL (logged) when it is none. */
int ca_load(struct str key_pem, struct str certificate_pem, struct ca **ret_ca);
void ca_free(struct ca *ca);

struct str ca_key_pem(const struct ca *ca, struct arena *a);
struct str ca_certificate_pem(const struct ca *ca, struct arena *a);

/* Lower-case hex SHA-1 of the certificate: the thumbprint of IAM's OIDC providers. */
struct str ca_thumbprint(const struct ca *ca, struct arena *a);

struct ca_request {
    struct str common_name;
    const struct str *organizations; /* O of the subject: a Kubernetes client's groups */
    size_t organization_count;
    const struct str *names; /* SANs: DNS names (a leading "*." too) and IP addresses */
    size_t name_count;
    int64_t days;  /* 0: 365 */
    bool client;   /* clientAuth; else serverAuth */
    EVP_PKEY *key; /* the key to certify, borrowed; NULL: a new one of EC P-256 */
};

/* Issues one certificate with a key of its own, valid from five minutes ago.
 * 0 or a negative errno (logged). */
int ca_issue(const struct ca *ca, const struct clock *clock, const struct ca_request *request,
             struct certificate **ret_certificate);
void certificate_free(struct certificate *c);

/* From PEM text (IAM server certificates, ACM imports, client certificates): the first
 * certificate is the leaf, the next its issuer. 0, or -EINVAL when they are unreadable or do not
 * belong together. */
int certificate_load(struct str key_pem, struct str chain_pem,
                     struct certificate **ret_certificate);

struct str certificate_key_pem(const struct certificate *c, struct arena *a);
/* The leaf, then its issuer. */
struct str certificate_chain_pem(const struct certificate *c, struct arena *a);
