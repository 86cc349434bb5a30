/* An HTTP/1.1 server. A handler gets complete requests and answers each exactly once: whole,
 * streamed, upgraded, or (for CONNECT) accepted or tunnelled.
 *
 * Lifetime: an exchange, its request and its arena live until the handler has ended it by
 * http_answer, http_end, http_abort, http_upgrade, http_accept_connect or http_tunnel, at once or
 * later. When the client goes away first, on_gone is called and the exchange still waits to be
 * ended; whatever is written to it goes nowhere. So: end each exactly once, touch it never after.
 *
 * Requests of one connection are handled in order, the next one after the answer to the one
 * before. Source: RFC 9112. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "net/http.h"
#include "net/stream.h"

struct http_server;
struct http_exchange;

struct http_request {
    struct str method;    /* "GET", "CONNECT" … */
    struct str target;    /* as it came: "/a?b", "http://host/a" or "host:443" */
    struct str path;      /* raw, not decoded; of an absolute target its path */
    struct str query;     /* raw, without the '?' */
    struct str authority; /* of an absolute target or CONNECT, else the Host header */
    struct str host;      /* the authority without its port, lower case */
    bool absolute;        /* the target was a whole URL: the client takes us for a proxy */
    int minor;            /* HTTP/1.<minor> */
    struct http_headers headers;
    struct str body;
    bool tls;       /* came encrypted, in the innermost layer */
    struct str sni; /* the name asked for in TLS */
    struct tls_peer tls_client;
    struct str via;  /* "host:port" of the CONNECT around this request; empty without one */
    struct str peer; /* "127.0.0.1" */
    uint16_t peer_port;
    struct str local; /* the address that the client connected to */
    uint16_t local_port;
    struct arena *arena; /* the exchange's */
};

/* A request is there; answer it now or later. */
typedef void http_handle_cb(void *data, struct http_exchange *x, const struct http_request *r);

/* Words an answer that the server itself must give: 400, 408, 413, 417, 431, 501, 505.
 * @r holds what was understood so far (method and target may be empty). */
struct http_refusal {
    int status;
    struct str reason;             /* one sentence */
    struct str content_type, body; /* to be set, in r->arena; a plain line by default */
};
typedef void http_refuse_cb(void *data, const struct http_request *r, struct http_refusal *refusal);

struct http_server_options {
    uv_loop_t *loop;
    enum stream_security security;
    SSL_CTX *tls; /* for STREAM_TLS and STREAM_DETECT, and inside accepted CONNECTs; borrowed for
                   * the server's life */
    const struct clock *clock; /* for the Date header; NULL: none */
    size_t head_limit;         /* bytes; 0: 64 KiB; above: 431 */
    size_t body_limit;         /* bytes; 0: 3 MiB; above: 413 */
    int64_t head_timeout_ms;   /* from a request's first byte to its last; 0: 60 s */
    int64_t idle_timeout_ms;   /* between requests; 0: 180 s */
    size_t gzip_from; /* whole answers of at least this many bytes are compressed for clients
                       * that take gzip; 0: never */
    http_handle_cb *handle;
    http_refuse_cb *refuse; /* may be NULL */
    void *data;             /* for both */
};

/* The options are copied. Free with http_server_close. */
struct http_server *http_server_new(const struct http_server_options *o);

/* Listens on a literal address; may be called for several. @port 0 takes a free one. 0 and
 * *ret_port (may be NULL), or a negative UV_* error. */
int http_server_listen(struct http_server *s, struct str address, uint16_t port,
                       uint16_t *ret_port);

/* Serves one connection that somebody else made. Takes @fd over. */
int http_server_serve_fd(struct http_server *s, uv_os_sock_t fd);

/* Stops listening and closes every connection; exchanges that wait are told. @on_closed (may be
 * NULL) is called when the loop holds nothing of the server any more, and the server is freed. */
void http_server_close(struct http_server *s, void (*on_closed)(void *data), void *data);

/* --- answering ------------------------------------------------------------------------- */

/* The whole answer. Content-Length and Date are added; everything is copied. A HEAD gets the
 * headers only; 1xx, 204 and 304 have no body. */
void http_answer(struct http_exchange *x, int status, struct http_headers headers, struct str body);

/* An answer in parts: start, any number of writes, end. Chunked for HTTP/1.1 unless the headers
 * have Content-Length. Each write is sent at once. */
void http_start(struct http_exchange *x, int status, struct http_headers headers);
void http_write(struct http_exchange *x, struct str bytes);
void http_end(struct http_exchange *x);

/* Cuts the connection: the client sees that the answer is incomplete. */
void http_abort(struct http_exchange *x);

/* Bytes that wait to be sent: a slow watcher has many. */
size_t http_queued(const struct http_exchange *x);

/* @on_gone: the client went away before the answer's end (called at most once; the exchange is
 * still to be ended, which may be done inside). @on_drained: everything written has left. */
void http_on_gone(struct http_exchange *x, void (*on_gone)(void *data), void *data);
void http_on_drained(struct http_exchange *x, void (*on_drained)(void *data), void *data);

/* True once the client has gone. */
bool http_is_gone(const struct http_exchange *x);

/* Sends the head (101, usually) and hands the stream over, reading stopped, without events; bytes
 * that were read behind the request come first when the new owner reads. Ends the exchange. NULL
 * when the client has gone (the exchange is ended then too). */
struct stream *http_upgrade(struct http_exchange *x, int status, struct http_headers headers);

/* CONNECT: answers 200, and the connection starts over with the server's own detection (TLS or
 * clear) inside; requests that come through it carry `via`. Ends the exchange. */
void http_accept_connect(struct http_exchange *x);

/* CONNECT: joins the client with the real @host (502 with a line of text when it cannot be
 * reached). Ends the exchange. */
void http_tunnel(struct http_exchange *x, struct str host, uint16_t port);
