/* Reading heads of HTTP/1.x messages. A load balancer of AWS passes on much that strict parsers
 * refuse (methods nobody knows, names with underscores, repeated Content-Length), and has its own
 * classes for what looks like request smuggling; so heads are split into lines here and judged
 * line by line, and llhttp decodes the bodies.
 * Source: Application Load Balancers User Guide, "Desync mitigation mode", "Troubleshoot your
 * Application Load Balancers"; RFC 9112.
 * DIFFERS: HTTP/0.9 requests (a line without a version) get 400. */
#include "dataplane/http_head.h"

#include "base/macros.h"

enum { CHAR_NAME = 1, CHAR_TOKEN = 2, CHAR_CONTROL = 4 };

#define N3 (CHAR_NAME | CHAR_TOKEN)

/* What each byte may be part of: a valid name, an RFC 9110 token, or nothing visible. */
static const uint8_t char_kinds[256] = {
    [0 ... 8] = CHAR_CONTROL,
    [10 ... 0x1f] = CHAR_CONTROL,
    [0x7f ... 0xff] = CHAR_CONTROL,
    ['0' ... '9'] = N3,
    ['A' ... 'Z'] = N3,
    ['a' ... 'z'] = N3,
    ['-'] = N3,
    ['!'] = CHAR_TOKEN,
    ['#' ... '\''] = CHAR_TOKEN,
    ['*'] = CHAR_TOKEN,
    ['+'] = CHAR_TOKEN,
    ['.'] = CHAR_TOKEN,
    ['^' ... '`'] = CHAR_TOKEN,
    ['|'] = CHAR_TOKEN,
    ['~'] = CHAR_TOKEN,
};

static bool all_of(struct str s, uint8_t kind)
{
    for (size_t i = 0; i < s.n; i++)
        if ((char_kinds[(uint8_t)s.at[i]] & kind) == 0)
            return false;
    return true;
}

static bool none_of(struct str s, uint8_t kind)
{
    uint8_t seen = 0;

    for (size_t i = 0; i < s.n; i++)
        seen |= char_kinds[(uint8_t)s.at[i]];
    return (seen & kind) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct str trim_blanks(struct str s)
{
    while (s.n > 0 && is_blank(s.at[0]))
        s = str_from(s, 1);
    while (s.n > 0 && is_blank(s.at[s.n - 1]))
        s.n--;
    return s;
}

/* --- the fields we know ------------------------------------------------------------------- */

static const struct {
    struct str name;
    enum http_field_id id;
} known_fields[] = {
    {STR_INIT("te"),                FIELD_TE               },
    {STR_INIT("date"),              FIELD_DATE             },
    {STR_INIT("host"),              FIELD_HOST             },
    {STR_INIT("expect"),            FIELD_EXPECT           },
    {STR_INIT("cookie"),            FIELD_COOKIE           },
    {STR_INIT("server"),            FIELD_SERVER           },
    {STR_INIT("trailer"),           FIELD_TRAILER          },
    {STR_INIT("upgrade"),           FIELD_UPGRADE          },
    {STR_INIT("connection"),        FIELD_CONNECTION       },
    {STR_INIT("keep-alive"),        FIELD_KEEP_ALIVE       },
    {STR_INIT("set-cookie"),        FIELD_SET_COOKIE       },
    {STR_INIT("content-type"),      FIELD_CONTENT_TYPE     },
    {STR_INIT("content-length"),    FIELD_CONTENT_LENGTH   },
    {STR_INIT("x-amzn-trace-id"),   FIELD_X_AMZN_TRACE_ID  },
    {STR_INIT("x-forwarded-for"),   FIELD_X_FORWARDED_FOR  },
    {STR_INIT("proxy-connection"),  FIELD_PROXY_CONNECTION },
    {STR_INIT("x-forwarded-port"),  FIELD_X_FORWARDED_PORT },
    {STR_INIT("transfer-encoding"), FIELD_TRANSFER_ENCODING},
    {STR_INIT("x-forwarded-proto"), FIELD_X_FORWARDED_PROTO},
};

/* The rows are in order of length, so a row that is too long ends the search. */
static enum http_field_id field_id(struct str name)
{
    if (name.n < 2 || name.n > 17)
        return FIELD_OTHER;
    for (size_t i = 0; i < ARRAY_LEN(known_fields) && known_fields[i].name.n <= name.n; i++)
        if (known_fields[i].name.n == name.n &&
            ((name.at[0] ^ known_fields[i].name.at[0]) & ~0x20) == 0 &&
            str_ieq(known_fields[i].name, name))
            return known_fields[i].id;
    return FIELD_OTHER;
}

bool http_list_has(struct str value, struct str word)
{
    struct str rest = value, part;

    while (str_next(&rest, ',', &part))
        if (str_ieq(trim_blanks(part), word))
            return true;
    return false;
}

struct str http_host_name(struct str host)
{
    size_t colon = str_rchr(host, ':');

    if (colon == STR_NONE || (host.n > 0 && host.at[host.n - 1] == ']'))
        return host;
    return str_first(host, colon);
}

/* --- lines -------------------------------------------------------------------------------- */

size_t http_head_end(struct str bytes, size_t *scanned)
{
    size_t at = *scanned;

    while (at < bytes.n) {
        const char *lf = memchr(bytes.at + at, '\n', bytes.n - at);
        size_t next;

        if (lf == NULL) {
            *scanned = bytes.n;
            return 0;
        }
        next = (size_t)(lf - bytes.at) + 1;
        if (next + 1 < bytes.n && bytes.at[next] == '\r' && bytes.at[next + 1] == '\n')
            return next + 2;
        if (next < bytes.n && bytes.at[next] == '\n')
            return next + 1;
        if (next >= bytes.n || (bytes.at[next] == '\r' && next + 1 >= bytes.n)) {
            *scanned = next - 1; /* this line end may prove to be the last but one */
            return 0;
        }
        at = next;
    }
    *scanned = at;
    return 0;
}

/* Takes one line off *rest: *ret_whole with its end, *ret_text without. False at the end. */
static bool next_line(struct str *rest, struct str *ret_whole, struct str *ret_text)
{
    const char *lf = rest->n > 0 ? memchr(rest->at, '\n', rest->n) : NULL;
    size_t n;

    if (lf == NULL)
        return false;
    n = (size_t)(lf - rest->at) + 1;
    *ret_whole = str_first(*rest, n);
    *ret_text = str_first(*rest, n - 1);
    if (ret_text->n > 0 && ret_text->at[ret_text->n - 1] == '\r')
        ret_text->n--;
    *rest = str_from(*rest, n);
    return true;
}

/* Reads one field line. False when it can't be called one: no colon, or no room. */
static bool add_field(struct http_fields *fields, struct str whole, struct str text)
{
    const char *colon = text.n > 0 ? memchr(text.at, ':', text.n) : NULL;
    struct http_field *f;
    struct str raw_name;

    if (fields->n == fields->room || colon == NULL)
        return false;
    f = &fields->at[fields->n++];
    raw_name = str_first(text, (size_t)(colon - text.at));
    f->name = trim_blanks(raw_name);
    f->value = trim_blanks(str_from(text, raw_name.n + 1));
    f->line = whole;
    f->invalid = f->name.n == 0 || !all_of(f->name, CHAR_NAME);
    f->odd = f->name.n != raw_name.n || whole.n != text.n + 2;
    f->id = (uint8_t)field_id(f->name);
    return true;
}

/* Digits only, and not more than 18 of them. */
static bool read_length(struct str value, uint64_t *ret_length)
{
    uint64_t length = 0;

    if (value.n == 0 || value.n > 18)
        return false;
    for (size_t i = 0; i < value.n; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return false;
        length = length * 10 + (uint64_t)(value.at[i] - '0');
    }
    *ret_length = length;
    return true;
}

/* --- requests ----------------------------------------------------------------------------- */

/* What reading a request's fields has met so far. */
struct reading {
    struct request_head *head;
    bool has_length, has_chunked, has_host;
    size_t forwarded_for;
    bool connection_close, connection_keep_alive, connection_upgrade, upgrade_websocket;
    unsigned status;
};

static void note(struct request_head *h, enum desync_class class, const char *reason)
{
    if (class <= h->class)
        return;
    h->class = class;
    h->class_reason = reason;
}

static void read_content_length(struct reading *r, struct str value)
{
    struct request_head *h = r->head;
    uint64_t length;

    if (!read_length(value, &length)) {
        note(h, DESYNC_SEVERE, "BadContentLength");
        return;
    }
    if (r->has_length)
        note(h, length == h->length ? DESYNC_AMBIGUOUS : DESYNC_SEVERE,
             length == h->length ? "DuplicateContentLength" : "MultipleContentLength");
    r->has_length = true;
    h->length = length;
}

static void read_transfer_encoding(struct reading *r, struct str value)
{
    if (str_ieq(value, S("identity")))
        return;
    if (!str_ieq(value, S("chunked"))) {
        if (value.n == 0 || !none_of(value, CHAR_CONTROL))
            note(r->head, DESYNC_SEVERE, "BadTransferEncoding");
        else
            r->status = 501;
        return;
    }
    if (r->has_chunked)
        note(r->head, DESYNC_SEVERE, "MultipleTransferEncodingChunked");
    r->has_chunked = true;
}

static size_t count_parts(struct str value)
{
    size_t parts = value.n > 0 ? 1 : 0;

    for (size_t i = 0; i < value.n; i++)
        parts += value.at[i] == ',';
    return parts;
}

static void read_known_field(struct reading *r, struct http_field *f)
{
    switch ((enum http_field_id)f->id) {
    case FIELD_HOST:
        if (!r->has_host)
            r->head->host = f->value;
        r->has_host = true;
        break;
    case FIELD_CONTENT_LENGTH:
        read_content_length(r, f->value);
        break;
    case FIELD_TRANSFER_ENCODING:
        read_transfer_encoding(r, f->value);
        break;
    case FIELD_CONNECTION:
        r->connection_close |= http_list_has(f->value, S("close"));
        r->connection_keep_alive |= http_list_has(f->value, S("keep-alive"));
        r->connection_upgrade |= http_list_has(f->value, S("upgrade"));
        break;
    case FIELD_UPGRADE:
        r->upgrade_websocket |= str_ieq(f->value, S("websocket"));
        break;
    case FIELD_EXPECT:
        r->head->expects_continue |= str_ieq(f->value, S("100-continue"));
        break;
    case FIELD_X_FORWARDED_FOR:
        r->forwarded_for += count_parts(f->value);
        break;
    default:
        break;
    }
}

/* Names that another server may take for Content-Length or Transfer-Encoding. */
static bool is_suspicious(const struct http_field *f)
{
    static const struct str wanted[] = {STR_INIT("content-length"), STR_INIT("transfer-encoding")};
    bool framing = f->id == FIELD_CONTENT_LENGTH || f->id == FIELD_TRANSFER_ENCODING;

    if (framing)
        return f->odd && f->line.at[f->name.n] != ':';
    if (f->id != FIELD_OTHER || !f->invalid)
        return false;
    for (size_t w = 0; w < ARRAY_LEN(wanted); w++) {
        size_t same = 0;

        if (f->name.n != wanted[w].n)
            continue;
        for (size_t i = 0; i < f->name.n; i++)
            same += (f->name.at[i] | 0x20) == wanted[w].at[i] || wanted[w].at[i] == '-';
        if (same == f->name.n)
            return true;
    }
    return false;
}

static void judge_field(struct reading *r, struct http_field *f, struct str text)
{
    if (!none_of(text, CHAR_CONTROL)) {
        bool severe =
            memchr(text.at, '\0', text.n) != NULL || memchr(text.at, '\r', text.n) != NULL;

        note(r->head, severe ? DESYNC_SEVERE : DESYNC_ACCEPTABLE,
             severe ? "BadHeader" : "NonCompliantHeader");
    }
    if (is_suspicious(f))
        note(r->head, DESYNC_AMBIGUOUS, "SuspiciousHeader");
    if (f->name.n == 0)
        note(r->head, DESYNC_AMBIGUOUS, "EmptyHeader");
}

/* A line without a colon, or one that continues the line before, becomes a field of its own with
 * an empty value. */
static bool add_odd_line(struct http_fields *fields, struct str whole, struct str text)
{
    struct http_field *f;

    if (fields->n == fields->room)
        return false;
    f = &fields->at[fields->n++];
    *f =
        (struct http_field){.name = trim_blanks(text), .line = whole, .odd = true, .invalid = true};
    return true;
}

/* One line of the head; 0 or the status that refuses it. */
static unsigned read_line(struct reading *r, struct str whole, struct str text)
{
    struct http_fields *fields = &r->head->fields;
    bool folded = is_blank(text.at[0]);

    if (text.n >= HTTP_FIELD_LINE_MAX)
        return 400;
    if (folded || memchr(text.at, ':', text.n) == NULL) {
        struct str rest = trim_blanks(text);

        if (!folded || !add_odd_line(fields, whole, text))
            return 400;
        note(r->head, DESYNC_AMBIGUOUS, "EmptyHeader");
        if (rest.n == 0)
            fields->n--;
        return 0;
    }
    if (!add_field(fields, whole, text))
        return 400;
    judge_field(r, &fields->at[fields->n - 1], text);
    read_known_field(r, &fields->at[fields->n - 1]);
    return 0;
}

static void split_target(struct request_head *h)
{
    struct str rest = h->target;
    size_t scheme = str_find(rest, S("://"));

    if (rest.at[0] != '/' && scheme != STR_NONE && scheme <= 5) {
        size_t slash;

        rest = str_from(rest, scheme + 3);
        slash = str_chr(rest, '/');
        if (slash == STR_NONE)
            slash = str_chr(rest, '?');
        h->authority = str_first(rest, slash);
        rest = str_from(rest, slash);
    }
    h->path = rest;
    h->has_query = str_cut(rest, '?', &h->path, &h->query);
    if (h->path.n == 0)
        h->path = S("/");
}

static unsigned read_version(struct request_head *h, struct str version)
{
    if (version.n != 8 || !str_starts(version, S("HTTP/")) || version.at[6] != '.' ||
        version.at[5] < '0' || version.at[5] > '9' || version.at[7] < '0' || version.at[7] > '9') {
        note(h, DESYNC_SEVERE, "BadVersion");
        return 400;
    }
    if (version.at[5] != '1')
        return version.at[5] > '1' ? 505 : 400;
    h->http10 = version.at[7] == '0';
    if (version.at[7] > '1')
        note(h, DESYNC_ACCEPTABLE, "NonCompliantVersion");
    return 0;
}

static unsigned read_request_line(struct request_head *h, struct str line)
{
    size_t first = str_chr(line, ' '), last = str_rchr(line, ' ');
    unsigned refused;

    if (line.n > HTTP_REQUEST_LINE_MAX)
        return first != STR_NONE && first < 64 ? 414 : 400;
    if (first == STR_NONE || first == last || first == 0 ||
        !all_of(str_first(line, first), CHAR_TOKEN)) {
        note(h, DESYNC_SEVERE, "BadMethod");
        return 400;
    }
    h->method = str_first(line, first);
    h->target = str_n(line.at + first + 1, last - first - 1);
    refused = read_version(h, str_from(line, last + 1));
    if (refused != 0)
        return refused;
    if (str_chr(h->target, ' ') != STR_NONE)
        note(h, DESYNC_ACCEPTABLE, "SpaceInUri");
    if (!none_of(h->target, CHAR_CONTROL)) {
        bool severe = str_chr(h->target, '\0') != STR_NONE || str_chr(h->target, '\r') != STR_NONE;

        note(h, severe ? DESYNC_SEVERE : DESYNC_AMBIGUOUS, severe ? "BadUri" : "AmbiguousUri");
    }
    if (h->target.n == 0)
        return 400;
    split_target(h);
    if (h->path.at[0] != '/' && !str_eq(h->target, S("*")))
        return 400;
    return 0;
}

static void settle_framing(struct reading *r)
{
    struct request_head *h = r->head;
    bool bodiless = str_eq(h->method, S("GET")) || str_eq(h->method, S("HEAD"));

    if (r->has_chunked && r->has_length)
        note(h, DESYNC_AMBIGUOUS, "BothTeClPresent");
    if (bodiless && r->has_length)
        note(h, h->length == 0 ? DESYNC_ACCEPTABLE : DESYNC_AMBIGUOUS,
             h->length == 0 ? "GetHeadZeroContentLength" : "UndefinedContentLengthSemantics");
    if (bodiless && r->has_chunked)
        note(h, DESYNC_AMBIGUOUS, "UndefinedTransferEncodingSemantics");
    if (r->has_chunked)
        h->body = HTTP_BODY_CHUNKED;
    else if (r->has_length && h->length > 0)
        h->body = HTTP_BODY_LENGTH;
    if (h->body != HTTP_BODY_LENGTH)
        h->length = 0;
    h->keep_alive = h->http10 ? r->connection_keep_alive : !r->connection_close;
    h->wants_websocket = !h->http10 && r->connection_upgrade && r->upgrade_websocket;
}

/* The checks that need the whole head, in the order of the answers they give. */
static unsigned judge_request(const struct reading *r)
{
    const struct request_head *h = r->head;

    if (h->class == DESYNC_SEVERE && r->status == 0)
        return 0; /* the mode decides */
    if (str_eq(h->method, S("CONNECT")))
        return 400;
    if (str_eq(h->method, S("TRACE")))
        return 405;
    if (r->status != 0)
        return r->status;
    if (!h->http10 && !r->has_host)
        return 400;
    if (r->forwarded_for > HTTP_FORWARDED_FOR_MAX)
        return 463;
    return 0;
}

unsigned request_head_read(struct str bytes, struct request_head *out)
{
    struct http_fields fields = {out->fields.at, 0, out->fields.room};
    struct reading r = {.head = out};
    struct str rest = bytes, whole, text = {0};
    unsigned refused;

    *out = (struct request_head){.fields = fields};
    while (next_line(&rest, &whole, &text) && text.n == 0)
        continue;
    if (text.n == 0)
        return 400;
    refused = read_request_line(out, text);
    if (refused == 0 && rest.n > HTTP_REQUEST_FIELDS_MAX)
        refused = 400;
    while (refused == 0 && next_line(&rest, &whole, &text) && text.n > 0)
        refused = read_line(&r, whole, text);
    if (refused != 0)
        return refused;
    settle_framing(&r);
    return judge_request(&r);
}

unsigned request_head_refusal(struct str bytes)
{
    const char *lf = bytes.n > 0 ? memchr(bytes.at, '\n', bytes.n) : NULL;
    size_t line = lf == NULL ? bytes.n : (size_t)(lf - bytes.at);
    size_t last = str_rchr(bytes, '\n');

    if (lf != NULL && line > 0 && lf[-1] == '\r')
        line--;
    if (line > HTTP_REQUEST_LINE_MAX)
        return str_chr(str_first(bytes, 64), ' ') != STR_NONE ? 414 : 400;
    if (lf != NULL && bytes.n - last > HTTP_FIELD_LINE_MAX)
        return 400;
    return bytes.n - line > HTTP_REQUEST_FIELDS_MAX ? 400 : 0;
}

/* --- responses ---------------------------------------------------------------------------- */

static bool read_status_line(struct response_head *h, struct str line)
{
    if (line.n < 12 || !str_starts(line, S("HTTP/1.")) || line.at[8] != ' ' ||
        (line.n > 12 && line.at[12] != ' '))
        return false;
    for (size_t i = 9; i < 12; i++) {
        if (line.at[i] < '0' || line.at[i] > '9')
            return false;
        h->status = h->status * 10 + (unsigned)(line.at[i] - '0');
    }
    h->http10 = line.at[7] == '0';
    h->reason = str_from(line, 13);
    return h->status >= 100 && none_of(h->reason, CHAR_CONTROL);
}

/* Framing fields that contradict each other make the response malformed. */
static bool read_response_field(struct response_head *h, const struct http_field *f)
{
    uint64_t length;

    switch ((enum http_field_id)f->id) {
    case FIELD_CONTENT_LENGTH:
        if (!read_length(f->value, &length) || (h->has_length && length != h->length))
            return false;
        h->has_length = true;
        h->length = length;
        return true;
    case FIELD_TRANSFER_ENCODING:
        if (h->has_chunked || !str_ieq(f->value, S("chunked")))
            return str_ieq(f->value, S("identity"));
        h->has_chunked = true;
        return true;
    case FIELD_CONNECTION:
        if (http_list_has(f->value, S("close")))
            h->keep_alive = false;
        else if (h->http10 && http_list_has(f->value, S("keep-alive")))
            h->keep_alive = true;
        return true;
    default:
        return true;
    }
}

bool response_head_read(struct str bytes, bool to_head, struct response_head *out)
{
    struct http_fields fields = {out->fields.at, 0, out->fields.room};
    struct str rest = bytes, whole, text;

    *out = (struct response_head){.fields = fields};
    if (!next_line(&rest, &whole, &text) || !read_status_line(out, text) ||
        rest.n > HTTP_RESPONSE_FIELDS_MAX)
        return false;
    out->keep_alive = !out->http10;
    while (next_line(&rest, &whole, &text) && text.n > 0) {
        struct http_field *f;

        if (!add_field(&out->fields, whole, text))
            return false;
        f = &out->fields.at[out->fields.n - 1];
        if (f->name.n == 0 || !all_of(f->name, CHAR_TOKEN) || f->line.at[f->name.n] != ':' ||
            memchr(text.at, '\0', text.n) != NULL || memchr(text.at, '\r', text.n) != NULL ||
            !read_response_field(out, f))
            return false;
    }
    if (to_head || out->status < 200 || out->status == 204 || out->status == 304)
        out->body = HTTP_BODY_NONE;
    else if (out->has_chunked)
        out->body = HTTP_BODY_CHUNKED;
    else if (out->has_length)
        out->body = out->length > 0 ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
    else
        out->body = HTTP_BODY_UNTIL_END;
    if (out->body == HTTP_BODY_UNTIL_END)
        out->keep_alive = false;
    return true;
}
