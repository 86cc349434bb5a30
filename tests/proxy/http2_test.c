/* HTTP/2 clients: requests of nghttp2's client to an HTTP/1.1 target, and frames that no client
 * should send. Played over TLS on loopback.
 * Source: RFC 9113; Application Load Balancers User Guide, "HTTP/2". */
#include "scenario.h"

#include <fcntl.h>
#include <nghttp2/nghttp2.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "dataplane/dp_tls.h"
#include "net/ca.h"

enum { STREAMS_MAX = 64, TEXT_MAX = 8 << 20, PATIENCE_MS = 3000 };

/* --- one world with a TLS listener ------------------------------------------------------------ */

struct town {
    struct world w;
    struct arena arena;
    struct clock clock;
    int listener, targets[STREAMS_MAX], target_count;
    struct buf at_target[STREAMS_MAX];
};

static struct dp_tls *tls_of(struct town *t)
{
    struct str names[] = {S("lb.elb.localhost")};
    struct ca_request request = {.common_name = names[0], .names = names, .name_count = 1};
    struct dp_certificate_pem pem = {.arn = S("certificate")};
    struct dp_tls_options o = {.policy = S("ELBSecurityPolicy-TLS13-1-2-2021-06"),
                               .certificates = &pem,
                               .certificate_count = 1,
                               .http2 = true};
    struct certificate *c = NULL;
    struct ca *ca = NULL;
    struct dp_tls *tls = NULL;
    struct str why;

    assert_int_equal(ca_new(&t->clock, S("Test CA"), &ca), 0);
    assert_int_equal(ca_issue(ca, &t->clock, &request, &c), 0);
    pem.chain = certificate_chain_pem(c, &t->arena);
    pem.key = certificate_key_pem(c, &t->arena);
    assert_int_equal(dp_tls_new(&t->arena, &o, &tls, &why), 0);
    certificate_free(c);
    ca_free(ca);
    return tls;
}

static void open_town(struct town *t, scenario_rules *rules)
{
    struct dp_balancer *b;
    uint16_t port;

    clock_init(&t->clock);
    t->listener = open_listener(&port);
    b = world_balancer(port);
    rules(b);
    b->listeners[0].port = 443;
    b->listeners[0].protocol = DP_HTTPS;
    b->listeners[0].tls = tls_of(t);
    dp_balancer_seal(b);
    world_start(&t->w, 1);
    world_put(&t->w, b);
}

static void close_town(struct town *t)
{
    for (int i = 0; i < t->target_count; i++) {
        (void)close(t->targets[i]);
        buf_free(&t->at_target[i]);
    }
    (void)close(t->listener);
    world_end(&t->w);
    arena_free(&t->arena);
}

/* --- the client ------------------------------------------------------------------------------- */

struct response {
    int32_t id;
    struct buf head, body; /* "name: value\n" */
    bool closed;
    uint32_t error;
};

struct client {
    SSL *ssl;
    int fd;
    nghttp2_session *session;
    struct response responses[STREAMS_MAX];
    int count, open;
    bool gone_away, ended;
    struct str body;
    size_t body_at;
    bool reads; /* it gives the windows back */
};

static SSL *connect_tls(const struct sockaddr_in *at)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int fd = connect_to(at);
    SSL *ssl = SSL_new(ctx);

    (void)fcntl(fd, F_SETFL, 0);
    (void)SSL_set_fd(ssl, fd);
    (void)SSL_set_tlsext_host_name(ssl, "lb.elb.localhost");
    (void)SSL_set_alpn_protos(ssl, (const unsigned char *)"\x02h2", 3);
    assert_int_equal(SSL_connect(ssl), 1);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    SSL_CTX_free(ctx);
    return ssl;
}

static ssize_t on_send(nghttp2_session *session, const uint8_t *at, size_t n, int flags, void *data)
{
    struct client *c = data;
    int r = SSL_write(c->ssl, at, (int)n);

    (void)session, (void)flags;
    if (r > 0)
        return r;
    return SSL_get_error(c->ssl, r) == SSL_ERROR_WANT_WRITE ? NGHTTP2_ERR_WOULDBLOCK
                                                            : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static struct response *response_of(struct client *c, int32_t id)
{
    for (int i = 0; i < c->count; i++)
        if (c->responses[i].id == id)
            return &c->responses[i];
    return NULL;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags, void *data)
{
    struct response *r = response_of(data, frame->hd.stream_id);

    (void)session, (void)flags;
    buf_printf(&r->head, "%.*s: %.*s\n", (int)name_n, name, (int)value_n, value);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *at, size_t n,
                   void *data)
{
    struct client *c = data;

    (void)flags;
    buf_add(&response_of(c, id)->body, str_n((const char *)at, n));
    if (c->reads)
        (void)nghttp2_session_consume(session, id, n);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t error, void *data)
{
    struct client *c = data;
    struct response *r = response_of(c, id);

    (void)session;
    r->closed = true;
    r->error = error;
    c->open--;
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    struct client *c = data;

    (void)session;
    c->gone_away |= frame->hd.type == NGHTTP2_GOAWAY;
    return 0;
}

static ssize_t on_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t most,
                       uint32_t *flags, nghttp2_data_source *source, void *data)
{
    struct client *c = data;
    struct str left = str_first(str_from(c->body, c->body_at), most);

    (void)session, (void)id, (void)source;
    if (left.n > 0)
        memcpy(to, left.at, left.n);
    c->body_at += left.n;
    if (c->body_at == c->body.n)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)left.n;
}

static void open_client(struct client *c, struct town *t)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;

    *c = (struct client){.ssl = connect_tls(&t->w.front_tls), .reads = true};
    c->fd = SSL_get_fd(c->ssl);
    (void)nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    (void)nghttp2_option_new(&options);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_no_http_messaging(options, 1);
    (void)nghttp2_session_client_new2(&c->session, callbacks, c, options);
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(callbacks);
    (void)nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, NULL, 0);
}

static void close_client(struct client *c)
{
    nghttp2_session_del(c->session);
    for (int i = 0; i < c->count; i++) {
        buf_free(&c->responses[i].head);
        buf_free(&c->responses[i].body);
    }
    SSL_free(c->ssl);
    (void)close(c->fd);
    ERR_clear_error();
}

/* @fields: "name: value\n" lines behind the pseudo fields. */
static struct response *ask(struct client *c, const char *method, const char *path,
                            const char *fields, bool with_body)
{
    struct response *r = &c->responses[c->count++];
    nghttp2_data_provider body = {.read_callback = on_body};
    nghttp2_nv nv[80];
    struct str rest = str_c(fields), line;
    size_t n = 0;
#define FIELD(name_, value_)                                           \
    nv[n++] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)(name_).at,   \
                           .namelen = (name_).n,                       \
                           .value = (uint8_t *)(uintptr_t)(value_).at, \
                           .valuelen = (value_).n}

    FIELD(S(":method"), str_c(method));
    FIELD(S(":scheme"), S("https"));
    FIELD(S(":path"), str_c(path));
    while (str_next(&rest, '\n', &line)) {
        size_t colon = str_chr(str_from(line, 1), ':') + 1;
        struct str name = str_first(line, colon), value = str_trim(str_from(line, colon + 1));

        FIELD(name, value);
    }
    *r = (struct response){.head = buf_init(TEXT_MAX), .body = buf_init(TEXT_MAX)};
    c->open++;
    r->id = nghttp2_submit_request(c->session, NULL, nv, n, with_body ? &body : NULL, NULL);
    assert_true(r->id > 0);
    return r;
}

static void read_client(struct client *c)
{
    char room[16384];
    int n;

    while ((n = SSL_read(c->ssl, room, sizeof room)) > 0)
        (void)nghttp2_session_mem_recv(c->session, (const uint8_t *)room, (size_t)n);
    if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ)
        c->ended = true;
    ERR_clear_error();
}

/* --- the target ------------------------------------------------------------------------------- */

/* A whole HTTP/1.1 request, by its framing. */
static bool is_whole(struct str s)
{
    size_t end = str_find(s, S("\r\n\r\n")), length = str_find(s, S("\r\nContent-Length: "));

    if (end == STR_NONE)
        return false;
    if (str_find(s, S("\r\nTransfer-Encoding: chunked")) < end)
        return str_ends(s, S("0\r\n\r\n"));
    if (length < end) {
        int64_t n = 0;
        struct str value = str_from(s, length + 18);

        (void)str_to_int(str_first(value, str_chr(value, '\r')), &n);
        return s.n == end + 4 + (size_t)n;
    }
    return s.n == end + 4;
}

/* Each whole request gets @reply; the last one is left in at_target[i] for the test. */
static void serve(struct town *t, const char *reply, struct buf *ret_requests)
{
    int fd = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        t->at_target[t->target_count] = buf_init(TEXT_MAX);
        t->targets[t->target_count++] = fd;
    }
    for (int i = 0; i < t->target_count; i++) {
        char room[65536];
        ssize_t n = recv(t->targets[i], room, sizeof room, 0);

        if (n > 0)
            buf_add(&t->at_target[i], str_n(room, (size_t)n));
        if (!is_whole(buf_str(&t->at_target[i])))
            continue;
        buf_add(ret_requests, buf_str(&t->at_target[i]));
        buf_reset(&t->at_target[i]);
        send_all(t->targets[i], str_c(reply));
    }
}

/* Until every stream is closed, or the connection is. */
static void play(struct town *t, struct client *c, const char *reply, struct buf *requests)
{
    int64_t until = clock_steady_us() + PATIENCE_MS * 1000;

    while (c->open > 0 && !c->ended && clock_steady_us() < until) {
        struct pollfd fds[STREAMS_MAX + 2] = {
            {.fd = c->fd,       .events = POLLIN},
            {.fd = t->listener, .events = POLLIN}
        };

        for (int i = 0; i < t->target_count; i++)
            fds[i + 2] = (struct pollfd){.fd = t->targets[i], .events = POLLIN};
        (void)nghttp2_session_send(c->session);
        (void)poll(fds, (nfds_t)t->target_count + 2, 5);
        read_client(c);
        serve(t, reply, requests);
    }
}

/* --- requests and responses ------------------------------------------------------------------- */

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static const struct {
    const char *label, *method, *path, *fields;
    const char *body;   /* NULL: none */
    const char *target; /* a part of what the target must get; NULL: nothing */
    const char *reply;
    const char *head;   /* a part of the response's head */
    const char *answer; /* its body */
} cases[] = {
    {"a GET",                                                  "GET",   "/a?b=c", ":authority: lb.elb.localhost\nx-own: 1\n",  NULL,
     "GET /a?b=c HTTP/1.1\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n"
     "X-Forwarded-Port: 443\r\nHost: lb.elb.localhost\r\n",                                                                                                        OK_REPLY,                          ":status: 200\n",                     "ok"   },
    {"names stay lower case",                                  "GET",   "/",      ":authority: a\nx-own: 1\n",                 NULL,    "\r\nx-own: 1\r\n",
     OK_REPLY,                                                                                                                                                                                        ":status: 200\n",                     "ok"   },
    {"a Host field will do",                                   "GET",   "/",      "host: a.example\n",                         NULL,    "\r\nHost: a.example\r\n",
     OK_REPLY,                                                                                                                                                                                        ":status: 200\n",                     "ok"   },
    {"cookies are joined",                                     "GET",   "/",      ":authority: a\ncookie: a=b\ncookie: c=d\n", NULL,
     "\r\ncookie: a=b; c=d\r\n",                                                                                                                                   OK_REPLY,                          ":status: 200\n",                     "ok"   },
    {"a body of known length keeps it",                        "POST",  "/",      ":authority: a\ncontent-length: 5\n",        "hello",
     "\r\nContent-Length: 5\r\n",                                                                                                                                  OK_REPLY,                          ":status: 200\n",                     "ok"   },
    {"another one is sent in chunks",                          "POST",  "/",      ":authority: a\n",                           "hello",
     "\r\nTransfer-Encoding: chunked\r\n",                                                                                                                         OK_REPLY,                          ":status: 200\n",                     "ok"   },
    {"response names become lower case, hop-by-hop fields go", "GET",   "/",      ":authority: a\n",                           NULL,
     "GET /",                                                                                                                                                      "HTTP/1.1 404 Nope\r\nX-Thing: Yes\r\nKeep-Alive: 5\r\nConnection: keep-alive\r\n"
     "Content-Length: 0\r\n\r\n",                                                                                                                                                        "content-length: 0\nx-thing: Yes\n",  ""     },
    {"chunks become frames",                                   "GET",   "/",      ":authority: a\n",                           NULL,    "GET /",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",                                                                                                         ":status: 200\n",                     "abcde"},
    {"HEAD has no body",                                       "HEAD",  "/",      ":authority: a\n",                           NULL,    "HEAD /",
     "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n",                                                                                                                                                 "content-length: 20\n",               ""     },
    {"204 neither",                                            "GET",   "/",      ":authority: a\n",                           NULL,    "GET /",                   "HTTP/1.1 204 No Content\r\n\r\n",
     ":status: 204\n",                                                                                                                                                                                                                      ""     },
    {"a method that we refuse",                                "TRACE", "/",      ":authority: a\n",                           NULL,    NULL,                      "",
     ":status: 405\nserver: awselb/2.0\n",                                                                                                                                                                                                  "<html>\r\n<head><title>405 Not Allowed</title></head>\r\n<body>\r\n"
     "<center><h1>405 Not Allowed</h1></center>\r\n</body>\r\n</html>\r\n"                                                                                                                               },
    {"a target that talks nonsense",                           "HEAD",  "/",      ":authority: a\n",                           NULL,    "HEAD /",
     "nonsense\r\n\r\n",                                                                                                                                                                              ":status: 502\nserver: awselb/2.0\n", ""     },
};

TEST(requests_and_responses)
{
    CASE_EACH(c, cases) {
        struct town t = {0};
        struct client client;
        struct buf requests = buf_init(TEXT_MAX);
        struct response *r;

        open_town(&t, rules_forward);
        open_client(&client, &t);
        client.body = str_c(c->body);
        r = ask(&client, c->method, c->path, c->fields, c->body != NULL);
        play(&t, &client, c->reply, &requests);
        CHECK(c->label, r->closed && r->error == 0);
        if (c->target == NULL)
            CHECK_STR(c->label, buf_str(&requests), S(""));
        else
            CHECK(c->label, str_find(buf_str(&requests), str_c(c->target)) != STR_NONE);
        if (str_find(buf_str(&r->head), str_c(c->head)) == STR_NONE)
            CHECK_STR(c->label, buf_str(&r->head), str_c(c->head));
        CHECK_STR(c->label, buf_str(&r->body), str_c(c->answer));
        CHECK(c->label, !client.gone_away);
        buf_free(&requests);
        close_client(&client);
        close_town(&t);
    }
}

TEST(many_streams_at_once)
{
    struct town t = {0};
    struct client client;
    struct buf requests = buf_init(TEXT_MAX);

    open_town(&t, rules_forward);
    open_client(&client, &t);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++)
            (void)ask(&client, "GET", "/", ":authority: a\n", false);
        play(&t, &client, OK_REPLY, &requests);
        CHECK("all are answered", client.open == 0);
    }
    for (int i = 0; i < client.count; i++)
        CHECK_STR("each with its own answer", buf_str(&client.responses[i].body), S("ok"));
    CHECK("targets' connections are used again", t.target_count <= 20);
    buf_free(&requests);
    close_client(&client);
    close_town(&t);
}

enum { BIG = 2 << 20 };

/* Bodies larger than every window, both ways; a client that gives no window back gets no more than
 * its window, and nothing of it is lost. */
TEST(windows_are_kept)
{
    struct town t = {0};
    struct client client;
    struct buf requests = buf_init(TEXT_MAX), reply = buf_init(TEXT_MAX);
    char *body = test_calloc(BIG + 1, 1);
    struct response *r;

    memset(body, 'x', BIG);
    buf_printf(&reply, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", BIG, body);
    buf_char(&reply, '\0');
    open_town(&t, rules_forward);
    open_client(&client, &t);
    client.body = str_n(body, BIG);
    r = ask(&client, "POST", "/", ":authority: a\n", true);
    play(&t, &client, OK_REPLY, &requests);
    CHECK("a big request comes through", r->closed && requests.n > BIG);
    client.reads = false;
    r = ask(&client, "GET", "/", ":authority: a\n", false);
    play(&t, &client, reply.at, &requests);
    CHECK("only the window was sent", !r->closed && r->body.n > 65000 && r->body.n <= 65535);
    client.reads = true;
    (void)nghttp2_session_consume(client.session, r->id, r->body.n);
    play(&t, &client, reply.at, &requests);
    CHECK("the rest follows", r->closed && r->body.n == BIG);
    buf_free(&requests);
    buf_free(&reply);
    test_free(body);
    close_client(&client);
    close_town(&t);
}

TEST(a_client_may_give_up_a_stream)
{
    struct town t = {0};
    struct client client;
    struct buf requests = buf_init(TEXT_MAX);
    struct response *first, *second;

    open_town(&t, rules_forward);
    open_client(&client, &t);
    first = ask(&client, "GET", "/one", ":authority: a\n", false);
    (void)nghttp2_session_send(client.session);
    t.targets[t.target_count++] = accept_one(t.listener); /* it says nothing */
    t.at_target[0] = buf_init(TEXT_MAX);
    (void)nghttp2_submit_rst_stream(client.session, NGHTTP2_FLAG_NONE, first->id, NGHTTP2_CANCEL);
    second = ask(&client, "GET", "/two", ":authority: a\n", false);
    play(&t, &client, OK_REPLY, &requests);
    CHECK("the other one goes on", second->closed && second->error == 0);
    CHECK_STR("and is answered", buf_str(&second->body), S("ok"));
    buf_free(&requests);
    close_client(&client);
    close_town(&t);
}

TEST(a_long_field_ends_the_connection)
{
    struct town t = {0};
    struct client client;
    struct buf requests = buf_init(TEXT_MAX), fields = buf_init(TEXT_MAX);

    open_town(&t, rules_forward);
    open_client(&client, &t);
    buf_add(&fields, S(":authority: a\nx-long: "));
    for (int i = 0; i < 9000; i++)
        buf_char(&fields, 'y');
    buf_char(&fields, '\0');
    (void)ask(&client, "GET", "/", fields.at, false);
    play(&t, &client, OK_REPLY, &requests);
    CHECK("GOAWAY", client.gone_away);
    CHECK("no request came through", requests.n == 0);
    buf_free(&requests);
    buf_free(&fields);
    close_client(&client);
    close_town(&t);
}

/* --- frames that are wrong -------------------------------------------------------------------- */

#define PREFACE  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS "\0\0\0\x04\0\0\0\0\0"

enum wrong_end { ENDS_SILENTLY, GOES_AWAY, RESETS };

static const struct {
    const char *label;
    struct str bytes;
    enum wrong_end end;
    uint32_t error;
} wrong[] = {
    {"no preface",                   STR_INIT("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),                       ENDS_SILENTLY, 0                         },
    {"a preface without SETTINGS",
     STR_INIT(PREFACE "\0\0\x08\x06\0\0\0\0\0"
                      "12345678"),
     GOES_AWAY,                                                                                                          NGHTTP2_PROTOCOL_ERROR    },
    {"DATA on no stream",            STR_INIT(PREFACE SETTINGS "\0\0\x01\0\0\0\0\0\0x"),                  GOES_AWAY,
     NGHTTP2_PROTOCOL_ERROR                                                                                                                        },
    {"DATA on an idle stream",       STR_INIT(PREFACE SETTINGS "\0\0\x01\0\0\0\0\0\x05x"),                GOES_AWAY,
     NGHTTP2_PROTOCOL_ERROR                                                                                                                        },
    {"HEADERS on an even stream",
     STR_INIT(PREFACE SETTINGS "\0\0\x06\x01\x05\0\0\0\x02\x82\x87\x84\x41\x01"
                               "a"),
     GOES_AWAY,                                                                                                          NGHTTP2_PROTOCOL_ERROR    },
    {"a frame that is too large",    STR_INIT(PREFACE SETTINGS "\x01\0\0\x06\0\0\0\0\0"),                 GOES_AWAY,
     NGHTTP2_FRAME_SIZE_ERROR                                                                                                                      },
    {"a PING of the wrong size",     STR_INIT(PREFACE SETTINGS "\0\0\x01\x06\0\0\0\0\0x"),                GOES_AWAY,
     NGHTTP2_FRAME_SIZE_ERROR                                                                                                                      },
    {"compression that is none",     STR_INIT(PREFACE SETTINGS "\0\0\x02\x01\x05\0\0\0\x01\xff\xff"),
     GOES_AWAY,                                                                                                          NGHTTP2_COMPRESSION_ERROR },
    {"a WINDOW_UPDATE of nothing",   STR_INIT(PREFACE SETTINGS "\0\0\x04\x08\0\0\0\0\0\0\0\0\0"),
     GOES_AWAY,                                                                                                          NGHTTP2_PROTOCOL_ERROR    },
    {"a window beyond 2^31",         STR_INIT(PREFACE SETTINGS "\0\0\x04\x08\0\0\0\0\0\x7f\xff\xff\xff"),
     GOES_AWAY,                                                                                                          NGHTTP2_FLOW_CONTROL_ERROR},
    {"a PUSH_PROMISE from a client",
     STR_INIT(PREFACE SETTINGS "\0\0\x04\x05\x04\0\0\0\x01\0\0\0\x02"),                                   GOES_AWAY,
     NGHTTP2_PROTOCOL_ERROR                                                                                                                        },
    {"CONTINUATION without HEADERS", STR_INIT(PREFACE SETTINGS "\0\0\0\x09\x04\0\0\0\x01"),
     GOES_AWAY,                                                                                                          NGHTTP2_PROTOCOL_ERROR    },
    {"no :path",
     STR_INIT(PREFACE SETTINGS "\0\0\x05\x01\x05\0\0\0\x01\x82\x87\x41\x01"
                               "a"),
     RESETS,                                                                                                             NGHTTP2_PROTOCOL_ERROR    },
    {"neither :authority nor Host",
     STR_INIT(PREFACE SETTINGS "\0\0\x03\x01\x05\0\0\0\x01\x82\x87\x84"),                                 RESETS,
     NGHTTP2_PROTOCOL_ERROR                                                                                                                        },
    {"an upper-case name",
     STR_INIT(PREFACE SETTINGS "\0\0\x0b\x01\x05\0\0\0\x01\x82\x87\x84\x41\x01"
                               "a\x40\x01X\x01"
                               "y"),
     RESETS,                                                                                                             NGHTTP2_PROTOCOL_ERROR    },
    {"a Connection field",
     STR_INIT(PREFACE SETTINGS "\0\0\x14\x01\x05\0\0\0\x01\x82\x87\x84\x41\x01"
                               "a\x40\x0a"
                               "connection\x01"
                               "x"),
     RESETS,                                                                                                             NGHTTP2_PROTOCOL_ERROR    },
};

/* Reads frames until one ends the stream or the connection. */
static void find_end(SSL *ssl, enum wrong_end *ret_end, uint32_t *ret_error)
{
    uint8_t room[4096];
    size_t have = 0, at = 0;
    int n;

    *ret_end = ENDS_SILENTLY;
    while ((n = SSL_read(ssl, room + have, (int)(sizeof room - have))) > 0) {
        have += (size_t)n;
        while (have - at >= 9) {
            size_t length = (size_t)room[at] << 16 | (size_t)room[at + 1] << 8 | room[at + 2];
            const uint8_t *code = room + at + 9 + (room[at + 3] == 7 ? 4 : 0);

            if (have - at < 9 + length)
                break;
            if (room[at + 3] == 7 || room[at + 3] == 3) {
                *ret_end = room[at + 3] == 7 ? GOES_AWAY : RESETS;
                *ret_error = (uint32_t)code[0] << 24 | (uint32_t)code[1] << 16 |
                             (uint32_t)code[2] << 8 | code[3];
                return;
            }
            at += 9 + length;
        }
    }
    ERR_clear_error();
}

TEST(wrong_frames)
{
    struct town t = {0};

    open_town(&t, rules_forward);
    CASE_EACH(c, wrong) {
        struct timeval patience = {.tv_sec = 2};
        SSL *ssl = connect_tls(&t.w.front_tls);
        enum wrong_end end;
        uint32_t error = 0;
        int fd = SSL_get_fd(ssl);

        (void)fcntl(fd, F_SETFL, 0);
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        assert_int_equal(SSL_write(ssl, c->bytes.at, (int)c->bytes.n), c->bytes.n);
        find_end(ssl, &end, &error);
        CHECK(c->label, end == c->end);
        CHECK(c->label, error == c->error);
        SSL_free(ssl);
        (void)close(fd);
    }
    close_town(&t);
}

/* --- targets that speak HTTP/2 ---------------------------------------------------------------- */

/* A target over nghttp2's server: it notes what it gets and answers with a body and trailers. */
struct h2_target {
    int fd;
    nghttp2_session *session;
    struct buf got; /* "name: value\n", then the body */
    bool reset;     /* it gives every stream up */
    int requests;
};

static ssize_t on_target_send(nghttp2_session *session, const uint8_t *at, size_t n, int flags,
                              void *data)
{
    struct h2_target *t = data;

    (void)session, (void)flags;
    send_all(t->fd, str_n((const char *)at, n));
    return (ssize_t)n;
}

static int on_target_header(nghttp2_session *session, const nghttp2_frame *frame,
                            const uint8_t *name, size_t name_n, const uint8_t *value,
                            size_t value_n, uint8_t flags, void *data)
{
    struct h2_target *t = data;

    (void)session, (void)frame, (void)flags;
    buf_printf(&t->got, "%.*s: %.*s\n", (int)name_n, name, (int)value_n, value);
    return 0;
}

static int on_target_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *at,
                          size_t n, void *data)
{
    struct h2_target *t = data;

    (void)session, (void)flags, (void)id;
    buf_add(&t->got, str_n((const char *)at, n));
    return 0;
}

static ssize_t on_target_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t most,
                              uint32_t *flags, nghttp2_data_source *source, void *data)
{
    nghttp2_nv trailer = {.name = (uint8_t *)(uintptr_t) "grpc-status",
                          .namelen = 11,
                          .value = (uint8_t *)(uintptr_t) "0",
                          .valuelen = 1};

    (void)source, (void)data, (void)most;
    memcpy(to, "reply", 5);
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    (void)nghttp2_submit_trailer(session, id, &trailer, 1);
    return 5;
}

static int on_target_frame(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    nghttp2_data_provider body = {.read_callback = on_target_body};
    nghttp2_nv fields[] = {
        {(uint8_t *)(uintptr_t) ":status",      (uint8_t *)(uintptr_t) "200",              7,  3,  0},
        {(uint8_t *)(uintptr_t) "content-type", (uint8_t *)(uintptr_t) "application/grpc", 12, 16,
         0                                                                                          },
    };
    struct h2_target *t = data;

    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0 || frame->hd.stream_id == 0)
        return 0;
    t->requests++;
    if (t->reset)
        (void)nghttp2_submit_rst_stream(session, 0, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
    else
        (void)nghttp2_submit_response(session, frame->hd.stream_id, fields, 2, &body);
    return 0;
}

static void open_target(struct h2_target *t)
{
    nghttp2_session_callbacks *callbacks;

    t->fd = -1;
    t->got = buf_init(TEXT_MAX);
    (void)nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_send_callback(callbacks, on_target_send);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_target_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_target_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_target_frame);
    (void)nghttp2_session_server_new(&t->session, callbacks, t);
    nghttp2_session_callbacks_del(callbacks);
    (void)nghttp2_submit_settings(t->session, NGHTTP2_FLAG_NONE, NULL, 0);
}

static void close_target(struct h2_target *t)
{
    nghttp2_session_del(t->session);
    buf_free(&t->got);
    if (t->fd >= 0)
        (void)close(t->fd);
}

static void play_h2(struct town *t, struct client *c, struct h2_target *target)
{
    int64_t until = clock_steady_us() + PATIENCE_MS * 1000;

    while (c->open > 0 && !c->ended && clock_steady_us() < until) {
        struct pollfd fds[] = {
            {.fd = c->fd,                                     .events = POLLIN},
            {.fd = target->fd < 0 ? t->listener : target->fd, .events = POLLIN},
        };
        char room[16384];
        ssize_t n;

        (void)nghttp2_session_send(c->session);
        (void)poll(fds, 2, 5);
        read_client(c);
        if (target->fd < 0)
            target->fd = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        while (target->fd >= 0 && (n = recv(target->fd, room, sizeof room, 0)) > 0)
            (void)nghttp2_session_mem_recv(target->session, (const uint8_t *)room, (size_t)n);
        if (target->fd >= 0)
            (void)nghttp2_session_send(target->session);
    }
}

static void rules_grpc(struct dp_balancer *b)
{
    rules_forward(b);
    b->groups[0].version = DP_GRPC;
}

TEST(targets_may_speak_http2)
{
    static const char fields[] = ":authority: a\ncontent-type: application/grpc\nte: trailers\n";
    struct h2_target target = {0};
    struct town t = {0};
    struct client client;
    struct response *r;

    open_town(&t, rules_grpc);
    open_client(&client, &t);
    open_target(&target);
    for (int i = 0; i < 3; i++) {
        client.body = S("message");
        client.body_at = 0;
        buf_reset(&target.got);
        r = ask(&client, "POST", "/shop.Cart/Add", fields, true);
        play_h2(&t, &client, &target);
        CHECK("answered", r->closed && r->error == 0);
        CHECK_STR("its body", buf_str(&r->body), S("reply"));
        CHECK("its trailers", str_find(buf_str(&r->head), S("\ngrpc-status: 0\n")) != STR_NONE);
        CHECK("the path", str_find(buf_str(&target.got), S(":path: /shop.Cart/Add\n")) != STR_NONE);
        CHECK("the host", str_find(buf_str(&target.got), S(":authority: a\n")) != STR_NONE);
        CHECK("who asks",
              str_find(buf_str(&target.got), S("x-forwarded-proto: https\n")) != STR_NONE);
        CHECK("trailers are welcome",
              str_find(buf_str(&target.got), S("te: trailers\n")) != STR_NONE);
        CHECK("the message", str_ends(buf_str(&target.got), S("message")));
    }
    CHECK("over one connection", target.requests == 3);
    target.reset = true;
    client.body_at = 0;
    r = ask(&client, "POST", "/", fields, true);
    play_h2(&t, &client, &target);
    CHECK("a target that gives up is a bad gateway",
          str_starts(buf_str(&r->head), S(":status: 502\n")));
    r = ask(&client, "GET", "/", ":authority: a\n", false);
    play_h2(&t, &client, &target);
    CHECK("GET is no gRPC", str_starts(buf_str(&r->head), S(":status: 464\n")));
    close_target(&target);
    close_client(&client);
    close_town(&t);
}

static void on_health(struct world *w, const struct dp_health_report *r)
{
    *(enum dp_target_state *)w->data = r->state;
}

/* The target answers every call with grpc-status 0. */
TEST(health_checks_speak_grpc)
{
    static const struct {
        const char *label;
        uint16_t accepted;
        enum dp_target_state want;
    } checks[] = {
        {"the status that is wanted", 0,  DP_TARGET_HEALTHY  },
        {"another one",               12, DP_TARGET_UNHEALTHY},
    };

    CASE_EACH(c, checks) {
        enum dp_target_state state = DP_TARGET_INITIAL;
        struct world w = {.on_health = on_health, .data = &state};
        struct dp_code_range accepted = {c->accepted, c->accepted};
        struct h2_target target = {0};
        uint16_t port;
        int listener = open_listener(&port);
        struct dp_balancer *b = world_balancer(port);
        int64_t until = clock_steady_us() + PATIENCE_MS * 1000;

        rules_forward(b);
        b->groups[0].version = DP_GRPC;
        b->groups[0].targets[0].state = DP_TARGET_INITIAL;
        b->groups[0].targets[0].health_at = b->groups[0].targets[0].at;
        b->groups[0].health = (struct dp_health_settings){.enabled = true,
                                                          .interval_ms = 5000,
                                                          .timeout_ms = 2000,
                                                          .healthy_threshold = 2,
                                                          .unhealthy_threshold = 1,
                                                          .path = S("/AWS.ALB/healthcheck"),
                                                          .matcher = &accepted,
                                                          .matcher_count = 1};
        dp_balancer_seal(b);
        world_start(&w, 1);
        world_put(&w, b);
        open_target(&target);
        target.fd = accept_one(listener);
        while (state == DP_TARGET_INITIAL && clock_steady_us() < until) {
            char room[4096];
            ssize_t n = recv(target.fd, room, sizeof room, 0);

            if (n > 0)
                (void)nghttp2_session_mem_recv(target.session, (const uint8_t *)room, (size_t)n);
            (void)nghttp2_session_send(target.session);
            (void)uv_run(&w.loop, UV_RUN_NOWAIT);
            (void)poll(NULL, 0, 1);
        }
        CHECK(c->label, state == c->want);
        CHECK("a gRPC call", str_find(buf_str(&target.got), S(":method: POST\n")) != STR_NONE);
        CHECK("of the path",
              str_find(buf_str(&target.got), S(":path: /AWS.ALB/healthcheck\n")) != STR_NONE);
        close_target(&target);
        (void)close(listener);
        world_end(&w);
    }
}

TEST_MAIN(T(requests_and_responses), T(many_streams_at_once), T(windows_are_kept),
          T(a_client_may_give_up_a_stream), T(a_long_field_ends_the_connection), T(wrong_frames),
          T(targets_may_speak_http2), T(health_checks_speak_grpc))
