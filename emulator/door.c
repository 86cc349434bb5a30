/* The AWS port. One HTTP server with first-byte detection; behind an accepted CONNECT the same
 * server starts over, so a request that came through the proxy is like any other.
 *
 * Ownership: the door owns its server, its contexts (one for each name asked for, the oldest
 * dropped when there are many) and the client that passes plain proxied requests on.
 * Source: RFC 9110 section 3.7 and 9.3.6 (proxies, CONNECT). */
#include "door.h"

#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "net/http_client.h"
#include "net/tls.h"

enum { MOST_CONTEXTS = 128 };

/* A TLS context for one server name. */
struct named_context {
    struct link link;
    SSL_CTX *tls;
    struct str name; /* its text lies behind the struct */
    char text[];
};

struct door {
    struct door_options o;
    struct http_server *server;
    struct http_client *client; /* made when the first plain proxied request comes */
    SSL_CTX *tls;
    struct tls_chooser chooser;
    struct map contexts;
    struct link by_age;
    void (*on_closed)(void *data);
    void *closed_data;
    int open_parts;
};

/* --- certificates ----------------------------------------------------------------------- */

static int new_context(struct door *d, const struct str *names, size_t n,
                       struct tls_chooser *chooser, SSL_CTX **ret_tls)
{
    struct ca_request request = {.common_name = names[0], .names = names, .name_count = n};
    struct certificate *certificate;
    struct tls_server_options options = {.chooser = chooser};
    int r = ca_issue(d->o.ca, d->o.clock, &request, &certificate);

    if (r < 0)
        return r;
    options.certificate = certificate;
    r = tls_server_new(&options, ret_tls);
    certificate_free(certificate);
    return r;
}

static void drop_context(struct door *d, struct named_context *c)
{
    list_remove(&c->link);
    (void)map_remove(&d->contexts, c->name);
    tls_free(c->tls);
    free(c);
}

static SSL_CTX *choose_context(void *data, struct str name)
{
    struct door *d = data;
    struct named_context *c = map_get(&d->contexts, name);

    if (name.n == 0)
        return d->tls;
    if (c != NULL)
        return c->tls;
    c = xcalloc(sizeof *c + name.n + 1);
    memcpy(c->text, name.at, name.n);
    c->name = str_n(c->text, name.n);
    if (new_context(d, &c->name, 1, NULL, &c->tls) < 0) {
        free(c);
        return NULL;
    }
    if (map_count(&d->contexts) >= MOST_CONTEXTS)
        drop_context(d, container_of(d->by_age.next, struct named_context, link));
    list_append(&d->by_age, &c->link);
    (void)map_put(&d->contexts, c->name, c);
    return c->tls;
}

/* --- the forward proxy ------------------------------------------------------------------ */

static bool is_or_is_under(struct str host, struct str domain)
{
    return str_eq(host, domain) ||
           (host.n > domain.n && str_ends(host, domain) && host.at[host.n - domain.n - 1] == '.');
}

static bool is_aws_name(struct str host)
{
    return is_or_is_under(host, S("amazonaws.com")) || is_or_is_under(host, S("api.aws")) ||
           is_or_is_under(host, S("amazonaws.com.cn"));
}

/* Where instances ask for their metadata. */
static bool is_link_local(struct str host)
{
    return str_is(host, "169.254.169.254") || str_is(host, "fd00:ec2::254");
}

/* "<name>-<id>.<region>.elb.amazonaws.com", and NLB's "….elb.<region>.amazonaws.com". */
static bool is_load_balancer_name(struct str host)
{
    struct str rest = host, label;
    int position = 0;

    while (str_next(&rest, '.', &label)) {
        if (position > 0 && str_is(label, "elb"))
            return rest.at != NULL;
        position++;
    }
    return false;
}

/* A plain request on its way through the proxy. */
struct passage {
    struct http_exchange *exchange;
};

/* Headers that belong to one hop only; RFC 9110 section 7.6.1. */
static bool is_hop_by_hop(struct str name)
{
    static const char *const names[] = {
        "connection",     "proxy-connection",    "keep-alive",     "te",
        "trailer",        "transfer-encoding",   "upgrade",        "host",
        "content-length", "proxy-authorization", "accept-encoding"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_ieq(name, str_c(names[i])))
            return true;
    return false;
}

static struct http_headers end_to_end(struct arena *a, struct http_headers headers, struct str host)
{
    struct http_header *kept = arena_array(a, headers.n + 1, sizeof *kept);
    size_t n = 0;

    for (size_t i = 0; i < headers.n; i++)
        if (!is_hop_by_hop(headers.at[i].name))
            kept[n++] = headers.at[i];
    if (host.n > 0)
        kept[n++] = (struct http_header){S("Host"), host};
    return (struct http_headers){kept, n};
}

static void on_passed(void *data, const struct http_result *result)
{
    struct passage *p = data;
    struct arena a = {0};

    if (result->error < 0 && result->status == 0)
        http_answer(p->exchange, 502, HTTP_HEADERS({S("Content-Type"), S("text/plain")}),
                    arena_printf(&a, "elbow: %.*s\n", STR_ARG(result->why)));
    else
        http_answer(p->exchange, result->status, end_to_end(&a, result->headers, (struct str){0}),
                    result->body);
    arena_free(&a);
    free(p);
}

static struct http_client *client_of(struct door *d)
{
    struct http_client_options options = {.loop = d->o.loop};

    if (d->client == NULL) {
        d->client = http_client_new(&options);
        d->open_parts++;
    }
    return d->client;
}

/* Sends a plain request on to @authority, and its answer back. */
static void pass_on(struct door *d, struct http_exchange *x, const struct http_request *r,
                    struct str authority)
{
    struct passage *p = xcalloc(sizeof *p);
    struct str query = r->query.n > 0 ? arena_printf(r->arena, "?%.*s", STR_ARG(r->query)) : S("");
    struct http_call_options call = {
        .method = r->method,
        .url = arena_printf(r->arena, "http://%.*s%.*s%.*s", STR_ARG(authority), STR_ARG(r->path),
                            STR_ARG(query)),
        .headers = end_to_end(r->arena, r->headers,
                              str_eq(authority, r->authority) ? (struct str){0} : r->authority),
        .body = r->body,
        .timeout_ms = 120000,
        .on_done = on_passed,
        .data = p,
    };

    p->exchange = x;
    (void)http_client_send(client_of(d), &call);
}

static struct str front_authority(struct arena *a, const struct sockaddr_in *front)
{
    char text[64] = "";

    (void)uv_ip4_name(front, text, sizeof text);
    return arena_printf(a, "%s:%u", text, (unsigned)ntohs(front->sin_port));
}

/* To a load balancer at its usual ports, whatever is spoken there. */
static void tunnel_to_front(struct http_exchange *x, struct arena *a,
                            const struct sockaddr_in *front)
{
    char text[64] = "";

    (void)uv_ip4_name(front, text, sizeof text);
    http_tunnel(x, arena_str(a, str_c(text)), ntohs(front->sin_port));
}

/* CONNECT: names of AWS end here, in TLS with a certificate of ours; the rest is let through. */
static void connect_to(struct door *d, struct http_exchange *x, const struct http_request *r)
{
    struct str host;
    uint16_t port;

    if (!http_cut_authority(r->target, 443, &host, &port))
        http_answer(x, 400, HTTP_HEADERS({S("Content-Type"), S("text/plain")}),
                    S("elbow: CONNECT needs host:port\n"));
    else if (is_load_balancer_name(host) && port == 443 && d->o.front_tls.sin_port != 0)
        tunnel_to_front(x, r->arena, &d->o.front_tls);
    else if (is_load_balancer_name(host) && port == 80 && d->o.front.sin_port != 0)
        tunnel_to_front(x, r->arena, &d->o.front);
    else if (is_aws_name(host))
        http_accept_connect(x);
    else
        http_tunnel(x, host, port);
}

static void on_request(void *data, struct http_exchange *x, const struct http_request *r)
{
    struct door *d = data;

    if (str_is(r->method, "CONNECT"))
        connect_to(d, x, r);
    else if (is_load_balancer_name(r->host) && d->o.front.sin_port != 0)
        pass_on(d, x, r, front_authority(r->arena, &d->o.front));
    else if (r->absolute && !is_aws_name(r->host) && !is_link_local(r->host))
        pass_on(d, x, r, r->authority);
    else if (str_starts(r->path, S("/_elbow/")) && !is_aws_name(r->host))
        d->o.console(d->o.data, x, r);
    else
        d->o.aws(d->o.data, x, r);
}

/* --- life ------------------------------------------------------------------------------- */

int door_open(const struct door_options *o, struct door **ret_door, uint16_t *ret_port)
{
    const struct str names[] = {S("localhost"), S("*.localhost"), S("127.0.0.1"), S("::1")};
    struct door *d = xcalloc(sizeof *d);
    struct http_server_options server = {
        .loop = o->loop,
        .security = STREAM_DETECT,
        .clock = o->clock,
        .body_limit = 16u << 20,
        .handle = on_request,
        .data = d,
    };
    int r;

    d->o = *o;
    list_init(&d->by_age);
    d->chooser = (struct tls_chooser){choose_context, d};
    r = new_context(d, names, ARRAY_LEN(names), &d->chooser, &d->tls);
    if (r < 0) {
        free(d);
        return r;
    }
    server.tls = d->tls;
    d->server = http_server_new(&server);
    d->open_parts = 1;
    r = http_server_listen(d->server, o->address, o->port, ret_port);
    if (r < 0) {
        door_close(d, NULL, NULL);
        return r;
    }
    *ret_door = d;
    return 0;
}

void door_set_front(struct door *d, struct sockaddr_in http, struct sockaddr_in https)
{
    d->o.front = http;
    d->o.front_tls = https;
}

static void on_part_closed(void *data)
{
    struct door *d = data;

    if (--d->open_parts > 0)
        return;
    LIST_EACH(struct named_context, c, &d->by_age, link)
        drop_context(d, c);
    map_free(&d->contexts);
    tls_free(d->tls);
    if (d->on_closed != NULL)
        d->on_closed(d->closed_data);
    free(d);
}

void door_close(struct door *d, void (*on_closed)(void *data), void *data)
{
    struct http_client *client = d->client;

    d->on_closed = on_closed;
    d->closed_data = data;
    if (client != NULL)
        http_client_close(client, on_part_closed, d);
    http_server_close(d->server, on_part_closed, d);
}
