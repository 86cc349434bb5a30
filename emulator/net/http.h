/* What HTTP's two ends share: headers, targets, statuses. Source: RFC 9110, RFC 9112, RFC 3986. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

struct http_header {
    struct str name, value;
};

struct http_headers {
    const struct http_header *at;
    size_t n;
};

/* A literal list of headers: HTTP_HEADERS({S("Content-Type"), S("text/plain")}). */
#define HTTP_HEADERS(...)                                                      \
    ((struct http_headers){(const struct http_header[]){__VA_ARGS__},          \
                           sizeof((const struct http_header[]){__VA_ARGS__}) / \
                               sizeof(struct http_header)})
#define HTTP_NO_HEADERS ((struct http_headers){0})

/* The first header of that name (any case), or an empty slice. */
struct str http_header_get(struct http_headers headers, struct str name);
bool http_header_has(struct http_headers headers, struct str name);

/* Whether @token (any case) stands in the comma-separated value of a header of that name. */
bool http_header_lists(struct http_headers headers, struct str name, struct str token);

/* "Not Found" for 404; "Unknown" for a status that nobody registered. */
struct str http_status_text(int status);

/* The first value of query parameter @name, decoded, in @a. False when there is none. */
bool http_query_get(struct arena *a, struct str query, struct str name, struct str *ret_value);

/* Cuts "host", "host:port", "[v6]:port" apart; @ret_port is @otherwise without one. False when
 * the port is no number of 1 to 65535 or the host is empty. */
bool http_cut_authority(struct str authority, uint16_t otherwise, struct str *ret_host,
                        uint16_t *ret_port);

/* A URL's parts as they stand in it; path is "/" when it has none. */
struct http_url {
    bool tls; /* https */
    struct str host;
    uint16_t port;
    struct str authority; /* host and port as written */
    struct str target;    /* path and query */
};

/* Cuts an http: or https: URL apart; slices of @url. False when it is none, or has user info. */
bool http_parse_url(struct str url, struct http_url *ret_url);

/* "Tue, 24 Nov 2026 13:11:00 GMT", whatever the locale: RFC 9110 §5.6.7. */
void http_write_date(struct buf *b, int64_t ms);
