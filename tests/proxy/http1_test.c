/* HTTP/1.x through the load balancer, byte for byte.
 * Source: Application Load Balancers User Guide; RFC 9110, RFC 9112. */
#include "scenario.h"

#define FORWARDED                    \
    "X-Forwarded-For: 127.0.0.1\r\n" \
    "X-Forwarded-Proto: http\r\n"    \
    "X-Forwarded-Port: 80\r\n"
#define TRACE "X-Amzn-Trace-Id: Root=1-@TRACE\r\n"
#define HOST  "Host: lb.elb.localhost\r\n"
#define PAGE(title)                                                                   \
    "<html>\r\n<head><title>" title "</title></head>\r\n<body>\r\n<center><h1>" title \
    "</h1></center>\r\n</body>\r\n</html>\r\n"
#define OWN(status, length, connection)                                                       \
    "HTTP/1.1 " status "\r\nServer: awselb/2.0\r\nDate: @DATE\r\nContent-Type: text/html\r\n" \
    "Content-Length: " length "\r\nConnection: " connection "\r\n"
#define OWN_PAGE(status, length, connection) OWN(status, length, connection) "\r\n" PAGE(status)

static void rules_empty(struct dp_balancer *b)
{
    scenario_forward(b, scenario_add_rule(b, 0), 1);
}

static void rules_patience(struct dp_balancer *b)
{
    rules_forward(b);
    b->attributes.idle_timeout_ms = 150;
}

static void rules_fixed(struct dp_balancer *b)
{
    struct dp_rule *r = scenario_add_rule(b, 1);

    scenario_path(b, r, "/fixed*");
    r->action = (struct dp_action){.kind = DP_FIXED_RESPONSE,
                                   .status = 404,
                                   .content_type = S("text/plain"),
                                   .body = S("no such thing")};
    rules_forward(b);
}

static void rules_redirect(struct dp_balancer *b)
{
    scenario_add_rule(b, 0)->action = (struct dp_action){.kind = DP_REDIRECT,
                                                         .status = 301,
                                                         .protocol = S("HTTPS"),
                                                         .host = S("#{host}"),
                                                         .port = S("443"),
                                                         .path = S("/#{path}"),
                                                         .query = S("#{query}")};
}

static void rules_preserve_host(struct dp_balancer *b)
{
    rules_forward(b);
    b->attributes.preserve_host = true;
}

static void rules_drop_invalid(struct dp_balancer *b)
{
    rules_forward(b);
    b->attributes.drop_invalid_headers = true;
}

static void rules_xff_remove(struct dp_balancer *b)
{
    rules_forward(b);
    b->attributes.xff_mode = DP_XFF_REMOVE;
}

static void rules_strictest(struct dp_balancer *b)
{
    rules_forward(b);
    b->attributes.desync_mode = DP_DESYNC_STRICTEST;
}

static const struct scenario scenarios[] = {
    {.label = "a request and its response",
     .rules = rules_forward,
     .client = "GET /a?b=c HTTP/1.1\r\nHost: lb.elb.localhost\r\nUser-Agent: t\r\n\r\n",
     .target = "GET /a?b=c HTTP/1.1\r\n" FORWARDED HOST TRACE "User-Agent: t\r\n\r\n",
     .reply = "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\n"
              "Content-Length: 5\r\nETag: x\r\n\r\nhello",                                                                                                                                                                                                                                               .answer = "HTTP/1.1 200 OK\r\nDate: @DATE\r\nContent-Type: text/html\r\n"
               "Content-Length: 5\r\nConnection: keep-alive\r\nServer: nginx\r\nETag: x\r\n\r\n"
               "hello"},
    {.label = "existing X-Forwarded-For is appended to, other X-Forwarded fields are replaced",
     .rules = rules_forward,
     .client = "GET / HTTP/1.1\r\nHost: lb.elb.localhost:80\r\nX-Forwarded-For: 1.2.3.4\r\n"
               "X-Forwarded-Proto: https\r\nX-Forwarded-Port: 9\r\n\r\n",                         .target = "GET / HTTP/1.1\r\nX-Forwarded-For: 1.2.3.4, 127.0.0.1\r\n"
               "X-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\n" HOST TRACE "\r\n",
     .reply = "HTTP/1.1 204 No Content\r\n\r\n",
     .answer = "HTTP/1.1 204 No Content\r\nDate: @DATE\r\nConnection: keep-alive\r\n\r\n"},
    {.label = "X-Forwarded-For can be removed",
     .rules = rules_xff_remove,
     .client = "GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n",
     .target =
         "GET / HTTP/1.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\n" HOST TRACE "\r\n",
     .reply = "HTTP/1.1 204 No Content\r\n\r\n",
     .answer = "HTTP/1.1 204 No Content\r\nDate: @DATE\r\nConnection: keep-alive\r\n\r\n"},
    {.label = "a trace id with a Root gets a Self in front",
     .rules = rules_forward,
     .client =
         "GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\nX-Amzn-Trace-Id: Self=old;Root=r;A=b\r\n"
         "\r\n",                                                                                  .target =
         "GET / HTTP/1.1\r\n" FORWARDED HOST "X-Amzn-Trace-Id: Self=1-@TRACE;Root=r;A=b\r\n\r\n",
     .reply = "HTTP/1.1 204 No Content\r\n\r\n",
     .answer = "HTTP/1.1 204 No Content\r\nDate: @DATE\r\nConnection: keep-alive\r\n\r\n"},
    {.label = "fields of this hop stay here, names that Connection lists too",
     .rules = rules_forward,
     .client = "GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\nConnection: keep-alive, X-Hop\r\n"
               "Keep-Alive: 5\r\nX-Hop: 1\r\nTE: trailers\r\nUpgrade: h2c\r\nX-Other: 2\r\n\r\n", .target = "GET / HTTP/1.1\r\n" FORWARDED HOST TRACE "X-Other: 2\r\n\r\n",
     .reply = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n"
              "Content-Length: 0\r\n\r\n",                                                                                                                                                                                                                                                               .answer = "HTTP/1.1 200 OK\r\nDate: @DATE\r\nContent-Length: 0\r\nConnection: keep-alive\r\n"
               "\r\n"},
    {.label = "Host may be kept as it is",
     .rules = rules_preserve_host,
     .client = "GET / HTTP/1.1\r\nHost: LB.elb.localhost:8080\r\n\r\n",
     .target = "GET / HTTP/1.1\r\n" FORWARDED "Host: LB.elb.localhost:8080\r\n" TRACE "\r\n",
     .reply = "HTTP/1.1 204 No Content\r\n\r\n",
     .answer = "HTTP/1.1 204 No Content\r\nDate: @DATE\r\nConnection: keep-alive\r\n\r\n"},
    {.label = "names that are no names can be dropped",
     .rules = rules_drop_invalid,
     .client = "GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\nx_y: 1\r\nX-Z: 2\r\n\r\n",
     .target = "GET / HTTP/1.1\r\n" FORWARDED HOST TRACE "X-Z: 2\r\n\r\n",
     .reply = "HTTP/1.1 204 No Content\r\n\r\n",
     .answer = "HTTP/1.1 204 No Content\r\nDate: @DATE\r\nConnection: keep-alive\r\n\r\n"},
    {.label = "names that are no names pass otherwise, and methods that nobody knows",
     .rules = rules_forward,
     .client = "BREW / HTTP/1.1\r\nHost: lb.elb.localhost\r\nx_y: 1\r\n\r\n",
     .target = "BREW / HTTP/1.1\r\n" FORWARDED HOST TRACE "x_y: 1\r\n\r\n",
     .reply = "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n",
     .answer = "HTTP/1.1 418 I'm a teapot\r\nDate: @DATE\r\nContent-Length: 0\r\n"
               "Connection: keep-alive\r\n\r\n"},
    {.label = "absolute form: the URI's host is sent on, the path is routed",
     .rules = rules_forward,
     .client = "GET http://lb.elb.localhost/x?y HTTP/1.1\r\nHost: other\r\n\r\n",
     .target = "GET /x?y HTTP/1.1\r\n" FORWARDED HOST TRACE "\r\n",
     .reply = "HTTP/1.1 204 No Content\r\n\r\n",
     .answer = "HTTP/1.1 204 No Content\r\nDate: @DATE\r\nConnection: keep-alive\r\n\r\n"},
    {.label = "a body with a length",
     .rules = rules_forward,
     .client = "POST / HTTP/1.1\r\nHost: lb.elb.localhost\r\nContent-Length: 4\r\n\r\nabcd",
     .target = "POST / HTTP/1.1\r\n" FORWARDED HOST TRACE "Content-Length: 4\r\n\r\nabcd",
     .reply = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok",
     .answer = "HTTP/1.1 201 Created\r\nDate: @DATE\r\nContent-Length: 2\r\n"
               "Connection: keep-alive\r\n\r\nok"},
    {.label = "100-continue is answered at once and not sent on",
     .rules = rules_forward,
     .client = "POST / HTTP/1.1\r\nHost: lb.elb.localhost\r\nExpect: 100-continue\r\n"
               "Content-Length: 1\r\n\r\nx",                                                      .target = "POST / HTTP/1.1\r\n" FORWARDED HOST TRACE "Content-Length: 1\r\n\r\nx",
     .reply = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
     .answer = "HTTP/1.1 100 Continue\r\n\r\n"
               "HTTP/1.1 204 No Content\r\nDate: @DATE\r\nConnection: keep-alive\r\n\r\n"},
    {.label = "pipelined requests are answered in order over one back-end connection",
     .rules = rules_forward,
     .client = "GET /1 HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n"
               "GET /2 HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n",                               .target = "GET /1 HTTP/1.1\r\n" FORWARDED HOST TRACE "\r\n|"
               "GET /2 HTTP/1.1\r\n" FORWARDED HOST TRACE "\r\n",
     .reply = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1|"
              "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2",                                                                                                                                                                                                                                           .answer = "HTTP/1.1 200 OK\r\nDate: @DATE\r\nContent-Length: 1\r\nConnection: keep-alive\r\n"
               "\r\n1HTTP/1.1 200 OK\r\nDate: @DATE\r\nContent-Length: 1\r\n"
               "Connection: keep-alive\r\n\r\n2"},
    {.label = "HTTP/1.0 ends the connection and takes no chunks",
     .rules = rules_forward,
     .client = "GET / HTTP/1.0\r\n\r\n",
     .target = "GET / HTTP/1.1\r\n" FORWARDED HOST TRACE "\r\n",
     .reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
     .answer = "HTTP/1.1 200 OK\r\nDate: @DATE\r\nConnection: close\r\n\r\nabc",
     .closes = true},
    {.label = "HEAD gets the length and no body",
     .rules = rules_forward,
     .client = "HEAD / HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n",
     .target = "HEAD / HTTP/1.1\r\n" FORWARDED HOST TRACE "\r\n",
     .reply = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
     .answer = "HTTP/1.1 200 OK\r\nDate: @DATE\r\nContent-Length: 1000\r\n"
               "Connection: keep-alive\r\n\r\n"},
    {.label = "a target that closes ends the client's connection too",
     .rules = rules_forward,
     .client = "GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n",
     .target = "GET / HTTP/1.1\r\n" FORWARDED HOST TRACE "\r\n",
     .reply = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
     .end = TARGET_CLOSES,
     .answer = "HTTP/1.1 200 OK\r\nDate: @DATE\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
     .closes = true},
    {.label = "fixed-response, from the rule that matches first",
     .rules = rules_fixed,
     .client = "GET /fixed HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n",
     .answer = "HTTP/1.1 404 Not Found\r\nServer: awselb/2.0\r\nDate: @DATE\r\n"
               "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n"
               "Connection: keep-alive\r\n\r\nno such thing"                                                                                                  },
    {.label = "fixed-response to a request with a body: the body is read and dropped",
     .rules = rules_fixed,
     .client = "POST /fixed HTTP/1.1\r\nHost: lb.elb.localhost\r\nContent-Length: 3\r\n\r\nabc"
               "HEAD /fixed HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n",                                                                        .answer = "HTTP/1.1 404 Not Found\r\nServer: awselb/2.0\r\nDate: @DATE\r\n"
               "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n"
               "Connection: keep-alive\r\n\r\nno such thing"
               "HTTP/1.1 404 Not Found\r\nServer: awselb/2.0\r\nDate: @DATE\r\n"
               "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n"
               "Connection: keep-alive\r\n\r\n"                                                                                                            },
    {.label = "redirect: the port is always written, path and query are kept",
     .rules = rules_redirect,
     .client = "GET /a/b?c=d HTTP/1.1\r\nHost: lb.elb.localhost:8080\r\n\r\n",
     .answer = OWN("301 Moved Permanently",                                                                                                                                   "134",
     "keep-alive") "Location: "
                                 "https://lb.elb.localhost:443/a/"
                                 "b?c=d\r\n\r\n" PAGE("301 Moved Permanently")},
    {.label = "a group without targets is a 503",
     .rules = rules_empty,
     .client = "GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n",
     .answer = OWN_PAGE("503 Service Temporarily Unavailable",                                                                                                                "162",                                                                                                                                                                                 "keep-alive")},
    {.label = "a target that refuses is a 502",
     .rules = rules_forward,
     .end = TARGET_REFUSES,
     .client = "GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n",
     .answer = OWN_PAGE("502 Bad Gateway",                                                                                                                                                                                                                          "122","keep-alive")},
    {.label = "a target that closes without an answer is a 502",
     .rules = rules_forward,
     .end = TARGET_CLOSES,
     .client = "GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n",
     .target = "GET / HTTP/1.1\r\n" FORWARDED HOST TRACE "\r\n",
     .answer = OWN_PAGE("502 Bad Gateway","122", "keep-alive")},
    {.label = "a target that resets is a 502",
     .rules = rules_forward,
     .end = TARGET_RESETS,
     .client = "GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n",
     .target = "GET / HTTP/1.1\r\n" FORWARDED HOST TRACE "\r\n",
     .answer = OWN_PAGE("502 Bad Gateway","122", "keep-alive")},
    {.label = "an answer that is no HTTP is a 502",
     .rules = rules_forward,
     .client = "GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n",
     .target = "GET / HTTP/1.1\r\n" FORWARDED HOST TRACE "\r\n",
     .reply = "hello there\r\n\r\n",
     .answer = OWN_PAGE("502 Bad Gateway","122", "keep-alive")},
    {.label = "two lengths in a response are a 502",
     .rules = rules_forward,
     .client = "GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n",
     .target = "GET / HTTP/1.1\r\n" FORWARDED HOST TRACE "\r\n",
     .reply = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
     .answer = OWN_PAGE("502 Bad Gateway","122", "keep-alive")},
    {.label = "a target that says nothing is a 504",
     .rules = rules_patience,
     .client = "GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n",
     .target = "GET / HTTP/1.1\r\n" FORWARDED HOST TRACE "\r\n",
     .answer = OWN_PAGE("504 Gateway Time-out",                                                                                                                                                                                         "132","keep-alive")},
    {.label = "a body that does not come is a 408",
     .rules = rules_patience,
     .client = "POST / HTTP/1.1\r\nHost: lb.elb.localhost\r\nContent-Length: 4\r\n\r\nab",
     .target = "POST / HTTP/1.1\r\n" FORWARDED HOST TRACE "Content-Length: 4\r\n\r\nab",
     .answer = OWN_PAGE("408 Request Time-out",                                                                                                                                                                                                                                         "132","close"),
     .closes = true},
    {.label = "garbage is a 400",
     .rules = rules_forward,
     .client = "\x16\x03\x01 hello\r\n\r\n",
     .answer = OWN_PAGE("400 Bad Request",                                                                                                                                                        "122",                                                                                                                                                                                                                                                               "close"),
     .closes = true},
    {.label = "HTTP/1.1 without a Host is a 400",
     .rules = rules_forward,
     .client = "GET / HTTP/1.1\r\n\r\n",
     .answer = OWN_PAGE("400 Bad Request",                                                                                                                                                               "122",                                                                                                                                                                                                                                         "close"),
     .closes = true},
    {.label = "two lengths in a request are a 400",
     .rules = rules_forward,
     .client = "POST / HTTP/1.1\r\nHost: lb.elb.localhost\r\nContent-Length: 1\r\n"
               "Content-Length: 2\r\n\r\n",                                       .answer = OWN_PAGE("400 Bad Request",                                                                                                                                                                 "122",                                                                                                                                                                                                               "close"),
     .closes = true},
    {.label = "length and chunks: chunks count, the length goes, both connections end",
     .rules = rules_forward,
     .client = "POST / HTTP/1.1\r\nHost: lb.elb.localhost\r\nContent-Length: 99\r\n"
               "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",                                                 .target = "POST / HTTP/1.1\r\n" FORWARDED HOST TRACE "Transfer-Encoding: chunked\r\n\r\n"
               "0\r\n\r\n",.reply = "HTTP/1.1 204 No Content\r\n\r\n",
     .answer = "HTTP/1.1 204 No Content\r\nDate: @DATE\r\nConnection: close\r\n\r\n",
     .closes = true},
    {.label = "the same in strictest mode is a 400",
     .rules = rules_strictest,
     .client = "POST / HTTP/1.1\r\nHost: lb.elb.localhost\r\nContent-Length: 99\r\n"
               "Transfer-Encoding: chunked\r\n\r\n",.answer = OWN_PAGE("400 Bad Request","122",                                                                                                                                                                                                                                                                                   "close"),
     .closes = true},
    {.label = "TRACE is a 405",
     .rules = rules_forward,
     .client = "TRACE / HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n",
     .answer = OWN_PAGE("405 Not Allowed",                                                                                             "122",                                                                                                                                                                                                                                                                                     "keep-alive")},
    {.label = "an encoding other than chunked is a 501",
     .rules = rules_forward,
     .client = "POST / HTTP/1.1\r\nHost: lb.elb.localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
     .answer = OWN_PAGE("501 Not Implemented",                                                                                                                                 "130","close"),
     .closes = true},
    {.label = "HTTP/2 in clear is a 505",
     .rules = rules_forward,
     .client = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
     .answer = OWN_PAGE("505 HTTP Version Not Supported",                                                                                                                                                         "152",                                                                                                                                                                                                          "close"),
     .closes = true},
    {.label = "more than thirty X-Forwarded-For addresses are a 463",
     .rules = rules_forward,
     .client = "GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\nX-Forwarded-For: "
               "1,2,3,4,5,6,7,8,9,10,1,2,3,4,5,6,7,8,9,10,1,2,3,4,5,6,7,8,9,10,31\r\n\r\n",                         .answer = OWN("463",                                                                                                                                                         "100",                                                                                                                                                                                                                                     "keep-alive") "\r\n" PAGE("463 ")},
};

static void play_all(enum scenario_mode mode)
{
    CASE_EACH(s, scenarios)
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

/* The framing of what passes in chunks depends on how it arrives; its content does not. */
static const struct scenario chunked[] = {
    {.label = "chunks pass both ways, trailers do not",
     .rules = rules_forward,
     .client = "POST / HTTP/1.1\r\nHost: lb.elb.localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3\r\nabc\r\n0\r\nX: y\r\n\r\n", .target = "POST / HTTP/1.1\r\n" FORWARDED HOST TRACE
               "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", .reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n",
     .answer = "HTTP/1.1 200 OK\r\nDate: @DATE\r\nTransfer-Encoding: chunked\r\n"
               "Connection: keep-alive\r\n\r\n2\r\nde\r\n0\r\n\r\n"            },
    { .label = "a response that ends with its connection gets chunks",
     .rules = rules_forward,
     .client = "GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n",
     .target = "GET / HTTP/1.1\r\n" FORWARDED HOST TRACE "\r\n",
     .reply = "HTTP/1.0 200 OK\r\n\r\nabc",
     .end = TARGET_CLOSES,
     .answer = "HTTP/1.1 200 OK\r\nDate: @DATE\r\nTransfer-Encoding: chunked\r\n"
               "Connection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n", .closes = true},
};

TEST(chunks)
{
    CASE_EACH(s, chunked)
        scenario_play(s, MODE_WHOLE);
}

TEST_MAIN(T(whole), T(byte_by_byte), T(slow_reader), T(chunks))
