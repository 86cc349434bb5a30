/* One request over HTTP/2 for a health check. The answer counts when its stream ends.
 * Source: Application Load Balancers User Guide, "Health checks for your target groups"; RFC 9113.
 */
#include "dataplane/probe_http2.h"

#include <stdlib.h>

#include <nghttp2/nghttp2.h>

#include "base/memory.h"

struct probe2 {
    nghttp2_session *session;
    struct sock *sock;
    bool grpc, done, failed;
    int64_t status, grpc_status; /* -1: not told */
};

static ssize_t on_send(nghttp2_session *session, const uint8_t *at, size_t n, int flags, void *data)
{
    struct probe2 *p = data;
    uv_buf_t bytes = uv_buf_init((char *)(uintptr_t)at, (unsigned)n);

    (void)session, (void)flags;
    return sock_write(p->sock, &bytes, 1) < 0 ? NGHTTP2_ERR_CALLBACK_FAILURE : (ssize_t)n;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags, void *data)
{
    struct probe2 *p = data;
    struct str n = str_n((const char *)name, name_n), v = str_n((const char *)value, value_n);

    (void)session, (void)frame, (void)flags;
    if (str_eq(n, S(":status")))
        (void)str_to_int(v, &p->status);
    else if (str_eq(n, S("grpc-status")))
        (void)str_to_int(v, &p->grpc_status);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *data)
{
    struct probe2 *p = data;

    (void)session, (void)id;
    p->done = true;
    p->failed = error != NGHTTP2_NO_ERROR;
    return 0;
}

#define FIELD(name_, value_)                                                 \
    {                                                                        \
        .name = (uint8_t *)(uintptr_t)(name_), .namelen = sizeof(name_) - 1, \
        .value = (uint8_t *)(uintptr_t)(value_).at, .valuelen = (value_).n   \
    }

/* An empty message: not compressed, no bytes. */
static ssize_t on_message(nghttp2_session *session, int32_t id, uint8_t *to, size_t most,
                          uint32_t *flags, nghttp2_data_source *source, void *data)
{
    (void)session, (void)id, (void)most, (void)source, (void)data;
    memset(to, 0, 5);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return 5;
}

struct probe2 *probe2_new(struct sock *s, const struct dp_group *g, struct str authority)
{
    nghttp2_data_provider message = {.read_callback = on_message};
    bool grpc = g->version == DP_GRPC;
    const nghttp2_nv fields[] = {
        FIELD(":method", grpc ? S("POST") : S("GET")),
        FIELD(":scheme", g->health.tls ? S("https") : S("http")),
        FIELD(":authority", authority),
        FIELD(":path", g->health.path),
        FIELD("user-agent", S("ELB-HealthChecker/2.0")),
        FIELD("content-type", S("application/grpc")), /* gRPC's, like what follows */
        FIELD("te", S("trailers")),
    };
    struct probe2 *p = xcalloc(sizeof *p);
    nghttp2_session_callbacks *c;

    *p = (struct probe2){.sock = s, .grpc = grpc, .status = -1, .grpc_status = -1};
    if (nghttp2_session_callbacks_new(&c) != 0)
        abort(); /* out of memory */
    nghttp2_session_callbacks_set_send_callback(c, on_send);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    if (nghttp2_session_client_new(&p->session, c, p) != 0)
        abort();
    nghttp2_session_callbacks_del(c);
    (void)nghttp2_submit_settings(p->session, NGHTTP2_FLAG_NONE, NULL, 0);
    (void)nghttp2_submit_request(p->session, NULL, fields, grpc ? 7 : 5, grpc ? &message : NULL,
                                 NULL);
    p->failed = nghttp2_session_send(p->session) != 0;
    return p;
}

void probe2_free(struct probe2 *p)
{
    if (p == NULL)
        return;
    nghttp2_session_del(p->session);
    free(p);
}

bool probe2_read(struct probe2 *p, struct str bytes, bool *ret_done, unsigned *ret_code)
{
    int64_t code;

    if (nghttp2_session_mem_recv(p->session, (const uint8_t *)bytes.at, bytes.n) < 0 ||
        nghttp2_session_send(p->session) != 0 || p->failed)
        return false;
    code = p->grpc ? p->grpc_status : p->status;
    *ret_done = p->done;
    *ret_code = (unsigned)code;
    return !p->done || code >= 0;
}
