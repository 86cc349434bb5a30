/* Any bytes as a client's: the server answers or closes, and lives on. The first byte says in how
 * large pieces the rest arrives. */
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void handle(void *data, struct http_exchange *x, const struct http_request *r)
{
    struct str ignored;

    (void)data;
    (void)http_query_get(r->arena, r->query, S("watch"), &ignored);
    if (str_is(r->method, "CONNECT"))
        http_accept_connect(x);
    else
        http_answer(x, 200, HTTP_NO_HEADERS, r->body);
}

static void drain(int fd)
{
    char piece[4096];

    while (read(fd, piece, sizeof piece) > 0)
        ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uv_loop_t loop;
    struct http_server_options o = {
        .loop = &loop, .head_limit = 2048, .body_limit = 4096, .handle = handle};
    struct http_server *server;
    struct str rest = str_n((const char *)data, size);
    size_t piece = size > 0 && data[0] > 0 ? data[0] : SIZE_MAX;
    int ends[2];

    (void)signal(SIGPIPE, SIG_IGN);
    if (uv_loop_init(&loop) < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
        return 0;
    server = http_server_new(&o);
    (void)http_server_serve_fd(server, ends[0]);
    for (rest = str_from(rest, 1); rest.n > 0;) {
        struct str part = str_first(rest, piece);
        ssize_t n = write(ends[1], part.at, part.n);

        if (n <= 0)
            break;
        rest = str_from(rest, (size_t)n);
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        drain(ends[1]);
    }
    (void)close(ends[1]);
    http_server_close(server, NULL, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    return 0;
}
