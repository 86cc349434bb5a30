/* TLS over a sock: the owner goes on reading and writing plain bytes, and hears on_secured when
 * the handshake is over. Keys, certificates and policies are in the SSL_CTX (dp_tls.h); here is
 * only the movement of bytes. For whoever owns a sock, and for sock.c. */
#pragma once

#include <openssl/ssl.h>

#include "dataplane/sock.h"

/* Chooses the server's context by the name that the client asked for (lower case; empty when it
 * sent no SNI). NULL refuses the handshake with unrecognized_name. */
typedef SSL_CTX *secure_choose_cb(struct sock *s, struct str name);

/* Puts TLS on a connected socket, before anything was read. Ours is the server's side. */
void secure_accept(struct sock *s, SSL_CTX *ctx);

/* Likewise, with the context chosen once the client's first message is here. @peek: a context of
 * secure_peek_context. */
void secure_accept_by_name(struct sock *s, SSL_CTX *peek, secure_choose_cb *choose);

/* Ours is the client's side: put on before anything is written, which then goes behind the
 * handshake; begun when the socket is connected. */
void secure_connect(struct sock *s, SSL_CTX *ctx);
void secure_begin(struct sock *s);

/* A context that reads a client's first message and nothing more. NULL when OpenSSL has none. */
SSL_CTX *secure_peek_context(void);

/* Takes TLS off again: what follows goes in clear. */
void secure_free(struct sock *s);

bool secure_is_ready(const struct sock *s);

/* The connection itself, for what it can tell. */
SSL *secure_ssl(const struct sock *s);

/* When the handshake was begun, in steady microseconds. */
int64_t secure_began_us(const struct sock *s);

/* The name the client asked for; empty when it sent none. Valid while TLS is on. */
struct str secure_name(const struct sock *s);

/* --- for sock.c ------------------------------------------------------------------------------ */

void secure_rooms_init(struct sock_rooms *rooms);
void secure_rooms_free(struct sock_rooms *rooms);

/* What came from the kernel. */
void secure_read(struct sock *s, struct str bytes);
int secure_write(struct sock *s, const uv_buf_t *bufs, unsigned n);

/* Plain bytes that wait for the end of the handshake. */
size_t secure_waiting(const struct sock *s);

/* Says that nothing more will be sent. */
void secure_end(struct sock *s);
