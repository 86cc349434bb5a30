/* What APIs show of a certificate. Source: RFC 5280. */
#pragma once

#include <openssl/x509.h>

#include "base/arena.h"
#include "schema/shape.h"

struct x509_facts {
    struct str subject, issuer;     /* "CN=example.com,O=…" */
    struct str common_name;         /* of the subject; may be empty */
    struct str serial;              /* "0f:3a:…" */
    struct str key_algorithm;       /* "RSA-2048", "EC-prime256v1" as ACM has them */
    struct str signature_algorithm; /* "SHA256WITHRSA" */
    struct str_list names;          /* DNS names and addresses of the subject's other names */
    int64_t not_before, not_after;  /* ms */
    bool self_signed;
};

/* Everything in @a. */
struct x509_facts x509_read(struct arena *a, X509 *certificate);

/* The first certificate of a PEM text, to be freed with X509_free; NULL when there is none. */
X509 *x509_from_pem(struct str pem);
EVP_PKEY *x509_key_from_pem(struct str pem);
/* One certificate as PEM, in @a. */
struct str x509_to_pem(struct arena *a, X509 *certificate);

void x509_freep(X509 **certificate);
void x509_key_freep(EVP_PKEY **key);
