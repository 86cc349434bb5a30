/* The life of a request behind its head: rule, action, target group, target, and the response on
 * its way back. The order of the steps is the load balancer's. The front owns the exchange; while
 * `active` it holds a reference to its configuration and its endpoint, and end() gives both back
 * in one place. Ways to end: answered by us, response complete, target failed, client gone.
 * Source: Application Load Balancers User Guide, "Listener rules", "Target groups",
 * "Troubleshoot your Application Load Balancers". */
#include "dataplane/exchange.h"

#include "dataplane/choose.h"
#include "dataplane/rule.h"
#include "dataplane/transform.h"
#include "dataplane/upstream_http2.h"

enum { COOKIES_ROOM = 2048 };

static void end(struct exchange *x)
{
    if (!x->active)
        return;
    record_end(x);
    x->active = false;
    if (x->endpoint != NULL) {
        x->endpoint->in_flight--;
        endpoint_unref(x->endpoint);
    }
    x->endpoint = NULL;
    live_unref(x->live);
    x->live = NULL;
    x->choice = (struct choice){0};
}

/* Parts the exchange from its target. */
static void drop_upstream(struct exchange *x, bool reuse)
{
    struct upstream *u = x->upstream;

    if (u == NULL)
        return;
    if (x->worker->to_target.to == &u->sock)
        x->worker->to_target.n = 0; /* what has not left by now never will */
    x->upstream = NULL;
    upstream_release(u, reuse);
}

void exchange_answer(struct exchange *x, const struct own_answer *a)
{
    drop_upstream(x, false);
    x->status = a->status;
    x->response_started = x->response_done = true;
    x->ops->send_answer(x, a);
    x->ops->flush(x);
    end(x);
    x->ops->finished(x);
}

void exchange_refuse(struct exchange *x, unsigned status)
{
    struct own_answer page;

    if (page_find(status, &page) || page_find(500, &page))
        exchange_answer(x, &page);
}

static void give_up(struct exchange *x)
{
    drop_upstream(x, false);
    end(x);
    x->ops->abort(x);
}

/* --- actions ------------------------------------------------------------------------------- */

static void fixed_response(struct exchange *x, const struct dp_action *a)
{
    char type_room[128];
    struct text type = {.at = type_room, .room = sizeof type_room};

    text_add(&type, a->content_type);
    text_add(&type, S("; charset=utf-8"));
    exchange_answer(x, &(struct own_answer){.status = a->status,
                                            .content_type = str_n(type.at, type.n),
                                            .body = a->body});
}

static void redirect(struct exchange *x, const struct dp_action *a, const struct request_head *h)
{
    struct worker *w = x->worker;
    struct text *room = &w->to_target.text; /* nothing goes to a target now */
    struct own_answer page;

    room->n = 0;
    room->full = false;
    if (!redirect_location(room, a, h, x->client->tls, x->client->listener_port,
                           x->live->config->dns_name) ||
        !page_find(a->status, &page)) {
        exchange_refuse(x, 500);
        return;
    }
    page.location = str_n(room->at, room->n);
    record_redirect(x, page.location);
    exchange_answer(x, &page);
}

static void write_request(struct exchange *x, const struct request_head *h, struct str host)
{
    struct worker *w = x->worker;
    struct forward_facts facts = {
        .attributes = &x->live->config->attributes,
        .dns_name = x->live->config->dns_name,
        .client = x->client,
        .listener = x->listener,
        .host = host,
        .now_ms = clock_now(w->clock),
        .random = {ids_next(&w->ids), ids_next(&w->ids)},
    };
    struct str trace;

    gather_begin(&w->to_target, &x->upstream->sock);
    request_head_rewrite(&w->to_target.text, h, &facts, &trace);
    record_sent(x, trace);
    if (x->upstream->http2 == NULL)
        gather_text(&w->to_target, 0);
    else if (!w->to_target.text.full)
        upstream2_request(x->upstream, str_n(w->to_target.text.at, w->to_target.text.n),
                          h->body != HTTP_BODY_NONE, x->choice.group->version == DP_GRPC);
}

/* Under the transforms of its rule; 0 or the status of the load balancer's answer. */
static unsigned send_request(struct exchange *x, const struct request_head *h)
{
    struct transformed t;

    if (x->rule->host_rewrite == NULL && x->rule->url_rewrite == NULL) {
        write_request(x, h, (struct str){0});
    } else {
        if (!transform_apply(x->rule, h, &x->worker->regex, &t))
            return 500;
        write_request(x, &t.head, t.host);
    }
    return x->worker->to_target.text.full ? 400 : 0;
}

static void forward(struct exchange *x, const struct dp_action *a, const struct request_head *h)
{
    unsigned refused = choose(x, a, h, &x->choice);
    const struct dp_target *target = x->choice.target;

    if (x->choice.bad_cookie && a->sticky_ms > 0)
        x->record.error_reason = "AWSALBTGCookieInvalid";

    if (refused != 0) {
        exchange_refuse(x, refused);
        return;
    }
    x->endpoint = endpoint_ref(x->live->endpoints[target->slot]);
    x->endpoint->in_flight++;
    x->upstream = upstream_open(x, x->endpoint, target->reachable,
                                x->live->config->attributes.idle_timeout_ms);
    if (x->upstream == NULL) {
        exchange_refuse(x, 502);
        return;
    }
    refused = send_request(x, h);
    if (refused != 0)
        exchange_refuse(x, refused);
}

/* --- the request --------------------------------------------------------------------------- */

/* What desync mitigation makes of the request; 0: it goes on. */
static unsigned judge_class(struct exchange *x, const struct request_head *h)
{
    enum desync_class refused = DESYNC_SEVERE;

    switch (x->live->config->attributes.desync_mode) {
    case DP_DESYNC_MONITOR:
        return 0;
    case DP_DESYNC_STRICTEST:
        refused = DESYNC_ACCEPTABLE;
        break;
    case DP_DESYNC_DEFENSIVE:
        x->close_after |= h->class == DESYNC_AMBIGUOUS;
        break;
    }
    return h->class >= refused ? 400 : 0;
}

void exchange_begin(struct exchange *x, struct live *live, const struct dp_listener *listener,
                    const struct request_head *h)
{
    struct rule_request request = {
        .method = h->method,
        .host = http_host_name(h->host),
        .path = h->path,
        .query = h->query,
        .source = x->client->address,
        .fields = h->fields.at,
        .field_count = h->fields.n,
        .scratch = &x->worker->regex,
    };
    unsigned refused;

    x->active = true;
    x->live = live_ref(live);
    x->listener = listener;
    record_begin(x, h);
    x->to_head = str_eq(h->method, S("HEAD"));
    x->chunked = h->body == HTTP_BODY_CHUNKED;
    x->request_done = h->body == HTTP_BODY_NONE;
    x->wants_upgrade = h->wants_websocket && x->ops->tunnel != NULL;
    refused = judge_class(x, h);
    if (refused != 0) {
        exchange_refuse(x, refused);
        return;
    }
    /* A web ACL would be asked here. */
    x->rule = rule_find(listener, &request);
    if (x->rule == NULL) {
        exchange_refuse(x, 500);
        return;
    }
    /* Authentication actions come before this one, transforms of the rule behind it. */
    switch (x->rule->action.kind) {
    case DP_FORWARD:
        forward(x, &x->rule->action, h);
        break;
    case DP_FIXED_RESPONSE:
        fixed_response(x, &x->rule->action);
        break;
    case DP_REDIRECT:
        redirect(x, &x->rule->action, h);
        break;
    }
}

void exchange_body(struct exchange *x, struct str content)
{
    struct gather *g = &x->worker->to_target;
    char room[20];
    struct text size = {.at = room, .room = sizeof room};

    x->record.received += content.n;
    if (x->upstream == NULL)
        return; /* answered already: the rest is read and dropped */
    if (x->upstream->http2 != NULL) {
        upstream2_body(x->upstream, content);
        return;
    }
    if (g->n == 0)
        gather_begin(g, &x->upstream->sock);
    if (!x->chunked) {
        gather_add(g, content);
        return;
    }
    text_hex(&size, content.n, 1);
    text_add(&size, S("\r\n"));
    gather_copy(g, str_n(size.at, size.n));
    gather_add(g, content);
    gather_copy(g, S("\r\n"));
}

void exchange_body_end(struct exchange *x)
{
    x->request_done = true;
    if (x->upstream != NULL && x->upstream->http2 != NULL)
        upstream2_body_end(x->upstream);
    if (x->upstream == NULL || !x->chunked || x->upstream->http2 != NULL)
        return;
    if (x->worker->to_target.n == 0)
        gather_begin(&x->worker->to_target, &x->upstream->sock);
    gather_copy(&x->worker->to_target, S("0\r\n\r\n"));
}

void exchange_flush_request(struct exchange *x)
{
    int r;

    if (x->upstream == NULL || (x->upstream->http2 == NULL && x->worker->to_target.n == 0))
        return;
    r = x->upstream->http2 != NULL ? upstream2_flush(x->upstream)
                                   : gather_flush(&x->worker->to_target);
    /* EPIPE: it may have answered before it closed, and that is still to be read. */
    if (r < 0 && !(r == UV_EPIPE && x->upstream->sock.reading))
        exchange_upstream_failed(x, r);
}

bool exchange_is_full(const struct exchange *x)
{
    return x->upstream != NULL && (sock_is_full(&x->upstream->sock) ||
                                   (x->upstream->http2 != NULL && upstream2_is_full(x->upstream)));
}

void exchange_tunnel_end(struct exchange *x)
{
    x->request_done = true;
    if (x->upstream != NULL)
        sock_end(&x->upstream->sock);
}

void exchange_abandon(struct exchange *x)
{
    if (!x->active)
        return;
    x->status = 460;
    drop_upstream(x, false);
    end(x);
}

void exchange_time_out(struct exchange *x)
{
    if (!x->response_started)
        exchange_refuse(x, x->request_done ? 504 : 408);
    else
        give_up(x);
}

/* --- the response -------------------------------------------------------------------------- */

/* Which page tells the client what went wrong. */
static unsigned status_of_failure(int error)
{
    return error == UV_ETIMEDOUT ? 504 : 502;
}

void exchange_upstream_failed(struct exchange *x, int error)
{
    if (x->response_started)
        give_up(x);
    else
        exchange_refuse(x, status_of_failure(error));
}

void exchange_upstream_head(struct exchange *x, const struct response_head *h)
{
    char room[COOKIES_ROOM];
    struct text cookies = {.at = room, .room = sizeof room};

    x->response_started = true;
    x->status = x->record.target_status = h->status;
    x->record.headed = (int64_t)uv_now(&x->worker->loop);
    choose_write_cookies(x, h, &cookies);
    x->cookies = str_n(room, cookies.n);
    x->ops->send_head(x, h);
    x->cookies = (struct str){0};
    if (h->status != 101)
        return;
    x->tunnel = true;
    x->chunked = x->request_done = false;
    x->ops->tunnel(x);
}

void exchange_upstream_content(struct exchange *x, struct str content)
{
    x->record.answered += content.n;
    x->ops->send_content(x, content);
}

void exchange_upstream_trailers(struct exchange *x, struct str lines)
{
    if (x->ops->send_trailers != NULL)
        x->ops->send_trailers(x, lines);
}

void exchange_upstream_end(struct exchange *x)
{
    x->response_done = true;
    x->ops->send_end(x);
    x->ops->flush(x);
    if (!x->active)
        return; /* the client turned out to be gone */
    drop_upstream(x, x->request_done && !x->close_after && !x->tunnel);
    end(x);
    x->ops->finished(x);
}

void exchange_upstream_drained(struct exchange *x)
{
    if (!x->request_done)
        x->ops->want_body(x);
}

void exchange_client_drained(struct exchange *x)
{
    if (x->upstream != NULL)
        upstream_resume(x->upstream);
}
