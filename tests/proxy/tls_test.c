/* TLS listeners with real clients of OpenSSL: policies, names and certificates, the common door
 * and a load balancer's own, targets that speak HTTPS.
 * Source: Application Load Balancers User Guide, "Create an HTTPS listener". */
#include "scenario.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "dataplane/dp_tls.h"
#include "net/ca.h"

/* --- certificates ----------------------------------------------------------------------------- */

struct shop {
    struct arena arena;
    struct clock clock;
    struct ca *ca;
};

static void open_shop(struct shop *s)
{
    clock_init(&s->clock);
    assert_int_equal(ca_new(&s->clock, S("Test CA"), &s->ca), 0);
}

static void close_shop(struct shop *s)
{
    ca_free(s->ca);
    arena_free(&s->arena);
}

static struct dp_certificate_pem elliptic(struct shop *s, const char *name)
{
    struct str names[] = {str_c(name)};
    struct ca_request request = {.common_name = names[0], .names = names, .name_count = 1};
    struct dp_certificate_pem pem = {.arn = arena_printf(&s->arena, "ec:%s", name)};
    struct certificate *c = NULL;

    assert_int_equal(ca_issue(s->ca, &s->clock, &request, &c), 0);
    pem.chain = certificate_chain_pem(c, &s->arena);
    pem.key = certificate_key_pem(c, &s->arena);
    certificate_free(c);
    return pem;
}

static struct str bio_text(struct arena *a, BIO *bio)
{
    char *at;
    long n = BIO_get_mem_data(bio, &at);
    struct str copy = arena_str(a, str_n(at, (size_t)n));

    BIO_free(bio);
    return copy;
}

/* Signed by itself. */
static struct dp_certificate_pem rsa(struct shop *s, const char *name, int days)
{
    struct dp_certificate_pem pem = {.arn = arena_printf(&s->arena, "rsa:%s:%d", name, days)};
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *c = X509_new();
    BIO *chain = BIO_new(BIO_s_mem()), *text = BIO_new(BIO_s_mem());

    (void)X509_gmtime_adj(X509_getm_notBefore(c), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(c), days * 86400L);
    (void)X509_set_pubkey(c, key);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                                     (const unsigned char *)name, -1, -1, 0);
    (void)X509_sign(c, key, EVP_sha256());
    (void)PEM_write_bio_X509(chain, c);
    (void)PEM_write_bio_PrivateKey(text, key, NULL, NULL, 0, NULL, NULL);
    pem.chain = bio_text(&s->arena, chain);
    pem.key = bio_text(&s->arena, text);
    X509_free(c);
    EVP_PKEY_free(key);
    return pem;
}

/* --- clients ---------------------------------------------------------------------------------- */

struct ask {
    const char *name; /* SNI; NULL: none */
    int lowest, highest;
    const char *ciphers; /* of TLS 1.2 and before; NULL: OpenSSL's */
    const char *alpn;    /* in wire form; NULL: none */
    const struct certificate *own;
};

/* A blocking client; NULL when the handshake fails. */
static SSL *shake(const struct sockaddr_in *at, const struct ask *ask)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    struct timeval patience = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL *ssl;

    (void)SSL_CTX_set_min_proto_version(ctx, ask->lowest > 0 ? ask->lowest : TLS1_VERSION);
    (void)SSL_CTX_set_max_proto_version(ctx, ask->highest);
    assert_int_equal(
        SSL_CTX_set_cipher_list(ctx, ask->ciphers != NULL ? ask->ciphers : "ALL:@SECLEVEL=0"), 1);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (const struct sockaddr *)at, sizeof *at), 0);
    if (ask->own != NULL) {
        assert_int_equal(SSL_CTX_use_certificate(ctx, ask->own->leaf), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(ctx, ask->own->key), 1);
    }
    ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    (void)SSL_set_fd(ssl, fd);
    if (ask->name != NULL)
        (void)SSL_set_tlsext_host_name(ssl, ask->name);
    if (ask->alpn != NULL)
        (void)SSL_set_alpn_protos(ssl, (const unsigned char *)ask->alpn,
                                  (unsigned)strlen(ask->alpn));
    if (SSL_connect(ssl) == 1)
        return ssl;
    ERR_clear_error();
    (void)close(fd);
    SSL_free(ssl);
    return NULL;
}

static void hang_up(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);

    (void)SSL_shutdown(ssl);
    SSL_free(ssl);
    (void)close(fd);
}

static size_t read_all(SSL *ssl, char *room, size_t n)
{
    size_t have = 0;

    while (have < n) {
        int got = SSL_read(ssl, room + have, (int)(n - have));

        if (got <= 0)
            break;
        have += (size_t)got;
    }
    ERR_clear_error();
    return have;
}

/* --- worlds ----------------------------------------------------------------------------------- */

static void add_tls(struct shop *s, struct dp_balancer *b, const char *policy,
                    const struct dp_certificate_pem *certificates, size_t n)
{
    struct dp_tls_options o = {
        .policy = str_c(policy), .certificates = certificates, .certificate_count = n};
    struct str why;

    b->listeners[0].port = 443;
    b->listeners[0].protocol = DP_HTTPS;
    assert_int_equal(dp_tls_new(&s->arena, &o, &b->listeners[0].tls, &why), 0);
}

static struct dp_balancer *secured(struct shop *s, uint16_t port, const char *policy,
                                   const struct dp_certificate_pem *certificates, size_t n)
{
    struct dp_balancer *b = world_balancer(port);

    rules_forward(b);
    add_tls(s, b, policy, certificates, n);
    return b;
}

#define POLICY "ELBSecurityPolicy-"

/* Source: Application Load Balancers User Guide, "Security policies". */
static const struct {
    const char *label, *policy;
    int lowest, highest;
    const char *ciphers;
    bool rsa_only;                /* the listener's certificate */
    const char *version, *cipher; /* NULL: no handshake */
} policy_cases[] = {
    {"the default refuses TLS 1.3 alone",                 POLICY "2016-08",               TLS1_3_VERSION, TLS1_3_VERSION, NULL,
     false,                                                                                                                                           NULL,      NULL                       },
    {"the default falls to 1.2",                          POLICY "2016-08",               0,              0,              NULL,                false, "TLSv1.2",
     "ECDHE-ECDSA-AES128-GCM-SHA256"                                                                                                                                                        },
    {"an unknown policy is the default",                  "nonsense",                     0,              0,              NULL,                false, "TLSv1.2",
     "ECDHE-ECDSA-AES128-GCM-SHA256"                                                                                                                                                        },
    {"the server's order counts",                         POLICY "2016-08",               0,              0,
     "ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-GCM-SHA256",                                                                                       true,  "TLSv1.2",
     "ECDHE-RSA-AES128-GCM-SHA256"                                                                                                                                                          },
    {"the default takes TLS 1.0",                         POLICY "2016-08",               0,              TLS1_VERSION,   "ALL:@SECLEVEL=0",   true,
     "TLSv1",                                                                                                                                                    "ECDHE-RSA-AES128-SHA"     },
    {"1.1 is too old for a 1.2 policy",                   POLICY "TLS-1-2-2017-01",       0,              TLS1_1_VERSION,
     "ALL:@SECLEVEL=0",                                                                                                                        true,  NULL,      NULL                       },
    {"a policy without SHA-1 refuses SHA-1",              POLICY "TLS-1-2-2017-01",       0,              TLS1_2_VERSION,
     "ECDHE-RSA-AES128-SHA",                                                                                                                   true,  NULL,      NULL                       },
    {"a forward secrecy policy refuses RSA key exchange", POLICY "FS-1-2-2019-08",        0,
     TLS1_2_VERSION,                                                                                                      "AES128-GCM-SHA256", true,  NULL,      NULL                       },
    {"another one takes it",                              POLICY "TLS-1-2-Ext-2018-06",   0,              TLS1_2_VERSION, "AES128-GCM-SHA256",
     true,                                                                                                                                            "TLSv1.2", "AES128-GCM-SHA256"        },
    {"a TLS 1.3 policy speaks 1.3",                       POLICY "TLS13-1-2-2021-06",     0,              0,              NULL,                false, "TLSv1.3",
     "TLS_AES_128_GCM_SHA256"                                                                                                                                                               },
    {"and 1.2",                                           POLICY "TLS13-1-2-2021-06",     0,              TLS1_2_VERSION, NULL,                false, "TLSv1.2",
     "ECDHE-ECDSA-AES128-GCM-SHA256"                                                                                                                                                        },
    {"but not when it is 1.3 only",                       POLICY "TLS13-1-3-2021-06",     0,              TLS1_2_VERSION, NULL,                false,
     NULL,                                                                                                                                                       NULL                       },
    {"a restricted one refuses CBC",                      POLICY "TLS13-1-2-Res-2021-06", 0,              TLS1_2_VERSION,
     "ECDHE-ECDSA-AES128-SHA256",                                                                                                              false, NULL,      NULL                       },
    {"which a wider one takes",                           POLICY "TLS13-1-2-2021-06",     0,              TLS1_2_VERSION,
     "ECDHE-ECDSA-AES128-SHA256",                                                                                                              false, "TLSv1.2", "ECDHE-ECDSA-AES128-SHA256"},
};

TEST(policies_limit_versions_and_ciphers)
{
    struct world w = {0};
    struct shop s = {0};
    struct dp_certificate_pem ec, old;

    open_shop(&s);
    ec = elliptic(&s, "a.example.com");
    old = rsa(&s, "a.example.com", 30);
    world_start(&w, 1);
    CASE_EACH(c, policy_cases) {
        struct ask ask = {"a.example.com", c->lowest, c->highest, c->ciphers, NULL, NULL};
        struct dp_balancer *b = secured(&s, 1, c->policy, c->rsa_only ? &old : &ec, 1);
        SSL *ssl;

        dp_balancer_seal(b);
        world_put(&w, b);
        ssl = shake(&w.front_tls, &ask);
        CHECK(c->label, (ssl != NULL) == (c->version != NULL));
        if (ssl == NULL)
            continue;
        CHECK_STR(c->label, str_c(SSL_get_version(ssl)), str_c(c->version));
        CHECK_STR(c->label, str_c(SSL_get_cipher_name(ssl)), str_c(c->cipher));
        hang_up(ssl);
    }
    world_end(&w);
    close_shop(&s);
}

static const struct {
    const char *label, *name;
    const char *ciphers; /* with TLS 1.2; NULL: TLS 1.3 */
    size_t want;         /* which certificate */
} name_cases[] = {
    {"no name gets the default",          NULL,                   NULL,                          0},
    {"an unknown name too",               "nobody.example.org",   NULL,                          0},
    {"a name gets its own",               "b.example.com",        NULL,                          1},
    {"in any case",                       "B.Example.COM",        NULL,                          1},
    {"a wildcard takes one label",        "x.wild.example.com",   NULL,                          2},
    {"not two",                           "x.y.wild.example.com", NULL,                          0},
    {"and not none",                      "wild.example.com",     NULL,                          0},
    {"elliptic is better than RSA",       "both.example.com",     NULL,                          4},
    {"unless the client can't",           "both.example.com",     "ECDHE-RSA-AES128-GCM-SHA256", 3},
    {"of two alike the longer valid one", "long.example.com",     NULL,                          6},
};

TEST(names_choose_certificates)
{
    struct world w = {0};
    struct shop s = {0};
    struct dp_balancer *b;

    open_shop(&s);
    {
        struct dp_certificate_pem all[] = {
            elliptic(&s, "a.example.com"),      elliptic(&s, "b.example.com"),
            elliptic(&s, "*.wild.example.com"), rsa(&s, "both.example.com", 30),
            elliptic(&s, "both.example.com"),   rsa(&s, "long.example.com", 10),
            rsa(&s, "long.example.com", 300),
        };

        b = secured(&s, 1, POLICY "TLS13-1-2-Ext2-2021-06", all, ARRAY_LEN(all));
        dp_balancer_seal(b);
        world_start(&w, 1);
        world_put(&w, b);
        CASE_EACH(c, name_cases) {
            struct ask ask = {c->name,    0,    c->ciphers != NULL ? TLS1_2_VERSION : 0,
                              c->ciphers, NULL, NULL};
            BIO *in = BIO_new_mem_buf(all[c->want].chain.at, (int)all[c->want].chain.n);
            X509 *want = PEM_read_bio_X509(in, NULL, NULL, NULL);
            SSL *ssl = shake(&w.front_tls, &ask);

            CHECK(c->label, ssl != NULL);
            CHECK(c->label, X509_cmp(SSL_get0_peer_certificate(ssl), want) == 0);
            hang_up(ssl);
            X509_free(want);
            BIO_free(in);
        }
    }
    world_end(&w);
    close_shop(&s);
}

/* --- requests --------------------------------------------------------------------------------- */

static void answer_once(int target, const char *wanted_part, struct str reply)
{
    char room[4096];
    ssize_t n;

    for (int i = 0; i < 2000; i++) {
        n = recv(target, room, sizeof room, 0);
        if (n > 0)
            break;
        (void)poll(NULL, 0, 1);
    }
    CHECK("the target gets the request",
          n > 0 && str_find(str_n(room, (size_t)n), str_c(wanted_part)) != STR_NONE);
    send_all(target, reply);
}

TEST(requests_go_through)
{
    static const char request[] = "GET /x HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n";
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    struct ask ask = {.name = "lb.elb.localhost", .alpn = "\x02h2\x08http/1.1"};
    struct world w = {0};
    struct shop s = {0};
    struct dp_certificate_pem pem;
    struct dp_balancer *b;
    int listener, target = -1;
    uint16_t port;
    char room[512];
    SSL *ssl;

    open_shop(&s);
    pem = elliptic(&s, "lb.elb.localhost");
    listener = open_listener(&port);
    b = secured(&s, port, POLICY "TLS13-1-2-2021-06", &pem, 1);
    dp_balancer_seal(b);
    world_start(&w, 1);
    world_put(&w, b);
    ssl = shake(&w.front_tls, &ask);
    CHECK("the handshake", ssl != NULL);
    for (int i = 0; i < 3; i++) {
        size_t n = 0;

        assert_int_equal(SSL_write(ssl, request, sizeof request - 1), sizeof request - 1);
        if (target < 0)
            target = accept_one(listener);
        answer_once(target, "X-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n", str_c(reply));
        while (n < 4 || memcmp(room + n - 4, "\r\nok", 4) != 0)
            n += read_all(ssl, room + n, 1);
        CHECK("the answer is the target's", str_starts(str_n(room, n), S("HTTP/1.1 200 OK")));
    }
    {
        const unsigned char *chosen;
        unsigned n;

        SSL_get0_alpn_selected(ssl, &chosen, &n);
        CHECK_STR("http/1.1 by ALPN", str_n((const char *)chosen, n), S("http/1.1"));
    }
    hang_up(ssl);
    (void)close(target);
    (void)close(listener);
    world_end(&w);
    close_shop(&s);
}

enum { BIG = 3 << 20 };

TEST(big_bodies_stream_both_ways)
{
    struct ask ask = {.name = "lb.elb.localhost"};
    struct world w = {0};
    struct shop s = {0};
    struct dp_certificate_pem pem;
    struct dp_balancer *b;
    uint16_t port;
    int listener, target;
    struct buf head = buf_init(1024);
    char *body = test_calloc(BIG, 1), *back = test_calloc(BIG + 4096, 1);
    struct str got;
    SSL *ssl;

    for (size_t i = 0; i < BIG; i++)
        body[i] = (char)('a' + i * 7 % 26);
    open_shop(&s);
    pem = elliptic(&s, "lb.elb.localhost");
    listener = open_listener(&port);
    b = secured(&s, port, POLICY "TLS13-1-2-2021-06", &pem, 1);
    dp_balancer_seal(b);
    world_start(&w, 1);
    world_put(&w, b);
    ssl = shake(&w.front_tls, &ask);
    /* Neither kernel buffers nor ours hold so much: the target reads while the client writes. */
    buf_printf(&head, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", BIG);
    assert_int_equal(SSL_write(ssl, head.at, (int)head.n), head.n);
    target = accept_one(listener);
    for (size_t sent = 0, have = 0; have < BIG + 64;) {
        ssize_t n;

        if (sent < BIG) {
            int part = SSL_write(ssl, body + sent, 60000 < BIG - sent ? 60000 : (int)(BIG - sent));

            assert_true(part > 0);
            sent += (size_t)part;
        }
        while ((n = recv(target, back + have, BIG + 4096 - have, 0)) > 0)
            have += (size_t)n;
        if (sent == BIG && n < 0)
            (void)poll(&(struct pollfd){.fd = target, .events = POLLIN}, 1, 2000);
        if (sent == BIG && have > BIG)
            break;
    }
    buf_reset(&head);
    buf_printf(&head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BIG);
    send_all(target, buf_str(&head));
    {
        size_t sent = 0, have = 0;

        while (have < BIG) {
            ssize_t n = sent < BIG ? send(target, body + sent, BIG - sent, MSG_NOSIGNAL) : 0;
            int part;

            if (n > 0)
                sent += (size_t)n;
            part = SSL_read(ssl, back + have, (int)(BIG + 4096 - have));
            assert_true(part > 0);
            have += (size_t)part;
        }
        got = str_n(back, have);
    }
    got = str_from(got, str_find(got, S("\r\n\r\n")) + 4);
    CHECK("all of it came back unchanged", memcmp(got.at, body, got.n < BIG ? got.n : BIG) == 0);
    buf_free(&head);
    test_free(body);
    test_free(back);
    hang_up(ssl);
    (void)close(target);
    (void)close(listener);
    world_end(&w);
    close_shop(&s);
}

TEST(http_in_clear_is_told_so)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: lb.elb.localhost\r\n\r\n";
    struct world w = {0};
    struct shop s = {0};
    struct dp_certificate_pem pem;
    struct dp_balancer *b;
    char room[2048];
    size_t n;
    int fd;

    open_shop(&s);
    pem = elliptic(&s, "lb.elb.localhost");
    b = secured(&s, 1, POLICY "2016-08", &pem, 1);
    dp_balancer_seal(b);
    world_start(&w, 1);
    world_put(&w, b);
    fd = connect_to(&w.front_tls);
    send_all(fd, str_c(request));
    n = read_n(fd, room, sizeof room);
    CHECK("400",
          str_starts(str_n(room, n), S("HTTP/1.1 400 Bad Request\r\nServer: awselb/2.0\r\n")));
    CHECK("the reason",
          str_find(str_n(room, n), S("The plain HTTP request was sent to HTTPS port")) != STR_NONE);
    (void)close(fd);
    world_end(&w);
    close_shop(&s);
}

TEST(a_hello_may_come_in_pieces_and_nobody_hears_nonsense)
{
    struct world w = {0};
    struct shop s = {0};
    struct dp_certificate_pem pem;
    struct dp_balancer *b;
    char hello[2048], room[256];
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    int n, fd;

    open_shop(&s);
    pem = elliptic(&s, "lb.elb.localhost");
    b = secured(&s, 1, POLICY "TLS13-1-2-2021-06", &pem, 1);
    dp_balancer_seal(b);
    world_start(&w, 1);
    world_put(&w, b);
    SSL_set_bio(ssl, in, out);
    (void)SSL_set_tlsext_host_name(ssl, "lb.elb.localhost");
    (void)SSL_connect(ssl);
    n = BIO_read(out, hello, sizeof hello);
    fd = connect_to(&w.front_tls);
    for (int i = 0; i < n; i++)
        send_all(fd, str_n(hello + i, 1));
    CHECK("a server hello comes back", read_n(fd, room, 3) == 3 && room[0] == 0x16);
    (void)close(fd);
    fd = connect_to(&w.front_tls);
    send_all(fd, S("\x16\x03\x01\x00\x05hello"));
    CHECK("an alert, then the end", read_n(fd, room, sizeof room) == 7 && room[0] == 0x15);
    (void)close(fd);
    world_put(&w, NULL);
    fd = connect_to(&w.front_tls);
    send_all(fd, str_n(hello, (size_t)n));
    CHECK("a name that nobody has is refused",
          read_n(fd, room, sizeof room) == 7 && room[0] == 0x15 && room[6] == 112);
    (void)close(fd);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    world_end(&w);
    close_shop(&s);
}

/* The target's side of TLS, one connection, blocking. */
static void serve_tls(void *data)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    SSL *ssl = data;
    char room[2048];

    if (SSL_accept(ssl) == 1 && SSL_read(ssl, room, sizeof room) > 0)
        (void)SSL_write(ssl, reply, sizeof reply - 1);
}

TEST(targets_may_speak_tls)
{
    struct world w = {0};
    struct shop s = {0};
    struct dp_certificate_pem pem;
    struct dp_balancer *b = NULL;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    struct certificate *mine = NULL;
    int listener, client, target;
    uint16_t port;
    char room[512];
    uv_thread_t thread;
    SSL *ssl;

    open_shop(&s);
    pem = elliptic(&s, "whatever");
    assert_int_equal(certificate_load(pem.key, pem.chain, &mine), 0);
    assert_int_equal(SSL_CTX_use_certificate(ctx, mine->leaf), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, mine->key), 1);
    listener = open_listener(&port);
    b = world_balancer(port);
    rules_forward(b);
    b->groups[0].protocol = DP_HTTPS;
    dp_balancer_seal(b);
    world_start(&w, 1);
    world_put(&w, b);
    client = connect_to(&w.front);
    send_all(client, S("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    target = accept_one(listener);
    (void)fcntl(target, F_SETFL, 0);
    ssl = SSL_new(ctx);
    (void)SSL_set_fd(ssl, target);
    (void)uv_thread_create(&thread, serve_tls, ssl);
    CHECK("the answer came through TLS",
          read_n(client, room, 15) == 15 && str_eq(str_n(room, 15), S("HTTP/1.1 200 OK")));
    (void)uv_thread_join(&thread);
    (void)close(client);
    /* A target that speaks no TLS at all; the pooled connection is in use meanwhile or gone. */
    (void)close(target);
    (void)poll(NULL, 0, 50);
    client = connect_to(&w.front);
    send_all(client, S("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    target = accept_one(listener);
    send_all(target, S("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    CHECK("is a bad gateway",
          read_n(client, room, 12) == 12 && str_eq(str_n(room, 12), S("HTTP/1.1 502")));
    (void)close(client);
    (void)close(target);
    (void)close(listener);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    certificate_free(mine);
    world_end(&w);
    close_shop(&s);
}

/* --- mutual TLS ------------------------------------------------------------------------------- */

static struct certificate *client_of(struct shop *s, const struct ca *ca, int64_t days, bool client)
{
    struct str organizations[] = {S("Acme")};
    struct ca_request request = {.common_name = S("jane"),
                                 .organizations = organizations,
                                 .organization_count = 1,
                                 .days = days,
                                 .client = client};
    struct certificate *c = NULL;

    assert_int_equal(ca_issue(ca, &s->clock, &request, &c), 0);
    return c;
}

/* One request under TLS; whether the target got it, and then what. TLS 1.3 clients learn of a
 * refusal when they read. */
static bool get(struct world *w, int listener, const struct ask *ask, char *room, size_t size)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\nX-Amzn-Mtls-Clientcert: mine\r\n"
                                  "X-Amzn-Mtls-Clientcert-Subject: mine\r\n"
                                  "X-Amzn-Tls-Version: mine\r\nConnection: close\r\n\r\n";
    SSL *ssl = shake(&w->front_tls, ask);
    char answer[512];
    int target;
    size_t n = 0;

    room[0] = '\0';
    if (ssl == NULL)
        return false;
    (void)SSL_write(ssl, request, sizeof request - 1);
    {
        struct pollfd fds[] = {
            {.fd = listener,        .events = POLLIN},
            {.fd = SSL_get_fd(ssl), .events = POLLIN}
        };

        for (int i = 0; i < 20 && fds[0].revents == 0; i++)
            if (poll(fds, 2, 2000) > 0 && fds[0].revents == 0 &&
                SSL_read(ssl, answer, sizeof answer) <= 0 &&
                SSL_get_error(ssl, -1) != SSL_ERROR_WANT_READ)
                break;
        ERR_clear_error();
        if (fds[0].revents == 0) {
            hang_up(ssl);
            return false;
        }
    }
    target = accept_one(listener);
    while (n < size - 1 && read_n(target, room + n, 1) == 1 &&
           (++n < 4 || memcmp(room + n - 4, "\r\n\r\n", 4) != 0))
        continue;
    room[n] = '\0';
    send_all(target, S("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
    (void)read_all(ssl, answer, sizeof answer);
    (void)close(target);
    hang_up(ssl);
    return true;
}

enum whose { NOBODY, OURS, STRANGER, OLD, SERVER, REVOKED };

static const struct {
    const char *label;
    enum dp_mutual_mode mode;
    bool ignore_expiry;
    enum whose whose;
    bool passes;
    const char *has, *lacks; /* parts of the target's request */
} mutual_cases[] = {
    {"off asks for nothing",         DP_MUTUAL_OFF,         false, OURS,     true,  "X-Amzn-Mtls-Clientcert: mine\r\n",
     "X-Amzn-Mtls-Clientcert-Issuer"                                                                                                                  },
    {"passthrough takes a stranger", DP_MUTUAL_PASSTHROUGH, false, STRANGER, true,
     "X-Amzn-Mtls-Clientcert: -----BEGIN%20CERTIFICATE-----%0A",                                                        "X-Amzn-Mtls-Clientcert: mine"},
    {"and nobody at all",            DP_MUTUAL_PASSTHROUGH, false, NOBODY,   true,  "Host: a\r\n",
     "X-Amzn-Mtls-Clientcert: "                                                                                                                       },
    {"verify takes ours",            DP_MUTUAL_VERIFY,      false, OURS,     true,
     "X-Amzn-Mtls-Clientcert-Subject: CN=jane,O=Acme\r\n",                                                              "mine"                        },
    {"with its validity",            DP_MUTUAL_VERIFY,      false, OURS,     true,
     "X-Amzn-Mtls-Clientcert-Validity: NotBefore=20",                                                                   "-Clientcert: "               },
    {"and the leaf",                 DP_MUTUAL_VERIFY,      false, OURS,     true,
     "X-Amzn-Mtls-Clientcert-Leaf: -----BEGIN%20CERTIFICATE-----%0A",                                                   "-Clientcert: "               },
    {"no stranger",                  DP_MUTUAL_VERIFY,      false, STRANGER, false, NULL,                               NULL                          },
    {"not nobody",                   DP_MUTUAL_VERIFY,      false, NOBODY,   false, NULL,                               NULL                          },
    {"no expired one",               DP_MUTUAL_VERIFY,      false, OLD,      false, NULL,                               NULL                          },
    {"unless age is ignored",        DP_MUTUAL_VERIFY,      true,  OLD,      true,  "CN=jane",                          "mine"                        },
    {"no certificate of a server",   DP_MUTUAL_VERIFY,      false, SERVER,   false, NULL,                               NULL                          },
    {"no revoked one",               DP_MUTUAL_VERIFY,      false, REVOKED,  false, NULL,                               NULL                          },
};

/* A revocation list of the CA that names @c. */
static struct str revocation_list(struct shop *s, const struct certificate *c)
{
    X509_CRL *crl = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    BIO *out = BIO_new(BIO_s_mem());
    ASN1_TIME *now = X509_gmtime_adj(NULL, -60), *then = X509_gmtime_adj(NULL, 20 * 86400L);

    (void)X509_CRL_set_version(crl, 1);
    (void)X509_CRL_set_issuer_name(crl, X509_get_subject_name(s->ca->certificate));
    (void)X509_CRL_set1_lastUpdate(crl, now);
    (void)X509_CRL_set1_nextUpdate(crl, then);
    (void)X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(c->leaf));
    (void)X509_REVOKED_set_revocationDate(entry, now);
    (void)X509_CRL_add0_revoked(crl, entry);
    (void)X509_CRL_sign(crl, s->ca->key, EVP_sha256());
    (void)PEM_write_bio_X509_CRL(out, crl);
    ASN1_TIME_free(now);
    ASN1_TIME_free(then);
    X509_CRL_free(crl);
    return bio_text(&s->arena, out);
}

TEST(clients_show_certificates)
{
    struct world w = {0};
    struct shop s = {0};
    struct ca *other = NULL;
    struct certificate *own[REVOKED + 1] = {0};
    struct dp_certificate_pem pem;
    struct str revocations;
    uint16_t port;
    int listener = open_listener(&port);
    char room[16384];

    open_shop(&s);
    assert_int_equal(ca_new(&s.clock, S("Other CA"), &other), 0);
    own[OURS] = client_of(&s, s.ca, 365, true);
    own[STRANGER] = client_of(&s, other, 365, true);
    own[OLD] = client_of(&s, s.ca, 1, true);
    own[SERVER] = client_of(&s, s.ca, 365, false);
    own[REVOKED] = client_of(&s, s.ca, 365, true);
    pem = elliptic(&s, "lb.elb.localhost");
    revocations = revocation_list(&s, own[REVOKED]);
    world_start(&w, 1);
    clock_step(&w.clock, 3 * 86400 * 1000); /* the one-day certificate is old by then */
    CASE_EACH(c, mutual_cases) {
        struct ask ask = {.name = "lb.elb.localhost", .own = own[c->whose]};
        struct dp_tls_options o = {
            .policy = S(POLICY "TLS13-1-2-2021-06"),
            .certificates = &pem,
            .certificate_count = 1,
            .mutual = {.mode = c->mode,
                       .trusted = ca_certificate_pem(s.ca, &s.arena),
                       .revocations = revocations,
                       .ignore_expiry = c->ignore_expiry},
            .clock = &w.clock
        };
        struct dp_balancer *b = world_balancer(port);
        struct str why;
        bool passed;

        rules_forward(b);
        b->attributes.tls_headers = true;
        b->listeners[0].port = 443;
        b->listeners[0].protocol = DP_HTTPS;
        assert_int_equal(dp_tls_new(&s.arena, &o, &b->listeners[0].tls, &why), 0);
        dp_balancer_seal(b);
        world_put(&w, b);
        passed = get(&w, listener, &ask, room, sizeof room);
        CHECK(c->label, passed == c->passes);
        if (!passed)
            continue;
        CHECK(c->label, strstr(room, "X-Amzn-Tls-Version: TLSv1.3\r\n") != NULL);
        CHECK(c->label, strstr(room, c->has) != NULL);
        CHECK(c->label, strstr(room, c->lacks) == NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        certificate_free(own[i]);
    ca_free(other);
    (void)close(listener);
    world_end(&w);
    close_shop(&s);
}

TEST_MAIN(T(policies_limit_versions_and_ciphers), T(names_choose_certificates),
          T(requests_go_through), T(big_bodies_stream_both_ways), T(http_in_clear_is_told_so),
          T(a_hello_may_come_in_pieces_and_nobody_hears_nonsense), T(targets_may_speak_tls),
          T(clients_show_certificates))
