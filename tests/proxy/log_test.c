/* Access log lines, field by field.
 * Source: Application Load Balancers User Guide, "Access log entries". */
#include "scenario.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

enum { FIELDS = 33 };

/* Where each field is. */
enum field {
    TYPE,
    TIME,
    ELB,
    CLIENT,
    TARGET,
    REQUEST_TIME,
    TARGET_TIME,
    RESPONSE_TIME,
    ELB_STATUS,
    TARGET_STATUS,
    RECEIVED,
    SENT,
    REQUEST,
    USER_AGENT,
    CIPHER,
    PROTOCOL,
    GROUP,
    TRACE,
    DOMAIN,
    CERTIFICATE,
    PRIORITY,
    CREATED,
    ACTIONS,
    REDIRECT,
    ERROR_REASON,
    TARGET_LIST,
    STATUS_LIST,
    CLASS,
    CLASS_REASON,
    CONNECTION,
};

static void rules(struct dp_balancer *b)
{
    struct dp_rule *fixed = scenario_add_rule(b, 3), *redirect = scenario_add_rule(b, 4),
                   *empty = scenario_add_rule(b, 5);

    scenario_path(b, fixed, "/fixed");
    fixed->action = (struct dp_action){
        .kind = DP_FIXED_RESPONSE, .status = 418, .content_type = S("text/plain")};
    scenario_path(b, redirect, "/moved");
    redirect->action = (struct dp_action){.kind = DP_REDIRECT,
                                          .status = 302,
                                          .protocol = S("#{protocol}"),
                                          .host = S("#{host}"),
                                          .port = S("8080"),
                                          .path = S("/there"),
                                          .query = S("")};
    scenario_path(b, empty, "/empty");
    scenario_forward(b, empty, 1);
    rules_forward(b);
    b->attributes.access_log = (struct dp_log_place){.enabled = true, .bucket = S("logs")};
}

struct wanted {
    enum field field;
    const char *value;
};

static const struct {
    const char *label;
    const char *request;
    const char *reply; /* NULL: no target is asked */
    struct wanted wanted[16];
} cases[] = {
    {"forwarded",
     "GET /a?b=c HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: test \"1\"\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
     {{TYPE, "http"},
      {ELB, "app/my-lb/50dc6c495c0c9188"},
      {TARGET, "10.0.0.1:8080"},
      {ELB_STATUS, "200"},
      {TARGET_STATUS, "200"},
      {RECEIVED, "68"},
      {REQUEST, "GET http://www.example.com:80/a?b=c HTTP/1.1"},
      {USER_AGENT, "test \\x221\\x22"},
      {CIPHER, "-"},
      {GROUP, "full"},
      {PRIORITY, "0"},
      {ACTIONS, "forward"},
      {TARGET_LIST, "10.0.0.1:8080"},
      {STATUS_LIST, "200"},
      {CLASS, "-"},
      {DOMAIN, "-"}}                                                                            },
    {"a fixed response",
     "GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n",                                         NULL,
     {{TARGET, "-"},
      {REQUEST_TIME, "-1"},
      {TARGET_TIME, "-1"},
      {RESPONSE_TIME, "-1"},
      {ELB_STATUS, "418"},
      {TARGET_STATUS, "-"},
      {USER_AGENT, "-"},
      {GROUP, "-"},
      {TRACE, "-"},
      {PRIORITY, "3"},
      {ACTIONS, "fixed-response"},
      {REDIRECT, "-"},
      {TARGET_LIST, "-"},
      {STATUS_LIST, "-"}}                                                                       },
    {"a redirect",
     "GET /moved HTTP/1.1\r\nHost: a\r\n\r\n",                                         NULL,
     {{ELB_STATUS, "302"},
      {ACTIONS, "redirect"},
      {REDIRECT, "http://a:8080/there"},
      {PRIORITY, "4"}}                                                                          },
    {"no target",
     "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n",                                         NULL,
     {{ELB_STATUS, "503"}, {TARGET_STATUS, "-"}, {GROUP, "empty"}, {ACTIONS, "forward"}}        },
    {"an absolute target",
     "GET http://b/x?y HTTP/1.1\r\nHost: a\r\n\r\n",                                   "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
     {{REQUEST, "GET http://b:80/x?y HTTP/1.1"}, {ELB_STATUS, "404"}, {STATUS_LIST, "404"}}     },
    {"an ambiguous request",
     "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",                       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
     {{CLASS, "Ambiguous"}, {CLASS_REASON, "UndefinedContentLengthSemantics"}}                  },
    {"a target that talks nonsense",
     "GET / HTTP/1.1\r\nHost: a\r\n\r\n",                                              "nonsense\r\n\r\n",
     {{ELB_STATUS, "502"}, {TARGET_STATUS, "-"}, {TARGET, "10.0.0.1:8080"}, {TARGET_TIME, "-1"}}},
};

/* The field at @at of a line, without its quotes. */
static struct str field_of(struct str line, unsigned at)
{
    struct str part = {0};

    for (unsigned i = 0; i <= at; i++) {
        bool quoted = line.n > 0 && line.at[0] == '"';
        size_t end;

        line = str_from(line, quoted);
        end = str_chr(line, quoted ? '"' : ' ');
        part = str_first(line, end);
        line = str_from(line, part.n + (quoted ? 2 : 1));
    }
    return part;
}

static void on_log(struct world *w, const struct dp_log *log)
{
    struct buf *lines = w->data;

    CHECK("an access log", log->kind == DP_LOG_ACCESS);
    CHECK_STR("its bucket", log->place->bucket, S("logs"));
    buf_add(lines, log->lines);
}

TEST(lines)
{
    struct buf all = buf_init(1 << 20);
    struct world w = {.on_log = on_log, .data = &all};
    struct str rest, line;
    struct dp_balancer *b;
    uint16_t port;
    int listener = open_listener(&port);
    char room[2048];

    b = world_balancer(port);
    b->arn = S("arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/my-lb/"
               "50dc6c495c0c9188");
    rules(b);
    dp_balancer_seal(b);
    world_start(&w, 1);
    world_put(&w, b);
    CASE_EACH(c, cases) {
        int client = connect_to(&w.front), target = -1;

        send_all(client, str_c(c->request));
        if (c->reply != NULL) {
            target = accept_one(listener);
            (void)read_n(target, room, 16);
            send_all(target, str_c(c->reply));
        }
        (void)read_n(client, room, 12);
        if (target >= 0)
            (void)close(target);
        (void)shutdown(client, SHUT_WR);
        while (read_n(client, room, sizeof room) > 0)
            continue;
        (void)close(client);
    }
    (void)close(listener);
    world_end(&w);
    rest = buf_str(&all);
    CASE_EACH(c, cases) {
        CHECK(c->label, str_next(&rest, '\n', &line));
        CHECK(c->label, field_of(line, FIELDS - 1).n > 0 && field_of(line, FIELDS).n == 0);
        CHECK(c->label, str_starts(field_of(line, CONNECTION), S("TID_")));
        CHECK(c->label, str_starts(field_of(line, CLIENT), S("127.0.0.1:")));
        for (const struct wanted *want = c->wanted; want->value != NULL; want++) {
            CHECK_STR(c->label, field_of(line, want->field), str_c(want->value));
            if (want == c->wanted + ARRAY_LEN(c->wanted) - 1)
                break;
        }
    }
    CHECK("and no more", rest.n == 0);
    buf_free(&all);
}

TEST_MAIN(T(lines))
