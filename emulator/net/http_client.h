/* An asynchronous HTTP/1.1 client: keep-alive pool for each origin, TLS, proxies, streamed
 * answers. One client has one TLS configuration; make one for each. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/arena.h"
#include "base/str.h"
#include "net/http.h"
#include "net/tls.h"

struct http_client;
struct http_call;

struct http_client_options {
    uv_loop_t *loop;
    SSL_CTX *tls; /* for https; borrowed for the client's life; NULL: https fails */
    const char *proxy_http, *proxy_https; /* URLs ("http://127.0.0.1:4566"); NULL or "": none */
    const char *no_proxy; /* hosts and domain suffixes, comma-separated; "*" for all */
    unsigned most_idle;   /* idle connections kept for each origin; 0: 8 */
    int64_t idle_ms;      /* how long they are kept; 0: 60 s */
};

/* Fills the proxy members from HTTP_PROXY, HTTPS_PROXY, NO_PROXY and their lower-case forms. */
void http_client_read_environment(struct http_client_options *o);

/* Options are copied (strings too). Free with http_client_close. */
struct http_client *http_client_new(const struct http_client_options *o);

/* Cancels every call (on_done comes with -ECANCELED) and closes the pool. @on_closed (may be
 * NULL) is called when the loop holds nothing of the client any more. */
void http_client_close(struct http_client *c, void (*on_closed)(void *data), void *data);

/* What came back. Slices live for the callback only. */
struct http_result {
    int error;      /* 0, or a negative errno or UV_* error: there may be no status then */
    struct str why; /* a sentence for @error */
    int status;
    struct http_headers headers;
    struct str body; /* empty where on_data took it */
};

struct http_call_options {
    struct str method, url;
    struct http_headers headers; /* Host, Content-Length and Accept-Encoding are the client's */
    struct str body;
    int64_t timeout_ms; /* to the end of the answer, or with on_data to its head; 0: 30 s,
                         * negative: none */
    size_t body_limit;  /* of a collected answer; 0: 64 MiB */
    /* A streamed answer: on_head once (may be NULL), on_data for each part; on_done at the end. */
    void (*on_head)(void *data, const struct http_result *head);
    void (*on_data)(void *data, struct str bytes);
    /* Called exactly once, from the loop, unless the call was cancelled. */
    void (*on_done)(void *data, const struct http_result *result);
    void *data;
};

/* Begins a request; everything is copied. A request that met a connection which the server had
 * just closed is sent once more on a new one. The handle is good until on_done. */
struct http_call *http_client_send(struct http_client *c, const struct http_call_options *o);

/* No callback of this call comes any more. NULL is fine. */
void http_call_cancel(struct http_call *call);

/* Backpressure for a streamed answer. */
void http_call_pause(struct http_call *call);
void http_call_resume(struct http_call *call);
