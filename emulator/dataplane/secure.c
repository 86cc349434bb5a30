/* TLS between a sock and its owner. OpenSSL pulls records out of the bytes that one read brought
 * and pushes records into the loop's cipher room, which leaves at the end of each call; so the
 * only copies are OpenSSL's own. Everything that came is decrypted and handed on at once: after a
 * read OpenSSL holds at most a part of one record.
 * Ownership: the sock owns its secure from secure_accept() or secure_connect() until
 * secure_free(), which sock_close() calls. A callback of the owner may close the sock: after each
 * one s->closing is looked at before anything else.
 * Source: RFC 6066 section 3 (server_name), RFC 8446. */
#include "dataplane/secure.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/memory.h"

enum {
    CIPHER_ROOM = 160 * 1024,
    HELLO_MAX = 20 * 1024,          /* of a client that is still choosing */
    WAITING_MAX = 64 * 1024 * 1024, /* backpressure stops it long before */
    NAME_MAX_BYTES = 256,
};

struct secure {
    SSL *ssl;
    struct str in;            /* ciphertext that OpenSSL has not taken */
    struct buf hello;         /* all that came while the context is open */
    struct buf waiting;       /* plain, until the handshake is over */
    secure_choose_cb *choose; /* NULL once the context is settled */
    bool started, ready, refused, dead;
    int error; /* of sending */
    int64_t began_us;
    char name[NAME_MAX_BYTES];
    size_t name_n;
};

/* --- between OpenSSL and the socket ---------------------------------------------------------- */

static int send_cipher(struct sock *s)
{
    struct text *room = &s->rooms->cipher;
    uv_buf_t whole = uv_buf_init(room->at, (unsigned)room->n);
    int r = room->n > 0 ? sock_send_raw(s, &whole, 1) : 0;

    room->n = 0;
    if (r < 0 && s->secure->error == 0)
        s->secure->error = r;
    return s->secure->error;
}

static int bio_read(BIO *bio, char *to, size_t most, size_t *ret_n)
{
    struct sock *s = BIO_get_data(bio);
    struct str *in = &s->secure->in;
    size_t n = in->n < most ? in->n : most;

    BIO_clear_retry_flags(bio);
    if (n == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(to, in->at, n);
    *in = str_from(*in, n);
    *ret_n = n;
    return 1;
}

static int bio_write(BIO *bio, const char *at, size_t n, size_t *ret_n)
{
    struct sock *s = BIO_get_data(bio);
    struct text *room = &s->rooms->cipher;

    BIO_clear_retry_flags(bio);
    if (room->room - room->n < n && send_cipher(s) < 0)
        return 0;
    text_add(room, str_n(at, n));
    *ret_n = n;
    return !room->full;
}

static long bio_control(BIO *bio, int command, long number, void *data)
{
    (void)bio, (void)number, (void)data;
    return command == BIO_CTRL_FLUSH;
}

void secure_rooms_init(struct sock_rooms *rooms)
{
    rooms->cipher = (struct text){.at = xcalloc(CIPHER_ROOM), .room = CIPHER_ROOM};
    rooms->bio = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sock");
    (void)BIO_meth_set_read_ex(rooms->bio, bio_read);
    (void)BIO_meth_set_write_ex(rooms->bio, bio_write);
    (void)BIO_meth_set_ctrl(rooms->bio, bio_control);
}

void secure_rooms_free(struct sock_rooms *rooms)
{
    free(rooms->cipher.at);
    BIO_meth_free(rooms->bio);
}

/* --- life ------------------------------------------------------------------------------------ */

static SSL *new_ssl(struct sock *s, SSL_CTX *ctx)
{
    SSL *ssl = SSL_new(ctx);
    BIO *bio = BIO_new(s->rooms->bio);

    if (ssl == NULL || bio == NULL)
        abort(); /* out of memory */
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    (void)SSL_set_app_data(ssl, s);
    return ssl;
}

static struct secure *put_on(struct sock *s, SSL_CTX *ctx)
{
    struct secure *e = xcalloc(sizeof *e);

    s->secure = e;
    e->ssl = new_ssl(s, ctx);
    e->waiting = buf_init(WAITING_MAX);
    e->hello = buf_init(HELLO_MAX);
    e->began_us = clock_steady_us();
    return e;
}

void secure_accept(struct sock *s, SSL_CTX *ctx)
{
    SSL_set_accept_state(put_on(s, ctx)->ssl);
}

void secure_accept_by_name(struct sock *s, SSL_CTX *peek, secure_choose_cb *choose)
{
    struct secure *e = put_on(s, peek);

    SSL_set_accept_state(e->ssl);
    e->choose = choose;
}

void secure_free(struct sock *s)
{
    struct secure *e = s->secure;

    if (e == NULL)
        return;
    s->secure = NULL;
    SSL_free(e->ssl);
    buf_free(&e->waiting);
    buf_free(&e->hello);
    free(e);
}

bool secure_is_ready(const struct sock *s)
{
    return s->secure->ready;
}

SSL *secure_ssl(const struct sock *s)
{
    return s->secure->ssl;
}

int64_t secure_began_us(const struct sock *s)
{
    return s->secure->began_us;
}

struct str secure_name(const struct sock *s)
{
    return str_n(s->secure->name, s->secure->name_n);
}

size_t secure_waiting(const struct sock *s)
{
    return s->secure->waiting.n;
}

/* --- sending --------------------------------------------------------------------------------- */

static void fail(struct secure *e)
{
    e->dead = true;
    if (e->error == 0)
        e->error = UV_EPROTO;
}

static void put_record(struct secure *e, const char *at, size_t n)
{
    size_t written;

    if (n > 0 && !e->dead && SSL_write_ex(e->ssl, at, n, &written) != 1)
        fail(e);
}

/* Small pieces share a record; large ones go as they lie. */
static void encrypt(struct sock *s, const uv_buf_t *bufs, unsigned n)
{
    struct secure *e = s->secure;
    char *record = s->rooms->record;
    size_t have = 0;

    for (unsigned i = 0; i < n; i++) {
        const char *at = bufs[i].base;
        size_t left = bufs[i].len;

        while (left > 0) {
            size_t part = SOCK_RECORD - have;

            if (have == 0 && left >= SOCK_RECORD) {
                part = left - left % SOCK_RECORD;
                put_record(e, at, part);
            } else {
                part = left < part ? left : part;
                memcpy(record + have, at, part);
                have += part;
            }
            at += part;
            left -= part;
            if (have == SOCK_RECORD) {
                put_record(e, record, have);
                have = 0;
            }
        }
    }
    put_record(e, record, have);
}

int secure_write(struct sock *s, const uv_buf_t *bufs, unsigned n)
{
    struct secure *e = s->secure;

    if (e->error < 0)
        return e->error;
    if (e->ready) {
        encrypt(s, bufs, n);
        return send_cipher(s);
    }
    for (unsigned i = 0; i < n; i++)
        buf_add(&e->waiting, str_n(bufs[i].base, bufs[i].len));
    return e->waiting.full ? UV_ENOBUFS : 0;
}

void secure_end(struct sock *s)
{
    struct secure *e = s->secure;

    if (!e->ready || e->dead || e->error < 0)
        return;
    (void)SSL_shutdown(e->ssl);
    ERR_clear_error();
    (void)send_cipher(s);
}

/* --- the choice by name ---------------------------------------------------------------------- */

/* The one name of the server_name extension, lower case; empty when there is none. */
static void note_name(SSL *ssl, struct secure *e)
{
    const unsigned char *at;
    size_t n, length;

    e->name_n = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &at, &n) != 1 || n < 5 ||
        at[2] != TLSEXT_NAMETYPE_host_name)
        return;
    length = (size_t)at[3] << 8 | at[4];
    if (length > n - 5 || length > sizeof e->name)
        return;
    for (size_t i = 0; i < length; i++) {
        char c = (char)at[5 + i];

        e->name[e->name_n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
}

static int on_peeked_hello(SSL *ssl, int *alert, void *data)
{
    struct sock *s = SSL_get_app_data(ssl);

    (void)data;
    note_name(ssl, s->secure);
    if (!s->secure->refused)
        return SSL_CLIENT_HELLO_RETRY; /* do_handshake stops: choose_context goes on */
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
}

SSL_CTX *secure_peek_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (ctx == NULL)
        return NULL;
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_client_hello_cb(ctx, on_peeked_hello, NULL);
    return ctx;
}

/* The client's first message is whole: a new connection reads it again, under its own context. */
static void choose_context(struct sock *s)
{
    struct secure *e = s->secure;
    SSL_CTX *ctx = e->choose(s, secure_name(s));

    if (ctx == NULL) {
        e->refused = true;
        (void)SSL_do_handshake(e->ssl); /* sends the alert */
        return;
    }
    e->choose = NULL;
    SSL_free(e->ssl);
    e->ssl = new_ssl(s, ctx);
    SSL_set_accept_state(e->ssl);
    e->in = buf_str(&e->hello);
}

/* --- receiving ------------------------------------------------------------------------------- */

static void tell_failure(struct sock *s, int error)
{
    ERR_clear_error();
    (void)send_cipher(s); /* an alert */
    s->on_read(s, error, NULL);
}

/* Returns whether plain bytes may follow. */
static bool shake_hands(struct sock *s)
{
    struct secure *e = s->secure;
    int r = SSL_do_handshake(e->ssl), why = SSL_get_error(e->ssl, r);

    if (why == SSL_ERROR_WANT_CLIENT_HELLO_CB && e->choose != NULL) {
        choose_context(s);
        if (e->refused) {
            fail(e);
            tell_failure(s, UV_EPROTO);
            return false;
        }
        r = SSL_do_handshake(e->ssl);
        why = SSL_get_error(e->ssl, r);
        if (e->in.n == 0)
            buf_free(&e->hello);
    }
    if (r != 1 && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
        e->dead = true;
        tell_failure(s, UV_EPROTO);
        return false;
    }
    if (r == 1) {
        uv_buf_t whole = uv_buf_init(e->waiting.at, (unsigned)e->waiting.n);

        e->ready = true;
        if (whole.len > 0)
            encrypt(s, &whole, 1);
        buf_free(&e->waiting);
    }
    if (send_cipher(s) < 0) {
        s->on_read(s, e->error, NULL);
        return false;
    }
    if (r == 1 && s->on_secured != NULL)
        s->on_secured(s);
    return r == 1 && !s->closing && s->secure == e;
}

/* Decrypts into the plain room; how much there is, 0 when nothing is left. */
static size_t decrypt(struct sock *s, int *ret_why)
{
    struct secure *e = s->secure;
    size_t have = 0, n = 0;

    *ret_why = SSL_ERROR_NONE;
    while (have < SOCK_READ_ROOM && *ret_why == SSL_ERROR_NONE) {
        int r = SSL_read_ex(e->ssl, s->rooms->plain + have, SOCK_READ_ROOM - have, &n);

        if (r == 1)
            have += n;
        else
            *ret_why = SSL_get_error(e->ssl, r);
    }
    return have;
}

static void hand_on(struct sock *s)
{
    struct secure *e = s->secure;
    int why = SSL_ERROR_NONE;

    while (why == SSL_ERROR_NONE) {
        size_t n = decrypt(s, &why);

        if (n > 0)
            s->on_read(s, (ssize_t)n, s->rooms->plain);
        if (s->closing || s->secure != e)
            return;
    }
    if (why == SSL_ERROR_ZERO_RETURN) {
        s->on_read(s, UV_EOF, NULL);
    } else if (why != SSL_ERROR_WANT_READ) {
        fail(e);
        tell_failure(s, UV_EPROTO);
    } else if (s->rooms->cipher.n > 0) {
        (void)send_cipher(s); /* the answer to a key update */
    }
}

void secure_read(struct sock *s, struct str bytes)
{
    struct secure *e = s->secure;

    if (e->dead)
        return;
    /* A TLS client begins with a handshake record, an HTTP client with the letter of a method. */
    if (!e->started && !SSL_in_connect_init(e->ssl) && bytes.at[0] >= 'A' && bytes.at[0] <= 'Z') {
        e->dead = true;
        s->on_read(s, UV_EPROTONOSUPPORT, NULL);
        return;
    }
    e->started = true;
    e->in = bytes;
    if (e->choose != NULL) {
        buf_add(&e->hello, bytes);
        if (e->hello.full) {
            fail(e);
            s->on_read(s, UV_EPROTO, NULL);
            return;
        }
    }
    ERR_clear_error();
    if (!e->ready && !shake_hands(s))
        return;
    hand_on(s);
}

void secure_connect(struct sock *s, SSL_CTX *ctx)
{
    struct secure *e = put_on(s, ctx);

    SSL_set_connect_state(e->ssl);
    e->started = true;
}

void secure_begin(struct sock *s)
{
    s->secure->began_us = clock_steady_us();
    (void)shake_hands(s);
}
