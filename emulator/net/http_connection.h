/* Inside of the HTTP server: one connection and the exchange on it. For http_server.c (listeners,
 * reading), http_answer.c (answering) and their tests; nobody else includes this. */
#pragma once

#include <llhttp.h>

#include "base/buf.h"
#include "base/list.h"
#include "net/http_server.h"

struct http_server {
    struct http_server_options options;
    struct link listeners, connections;
    bool closing;
    void (*on_closed)(void *data);
    void *closed_data;
};

/* Where the request that is being read stands. */
enum http_reading { READING_HEAD, READING_BODY, READING_DONE };

struct http_exchange {
    struct http_connection *connection; /* NULL once the client has gone */
    struct http_request request;
    struct arena arena;
    struct buf body;
    bool head_only, keep_alive, started, chunked;
    void (*on_gone)(void *data);
    void *gone_data;
    void (*on_drained)(void *data);
    void *drained_data;
};

struct http_connection {
    struct link link;
    struct http_server *server;
    struct stream *stream; /* NULL once it was handed over */
    uv_timer_t timer;
    unsigned handles; /* stream and timer: 2, 1, 0 and freed */
    bool closing;
    bool peer_ended; /* the client finished sending */
    bool processing; /* inside process(): the next request is its business */
    bool refused;    /* the last answer was given; nothing more is read */

    llhttp_t parser;
    enum http_reading reading;
    struct http_exchange *exchange; /* being read or answered; NULL between requests */
    struct buf input;               /* read behind the current request */
    size_t input_at;                /* how much of it is used up */
    struct buf text;                /* of the head that is being read */
    size_t head_bytes;
    struct http_span {
        size_t name, name_n, value, value_n; /* places in text */
    } * spans;
    size_t span_count, span_room;
    size_t target_n; /* text begins with the target */
    bool in_value;

    char via[272]; /* "host:port" of the CONNECT that it is inside of */
};

/* The handler is done with the exchange; frees it and lets the connection go on or close. */
void http_connection_done(struct http_exchange *x);

/* Lets the stream go to a new owner; the connection ends. */
struct stream *http_connection_release(struct http_connection *c);

/* Starts over inside an accepted CONNECT. */
void http_connection_nest(struct http_connection *c, struct str authority);

/* Closes at once. The exchange, if any, is told. */
void http_connection_close(struct http_connection *c);

/* Frees an exchange that no connection knows (any more). */
void http_exchange_free(struct http_exchange *x);
