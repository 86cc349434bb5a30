/* Heads of HTTP/1.x requests and responses as slices of their bytes, with the classification of
 * desync mitigation. Pure; nothing is copied and nothing allocated. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum http_limits {
    HTTP_REQUEST_LINE_MAX = 16 * 1024,
    HTTP_FIELD_LINE_MAX = 16 * 1024, /* a line of this many bytes is too long */
    HTTP_REQUEST_FIELDS_MAX = 64 * 1024,
    HTTP_RESPONSE_FIELDS_MAX = 32 * 1024,
    HTTP_FIELD_COUNT_MAX = 2048,
    HTTP_FORWARDED_FOR_MAX = 30,
};

/* The fields that the load balancer has an opinion about. */
enum http_field_id {
    FIELD_OTHER,
    FIELD_CONNECTION,
    FIELD_CONTENT_LENGTH,
    FIELD_CONTENT_TYPE,
    FIELD_COOKIE,
    FIELD_DATE,
    FIELD_EXPECT,
    FIELD_HOST,
    FIELD_KEEP_ALIVE,
    FIELD_PROXY_CONNECTION,
    FIELD_SERVER,
    FIELD_SET_COOKIE,
    FIELD_TE,
    FIELD_TRAILER,
    FIELD_TRANSFER_ENCODING,
    FIELD_UPGRADE,
    FIELD_X_AMZN_TRACE_ID,
    FIELD_X_FORWARDED_FOR,
    FIELD_X_FORWARDED_PORT,
    FIELD_X_FORWARDED_PROTO,
};

struct http_field {
    struct str name, value; /* without white space around */
    struct str line;        /* as sent, with its line end */
    uint8_t id;             /* enum http_field_id */
    bool invalid;           /* the name has other characters than letters, digits and hyphens */
    bool odd;               /* the line must not be passed on byte for byte */
};

/* Room for fields, reused from one head to the next. */
struct http_fields {
    struct http_field *at;
    size_t n, room;
};

enum http_body { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_UNTIL_END };

enum desync_class { DESYNC_COMPLIANT, DESYNC_ACCEPTABLE, DESYNC_AMBIGUOUS, DESYNC_SEVERE };

struct request_head {
    struct str method, target;
    struct str path, query; /* of the target; the query without '?' */
    bool has_query;         /* there is a '?' */
    struct str authority;   /* of an absolute-form target, else empty */
    struct str host;        /* the first Host, whole; empty when there is none */
    bool http10;
    bool keep_alive; /* what the client asks for */
    bool expects_continue;
    bool wants_websocket;
    enum http_body body;
    uint64_t length; /* HTTP_BODY_LENGTH */
    enum desync_class class;
    const char *class_reason; /* "BothTeClPresent" …, static; NULL when compliant */
    struct http_fields fields;
};

struct response_head {
    unsigned status;
    struct str reason;
    bool http10;
    bool keep_alive;  /* what the target lets us do */
    bool has_length;  /* there is a Content-Length, also where no body follows (HEAD, 304) */
    bool has_chunked; /* likewise Transfer-Encoding: chunked */
    enum http_body body;
    uint64_t length;
    struct http_fields fields;
};

/* How many bytes of @bytes (no empty lines in front) are a head, its empty line included; 0 when
 * that has not come yet. *scanned is where to go on looking next time, 0 at first. */
size_t http_head_end(struct str bytes, size_t *scanned);

/* Reads a whole request head (leading empty lines allowed). @out->fields.at and .room are the
 * caller's. Returns 0, or the status of the load balancer's own answer: 400, 405, 414, 463, 501,
 * 505; @out then has what was read until there. */
unsigned request_head_read(struct str bytes, struct request_head *out);

/* The answer to a head that has grown this far without an end; 0 while it may still come. */
unsigned request_head_refusal(struct str bytes);

/* Reads a whole response head; false when a load balancer would call it malformed. @to_head: the
 * request was HEAD, so no body follows. */
bool response_head_read(struct str bytes, bool to_head, struct response_head *out);

/* Whether the list-valued field @value ("a, b") has the word @word, case ignored. */
bool http_list_has(struct str value, struct str word);

/* "example.com:8080" without its port; brackets of an IPv6 address stay. */
struct str http_host_name(struct str host);
