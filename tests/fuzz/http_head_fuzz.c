/* Heads and bodies of HTTP/1.x as clients and targets may send them, and what is made of them. */
#include <stdlib.h>

#include "dataplane/http_body.h"
#include "dataplane/http_rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *data, struct str content)
{
    (void)data;
    (void)content;
}

static void rewrite_request(struct str head, struct http_fields fields, struct text out)
{
    static const struct dp_attributes attributes = {.xff_client_port = true};
    static const struct dp_action action = {.protocol = STR_INIT("#{protocol}"),
                                            .host = STR_INIT("#{host}"),
                                            .port = STR_INIT("#{port}"),
                                            .path = STR_INIT("/#{path}"),
                                            .query = STR_INIT("#{query}")};
    static const struct client client = {.address = 1};
    struct forward_facts facts = {
        .attributes = &attributes, .dns_name = S("lb"), .client = &client};
    struct request_head h = {.fields = fields};
    struct str trace;

    if (request_head_read(head, &h) != 0)
        return;
    request_head_rewrite(&out, &h, &facts, &trace);
    out.n = 0;
    (void)redirect_location(&out, &action, &h, false, 80, S("lb"));
}

static void rewrite_response(struct str head, struct http_fields fields, struct text out)
{
    struct response_head h = {.fields = fields};

    if (response_head_read(head, false, &h))
        response_head_rewrite(&out, &h, &(struct reply_framing){.chunked = true, .date = S("now")});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_field room[64];
    static char text[256 * 1024];
    struct http_fields fields = {.at = room, .room = 64};
    struct text out = {.at = text, .room = sizeof text};
    struct str bytes = {(const char *)data, size};
    struct http_body_reader body;
    llhttp_t template;
    size_t scanned = 0, end = http_head_end(bytes, &scanned);

    (void)request_head_refusal(bytes);
    rewrite_request(str_first(bytes, end > 0 ? end : size), fields, out);
    rewrite_response(str_first(bytes, end > 0 ? end : size), fields, out);
    http_body_prepare(&template);
    http_body_begin(&body, &template, HTTP_BODY_CHUNKED, 0, ignore, NULL);
    (void)http_body_feed(&body, str_from(bytes, end));
    return 0;
}
