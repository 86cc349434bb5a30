/* Probes over plain sockets: one connection each, as the kubelet makes one each.
 *
 * Ownership: a probe belongs to the loop from probe_send until on_closed, where its last handle is
 * given back; probe_cancel only takes the callback away. An exec probe lives until its command has
 * ended, and is killed when its time is up.
 * Source: pkg/probe/http, pkg/probe/tcp; DIFFERS: https is a connection only, gRPC likewise. */
#include "loops/probe.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/memory.h"

enum {
    MOST_HEAD = 16 * 1024, /* of an answer: only its first line matters */
    MOST_REQUEST = 64 * 1024,
    MOST_OUTPUT = 10 * 1024,
    FIRST_BAD_STATUS = 400,
    FIRST_GOOD_STATUS = 200,
};

struct probe {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_connect_t connect;
    uv_write_t write;
    unsigned handles;
    bool closing, is_http, has_tcp;
    struct buf request, head, output;
    struct arena arena;
    struct str url, place; /* "http://192.168.3.4:80/", "192.168.3.4:80" */
    struct container_exec *exec;
    probe_cb *done; /* NULL: cancelled, or told */
    void *data;
    bool ok;
    struct str message;
};

/* Gives it back once neither the loop nor a command holds it. */
static void release(struct probe *p)
{
    if (p->handles > 0 || p->exec != NULL)
        return;
    if (p->done != NULL)
        p->done(p->data, p->ok, p->message);
    buf_free(&p->request);
    buf_free(&p->head);
    buf_free(&p->output);
    arena_free(&p->arena);
    free(p);
}

static void on_closed(uv_handle_t *h)
{
    struct probe *p = h->data;

    p->handles--;
    release(p);
}

static void close_handle(struct probe *p, uv_handle_t *h)
{
    h->data = p;
    uv_close(h, on_closed);
}

static void finish(struct probe *p, bool ok, struct str message)
{
    if (p->closing)
        return;
    p->closing = true;
    p->ok = ok;
    p->message = message;
    close_handle(p, (uv_handle_t *)&p->timer);
    if (p->has_tcp)
        close_handle(p, (uv_handle_t *)&p->tcp);
}

void probe_cancel(struct probe *p)
{
    if (p == NULL)
        return;
    p->done = NULL;
    if (p->exec != NULL)
        container_exec_kill(p->exec);
    finish(p, false, (struct str){0});
}

uint16_t probe_port(const cJSON *port, const cJSON *container)
{
    int64_t number;

    if (cJSON_IsNumber(port))
        return (uint16_t)port->valuedouble;
    if (str_to_int(json_text(port), &number) && number > 0 && number <= UINT16_MAX)
        return (uint16_t)number;
    JSON_EACH(item, json_get(container, "ports"))
        if (str_eq(json_str(item, "name"), json_text(port)))
            return (uint16_t)json_int(item, "containerPort", 0);
    return 0;
}

/* --- failures --------------------------------------------------------------------------- */

/* libuv's errors as Go's net package words them. */
static const char *go_error(int error)
{
    switch (error) {
    case UV_ECONNREFUSED:
        return "connect: connection refused";
    case UV_ECONNRESET:
        return "read: connection reset by peer";
    case UV_EHOSTUNREACH:
        return "connect: no route to host";
    case UV_EOF:
        return "EOF";
    default:
        return uv_strerror(error);
    }
}

static void fail(struct probe *p, int error)
{
    struct str text =
        arena_printf(&p->arena, "dial tcp %.*s: %s", STR_ARG(p->place), go_error(error));

    if (error == UV_EOF)
        text = S("EOF");
    if (p->is_http)
        text = arena_printf(&p->arena, "Get \"%.*s\": %.*s", STR_ARG(p->url), STR_ARG(text));
    finish(p, false, text);
}

static void on_late(uv_timer_t *t)
{
    struct probe *p = container_of(t, struct probe, timer);

    if (p->exec != NULL) {
        container_exec_kill(p->exec);
        p->message = S("command timed out");
        return;
    }
    if (p->is_http)
        finish(p, false,
               arena_printf(&p->arena,
                            "Get \"%.*s\": context deadline exceeded (Client.Timeout exceeded "
                            "while awaiting headers)",
                            STR_ARG(p->url)));
    else
        finish(p, false, arena_printf(&p->arena, "dial tcp %.*s: i/o timeout", STR_ARG(p->place)));
}

/* --- HTTP and TCP ----------------------------------------------------------------------- */

/* The status of "HTTP/1.1 200 OK", or -1. */
static int64_t status_of(struct str head)
{
    struct str line, version, rest, code;
    int64_t status;

    if (!str_cut(head, '\n', &line, &rest) || !str_starts(line, S("HTTP/1.")) ||
        !str_cut(str_trim(line), ' ', &version, &rest))
        return -1;
    if (!str_cut(rest, ' ', &code, &line))
        code = rest;
    return str_to_int(code, &status) ? status : -1;
}

static void judge(struct probe *p)
{
    int64_t status = status_of(buf_str(&p->head));

    if (status >= FIRST_GOOD_STATUS && status < FIRST_BAD_STATUS)
        finish(p, true, (struct str){0});
    else if (status > 0)
        finish(
            p, false,
            arena_printf(&p->arena, "HTTP probe failed with statuscode: %lld", (long long)status));
    else
        finish(p, false,
               arena_printf(&p->arena,
                            "Get \"%.*s\": net/http: HTTP/1.x transport connection broken: "
                            "malformed HTTP response",
                            STR_ARG(p->url)));
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
    struct probe *p = container_of((uv_tcp_t *)(void *)h, struct probe, tcp);
    enum { PART = 2048 };
    char *to = buf_reserve(&p->head, PART);

    (void)suggested;
    *ret = uv_buf_init(to, to == NULL ? 0 : PART);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct probe *p = container_of((uv_tcp_t *)(void *)s, struct probe, tcp);

    (void)buf;
    if (n > 0)
        buf_commit(&p->head, (size_t)n);
    if (n > 0 && str_chr(buf_str(&p->head), '\n') == STR_NONE && !p->head.full)
        return; /* the first line is not complete */
    if (n < 0 && p->head.n == 0)
        fail(p, (int)n);
    else if (n != 0)
        judge(p);
}

static void on_written(uv_write_t *w, int status)
{
    struct probe *p = container_of(w, struct probe, write);

    if (status < 0 && status != UV_ECANCELED)
        fail(p, status);
}

static void on_connected(uv_connect_t *c, int status)
{
    struct probe *p = container_of(c, struct probe, connect);
    uv_buf_t bytes;

    if (p->closing)
        return;
    if (status < 0) {
        fail(p, status);
        return;
    }
    if (!p->is_http) {
        finish(p, true, (struct str){0});
        return;
    }
    bytes = uv_buf_init(p->request.at, (unsigned)p->request.n);
    if (uv_write(&p->write, (uv_stream_t *)&p->tcp, &bytes, 1, on_written) < 0 ||
        uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read) < 0)
        fail(p, UV_EIO);
}

/* No line break gets from a header's value into the request. */
static void put_line(struct buf *out, struct str name, struct str value)
{
    if (str_chr(value, '\n') == STR_NONE && str_chr(value, '\r') == STR_NONE)
        buf_printf(out, "%.*s: %.*s\r\n", STR_ARG(name), STR_ARG(value));
}

static void write_request(struct probe *p, const cJSON *http)
{
    struct str path = json_str(http, "path"), host = p->place;

    if (path.n == 0 || str_chr(path, ' ') != STR_NONE || str_chr(path, '\n') != STR_NONE)
        path = S("/");
    p->url = arena_printf(&p->arena, "http://%.*s%s%.*s", STR_ARG(p->place),
                          path.at[0] == '/' ? "" : "/", STR_ARG(path));
    buf_printf(&p->request, "GET %s%.*s HTTP/1.1\r\n", path.at[0] == '/' ? "" : "/", STR_ARG(path));
    JSON_EACH(header, json_get(http, "httpHeaders")) {
        if (str_ieq(json_str(header, "name"), S("host")))
            host = json_str(header, "value");
        else
            put_line(&p->request, json_str(header, "name"), json_str(header, "value"));
    }
    put_line(&p->request, S("Host"), host);
    buf_add(&p->request,
            S("User-Agent: kube-probe/1.0\r\nAccept: */*\r\nConnection: close\r\n\r\n"));
}

static bool start_connection(struct probe *p, const struct probe_target *t, const cJSON *http,
                             const cJSON *action)
{
    uint16_t port = probe_port(json_get(action, "port"), t->container);
    struct sockaddr_in where;
    uint32_t address;

    p->place = arena_printf(&p->arena, "%.*s:%u", STR_ARG(t->address), port);
    p->is_http = http != NULL && !str_is(json_str(http, "scheme"), "HTTPS");
    if (p->is_http)
        write_request(p, http);
    if (port == 0 || !fabric_parse_address(t->address, &address) ||
        !fabric_locate(t->fabric, address, port, &where))
        return false;
    (void)uv_tcp_init(t->loop, &p->tcp);
    p->handles++;
    p->has_tcp = true;
    return uv_tcp_connect(&p->connect, &p->tcp, (const struct sockaddr *)&where, on_connected) == 0;
}

/* --- exec ------------------------------------------------------------------------------- */

static void on_output(void *data, enum log_stream stream, struct str bytes)
{
    struct probe *p = data;

    (void)stream;
    buf_add(&p->output, str_first(bytes, MOST_OUTPUT - p->output.n));
}

static void on_exit_of_command(void *data, const struct container_exit *how)
{
    struct probe *p = data;

    p->exec = NULL;
    if (p->closing) /* cancelled meanwhile */
        release(p);
    else if (how->code == 0)
        finish(p, true, (struct str){0});
    else
        finish(p, false, p->message.n > 0 ? p->message : buf_str(&p->output));
}

static bool start_command(struct probe *p, const struct probe_target *t, const cJSON *command)
{
    struct str *argv = arena_array(&p->arena, (size_t)cJSON_GetArraySize(command), sizeof *argv);
    struct exec_callbacks callbacks = {on_output, on_exit_of_command, p};
    struct exec_options o = {.argv = argv};
    struct str why = {0};

    JSON_EACH(word, command)
        argv[o.argv_n++] = json_text(word);
    if (t->instance == NULL ||
        pod_runtime_exec(t->instance, &p->arena, &o, &callbacks, &p->exec, &why) < 0) {
        p->exec = NULL;
        p->message = why;
        return false;
    }
    return true;
}

/* A probe that cannot even be sent fails as any other: later. */
static void on_unsendable(uv_timer_t *t)
{
    struct probe *p = container_of(t, struct probe, timer);

    finish(p, false, p->message.n > 0 ? p->message : S("the probe has no target"));
}

struct probe *probe_send(const struct probe_target *t, probe_cb *done, void *data)
{
    const cJSON *http = json_get(t->handler, "httpGet"), *tcp = json_get(t->handler, "tcpSocket");
    const cJSON *exec = json_get(t->handler, "exec"), *grpc = json_get(t->handler, "grpc");
    struct probe *p = xcalloc(sizeof *p);
    bool sent;

    p->done = done;
    p->data = data;
    p->request = buf_init(MOST_REQUEST);
    p->head = buf_init(MOST_HEAD);
    p->output = buf_init(MOST_OUTPUT);
    (void)uv_timer_init(t->loop, &p->timer);
    p->handles = 1;
    if (exec != NULL)
        sent = start_command(p, t, json_get(exec, "command"));
    else
        sent = start_connection(p, t, http, http != NULL ? http : tcp != NULL ? tcp : grpc);
    (void)uv_timer_start(&p->timer, sent ? on_late : on_unsendable,
                         sent ? (uint64_t)t->timeout_ms : 0, 0);
    return p;
}
