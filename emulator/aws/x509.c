/* What APIs show of a certificate, by OpenSSL. */
#include "aws/x509.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "base/macros.h"

static void bio_freep(BIO **bio)
{
    BIO_free_all(*bio);
}

static void names_freep(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

void x509_freep(X509 **certificate)
{
    X509_free(*certificate);
}

void x509_key_freep(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static struct str written(struct arena *a, BIO *out)
{
    char *text;
    long n = BIO_get_mem_data(out, &text);

    return n > 0 ? arena_str(a, str_n(text, (size_t)n)) : (struct str){0};
}

X509 *x509_from_pem(struct str pem)
{
    CLEANUP(bio_freep) BIO *in = BIO_new_mem_buf(pem.n > 0 ? pem.at : "", (int)pem.n);
    X509 *certificate = in == NULL ? NULL : PEM_read_bio_X509(in, NULL, NULL, NULL);

    ERR_clear_error();
    return certificate;
}

EVP_PKEY *x509_key_from_pem(struct str pem)
{
    CLEANUP(bio_freep) BIO *in = BIO_new_mem_buf(pem.n > 0 ? pem.at : "", (int)pem.n);
    EVP_PKEY *key = in == NULL ? NULL : PEM_read_bio_PrivateKey(in, NULL, NULL, (void *)"");

    ERR_clear_error();
    return key;
}

struct str x509_to_pem(struct arena *a, X509 *certificate)
{
    CLEANUP(bio_freep) BIO *out = BIO_new(BIO_s_mem());

    if (out == NULL || PEM_write_bio_X509(out, certificate) != 1)
        return (struct str){0};
    return written(a, out);
}

static struct str name_text(struct arena *a, X509_NAME *name)
{
    CLEANUP(bio_freep) BIO *out = BIO_new(BIO_s_mem());

    if (out == NULL || X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253) < 0)
        return (struct str){0};
    return written(a, out);
}

static int64_t time_of(const ASN1_TIME *at)
{
    struct tm tm;

    return ASN1_TIME_to_tm(at, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

static struct str serial_of(struct arena *a, X509 *certificate)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
    const unsigned char *at = ASN1_STRING_get0_data(serial);
    int n = ASN1_STRING_length(serial);
    struct str text = S("");

    for (int i = 0; i < n; i++)
        text = arena_printf(a, "%.*s%s%02x", STR_ARG(text), i > 0 ? ":" : "", at[i]);
    return text;
}

static struct str key_algorithm(struct arena *a, X509 *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    char group[64] = "";
    size_t n = 0;

    if (key == NULL)
        return (struct str){0};
    if (EVP_PKEY_base_id(key) == EVP_PKEY_RSA)
        return arena_printf(a, "RSA-%d", EVP_PKEY_bits(key));
    if (EVP_PKEY_get_group_name(key, group, sizeof group, &n) == 1)
        return arena_printf(a, "EC-%s", group);
    return (struct str){0};
}

static struct str signature_algorithm(struct arena *a, X509 *certificate)
{
    int digest = NID_undef, key = NID_undef;
    const char *name;

    if (OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest, &key) != 1)
        return (struct str){0};
    name = OBJ_nid2sn(digest);
    return arena_printf(a, "%sWITH%s", name, key == NID_rsaEncryption ? "RSA" : "ECDSA");
}

static struct str address_text(struct arena *a, const ASN1_OCTET_STRING *ip)
{
    const unsigned char *at = ASN1_STRING_get0_data(ip);

    if (ASN1_STRING_length(ip) != 4)
        return (struct str){0};
    return arena_printf(a, "%u.%u.%u.%u", at[0], at[1], at[2], at[3]);
}

static struct str_list names_of(struct arena *a, X509 *certificate)
{
    CLEANUP(names_freep)
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int n = names != NULL ? sk_GENERAL_NAME_num(names) : 0;
    struct str_list list = {arena_array(a, (size_t)n + 1, sizeof(struct str)), 0};

    for (int i = 0; i < n; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        struct str text = {0};

        if (name->type == GEN_DNS)
            text = arena_str(a, str_n((const char *)ASN1_STRING_get0_data(name->d.dNSName),
                                      (size_t)ASN1_STRING_length(name->d.dNSName)));
        else if (name->type == GEN_IPADD)
            text = address_text(a, name->d.iPAddress);
        if (text.n > 0)
            list.at[list.n++] = text;
    }
    return list;
}

static struct str common_name(struct arena *a, X509 *certificate)
{
    char text[256];
    int n = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text,
                                      sizeof text);

    return n > 0 ? arena_str(a, str_n(text, (size_t)n)) : (struct str){0};
}

struct x509_facts x509_read(struct arena *a, X509 *certificate)
{
    struct x509_facts facts = {
        .subject = name_text(a, X509_get_subject_name(certificate)),
        .issuer = name_text(a, X509_get_issuer_name(certificate)),
        .common_name = common_name(a, certificate),
        .serial = serial_of(a, certificate),
        .key_algorithm = key_algorithm(a, certificate),
        .signature_algorithm = signature_algorithm(a, certificate),
        .names = names_of(a, certificate),
        .not_before = time_of(X509_get0_notBefore(certificate)),
        .not_after = time_of(X509_get0_notAfter(certificate)),
    };

    facts.self_signed = str_eq(facts.subject, facts.issuer);
    ERR_clear_error();
    return facts;
}
