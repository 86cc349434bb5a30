/* Configurations that change under requests in flight: each request ends under what it began with,
 * and the next one sees the change.
 * Source: Application Load Balancers User Guide, "Deregistration delay". */
#include "scenario.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHANGES = 60 };

static const struct str get = STR_INIT("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
static const struct str reply = STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

static unsigned read_answer(int fd)
{
    char room[1024];
    size_t n = 0;

    while (n < sizeof room && read_n(fd, room + n, 1) == 1)
        if (++n >= 6 && memcmp(room + n - 6, "\r\n\r\nok", 6) == 0)
            break;
    return n > 12 ? (unsigned)atoi(room + 9) : 0;
}

static void read_request(int fd)
{
    char room[1024];
    size_t n = 0;

    while (n < sizeof room && read_n(fd, room + n, 1) == 1)
        if (++n >= 4 && memcmp(room + n - 4, "\r\n\r\n", 4) == 0)
            break;
}

/* Another set of rules, attributes and targets each time; the target that answers stays. */
static void change(struct world *w, uint16_t port, int round)
{
    struct dp_balancer *b = world_balancer(port);
    struct dp_target *t = arena_array(&b->arena, 2, sizeof *t);

    for (int i = 0; i < round % 5; i++) {
        struct dp_rule *r = scenario_add_rule(b, i + 1);

        scenario_path(b, r, "/never");
        r->action = (struct dp_action){.kind = DP_FIXED_RESPONSE, .status = 500};
    }
    rules_forward(b);
    t[0] = t[1] = b->groups[0].targets[0];
    t[1].id = arena_printf(&b->arena, "10.0.1.%d", round);
    t[1].state = round % 2 == 0 ? DP_TARGET_UNHEALTHY : DP_TARGET_DRAINING;
    b->groups[0].targets = t;
    b->groups[0].target_count = 2;
    b->groups[0].algorithm = (enum dp_algorithm)(round % 3);
    b->groups[0].sticky = round % 2 == 0;
    b->attributes.preserve_host = round % 2 == 0;
    dp_balancer_seal(b);
    world_put(w, b);
}

TEST(a_change_fails_no_request)
{
    struct world w = {0};
    uint16_t port;
    int listener = open_listener(&port), client, target;

    world_start(&w, 2);
    change(&w, port, 0);
    client = connect_to(&w.front);
    send_all(client, get);
    target = accept_one(listener);
    for (int i = 1; i <= CHANGES; i++) {
        read_request(target);
        change(&w, port, i); /* with the request in flight */
        send_all(target, str_first(reply, 20));
        change(&w, port, i + 1); /* with half of its answer */
        send_all(target, str_from(reply, 20));
        CHECK("answered all the same", read_answer(client) == 200);
        change(&w, port, i); /* between two requests of a connection */
        send_all(client, get);
    }
    read_request(target);
    send_all(target, reply);
    CHECK("over one connection on either side", read_answer(client) == 200);
    (void)close(client);
    (void)close(target);
    (void)close(listener);
    world_end(&w);
}

TEST_MAIN(T(a_change_fails_no_request))
