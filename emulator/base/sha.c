/* Digests, by OpenSSL. */
#include "base/sha.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static void digest(const EVP_MD *kind, struct str data, uint8_t *ret_digest)
{
    int ok = EVP_Digest(data.n > 0 ? data.at : "", data.n, ret_digest, NULL, kind, NULL);

    assert(ok == 1);
    (void)ok;
}

void sha256(struct str data, uint8_t ret_digest[SHA256_BYTES])
{
    digest(EVP_sha256(), data, ret_digest);
}

void sha1(struct str data, uint8_t ret_digest[SHA1_BYTES])
{
    digest(EVP_sha1(), data, ret_digest);
}

void md5(struct str data, uint8_t ret_digest[MD5_BYTES])
{
    digest(EVP_md5(), data, ret_digest);
}

void hmac_sha256(struct str key, struct str data, uint8_t ret_digest[SHA256_BYTES])
{
    unsigned n = SHA256_BYTES;
    const void *made =
        HMAC(EVP_sha256(), key.n > 0 ? key.at : "", (int)key.n,
             (const unsigned char *)(data.n > 0 ? data.at : ""), data.n, ret_digest, &n);

    assert(made != NULL && n == SHA256_BYTES);
    (void)made;
}

struct str hex_encode(struct arena *a, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    char *text = arena_alloc(a, n * 2 + 1);

    for (size_t i = 0; i < n; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return str_n(text, n * 2);
}

struct str sha256_hex(struct arena *a, struct str data)
{
    uint8_t bytes[SHA256_BYTES];

    sha256(data, bytes);
    return hex_encode(a, bytes, sizeof bytes);
}

struct str sha1_hex(struct arena *a, struct str data)
{
    uint8_t bytes[SHA1_BYTES];

    sha1(data, bytes);
    return hex_encode(a, bytes, sizeof bytes);
}

struct str md5_hex(struct arena *a, struct str data)
{
    uint8_t bytes[MD5_BYTES];

    md5(data, bytes);
    return hex_encode(a, bytes, sizeof bytes);
}

bool equal_in_constant_time(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.at, b.at, a.n) == 0);
}
