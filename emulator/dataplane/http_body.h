/* The framing of one message body: how many of the bytes that come belong to it, and where its
 * content lies in them. Chunks are decoded by llhttp; content is never copied. */
#pragma once

#include <llhttp.h>
#include <sys/types.h>

#include "dataplane/http_head.h"

/* Gets content as it is found; @content is borrowed for the call. */
typedef void http_content_cb(void *data, struct str content);

struct http_body_reader {
    enum http_body kind;
    bool done;
    uint64_t left; /* HTTP_BODY_LENGTH */
    llhttp_t chunks;
    http_content_cb *on_content;
    void *data;
};

/* A template that readers of chunked bodies start from; once for each worker. */
void http_body_prepare(llhttp_t *ret_template);

/* Begins a body. @template is borrowed for the call. */
void http_body_begin(struct http_body_reader *b, const llhttp_t *template, enum http_body kind,
                     uint64_t length, http_content_cb *on_content, void *data);

/* Reads on. Returns how many bytes belonged to the body (b->done tells whether it ended with
 * them), or -1 when the chunks are malformed. */
ssize_t http_body_feed(struct http_body_reader *b, struct str bytes);
