/* Node ports: a listening socket for each (node, port) that has pods, and a relay for each
 * connection. A port without pods is not listened on, so connections are refused, as kube-proxy's
 * REJECT does it.
 * Ownership: a relay belongs to the worker's list until close_relay(), which may be called from
 * any callback, any number of times; memory is freed in on_closed(), when libuv has returned the
 * last handle. Ways to close: both sides finished, either failed, the worker ends.
 * Source: Kubernetes documentation, "Virtual IPs and Service Proxies". */
#include "dataplane/nodeport.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/memory.h"

struct relay;

struct side {
    struct sock sock;
    struct relay *relay;
    struct side *to; /* where bytes read here go */
    bool eof;        /* this side has sent its FIN */
};

struct relay {
    struct link link;
    struct worker *worker;
    struct side client, pod;
    uv_connect_t connect;
    unsigned handles;
    bool closing;
};

/* A listening node port. */
struct node_port {
    uv_tcp_t tcp;
    struct link link;
    struct worker *worker;
    struct sockaddr_in at;
    const struct dp_forward *forward; /* of the service's configuration of now */
    size_t next;
    bool kept;
};

struct service_state {
    char *key;
    struct dp_service *config;
    struct link ports;
};

/* --- relays -------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *h)
{
    struct side *side = h->data;
    struct relay *r = side->relay;

    if (--r->handles == 0)
        free(r);
}

static void close_relay(struct relay *r)
{
    if (r->closing)
        return;
    r->closing = true;
    list_remove(&r->link);
    sock_close(&r->client.sock, on_closed);
    sock_close(&r->pod.sock, on_closed);
}

static void on_drained(struct sock *s)
{
    struct side *side = container_of(s, struct side, sock);

    if (!side->to->eof && side->to->sock.connected)
        sock_read_start(&side->to->sock);
}

static void on_failed(struct sock *s, int error)
{
    (void)error;
    close_relay(container_of(s, struct side, sock)->relay);
}

static void pass_end(struct side *from)
{
    from->eof = true;
    sock_read_stop(&from->sock);
    if (from->to->eof)
        close_relay(from->relay);
    else
        sock_end(&from->to->sock);
}

static void on_read(struct sock *s, ssize_t n, const char *at)
{
    struct side *from = container_of(s, struct side, sock);
    uv_buf_t bytes = uv_buf_init((char *)at, n > 0 ? (unsigned)n : 0);

    if (n == UV_EOF) {
        pass_end(from);
        return;
    }
    if (n < 0 || sock_write(&from->to->sock, &bytes, 1) < 0)
        close_relay(from->relay);
    else if (sock_is_full(&from->to->sock))
        sock_read_stop(&from->sock);
}

static void on_connected(uv_connect_t *req, int status)
{
    struct relay *r = container_of(req, struct relay, connect);

    if (r->closing)
        return;
    if (status < 0) {
        close_relay(r);
        return;
    }
    r->pod.sock.connected = true;
    (void)uv_tcp_nodelay(&r->pod.sock.tcp, 1);
    sock_read_start(&r->pod.sock);
    sock_read_start(&r->client.sock);
}

static void init_side(struct side *side, struct relay *r, struct side *to)
{
    (void)sock_init(&side->sock, &r->worker->loop, &r->worker->rooms);
    side->sock.tcp.data = side;
    side->sock.on_read = on_read;
    side->sock.on_drained = on_drained;
    side->sock.on_failed = on_failed;
    side->relay = r;
    side->to = to;
}

static void on_connection(uv_stream_t *s, int status)
{
    struct node_port *p = s->data;
    const struct dp_forward *f = p->forward;
    struct relay *r;

    if (status < 0)
        return;
    r = xcalloc(sizeof *r);
    r->worker = p->worker;
    r->handles = 2;
    init_side(&r->client, r, &r->pod);
    init_side(&r->pod, r, &r->client);
    list_append(&p->worker->relays, &r->link);
    r->client.sock.connected = true;
    (void)uv_tcp_nodelay(&r->client.sock.tcp, 1);
    if (uv_accept(s, (uv_stream_t *)&r->client.sock.tcp) < 0 ||
        uv_tcp_connect(&r->connect, &r->pod.sock.tcp,
                       (const struct sockaddr *)&f->pods[p->next++ % f->pod_count],
                       on_connected) < 0)
        close_relay(r);
}

/* --- ports --------------------------------------------------------------------------------- */

static void on_port_closed(uv_handle_t *h)
{
    free(h->data);
}

static void close_port(struct node_port *p)
{
    list_remove(&p->link);
    uv_close((uv_handle_t *)&p->tcp, on_port_closed);
}

static struct node_port *find_port(struct service_state *s, const struct sockaddr_in *at)
{
    LIST_EACH(struct node_port, p, &s->ports, link) {
        if (p->at.sin_addr.s_addr == at->sin_addr.s_addr && p->at.sin_port == at->sin_port)
            return p;
    }
    return NULL;
}

static struct node_port *open_port(struct worker *w, struct service_state *s,
                                   const struct sockaddr_in *at)
{
    struct node_port *p = xcalloc(sizeof *p);
    char name[32] = "";
    int r;

    p->worker = w;
    p->at = *at;
    r = listen_at(w, &p->tcp, at, on_connection);
    p->tcp.data = p;
    list_append(&s->ports, &p->link);
    if (r == 0)
        return p;
    (void)uv_ip4_name(at, name, sizeof name);
    if (w->index == 0)
        log_warning("dataplane", "cannot listen on node port %s:%u of %s: %s", name,
                    ntohs(at->sin_port), s->key, uv_strerror(r));
    close_port(p);
    return NULL;
}

static void settle_ports(struct worker *w, struct service_state *s)
{
    for (size_t i = 0; s->config != NULL && i < s->config->forward_count; i++) {
        const struct dp_forward *f = &s->config->forwards[i];
        struct node_port *p = find_port(s, &f->at);

        if (f->pod_count == 0)
            continue;
        if (p == NULL)
            p = open_port(w, s, &f->at);
        if (p == NULL)
            continue;
        p->forward = f;
        p->kept = true;
    }
    LIST_EACH(struct node_port, p, &s->ports, link) {
        if (!p->kept)
            close_port(p);
        else
            p->kept = false;
    }
}

void service_apply(struct worker *w, struct str key, struct dp_service *config)
{
    struct service_state *s = map_get(&w->services, key);
    struct dp_service *old;

    if (s == NULL && config == NULL)
        return;
    if (s == NULL) {
        s = xcalloc(sizeof *s);
        s->key = xcalloc(key.n + 1);
        if (key.n > 0)
            memcpy(s->key, key.at, key.n);
        list_init(&s->ports);
        (void)map_put(&w->services, str_c(s->key), s);
    }
    old = s->config;
    s->config = config;
    settle_ports(w, s);
    dp_service_unref(old);
    if (config != NULL)
        return;
    (void)map_remove(&w->services, str_c(s->key));
    free(s->key);
    free(s);
}

void services_close(struct worker *w)
{
    struct map_entry *e;
    size_t at = 0;

    while ((e = map_next(&w->services, &at)) != NULL)
        service_apply(w, e->key, NULL);
    LIST_EACH(struct relay, r, &w->relays, link)
        close_relay(r);
}
