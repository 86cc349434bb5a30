/* What the load balancer does over time: big bodies, balance, changes under traffic, closed
 * security groups, health, node ports.
 * Source: Application Load Balancers User Guide. */
#include "scenario.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than all the socket buffers on the way can grow to. */
enum { BIG = 24 << 20 };

static const struct str get = STR_INIT("GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n");

/* Reads a head; the bytes behind it stay unread. */
static struct str read_head(int fd, char *room, size_t size)
{
    size_t n = 0;

    while (n < size && read_n(fd, room + n, 1) == 1) {
        n++;
        if (n >= 4 && memcmp(room + n - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    return str_n(room, n);
}

static struct dp_balancer *forwarding(uint16_t port)
{
    struct dp_balancer *b = world_balancer(port);

    rules_forward(b);
    return b;
}

/* Sends a request and reads its status. */
static unsigned status_of(const struct world *w)
{
    int client = connect_to(&w->front);
    char room[1024];
    struct str head;

    send_all(client, get);
    head = read_head(client, room, sizeof room);
    (void)close(client);
    return head.n > 12 ? (unsigned)atoi(head.at + 9) : 0;
}

TEST(a_big_response_waits_for_a_slow_client)
{
    struct world w = {0};
    uint16_t port;
    int listener = open_listener(&port), client, target;
    char *body = calloc(1, BIG), *got = calloc(1, BIG), room[1024];
    struct str head = S("HTTP/1.1 200 OK\r\nContent-Length: 25165824\r\n\r\n");
    struct dp_balancer *b = forwarding(port);
    size_t sent = 0, received = 0;

    for (size_t i = 0; i < BIG; i++)
        body[i] = (char)(i * 7 >> 3);
    dp_balancer_seal(b);
    world_start(&w, 1);
    world_put(&w, b);
    client = connect_to(&w.front);
    send_all(client, get);
    target = accept_one(listener);
    (void)read_head(target, room, sizeof room);
    send_all(target, head);
    for (int quiet = 0; quiet < 50 && sent < BIG;) { /* until nothing more is taken */
        ssize_t n = send(target, body + sent, BIG - sent, MSG_NOSIGNAL);

        quiet = n > 0 ? 0 : quiet + 1;
        sent += n > 0 ? (size_t)n : 0;
        if (n <= 0)
            (void)poll(NULL, 0, 1);
    }
    CHECK("the target is held back while the client does not read", sent < BIG);
    (void)read_head(client, room, sizeof room);
    while (received < BIG) {
        ssize_t n = send(target, body + sent, BIG - sent, MSG_NOSIGNAL);

        sent += n > 0 ? (size_t)n : 0;
        n = recv(client, got + received, BIG - received, 0);
        received += n > 0 ? (size_t)n : 0;
        if (n == 0)
            break;
    }
    CHECK("nothing is lost or changed", received == BIG && memcmp(body, got, BIG) == 0);
    (void)close(client);
    (void)close(target);
    (void)close(listener);
    free(body);
    free(got);
    world_end(&w);
}

TEST(a_big_request_waits_for_a_slow_target)
{
    struct world w = {0};
    uint16_t port;
    int listener = open_listener(&port), client, target;
    char *body = calloc(1, BIG), *got = calloc(1, BIG), room[1024];
    struct dp_balancer *b = forwarding(port);
    size_t sent = 0, received = 0;

    for (size_t i = 0; i < BIG; i++)
        body[i] = (char)(i * 5 >> 2);
    dp_balancer_seal(b);
    world_start(&w, 1);
    world_put(&w, b);
    client = connect_to(&w.front);
    send_all(client, S("PUT / HTTP/1.1\r\nHost: lb.elb.localhost\r\n"
                       "Content-Length: 25165824\r\n\r\n"));
    while (sent < 100000) {
        ssize_t n = send(client, body + sent, 100000 - sent, MSG_NOSIGNAL);

        sent += n > 0 ? (size_t)n : 0;
    }
    target = accept_one(listener);
    (void)read_head(target, room, sizeof room);
    while (received < BIG) {
        ssize_t n = send(client, body + sent, BIG - sent, MSG_NOSIGNAL);

        sent += n > 0 ? (size_t)n : 0;
        n = recv(target, got + received, BIG - received, 0);
        received += n > 0 ? (size_t)n : 0;
        if (n == 0)
            break;
    }
    CHECK("nothing is lost or changed", received == BIG && memcmp(body, got, BIG) == 0);
    send_all(target, S("HTTP/1.1 204 No Content\r\n\r\n"));
    CHECK("and the answer comes back", read_head(client, room, sizeof room).n > 20);
    (void)close(client);
    (void)close(target);
    (void)close(listener);
    free(body);
    free(got);
    world_end(&w);
}

/* Answers everything itself; its targets are registered as before. */
static struct dp_balancer *fixed(uint16_t port, uint16_t status)
{
    struct dp_balancer *b = world_balancer(port);

    scenario_add_rule(b, 0)->action = (struct dp_action){
        .kind = DP_FIXED_RESPONSE, .status = status, .content_type = S("text/plain")};
    dp_balancer_seal(b);
    return b;
}

TEST(a_change_takes_effect_and_a_removal_too)
{
    struct world w = {0};
    uint16_t port;
    int listener = open_listener(&port), client, target;
    struct dp_balancer *b = forwarding(port);
    char room[1024];
    struct str head;

    dp_balancer_seal(b);
    world_start(&w, 2);
    world_put(&w, b);
    client = connect_to(&w.front);
    send_all(client, get);
    target = accept_one(listener);
    (void)read_head(target, room, sizeof room);
    world_put(&w, fixed(port, 201));
    CHECK("a new rule answers new requests", status_of(&w) == 201);
    send_all(target, S("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"));
    head = read_head(client, room, sizeof room);
    CHECK("a request in flight ends under the rule that it began with",
          str_starts(head, S("HTTP/1.1 202 ")));
    world_put(&w, NULL);
    CHECK("a removed load balancer answers no more", status_of(&w) == 404);
    (void)close(client);
    (void)close(target);
    (void)close(listener);
    world_end(&w);
}

TEST(a_target_that_is_gone_cuts_its_requests)
{
    struct world w = {0};
    uint16_t port;
    int listener = open_listener(&port), client, target;
    struct dp_balancer *b = forwarding(port), *without = forwarding(port);
    char room[1024];

    without->groups[0].target_count = 0;
    dp_balancer_seal(b);
    dp_balancer_seal(without);
    world_start(&w, 1);
    world_put(&w, b);
    client = connect_to(&w.front);
    send_all(client, get);
    target = accept_one(listener);
    (void)read_head(target, room, sizeof room);
    world_put(&w, without);
    CHECK("deregistered and its delay over: 502",
          str_starts(read_head(client, room, sizeof room), S("HTTP/1.1 502 ")));
    (void)close(client);
    (void)close(target);
    (void)close(listener);
    world_end(&w);
}

/* Answers every request at @listener with 200 until the load is through. */
static void answer_once(int listener)
{
    char room[1024];
    int target = accept_one(listener);

    (void)read_head(target, room, sizeof room);
    send_all(target, S("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
    (void)close(target);
}

TEST(round_robin_is_even)
{
    struct world w = {0};
    uint16_t ports[2];
    int listeners[] = {open_listener(&ports[0]), open_listener(&ports[1])}, count[2] = {0};
    struct dp_balancer *b = forwarding(ports[0]);
    struct dp_target *targets = arena_array(&b->arena, 2, sizeof *targets);

    targets[0] = targets[1] = b->groups[0].targets[0];
    targets[1].at.sin_port = htons(ports[1]);
    b->groups[0].targets = targets;
    b->groups[0].target_count = 2;
    dp_balancer_seal(b);
    world_start(&w, 1);
    world_put(&w, b);
    for (int i = 0; i < 20; i++) {
        struct pollfd fds[] = {
            {.fd = listeners[0], .events = POLLIN},
            {.fd = listeners[1], .events = POLLIN}
        };
        int client = connect_to(&w.front), which;
        char room[1024];

        send_all(client, get);
        (void)poll(fds, 2, 2000);
        which = fds[0].revents ? 0 : 1;
        count[which]++;
        answer_once(listeners[which]);
        (void)read_head(client, room, sizeof room);
        (void)close(client);
    }
    CHECK("each target got every other request", count[0] == 10 && count[1] == 10);
    (void)close(listeners[0]);
    (void)close(listeners[1]);
    world_end(&w);
}

TEST(weights_divide_requests)
{
    struct world w = {0};
    struct dp_balancer *b = world_balancer(1);
    struct dp_action *a = &scenario_add_rule(b, 0)->action;
    int counts[2] = {0};

    /* groups[0]'s target refuses (502), groups[1] is empty (503). */
    a->kind = DP_FORWARD;
    a->group_count = 2;
    a->groups = arena_array(&b->arena, 2, sizeof *a->groups);
    a->groups[0] = (struct dp_weighted){.group = &b->groups[0], .weight = 3};
    a->groups[1] = (struct dp_weighted){.group = &b->groups[1], .weight = 1};
    dp_balancer_seal(b);
    world_start(&w, 1);
    world_put(&w, b);
    for (int i = 0; i < 200; i++)
        counts[status_of(&w) == 503]++;
    CHECK("three to one, roughly", counts[0] > 120 && counts[0] < 180);
    world_end(&w);
}

TEST(a_closed_security_group_is_silence)
{
    struct world w = {0};
    uint16_t port;
    int listener = open_listener(&port), client;
    struct dp_balancer *b = forwarding(port);
    struct pollfd p = {.events = POLLIN};

    b->ingress_enforced = true;
    dp_balancer_seal(b);
    world_start(&w, 1);
    world_put(&w, b);
    client = connect_to(&w.front);
    send_all(client, get);
    p.fd = client;
    CHECK("nothing comes, not even an end", poll(&p, 1, 200) == 0);
    (void)close(client);
    (void)close(listener);
    world_end(&w);
}

TEST(an_unreachable_target_is_a_connect_timeout)
{
    struct world w = {0};
    uint16_t port;
    int listener = open_listener(&port);
    struct dp_balancer *b = forwarding(port);

    b->groups[0].targets[0].reachable = false;
    dp_balancer_seal(b);
    world_start(&w, 1);
    clock_set_rate(&w.clock, 100000000); /* ten seconds in a tenth */
    world_put(&w, b);
    CHECK("504", status_of(&w) == 504);
    (void)close(listener);
    world_end(&w);
}

/* --- health -------------------------------------------------------------------------------- */

struct heard {
    enum dp_target_state state;
    char reason[64], description[100];
    int reports;
};

static void on_health(struct world *w, const struct dp_health_report *r)
{
    struct heard *h = w->data;

    h->state = r->state;
    h->reports++;
    (void)snprintf(h->reason, sizeof h->reason, "%.*s", STR_ARG(r->reason));
    (void)snprintf(h->description, sizeof h->description, "%.*s", STR_ARG(r->description));
}

/* Runs the control loop until @want reports came. */
static void await_reports(struct world *w, int want)
{
    struct heard *h = w->data;
    int64_t until = clock_steady_us() + 2000000;

    while (h->reports < want && clock_steady_us() < until) {
        (void)uv_run(&w->loop, UV_RUN_NOWAIT);
        (void)poll(NULL, 0, 1);
    }
}

static struct dp_code_range only_200[] = {
    {200, 200}
};

static struct dp_balancer *checked(uint16_t port)
{
    struct dp_balancer *b = forwarding(port);

    b->groups[0].health = (struct dp_health_settings){.enabled = true,
                                                      .interval_ms = 10000,
                                                      .timeout_ms = 5000,
                                                      .healthy_threshold = 2,
                                                      .unhealthy_threshold = 2,
                                                      .path = S("/health"),
                                                      .matcher = only_200,
                                                      .matcher_count = 1};
    b->groups[0].targets[0].state = DP_TARGET_INITIAL;
    b->groups[0].targets[0].health_at = b->groups[0].targets[0].at;
    b->groups[0].targets[0].health_port = 8080;
    dp_balancer_seal(b);
    return b;
}

static void answer_probe(int listener, struct str answer, struct str *ret_request, char *room,
                         size_t size)
{
    int target = accept_one(listener);

    *ret_request = read_head(target, room, size);
    send_all(target, answer);
    (void)close(target);
}

TEST(health_follows_the_checks_and_the_worlds_clock)
{
    struct heard heard = {0};
    struct world w = {.on_health = on_health, .data = &heard};
    uint16_t port;
    int listener = open_listener(&port);
    char room[1024];
    struct str request;

    world_start(&w, 2);
    world_put(&w, checked(port));
    answer_probe(listener, S("HTTP/1.1 200 OK\r\n\r\n"), &request, room, sizeof room);
    CHECK_STR("the request of a check", request,
              S("GET /health HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nConnection: close\r\n"
                "User-Agent: ELB-HealthChecker/2.0\r\nAccept-Encoding: gzip, compressed\r\n\r\n"));
    await_reports(&w, 1);
    CHECK("one pass makes a new target healthy", heard.state == DP_TARGET_HEALTHY);
    for (int i = 0; i < 2; i++) {
        clock_step(&w.clock, 10000);
        dataplane_clock_changed(w.plane);
        answer_probe(listener, S("HTTP/1.1 404 Not Found\r\n\r\n"), &request, room, sizeof room);
        (void)poll(NULL, 0, 20);
    }
    await_reports(&w, 2);
    CHECK("two failures, ten seconds of the world apart", heard.state == DP_TARGET_UNHEALTHY);
    CHECK_STR("why", str_c(heard.reason), S("Target.ResponseCodeMismatch"));
    CHECK_STR("which codes", str_c(heard.description),
              S("Health checks failed with these codes: [404]"));
    (void)close(listener);
    world_end(&w);
}

/* --- node ports ---------------------------------------------------------------------------- */

static struct dp_service *node_port(struct sockaddr_in at, uint16_t pod)
{
    struct dp_service *s = dp_service_new(S("sample/default/web"));

    s->forwards = arena_alloc(&s->arena, sizeof *s->forwards);
    s->forward_count = 1;
    s->forwards->at = at;
    s->forwards->pods = arena_alloc(&s->arena, sizeof(struct sockaddr_in));
    s->forwards->pods[0] = at;
    s->forwards->pods[0].sin_port = htons(pod);
    s->forwards->pod_count = pod == 0 ? 0 : 1;
    return s;
}

static bool is_listening(const struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool yes = connect(fd, (const struct sockaddr *)at, sizeof *at) == 0;

    (void)close(fd);
    return yes;
}

TEST(a_node_port_leads_to_a_pod)
{
    struct world w = {0};
    uint16_t port, free_port;
    int listener = open_listener(&port), other = open_listener(&free_port), client, pod;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char room[16];

    (void)close(other);
    at.sin_port = htons(free_port);
    world_start(&w, 2);
    dataplane_put_service(w.plane, node_port(at, port));
    world_settle(&w);
    client = connect_to(&at);
    pod = accept_one(listener);
    send_all(client, S("ping"));
    CHECK("bytes reach the pod", read_n(pod, room, 4) == 4 && memcmp(room, "ping", 4) == 0);
    (void)shutdown(client, SHUT_WR);
    CHECK("a half-close is passed on", read_n(pod, room, 1) == 0);
    send_all(pod, S("pong"));
    CHECK("and bytes still come back", read_n(client, room, 4) == 4);
    (void)close(pod);
    CHECK("until the pod ends too", read_n(client, room, 1) == 0);
    (void)close(client);
    dataplane_put_service(w.plane, node_port(at, 0));
    world_settle(&w);
    CHECK("without pods, connections are refused", !is_listening(&at));
    (void)close(listener);
    world_end(&w);
}

TEST(a_door_that_somebody_has_is_an_error)
{
    struct world w = {0};

    for (unsigned workers = 1; workers <= 2; workers++) {
        struct dataplane *second;
        bool https_failed = false;

        world_start(&w, workers);
        CHECK("a second server does not share the common door",
              dataplane_start(
                  &w.loop,
                  &(struct dataplane_settings){.workers = workers,
                                               .http = &w.front,
                                               .cookie_key = (const uint8_t[COOKIE_KEY_BYTES]){7},
                                               .clock = &w.clock,
                                               .ids = &w.ids},
                  &second, &https_failed) == UV_EADDRINUSE);
        CHECK("and it is said which one", !https_failed);
        CHECK("nor the one for TLS",
              dataplane_start(
                  &w.loop,
                  &(struct dataplane_settings){.workers = workers,
                                               .https = &w.front_tls,
                                               .cookie_key = (const uint8_t[COOKIE_KEY_BYTES]){7},
                                               .clock = &w.clock,
                                               .ids = &w.ids},
                  &second, &https_failed) == UV_EADDRINUSE);
        CHECK("which is said too", https_failed);
        world_end(&w);
    }
}

TEST_MAIN(T(a_big_response_waits_for_a_slow_client), T(a_big_request_waits_for_a_slow_target),
          T(a_change_takes_effect_and_a_removal_too), T(a_target_that_is_gone_cuts_its_requests),
          T(round_robin_is_even), T(weights_divide_requests), T(a_closed_security_group_is_silence),
          T(an_unreachable_target_is_a_connect_timeout),
          T(health_follows_the_checks_and_the_worlds_clock), T(a_node_port_leads_to_a_pod),
          T(a_door_that_somebody_has_is_an_error))
