/* A cookie's value is base64 of a nonce, the sealed content and its tag, of one length always.
 * Source: Application Load Balancers User Guide, "Sticky sessions"; RFC 6265 section 4. */
#include "dataplane/cookie.h"

#include <assert.h>
#include <stdlib.h>

enum {
    NONCE = 12,
    TAG = 16,
    WHOLE = 93, /* bytes, as long as AWS's */
    CONTENT = WHOLE - NONCE - TAG,
};

void cookie_seal_init(struct cookie_seal *s, const uint8_t key[COOKIE_KEY_BYTES])
{
    s->in = EVP_CIPHER_CTX_new();
    s->out = EVP_CIPHER_CTX_new();
    if (s->in == NULL || s->out == NULL ||
        EVP_EncryptInit_ex(s->out, EVP_aes_256_gcm(), NULL, key, NULL) != 1 ||
        EVP_DecryptInit_ex(s->in, EVP_aes_256_gcm(), NULL, key, NULL) != 1)
        abort(); /* out of memory */
}

void cookie_seal_free(struct cookie_seal *s)
{
    EVP_CIPHER_CTX_free(s->in);
    EVP_CIPHER_CTX_free(s->out);
}

static void put(uint8_t *to, uint64_t value)
{
    for (size_t i = 0; i < 8; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *at)
{
    uint64_t value = 0;

    for (size_t i = 0; i < 8; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

void cookie_write(struct cookie_seal *s, struct ids *ids, const struct cookie *c, struct text *t)
{
    uint8_t content[CONTENT] = {1}, whole[WHOLE];
    unsigned char coded[COOKIE_VALUE_BYTES + 1];
    int n = 0, ok;

    put(content + 1, (uint64_t)c->made_ms);
    put(content + 9, c->group);
    put(content + 17, c->target);
    put(content + 25, c->application);
    put(whole, ids_next(ids));
    put(whole + 4, ids_next(ids));
    ok = EVP_EncryptInit_ex(s->out, NULL, NULL, NULL, whole) == 1 &&
         EVP_EncryptUpdate(s->out, whole + NONCE, &n, content, CONTENT) == 1 &&
         EVP_EncryptFinal_ex(s->out, whole + NONCE + n, &n) == 1 &&
         EVP_CIPHER_CTX_ctrl(s->out, EVP_CTRL_AEAD_GET_TAG, TAG, whole + NONCE + CONTENT) == 1;
    assert(ok);
    (void)ok;
    n = EVP_EncodeBlock(coded, whole, WHOLE);
    text_add(t, str_n((const char *)coded, (size_t)n));
}

bool cookie_read(struct cookie_seal *s, struct str value, struct cookie *ret_cookie)
{
    uint8_t content[CONTENT + 16], whole[WHOLE + 3];
    int n = 0;

    if (value.n != COOKIE_VALUE_BYTES ||
        EVP_DecodeBlock(whole, (const unsigned char *)value.at, (int)value.n) != WHOLE)
        return false;
    if (EVP_DecryptInit_ex(s->in, NULL, NULL, NULL, whole) != 1 ||
        EVP_DecryptUpdate(s->in, content, &n, whole + NONCE, CONTENT) != 1 ||
        EVP_CIPHER_CTX_ctrl(s->in, EVP_CTRL_AEAD_SET_TAG, TAG, whole + NONCE + CONTENT) != 1 ||
        EVP_DecryptFinal_ex(s->in, content + n, &n) != 1 || content[0] != 1)
        return false;
    *ret_cookie = (struct cookie){.made_ms = (int64_t)get(content + 1),
                                  .group = get(content + 9),
                                  .target = get(content + 17),
                                  .application = get(content + 25)};
    return true;
}

/* --- where they are --------------------------------------------------------------------------- */

bool cookie_find(const struct http_fields *fields, struct str name, struct str *ret_value)
{
    for (size_t i = 0; i < fields->n; i++) {
        struct str rest = fields->at[i].value, pair;

        if (fields->at[i].id != FIELD_COOKIE)
            continue;
        while (str_next(&rest, ';', &pair)) {
            pair = str_trim(pair);
            if (pair.n <= name.n || pair.at[name.n] != '=' || !str_starts(pair, name))
                continue;
            *ret_value = str_from(pair, name.n + 1);
            return true;
        }
    }
    return false;
}

bool cookie_find_set(const struct http_fields *fields, struct str name, struct str *ret_value)
{
    for (size_t i = 0; i < fields->n; i++) {
        struct str value = fields->at[i].value;

        if (fields->at[i].id != FIELD_SET_COOKIE || value.n <= name.n || value.at[name.n] != '=' ||
            !str_starts(value, name))
            continue;
        value = str_from(value, name.n + 1);
        *ret_value = str_trim(str_first(value, str_chr(value, ';')));
        return true;
    }
    return false;
}
