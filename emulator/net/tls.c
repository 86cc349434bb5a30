/* TLS contexts: certificates, the choice by name, client certificates, ALPN.
 * Source: RFC 6066 §3 (server_name), RFC 7301 (ALPN), RFC 8446. */
#include "net/tls.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/log.h"
#include "base/sha.h"

struct str tls_error_text(struct arena *a)
{
    unsigned long code = ERR_peek_error();
    const char *reason = ERR_reason_error_string(code);

    ERR_clear_error();
    return arena_printf(a, "%s", reason != NULL ? reason : "unknown TLS error");
}

static int failed(const char *what)
{
    struct arena a = {0};

    log_error("tls", "%s: %.*s", what, STR_ARG(tls_error_text(&a)));
    arena_free(&a);
    return -EIO;
}

void tls_free(SSL_CTX *ctx)
{
    SSL_CTX_free(ctx);
}

static void ctx_freep(SSL_CTX **ctx)
{
    SSL_CTX_free(*ctx);
}

static bool use_certificate(SSL_CTX *ctx, const struct certificate *c)
{
    return SSL_CTX_use_certificate(ctx, c->leaf) == 1 && SSL_CTX_use_PrivateKey(ctx, c->key) == 1 &&
           (c->issuer == NULL || SSL_CTX_add1_chain_cert(ctx, c->issuer) == 1);
}

/* Takes http/1.1 where the client offers it; a client that offers only others (h2) goes on without
 * ALPN, which every HTTP client reads as HTTP/1.1. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                   const unsigned char *in, unsigned in_n, void *data)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen = NULL;

    (void)ssl, (void)data;
    if (SSL_select_next_proto(&chosen, out_n, ours, sizeof ours - 1, in, in_n) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int on_server_name(SSL *ssl, int *alert, void *data)
{
    const struct tls_chooser *chooser = data;
    const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    char name[256] = "";
    SSL_CTX *ctx;

    for (size_t i = 0; asked != NULL && asked[i] != '\0' && i + 1 < sizeof name; i++)
        name[i] = asked[i] >= 'A' && asked[i] <= 'Z' ? (char)(asked[i] + 32) : asked[i];
    ctx = chooser->choose(chooser->data, str_c(name));
    if (ctx == NULL) {
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (SSL_set_SSL_CTX(ssl, ctx) == NULL) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    return SSL_TLSEXT_ERR_OK;
}

/* The handshake goes on with any client certificate; what it is worth is read later, by who asks
 * (an API server answers 401, which says more than an alert). */
static int on_verify(int ok, X509_STORE_CTX *ctx)
{
    (void)ok, (void)ctx;
    return 1;
}

static bool ask_for_client(SSL_CTX *ctx, const struct ca *ca)
{
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca->certificate) != 1 ||
        SSL_CTX_add_client_CA(ctx, ca->certificate) != 1)
        return false;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
    return true;
}

int tls_server_new(const struct tls_server_options *o, SSL_CTX **ret_ctx)
{
    CLEANUP(ctx_freep) SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    static const unsigned char session_context[] = "elbow";

    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
        return failed("cannot make a TLS context");
    SSL_CTX_set_session_id_context(ctx, session_context, sizeof session_context - 1);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    if ((o->certificate != NULL && !use_certificate(ctx, o->certificate)) ||
        (o->client_ca != NULL && !ask_for_client(ctx, o->client_ca)))
        return failed("cannot set up a TLS server");
    if (o->chooser != NULL) {
        SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
        SSL_CTX_set_tlsext_servername_arg(ctx, o->chooser);
    }
    *ret_ctx = TAKE(ctx);
    return 0;
}

static int trust_pem(SSL_CTX *ctx, struct str pem)
{
    BIO *in = BIO_new_mem_buf(pem.at, (int)pem.n);
    X509 *c;
    int count = 0;

    while (in != NULL && (c = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        count += X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), c);
        X509_free(c);
    }
    BIO_free(in);
    if (count == 0)
        return failed("the CA certificate is unreadable");
    ERR_clear_error();
    return 0;
}

static int set_trust(SSL_CTX *ctx, const struct tls_client_options *o)
{
    if (o->insecure) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
        return 0;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (o->system_roots && SSL_CTX_set_default_verify_paths(ctx) != 1)
        return failed("the system's CA certificates are unreadable");
    if (o->ca_file != NULL && SSL_CTX_load_verify_file(ctx, o->ca_file) != 1)
        return failed(o->ca_file);
    return o->ca_pem.n > 0 ? trust_pem(ctx, o->ca_pem) : 0;
}

int tls_client_new(const struct tls_client_options *o, SSL_CTX **ret_ctx)
{
    CLEANUP(ctx_freep) SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    static const unsigned char alpn[] = "\x08http/1.1";
    int r;

    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_alpn_protos(ctx, alpn, sizeof alpn - 1) != 0)
        return failed("cannot make a TLS context");
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    r = set_trust(ctx, o);
    if (r < 0)
        return r;
    if (o->certificate != NULL && !use_certificate(ctx, o->certificate))
        return failed("cannot use the client certificate");
    *ret_ctx = TAKE(ctx);
    return 0;
}

static struct str entry_text(X509_NAME *name, int at, struct arena *a)
{
    unsigned char *text = NULL;
    int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    struct str copy = {0};

    if (n > 0)
        copy = arena_str(a, str_n((const char *)text, (size_t)n));
    OPENSSL_free(text);
    return copy;
}

static struct str serial_text(X509 *c, struct arena *a)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(c);

    return hex_encode(a, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
}

void tls_peer_read(SSL *ssl, struct arena *a, struct tls_peer *ret_peer)
{
    X509 *c = SSL_get0_peer_certificate(ssl);
    struct tls_peer peer = {0};
    X509_NAME *subject;
    int at = -1, count = 0;

    *ret_peer = peer;
    if (c == NULL)
        return;
    subject = X509_get_subject_name(c);
    peer.present = true;
    peer.verified = SSL_get_verify_result(ssl) == X509_V_OK;
    peer.serial = serial_text(c, a);
    at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at >= 0)
        peer.common_name = entry_text(subject, at, a);
    for (at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_organizationName, at)) >= 0;)
        count++;
    peer.organizations = arena_array(a, (size_t)count, sizeof *peer.organizations);
    for (at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_organizationName, at)) >= 0;)
        peer.organizations[peer.organization_count++] = entry_text(subject, at, a);
    *ret_peer = peer;
}
