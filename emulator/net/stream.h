/* A byte stream over a socket, clear or under TLS (also TLS within TLS, as behind CONNECT).
 * One owner; every callback is the owner's; bytes read are borrowed for the call. Freed in one
 * place, when libuv has given the handle back, just before on_closed. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <uv.h>

#include "base/arena.h"
#include "base/str.h"
#include "net/tls.h"

struct stream;

enum stream_security {
    STREAM_CLEAR,
    STREAM_TLS,
    STREAM_DETECT, /* a first byte of 0x16 (a TLS handshake record) means TLS */
};

/* Any member may be NULL. A callback may close the stream, write, stop reading, or set other
 * events. */
struct stream_events {
    void (*on_ready)(void *data);                   /* a client's handshake is done */
    void (*on_bytes)(void *data, struct str bytes); /* all of it is the owner's to use now */
    void (*on_end)(void *data);                     /* the other end finished sending */
    void (*on_drained)(void *data);                 /* everything written has left */
    void (*on_failed)(void *data, int error, struct str why); /* close it; nothing else comes */
    void (*on_closed)(void *data); /* the last callback: the stream is gone */
};

/* Takes a waiting connection from @listener. 0 and *ret_stream, or a negative UV_* error. */
int stream_accept(uv_stream_t *listener, struct stream **ret_stream);

/* Takes over the socket @fd (also one of a socketpair), closing it with the stream. */
int stream_open(uv_loop_t *loop, uv_os_sock_t fd, struct stream **ret_stream);

/* Begins to connect; @on_connected comes later, once, unless the stream is closed before. The
 * result is 0 or a negative UV_* error; after an error the owner closes the stream. */
typedef void stream_connect_cb(void *data, int error);
int stream_connect(uv_loop_t *loop, const struct sockaddr *to, stream_connect_cb *on_connected,
                   void *data, struct stream **ret_stream);

void stream_set_events(struct stream *s, const struct stream_events *events, void *data);

/* What the bytes from here on are, as a server sees them. May be called again once the layer
 * below is clear or its handshake is done: the new layer then lives inside it (nesting is
 * bounded: -E2BIG). @tls is borrowed for the call; NULL for STREAM_CLEAR. */
int stream_serve(struct stream *s, enum stream_security security, SSL_CTX *tls);

/* Starts TLS as a client that expects @name (a DNS name or an IP address; verified unless the
 * context is insecure). on_ready tells when it is done; writes wait until then. */
int stream_start_tls(struct stream *s, SSL_CTX *tls, struct str name);

/* Reading is off at first; stopping is the backpressure of this direction. Bytes that were
 * already taken from the socket may still come once after a stop inside on_bytes. */
void stream_read_start(struct stream *s);
void stream_read_stop(struct stream *s);

/* Handed to on_bytes before anything else is read: what an earlier owner read too much. Copied. */
void stream_unread(struct stream *s, struct str bytes);

/* Queues a copy of @bytes. After close or failure it does nothing. */
void stream_write(struct stream *s, struct str bytes);

/* Bytes (of the wire) that wait to be sent. */
size_t stream_queued(const struct stream *s);

/* Finishes sending behind what is queued; reading goes on. */
void stream_end(struct stream *s);

/* Closes at once, or behind what is queued (bounded: a peer that takes nothing for ten seconds is
 * cut off). From any callback, any number of times. on_closed comes later, from the loop. */
void stream_close(struct stream *s);
void stream_close_when_sent(struct stream *s);
bool stream_is_closing(const struct stream *s);

/* The ends' addresses. 0 or a negative UV_* error. */
int stream_peer(const struct stream *s, struct sockaddr_storage *ret_addr);
int stream_local(const struct stream *s, struct sockaddr_storage *ret_addr);

/* The innermost TLS layer, or NULL. For tls_peer_read, SNI and ALPN; borrowed. */
SSL *stream_tls(const struct stream *s);

/* The server name that the client asked for, in the innermost layer; empty when none. */
struct str stream_sni(const struct stream *s);

/* Copies bytes both ways until both ends finished or one failed, with backpressure and
 * half-close, and closes both streams. The relay owns them from now on. */
void stream_relay(struct stream *left, struct stream *right);
