/* Asking for, judging and describing clients' certificates. With passthrough any certificate will
 * do; with verify the chain must lead to the trust store, and a handshake that fails ends the
 * connection. */
#include "dataplane/mutual.h"

#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/macros.h"

enum { DEPTH_MAX = 4, TEXT_MAX = 256 * 1024 };

/* --- asking and judging ----------------------------------------------------------------------- */

static int take_any(int ok, X509_STORE_CTX *ctx)
{
    (void)ok, (void)ctx;
    return 1;
}

/* A CA without a revocation list has revoked nothing. */
static int judge(int ok, X509_STORE_CTX *ctx)
{
    if (ok == 1 || X509_STORE_CTX_get_error(ctx) != X509_V_ERR_UNABLE_TO_GET_CRL)
        return ok;
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return 1;
}

static int judge_without_age(int ok, X509_STORE_CTX *ctx)
{
    if (ok == 1 || X509_STORE_CTX_get_error(ctx) != X509_V_ERR_CERT_HAS_EXPIRED)
        return judge(ok, ctx);
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return 1;
}

static int add_trusted(SSL_CTX *ctx, const struct dp_mutual *m)
{
    BIO *in = BIO_new_mem_buf(m->trusted.at, (int)m->trusted.n);
    X509 *c;
    int n = 0;

    while ((c = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        n += X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), c);
        if (m->advertise)
            (void)SSL_CTX_add_client_CA(ctx, c);
        X509_free(c);
    }
    BIO_free(in);
    ERR_clear_error();
    return n;
}

static void add_revocations(SSL_CTX *ctx, struct str pem)
{
    BIO *in = BIO_new_mem_buf(pem.at, (int)pem.n);
    X509_CRL *crl;
    int n = 0;

    while (pem.n > 0 && (crl = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL)) != NULL) {
        n += X509_STORE_add_crl(SSL_CTX_get_cert_store(ctx), crl);
        X509_CRL_free(crl);
    }
    BIO_free(in);
    ERR_clear_error();
    if (n > 0)
        (void)X509_STORE_set_flags(SSL_CTX_get_cert_store(ctx), X509_V_FLAG_CRL_CHECK);
}

bool mutual_set_up(SSL_CTX *ctx, const struct dp_mutual *m)
{
    if (m->mode == DP_MUTUAL_OFF)
        return true;
    /* Each connection shows its certificate anew. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_num_tickets(ctx, 0);
    if (m->mode == DP_MUTUAL_PASSTHROUGH) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, take_any);
        return true;
    }
    SSL_CTX_set_verify_depth(ctx, DEPTH_MAX);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       m->ignore_expiry ? judge_without_age : judge);
    add_revocations(ctx, m->revocations);
    return add_trusted(ctx, m) > 0;
}

void mutual_prepare(SSL *ssl, int64_t now_ms)
{
    X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl), (time_t)(now_ms / 1000));
}

/* --- describing ------------------------------------------------------------------------------- */

/* Takes the text out of a memory BIO, which it frees. In @a. */
static struct str take_text(struct arena *a, BIO *bio)
{
    char *at = NULL;
    long n = BIO_get_mem_data(bio, &at);
    struct str text = n > 0 ? arena_str(a, str_n(at, (size_t)n)) : (struct str){0};

    BIO_free(bio);
    return text;
}

static struct str name_text(struct arena *a, X509_NAME *name)
{
    BIO *out = BIO_new(BIO_s_mem());

    (void)X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253);
    return take_text(a, out);
}

static struct str serial_text(struct arena *a, X509 *c)
{
    BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(c), NULL);
    char *hex = n == NULL ? NULL : BN_bn2hex(n);
    struct str text = arena_str(a, str_c(hex));

    OPENSSL_free(hex);
    BN_free(n);
    return text;
}

static struct str time_text(struct arena *a, const ASN1_TIME *t)
{
    char room[32];
    struct tm tm;

    if (ASN1_TIME_to_tm(t, &tm) != 1)
        return (struct str){0};
    (void)strftime(room, sizeof room, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return arena_str(a, str_c(room));
}

/* PEM, with everything percent-encoded but what AWS leaves: "+=/" beside the unreserved. */
static void add_encoded(struct buf *out, struct str pem)
{
    for (size_t i = 0; i < pem.n; i++) {
        unsigned char c = (unsigned char)pem.at[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     (c != '\0' && strchr("-._~+=/", c) != NULL);

        if (plain)
            buf_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

static void add_pem(struct buf *out, X509 *c)
{
    CLEANUP(arena_free) struct arena a = {0};
    BIO *bio = BIO_new(BIO_s_mem());

    (void)PEM_write_bio_X509(bio, c);
    add_encoded(out, take_text(&a, bio));
}

static struct str chain_text(struct arena *a, SSL *ssl, X509 *leaf)
{
    STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl); /* a server's view: without the leaf */
    struct buf out = buf_init(TEXT_MAX);
    struct str text;

    add_pem(&out, leaf);
    for (int i = 0; i < sk_X509_num(sent); i++)
        if (X509_cmp(sk_X509_value(sent, i), leaf) != 0)
            add_pem(&out, sk_X509_value(sent, i));
    text = arena_str(a, buf_str(&out));
    buf_free(&out);
    return text;
}

static struct str leaf_text(struct arena *a, X509 *leaf)
{
    struct buf out = buf_init(TEXT_MAX);
    struct str text;

    add_pem(&out, leaf);
    text = arena_str(a, buf_str(&out));
    buf_free(&out);
    return text;
}

void mutual_describe(SSL *ssl, enum dp_mutual_mode mode, struct arena *a,
                     struct str ret_values[DP_TLS_HEADERS])
{
    X509 *c = mode == DP_MUTUAL_OFF ? NULL : SSL_get0_peer_certificate(ssl);

    if (c == NULL)
        return;
    if (mode == DP_MUTUAL_PASSTHROUGH) {
        ret_values[DP_MTLS_CHAIN] = chain_text(a, ssl, c);
        return;
    }
    ret_values[DP_MTLS_SERIAL] = serial_text(a, c);
    ret_values[DP_MTLS_ISSUER] = name_text(a, X509_get_issuer_name(c));
    ret_values[DP_MTLS_SUBJECT] = name_text(a, X509_get_subject_name(c));
    ret_values[DP_MTLS_VALIDITY] = arena_printf(a, "NotBefore=%.*s;NotAfter=%.*s",
                                                STR_ARG(time_text(a, X509_get0_notBefore(c))),
                                                STR_ARG(time_text(a, X509_get0_notAfter(c))));
    ret_values[DP_MTLS_LEAF] = leaf_text(a, c);
}

static const struct {
    long error;
    const char *word;
} failures[] = {
    {X509_V_OK,                                    "Success"                               },
    {X509_V_ERR_CERT_HAS_EXPIRED,                  "Failed:ClientCertExpired"              },
    {X509_V_ERR_CERT_NOT_YET_VALID,                "Failed:ClientCertNotYetValid"          },
    {X509_V_ERR_CERT_REVOKED,                      "Failed:ClientCertCrlHit"               },
    {X509_V_ERR_UNABLE_TO_GET_CRL,                 "Failed:ClientCertCrlProcessingError"   },
    {X509_V_ERR_CRL_SIGNATURE_FAILURE,             "Failed:ClientCertCrlProcessingError"   },
    {X509_V_ERR_CRL_HAS_EXPIRED,                   "Failed:ClientCertCrlProcessingError"   },
    {X509_V_ERR_CRL_NOT_YET_VALID,                 "Failed:ClientCertCrlProcessingError"   },
    {X509_V_ERR_CERT_CHAIN_TOO_LONG,               "Failed:ClientCertMaxChainDepthExceeded"},
    {X509_V_ERR_INVALID_PURPOSE,                   "Failed:ClientCertPurposeInvalid"       },
    {X509_V_ERR_CERT_REJECTED,                     "Failed:ClientCertRejected"             },
    {X509_V_ERR_CERT_SIGNATURE_FAILURE,            "Failed:ClientCertInvalid"              },
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,         "Failed:ClientCertUntrusted"            },
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "Failed:ClientCertUntrusted"            },
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,   "Failed:ClientCertUntrusted"            },
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,       "Failed:ClientCertUntrusted"            },
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,         "Failed:ClientCertUntrusted"            },
};

const char *mutual_status(SSL *ssl, enum dp_mutual_mode mode)
{
    long error = SSL_get_verify_result(ssl);

    if (mode != DP_MUTUAL_VERIFY)
        return "-";
    for (size_t i = 0; i < ARRAY_LEN(failures); i++)
        if (failures[i].error == error)
            return failures[i].word;
    return "Failed:UnmappedConnectionError";
}
