/* Checking targets: a request every interval of the world's clock, on a connection of its own.
 * Ownership: a check lives in the map as long as its target is registered and not draining, and
 * holds a reference to the configuration that its settings are in; memory is freed in on_closed(),
 * when libuv has returned its timer and the probe that was running. A probe is a member of its
 * check, made anew for each request.
 * Source: Application Load Balancers User Guide, "Health checks for your target groups".
 * DIFFERS: while a target is initial it is looked at more often than every interval, and only
 * passes count in between. On AWS every node of the load balancer checks for itself, so that a
 * first pass comes sooner than the interval there too. */
#include "dataplane/health.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/memory.h"
#include "dataplane/health_state.h"
#include "dataplane/plane.h"
#include "dataplane/probe_http2.h"
#include "dataplane/secure.h"

enum { EAGER_MS = 250, REQUEST_ROOM = 2048 };

struct check;

struct probe {
    struct sock sock;
    uv_timer_t timer;
    uv_connect_t connect;
    struct check *check;
    struct buf in;
    struct probe2 *http2; /* for groups that speak it */
    size_t scanned;
    unsigned handles; /* still held by libuv; 0: no probe is running */
    bool closing;
};

struct check {
    struct health *health;
    char *key;
    struct dp_balancer *config; /* referenced */
    const struct dp_group *group;
    const struct dp_target *target;
    struct health_state state;
    struct probe probe;
    uv_timer_t timer;
    int64_t due_ms, counted_ms; /* the world's time: of the next check, of the last that counts */
    bool eager;                 /* the running check counts only if it passes */
    bool seen, gone;
    unsigned handles;
};

struct health {
    struct worker *worker;
    struct map checks;
};

static void arm(struct check *c);

/* --- the end of a check --------------------------------------------------------------------- */

static void free_check(struct check *c)
{
    if (!c->gone || c->handles > 0 || c->probe.handles > 0)
        return;
    dp_balancer_unref(c->config);
    free(c->key);
    free(c);
}

static void on_probe_closed(uv_handle_t *h)
{
    struct probe *p = h->data;

    if (--p->handles > 0)
        return;
    buf_free(&p->in);
    probe2_free(p->http2);
    if (p->check->gone)
        free_check(p->check);
    else
        arm(p->check);
}

static void close_probe(struct probe *p)
{
    if (p->handles == 0 || p->closing)
        return;
    p->closing = true;
    sock_close(&p->sock, on_probe_closed);
    uv_close((uv_handle_t *)&p->timer, on_probe_closed);
}

static void on_check_closed(uv_handle_t *h)
{
    struct check *c = h->data;

    c->handles--;
    free_check(c);
}

static void close_check(struct check *c)
{
    if (c->gone)
        return;
    c->gone = true;
    (void)map_remove(&c->health->checks, str_c(c->key));
    close_probe(&c->probe);
    uv_close((uv_handle_t *)&c->timer, on_check_closed);
}

/* --- results --------------------------------------------------------------------------------- */

static void report(struct check *c)
{
    char room[160];
    struct text description = {.at = room, .room = sizeof room};

    health_describe(&c->state, &description);
    plane_report(c->health->worker->plane, &(struct dp_health_report){
                                               .group_arn = c->group->arn,
                                               .target_id = c->target->id,
                                               .target_port = c->target->port,
                                               .state = c->state.state,
                                               .reason = health_reason(&c->state),
                                               .description = str_n(description.at, description.n),
                                           });
}

static void settle(struct probe *p, enum probe_outcome outcome, unsigned status)
{
    struct check *c = p->check;

    if (p->closing)
        return;
    if (outcome == PROBE_PASSED || !c->eager) {
        if (health_state_feed(&c->state, &c->group->health, outcome, status))
            report(c);
    }
    close_probe(p);
}

/* --- one probe ------------------------------------------------------------------------------- */

static void take_bytes(struct probe *p, struct str bytes)
{
    struct response_head head = {.fields = p->check->health->worker->response_fields};
    size_t n;

    buf_add(&p->in, bytes);
    n = http_head_end(buf_str(&p->in), &p->scanned);
    if (n == 0) {
        if (p->in.full)
            settle(p, PROBE_FAILED, 0);
        return;
    }
    if (!response_head_read(str_first(buf_str(&p->in), n), false, &head))
        settle(p, PROBE_FAILED, 0);
    else if (health_matches(&p->check->group->health, head.status))
        settle(p, PROBE_PASSED, head.status);
    else
        settle(p, PROBE_CODE, head.status);
}

static void take_http2(struct probe *p, struct str bytes)
{
    bool done = false;
    unsigned code = 0;

    if (!probe2_read(p->http2, bytes, &done, &code))
        settle(p, PROBE_FAILED, 0);
    else if (done)
        settle(p, health_matches(&p->check->group->health, code) ? PROBE_PASSED : PROBE_CODE, code);
}

static void on_read(struct sock *s, ssize_t n, const char *at)
{
    struct probe *p = container_of(s, struct probe, sock);

    if (n < 0)
        settle(p, PROBE_FAILED, 0);
    else if (!p->closing && p->http2 != NULL)
        take_http2(p, str_n(at, (size_t)n));
    else if (!p->closing)
        take_bytes(p, str_n(at, (size_t)n));
}

static void on_drained(struct sock *s)
{
    (void)s;
}

static void on_failed(struct sock *s, int error)
{
    (void)error;
    settle(container_of(s, struct probe, sock), PROBE_FAILED, 0);
}

static int send_request(struct probe *p)
{
    const struct dp_target *t = p->check->target;
    char room[REQUEST_ROOM];
    struct text request = {.at = room, .room = sizeof room};
    uv_buf_t bytes;

    if (p->check->group->version != DP_HTTP1) {
        text_address(&request, t->address);
        text_add(&request, S(":"));
        text_number(&request, t->health_port);
        p->http2 = probe2_new(&p->sock, p->check->group, str_n(request.at, request.n));
        return 0;
    }
    text_add(&request, S("GET "));
    text_add(&request, p->check->group->health.path);
    text_add(&request, S(" HTTP/1.1\r\nHost: "));
    text_address(&request, t->address);
    text_add(&request, S(":"));
    text_number(&request, t->health_port);
    text_add(&request, S("\r\nConnection: close\r\nUser-Agent: ELB-HealthChecker/2.0\r\n"
                         "Accept-Encoding: gzip, compressed\r\n\r\n"));
    bytes = uv_buf_init(request.at, (unsigned)request.n);
    return request.full ? UV_EINVAL : sock_write(&p->sock, &bytes, 1);
}

static void on_secured(struct sock *s)
{
    struct probe *p = container_of(s, struct probe, sock);

    if (send_request(p) < 0)
        settle(p, PROBE_FAILED, 0);
}

static void on_connected(uv_connect_t *req, int status)
{
    struct probe *p = container_of(req, struct probe, connect);

    if (p->closing)
        return;
    if (status == 0 && p->check->group->health.tcp) {
        settle(p, PROBE_PASSED, 0);
        return;
    }
    p->sock.connected = status == 0;
    if (status == 0 && !p->check->group->health.tls)
        status = send_request(p);
    if (status < 0) {
        settle(p, status == UV_ETIMEDOUT ? PROBE_TIMEOUT : PROBE_FAILED, 0);
        return;
    }
    sock_read_start(&p->sock);
    if (p->check->group->health.tls) {
        secure_connect(&p->sock, p->check->group->version == DP_HTTP1
                                     ? p->check->health->worker->to_targets
                                     : p->check->health->worker->to_targets_h2);
        secure_begin(&p->sock);
    }
}

static void on_timeout(uv_timer_t *t)
{
    settle(t->data, PROBE_TIMEOUT, 0);
}

static void start_probe(struct check *c)
{
    struct worker *w = c->health->worker;
    struct probe *p = &c->probe;
    int64_t limit = clock_real_delay(w->clock, c->group->health.timeout_ms);
    int r = 0;

    *p = (struct probe){.check = c, .handles = 2, .in = buf_init(HTTP_RESPONSE_FIELDS_MAX)};
    (void)uv_timer_init(&w->loop, &p->timer);
    (void)sock_init(&p->sock, &w->loop, &w->rooms);
    p->sock.on_read = on_read;
    p->sock.on_secured = on_secured;
    p->timer.data = p->sock.tcp.data = p;
    p->sock.on_drained = on_drained;
    p->sock.on_failed = on_failed;
    (void)uv_timer_start(&p->timer, on_timeout, (uint64_t)limit, 0);
    if (c->target->health_reachable)
        r = uv_tcp_connect(&p->connect, &p->sock.tcp,
                           (const struct sockaddr *)&c->target->health_at, on_connected);
    if (r < 0)
        settle(p, PROBE_FAILED, 0);
}

/* --- when ------------------------------------------------------------------------------------ */

static void on_due(uv_timer_t *t)
{
    struct check *c = t->data;
    int64_t now = clock_now(c->health->worker->clock);
    int64_t interval = c->group->health.interval_ms;

    if (c->probe.handles > 0)
        return; /* when it ends, we are armed again */
    if (now < c->due_ms) {
        arm(c);
        return;
    }
    c->eager = c->counted_ms != 0 && now < c->counted_ms + interval;
    if (!c->eager)
        c->counted_ms = now;
    c->due_ms = now + interval;
    start_probe(c);
}

static void arm(struct check *c)
{
    const struct clock *clock = c->health->worker->clock;
    int64_t now = clock_now(clock), due = c->due_ms, real;

    if (c->gone || c->probe.handles > 0)
        return;
    if (c->state.state == DP_TARGET_INITIAL && due > now + EAGER_MS)
        due = now + EAGER_MS;
    if (c->eager && c->state.state != DP_TARGET_INITIAL && c->counted_ms > 0)
        due = c->counted_ms + c->group->health.interval_ms;
    c->due_ms = due;
    real = due <= now ? 0 : clock_real_delay(clock, due - now);
    if (real == INT64_MAX)
        (void)uv_timer_stop(&c->timer);
    else
        (void)uv_timer_start(&c->timer, on_due, (uint64_t)real, 0);
}

void health_look(struct health *h)
{
    struct map_entry *e;
    size_t at = 0;

    while ((e = map_next(&h->checks, &at)) != NULL)
        arm(e->value);
}

/* --- which ----------------------------------------------------------------------------------- */

static void check_key(char *room, size_t n, const struct dp_group *g, const struct dp_target *t)
{
    (void)snprintf(room, n, "%.*s|%.*s|%u", STR_ARG(g->arn), STR_ARG(t->id), t->port);
}

static struct check *new_check(struct health *h, const char *key)
{
    struct check *c = xcalloc(sizeof *c);

    c->health = h;
    c->key = xstrdup(key);
    c->handles = 1;
    (void)uv_timer_init(&h->worker->loop, &c->timer);
    c->timer.data = c;
    (void)map_put(&h->checks, str_c(c->key), c);
    return c;
}

static void need_check(struct health *h, struct dp_balancer *config, const struct dp_group *g,
                       const struct dp_target *t)
{
    char key[512];
    struct check *c;
    bool fresh;

    check_key(key, sizeof key, g, t);
    c = map_get(&h->checks, str_c(key));
    if (c != NULL && c->target->health_at.sin_addr.s_addr != t->health_at.sin_addr.s_addr) {
        close_check(c); /* the same id somewhere else is another target */
        c = NULL;
    }
    fresh = c == NULL;
    if (fresh)
        c = new_check(h, key);
    dp_balancer_unref(c->config);
    c->config = dp_balancer_ref(config);
    c->group = g;
    c->target = t;
    c->seen = true;
    if (fresh)
        arm(c);
}

static bool is_checked(const struct dp_group *g, const struct dp_target *t)
{
    return g->health.enabled && t->state != DP_TARGET_DRAINING && t->state != DP_TARGET_UNUSED &&
           t->state != DP_TARGET_UNAVAILABLE;
}

void health_apply(struct health *h, struct str arn, struct dp_balancer *config)
{
    struct map_entry *e;
    size_t at = 0;

    for (size_t g = 0; config != NULL && g < config->group_count; g++)
        for (size_t t = 0; t < config->groups[g].target_count; t++)
            if (is_checked(&config->groups[g], &config->groups[g].targets[t]))
                need_check(h, config, &config->groups[g], &config->groups[g].targets[t]);
    while ((e = map_next(&h->checks, &at)) != NULL) {
        struct check *c = e->value;

        if (!c->seen && str_eq(c->config->arn, arn))
            close_check(c);
        else
            c->seen = false;
    }
}

/* --- life ------------------------------------------------------------------------------------ */

struct health *health_new(struct worker *w)
{
    struct health *h = xcalloc(sizeof *h);

    h->worker = w;
    return h;
}

void health_close(struct health *h)
{
    struct map_entry *e;
    size_t at = 0;

    while ((e = map_next(&h->checks, &at)) != NULL)
        close_check(e->value);
}

void health_free(struct health *h)
{
    if (h == NULL)
        return;
    map_free(&h->checks);
    free(h);
}
