/* A worker's loop, its inbox, and its listening sockets. The control thread makes a worker, gives
 * it orders through the inbox, and takes it apart after its thread has ended; in between nobody
 * else touches it. */
#include "dataplane/worker.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"
#include "base/memory.h"
#include "dataplane/dp_tls.h"
#include "dataplane/front.h"
#include "dataplane/health.h"
#include "dataplane/http2.h"
#include "dataplane/nodeport.h"
#include "dataplane/record.h"
#include "dataplane/secure.h"
#include "dataplane/upstream_http2.h"

enum { BACKLOG = 1024 };

/* --- listening ----------------------------------------------------------------------------- */

int listen_at(struct worker *w, uv_tcp_t *tcp, const struct sockaddr_in *at,
              uv_connection_cb on_connection)
{
    int yes = 1, r = uv_tcp_init_ex(&w->loop, tcp, AF_INET);
    uv_os_fd_t fd;

    if (r == 0)
        r = uv_fileno((uv_handle_t *)tcp, &fd);
    if (r == 0 && !w->alone && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) < 0)
        r = uv_translate_sys_error(errno);
    if (r == 0)
        r = uv_tcp_bind(tcp, (const struct sockaddr *)at, 0);
    if (r == 0)
        r = uv_listen((uv_stream_t *)tcp, BACKLOG, on_connection);
    return r;
}

static void on_door_closed(uv_handle_t *h)
{
    struct acceptor *d = h->data;

    if (d->balancer != NULL)
        balancer_unref(d->balancer);
    free(d);
}

void acceptor_close(struct acceptor *d)
{
    list_remove(&d->link);
    uv_close((uv_handle_t *)&d->tcp, on_door_closed);
}

static void on_connection(uv_stream_t *s, int status)
{
    if (status == 0)
        front_accept(s->data);
}

int acceptor_open(struct worker *w, const struct sockaddr_in *at, struct balancer *balancer,
                  uint16_t listener_port, bool tls, struct link *list, struct acceptor **ret_door)
{
    struct acceptor *d = xcalloc(sizeof *d);
    int r;

    d->worker = w;
    d->at = *at;
    d->tls = tls;
    d->listener_port = listener_port;
    d->balancer = balancer == NULL ? NULL : balancer_ref(balancer);
    r = listen_at(w, &d->tcp, at, on_connection);
    d->tcp.data = d;
    list_append(list, &d->link);
    if (r < 0) {
        acceptor_close(d);
        return r;
    }
    *ret_door = d;
    return 0;
}

/* --- small services of the worker ------------------------------------------------------------ */

struct str worker_date(struct worker *w)
{
    int64_t second = clock_now(w->clock) / 1000;
    time_t t = (time_t)second;
    struct tm tm;

    if (second != w->date_second) {
        w->date_second = second;
        (void)gmtime_r(&t, &tm);
        (void)strftime(w->date, sizeof w->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    }
    return str_c(w->date);
}

/* --- orders -------------------------------------------------------------------------------- */

static void stop(struct worker *w)
{
    w->stopping = true;
    balancers_close(w);
    services_close(w);
    if (w->health != NULL)
        health_close(w->health);
    record_flush(w);
    uv_close((uv_handle_t *)&w->log_timer, NULL);
    uv_close((uv_handle_t *)&w->wake, NULL);
}

static void obey(struct worker *w, struct order *o)
{
    switch (o->kind) {
    case ORDER_BALANCER:
        if (w->health != NULL)
            health_apply(w->health, str_c(o->key), o->balancer);
        balancer_apply(w, str_c(o->key), TAKE(o->balancer));
        break;
    case ORDER_SERVICE:
        service_apply(w, str_c(o->key), TAKE(o->service));
        break;
    case ORDER_CLOCK:
        if (w->health != NULL)
            health_look(w->health);
        break;
    case ORDER_STOP:
        stop(w);
        break;
    }
}

static void free_order(struct order *o)
{
    dp_balancer_unref(o->balancer);
    dp_service_unref(o->service);
    free(o->key);
    free(o);
}

static struct order *next_order(struct worker *w)
{
    struct order *o = NULL;

    uv_mutex_lock(&w->lock);
    if (!list_empty(&w->inbox)) {
        o = container_of(w->inbox.next, struct order, link);
        list_remove(&o->link);
    }
    uv_mutex_unlock(&w->lock);
    return o;
}

static void on_wake(uv_async_t *async)
{
    struct worker *w = async->data;
    struct order *o;

    while ((o = next_order(w)) != NULL) {
        if (!w->stopping)
            obey(w, o);
        free_order(o);
        uv_mutex_lock(&w->lock);
        w->told--;
        uv_mutex_unlock(&w->lock);
    }
}

bool worker_is_settled(struct worker *w)
{
    bool settled;

    uv_mutex_lock(&w->lock);
    settled = w->told == 0;
    uv_mutex_unlock(&w->lock);
    return settled;
}

void worker_tell(struct worker *w, const struct order *order)
{
    struct order *o = xcalloc(sizeof *o);

    *o = *order;
    uv_mutex_lock(&w->lock);
    list_append(&w->inbox, &o->link);
    w->told++;
    uv_mutex_unlock(&w->lock);
    (void)uv_async_send(&w->wake);
}

/* --- life ---------------------------------------------------------------------------------- */

static void make_rooms(struct worker *w, const struct dataplane_settings *settings)
{
    sock_rooms_init(&w->rooms);
    w->http2 = http2_shared_new();
    regex_scratch_init(&w->regex);
    cookie_seal_init(&w->seal, settings->cookie_key);
    w->peek = secure_peek_context();
    w->http2_targets = upstream2_shared_new();
    w->to_targets = dp_tls_client(true, false);
    w->to_targets_h2 = dp_tls_client(true, true);
    w->to_client.text = (struct text){.at = xcalloc(GATHER_ROOM), .room = GATHER_ROOM};
    w->to_target.text = (struct text){.at = xcalloc(GATHER_ROOM), .room = GATHER_ROOM};
    w->request_fields.at = xcalloc(HTTP_FIELD_COUNT_MAX * sizeof(struct http_field));
    w->response_fields.at = xcalloc(HTTP_FIELD_COUNT_MAX * sizeof(struct http_field));
    w->request_fields.room = w->response_fields.room = HTTP_FIELD_COUNT_MAX;
    http_body_prepare(&w->chunks);
}

/* Sharing an address among workers would share it with another server of the same user too: so
 * whether somebody has it is asked without sharing. */
static int check_free(struct worker *w, const struct sockaddr_in *at)
{
    uv_tcp_t tcp;
    bool alone = w->alone;
    int r;

    w->alone = true;
    r = listen_at(w, &tcp, at, on_connection);
    w->alone = alone;
    uv_close((uv_handle_t *)&tcp, NULL);
    (void)uv_run(&w->loop, UV_RUN_NOWAIT);
    return r;
}

/* One of the doors that all load balancers share; *at gets the port that it has. */
static int open_common_door(struct worker *w, const struct sockaddr_in *wanted, bool tls,
                            struct sockaddr_in *at)
{
    struct acceptor *d = NULL;
    int r = 0, n = sizeof *at;

    if (wanted == NULL)
        return 0;
    if (w->index == 0 && !w->alone)
        r = check_free(w, wanted);
    if (r < 0)
        return r;
    r = acceptor_open(w, wanted, NULL, tls ? 443 : 80, tls, &w->common_doors, &d);
    if (r == 0)
        r = uv_tcp_getsockname(&d->tcp, (struct sockaddr *)at, &n);
    if (r == 0)
        d->at = *at;
    return r;
}

static int open_common_doors(struct worker *w, const struct dataplane_settings *settings)
{
    int r = open_common_door(w, settings->http, false, &w->common_http);

    return r < 0 ? r : open_common_door(w, settings->https, true, &w->common_https);
}

int worker_init(struct worker *w, struct dataplane *plane, unsigned index,
                const struct dataplane_settings *settings)
{
    int r = uv_loop_init(&w->loop);

    if (r < 0)
        return r;
    w->plane = plane;
    w->index = index;
    w->clock = settings->clock;
    w->ids = ids_fork(settings->ids);
    w->alone = settings->workers == 1;
    w->more_doors = settings->more_doors && settings->http != NULL;
    w->loop.data = w;
    list_init(&w->inbox);
    list_init(&w->logs);
    (void)uv_timer_init(&w->loop, &w->log_timer);
    w->log_timer.data = w;
    list_init(&w->common_doors);
    list_init(&w->conns);
    list_init(&w->relays);
    (void)uv_mutex_init(&w->lock);
    make_rooms(w, settings);
    r = uv_async_init(&w->loop, &w->wake, on_wake);
    w->wake.data = w;
    if (index == 0)
        w->health = health_new(w);
    if (r == 0)
        r = open_common_doors(w, settings);
    return r;
}

void worker_run(void *data)
{
    struct worker *w = data;

    (void)uv_run(&w->loop, UV_RUN_DEFAULT);
}

void worker_deinit(struct worker *w)
{
    struct order *o;
    int r;

    if (!w->stopping) { /* its thread never ran */
        stop(w);
        (void)uv_run(&w->loop, UV_RUN_DEFAULT);
    }
    while ((o = next_order(w)) != NULL)
        free_order(o);
    r = uv_loop_close(&w->loop);
    assert(r == 0);
    (void)r;
    uv_mutex_destroy(&w->lock);
    health_free(w->health);
    map_free(&w->balancers);
    map_free(&w->names);
    map_free(&w->services);
    map_free(&w->endpoints);
    map_free(&w->groups);
    http2_shared_free(w->http2);
    regex_scratch_free(&w->regex);
    cookie_seal_free(&w->seal);
    SSL_CTX_free(w->peek);
    SSL_CTX_free(w->to_targets);
    SSL_CTX_free(w->to_targets_h2);
    upstream2_shared_free(w->http2_targets);
    sock_rooms_free(&w->rooms);
    free(w->to_client.text.at);
    free(w->to_target.text.at);
    free(w->request_fields.at);
    free(w->response_fields.at);
}
