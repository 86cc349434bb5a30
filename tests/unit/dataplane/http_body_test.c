/* Source: RFC 9112 sections 6 and 7. */
#include "test.h"

#include "base/buf.h"
#include "dataplane/http_body.h"

static const struct {
    const char *label;
    enum http_body kind;
    uint64_t length;
    struct str bytes, content;
    ssize_t used; /* -1: refused */
    bool done;
} cases[] = {
    {"no body takes nothing",          HTTP_BODY_NONE,      0, S("abc"),                                     S(""),       0,  true },
    {"a length takes that many",       HTTP_BODY_LENGTH,    3, S("abcdef"),                                  S("abc"),    3,  true },
    {"a longer length wants more",     HTTP_BODY_LENGTH,    9, S("abcdef"),                                  S("abcdef"), 6,  false},
    {"until the end takes all",        HTTP_BODY_UNTIL_END, 0, S("abcdef"),                                  S("abcdef"), 6,  false},
    {"chunks are joined",              HTTP_BODY_CHUNKED,   0, S("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nGET"),
     S("abcde"),                                                                                                          24, true },
    {"trailers are dropped",           HTTP_BODY_CHUNKED,   0, S("1\r\na\r\n0\r\nX: y\r\n\r\n"),             S("a"),      17,
     true                                                                                                                          },
    {"an unfinished chunk waits",      HTTP_BODY_CHUNKED,   0, S("5\r\nab"),                                 S("ab"),     5,  false},
    {"a size that is none is refused", HTTP_BODY_CHUNKED,   0, S("zz\r\nab"),                                S(""),       -1, false},
    {"a chunk longer than it says",    HTTP_BODY_CHUNKED,   0, S("1\r\nabc\r\n"),                            S("a"),      -1, false},
};

static void collect(void *data, struct str content)
{
    buf_add(data, content);
}

TEST(framing)
{
    llhttp_t template;

    http_body_prepare(&template);
    CASE_EACH(c, cases) {
        struct buf got = buf_init(1000);
        struct http_body_reader b;

        http_body_begin(&b, &template, c->kind, c->length, collect, &got);
        CHECK(c->label, http_body_feed(&b, c->bytes) == c->used);
        CHECK(c->label, b.done == c->done);
        CHECK_STR(c->label, buf_str(&got), c->content);
        buf_free(&got);
    }
}

TEST(framing_one_byte_at_a_time)
{
    llhttp_t template;

    http_body_prepare(&template);
    CASE_EACH(c, cases) {
        struct buf got = buf_init(1000);
        struct http_body_reader b;
        ssize_t used = 0;

        http_body_begin(&b, &template, c->kind, c->length, collect, &got);
        for (size_t i = 0; i < c->bytes.n && !b.done && used >= 0; i++) {
            ssize_t n = http_body_feed(&b, str_n(c->bytes.at + i, 1));

            used = n < 0 ? -1 : used + n;
        }
        CHECK(c->label, used == c->used);
        CHECK_STR(c->label, buf_str(&got), c->content);
        buf_free(&got);
    }
}

TEST_MAIN(T(framing), T(framing_one_byte_at_a_time))
