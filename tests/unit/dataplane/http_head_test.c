/* Source: Application Load Balancers User Guide, "Desync mitigation mode", "Troubleshoot your
 * Application Load Balancers"; RFC 9112. */
#include "test.h"

#include "base/buf.h"
#include "dataplane/http_head.h"

#define HOST "Host: h\r\n"
#define GET  "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST

static const struct {
    const char *label, *text;
    unsigned status;
    enum desync_class class;
    const char *reason;
    enum http_body body;
    uint64_t length;
} cases[] = {
    {"a plain request",                      GET "\r\n",                                                              0,   DESYNC_COMPLIANT,  NULL,                              HTTP_BODY_NONE,    0},
    {"a length",                             POST "Content-Length: 7\r\n\r\n",                                        0,   DESYNC_COMPLIANT,  NULL,                              HTTP_BODY_LENGTH,  7},
    {"chunks",                               POST "Transfer-Encoding: chunked\r\n\r\n",                               0,   DESYNC_COMPLIANT,  NULL,
     HTTP_BODY_CHUNKED,                                                                                                                                                                             0},
    {"the word's case does not matter",      POST "TRANSFER-ENCODING: Chunked\r\n\r\n",                               0,
     DESYNC_COMPLIANT,                                                                                                                        NULL,                              HTTP_BODY_CHUNKED, 0},
    {"identity is no encoding",              POST "Transfer-Encoding: identity\r\n\r\n",                              0,   DESYNC_COMPLIANT,
     NULL,                                                                                                                                                                       HTTP_BODY_NONE,    0},
    {"empty lines in front",                 "\r\n\r\n" GET "\r\n",                                                   0,   DESYNC_COMPLIANT,  NULL,                              HTTP_BODY_NONE,    0},
    {"bare line feeds",                      "GET / HTTP/1.1\nHost: h\n\n",                                           0,   DESYNC_COMPLIANT,  NULL,                              HTTP_BODY_NONE,
     0                                                                                                                                                                                               },
    {"both framings: chunks win",            POST "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n",          0,
     DESYNC_AMBIGUOUS,                                                                                                                        "BothTeClPresent",                 HTTP_BODY_CHUNKED, 0},
    {"a length that is none",                POST "Content-Length: +7\r\n\r\n",                                       0,   DESYNC_SEVERE,
     "BadContentLength",                                                                                                                                                         HTTP_BODY_NONE,    0},
    {"a length twice",                       POST "Content-Length: 7\r\nContent-Length: 7\r\n\r\n",                   0,   DESYNC_AMBIGUOUS,
     "DuplicateContentLength",                                                                                                                                                   HTTP_BODY_LENGTH,  7},
    {"two lengths",                          POST "Content-Length: 7\r\nContent-Length: 8\r\n\r\n",                   0,   DESYNC_SEVERE,
     "MultipleContentLength",                                                                                                                                                    HTTP_BODY_LENGTH,  8},
    {"chunked twice",                        POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 0,
     DESYNC_SEVERE,                                                                                                                           "MultipleTransferEncodingChunked", HTTP_BODY_CHUNKED, 0},
    {"a length of 0 on GET",                 GET "Content-Length: 0\r\n\r\n",                                         0,   DESYNC_ACCEPTABLE,
     "GetHeadZeroContentLength",                                                                                                                                                 HTTP_BODY_NONE,    0},
    {"a body on GET",                        GET "Content-Length: 3\r\n\r\n",                                         0,   DESYNC_AMBIGUOUS,
     "UndefinedContentLengthSemantics",                                                                                                                                          HTTP_BODY_LENGTH,  3},
    {"chunks on GET",                        GET "Transfer-Encoding: chunked\r\n\r\n",                                0,   DESYNC_AMBIGUOUS,
     "UndefinedTransferEncodingSemantics",                                                                                                                                       HTTP_BODY_CHUNKED, 0},
    {"a name that may be taken for another", POST "Transfer_Encoding: chunked\r\n\r\n",                               0,
     DESYNC_AMBIGUOUS,                                                                                                                        "SuspiciousHeader",                HTTP_BODY_NONE,    0},
    {"a blank before the colon",             POST "Content-Length : 3\r\n\r\n",                                       0,   DESYNC_AMBIGUOUS,
     "SuspiciousHeader",                                                                                                                                                         HTTP_BODY_LENGTH,  3},
    {"bytes beyond ASCII in a value",        GET "X: \xc3\xa9\r\n\r\n",                                               0,   DESYNC_ACCEPTABLE,
     "NonCompliantHeader",                                                                                                                                                       HTTP_BODY_NONE,    0},
    {"CR inside a value",                    GET "X: a\rb\r\n\r\n",                                                   0,   DESYNC_SEVERE,     "BadHeader",                       HTTP_BODY_NONE,    0},
    {"a folded line",                        GET "X: a\r\n b\r\n\r\n",                                                0,   DESYNC_AMBIGUOUS,  "EmptyHeader",                     HTTP_BODY_NONE,
     0                                                                                                                                                                                               },
    {"a space in the URI",                   "GET /a b HTTP/1.1\r\n" HOST "\r\n",                                     0,   DESYNC_ACCEPTABLE, "SpaceInUri",
     HTTP_BODY_NONE,                                                                                                                                                                                0},
    {"a control character in the URI",       "GET /a\x01 HTTP/1.1\r\n" HOST "\r\n",                                   0,   DESYNC_AMBIGUOUS,
     "AmbiguousUri",                                                                                                                                                             HTTP_BODY_NONE,    0},
    {"HTTP/1.7",                             "GET / HTTP/1.7\r\n" HOST "\r\n",                                        0,   DESYNC_ACCEPTABLE, "NonCompliantVersion",
     HTTP_BODY_NONE,                                                                                                                                                                                0},
    {"a bad version",                        "GET / HTTP/x\r\n" HOST "\r\n",                                          400, DESYNC_SEVERE,     "BadVersion",
     HTTP_BODY_NONE,                                                                                                                                                                                0},
    {"HTTP/2",                               "GET / HTTP/2.0\r\n" HOST "\r\n",                                        505, DESYNC_COMPLIANT,  NULL,                              HTTP_BODY_NONE,    0},
    {"a bad method",                         "G(T / HTTP/1.1\r\n" HOST "\r\n",                                        400, DESYNC_SEVERE,     "BadMethod",
     HTTP_BODY_NONE,                                                                                                                                                                                0},
    {"no Host",                              "GET / HTTP/1.1\r\n\r\n",                                                400, DESYNC_COMPLIANT,  NULL,                              HTTP_BODY_NONE,    0},
    {"no Host in HTTP/1.0",                  "GET / HTTP/1.0\r\n\r\n",                                                0,   DESYNC_COMPLIANT,  NULL,                              HTTP_BODY_NONE,    0},
    {"a line without a colon",               GET "what\r\n\r\n",                                                      400, DESYNC_COMPLIANT,  NULL,                              HTTP_BODY_NONE,    0},
    {"CONNECT",                              "CONNECT h:443 HTTP/1.1\r\n" HOST "\r\n",                                400, DESYNC_COMPLIANT,  NULL,
     HTTP_BODY_NONE,                                                                                                                                                                                0},
    {"TRACE",                                "TRACE / HTTP/1.1\r\n" HOST "\r\n",                                      405, DESYNC_COMPLIANT,  NULL,                              HTTP_BODY_NONE,    0},
    {"another encoding",                     POST "Transfer-Encoding: gzip, chunked\r\n\r\n",                         501, DESYNC_COMPLIANT,
     NULL,                                                                                                                                                                       HTTP_BODY_NONE,    0},
    {"a target that is no path",             "GET x HTTP/1.1\r\n" HOST "\r\n",                                        400, DESYNC_COMPLIANT,  NULL,
     HTTP_BODY_NONE,                                                                                                                                                                                0},
};

static struct http_field room[80];

TEST(requests)
{
    CASE_EACH(c, cases) {
        struct request_head h = {
            .fields = {.at = room, .room = ARRAY_LEN(room)}
        };
        unsigned status = request_head_read(str_c(c->text), &h);

        CHECK(c->label, status == c->status);
        CHECK(c->label, h.class == c->class);
        CHECK_STR(c->label, str_c(h.class_reason), str_c(c->reason));
        CHECK(c->label, h.body == c->body || status != 0 || h.class == DESYNC_SEVERE);
        CHECK(c->label, h.length == c->length || h.class == DESYNC_SEVERE);
    }
}

static const struct {
    const char *label, *line, *path, *query, *authority;
} targets[] = {
    {"a path",                    "GET /a/b HTTP/1.1",           "/a/b",      "",            ""   },
    {"a query",                   "GET /a?b=c?d HTTP/1.1",       "/a",        "b=c?d",       ""   },
    {"nothing is decoded",        "GET /%61/../b HTTP/1.1",      "/%61/../b", "",            ""   },
    {"absolute form",             "GET http://x:8/a?b HTTP/1.1", "/a",        "b",           "x:8"},
    {"absolute form, no path",    "GET http://x?b HTTP/1.1",     "/",         "b",           "x"  },
    {"a scheme inside the query", "GET /a?u=http://x/ HTTP/1.1", "/a",        "u=http://x/", ""   },
    {"the server as a whole",     "OPTIONS * HTTP/1.1",          "*",         "",            ""   },
};

TEST(request_targets)
{
    CASE_EACH(c, targets) {
        struct request_head h = {
            .fields = {.at = room, .room = ARRAY_LEN(room)}
        };
        char text[200];

        (void)snprintf(text, sizeof text, "%s\r\nHost: h\r\n\r\n", c->line);
        CHECK(c->label, request_head_read(str_c(text), &h) == 0);
        CHECK_STR(c->label, h.path, str_c(c->path));
        CHECK_STR(c->label, h.query, str_c(c->query));
        CHECK_STR(c->label, h.authority, str_c(c->authority));
    }
}

/* A head with one line of @n bytes at @where: 0 the request line, 1 a field, 2 many fields. */
static struct str grown(struct buf *b, int where, size_t n)
{
    buf_reset(b);
    buf_add(b, S("GET /"));
    for (size_t i = 0; where == 0 && i < n - strlen("GET / HTTP/1.1"); i++)
        buf_char(b, 'a');
    buf_add(b, S(" HTTP/1.1\r\nHost: h\r\n"));
    for (size_t i = 0; where == 1 && i < n; i++)
        buf_char(b, i == 1 ? ':' : 'x');
    for (size_t i = 0; where == 2 && i < n; i += 1000)
        buf_printf(b, "x:%0996d\r\n", 0);
    buf_add(b, where == 1 ? S("\r\n\r\n") : S("\r\n"));
    return buf_str(b);
}

static const struct {
    const char *label;
    int where;
    size_t n;
    unsigned status;
} limits[] = {
    {"a request line of 16 KB",   0, 16384,     0  },
    {"a longer one",              0, 16385,     414},
    {"a field line under 16 KB",  1, 16383,     0  },
    {"a field line of 16 KB",     1, 16384,     400},
    {"fields of less than 64 KB", 2, 64 * 1000, 0  },
    {"fields of more than 64 KB", 2, 66 * 1000, 400},
};

TEST(size_limits)
{
    struct buf b = buf_init(1 << 20);

    CASE_EACH(c, limits) {
        struct request_head h = {
            .fields = {.at = room, .room = ARRAY_LEN(room)}
        };
        struct str text = grown(&b, c->where, c->n);
        unsigned early = request_head_refusal(str_first(text, text.n - 4));

        CHECK(c->label, request_head_read(text, &h) == c->status);
        CHECK("what grew too long is refused without its end", early == c->status);
    }
    buf_free(&b);
}

static const struct {
    const char *label, *text;
    size_t end; /* 0: not complete */
} ends[] = {
    {"an empty line ends it",      "A\r\nB\r\n\r\nrest", 8},
    {"also after bare line feeds", "A\nB\n\nrest",       5},
    {"not yet",                    "A\r\nB\r\n\r",       0},
    {"not one line end",           "A\r\nB\r\n",         0},
};

TEST(head_end)
{
    CASE_EACH(c, ends) {
        size_t scanned = 0, end = 0;

        CHECK(c->label, http_head_end(str_c(c->text), &scanned) == c->end);
        scanned = 0;
        for (size_t n = 1; n <= strlen(c->text) && end == 0; n++)
            end = http_head_end(str_n(c->text, n), &scanned);
        CHECK("the same a byte at a time", end == c->end);
    }
}

static const struct {
    const char *label, *text;
    bool to_head, valid;
    unsigned status;
    enum http_body body;
    bool keep_alive;
} responses[] = {
    {"a length",                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",                      false, true,  200, HTTP_BODY_LENGTH,
     true                                                                                                                                         },
    {"no reason",               "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",                         false, true,  200, HTTP_BODY_NONE,
     true                                                                                                                                         },
    {"until the end",           "HTTP/1.1 200 OK\r\n\r\n",                                           false, true,  200, HTTP_BODY_UNTIL_END, false},
    {"to HEAD no body",         "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",                      true,  true,  200,
     HTTP_BODY_NONE,                                                                                                                         true },
    {"304 has none",            "HTTP/1.1 304 N\r\nContent-Length: 3\r\n\r\n",                       false, true,  304,
     HTTP_BODY_NONE,                                                                                                                         true },
    {"HTTP/1.0 closes",         "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n",                      false, true,  200,
     HTTP_BODY_LENGTH,                                                                                                                       false},
    {"the target closes",       "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n",
     false,                                                                                                 true,  200, HTTP_BODY_LENGTH,    false},
    {"no HTTP",                 "SSH-2.0-OpenSSH\r\n\r\n",                                           false, false, 0,   HTTP_BODY_NONE,      false},
    {"a bad name",              "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n",                                 false, false, 0,   HTTP_BODY_NONE,      false},
    {"two lengths",             "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", false,
     false,                                                                                                        0,   HTTP_BODY_NONE,      false},
    {"a coding we do not know", "HTTP/1.1 200 OK\r\nTransfer-Encoding: br\r\n\r\n",                  false, false, 0,
     HTTP_BODY_NONE,                                                                                                                         false},
};

TEST(response_heads)
{
    CASE_EACH(c, responses) {
        struct response_head h = {
            .fields = {.at = room, .room = ARRAY_LEN(room)}
        };

        CHECK(c->label, response_head_read(str_c(c->text), c->to_head, &h) == c->valid);
        if (!c->valid)
            continue;
        CHECK(c->label, h.status == c->status);
        CHECK(c->label, h.body == c->body);
        CHECK(c->label, h.keep_alive == c->keep_alive);
    }
}

TEST_MAIN(T(requests), T(request_targets), T(size_limits), T(head_end), T(response_heads))
