/* Who gets a request when there are several: cookies, algorithms, zones, slow start.
 * Source: Application Load Balancers User Guide, "Sticky sessions", "Target groups". */
#include "scenario.h"

#include <arpa/inet.h>
#include <poll.h>
#include <unistd.h>

#include "base/buf.h"

enum { MOST = 3, ROOM = 8192 };

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

/* Targets that answer whatever they get. */
struct crowd {
    struct world w;
    int listeners[MOST];
    uint16_t ports[MOST];
    unsigned n;
    char room[ROOM]; /* the last answer's head */
    struct str head;
    char asked[ROOM]; /* and its request */
};

/* The load balancer over the first @n targets of @c, unsealed. */
static struct dp_balancer *over(struct crowd *c, unsigned n)
{
    struct dp_balancer *b = world_balancer(c->ports[0]);
    struct dp_target *t = arena_array(&b->arena, n, sizeof *t);

    rules_forward(b);
    for (unsigned i = 0; i < n; i++) {
        t[i] = b->groups[0].targets[0];
        t[i].id = arena_printf(&b->arena, "10.0.0.%u", i + 1);
        t[i].at.sin_port = htons(c->ports[i]);
    }
    b->groups[0].targets = t;
    b->groups[0].target_count = n;
    return b;
}

static void put(struct crowd *c, struct dp_balancer *b)
{
    dp_balancer_seal(b);
    world_put(&c->w, b);
}

static void open_crowd(struct crowd *c, unsigned n)
{
    c->n = n;
    for (unsigned i = 0; i < n; i++)
        c->listeners[i] = open_listener(&c->ports[i]);
    world_start(&c->w, 1);
}

static void close_crowd(struct crowd *c)
{
    for (unsigned i = 0; i < c->n; i++)
        (void)close(c->listeners[i]);
    world_end(&c->w);
}

static void read_until_blank(int fd, char *room)
{
    size_t n = 0;

    while (n < ROOM - 1 && read_n(fd, room + n, 1) == 1 &&
           (++n < 4 || memcmp(room + n - 4, "\r\n\r\n", 4) != 0))
        continue;
    room[n] = '\0';
}

/* Sends a request with @fields ("Cookie: …\r\n") to @at; the target that got it, or -1. */
static int ask_at(struct crowd *c, const struct sockaddr_in *at, const char *fields,
                  const char *reply)
{
    struct pollfd fds[MOST + 1];
    struct buf request = buf_init(ROOM);
    int client = connect_to(at), which = -1;

    buf_printf(&request, "GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\n%s\r\n", fields);
    send_all(client, buf_str(&request));
    buf_free(&request);
    for (unsigned i = 0; i < c->n; i++)
        fds[i] = (struct pollfd){.fd = c->listeners[i], .events = POLLIN};
    fds[c->n] = (struct pollfd){.fd = client, .events = POLLIN};
    (void)poll(fds, c->n + 1, 2000);
    for (unsigned i = 0; i < c->n && which < 0; i++) {
        int target;

        if (fds[i].revents == 0)
            continue;
        which = (int)i;
        target = accept_one(c->listeners[i]);
        read_until_blank(target, c->asked);
        send_all(target, str_c(reply));
        (void)close(target);
    }
    read_until_blank(client, c->room);
    c->head = str_c(c->room);
    (void)close(client);
    return which;
}

static int ask(struct crowd *c, const char *fields, const char *reply)
{
    return ask_at(c, &c->w.front, fields, reply);
}

/* "Cookie: NAME=value\r\n" from the last answer's Set-Cookie; empty when there is none. In @a. */
static const char *cookie_of(struct crowd *c, struct arena *a, const char *name)
{
    struct str mark = arena_printf(a, "\r\nSet-Cookie: %s=", name), rest;
    size_t at = str_find(c->head, mark);

    if (at == STR_NONE)
        return "";
    rest = str_from(c->head, at + mark.n);
    return arena_printf(a, "Cookie: a=b; %s=%.*s\r\n", name,
                        STR_ARG(str_first(rest, str_chr(rest, ';'))))
        .at;
}

static bool has(struct crowd *c, const char *part)
{
    return str_find(c->head, str_c(part)) != STR_NONE;
}

TEST(a_cookie_keeps_its_target)
{
    struct crowd c = {0};
    struct arena a = {0};
    struct dp_balancer *b;
    const char *cookie;
    int first;

    open_crowd(&c, 3);
    b = over(&c, 3);
    b->groups[0].sticky = true;
    put(&c, b);
    first = ask(&c, "", OK);
    cookie = cookie_of(&c, &a, "AWSALB");
    CHECK("as long as AWS's", strlen(cookie) == strlen("Cookie: a=b; AWSALB=\r\n") + 124);
    CHECK("its twin is for other sites", has(&c, "Set-Cookie: AWSALBCORS="));
    CHECK("but not secure on HTTP", has(&c, " GMT; Path=/; SameSite=None\r\n"));
    for (int i = 0; i < 6; i++)
        CHECK("the same target every time", ask(&c, cookie, OK) == first);
    CHECK("the twin does too", ask(&c, cookie_of(&c, &a, "AWSALBCORS"), OK) == first);
    CHECK("each answer renews it", has(&c, "Set-Cookie: AWSALB="));
    (void)ask(&c, "Cookie: AWSALB=made-up\r\n", OK);
    CHECK("an unreadable one gets a new one", has(&c, "Set-Cookie: AWSALB="));
    /* Its target becomes unhealthy. */
    b = over(&c, 3);
    b->groups[0].sticky = true;
    b->groups[0].targets[first].state = DP_TARGET_UNHEALTHY;
    put(&c, b);
    CHECK("another target then", ask(&c, cookie, OK) != first);
    CHECK("under a new cookie", ask(&c, cookie_of(&c, &a, "AWSALB"), OK) != first);
    close_crowd(&c);
    arena_free(&a);
}

TEST(cookies_expire_by_the_worlds_clock)
{
    struct crowd c = {0};
    struct arena a = {0};
    struct dp_balancer *b;
    const char *cookie;
    int counts[2] = {0};

    open_crowd(&c, 2);
    b = over(&c, 2);
    b->groups[0].sticky = true;
    b->groups[0].lb_cookie_ms = 60 * 1000;
    put(&c, b);
    (void)ask(&c, "", OK);
    cookie = cookie_of(&c, &a, "AWSALB");
    clock_step(&c.w.clock, 61 * 1000);
    for (int i = 0; i < 4; i++)
        counts[ask(&c, cookie, OK)]++;
    CHECK("an old cookie keeps nobody", counts[0] == 2 && counts[1] == 2);
    close_crowd(&c);
    arena_free(&a);
}

TEST(an_application_cookie_keeps_its_target)
{
    static const char sets[] = "HTTP/1.1 200 OK\r\nSet-Cookie: session=s1; HttpOnly\r\n"
                               "Content-Length: 0\r\nConnection: close\r\n\r\n";
    struct crowd c = {0};
    struct arena a = {0};
    struct dp_balancer *b;
    const char *ours, *both, *changed;
    int first;

    open_crowd(&c, 3);
    b = over(&c, 3);
    b->groups[0].sticky = true;
    b->groups[0].sticky_kind = DP_APP_COOKIE;
    b->groups[0].app_cookie = S("session");
    put(&c, b);
    (void)ask(&c, "", OK);
    CHECK("nothing to remember", has(&c, "Set-Cookie: AWSALBAPP-0=_remove_; Expires=") &&
                                     has(&c, "Set-Cookie: AWSALBAPP-3=_remove_; Expires="));
    first = ask(&c, "", sets);
    CHECK("one shard is enough",
          has(&c, "Set-Cookie: AWSALBAPP-0=") && !has(&c, "Set-Cookie: AWSALBAPP-1="));
    CHECK("no SameSite for who does not know it", !has(&c, "SameSite"));
    ours = cookie_of(&c, &a, "AWSALBAPP-0");
    both = arena_printf(&a, "%sCookie: session=s1\r\n", ours).at;
    changed = arena_printf(&a, "%sCookie: session=s2\r\n", ours).at;
    for (int i = 0; i < 4; i++)
        CHECK("both cookies keep the target", ask(&c, both, OK) == first);
    CHECK("and are renewed", has(&c, "Set-Cookie: AWSALBAPP-0=") && !has(&c, "_remove_"));
    (void)ask(&c, ours, OK);
    CHECK("ours alone is nothing", has(&c, "_remove_"));
    (void)ask(&c, changed, OK);
    CHECK("nor with another session", has(&c, "_remove_"));
    (void)ask(&c, "User-Agent: Mozilla/5.0 Chrome/120.0.0.0\r\n", sets);
    CHECK("Chromium gets SameSite=None", has(&c, "Path=/; SameSite=None; Secure\r\n"));
    close_crowd(&c);
    arena_free(&a);
}

TEST(a_cookie_keeps_its_group)
{
    struct crowd c = {0};
    struct arena a = {0};
    struct dp_balancer *b;
    struct dp_action *action;
    const char *cookie = "";
    int n = 0;

    open_crowd(&c, 1);
    b = over(&c, 1);
    action = &b->listeners[0].rules[0].action;
    action->groups = arena_array(&b->arena, 2, sizeof *action->groups);
    action->groups[0] = (struct dp_weighted){.group = &b->groups[0], .weight = 1};
    action->groups[1] = (struct dp_weighted){.group = &b->groups[1], .weight = 9}; /* empty: 503 */
    action->group_count = 2;
    action->sticky_ms = 60 * 1000;
    put(&c, b);
    while (*cookie == '\0' && n++ < 1000)
        if (ask(&c, "", OK) == 0)
            cookie = cookie_of(&c, &a, "AWSALBTG");
    CHECK("a cookie for the group", *cookie != '\0' && has(&c, "Set-Cookie: AWSALBTGCORS="));
    for (int i = 0; i < 20; i++)
        CHECK("it beats the weights", ask(&c, cookie, OK) == 0);
    CHECK("and is not set again", !has(&c, "AWSALBTG"));
    clock_step(&c.w.clock, 61 * 1000);
    for (n = 0; n < 200 && ask(&c, cookie, OK) == 0;)
        n++;
    CHECK("until it is too old", n < 200);
    close_crowd(&c);
    arena_free(&a);
}

TEST(least_outstanding_requests)
{
    struct crowd c = {0};
    struct dp_balancer *b;
    int clients[2], held[3] = {-1, -1, -1}, first;

    open_crowd(&c, 3);
    b = over(&c, 3);
    b->groups[0].algorithm = DP_LEAST_OUTSTANDING;
    put(&c, b);
    for (int i = 0; i < 2; i++) { /* two targets have a request each that they don't answer */
        clients[i] = connect_to(&c.w.front);
        send_all(clients[i], S("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        (void)poll(NULL, 0, 30);
    }
    {
        struct pollfd fds[3];

        for (int i = 0; i < 3; i++)
            fds[i] = (struct pollfd){.fd = c.listeners[i], .events = POLLIN};
        (void)poll(fds, 3, 0);
        first = fds[0].revents == 0 ? 0 : fds[1].revents == 0 ? 1 : 2;
        for (int i = 0; i < 3; i++)
            if (i != first)
                held[i] = accept_one(c.listeners[i]);
    }
    for (int i = 0; i < 4; i++)
        CHECK("the third gets the rest", ask(&c, "", OK) == first);
    (void)close(clients[0]);
    (void)close(clients[1]);
    for (int i = 0; i < 3; i++)
        if (held[i] >= 0)
            (void)close(held[i]);
    close_crowd(&c);
}

TEST(slow_start_grows_with_the_worlds_clock)
{
    struct crowd c = {0};
    struct dp_balancer *b;
    int counts[2] = {0};

    open_crowd(&c, 2);
    clock_set_rate(&c.w.clock, 0);
    for (int healthy = 0; healthy <= 1; healthy++) {
        b = over(&c, 2);
        b->groups[0].slow_start_ms = 30 * 1000;
        if (!healthy)
            b->groups[0].targets[1].state = DP_TARGET_UNHEALTHY;
        put(&c, b);
    }
    for (int i = 0; i < 10; i++)
        counts[ask(&c, "", OK)]++;
    CHECK("nothing at first", counts[0] == 10);
    clock_step(&c.w.clock, 15 * 1000);
    counts[0] = counts[1] = 0;
    for (int i = 0; i < 60; i++)
        counts[ask(&c, "", OK)]++;
    CHECK("then less than half", counts[1] > 5 && counts[1] < 27);
    clock_step(&c.w.clock, 16 * 1000);
    counts[0] = counts[1] = 0;
    for (int i = 0; i < 10; i++)
        counts[ask(&c, "", OK)]++;
    CHECK("then its whole share", counts[0] == 5 && counts[1] == 5);
    close_crowd(&c);
}

TEST(without_cross_zone_a_door_uses_its_own_zone)
{
    struct crowd c = {0};
    struct dp_balancer *b;
    struct sockaddr_in doors[2];
    int counts[2] = {0};

    for (int i = 0; i < 2; i++) {
        uint16_t port;
        int fd = open_listener(&port);

        doors[i] = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons(port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        (void)close(fd);
    }
    open_crowd(&c, 2);
    b = over(&c, 2);
    b->groups[0].targets[0].zone = S("a");
    b->groups[0].targets[1].zone = S("b");
    b->groups[0].zones = DP_ZONES_OWN;
    b->doors = arena_array(&b->arena, 2, sizeof *b->doors);
    b->door_ports = arena_array(&b->arena, 2, sizeof *b->door_ports);
    b->door_zones = arena_array(&b->arena, 2, sizeof *b->door_zones);
    b->door_count = 2;
    for (int i = 0; i < 2; i++) {
        b->doors[i] = doors[i];
        b->door_ports[i] = 80;
    }
    b->door_zones[0] = S("a");
    b->door_zones[1] = S("c");
    put(&c, b);
    for (int i = 0; i < 4; i++)
        CHECK("only the target of the zone", ask_at(&c, &doors[0], "", OK) == 0);
    CHECK("nothing in an empty zone", ask_at(&c, &doors[1], "", OK) == -1);
    CHECK("but 503", has(&c, "HTTP/1.1 503 "));
    for (int i = 0; i < 4; i++)
        counts[ask(&c, "", OK)]++;
    CHECK("the common door is in no zone", counts[0] == 2 && counts[1] == 2);
    close_crowd(&c);
}

/* --- versions --------------------------------------------------------------------------------- */

TEST(an_http1_client_can_not_go_to_an_http2_group)
{
    struct crowd c = {0};
    struct dp_balancer *b;

    open_crowd(&c, 1);
    b = over(&c, 1);
    b->groups[0].version = DP_HTTP2;
    put(&c, b);
    CHECK("no target", ask(&c, "", OK) == -1);
    CHECK("464", has(&c, "HTTP/1.1 464\r\nServer: awselb/2.0\r\n"));
    close_crowd(&c);
}

/* --- what a listener says of itself ----------------------------------------------------------- */

static void rules_headers(struct dp_balancer *b)
{
    struct dp_listener *l = &b->listeners[0];
    struct dp_rule *r = scenario_add_rule(b, 1);

    scenario_path(b, r, "/fixed");
    r->action = (struct dp_action){
        .kind = DP_FIXED_RESPONSE, .status = 200, .content_type = S("text/plain")};
    rules_forward(b);
    l->hides_server = true;
    l->response_headers = arena_array(&b->arena, 2, sizeof *l->response_headers);
    l->response_headers[0] = (struct dp_header){S("X-Frame-Options"), S("DENY")};
    l->response_headers[1] = (struct dp_header){S("X-Content-Type-Options"), S("nosniff")};
    l->response_header_count = 2;
}

static const struct scenario headers[] = {
    {.label = "headers of the listener take the place of the target's",
     .rules = rules_headers,
     .client = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /fixed HTTP/1.1\r\nHost: a\r\n\r\n",
     .target = "GET / HTTP/1.1\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
               "X-Forwarded-Port: 80\r\nHost: a\r\nX-Amzn-Trace-Id: Root=1-@TRACE\r\n\r\n", .reply = "HTTP/1.1 200 OK\r\nx-frame-options: SAMEORIGIN\r\nServer: x\r\nX-Own: 1\r\n"
              "Content-Length: 0\r\n\r\n", .answer = "HTTP/1.1 200 OK\r\nDate: @DATE\r\nContent-Length: 0\r\nConnection: keep-alive\r\n"
               "X-Own: 1\r\nX-Frame-Options: DENY\r\nX-Content-Type-Options: nosniff\r\n\r\n"
               "HTTP/1.1 200 OK\r\nDate: @DATE\r\nContent-Type: text/plain; charset=utf-8\r\n"
               "Content-Length: 0\r\nConnection: keep-alive\r\nX-Frame-Options: DENY\r\n"
               "X-Content-Type-Options: nosniff\r\n\r\n"},
};

TEST(a_listeners_headers)
{
    scenario_play(&headers[0], MODE_WHOLE);
    scenario_play(&headers[0], MODE_BYTE_BY_BYTE);
}

TEST_MAIN(T(a_cookie_keeps_its_target), T(cookies_expire_by_the_worlds_clock),
          T(an_application_cookie_keeps_its_target), T(a_cookie_keeps_its_group),
          T(least_outstanding_requests), T(slow_start_grows_with_the_worlds_clock),
          T(without_cross_zone_a_door_uses_its_own_zone),
          T(an_http1_client_can_not_go_to_an_http2_group), T(a_listeners_headers))
