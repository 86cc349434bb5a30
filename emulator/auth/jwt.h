/* JSON Web Tokens signed with RS256: what Kubernetes gives ServiceAccounts and what STS reads.
 * Pure: the time is the caller's. Source: RFC 7515, RFC 7517, RFC 7519; Kubernetes
 * "Managing Service Accounts". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

/* An RSA key: a pair that can sign, or a public half that can only verify. */
struct jwt_key;

/* A new RSA-2048 pair. Takes some tenths of a second: not for the control thread once it serves.
 * 0 or a negative errno (logged). */
int jwt_key_new(struct jwt_key **ret_key);

/* From what jwt_key_pem gave. 0, or -EINVAL when it is none. */
int jwt_key_load(struct str pem, struct jwt_key **ret_key);

/* A public half from a JWK ({kty: RSA, n, e}). 0, or -EINVAL when it is none. */
int jwt_key_from_jwk(const cJSON *jwk, struct jwt_key **ret_key);

/* NULL is fine. */
void jwt_key_free(struct jwt_key *key);

/* The private key as PEM (PKCS #8). In @a. */
struct str jwt_key_pem(const struct jwt_key *key, struct arena *a);

/* The key id: base64url of the SHA-256 of the public key's DER. Borrowed from the key. */
struct str jwt_key_id(const struct jwt_key *key);

/* {use, kty, kid, alg, n, e}; the caller's. */
cJSON *jwt_key_jwk(const struct jwt_key *key);

/* The token of @claims. In @a. */
struct str jwt_sign(const struct jwt_key *key, struct arena *a, const cJSON *claims);

/* A token taken apart, not yet believed. The trees are its own: jwt_deinit. */
struct jwt {
    cJSON *header, *claims;
    struct str signed_part; /* of the token's text */
    struct str signature;   /* bytes */
};

/* Three parts, the first two JSON objects; at most 64 KiB. False, with nothing written, when it is
 * no token. Text of *ret_jwt is of @token or in @a. */
bool jwt_parse(struct arena *a, struct str token, struct jwt *ret_jwt);
void jwt_deinit(struct jwt *jwt);

/* Whether @key signed it with RS256. Times and names are the caller's to judge. */
bool jwt_verify(const struct jwt *jwt, const struct jwt_key *key);

/* Whether @audience is the aud claim or one of it. */
bool jwt_has_audience(const struct jwt *jwt, struct str audience);
