/* The HTTP client against the HTTP server, both in this process on a free loopback port: clear,
 * TLS with client certificates, through the proxy door, streamed, broken. */
#include "net/http_client.h"

#include <errno.h>
#include <signal.h>

#include "base/buf.h"
#include "net/ca.h"
#include "net/http_server.h"

#include "test.h"

struct world {
    uv_loop_t loop;
    struct clock clock;
    struct arena arena;
    struct ca *ca;
    SSL_CTX *server_tls, *named_tls, *client_tls;
    struct tls_chooser chooser;
    struct http_server *server;
    struct http_client *client;
    uint16_t port;
    struct http_exchange *parked;
    int connects;
};

/* What one call brought. */
struct outcome {
    struct world *world;
    struct http_call *call;
    bool done;
    int error, status, parts;
    struct str body, why;
};

static void on_done(void *data, const struct http_result *r)
{
    struct outcome *o = data;

    o->done = true;
    o->error = r->error;
    o->status = r->status;
    o->why = arena_str(&o->world->arena, r->why);
    if (r->body.n > 0)
        o->body = arena_str(&o->world->arena, r->body);
}

static void on_data(void *data, struct str bytes)
{
    struct outcome *o = data;

    o->parts++;
    o->body = arena_printf(&o->world->arena, "%.*s%.*s", STR_ARG(o->body), STR_ARG(bytes));
}

static void on_data_cancel(void *data, struct str bytes)
{
    struct outcome *o = data;

    o->parts++;
    (void)bytes;
    http_call_cancel(o->call);
}

static void answer(struct http_exchange *x, struct str text)
{
    http_answer(x, 200, HTTP_HEADERS({S("Content-Type"), S("text/plain")}), text);
}

static void describe(struct http_exchange *x, const struct http_request *r)
{
    struct str group =
        r->tls_client.organization_count > 0 ? r->tls_client.organizations[0] : S("-");

    answer(x, arena_printf(r->arena, "%s sni=%.*s via=%.*s cn=%.*s o=%.*s ok=%d",
                           r->tls ? "tls" : "clear", STR_ARG(r->sni), STR_ARG(r->via),
                           STR_ARG(r->tls_client.common_name), STR_ARG(group),
                           r->tls_client.verified));
}

static void handle(void *data, struct http_exchange *x, const struct http_request *r)
{
    struct world *w = data;

    if (str_is(r->method, "CONNECT")) {
        w->connects++;
        if (str_starts(r->target, S("127.0.0.1")))
            http_tunnel(x, S("127.0.0.1"), w->port);
        else
            http_accept_connect(x);
    } else if (str_is(r->path, "/echo"))
        answer(x, r->body);
    else if (str_is(r->path, "/abort")) {
        http_start(x, 200, HTTP_NO_HEADERS);
        http_write(x, S("half"));
        http_abort(x);
    } else if (str_is(r->path, "/hang-up")) {
        http_abort(x);
    } else if (str_is(r->path, "/watch")) {
        http_start(x, 200, HTTP_NO_HEADERS);
        http_write(x, S("one"));
        w->parked = x;
    } else if (str_is(r->path, "/park"))
        w->parked = x;
    else
        describe(x, r);
}

static SSL_CTX *choose(void *data, struct str name)
{
    struct world *w = data;

    return str_is(name, "eks.us-east-1.amazonaws.com") ? w->named_tls : w->server_tls;
}

static SSL_CTX *serve_names(struct world *w, const struct str *names, size_t n, bool first)
{
    struct ca_request request = {.common_name = names[0], .names = names, .name_count = n};
    struct tls_server_options o = {.client_ca = w->ca, .chooser = first ? &w->chooser : NULL};
    struct certificate *c;
    SSL_CTX *ctx;

    CHECK("a certificate", ca_issue(w->ca, &w->clock, &request, &c) == 0);
    o.certificate = c;
    CHECK("a context", tls_server_new(&o, &ctx) == 0);
    certificate_free(c);
    return ctx;
}

static SSL_CTX *client_context(struct world *w)
{
    const struct str groups[] = {S("system:masters")};
    struct ca_request request = {.common_name = S("admin"),
                                 .organizations = groups,
                                 .organization_count = 1,
                                 .client = true};
    struct tls_client_options o = {.ca_pem = ca_certificate_pem(w->ca, &w->arena)};
    struct certificate *c;
    SSL_CTX *ctx;

    CHECK("a client certificate", ca_issue(w->ca, &w->clock, &request, &c) == 0);
    o.certificate = c;
    CHECK("a client context", tls_client_new(&o, &ctx) == 0);
    certificate_free(c);
    return ctx;
}

static void open_world(struct world *w)
{
    const struct str names[] = {S("localhost"), S("127.0.0.1")};
    const struct str aws[] = {S("eks.us-east-1.amazonaws.com")};
    struct http_server_options so = {.loop = &w->loop, .security = STREAM_DETECT, .data = w};
    struct http_client_options co = {.loop = &w->loop};

    *w = (struct world){0};
    (void)signal(SIGPIPE, SIG_IGN);
    CHECK("a loop", uv_loop_init(&w->loop) == 0);
    clock_init(&w->clock);
    CHECK("an authority", ca_new(&w->clock, S("test"), &w->ca) == 0);
    w->chooser = (struct tls_chooser){choose, w};
    w->server_tls = serve_names(w, names, 2, true);
    w->named_tls = serve_names(w, aws, 1, false);
    w->client_tls = client_context(w);
    so.tls = w->server_tls;
    so.handle = handle;
    so.body_limit = 8 << 20;
    w->server = http_server_new(&so);
    CHECK("listening", http_server_listen(w->server, S("127.0.0.1"), 0, &w->port) == 0);
    co.tls = w->client_tls;
    w->client = http_client_new(&co);
}

static void close_world(struct world *w)
{
    http_client_close(w->client, NULL, NULL);
    http_server_close(w->server, NULL, NULL);
    (void)uv_run(&w->loop, UV_RUN_DEFAULT);
    CHECK("nothing stays on the loop", uv_loop_close(&w->loop) == 0);
    tls_free(w->server_tls);
    tls_free(w->named_tls);
    tls_free(w->client_tls);
    ca_free(w->ca);
    arena_free(&w->arena);
}

static void run(struct world *w, struct outcome *o)
{
    for (int i = 0; i < 5000 && !o->done; i++)
        (void)uv_run(&w->loop, UV_RUN_ONCE);
    CHECK("the call ends", o->done);
}

static struct outcome ask(struct world *w, struct http_client *client, struct str method,
                          struct str url, struct str body)
{
    struct outcome o = {.world = w};
    struct http_call_options call = {
        .method = method, .url = url, .body = body, .on_done = on_done, .data = &o};

    o.call = http_client_send(client, &call);
    run(w, &o);
    return o;
}

static struct str url_of(struct world *w, const char *scheme, const char *path)
{
    return arena_printf(&w->arena, "%s://localhost:%u%s", scheme, w->port, path);
}

TEST(clear_and_tls_on_one_port)
{
    struct outcome o;
    struct world w;

    open_world(&w);
    o = ask(&w, w.client, S("GET"), url_of(&w, "http", "/"), S(""));
    CHECK_STR("clear", o.body, S("clear sni= via= cn= o=- ok=0"));
    for (int i = 0; i < 3; i++) { /* the second and third use the first one's connection */
        o = ask(&w, w.client, S("GET"), url_of(&w, "https", "/"), S(""));
        CHECK_STR("TLS with a client certificate", o.body,
                  S("tls sni=localhost via= cn=admin o=system:masters ok=1"));
    }
    close_world(&w);
}

TEST(large_bodies_go_both_ways)
{
    static const char *const schemes[] = {"http", "https"};
    struct world w;
    struct str body;

    open_world(&w);
    body = arena_printf(&w.arena, "%04000000d", 7);
    CASE_EACH(scheme, schemes) {
        struct outcome o = ask(&w, w.client, S("POST"), url_of(&w, *scheme, "/echo"), body);

        CHECK("echoed whole", o.error == 0 && str_eq(o.body, body));
    }
    close_world(&w);
}

static struct http_client *proxied_client(struct world *w, SSL_CTX *tls, struct str proxy)
{
    struct http_client_options o = {.loop = &w->loop, .tls = tls, .no_proxy = "other.test"};

    o.proxy_https = o.proxy_http = arena_cstr(&w->arena, proxy);
    return http_client_new(&o);
}

TEST(names_of_aws_through_the_proxy)
{
    static const char *const proxies[] = {"http", "https"};
    struct world w;

    open_world(&w);
    CASE_EACH(scheme, proxies) {
        struct http_client *c = proxied_client(&w, w.client_tls, url_of(&w, *scheme, ""));
        struct outcome o =
            ask(&w, c, S("GET"), S("https://eks.us-east-1.amazonaws.com/clusters"), S(""));

        CHECK_STR("TLS inside an accepted CONNECT, also inside TLS", o.body,
                  S("tls sni=eks.us-east-1.amazonaws.com via=eks.us-east-1.amazonaws.com:443 "
                    "cn=admin o=system:masters ok=1"));
        o = ask(&w, c, S("GET"), S("http://sts.amazonaws.com/x"), S(""));
        CHECK("a plain request comes as an absolute target", o.status == 200);
        http_client_close(c, NULL, NULL);
    }
    close_world(&w);
}

TEST(other_names_are_tunnelled)
{
    struct tls_client_options insecure = {.insecure = true};
    struct http_client *c;
    struct outcome o;
    struct world w;
    SSL_CTX *tls;

    open_world(&w);
    CHECK("a context", tls_client_new(&insecure, &tls) == 0);
    c = proxied_client(&w, tls, url_of(&w, "http", ""));
    /* Loopback goes direct, so the name must be another; the test's server joins it to itself. */
    o = ask(&w, c, S("GET"), S("https://127.0.0.1.nip.test/"), S(""));
    CHECK_STR("end to end", o.body, S("tls sni=127.0.0.1.nip.test via= cn= o=- ok=0"));
    CHECK("by CONNECT", w.connects == 1);
    http_client_close(c, NULL, NULL);
    tls_free(tls);
    close_world(&w);
}

TEST(a_certificate_of_another_name_is_refused)
{
    struct outcome o;
    struct world w;

    open_world(&w);
    o = ask(&w, w.client, S("GET"), arena_printf(&w.arena, "https://wrong.localhost:%u/", w.port),
            S(""));
    CHECK("an error", o.error < 0 && o.status == 0);
    CHECK_STR("that says why", o.why, S("hostname mismatch"));
    close_world(&w);
}

TEST(what_can_go_wrong)
{
    struct outcome o;
    struct world w;

    open_world(&w);
    o = ask(&w, w.client, S("GET"), url_of(&w, "http", "/abort"), S(""));
    CHECK("an answer that breaks off is an error", o.error < 0);
    o = ask(&w, w.client, S("GET"), url_of(&w, "http", "/hang-up"), S(""));
    CHECK("so is one that never begins", o.error < 0);
    o = ask(&w, w.client, S("GET"), S("ftp://x/"), S(""));
    CHECK("so is a URL of another kind", o.error == -EINVAL);
    o = ask(&w, w.client, S("GET"), S("http://127.0.0.1:1/"), S(""));
    CHECK("and a closed port", o.error == UV_ECONNREFUSED);
    close_world(&w);
}

TEST(a_watch_is_streamed_and_can_be_cancelled)
{
    struct outcome o = {0}, cancelled = {0};
    struct http_call_options call = {.method = S("GET"), .on_data = on_data, .on_done = on_done};
    struct world w;

    open_world(&w);
    o.world = cancelled.world = &w;
    call.url = url_of(&w, "https", "/watch");
    call.data = &o;
    (void)http_client_send(w.client, &call);
    while (o.parts == 0)
        (void)uv_run(&w.loop, UV_RUN_ONCE);
    CHECK_STR("the first part comes at once", o.body, S("one"));
    http_write(w.parked, S("two"));
    http_end(w.parked);
    run(&w, &o);
    CHECK_STR("the rest follows", o.body, S("onetwo"));

    call.on_data = on_data_cancel;
    call.data = &cancelled;
    cancelled.call = http_client_send(w.client, &call);
    while (cancelled.parts == 0)
        (void)uv_run(&w.loop, UV_RUN_ONCE);
    while (!http_is_gone(w.parked))
        (void)uv_run(&w.loop, UV_RUN_ONCE);
    CHECK("a cancelled call is not told of again", !cancelled.done);
    http_end(w.parked);
    close_world(&w);
}

TEST(a_call_has_its_time)
{
    struct outcome o = {0};
    struct http_call_options call = {
        .method = S("GET"), .timeout_ms = 1, .on_done = on_done, .data = &o};
    struct world w;

    open_world(&w);
    o.world = &w;
    call.url = url_of(&w, "http", "/park");
    (void)http_client_send(w.client, &call);
    run(&w, &o);
    CHECK("time is up", o.error == UV_ETIMEDOUT);
    for (int i = 0; i < 10; i++)
        (void)uv_run(&w.loop, UV_RUN_NOWAIT);
    if (w.parked != NULL)
        http_abort(w.parked);
    close_world(&w);
}

TEST_MAIN(T(clear_and_tls_on_one_port), T(large_bodies_go_both_ways),
          T(names_of_aws_through_the_proxy), T(other_names_are_tunnelled),
          T(a_certificate_of_another_name_is_refused), T(what_can_go_wrong),
          T(a_watch_is_streamed_and_can_be_cancelled), T(a_call_has_its_time))
