/* The HTTP server over socket pairs: what goes in as bytes, what comes out. */
#include "net/http_server.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

#include "test.h"

enum { MOST_TURNS = 2000 };

struct world {
    uv_loop_t loop;
    struct http_server *server;
    struct arena arena;
    struct http_exchange *parked;
    bool gone;
    char seen[64]; /* method and path of the last request */
};

static void on_gone(void *data)
{
    struct world *w = data;

    w->gone = true;
}

static void answer_text(struct http_exchange *x, struct str text)
{
    http_answer(x, 200, HTTP_HEADERS({S("Content-Type"), S("text/plain")}), text);
}

static void stream_parts(struct http_exchange *x)
{
    http_start(x, 200, HTTP_NO_HEADERS);
    http_write(x, S("one"));
    http_write(x, S("two"));
    http_end(x);
}

/* What the tests' paths do. */
static void handle(void *data, struct http_exchange *x, const struct http_request *r)
{
    struct world *w = data;

    (void)snprintf(w->seen, sizeof w->seen, "%.*s %.*s", STR_ARG(r->method), STR_ARG(r->path));
    if (str_is(r->method, "CONNECT"))
        http_accept_connect(x);
    else if (str_is(r->path, "/echo"))
        answer_text(x, r->body);
    else if (str_is(r->path, "/stream"))
        stream_parts(x);
    else if (str_is(r->path, "/large"))
        answer_text(x, arena_printf(r->arena, "%0100000d", 7));
    else if (str_is(r->path, "/none"))
        http_answer(x, 204, HTTP_NO_HEADERS, S("not to be sent"));
    else if (str_is(r->path, "/lines"))
        http_answer(x, 200, HTTP_HEADERS({S("X-A"), S("a\r\nX-B: b")}), (struct str){0});
    else if (str_is(r->path, "/silent"))
        http_end(x);
    else if (str_is(r->path, "/park")) {
        http_on_gone(x, on_gone, w);
        w->parked = x;
    } else
        answer_text(x, arena_printf(r->arena, "%.*s|%.*s|%.*s|%.*s|%.*s", STR_ARG(r->method),
                                    STR_ARG(r->path), STR_ARG(r->query), STR_ARG(r->host),
                                    STR_ARG(r->via)));
}

static void open_world(struct world *w)
{
    struct http_server_options o = {
        .head_limit = 1024,
        .body_limit = 4096,
        .gzip_from = 50000,
        .handle = handle,
    };

    *w = (struct world){0};
    (void)signal(SIGPIPE, SIG_IGN); /* as main does */
    CHECK("a loop", uv_loop_init(&w->loop) == 0);
    o.loop = &w->loop;
    o.data = w;
    w->server = http_server_new(&o);
}

static void close_world(struct world *w)
{
    http_server_close(w->server, NULL, NULL);
    (void)uv_run(&w->loop, UV_RUN_DEFAULT);
    CHECK("a closed server leaves nothing on the loop", uv_loop_close(&w->loop) == 0);
    arena_free(&w->arena);
}

static int dial(struct world *w)
{
    int ends[2];

    CHECK("a socket pair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    CHECK("the server takes it", http_server_serve_fd(w->server, ends[0]) == 0);
    return ends[1];
}

static void turn(struct world *w)
{
    (void)uv_run(&w->loop, UV_RUN_NOWAIT);
}

/* Reads what is there; false at the end of the stream. */
static bool drain(int fd, struct buf *got)
{
    char piece[4096];
    ssize_t n;

    while ((n = read(fd, piece, sizeof piece)) > 0)
        buf_add(got, str_n(piece, (size_t)n));
    return n < 0;
}

/* Sends @bytes in pieces of @piece, finishes sending where @finish, and collects what comes until
 * the server closes or has nothing more to say. */
static struct str talk(struct world *w, struct str bytes, size_t piece, bool finish)
{
    CLEANUP(buf_free) struct buf got = buf_init(1 << 20);
    int fd = dial(w), idle = 0;
    struct str answer;

    while (bytes.n > 0) {
        struct str part = str_first(bytes, piece);
        ssize_t n = write(fd, part.at, part.n);

        if (n > 0)
            bytes = str_from(bytes, (size_t)n);
        turn(w);
        if (!drain(fd, &got))
            break;
    }
    if (finish)
        (void)shutdown(fd, SHUT_WR);
    for (int turns = 0; turns < MOST_TURNS && idle < 20; turns++) {
        size_t before = got.n;

        turn(w);
        if (!drain(fd, &got))
            break;
        idle = got.n > before ? 0 : idle + 1;
    }
    (void)close(fd);
    for (int turns = 0; turns < 5; turns++)
        turn(w);
    answer = arena_str(&w->arena, buf_str(&got));
    return answer;
}

#define OK_TEXT(n, text) \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " n "\r\n\r\n" text
#define OK_CLOSE(n, text)                                                      \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " n "\r\n" \
    "Connection: close\r\n\r\n" text
#define REFUSED(status, n, text)                                                                  \
    "HTTP/1.1 " status "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " n "\r\n" \
    "Connection: close\r\n\r\n" text
#define BAD REFUSED("400 Bad Request", "43", "400 Bad Request: The request is malformed.\n")
#define BAD_HOST                     \
    REFUSED("400 Bad Request", "68", \
            "400 Bad Request: The Host header is missing, repeated or malformed.\n")
#define TOO_LARGE                                 \
    REFUSED("413 Request Entity Too Large", "61", \
            "413 Request Entity Too Large: The request body is too large.\n")

/* clang-format off */
static const struct {
    const char *label;
    struct str send, want;
} exchanges[] = {
    {"a plain GET is answered",
     STR_INIT("GET /a?b=c HTTP/1.1\r\nHost: X.test:80\r\n\r\n"),
     STR_INIT(OK_TEXT("18", "GET|/a|b=c|x.test|"))},
    {"HTTP/1.0 closes, and needs no Host",
     STR_INIT("GET / HTTP/1.0\r\n\r\n"),
     STR_INIT(OK_CLOSE("8", "GET|/|||"))},
    {"HTTP/1.0 keeps alive where asked",
     STR_INIT("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
     STR_INIT("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n"
              "Connection: keep-alive\r\n\r\nGET|/|||")},
    {"pipelined requests are answered in order",
     STR_INIT(
         "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /echo HTTP/1.1\r\nHost: h\r\n"
         "Content-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
     STR_INIT(OK_TEXT("10", "GET|/1||h|") OK_TEXT("3", "abc") OK_CLOSE("10", "GET|/2||h|"))},
    {"chunked bodies are put together, trailers dropped",
     STR_INIT("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
              "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n"),
     STR_INIT(OK_TEXT("5", "abcde"))},
    {"a body that waits for 100 gets it",
     STR_INIT("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
              "ok"),
     STR_INIT("HTTP/1.1 100 Continue\r\n\r\n" OK_TEXT("2", "ok"))},
    {"other expectations fail",
     STR_INIT("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: tea\r\nContent-Length: 2\r\n\r\n"),
     STR_INIT(REFUSED("417 Expectation Failed", "52",
     "417 Expectation Failed: The expectation is unknown.\n"))},
    {"HEAD has the length and no body",
     STR_INIT("HEAD /b HTTP/1.1\r\nHost: h\r\n\r\n"),
     STR_INIT(OK_TEXT("11", ""))},
    {"204 has no body",
     STR_INIT("GET /none HTTP/1.1\r\nHost: h\r\n\r\n"),
     STR_INIT("HTTP/1.1 204 No Content\r\n\r\n")},
    {"a stream is chunked",
     STR_INIT("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n"),
     STR_INIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
              "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")},
    {"a stream to HTTP/1.0 ends with the connection",
     STR_INIT("GET /stream HTTP/1.0\r\n\r\n"),
     STR_INIT("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nonetwo")},
    {"a stream for HEAD is its head",
     STR_INIT("HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n"),
     STR_INIT("HTTP/1.1 200 OK\r\n\r\n")},
    {"line ends cannot be smuggled into headers",
     STR_INIT("GET /lines HTTP/1.1\r\nHost: h\r\n\r\n"),
     STR_INIT("HTTP/1.1 200 OK\r\nX-A: a  X-B: b\r\nContent-Length: 0\r\n\r\n")},
    {"an exchange that ends without an answer cuts the connection",
     STR_INIT("GET /silent HTTP/1.1\r\nHost: h\r\n\r\n"), STR_INIT("")},
    {"an absolute target names the host",
     STR_INIT("GET http://Other.test/p?q HTTP/1.1\r\nHost: h\r\n\r\n"),
     STR_INIT(OK_TEXT("20", "GET|/p|q|other.test|"))},
    {"inside an accepted CONNECT it starts over",
     STR_INIT("CONNECT eks.aws:443 HTTP/1.1\r\nHost: eks.aws:443\r\n\r\n"
              "GET /in HTTP/1.1\r\nHost: h\r\n\r\n"),
     STR_INIT(
         "HTTP/1.1 200 Connection established\r\n\r\n" OK_TEXT("22", "GET|/in||h|eks.aws:443"))},
    {"bytes that are no HTTP",
     STR_INIT("\x16\x03\x01 hello\r\n\r\n"), STR_INIT(BAD)},
    {"a head without Host",
     STR_INIT("GET / HTTP/1.1\r\n\r\n"), STR_INIT(BAD_HOST)},
    {"two Hosts",
     STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), STR_INIT(BAD_HOST)},
    {"a Host with a wild port",
     STR_INIT("GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n"),
     STR_INIT(BAD_HOST)},
    {"two lengths that differ",
     STR_INIT("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
     STR_INIT(BAD)},
    {"a length and chunks",
     STR_INIT(
         "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n"),
     STR_INIT(BAD)},
    {"a negative length",
     STR_INIT("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n"),
     STR_INIT(BAD)},
    {"a header name with a space",
     STR_INIT("GET / HTTP/1.1\r\nHost : h\r\n\r\n"), STR_INIT(BAD)},
    {"a chunk size that is no number",
     STR_INIT("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
     STR_INIT(BAD)},
    {"a body announced too large",
     STR_INIT("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n"), STR_INIT(TOO_LARGE)},
};
/* clang-format on */

TEST(what_comes_in_and_what_goes_out)
{
    static const size_t pieces[] = {SIZE_MAX, 1, 7};

    CASE_EACH(c, exchanges)
        CASE_EACH(piece, pieces) {
            struct world w;

            open_world(&w);
            CHECK_STR(c->label, talk(&w, c->send, *piece, false), c->want);
            CHECK_STR("and the server lives on",
                      talk(&w, S("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 100, true),
                      S(OK_TEXT("9", "GET|/||h|")));
            close_world(&w);
        }
}

TEST(limits_of_heads_and_bodies)
{
    CLEANUP(buf_free) struct buf text = buf_init(1 << 20);
    struct str got;
    struct world w;

    open_world(&w);
    buf_add(&text, S("GET / HTTP/1.1\r\nHost: h\r\nX: "));
    for (int i = 0; i < 2000; i++)
        buf_char(&text, 'x');
    got = talk(&w, buf_str(&text), 100, false);
    CHECK("a head beyond the limit is 431", str_starts(got, S("HTTP/1.1 431 ")));
    buf_reset(&text);
    buf_add(&text, S("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n"));
    for (int i = 0; i < 0x2000; i++)
        buf_char(&text, 'x');
    got = talk(&w, buf_str(&text), 1000, false);
    CHECK("chunks beyond the limit are 413", str_starts(got, S("HTTP/1.1 413 ")));
    close_world(&w);
}

TEST(large_answers_are_compressed_for_who_takes_gzip)
{
    struct str got;
    struct world w;

    open_world(&w);
    got = talk(&w, S("GET /large HTTP/1.1\r\nHost: h\r\nAccept-Encoding: deflate, gzip\r\n\r\n"),
               1000, false);
    CHECK("gzip is said", str_find(got, S("Content-Encoding: gzip\r\n")) != STR_NONE);
    CHECK("and done", got.n < 2000);
    got = talk(&w, S("GET /large HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip;q=0\r\n\r\n"), 1000,
               false);
    CHECK("a refusal is heard", str_find(got, S("Content-Length: 100000\r\n")) != STR_NONE);
    close_world(&w);
}

TEST(an_exchange_outlives_its_connection)
{
    struct world w;
    struct str got;
    int fd;

    open_world(&w);
    fd = dial(&w);
    CHECK("sent", write(fd, "GET /park HTTP/1.1\r\nHost: h\r\n\r\n", 31) == 31);
    for (int i = 0; i < 5; i++)
        turn(&w);
    CHECK("the request waits", w.parked != NULL && !w.gone);
    http_start(w.parked, 200, HTTP_NO_HEADERS);
    (void)close(fd);
    for (int i = 0; i < 5; i++)
        turn(&w);
    CHECK("the owner of a stream hears that its client left", w.gone && http_is_gone(w.parked));
    http_write(w.parked, S("nobody hears this"));
    http_end(w.parked);

    w.parked = NULL;
    got = talk(&w, S("GET /park HTTP/1.1\r\nHost: h\r\n\r\n"), 100, false);
    CHECK("nothing is said before the answer", got.n == 0);
    answer_text(w.parked, S("late"));
    close_world(&w);
}

TEST(a_client_that_only_finished_sending_gets_its_answer)
{
    struct world w;

    open_world(&w);
    CHECK_STR("half-closed", talk(&w, S("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 100, true),
              S(OK_TEXT("9", "GET|/||h|")));
    close_world(&w);
}

TEST_MAIN(T(what_comes_in_and_what_goes_out), T(limits_of_heads_and_bodies),
          T(large_answers_are_compressed_for_who_takes_gzip),
          T(an_exchange_outlives_its_connection),
          T(a_client_that_only_finished_sending_gets_its_answer))
