/* The certificate authority: keys, certificates, PEM. Owns OpenSSL's objects; whoever gets a
 * struct frees it. Source: RFC 5280 §4.1, §4.2. */
#include "net/ca.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <uv.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sha.h"
#include "net/tls.h"

enum {
    CA_DAYS = 3650,
    LEAF_DAYS = 365,
    SECONDS_A_DAY = 86400,
    EARLIER_SECONDS = 300, /* clients whose clock is a little behind accept it too */
    MOST_SAN_TEXT = 64 * 1024,
};

static void x509_freep(X509 **c)
{
    X509_free(*c);
}

static void pkey_freep(EVP_PKEY **k)
{
    EVP_PKEY_free(*k);
}

static void bio_freep(BIO **b)
{
    BIO_free(*b);
}

/* Logs OpenSSL's reason and gives the caller its error. */
static int failed(const char *what)
{
    struct arena a = {0};

    log_error("tls", "%s: %.*s", what, STR_ARG(tls_error_text(&a)));
    arena_free(&a);
    return -EIO;
}

/* A certificate with serial, subject and validity, not yet signed. NULL on failure. */
static X509 *new_certificate(EVP_PKEY *key, int64_t now_ms, int64_t days)
{
    CLEANUP(x509_freep) X509 *c = X509_new();
    time_t now = (time_t)(now_ms / 1000);
    uint8_t serial[16];
    BIGNUM *number;
    bool ok;

    if (c == NULL || RAND_bytes(serial, sizeof serial) != 1)
        return NULL;
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and of full length */
    number = BN_bin2bn(serial, sizeof serial, NULL);
    ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(c)) != NULL;
    BN_free(number);
    if (!ok || X509_set_version(c, X509_VERSION_3) != 1 || X509_set_pubkey(c, key) != 1 ||
        ASN1_TIME_set(X509_getm_notBefore(c), now - EARLIER_SECONDS) == NULL ||
        ASN1_TIME_adj(X509_getm_notAfter(c), now, (int)days, 0) == NULL)
        return NULL;
    return TAKE(c);
}

static bool add_name(X509_NAME *name, const char *field, struct str value)
{
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                      (const unsigned char *)(value.n > 0 ? value.at : ""),
                                      (int)value.n, -1, 0) == 1;
}

static bool add_extension(X509 *c, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;
    bool ok;

    X509V3_set_ctx(&ctx, issuer, c, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ok = extension != NULL && X509_add_ext(c, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

int ca_new(const struct clock *clock, struct str common_name, struct ca **ret_ca)
{
    CLEANUP(pkey_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
    CLEANUP(x509_freep) X509 *c = NULL;
    struct ca *ca;

    if (key == NULL)
        return failed("cannot make a key");
    c = new_certificate(key, clock_now(clock), CA_DAYS);
    if (c == NULL || !add_name(X509_get_subject_name(c), "CN", common_name) ||
        X509_set_issuer_name(c, X509_get_subject_name(c)) != 1 ||
        !add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE") ||
        !add_extension(c, c, NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign") ||
        !add_extension(c, c, NID_subject_key_identifier, "hash") ||
        X509_sign(c, key, EVP_sha256()) == 0)
        return failed("cannot make the certificate authority");
    ca = xcalloc(sizeof *ca);
    *ca = (struct ca){.key = TAKE(key), .certificate = TAKE(c)};
    *ret_ca = ca;
    return 0;
}

void ca_free(struct ca *ca)
{
    if (ca == NULL)
        return;
    EVP_PKEY_free(ca->key);
    X509_free(ca->certificate);
    free(ca);
}

static BIO *reader(struct str pem)
{
    return BIO_new_mem_buf(pem.n > 0 ? pem.at : "", (int)pem.n);
}

/* Refuses to ask a terminal for the passphrase of an encrypted key. */
static int no_passphrase(char *text, int room, int writing, void *data)
{
    (void)text, (void)room, (void)writing, (void)data;
    return -1;
}

static EVP_PKEY *read_key(struct str pem)
{
    CLEANUP(bio_freep) BIO *in = reader(pem);

    return in == NULL ? NULL : PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
}

int ca_load(struct str key_pem, struct str certificate_pem, struct ca **ret_ca)
{
    CLEANUP(pkey_freep) EVP_PKEY *key = read_key(key_pem);
    CLEANUP(bio_freep) BIO *in = reader(certificate_pem);
    CLEANUP(x509_freep) X509 *c = in == NULL ? NULL : PEM_read_bio_X509(in, NULL, NULL, NULL);
    struct ca *ca;

    if (key == NULL || c == NULL || X509_check_private_key(c, key) != 1) {
        (void)failed("the stored certificate authority is unreadable");
        return -EINVAL;
    }
    ca = xcalloc(sizeof *ca);
    *ca = (struct ca){.key = TAKE(key), .certificate = TAKE(c)};
    *ret_ca = ca;
    return 0;
}

static struct str written(BIO *out, struct arena *a)
{
    char *at = NULL;
    long n = BIO_get_mem_data(out, &at);

    return arena_str(a, str_n(at, n > 0 ? (size_t)n : 0));
}

static struct str key_pem_of(EVP_PKEY *key, struct arena *a)
{
    CLEANUP(bio_freep) BIO *out = BIO_new(BIO_s_mem());

    if (out == NULL || PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) != 1)
        return (struct str){0};
    return written(out, a);
}

struct str ca_key_pem(const struct ca *ca, struct arena *a)
{
    return key_pem_of(ca->key, a);
}

struct str ca_certificate_pem(const struct ca *ca, struct arena *a)
{
    CLEANUP(bio_freep) BIO *out = BIO_new(BIO_s_mem());

    if (out == NULL || PEM_write_bio_X509(out, ca->certificate) != 1)
        return (struct str){0};
    return written(out, a);
}

struct str ca_thumbprint(const struct ca *ca, struct arena *a)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (X509_digest(ca->certificate, EVP_sha1(), digest, &n) != 1)
        return (struct str){0};
    return hex_encode(a, digest, n);
}

static bool is_ip(struct str name)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[16];

    if (name.n == 0 || name.n >= sizeof text)
        return false;
    memcpy(text, name.at, name.n);
    text[name.n] = '\0';
    return uv_inet_pton(AF_INET, text, address) == 0 || uv_inet_pton(AF_INET6, text, address) == 0;
}

/* A name can become part of OpenSSL's extension syntax only when it holds nothing special. */
static bool is_plain_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.at[i];

        if (c <= ' ' || c >= 0x7f || c == ',' || c == ';' || c == '=' || c == '"' || c == '\\')
            return false;
    }
    return name.n > 0;
}

static bool add_names(X509 *c, const struct ca_request *r)
{
    CLEANUP(buf_free) struct buf text = buf_init(MOST_SAN_TEXT);

    for (size_t i = 0; i < r->name_count; i++) {
        if (!is_plain_name(r->names[i]))
            return false;
        buf_printf(&text, "%s%s:%.*s", text.n > 0 ? "," : "", is_ip(r->names[i]) ? "IP" : "DNS",
                   STR_ARG(r->names[i]));
    }
    if (text.n == 0)
        return true;
    buf_char(&text, '\0');
    return !text.full && add_extension(c, NULL, NID_subject_alt_name, text.at);
}

static bool describe_leaf(X509 *c, const struct ca *ca, const struct ca_request *r)
{
    X509_NAME *subject = X509_get_subject_name(c);

    for (size_t i = 0; i < r->organization_count; i++)
        if (!add_name(subject, "O", r->organizations[i]))
            return false;
    /* X.520 allows a common name of 64 characters; longer names live in the SANs only. */
    if (r->common_name.n > 0 && r->common_name.n <= 64 && !add_name(subject, "CN", r->common_name))
        return false;
    return X509_set_issuer_name(c, X509_get_subject_name(ca->certificate)) == 1 &&
           add_extension(c, NULL, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(c, NULL, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
           add_extension(c, NULL, NID_ext_key_usage, r->client ? "clientAuth" : "serverAuth") &&
           add_extension(c, ca->certificate, NID_authority_key_identifier, "keyid") &&
           add_names(c, r);
}

int ca_issue(const struct ca *ca, const struct clock *clock, const struct ca_request *request,
             struct certificate **ret_certificate)
{
    CLEANUP(pkey_freep) EVP_PKEY *key = request->key == NULL ? EVP_EC_gen("P-256") : NULL;
    CLEANUP(x509_freep) X509 *c = NULL;
    struct certificate *pair;

    if (request->key != NULL && EVP_PKEY_up_ref(request->key) == 1)
        key = request->key;
    if (key == NULL)
        return failed("cannot make a key");
    c = new_certificate(key, clock_now(clock), request->days > 0 ? request->days : LEAF_DAYS);
    if (c == NULL || !describe_leaf(c, ca, request) || X509_sign(c, ca->key, EVP_sha256()) == 0)
        return failed("cannot issue a certificate");
    pair = xcalloc(sizeof *pair);
    X509_up_ref(ca->certificate);
    *pair = (struct certificate){.key = TAKE(key), .leaf = TAKE(c), .issuer = ca->certificate};
    *ret_certificate = pair;
    return 0;
}

void certificate_free(struct certificate *c)
{
    if (c == NULL)
        return;
    EVP_PKEY_free(c->key);
    X509_free(c->leaf);
    X509_free(c->issuer);
    free(c);
}

int certificate_load(struct str key_pem, struct str chain_pem, struct certificate **ret_certificate)
{
    CLEANUP(pkey_freep) EVP_PKEY *key = read_key(key_pem);
    CLEANUP(bio_freep) BIO *in = reader(chain_pem);
    CLEANUP(x509_freep) X509 *leaf = in == NULL ? NULL : PEM_read_bio_X509(in, NULL, NULL, NULL);
    CLEANUP(x509_freep) X509 *issuer = NULL;
    struct certificate *pair;

    if (leaf != NULL)
        issuer = PEM_read_bio_X509(in, NULL, NULL, NULL);
    if (key == NULL || leaf == NULL || X509_check_private_key(leaf, key) != 1) {
        ERR_clear_error();
        return -EINVAL;
    }
    ERR_clear_error(); /* "no more certificates" is no error */
    pair = xcalloc(sizeof *pair);
    *pair = (struct certificate){.key = TAKE(key), .leaf = TAKE(leaf), .issuer = TAKE(issuer)};
    *ret_certificate = pair;
    return 0;
}

struct str certificate_key_pem(const struct certificate *c, struct arena *a)
{
    return key_pem_of(c->key, a);
}

struct str certificate_chain_pem(const struct certificate *c, struct arena *a)
{
    CLEANUP(bio_freep) BIO *out = BIO_new(BIO_s_mem());

    if (out == NULL || PEM_write_bio_X509(out, c->leaf) != 1 ||
        (c->issuer != NULL && PEM_write_bio_X509(out, c->issuer) != 1))
        return (struct str){0};
    return written(out, a);
}
