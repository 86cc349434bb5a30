/* A table of paths. Health checks wait for AWS in a thread of libuv's pool, one at a time.
 * Source: v1.1.4, cmd/main.go; k8s.io/apiserver, pkg/server/healthz. */
#include "own_server.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "base/macros.h"
#include "base/memory.h"
#include "health.h"
#include "net/http_server.h"

enum { TEXT_LIMIT = 16 << 20 };

struct own_server {
    struct own_server_options o;
    struct arena arena;
    struct http_server *http;
    struct link checks; /* the first is under way */
    uv_work_t work;
    bool working, closing;
};

/* Somebody who waits for the outcome of a check. */
struct check {
    struct link link;
    struct own_server *server;
    struct http_exchange *exchange;
    struct arena arena;
    bool all; /* of /healthz itself, where the cause is not told */
    bool verbose, ok;
    struct str error;
};

static void answer_text(struct http_exchange *x, int status, struct str text)
{
    http_answer(x, status, HTTP_HEADERS({S("Content-Type"), S("text/plain; charset=utf-8")}), text);
}

/* --- health ----------------------------------------------------------------------------------- */

static void start_check(struct own_server *s);

static void run_check(uv_work_t *work)
{
    struct own_server *s = container_of(work, struct own_server, work);
    struct check *c = container_of(s->checks.next, struct check, link);

    c->ok = health_check(s->o.aws, &c->arena, s->o.region, &c->error);
}

static void answer_check(struct check *c)
{
    static const char bad[] = "[+]ping ok\n[-]aws-alb-ingress-controller failed: reason withheld\n"
                              "healthz check failed\n";
    static const char good[] = "[+]ping ok\n[+]aws-alb-ingress-controller ok\n"
                               "healthz check passed\n";

    if (c->ok)
        answer_text(c->exchange, 200, c->all && c->verbose ? str_c(good) : S("ok"));
    else if (c->all)
        answer_text(c->exchange, 500, str_c(bad));
    else
        answer_text(c->exchange, 500,
                    arena_printf(&c->arena, "internal server error: %.*s\n", STR_ARG(c->error)));
}

static void server_free(struct own_server *s)
{
    arena_free(&s->arena);
    free(s);
}

static void check_free(struct check *c)
{
    list_remove(&c->link);
    arena_free(&c->arena);
    free(c);
}

static void on_checked(uv_work_t *work, int status UNUSED)
{
    struct own_server *s = container_of(work, struct own_server, work);
    struct check *c = container_of(s->checks.next, struct check, link);

    s->working = false;
    answer_check(c);
    check_free(c);
    if (s->closing && s->http == NULL)
        server_free(s);
    else if (!s->closing && !list_empty(&s->checks))
        start_check(s);
}

static void start_check(struct own_server *s)
{
    s->working = true;
    (void)uv_queue_work(s->o.loop, &s->work, run_check, on_checked);
}

static void check(struct own_server *s, struct http_exchange *x, const struct http_request *r)
{
    struct check *c = xcalloc(sizeof *c);

    c->server = s;
    c->exchange = x;
    c->all = str_is(r->path, "/healthz");
    c->verbose = str_find(r->query, S("verbose")) != STR_NONE;
    list_append(&s->checks, &c->link);
    if (!s->working)
        start_check(s);
}

/* --- the rest --------------------------------------------------------------------------------- */

static void ping(struct own_server *s UNUSED, struct http_exchange *x,
                 const struct http_request *r UNUSED)
{
    answer_text(x, 200, S("ok"));
}

static void show_metrics(struct own_server *s, struct http_exchange *x,
                         const struct http_request *r UNUSED)
{
    CLEANUP(buf_free) struct buf text = buf_init(TEXT_LIMIT);

    metrics_write(s->o.metrics, &text);
    http_answer(x, 200,
                HTTP_HEADERS({S("Content-Type"), S("text/plain; version=0.0.4; charset=utf-8")}),
                buf_str(&text));
}

static void show_build(struct own_server *s, struct http_exchange *x,
                       const struct http_request *r UNUSED)
{
    CLEANUP(buf_free) struct buf text = buf_init(TEXT_LIMIT);

    json_write_str(&text, s->o.banner);
    answer_text(x, 200, buf_str(&text));
}

static void stop(struct own_server *s UNUSED, struct http_exchange *x,
                 const struct http_request *r UNUSED)
{
    answer_text(x, 200, S(""));
    (void)kill(getpid(), SIGTERM);
}

static const struct route {
    const char *path;
    void (*handle)(struct own_server *s, struct http_exchange *x, const struct http_request *r);
} routes[] = {
    {"/healthz",                            check       },
    {"/healthz/ping",                       ping        },
    {"/healthz/aws-alb-ingress-controller", check       },
    {"/metrics",                            show_metrics},
    {"/build",                              show_build  },
    {"/stop",                               stop        },
};

static void handle(void *data, struct http_exchange *x, const struct http_request *r)
{
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (str_is(r->path, routes[i].path)) {
            routes[i].handle(data, x, r);
            return;
        }
    answer_text(x, 404, S("404 page not found\n"));
}

/* --- life ------------------------------------------------------------------------------------- */

static int listen_at(struct http_server *http, const char *address, uint16_t port)
{
    int r;

    if (address != NULL)
        return http_server_listen(http, str_c(address), port, NULL);
    r = http_server_listen(http, S("::"), port, NULL);
    return r == UV_EAFNOSUPPORT || r == UV_EADDRNOTAVAIL
               ? http_server_listen(http, S("0.0.0.0"), port, NULL)
               : r;
}

int own_server_try_port(uv_loop_t *loop, const char *address, uint16_t port)
{
    struct http_server *http =
        http_server_new(&(struct http_server_options){.loop = loop, .handle = handle});
    int r = listen_at(http, address, port);

    http_server_close(http, NULL, NULL);
    (void)uv_run(loop, UV_RUN_NOWAIT);
    return r;
}

int own_server_start(const struct own_server_options *o, struct own_server **ret_server)
{
    struct own_server *s = xcalloc(sizeof *s);
    int r;

    s->o = *o;
    s->o.region = arena_str(&s->arena, o->region);
    s->o.banner = arena_str(&s->arena, o->banner);
    list_init(&s->checks);
    s->http = http_server_new(
        &(struct http_server_options){.loop = o->loop, .handle = handle, .data = s});
    r = listen_at(s->http, o->address, o->port);
    if (r < 0) {
        own_server_close(s);
        return r;
    }
    *ret_server = s;
    return 0;
}

static void on_http_closed(void *data)
{
    struct own_server *s = data;

    s->http = NULL;
    if (!s->working)
        server_free(s);
}

/* Checks that have not begun are answered at once; the one under way when it comes back, which it
 * does soon, because its calls are cancelled. */
void own_server_close(struct own_server *s)
{
    if (s == NULL)
        return;
    s->closing = true;
    LIST_EACH(struct check, c, &s->checks, link) {
        if (s->working && s->checks.next == &c->link)
            continue;
        http_abort(c->exchange);
        check_free(c);
    }
    http_server_close(s->http, on_http_closed, s);
}
