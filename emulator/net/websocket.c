/* Frames, the handshake, and connections.
 *
 * Ownership: a websocket owns its stream; on_stream_closed() frees it, in one place, after the
 * owner's on_closed. Source: RFC 6455. */
#include "net/websocket.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/memory.h"
#include "base/sha.h"

#define ACCEPT_SALT "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

enum {
    PROTOCOL_ERROR = 1002,
    TOO_BIG = 1009,
    FIN = 0x80,
    RESERVED = 0x70,
    MASKED = 0x80,
    MASK_BYTES = 4,
    LENGTH_16 = 126,
    LENGTH_64 = 127,
    LARGEST_FRAME = WS_LARGEST_MESSAGE + 14,
};

/* --- frames ----------------------------------------------------------------------------------- */

struct ws_decoder ws_decoder_new(void)
{
    return (struct ws_decoder){
        .input = buf_init(2 * LARGEST_FRAME),
        .message = buf_init(WS_LARGEST_MESSAGE),
    };
}

void ws_decoder_free(struct ws_decoder *d)
{
    buf_free(&d->input);
    buf_free(&d->message);
}

void ws_decoder_feed(struct ws_decoder *d, struct str bytes)
{
    buf_add(&d->input, bytes);
}

struct frame {
    enum ws_opcode opcode;
    bool fin;
    size_t head, length; /* bytes of the head and of the payload */
    uint8_t mask[MASK_BYTES];
};

static uint64_t big_endian(const uint8_t *at, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value = value << 8 | at[i];
    return value;
}

/* 1 when the head is whole. */
static int read_head(struct str s, struct frame *f)
{
    const uint8_t *at = (const uint8_t *)s.at;
    size_t extra;
    uint64_t length;

    if (s.n < 2)
        return 0;
    if ((at[0] & RESERVED) != 0 || (at[1] & MASKED) == 0)
        return -PROTOCOL_ERROR; /* no extension was agreed on; clients mask */
    length = at[1] & 0x7f;
    extra = length == LENGTH_16 ? 2 : length == LENGTH_64 ? 8 : 0;
    f->head = 2 + extra + MASK_BYTES;
    if (s.n < f->head)
        return 0;
    if (extra > 0)
        length = big_endian(at + 2, extra);
    if (length > WS_LARGEST_MESSAGE)
        return -TOO_BIG;
    f->opcode = (enum ws_opcode)(at[0] & 0x0f);
    f->fin = (at[0] & FIN) != 0;
    f->length = (size_t)length;
    memcpy(f->mask, at + 2 + extra, MASK_BYTES);
    return 1;
}

static void unmask(char *at, const struct frame *f)
{
    for (size_t i = 0; i < f->length; i++)
        at[i] = (char)((uint8_t)at[i] ^ f->mask[i % MASK_BYTES]);
}

static bool is_control(enum ws_opcode opcode)
{
    return opcode >= WS_CLOSE;
}

static int check_frame(const struct ws_decoder *d, const struct frame *f)
{
    if (f->opcode > WS_PONG || (f->opcode > WS_BINARY && f->opcode < WS_CLOSE))
        return -PROTOCOL_ERROR;
    if (is_control(f->opcode))
        return f->fin && f->length <= WS_LARGEST_CONTROL ? 1 : -PROTOCOL_ERROR;
    return (f->opcode == WS_CONTINUATION) == d->fragmented ? 1 : -PROTOCOL_ERROR;
}

/* A data frame: the message when it is the last of it. */
static int take_data(struct ws_decoder *d, const struct frame *f, struct str payload,
                     struct ws_message *ret)
{
    if (!d->fragmented) {
        d->opcode = f->opcode;
        buf_reset(&d->message);
    }
    buf_add(&d->message, payload);
    if (d->message.full)
        return -TOO_BIG;
    d->fragmented = !f->fin;
    *ret = (struct ws_message){d->opcode, buf_str(&d->message)};
    return f->fin ? 1 : 0;
}

/* A control frame, which may come between the fragments of a message. */
static int take_control(struct ws_decoder *d, const struct frame *f, struct str payload,
                        struct ws_message *ret)
{
    memcpy(d->control, payload.at, payload.n);
    *ret = (struct ws_message){f->opcode, str_n(d->control, payload.n)};
    return 1;
}

int ws_decoder_next(struct ws_decoder *d, struct ws_message *ret_message)
{
    for (;;) {
        struct frame f;
        struct str payload;
        int r = d->input.full ? -TOO_BIG : read_head(buf_str(&d->input), &f);

        if (r > 0)
            r = check_frame(d, &f);
        if (r <= 0)
            return r;
        if (d->input.n < f.head + f.length)
            return 0;
        unmask(d->input.at + f.head, &f);
        payload = str_n(d->input.at + f.head, f.length);
        r = is_control(f.opcode) ? take_control(d, &f, payload, ret_message)
                                 : take_data(d, &f, payload, ret_message);
        buf_consume(&d->input, f.head + f.length);
        if (r != 0)
            return r;
    }
}

void ws_encode(struct buf *b, enum ws_opcode opcode, struct str head, struct str payload)
{
    uint64_t length = head.n + payload.n;
    size_t bytes = length <= WS_LARGEST_CONTROL ? 0 : length <= UINT16_MAX ? 2 : 8;

    buf_char(b, (char)(FIN | opcode));
    buf_char(b, (char)(bytes == 0 ? length : bytes == 2 ? LENGTH_16 : LENGTH_64));
    for (size_t i = bytes; i > 0; i--)
        buf_char(b, (char)(length >> (8 * (i - 1))));
    buf_add(b, head);
    buf_add(b, payload);
}

/* --- the handshake ---------------------------------------------------------------------------- */

static bool has_token(struct str list, struct str token)
{
    struct str one;

    while (str_next(&list, ',', &one))
        if (str_ieq(str_trim(one), token))
            return true;
    return false;
}

bool ws_is_upgrade(struct http_headers headers)
{
    return has_token(http_header_get(headers, S("Connection")), S("upgrade")) &&
           str_ieq(str_trim(http_header_get(headers, S("Upgrade"))), S("websocket")) &&
           http_header_get(headers, S("Sec-WebSocket-Key")).n > 0;
}

static bool is_offered(struct http_headers headers, const char *protocol)
{
    for (size_t i = 0; i < headers.n; i++)
        if (str_ieq(headers.at[i].name, S("Sec-WebSocket-Protocol")) &&
            has_token(headers.at[i].value, str_c(protocol)))
            return true;
    return false;
}

const char *ws_choose_protocol(struct http_headers headers, const char *const *offered, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_offered(headers, offered[i]))
            return offered[i];
    return NULL;
}

struct http_headers ws_accept_headers(struct arena *a, struct http_headers request,
                                      const char *protocol)
{
    struct http_header *h = arena_array(a, 4, sizeof *h);
    struct str key = str_trim(http_header_get(request, S("Sec-WebSocket-Key")));
    uint8_t digest[SHA1_BYTES];

    sha1(arena_printf(a, "%.*s" ACCEPT_SALT, STR_ARG(key)), digest);
    h[0] = (struct http_header){S("Upgrade"), S("websocket")};
    h[1] = (struct http_header){S("Connection"), S("Upgrade")};
    h[2] = (struct http_header){S("Sec-WebSocket-Accept"),
                                base64_encode(a, str_n((const char *)digest, sizeof digest))};
    h[3] = (struct http_header){S("Sec-WebSocket-Protocol"), str_c(protocol)};
    return (struct http_headers){h, protocol != NULL ? 4 : 3};
}

/* --- connections ------------------------------------------------------------------------------ */

struct websocket {
    struct stream *stream;
    struct ws_decoder decoder;
    const struct websocket_events *events;
    void *data;
    bool closing; /* a close frame was sent: nothing else is */
};

static void send_frame(struct websocket *w, enum ws_opcode opcode, struct str head,
                       struct str payload)
{
    CLEANUP(buf_free) struct buf b = buf_init(head.n + payload.n + 16);

    ws_encode(&b, opcode, head, payload);
    stream_write(w->stream, buf_str(&b));
}

void websocket_send(struct websocket *w, bool text, struct str head, struct str payload)
{
    if (!w->closing)
        send_frame(w, text ? WS_TEXT : WS_BINARY, head, payload);
}

size_t websocket_queued(const struct websocket *w)
{
    return stream_queued(w->stream);
}

void websocket_hold(struct websocket *w, bool held)
{
    if (held)
        stream_read_stop(w->stream);
    else
        stream_read_start(w->stream);
}

void websocket_close(struct websocket *w, int code, struct str reason)
{
    char head[2] = {(char)(code >> 8), (char)code};

    if (w->closing)
        return;
    w->closing = true;
    send_frame(w, WS_CLOSE, str_n(head, sizeof head),
               str_first(reason, WS_LARGEST_CONTROL - sizeof head));
    stream_close_when_sent(w->stream);
}

/* The client's goodbye is answered with the same code. */
static void say_goodbye(struct websocket *w, struct str payload)
{
    if (!w->closing) {
        w->closing = true;
        send_frame(w, WS_CLOSE, payload, S(""));
    }
    stream_close_when_sent(w->stream);
}

static void on_bytes(void *data, struct str bytes)
{
    struct websocket *w = data;
    struct ws_message m;
    int r;

    ws_decoder_feed(&w->decoder, bytes);
    while (!stream_is_closing(w->stream) && (r = ws_decoder_next(&w->decoder, &m)) != 0) {
        if (r < 0)
            websocket_close(w, -r, S(""));
        else if (m.opcode == WS_PING)
            send_frame(w, WS_PONG, m.payload, S(""));
        else if (m.opcode == WS_CLOSE)
            say_goodbye(w, m.payload);
        else if (m.opcode == WS_TEXT || m.opcode == WS_BINARY)
            w->events->on_message(w->data, m.opcode == WS_TEXT, m.payload);
        if (r < 0)
            return;
    }
}

static void on_end(void *data)
{
    struct websocket *w = data;

    stream_close(w->stream); /* without a goodbye */
}

static void on_failed(void *data, int error UNUSED, struct str why UNUSED)
{
    on_end(data);
}

static void on_drained(void *data)
{
    struct websocket *w = data;

    if (w->events->on_drained != NULL)
        w->events->on_drained(w->data);
}

static void on_stream_closed(void *data)
{
    struct websocket *w = data;

    w->events->on_closed(w->data);
    ws_decoder_free(&w->decoder);
    free(w);
}

struct websocket *websocket_new(struct stream *s, const struct websocket_events *events, void *data)
{
    static const struct stream_events stream_events = {
        .on_bytes = on_bytes,
        .on_end = on_end,
        .on_drained = on_drained,
        .on_failed = on_failed,
        .on_closed = on_stream_closed,
    };
    struct websocket *w = xcalloc(sizeof *w);

    *w = (struct websocket){
        .stream = s, .decoder = ws_decoder_new(), .events = events, .data = data};
    stream_set_events(s, &stream_events, w);
    stream_read_start(s);
    return w;
}
