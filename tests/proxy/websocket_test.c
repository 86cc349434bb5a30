/* WebSockets: the upgrade, and then bytes both ways as they are.
 * Source: Application Load Balancers User Guide, "Listener configuration"; RFC 6455. */
#include "scenario.h"

#define FORWARDED                    \
    "X-Forwarded-For: 127.0.0.1\r\n" \
    "X-Forwarded-Proto: http\r\n"    \
    "X-Forwarded-Port: 80\r\n"       \
    "Host: a\r\n"                    \
    "X-Amzn-Trace-Id: Root=1-@TRACE\r\n"
#define ASK                                                                \
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n" \
    "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
#define ASKED                                                                          \
    "GET /chat HTTP/1.1\r\n" FORWARDED "Connection: Upgrade\r\nUpgrade: websocket\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
#define AGREE                                                                           \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
#define AGREED                                                                   \
    "HTTP/1.1 101 Switching Protocols\r\nDate: @DATE\r\nConnection: upgrade\r\n" \
    "Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

static const struct scenario cases[] = {
    {.label = "bytes go both ways, also those that came with the request",
     .rules = rules_forward,
     .client = ASK "\x81\x05hello",
     .target = ASKED "|\x81\x05hello",
     .reply = AGREE "\x81\x02hi|\x81\x03"
                    "bye",                                                                                                                                         .end = TARGET_CLOSES,
     .answer = AGREED "\x81\x02hi\x81\x03"
                      "bye", .closes = true},
    {.label = "nothing in it is read as HTTP",
     .rules = rules_forward,
     .client = ASK "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
     .target = ASKED "|GET / HTTP/1.1\r\nHost: a\r\n\r\n",
     .reply = AGREE "|HTTP/1.1 404 Not Found\r\n\r\n",
     .end = TARGET_CLOSES,
     .answer = AGREED "HTTP/1.1 404 Not Found\r\n\r\n",
     .closes = true},
    {.label = "a target may refuse",
     .rules = rules_forward,
     .client = ASK "GET /next HTTP/1.1\r\nHost: a\r\n\r\n",
     .target = ASKED "|GET /next HTTP/1.1\r\n" FORWARDED "\r\n",
     .reply = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno|"
              "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes",                                                                                                              .answer = "HTTP/1.1 403 Forbidden\r\nDate: @DATE\r\nContent-Length: 2\r\n"
               "Connection: keep-alive\r\n\r\nno"
               "HTTP/1.1 200 OK\r\nDate: @DATE\r\nContent-Length: 3\r\n"
               "Connection: keep-alive\r\n\r\nyes"                                                                                                                                                            },
    {.label = "another protocol is not asked for",
     .rules = rules_forward,
     .client = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
     .target = "GET / HTTP/1.1\r\n" FORWARDED "\r\n",
     .reply = "HTTP/1.1 204 No Content\r\n\r\n",
     .answer = "HTTP/1.1 204 No Content\r\nDate: @DATE\r\nConnection: keep-alive\r\n\r\n"                                                                                                                                                            },
    {.label = "HTTP/1.0 has no upgrade",
     .rules = rules_forward,
     .client = "GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
     .target = "GET / HTTP/1.1\r\n" FORWARDED "\r\n",
     .reply = "HTTP/1.1 204 No Content\r\n\r\n",
     .answer = "HTTP/1.1 204 No Content\r\nDate: @DATE\r\nConnection: close\r\n\r\n",
     .closes = true},
    {.label = "a 101 that nobody asked for is malformed",
     .rules = rules_forward,
     .client = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
     .target = "HEAD / HTTP/1.1\r\n" FORWARDED "\r\n",
     .reply = AGREE,
     .answer = "HTTP/1.1 502 Bad Gateway\r\nServer: awselb/2.0\r\nDate: @DATE\r\n"
               "Content-Type: text/html\r\nContent-Length: 122\r\nConnection: keep-alive\r\n\r\n"                                                                                                              },
};

static void play_all(enum scenario_mode mode)
{
    CASE_EACH(s, cases)
        scenario_play(s, mode);
}

TEST(whole)
{
    play_all(MODE_WHOLE);
}

TEST(byte_by_byte)
{
    play_all(MODE_BYTE_BY_BYTE);
}

TEST(slow_reader)
{
    play_all(MODE_SLOW_READER);
}

TEST_MAIN(T(whole), T(byte_by_byte), T(slow_reader))
