/* Log lines. A request's texts are kept in one block from its head on, and only where the load
 * balancer logs; everything else is a number until the line is written.
 * Ownership: the exchange owns its record's blocks until record_end(); a batch belongs to the
 * worker until record_flush() gives it to the plane. */
#include "dataplane/record.h"

#include <stdlib.h>

#include "base/macros.h"
#include "base/memory.h"
#include "dataplane/dp_tls.h"
#include "dataplane/front.h"
#include "dataplane/plane.h"

enum {
    AGENT_MAX = 8 * 1024,
    BATCH_MAX = 1 << 20,
    BATCH_FULL = 64 * 1024,
    FLUSH_MS = 200,
    TRACE_MAX = 512,
};

/* --- batches ---------------------------------------------------------------------------------- */

void log_batch_free(struct log_batch *b)
{
    dp_balancer_unref(b->config);
    buf_free(&b->lines);
    free(b);
}

void record_flush(struct worker *w)
{
    (void)uv_timer_stop(&w->log_timer);
    LIST_EACH(struct log_batch, b, &w->logs, link) {
        list_remove(&b->link);
        plane_log(w->plane, b);
    }
}

static void on_flush(uv_timer_t *t)
{
    record_flush(t->data);
}

static struct log_batch *need_batch(struct worker *w, struct dp_balancer *config,
                                    enum dp_log_kind kind)
{
    struct log_batch *b;

    LIST_EACH(struct log_batch, old, &w->logs, link) {
        if (old->config == config && old->kind == kind)
            return old;
    }
    b = xcalloc(sizeof *b);
    b->config = dp_balancer_ref(config);
    b->kind = kind;
    b->lines = buf_init(BATCH_MAX);
    if (list_empty(&w->logs))
        (void)uv_timer_start(&w->log_timer, on_flush, FLUSH_MS, 0);
    list_append(&w->logs, &b->link);
    return b;
}

/* --- pieces of a line ------------------------------------------------------------------------- */

static void add_time(struct buf *b, int64_t ms)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct str text = clock_rfc3339_ms(&a, ms); /* "….123Z" */

    buf_printf(b, "%.*s000Z", STR_ARG(str_first(text, text.n - 1)));
}

/* Seconds; -1 where one of the ends is missing. */
static void add_span(struct buf *b, int64_t from, int64_t to)
{
    if (from == 0 || to == 0)
        buf_add(b, S(" -1"));
    else
        buf_printf(b, " %lld.%03lld", (long long)((to - from) / 1000),
                   (long long)((to - from) % 1000));
}

static void add_address(struct buf *b, uint32_t address, uint16_t port)
{
    buf_printf(b, "%u.%u.%u.%u:%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
               address & 255, port);
}

/* In quotes; what would end them or the line is written as \xNN. */
static void add_quoted(struct buf *b, struct str s)
{
    buf_char(b, ' ');
    buf_char(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.at[i];

        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
            buf_printf(b, "\\x%02x", c);
        else
            buf_char(b, (char)c);
    }
    if (s.n == 0)
        buf_char(b, '-');
    buf_char(b, '"');
}

/* app/NAME/ID of a load balancer's ARN. */
static struct str short_name(struct str arn)
{
    static const struct str mark = STR_INIT(":loadbalancer/");
    size_t at = str_find(arn, mark);

    return at == STR_NONE ? arn : str_from(arn, at + mark.n);
}

/* --- requests --------------------------------------------------------------------------------- */

static struct str take(char **at, struct str s)
{
    char *to = *at;

    if (s.n > 0)
        memcpy(to, s.at, s.n);
    *at += s.n;
    return str_n(to, s.n);
}

/* "GET https://host:443/path?query HTTP/1.1": scheme and port are always there. */
static struct str request_text(char **at, const struct exchange *x, const struct request_head *h)
{
    char number[8];
    struct text port = {.at = number, .room = sizeof number};
    struct str host = h->authority.n > 0 ? h->authority : h->host, target = h->target;
    char *from = *at;

    text_number(&port, x->client->listener_port);
    if (host.n == 0)
        host = x->live->config->dns_name;
    if (h->authority.n > 0) /* its path and what is behind it */
        target = str_n(h->path.at, h->path.n + (h->has_query ? 1 + h->query.n : 0));
    (void)take(at, h->method);
    (void)take(at, x->client->tls ? S(" https://") : S(" http://"));
    (void)take(at, http_host_name(host));
    (void)take(at, S(":"));
    (void)take(at, str_n(number, port.n));
    (void)take(at, target);
    (void)take(at, x->http2 ? S(" HTTP/2.0") : x->http10 ? S(" HTTP/1.0") : S(" HTTP/1.1"));
    return str_n(from, (size_t)(*at - from));
}

static struct str agent_of(const struct request_head *h)
{
    for (size_t i = 0; i < h->fields.n; i++)
        if (str_ieq(h->fields.at[i].name, S("user-agent")))
            return str_first(h->fields.at[i].value, AGENT_MAX);
    return (struct str){0};
}

void record_begin(struct exchange *x, const struct request_head *h)
{
    struct record *r = &x->record;
    struct str agent;
    char *at;

    r->created_ms = clock_now(x->worker->clock);
    r->began = (int64_t)uv_now(&x->worker->loop);
    if (!x->live->config->attributes.access_log.enabled)
        return;
    agent = agent_of(h);
    r->block = at = xcalloc(h->method.n + h->target.n + h->host.n + agent.n +
                            x->live->config->dns_name.n + TRACE_MAX + 64);
    r->request = request_text(&at, x, h);
    r->agent = take(&at, agent);
    r->trace_room = at;
    r->class = h->class;
    r->class_reason = h->class_reason;
    r->websocket = h->wants_websocket;
}

void record_sent(struct exchange *x, struct str trace)
{
    struct record *r = &x->record;

    r->sent = (int64_t)uv_now(&x->worker->loop);
    if (r->block == NULL)
        return;
    trace = str_first(trace, TRACE_MAX);
    memcpy(r->trace_room, trace.at, trace.n);
    r->trace = str_n(r->trace_room, trace.n);
}

void record_redirect(struct exchange *x, struct str location)
{
    char *at;

    if (x->record.block == NULL)
        return;
    x->record.redirect_block = at = xcalloc(location.n + 1);
    x->record.redirect = take(&at, location);
}

static struct str kind_of(const struct exchange *x)
{
    if (x->record.websocket && x->tunnel)
        return x->client->tls ? S("wss") : S("ws");
    if (x->http2)
        return x->choice.group != NULL && x->choice.group->version == DP_GRPC ? S("grpcs")
                                                                              : S("h2");
    return x->client->tls ? S("https") : S("http");
}

static struct str actions_of(const struct exchange *x)
{
    static const struct str names[] = {
        [DP_FORWARD] = STR_INIT("forward"),
        [DP_FIXED_RESPONSE] = STR_INIT("fixed-response"),
        [DP_REDIRECT] = STR_INIT("redirect"),
    };

    return x->rule == NULL ? (struct str){0} : names[x->rule->action.kind];
}

static struct str class_of(enum desync_class class)
{
    static const struct str names[] = {
        [DESYNC_COMPLIANT] = {NULL, 0},
        [DESYNC_ACCEPTABLE] = STR_INIT("Acceptable"),
        [DESYNC_AMBIGUOUS] = STR_INIT("Ambiguous"),
        [DESYNC_SEVERE] = STR_INIT("Severe"),
    };

    return names[class];
}

/* "address:port" of the target; empty when none was chosen. */
static void target_text(const struct exchange *x, struct buf *b)
{
    if (x->choice.target != NULL)
        add_address(b, x->choice.target->address, x->choice.target->port);
}

static void add_codes(const struct exchange *x, struct buf *b)
{
    const struct record *r = &x->record;

    buf_printf(b, " %u", x->status);
    if (r->target_status > 0)
        buf_printf(b, " %u", r->target_status);
    else
        buf_add(b, S(" -"));
    buf_printf(b, " %llu %llu", (unsigned long long)r->received, (unsigned long long)r->answered);
}

static void add_tls(const struct exchange *x, struct buf *b)
{
    const struct client *c = x->client;

    buf_printf(b, " %s %s ", c->tls ? c->tls_cipher : "-", c->tls ? c->tls_version : "-");
}

static void write_line(const struct exchange *x, struct buf *b)
{
    const struct record *r = &x->record;
    const struct dp_balancer *config = x->live->config;
    int64_t now = (int64_t)uv_now(&x->worker->loop);
    struct buf target = buf_init(64), status = buf_init(8);

    target_text(x, &target);
    if (r->target_status > 0)
        buf_printf(&status, "%u", r->target_status);
    buf_printf(b, "%.*s ", STR_ARG(kind_of(x)));
    add_time(b, clock_now(x->worker->clock));
    buf_printf(b, " %.*s ", STR_ARG(short_name(config->arn)));
    add_address(b, x->client->address, x->client->port);
    buf_char(b, ' ');
    buf_add(b, target.n > 0 ? buf_str(&target) : S("-"));
    add_span(b, r->began, r->sent);
    add_span(b, r->sent, r->headed);
    add_span(b, r->headed, r->headed > 0 ? now : 0);
    add_codes(x, b);
    add_quoted(b, r->request);
    add_quoted(b, r->agent);
    add_tls(x, b);
    buf_add(b, x->choice.group != NULL ? x->choice.group->arn : S("-"));
    add_quoted(b, r->trace);
    add_quoted(b, x->client->tls ? x->client->server_name : (struct str){0});
    add_quoted(b, x->client->tls ? x->client->certificate : (struct str){0});
    if (x->rule != NULL)
        buf_printf(b, " %d ", x->rule->priority);
    else
        buf_add(b, S(" - "));
    add_time(b, r->created_ms);
    add_quoted(b, actions_of(x));
    add_quoted(b, r->redirect);
    add_quoted(b, str_c(r->error_reason));
    add_quoted(b, buf_str(&target));
    add_quoted(b, buf_str(&status));
    add_quoted(b, class_of(r->class));
    add_quoted(b, str_c(r->class_reason));
    buf_printf(b, " TID_%016llx%016llx \"-\" \"-\" \"-\"\n",
               (unsigned long long)x->client->trace[0], (unsigned long long)x->client->trace[1]);
    buf_free(&target);
    buf_free(&status);
}

void record_end(struct exchange *x)
{
    struct log_batch *b;

    if (x->record.block == NULL)
        return;
    b = need_batch(x->worker, x->live->config, DP_LOG_ACCESS);
    write_line(x, &b->lines);
    free(TAKE(x->record.block));
    free(TAKE(x->record.redirect_block));
    if (b->lines.n >= BATCH_FULL)
        record_flush(x->worker);
}

/* --- connections ------------------------------------------------------------------------------ */

void record_handshake(struct conn *c, bool done)
{
    struct dp_balancer *config =
        c->balancer == NULL || c->balancer->live == NULL ? NULL : c->balancer->live->config;
    struct log_batch *log;
    int64_t us;
    SSL *ssl;

    if (config == NULL || c->tls == NULL || !config->attributes.connection_log.enabled)
        return;
    ssl = secure_ssl(&c->sock);
    us = clock_steady_us() - secure_began_us(&c->sock);
    log = need_batch(c->worker, config, DP_LOG_CONNECTION);
    add_time(&log->lines, clock_now(c->worker->clock));
    buf_printf(&log->lines, " %u.%u.%u.%u %u %u", c->client.address >> 24,
               c->client.address >> 16 & 255, c->client.address >> 8 & 255, c->client.address & 255,
               c->client.port, c->client.listener_port);
    if (done)
        buf_printf(&log->lines, " %s %s %lld.%03lld", SSL_get_version(ssl),
                   SSL_get_cipher_name(ssl), (long long)(us / 1000000),
                   (long long)(us / 1000 % 1000));
    else
        buf_add(&log->lines, S(" - - -"));
    add_quoted(&log->lines,
               c->client.told == NULL ? (struct str){0} : c->client.told[DP_MTLS_SUBJECT]);
    for (int id = 0; id < 2; id++) {
        struct str s = c->client.told == NULL
                           ? (struct str){0}
                           : c->client.told[id == 0 ? DP_MTLS_VALIDITY : DP_MTLS_SERIAL];

        buf_printf(&log->lines, " %.*s", STR_ARG(s.n > 0 ? s : S("-")));
    }
    buf_printf(&log->lines, " %s TID_%016llx%016llx\n", mutual_status(ssl, c->tls->mutual),
               (unsigned long long)c->client.trace[0], (unsigned long long)c->client.trace[1]);
}
