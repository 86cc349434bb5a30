/* WebSockets, the server's side: messages over a stream. Source: RFC 6455. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "net/http.h"
#include "net/stream.h"

/* --- frames ----------------------------------------------------------------------------------- */

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
};

enum { WS_LARGEST_MESSAGE = 16 << 20, WS_LARGEST_CONTROL = 125 };

/* Puts frames of a client together to messages. */
struct ws_decoder {
    struct buf input;   /* bytes that are no whole frame yet */
    struct buf message; /* of fragments so far */
    char control[WS_LARGEST_CONTROL];
    enum ws_opcode opcode;
    bool fragmented;
};

/* One message, or a control frame between fragments. The payload is borrowed until the next call.
 */
struct ws_message {
    enum ws_opcode opcode;
    struct str payload;
};

struct ws_decoder ws_decoder_new(void);
void ws_decoder_free(struct ws_decoder *d);

/* Adds what was read. */
void ws_decoder_feed(struct ws_decoder *d, struct str bytes);

/* 1 and *ret_message, 0 when it takes more bytes, or a negative number when the client breaks the
 * protocol: -1002 (protocol error) or -1009 (too big), the close code negated. */
int ws_decoder_next(struct ws_decoder *d, struct ws_message *ret_message);

/* Writes one unmasked frame. */
void ws_encode(struct buf *b, enum ws_opcode opcode, struct str head, struct str payload);

/* --- the handshake ---------------------------------------------------------------------------- */

/* Whether the headers ask for a WebSocket. */
bool ws_is_upgrade(struct http_headers headers);

/* The first of @offered (of the server, by preference) that the client names in
 * Sec-WebSocket-Protocol; NULL when none is. */
const char *ws_choose_protocol(struct http_headers headers, const char *const *offered, size_t n);

/* The headers of the 101; @protocol may be NULL. In @a. */
struct http_headers ws_accept_headers(struct arena *a, struct http_headers request,
                                      const char *protocol);

/* --- connections ------------------------------------------------------------------------------ */

struct websocket;

struct websocket_events {
    void (*on_message)(void *data, bool text, struct str payload);
    void (*on_drained)(void *data); /* everything sent has left; may be NULL */
    void (*on_closed)(void *data);  /* the last callback: it is gone */
};

/* Takes over @s, which has answered the handshake. Pings are answered. Freed just after
 * on_closed. */
struct websocket *websocket_new(struct stream *s, const struct websocket_events *events,
                                void *data);

/* One message of @head and @payload together. */
void websocket_send(struct websocket *w, bool text, struct str head, struct str payload);
size_t websocket_queued(const struct websocket *w);

/* Stops or goes on reading. */
void websocket_hold(struct websocket *w, bool held);

/* Says goodbye with a code (1000: fine) and closes behind what is queued. */
void websocket_close(struct websocket *w, int code, struct str reason);
