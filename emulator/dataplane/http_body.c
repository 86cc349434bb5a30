/* Body framing over llhttp. llhttp sees a head of our own in front of the chunks, since the real
 * one was read and judged before; trailers are read and dropped.
 * Source: RFC 9112 sections 6 and 7. */
#include "dataplane/http_body.h"

#include <assert.h>

static int on_body(llhttp_t *parser, const char *at, size_t n)
{
    struct http_body_reader *b = parser->data;

    b->on_content(b->data, str_n(at, n));
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct http_body_reader *b = parser->data;

    b->done = true;
    return HPE_PAUSED; /* what follows is the next message's */
}

static const llhttp_settings_t settings = {
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void http_body_prepare(llhttp_t *ret_template)
{
    static const char head[] = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    llhttp_errno_t error;

    llhttp_init(ret_template, HTTP_REQUEST, &settings);
    error = llhttp_execute(ret_template, head, sizeof head - 1);
    assert(error == HPE_OK);
    (void)error;
}

void http_body_begin(struct http_body_reader *b, const llhttp_t *template, enum http_body kind,
                     uint64_t length, http_content_cb *on_content, void *data)
{
    b->kind = kind;
    b->left = length;
    b->done = kind == HTTP_BODY_NONE || (kind == HTTP_BODY_LENGTH && length == 0);
    b->on_content = on_content;
    b->data = data;
    if (kind != HTTP_BODY_CHUNKED)
        return;
    b->chunks = *template;
    b->chunks.data = b;
}

static ssize_t feed_chunks(struct http_body_reader *b, struct str bytes)
{
    llhttp_errno_t error = llhttp_execute(&b->chunks, bytes.at, bytes.n);

    if (error == HPE_OK)
        return (ssize_t)bytes.n;
    if (error == HPE_PAUSED && b->done)
        return llhttp_get_error_pos(&b->chunks) - bytes.at;
    return -1;
}

ssize_t http_body_feed(struct http_body_reader *b, struct str bytes)
{
    struct str content = bytes;

    if (b->done || bytes.n == 0)
        return 0;
    if (b->kind == HTTP_BODY_CHUNKED)
        return feed_chunks(b, bytes);
    if (b->kind == HTTP_BODY_LENGTH) {
        content = str_first(bytes, b->left < bytes.n ? (size_t)b->left : bytes.n);
        b->left -= content.n;
        b->done = b->left == 0;
    }
    b->on_content(b->data, content);
    return (ssize_t)content.n;
}
