/* RS256 tokens over OpenSSL. A key owns its EVP_PKEY and the text of its id.
 * Source: RFC 7515 §3 and appendix A.2, RFC 7518 §6.3. */
#include "auth/jwt.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sha.h"

enum { LONGEST_TOKEN = 64 << 10, RSA_BITS = 2048, LARGEST_SIGNATURE = 1024, LARGEST_JWK = 2048 };

struct jwt_key {
    EVP_PKEY *pkey;
    char id[64]; /* 43 characters of base64url */
};

/* CLEANUP wants a function over the variable's address; OpenSSL's take the value. */
#define FREER(name, type, fn)  \
    static void name(type **p) \
    {                          \
        fn(*p);                \
    }
FREER(bio_freep, BIO, BIO_free_all)
FREER(md_ctx_freep, EVP_MD_CTX, EVP_MD_CTX_free)
FREER(bn_freep, BIGNUM, BN_free)
FREER(pkey_ctx_freep, EVP_PKEY_CTX, EVP_PKEY_CTX_free)
FREER(bld_freep, OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
FREER(params_freep, OSSL_PARAM, OSSL_PARAM_free)

static void name_key(struct jwt_key *key)
{
    CLEANUP(arena_free) struct arena a = {0};
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key->pkey, &der);
    uint8_t digest[SHA256_BYTES];
    struct str text;

    sha256(str_n((const char *)der, n > 0 ? (size_t)n : 0), digest);
    OPENSSL_free(der);
    text = base64url_encode(&a, str_n((const char *)digest, sizeof digest));
    memcpy(key->id, text.at, text.n < sizeof key->id ? text.n : sizeof key->id - 1);
}

static struct jwt_key *key_of(EVP_PKEY *pkey)
{
    struct jwt_key *key = xcalloc(sizeof *key);

    key->pkey = pkey;
    name_key(key);
    return key;
}

int jwt_key_new(struct jwt_key **ret_key)
{
    EVP_PKEY *pkey = EVP_RSA_gen(RSA_BITS);

    if (pkey == NULL) {
        log_error("auth", "OpenSSL made no RSA key");
        return -EIO;
    }
    *ret_key = key_of(pkey);
    return 0;
}

int jwt_key_load(struct str pem, struct jwt_key **ret_key)
{
    CLEANUP(bio_freep) BIO *bio = NULL;
    EVP_PKEY *pkey;

    if (pem.n == 0 || pem.n > LONGEST_TOKEN)
        return -EINVAL;
    bio = BIO_new_mem_buf(pem.at, (int)pem.n);
    pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    if (pkey == NULL || EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA) {
        EVP_PKEY_free(pkey);
        return -EINVAL;
    }
    *ret_key = key_of(pkey);
    return 0;
}

static BIGNUM *number_of(struct arena *a, struct str text)
{
    struct str bytes;

    if (text.n == 0 || text.n > LARGEST_JWK || !base64_decode(a, text, &bytes))
        return NULL;
    return BN_bin2bn((const unsigned char *)bytes.at, (int)bytes.n, NULL);
}

int jwt_key_from_jwk(const cJSON *jwk, struct jwt_key **ret_key)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(bn_freep) BIGNUM *n = number_of(&a, json_str(jwk, "n"));
    CLEANUP(bn_freep) BIGNUM *e = number_of(&a, json_str(jwk, "e"));
    CLEANUP(bld_freep) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    CLEANUP(params_freep) OSSL_PARAM *params = NULL;
    CLEANUP(pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *pkey = NULL;

    if (!str_is(json_str(jwk, "kty"), "RSA") || n == NULL || e == NULL || bld == NULL ||
        ctx == NULL)
        return -EINVAL;
    if (OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) != 1)
        return -EINVAL;
    params = OSSL_PARAM_BLD_to_param(bld);
    if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return -EINVAL;
    *ret_key = key_of(pkey);
    return 0;
}

void jwt_key_free(struct jwt_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

struct str jwt_key_pem(const struct jwt_key *key, struct arena *a)
{
    CLEANUP(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
    char *at = NULL;
    long n;

    if (PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1)
        return (struct str){0};
    n = BIO_get_mem_data(bio, &at);
    return arena_str(a, str_n(at, n > 0 ? (size_t)n : 0));
}

struct str jwt_key_id(const struct jwt_key *key)
{
    return str_c(key->id);
}

static void put_number(cJSON *jwk, struct str name, const EVP_PKEY *pkey, const char *param)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(bn_freep) BIGNUM *number = NULL;
    unsigned char bytes[LARGEST_SIGNATURE];

    if (EVP_PKEY_get_bn_param(pkey, param, &number) != 1 ||
        BN_num_bytes(number) > (int)sizeof bytes)
        return;
    json_put_str(
        jwk, name,
        base64url_encode(&a, str_n((const char *)bytes, (size_t)BN_bn2bin(number, bytes))));
}

cJSON *jwt_key_jwk(const struct jwt_key *key)
{
    cJSON *jwk = cJSON_CreateObject();

    json_put_str(jwk, S("use"), S("sig"));
    json_put_str(jwk, S("kty"), S("RSA"));
    json_put_str(jwk, S("kid"), jwt_key_id(key));
    json_put_str(jwk, S("alg"), S("RS256"));
    put_number(jwk, S("n"), key->pkey, OSSL_PKEY_PARAM_RSA_N);
    put_number(jwk, S("e"), key->pkey, OSSL_PKEY_PARAM_RSA_E);
    return jwk;
}

struct str jwt_sign(const struct jwt_key *key, struct arena *a, const cJSON *claims)
{
    CLEANUP(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    CLEANUP(buf_free) struct buf body = buf_init(LONGEST_TOKEN);
    struct str header = arena_printf(a, "{\"alg\":\"RS256\",\"kid\":\"%s\"}", key->id);
    unsigned char signature[LARGEST_SIGNATURE];
    size_t n = sizeof signature;
    struct str head, text;

    json_write(&body, claims);
    head = base64url_encode(a, header);
    text = base64url_encode(a, buf_str(&body));
    text = arena_printf(a, "%.*s.%.*s", STR_ARG(head), STR_ARG(text));
    if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) != 1 ||
        EVP_DigestSign(ctx, signature, &n, (const unsigned char *)text.at, text.n) != 1) {
        log_error("auth", "OpenSSL did not sign a token");
        return (struct str){0};
    }
    head = base64url_encode(a, str_n((const char *)signature, n));
    return arena_printf(a, "%.*s.%.*s", STR_ARG(text), STR_ARG(head));
}

static cJSON *part_of(struct arena *a, struct str text)
{
    CLEANUP(json_freep) cJSON *tree = NULL;
    struct str json;

    if (!base64_decode(a, text, &json))
        return NULL;
    tree = json_parse(json, NULL);
    return cJSON_IsObject(tree) ? TAKE(tree) : NULL;
}

bool jwt_parse(struct arena *a, struct str token, struct jwt *ret_jwt)
{
    struct jwt jwt = {0};
    struct str head, rest, claims, signature;

    if (token.n > LONGEST_TOKEN || !str_cut(token, '.', &head, &rest) ||
        !str_cut(rest, '.', &claims, &signature) || !base64_decode(a, signature, &jwt.signature))
        return false;
    jwt.header = part_of(a, head);
    jwt.claims = part_of(a, claims);
    jwt.signed_part = str_first(token, head.n + 1 + claims.n);
    if (jwt.header == NULL || jwt.claims == NULL) {
        jwt_deinit(&jwt);
        return false;
    }
    *ret_jwt = jwt;
    return true;
}

void jwt_deinit(struct jwt *jwt)
{
    cJSON_Delete(TAKE(jwt->header));
    cJSON_Delete(TAKE(jwt->claims));
}

bool jwt_verify(const struct jwt *jwt, const struct jwt_key *key)
{
    CLEANUP(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    /* The token must not choose its own algorithm: "none" and HS256 are the classic attacks. */
    if (!str_is(json_str(jwt->header, "alg"), "RS256"))
        return false;
    return EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
           EVP_DigestVerify(ctx, (const unsigned char *)jwt->signature.at, jwt->signature.n,
                            (const unsigned char *)jwt->signed_part.at, jwt->signed_part.n) == 1;
}

bool jwt_has_audience(const struct jwt *jwt, struct str audience)
{
    const cJSON *aud = json_get(jwt->claims, "aud");

    if (cJSON_IsString(aud))
        return str_eq(json_text(aud), audience);
    if (cJSON_IsArray(aud))
        JSON_EACH(one, aud)
            if (cJSON_IsString(one) && str_eq(json_text(one), audience))
                return true;
    return false;
}
