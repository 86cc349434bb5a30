/* Digests, by OpenSSL. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum { SHA256_BYTES = 32, SHA1_BYTES = 20, MD5_BYTES = 16 };

void sha256(struct str data, uint8_t ret_digest[SHA256_BYTES]);
void sha1(struct str data, uint8_t ret_digest[SHA1_BYTES]);
void md5(struct str data, uint8_t ret_digest[MD5_BYTES]);
void hmac_sha256(struct str key, struct str data, uint8_t ret_digest[SHA256_BYTES]);

/* Lower-case hex of @n bytes. In @a. */
struct str hex_encode(struct arena *a, const uint8_t *bytes, size_t n);

/* Lower-case hex of the SHA-256 (MD5, SHA-1) of @data. In @a. */
struct str sha256_hex(struct arena *a, struct str data);
struct str sha1_hex(struct arena *a, struct str data);
struct str md5_hex(struct arena *a, struct str data);

/* Equality in a time that does not depend on where they differ. */
bool equal_in_constant_time(struct str a, struct str b);
