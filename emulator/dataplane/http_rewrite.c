/* Request headers towards the target and response headers towards the client. Fields that the
 * load balancer has no opinion about are copied in whole runs of lines, byte for byte.
 * Source: Application Load Balancers User Guide, "HTTP headers and Application Load Balancers",
 * "Request tracing for your Application Load Balancer"; RFC 9110 section 7.6.1. */
#include "dataplane/http_rewrite.h"

#include "base/macros.h"
#include "dataplane/mutual.h"

/* --- copying lines ------------------------------------------------------------------------ */

/* A run of lines that lie behind one another and go on as they are. */
struct run {
    struct text *to;
    struct str bytes;
};

static void run_end(struct run *r)
{
    text_add(r->to, r->bytes);
    r->bytes = (struct str){0};
}

static void run_add(struct run *r, const struct http_field *f)
{
    if (f->odd) {
        run_end(r);
        text_add(r->to, f->name);
        text_add(r->to, S(": "));
        text_add(r->to, f->value);
        text_add(r->to, S("\r\n"));
        return;
    }
    if (r->bytes.n > 0 && r->bytes.at + r->bytes.n == f->line.at) {
        r->bytes.n += f->line.n;
        return;
    }
    run_end(r);
    r->bytes = f->line;
}

static void add_field(struct text *t, struct str name, struct str value)
{
    text_add(t, name);
    text_add(t, S(": "));
    text_add(t, value);
    text_add(t, S("\r\n"));
}

static const struct http_field *first_field(const struct http_fields *fields, enum http_field_id id)
{
    for (size_t i = 0; i < fields->n; i++)
        if (fields->at[i].id == id)
            return &fields->at[i];
    return NULL;
}

/* Names that a Connection header lists are for this hop alone. */
static bool listed_by_connection(const struct http_fields *fields, const struct http_field *f)
{
    for (size_t i = 0; i < fields->n; i++)
        if (fields->at[i].id == FIELD_CONNECTION && http_list_has(fields->at[i].value, f->name))
            return true;
    return false;
}

/* Connection lists something else than its usual words. Rare; then each field is looked up. */
static bool connection_lists_names(const struct http_fields *fields)
{
    for (size_t i = 0; i < fields->n; i++) {
        struct str rest = fields->at[i].value, word;

        if (fields->at[i].id != FIELD_CONNECTION)
            continue;
        while (str_next(&rest, ',', &word)) {
            word = str_trim(word);
            if (!str_ieq(word, S("keep-alive")) && !str_ieq(word, S("close")) &&
                !str_ieq(word, S("upgrade")) && !str_ieq(word, S("te")))
                return true;
        }
    }
    return false;
}

/* --- requests ----------------------------------------------------------------------------- */

static void add_client(struct text *t, const struct forward_facts *f)
{
    text_address(t, f->client->address);
    if (!f->attributes->xff_client_port)
        return;
    text_add(t, S(":"));
    text_number(t, f->client->port);
}

static void add_forwarded_for(struct text *t, const struct request_head *h,
                              const struct forward_facts *f)
{
    bool any = false;

    if (f->attributes->xff_mode == DP_XFF_REMOVE)
        return;
    if (f->attributes->xff_mode == DP_XFF_PRESERVE &&
        first_field(&h->fields, FIELD_X_FORWARDED_FOR) == NULL)
        return;
    text_add(t, S("X-Forwarded-For: "));
    for (size_t i = 0; i < h->fields.n; i++) {
        if (h->fields.at[i].id != FIELD_X_FORWARDED_FOR || h->fields.at[i].value.n == 0)
            continue;
        if (any)
            text_add(t, S(", "));
        text_add(t, h->fields.at[i].value);
        any = true;
    }
    if (f->attributes->xff_mode == DP_XFF_APPEND) {
        if (any)
            text_add(t, S(", "));
        add_client(t, f);
    }
    text_add(t, S("\r\n"));
}

static void add_host(struct text *t, const struct request_head *h, const struct forward_facts *f)
{
    uint16_t port = f->client->listener_port;
    bool usual = port == 80 || port == 443;
    struct str host = h->host, name;

    if (f->attributes->preserve_host && f->host.n > 0) {
        add_field(t, S("Host"), f->host);
        return;
    }
    if (f->attributes->preserve_host) {
        for (size_t i = 0; i < h->fields.n; i++)
            if (h->fields.at[i].id == FIELD_HOST)
                add_field(t, S("Host"), h->fields.at[i].value);
        if (host.n > 0)
            return;
    } else if (h->authority.n > 0) {
        host = h->authority;
    }
    if (f->host.n > 0)
        host = f->host;
    if (host.n == 0)
        host = f->dns_name;
    name = http_host_name(host);
    text_add(t, S("Host: "));
    text_add(t, usual ? name : host);
    if (!usual && name.n == host.n) {
        text_add(t, S(":"));
        text_number(t, f->client->listener_port);
    }
    text_add(t, S("\r\n"));
}

static void add_trace_root(struct text *t, const struct forward_facts *f)
{
    text_add(t, S("=1-"));
    text_hex(t, (uint64_t)(f->now_ms / 1000) & 0xffffffff, 8);
    text_add(t, S("-"));
    text_hex(t, f->random[0] >> 16, 12);
    text_hex(t, f->random[1] >> 16, 12);
}

/* A value with a Root gets our Self in front, in the place of another one's; a value without gets
 * a Root in front. */
static struct str add_trace_id(struct text *t, const struct request_head *h,
                               const struct forward_facts *f)
{
    const struct http_field *old = first_field(&h->fields, FIELD_X_AMZN_TRACE_ID);
    struct str rest = old == NULL ? (struct str){0} : old->value, part;
    bool has_root = false;
    size_t from, end;

    while (str_next(&rest, ';', &part))
        has_root |= str_starts(str_trim(part), S("Root="));
    text_add(t, S("X-Amzn-Trace-Id: "));
    from = t->n;
    text_add(t, has_root ? S("Self") : S("Root"));
    add_trace_root(t, f);
    rest = old == NULL ? (struct str){0} : old->value;
    while (str_next(&rest, ';', &part)) {
        part = str_trim(part);
        if (part.n == 0 || (has_root && str_starts(part, S("Self="))))
            continue;
        text_add(t, S(";"));
        text_add(t, part);
    }
    end = t->n;
    text_add(t, S("\r\n"));
    return str_n(t->at + from, end - from);
}

/* Whether the client's own copy of a field stays out, because it is for one hop or rewritten. */
static bool is_rewritten(const struct http_field *f)
{
    switch ((enum http_field_id)f->id) {
    case FIELD_OTHER:
    case FIELD_COOKIE:
    case FIELD_SET_COOKIE:
    case FIELD_CONTENT_TYPE:
    case FIELD_DATE:
    case FIELD_SERVER:
        return false;
    default:
        return true;
    }
}

/* Headers that tell of the client's TLS go by the listener's names. */
static bool tells(const struct forward_facts *f, enum dp_tls_header id)
{
    if (id <= DP_TLS_CIPHER)
        return f->attributes->tls_headers;
    return f->client->mutual == (id == DP_MTLS_CHAIN ? DP_MUTUAL_PASSTHROUGH : DP_MUTUAL_VERIFY);
}

static struct str told(const struct forward_facts *f, enum dp_tls_header id)
{
    if (id == DP_TLS_VERSION)
        return str_c(f->client->tls_version);
    if (id == DP_TLS_CIPHER)
        return str_c(f->client->tls_cipher);
    return f->client->told == NULL ? (struct str){0} : f->client->told[id];
}

static void add_tls(struct text *t, const struct forward_facts *f)
{
    for (enum dp_tls_header id = 0; f->client->tls && id < DP_TLS_HEADERS; id++)
        if (tells(f, id) && told(f, id).n > 0)
            add_field(t, f->listener->tls_names[id], told(f, id));
}

/* A client must not say itself what a target would believe us. */
static bool is_forged(const struct http_field *field, const struct forward_facts *f)
{
    bool mutual = f->client->mutual != DP_MUTUAL_OFF;

    for (enum dp_tls_header id = 0; f->client->tls && id < DP_TLS_HEADERS; id++)
        if ((tells(f, id) || (mutual && id > DP_TLS_CIPHER)) &&
            str_ieq(field->name, f->listener->tls_names[id]))
            return true;
    return false;
}

static void add_target_line(struct text *t, const struct request_head *h)
{
    text_add(t, h->method);
    text_add(t, S(" "));
    if (h->authority.n == 0) {
        text_add(t, h->target);
    } else {
        text_add(t, h->path);
        if (h->has_query) {
            text_add(t, S("?"));
            text_add(t, h->query);
        }
    }
    text_add(t, S(" HTTP/1.1\r\n"));
}

void request_head_rewrite(struct text *t, const struct request_head *h,
                          const struct forward_facts *f, struct str *ret_trace)
{
    bool named = connection_lists_names(&h->fields);
    struct run run = {.to = t};

    add_target_line(t, h);
    add_forwarded_for(t, h, f);
    text_add(t, f->client->tls ? S("X-Forwarded-Proto: https\r\nX-Forwarded-Port: ")
                               : S("X-Forwarded-Proto: http\r\nX-Forwarded-Port: "));
    text_number(t, f->client->listener_port);
    text_add(t, S("\r\n"));
    add_host(t, h, f);
    *ret_trace = add_trace_id(t, h, f);
    if (h->body == HTTP_BODY_CHUNKED) {
        text_add(t, S("Transfer-Encoding: chunked\r\n"));
    } else if (h->body == HTTP_BODY_LENGTH ||
               first_field(&h->fields, FIELD_CONTENT_LENGTH) != NULL) {
        text_add(t, S("Content-Length: "));
        text_number(t, h->length);
        text_add(t, S("\r\n"));
    }
    add_tls(t, f);
    if (h->wants_websocket)
        text_add(t, S("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    for (size_t i = 0; i < h->fields.n; i++) {
        const struct http_field *field = &h->fields.at[i];

        if (is_rewritten(field) || (field->invalid && f->attributes->drop_invalid_headers) ||
            (named && listed_by_connection(&h->fields, field)) || is_forged(field, f))
            continue;
        run_add(&run, field);
    }
    run_end(&run);
    text_add(t, S("\r\n"));
}

/* --- responses ---------------------------------------------------------------------------- */

static void add_status_line(struct text *t, unsigned status, struct str reason)
{
    text_add(t, S("HTTP/1.1 "));
    text_number(t, status);
    if (reason.n > 0) {
        text_add(t, S(" "));
        text_add(t, reason);
    }
    text_add(t, S("\r\n"));
}

static void add_connection(struct text *t, bool keep_alive)
{
    text_add(t, keep_alive ? S("Connection: keep-alive\r\n") : S("Connection: close\r\n"));
}

/* The order is the one that real load balancers show. */
static void add_leading_fields(struct text *t, const struct response_head *h,
                               const struct reply_framing *f)
{
    const struct http_field *date = first_field(&h->fields, FIELD_DATE);
    const struct http_field *type = first_field(&h->fields, FIELD_CONTENT_TYPE);

    add_field(t, S("Date"), date == NULL ? f->date : date->value);
    if (type != NULL)
        add_field(t, S("Content-Type"), type->value);
    if (f->chunked) {
        text_add(t, S("Transfer-Encoding: chunked\r\n"));
    } else if (f->length_known) {
        text_add(t, S("Content-Length: "));
        text_number(t, f->length);
        text_add(t, S("\r\n"));
    }
    if (f->upgrade)
        text_add(t, S("Connection: upgrade\r\nUpgrade: websocket\r\n"));
    else
        add_connection(t, f->keep_alive);
    text_add(t, f->cookies);
}

/* What the listener sets itself is not the target's to say. */
static bool is_overruled(const struct http_field *field, const struct dp_listener *l)
{
    if (l == NULL)
        return false;
    for (size_t i = 0; i < l->response_header_count; i++)
        if (str_ieq(field->name, l->response_headers[i].name))
            return true;
    return l->hides_server && field->id == FIELD_SERVER;
}

static void add_response_headers(struct text *t, const struct dp_listener *l)
{
    for (size_t i = 0; l != NULL && i < l->response_header_count; i++)
        add_field(t, l->response_headers[i].name, l->response_headers[i].value);
}

/* Fields of this hop stay, and those that were written already. */
static bool passes_back(const struct http_field *field)
{
    switch ((enum http_field_id)field->id) {
    case FIELD_CONNECTION:
    case FIELD_CONTENT_LENGTH:
    case FIELD_CONTENT_TYPE:
    case FIELD_DATE:
    case FIELD_KEEP_ALIVE:
    case FIELD_PROXY_CONNECTION:
    case FIELD_TE:
    case FIELD_TRAILER:
    case FIELD_TRANSFER_ENCODING:
    case FIELD_UPGRADE:
        return false;
    default:
        return true;
    }
}

void response_head_rewrite(struct text *t, const struct response_head *h,
                           const struct reply_framing *f)
{
    bool named = connection_lists_names(&h->fields);
    struct run run = {.to = t};

    add_status_line(t, h->status, h->reason);
    add_leading_fields(t, h, f);
    for (size_t i = 0; i < h->fields.n; i++) {
        const struct http_field *field = &h->fields.at[i];

        if (!passes_back(field) || is_overruled(field, f->listener) ||
            (named && listed_by_connection(&h->fields, field)))
            continue;
        run_add(&run, field);
    }
    run_end(&run);
    add_response_headers(t, f->listener);
    text_add(t, S("\r\n"));
}

void own_answer_head(struct text *t, const struct own_answer *a, struct str date, bool keep_alive,
                     const struct dp_listener *listener)
{
    add_status_line(t, a->status, a->reason.n > 0 ? a->reason : http_reason(a->status));
    if (listener == NULL || !listener->hides_server)
        text_add(t, S("Server: awselb/2.0\r\n"));
    add_field(t, S("Date"), date);
    if (a->content_type.n > 0)
        add_field(t, S("Content-Type"), a->content_type);
    text_add(t, S("Content-Length: "));
    text_number(t, a->body.n);
    text_add(t, S("\r\n"));
    add_connection(t, keep_alive);
    if (a->location.n > 0)
        add_field(t, S("Location"), a->location);
    add_response_headers(t, listener);
    text_add(t, S("\r\n"));
}
