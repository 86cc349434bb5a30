/* TLS listeners' contexts and the choice of a certificate. A client that names no host, or one
 * that no certificate has, gets the default one. Of several that fit, the best of each kind of key
 * is offered to OpenSSL, which takes ECDSA where the client can and RSA otherwise.
 * Source: Application Load Balancers User Guide, "Create an HTTPS listener", "SNI"; RFC 6125
 * section 6.4. */
#include "dataplane/dp_tls.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/memory.h"
#include "base/sha.h"

enum { NAMES_MAX = 256, CIPHERS_ROOM = 2048 };

struct dp_certificate {
    struct str arn;
    X509 *leaf;
    EVP_PKEY *key;
    STACK_OF(X509) * chain; /* behind the leaf; may be NULL */
    struct str *names;      /* lower case, "*.example.com" too */
    size_t name_count;
    int bits, digest_bits;
    int64_t valid_days;
};

/* --- one certificate -------------------------------------------------------------------------- */

static struct str lower(struct arena *a, struct str s)
{
    char *copy = arena_cstr(a, s);

    for (size_t i = 0; i < s.n; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] + 32);
    return str_n(copy, s.n);
}

static void add_name(struct arena *a, struct dp_certificate *c, const ASN1_STRING *text)
{
    struct str name =
        str_n((const char *)ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));

    if (c->name_count < NAMES_MAX && name.n > 0)
        c->names[c->name_count++] = lower(a, name);
}

static void read_names(struct arena *a, struct dp_certificate *c)
{
    GENERAL_NAMES *sans = X509_get_ext_d2i(c->leaf, NID_subject_alt_name, NULL, NULL);
    X509_NAME *subject = X509_get_subject_name(c->leaf);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

    c->names = arena_array(a, NAMES_MAX, sizeof *c->names);
    for (int i = 0; i < sk_GENERAL_NAME_num(sans); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(sans, i);

        if (name->type == GEN_DNS)
            add_name(a, c, name->d.dNSName);
    }
    if (at >= 0)
        add_name(a, c, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    GENERAL_NAMES_free(sans);
}

static void read_strength(struct dp_certificate *c)
{
    int digest = NID_undef, days = 0, seconds = 0;

    c->bits = EVP_PKEY_get_bits(c->key);
    if (X509_get_signature_info(c->leaf, &digest, NULL, &c->digest_bits, NULL) != 1)
        c->digest_bits = 0;
    if (ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(c->leaf),
                       X509_get0_notAfter(c->leaf)) == 1)
        c->valid_days = days;
}

static bool read_chain(struct dp_certificate *c, struct str pem)
{
    BIO *in = BIO_new_mem_buf(pem.at, (int)pem.n);
    X509 *next;

    c->leaf = PEM_read_bio_X509(in, NULL, NULL, NULL);
    while (c->leaf != NULL && (next = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        if (c->chain == NULL)
            c->chain = sk_X509_new_null();
        (void)sk_X509_push(c->chain, next);
    }
    BIO_free(in);
    ERR_clear_error();
    return c->leaf != NULL;
}

static bool read_key(struct dp_certificate *c, struct str pem)
{
    BIO *in = BIO_new_mem_buf(pem.at, (int)pem.n);

    c->key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    BIO_free(in);
    ERR_clear_error();
    return c->key != NULL;
}

static int load(struct arena *keep, struct arena *a, struct dp_certificate *c,
                const struct dp_certificate_pem *from, struct str *ret_why)
{
    c->arn = arena_str(keep, from->arn);
    if (!read_chain(c, from->chain)) {
        *ret_why = arena_printf(a, "the certificate %.*s is unreadable", STR_ARG(from->arn));
        return -EINVAL;
    }
    if (!read_key(c, from->key)) {
        *ret_why = arena_printf(a, "the key of certificate %.*s is unreadable", STR_ARG(from->arn));
        return -EINVAL;
    }
    if (X509_check_private_key(c->leaf, c->key) != 1) {
        ERR_clear_error();
        *ret_why =
            arena_printf(a, "the key of certificate %.*s is another one's", STR_ARG(from->arn));
        return -EINVAL;
    }
    read_names(keep, c);
    read_strength(c);
    return 0;
}

/* --- the choice ------------------------------------------------------------------------------- */

/* A wildcard stands for exactly one label. */
static bool name_fits(struct str pattern, struct str name)
{
    size_t dot;

    if (!str_starts(pattern, S("*.")))
        return str_eq(pattern, name);
    dot = str_chr(name, '.');
    return dot != STR_NONE && dot > 0 && str_eq(str_from(pattern, 1), str_from(name, dot));
}

static bool fits(const struct dp_certificate *c, struct str name)
{
    for (size_t i = 0; i < c->name_count; i++)
        if (name_fits(c->names[i], name))
            return true;
    return false;
}

static bool is_better(const struct dp_certificate *a, const struct dp_certificate *b)
{
    if (b == NULL)
        return true;
    if (a->digest_bits != b->digest_bits && (a->digest_bits < 80 || b->digest_bits < 80))
        return a->digest_bits > b->digest_bits; /* MD5 and SHA-1 come behind SHA-2 */
    return a->bits != b->bits ? a->bits > b->bits : a->valid_days > b->valid_days;
}

static bool offer(SSL *ssl, const struct dp_certificate *c)
{
    return c == NULL || SSL_use_cert_and_key(ssl, c->leaf, c->key, c->chain, 1) == 1;
}

static int on_certificate(SSL *ssl, void *data)
{
    const struct dp_tls *t = data;
    const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const struct dp_certificate *ecdsa = NULL, *rsa = NULL;
    CLEANUP(arena_free) struct arena a = {0};
    struct str name;

    if (t->mutual == DP_MUTUAL_VERIFY)
        mutual_prepare(ssl, clock_now(t->clock));
    if (t->certificate_count == 1 || asked == NULL)
        return offer(ssl, &t->certificates[0]);
    name = lower(&a, str_c(asked));
    for (size_t i = 0; i < t->certificate_count; i++) {
        const struct dp_certificate *c = &t->certificates[i];
        const struct dp_certificate **best =
            EVP_PKEY_get_base_id(c->key) == EVP_PKEY_RSA ? &rsa : &ecdsa;

        if (fits(c, name) && is_better(c, *best))
            *best = c;
    }
    if (ecdsa == NULL && rsa == NULL)
        return offer(ssl, &t->certificates[0]);
    return offer(ssl, rsa) && offer(ssl, ecdsa);
}

struct str dp_tls_chosen(const struct dp_tls *t, SSL *ssl)
{
    const X509 *used = SSL_get_certificate(ssl);

    if (SSL_session_reused(ssl))
        return (struct str){0};
    for (size_t i = 0; i < t->certificate_count; i++)
        if (t->certificates[i].leaf == used)
            return t->certificates[i].arn;
    return (struct str){0};
}

/* --- contexts --------------------------------------------------------------------------------- */

static bool set_policy(SSL_CTX *ctx, const struct tls_policy *p)
{
    static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
    char old_room[CIPHERS_ROOM], new_room[CIPHERS_ROOM];
    struct buf old = buf_init(CIPHERS_ROOM), new = buf_init(CIPHERS_ROOM);
    struct str cipher;

    for (size_t i = 0; (cipher = tls_policy_cipher(p, i)).n > 0; i++)
        buf_printf(tls_cipher_is_13(cipher) ? &new : &old, "%.*s:", STR_ARG(cipher));
    /* The policies decide, not the level that the system finds safe. */
    (void)snprintf(old_room, sizeof old_room, "%.*s%s", STR_ARG(buf_str(&old)),
                   old.n > 0 ? "@SECLEVEL=0" : "ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0");
    (void)snprintf(new_room, sizeof new_room, "%.*s",
                   STR_ARG(str_first(buf_str(&new), new.n > 0 ? new.n - 1 : 0)));
    buf_free(&old);
    buf_free(&new);
    return SSL_CTX_set_min_proto_version(ctx, versions[p->lowest]) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, versions[p->highest]) == 1 &&
           SSL_CTX_set_cipher_list(ctx, old_room) == 1 &&
           (new_room[0] == '\0' || SSL_CTX_set_ciphersuites(ctx, new_room) == 1);
}

static const struct tls_policy *policy_of(struct str name)
{
    const struct tls_policy *p = tls_policy_find(name);

    return p != NULL ? p : tls_policy_find(S("ELBSecurityPolicy-2016-08"));
}

static void set_common(SSL_CTX *ctx)
{
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE);
}

/* Ours is the order: h2 where it is on and the client can, else http/1.1; a client that offers
 * neither goes on without ALPN. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                   const unsigned char *in, unsigned in_n, void *data)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    const struct dp_tls *t = data;
    unsigned skip = t->http2 ? 0 : 3;
    unsigned char *chosen = NULL;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_n, ours + skip, sizeof ours - 1 - skip, in, in_n) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int on_server_name(SSL *ssl, int *alert, void *data)
{
    (void)ssl, (void)alert, (void)data;
    return SSL_TLSEXT_ERR_OK; /* acknowledged; the certificate is chosen later */
}

static bool set_up(struct dp_tls *t, const struct dp_tls_options *o)
{
    t->ctx = SSL_CTX_new(TLS_server_method());
    if (t->ctx == NULL || !set_policy(t->ctx, policy_of(o->policy)))
        return false;
    set_common(t->ctx);
    if (!mutual_set_up(t->ctx, &o->mutual))
        return false;
    SSL_CTX_set_cert_cb(t->ctx, on_certificate, t);
    SSL_CTX_set_alpn_select_cb(t->ctx, on_alpn, t);
    SSL_CTX_set_tlsext_servername_callback(t->ctx, on_server_name);
    return SSL_CTX_set_session_id_context(t->ctx, (const unsigned char *)t->fingerprint, 32) == 1;
}

SSL_CTX *dp_tls_client(bool modern, bool http2)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    const struct tls_policy *p = tls_policy_find(modern ? S("ELBSecurityPolicy-TLS13-1-0-2021-06")
                                                        : S("ELBSecurityPolicy-2016-08"));
    static const unsigned char h2[] = "\x02h2";

    if (ctx == NULL || !set_policy(ctx, p) ||
        (http2 && SSL_CTX_set_alpn_protos(ctx, h2, sizeof h2 - 1) != 0)) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    set_common(ctx);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    return ctx;
}

/* --- life ------------------------------------------------------------------------------------- */

static void add_part(struct buf *b, struct str s)
{
    buf_printf(b, "%zu:", s.n);
    buf_add(b, s);
}

struct str dp_tls_fingerprint(struct arena *a, const struct dp_tls_options *o)
{
    struct buf all = buf_init(SIZE_MAX);
    uint8_t digest[SHA256_BYTES];

    add_part(&all, o->policy);
    buf_printf(&all, "%d%d%d%d", o->http2, o->mutual.mode, o->mutual.ignore_expiry,
               o->mutual.advertise);
    add_part(&all, o->mutual.trusted);
    add_part(&all, o->mutual.revocations);
    for (size_t i = 0; i < o->certificate_count; i++) {
        add_part(&all, o->certificates[i].arn);
        add_part(&all, o->certificates[i].chain);
        add_part(&all, o->certificates[i].key);
    }
    sha256(buf_str(&all), digest);
    buf_free(&all);
    return hex_encode(a, digest, sizeof digest);
}

int dp_tls_new(struct arena *a, const struct dp_tls_options *o, struct dp_tls **ret_tls,
               struct str *ret_why)
{
    struct dp_tls *t = xcalloc(sizeof *t);
    struct str fingerprint = dp_tls_fingerprint(a, o);
    int r = 0;

    atomic_init(&t->refs, 1);
    memcpy(t->fingerprint, fingerprint.at, fingerprint.n);
    t->http2 = o->http2;
    t->mutual = o->mutual.mode;
    t->clock = o->clock;
    t->certificates = arena_array(&t->arena, o->certificate_count, sizeof *t->certificates);
    for (size_t i = 0; r == 0 && i < o->certificate_count; i++)
        r = load(&t->arena, a, &t->certificates[t->certificate_count++], &o->certificates[i],
                 ret_why);
    if (r == 0 && (t->certificate_count == 0 || !set_up(t, o))) {
        *ret_why = t->certificate_count == 0
                       ? S("the listener has no certificate")
                       : S("its security policy or its trust store can't be used");
        r = -EINVAL;
    }
    if (r < 0) {
        dp_tls_unref(t);
        return r;
    }
    *ret_tls = t;
    return 0;
}

struct dp_tls *dp_tls_ref(struct dp_tls *t)
{
    (void)atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void dp_tls_unref(struct dp_tls *t)
{
    if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) > 1)
        return;
    SSL_CTX_free(t->ctx);
    for (size_t i = 0; i < t->certificate_count; i++) {
        X509_free(t->certificates[i].leaf);
        EVP_PKEY_free(t->certificates[i].key);
        sk_X509_pop_free(t->certificates[i].chain, X509_free);
    }
    arena_free(&t->arena);
    free(t);
}
