/* The load balancer's own cookies: what they hold, sealed so that nobody can make one up, and
 * where they are in a request. No sockets. */
#pragma once

#include <openssl/evp.h>

#include "base/ids.h"
#include "dataplane/http_head.h"
#include "dataplane/text.h"

enum { COOKIE_KEY_BYTES = 32, COOKIE_VALUE_BYTES = 124 };

/* What a cookie says. Groups and targets go by dp_group.name and dp_target.name. */
struct cookie {
    int64_t made_ms;
    uint64_t group, target; /* target 0: the cookie chooses a group */
    uint64_t application;   /* digest of the application's own cookie; 0: none */
};

/* A worker's sealing; both sides of a restart have the same key. */
struct cookie_seal {
    EVP_CIPHER_CTX *in, *out;
};

void cookie_seal_init(struct cookie_seal *s, const uint8_t key[COOKIE_KEY_BYTES]);
void cookie_seal_free(struct cookie_seal *s);

/* Writes COOKIE_VALUE_BYTES bytes. */
void cookie_write(struct cookie_seal *s, struct ids *ids, const struct cookie *c, struct text *t);

/* False for whatever cookie_write did not make. */
bool cookie_read(struct cookie_seal *s, struct str value, struct cookie *ret_cookie);

/* The value of the first cookie @name in a request; false when there is none. */
bool cookie_find(const struct http_fields *fields, struct str name, struct str *ret_value);

/* The value that a response gives to the cookie @name; false when it gives none. */
bool cookie_find_set(const struct http_fields *fields, struct str name, struct str *ret_value);
