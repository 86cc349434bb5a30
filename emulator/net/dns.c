/* Names to addresses. A query belongs to the loop until its one callback came. */
#include "net/dns.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/memory.h"

struct dns_query {
    uv_getaddrinfo_t req;
    uv_timer_t timer;    /* answers what is known from the loop */
    dns_cb *on_resolved; /* NULL once cancelled or answered */
    void *data;
    uint16_t port;
    struct sockaddr_storage known;
};

static void set_port(struct sockaddr_storage *addr, uint16_t port)
{
    if (addr->ss_family == AF_INET)
        ((struct sockaddr_in *)(void *)addr)->sin_port = htons(port);
    else
        ((struct sockaddr_in6 *)(void *)addr)->sin6_port = htons(port);
}

bool dns_resolve_now(struct str host, uint16_t port, struct sockaddr_storage *ret_addr)
{
    struct sockaddr_storage addr = {0};
    char text[INET6_ADDRSTRLEN];

    if (str_ieq(host, S("localhost")) ||
        (host.n > 10 && str_ieq(str_from(host, host.n - 10), S(".localhost"))))
        host = S("127.0.0.1");
    if (host.n == 0 || host.n >= sizeof text)
        return false;
    memcpy(text, host.at, host.n);
    text[host.n] = '\0';
    if (uv_ip4_addr(text, port, (struct sockaddr_in *)(void *)&addr) != 0 &&
        uv_ip6_addr(text, port, (struct sockaddr_in6 *)(void *)&addr) != 0)
        return false;
    *ret_addr = addr;
    return true;
}

static void answer(struct dns_query *q, int error, const struct sockaddr_storage *addresses,
                   size_t n)
{
    dns_cb *cb = TAKE(q->on_resolved);

    if (cb != NULL)
        cb(q->data, error, addresses, n);
}

static void on_timer_closed(uv_handle_t *h)
{
    free(h->data);
}

static void on_known(uv_timer_t *timer)
{
    struct dns_query *q = timer->data;

    if (uv_is_closing((uv_handle_t *)timer))
        return;
    uv_close((uv_handle_t *)timer, on_timer_closed);
    if (q->known.ss_family != AF_UNSPEC)
        answer(q, 0, &q->known, 1);
    else
        answer(q, UV_EAI_NONAME, NULL, 0);
}

static void on_addrinfo(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
    struct dns_query *q = container_of(req, struct dns_query, req);
    struct sockaddr_storage addresses[DNS_MOST_ADDRESSES] = {0};
    size_t n = 0;

    for (struct addrinfo *i = found; i != NULL && n < DNS_MOST_ADDRESSES; i = i->ai_next) {
        if (i->ai_addrlen > sizeof addresses[n])
            continue;
        memcpy(&addresses[n], i->ai_addr, i->ai_addrlen);
        set_port(&addresses[n++], q->port);
    }
    uv_freeaddrinfo(found);
    if (status == 0 && n == 0)
        status = UV_EAI_NONAME;
    answer(q, status, addresses, n);
    free(q);
}

struct dns_query *dns_resolve(uv_loop_t *loop, struct str host, uint16_t port, dns_cb *on_resolved,
                              void *data)
{
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct dns_query *q = xcalloc(sizeof *q);
    char name[256] = "";

    q->on_resolved = on_resolved;
    q->data = data;
    q->port = port;
    if (host.n < sizeof name && host.n > 0)
        memcpy(name, host.at, host.n);
    if (!dns_resolve_now(host, port, &q->known) && name[0] != '\0' &&
        uv_getaddrinfo(loop, &q->req, on_addrinfo, name, NULL, &hints) == 0)
        return q;
    (void)uv_timer_init(loop, &q->timer);
    q->timer.data = q;
    (void)uv_timer_start(&q->timer, on_known, 0, 0);
    return q;
}

void dns_cancel(struct dns_query *q)
{
    if (q == NULL)
        return;
    q->on_resolved = NULL;
    if (q->timer.data == NULL)
        (void)uv_cancel((uv_req_t *)&q->req); /* EBUSY: it comes, and finds nobody */
    else if (!uv_is_closing((uv_handle_t *)&q->timer))
        uv_close((uv_handle_t *)&q->timer, on_timer_closed);
}
