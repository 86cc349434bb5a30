/* The player: one thread moves the client's and the target's sockets, the workers do the rest. */
#include "scenario.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"

enum { PATIENCE_MS = 2000, TEXT_MAX = 1 << 20 };

/* --- sockets ------------------------------------------------------------------------------ */

static void wait_for(int fd, short what)
{
    struct pollfd p = {.fd = fd, .events = what};

    if (poll(&p, 1, PATIENCE_MS) <= 0)
        fail_msg("nothing happened on a socket for %d ms", PATIENCE_MS);
}

int open_listener(uint16_t *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

int connect_to(const struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 4096, yes = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    (void)setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &yes, sizeof yes);
    assert_int_equal(connect(fd, (const struct sockaddr *)at, sizeof *at), 0);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

int accept_one(int listener)
{
    wait_for(listener, POLLIN);
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void send_all(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = send(fd, bytes.at, bytes.n, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN)
            wait_for(fd, POLLOUT);
        else if (n < 0)
            return;
        else
            bytes = str_from(bytes, (size_t)n);
    }
}

size_t read_n(int fd, char *room, size_t n)
{
    size_t have = 0;

    while (have < n) {
        ssize_t got;

        wait_for(fd, POLLIN);
        got = recv(fd, room + have, n - have, 0);
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    return have;
}

/* --- the world ---------------------------------------------------------------------------- */

static void heard_health(void *data, const struct dp_health_report *r)
{
    struct world *w = data;

    if (w->on_health != NULL)
        w->on_health(w, r);
}

static void heard_log(void *data, const struct dp_log *log)
{
    struct world *w = data;

    if (w->on_log != NULL)
        w->on_log(w, log);
}

void world_start(struct world *w, unsigned workers)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct dataplane_settings settings = {
        .workers = workers,
        .http = &any,
        .https = &any,
        .clock = &w->clock,
        .cookie_key = (const uint8_t[COOKIE_KEY_BYTES]){7},
        .ids = &w->ids,
        .on_health = heard_health,
        .on_log = heard_log,
        .data = w,
    };
    bool https_failed;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)uv_loop_init(&w->loop);
    clock_init(&w->clock);
    ids_init(&w->ids, 7);
    assert_int_equal(dataplane_start(&w->loop, &settings, &w->plane, &https_failed), 0);
    w->front = dataplane_http_address(w->plane);
    w->front_tls = dataplane_https_address(w->plane);
}

void world_end(struct world *w)
{
    dataplane_close(w->plane, NULL, NULL);
    (void)uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
}

void world_settle(struct world *w)
{
    for (int i = 0; i < PATIENCE_MS && !dataplane_is_settled(w->plane); i++)
        (void)poll(NULL, 0, 1);
}

void world_put(struct world *w, struct dp_balancer *b)
{
    if (b != NULL)
        dataplane_put_balancer(w->plane, b);
    else
        dataplane_remove_balancer(w->plane, S("lb"));
    world_settle(w);
}

struct dp_balancer *world_balancer(uint16_t port)
{
    struct dp_balancer *b = dp_balancer_new(S("lb"));
    struct dp_target *t = arena_alloc(&b->arena, sizeof *t);

    *t = (struct dp_target){
        .id = S("10.0.0.1"),
        .port = 8080,
        .address = 0x0a000001,
        .at = {.sin_family = AF_INET,
               .sin_port = htons(port),
               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
        .reachable = true,
        .health_reachable = true,
        .state = DP_TARGET_HEALTHY,
    };
    b->dns_name = S("lb.elb.localhost");
    b->names = arena_array(&b->arena, 1, sizeof *b->names);
    b->names[0] = S("lb.elb.localhost");
    b->name_count = 1;
    b->groups = arena_array(&b->arena, 2, sizeof *b->groups);
    b->group_count = 2;
    b->groups[0].arn = S("full");
    b->groups[0].targets = t;
    b->groups[0].target_count = 1;
    b->groups[1].arn = S("empty");
    b->listeners = arena_alloc(&b->arena, sizeof *b->listeners);
    b->listener_count = 1;
    b->listeners[0].port = 80;
    b->listeners[0].rules = arena_array(&b->arena, 8, sizeof(struct dp_rule));
    return b;
}

struct dp_rule *scenario_add_rule(struct dp_balancer *b, int32_t priority)
{
    struct dp_rule *r = &b->listeners[0].rules[b->listeners[0].rule_count++];

    r->priority = priority;
    return r;
}

void scenario_forward(struct dp_balancer *b, struct dp_rule *r, size_t group)
{
    r->action.kind = DP_FORWARD;
    r->action.group_count = 1;
    r->action.groups = arena_alloc(&b->arena, sizeof *r->action.groups);
    *r->action.groups = (struct dp_weighted){.group = &b->groups[group], .weight = 1};
}

void scenario_path(struct dp_balancer *b, struct dp_rule *r, const char *pattern)
{
    r->conditions = arena_alloc(&b->arena, sizeof *r->conditions);
    r->condition_count = 1;
    *r->conditions = (struct dp_condition){.field = DP_PATH, .count = 1};
    r->conditions->values = arena_alloc(&b->arena, sizeof(struct dp_pattern));
    r->conditions->values->text = str_c(pattern);
}

void rules_forward(struct dp_balancer *b)
{
    scenario_forward(b, scenario_add_rule(b, 0), 0);
}

/* --- texts -------------------------------------------------------------------------------- */

/* What differs from run to run gets its stand-in. */
static struct str mask(struct arena *a, struct str text)
{
    static const struct {
        struct str before, stand_in;
        size_t n; /* bytes that it replaces */
    } masks[] = {
        {STR_INIT("Date: "),  STR_INIT("@DATE"),  29},
        {STR_INIT("Root=1-"), STR_INIT("@TRACE"), 33},
        {STR_INIT("Self=1-"), STR_INIT("@TRACE"), 33},
    };
    struct buf out = buf_init(TEXT_MAX);
    struct str copy;

    while (text.n > 0) {
        size_t step = 1;

        for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
            struct str behind = str_from(text, masks[i].before.n);
            bool fits = i > 0 || (behind.n > 3 && behind.at[3] == ',');

            if (!str_starts(text, masks[i].before) || behind.n < masks[i].n || !fits)
                continue;
            buf_add(&out, masks[i].before);
            buf_add(&out, masks[i].stand_in);
            step = 0;
            text = str_from(behind, masks[i].n);
            break;
        }
        if (step == 0)
            continue;
        buf_add(&out, str_first(text, 1));
        text = str_from(text, 1);
    }
    copy = arena_str(a, buf_str(&out));
    buf_free(&out);
    return copy;
}

/* --- playing ------------------------------------------------------------------------------ */

struct play {
    const struct scenario *s;
    enum scenario_mode mode;
    struct arena arena;
    int client, listener, target;
    struct str to_send;              /* of the client */
    struct str expected, replies;    /* of the target, the parts to come */
    struct buf at_client, at_target; /* what arrived */
    struct buf all_at_target;
    bool ended; /* the client's connection */
};

static void end_target(struct play *p)
{
    struct linger abrupt = {.l_onoff = 1};

    if (p->s->end == TARGET_STAYS || p->target < 0)
        return;
    if (p->s->end == TARGET_RESETS)
        (void)setsockopt(p->target, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
    (void)close(p->target);
    p->target = -1;
}

/* Once the expected request is complete, the target says its part. */
static void answer(struct play *p)
{
    struct str wanted, rest = p->expected, reply = {0};

    if (!str_next(&rest, '|', &wanted) || mask(&p->arena, buf_str(&p->at_target)).n < wanted.n)
        return;
    p->expected = rest;
    buf_reset(&p->at_target);
    (void)str_next(&p->replies, '|', &reply);
    for (size_t i = 0; i < reply.n && p->mode == MODE_BYTE_BY_BYTE; i++) {
        send_all(p->target, str_n(reply.at + i, 1));
        (void)poll(NULL, 0, i % 16 == 0);
    }
    if (p->mode != MODE_BYTE_BY_BYTE)
        send_all(p->target, reply);
    if (p->replies.n == 0)
        end_target(p);
}

static void read_target(struct play *p)
{
    char room[4096];
    ssize_t n = recv(p->target, room, sizeof room, 0);

    if (n <= 0) {
        (void)close(p->target);
        p->target = -1;
        return;
    }
    buf_add(&p->at_target, str_n(room, (size_t)n));
    buf_add(&p->all_at_target, str_n(room, (size_t)n));
    answer(p);
}

static void read_client(struct play *p)
{
    char room[4096];
    size_t want = p->mode == MODE_SLOW_READER ? 7 : sizeof room;
    ssize_t n = recv(p->client, room, want, 0);

    if (n <= 0)
        p->ended = true;
    else
        buf_add(&p->at_client, str_n(room, (size_t)n));
}

static void write_client(struct play *p)
{
    struct str part = p->mode == MODE_BYTE_BY_BYTE ? str_first(p->to_send, 1) : p->to_send;

    send_all(p->client, part);
    p->to_send = str_from(p->to_send, part.n);
    if (p->mode == MODE_BYTE_BY_BYTE)
        (void)poll(NULL, 0, p->to_send.n % 16 == 0);
}

static bool is_over(struct play *p)
{
    size_t want = strlen(p->s->answer);

    if (p->to_send.n > 0 && !p->ended)
        return false;
    return mask(&p->arena, buf_str(&p->at_client)).n >= want && (p->ended || !p->s->closes);
}

static void move(struct play *p)
{
    int64_t until = clock_steady_us() + PATIENCE_MS * 1000;

    while (!is_over(p) && clock_steady_us() < until) {
        short out = p->to_send.n > 0 ? POLLOUT : 0;
        struct pollfd fds[] = {
            {.fd = p->ended ? -1 : p->client,        .events = (short)(POLLIN | out)},
            {.fd = p->target < 0 ? p->listener : -1, .events = POLLIN               },
            {.fd = p->target,                        .events = POLLIN               },
        };

        (void)poll(fds, 3, 50);
        if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
            read_client(p);
        if (!p->ended && (fds[0].revents & POLLOUT))
            write_client(p);
        if (fds[1].revents & POLLIN)
            p->target = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fds[2].revents)
            read_target(p);
    }
}

/* The expected requests behind one another, without the marks between. */
static struct str joined(struct arena *a, const char *parts)
{
    struct str rest = str_c(parts), part;
    struct buf out = buf_init(TEXT_MAX);
    struct str copy;

    while (str_next(&rest, '|', &part))
        buf_add(&out, part);
    copy = arena_str(a, buf_str(&out));
    buf_free(&out);
    return copy;
}

void scenario_play(const struct scenario *s, enum scenario_mode mode)
{
    struct world w = {0};
    struct play p = {.s = s, .mode = mode, .target = -1};
    struct dp_balancer *b;
    uint16_t port;

    p.listener = open_listener(&port);
    if (s->end == TARGET_REFUSES) {
        (void)close(p.listener);
        p.listener = -1;
    }
    b = world_balancer(port);
    s->rules(b);
    dp_balancer_seal(b);
    world_start(&w, 1);
    world_put(&w, b);
    p.to_send = str_c(s->client);
    p.expected = str_c(s->target);
    p.replies = str_c(s->reply);
    p.at_client = p.at_target = p.all_at_target = buf_init(TEXT_MAX);
    p.client = connect_to(&w.front);
    move(&p);
    CHECK_STR(s->label, mask(&p.arena, buf_str(&p.all_at_target)), joined(&p.arena, s->target));
    CHECK_STR(s->label, mask(&p.arena, buf_str(&p.at_client)), str_c(s->answer));
    CHECK(s->label, p.ended || !s->closes);
    (void)close(p.client);
    if (p.target >= 0)
        (void)close(p.target);
    if (p.listener >= 0)
        (void)close(p.listener);
    world_end(&w);
    buf_free(&p.at_client);
    buf_free(&p.at_target);
    buf_free(&p.all_at_target);
    arena_free(&p.arena);
}
