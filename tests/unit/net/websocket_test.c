/* WebSocket frames and the handshake. Source: RFC 6455, its examples in §1.3 and §5.7. */
#include "../test.h"

#include "net/websocket.h"

static const struct {
    const char *label, *bytes;
    size_t n;
    int result;
    enum ws_opcode opcode;
    struct str payload;
} frames[] = {
    {"a masked text (RFC 6455 §5.7)", "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",         11, 1,
     WS_TEXT,                                                                                                        S("Hello")},
    {"half of it",                     "\x81\x85\x37\xfa\x21\x3d\x7f",                         7,  0,     WS_TEXT,   S("")     },
    {"an empty binary one",            "\x82\x80\0\0\0\0",                                     6,  1,     WS_BINARY, S("")     },
    {"two fragments, a ping between",  "\x01\x82\0\0\0\0ab\x89\x81\0\0\0\0!\x80\x81\0\0\0\0c", 22, 1,
     WS_PING,                                                                                                        S("!")    },
    {"fragments are one message",      "\x01\x82\0\0\0\0ab\x80\x81\0\0\0\0c",                  15, 1,     WS_TEXT,   S("abc")  },
    {"clients mask",                   "\x81\x05Hello",                                        7,  -1002, WS_TEXT,   S("")     },
    {"no extensions",                  "\xc1\x80\0\0\0\0",                                     6,  -1002, WS_TEXT,   S("")     },
    {"no opcode 3",                    "\x83\x80\0\0\0\0",                                     6,  -1002, WS_TEXT,   S("")     },
    {"a control frame is whole",       "\x09\x80\0\0\0\0",                                     6,  -1002, WS_TEXT,   S("")     },
    {"nothing to continue",            "\x80\x80\0\0\0\0",                                     6,  -1002, WS_TEXT,   S("")     },
    {"a message is of some size",      "\x82\xff\0\0\0\x01\0\0\0\0\0\0\0\0",                   14, -1009, WS_TEXT,   S("")     },
};

TEST(decoding)
{
    CASE_EACH(c, frames) {
        struct ws_decoder d = ws_decoder_new();
        struct ws_message m = {0};
        int r = 0;

        for (size_t i = 0; i < c->n && r == 0; i++) { /* byte by byte */
            ws_decoder_feed(&d, str_n(c->bytes + i, 1));
            r = ws_decoder_next(&d, &m);
        }
        CHECK(c->label, r == c->result);
        if (r == 1) {
            CHECK(c->label, m.opcode == c->opcode);
            CHECK_STR(c->label, m.payload, c->payload);
        }
        ws_decoder_free(&d);
    }
}

TEST(encoding)
{
    static char big[70000];
    struct buf b = buf_init(1 << 20);

    ws_encode(&b, WS_BINARY, S("\x01"), S("hi"));
    CHECK_STR("short", buf_str(&b), str_n("\x82\x03\x01hi", 5));
    buf_reset(&b);
    ws_encode(&b, WS_BINARY, S(""), str_n(big, 300));
    CHECK_STR("two bytes of length", str_first(buf_str(&b), 4), str_n("\x82\x7e\x01\x2c", 4));
    buf_reset(&b);
    ws_encode(&b, WS_BINARY, S(""), str_n(big, sizeof big));
    CHECK_STR("eight bytes of length", str_first(buf_str(&b), 10),
              str_n("\x82\x7f\0\0\0\0\0\x01\x11\x70", 10));
    buf_free(&b);
}

TEST(the_handshake)
{
    static const char *const offered[] = {"v5.channel.k8s.io", "v4.channel.k8s.io"};
    struct http_header h[] = {
        {S("Connection"),             S("keep-alive, Upgrade")     },
        {S("Upgrade"),                S("websocket")               },
        {S("Sec-WebSocket-Key"),      S("dGhlIHNhbXBsZSBub25jZQ==")},
        {S("Sec-WebSocket-Protocol"), S("chat, v4.channel.k8s.io") },
    };
    struct http_headers headers = {h, ARRAY_LEN(h)}, answer;
    struct arena a = {0};

    CHECK("asked for", ws_is_upgrade(headers));
    CHECK("not without a key", !ws_is_upgrade((struct http_headers){h, 2}));
    CHECK_STR("a protocol of both", str_c(ws_choose_protocol(headers, offered, 2)),
              S("v4.channel.k8s.io"));
    CHECK("or none", ws_choose_protocol(headers, offered, 1) == NULL);
    answer = ws_accept_headers(&a, headers, offered[1]);
    CHECK_STR("the proof (RFC 6455 §1.3)", http_header_get(answer, S("Sec-WebSocket-Accept")),
              S("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    arena_free(&a);
}
TEST_MAIN(T(decoding), T(encoding), T(the_handshake))
