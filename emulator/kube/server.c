/* Clusters and their sockets.
 *
 * Ownership: a kube owns its clusters; a cluster owns its HTTP server, certificate and watches.
 * The loop holds two handles of a kube and one server a cluster that listens; kube_close waits for
 * all of them and then frees everything in one place, kube_free(). */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/sha.h"
#include "kube/authz.h"
#include "kube/bootstrap.h"
#include "kube/cluster.h"
#include "kube/watch.h"
#include "kube/writer.h"

enum { TICK_MS = 1000 };

/* --- where answers go --------------------------------------------------------------------- */

struct http_out {
    struct kube_out out;
    struct http_exchange *exchange;
};

static struct http_exchange *exchange_of(const struct kube_out *out)
{
    return container_of(out, struct http_out, out)->exchange;
}

static void out_answer(struct kube_out *out, int status, struct http_headers headers,
                       struct str body)
{
    http_answer(exchange_of(out), status, headers, body);
}

static void out_start(struct kube_out *out, int status, struct http_headers headers)
{
    http_start(exchange_of(out), status, headers);
}

static void out_write(struct kube_out *out, struct str bytes)
{
    http_write(exchange_of(out), bytes);
}

static void out_end(struct kube_out *out)
{
    http_end(exchange_of(out));
}

static size_t out_queued(const struct kube_out *out)
{
    return http_queued(exchange_of(out));
}

static void out_on_gone(struct kube_out *out, void (*gone)(void *data), void *data)
{
    http_on_gone(exchange_of(out), gone, data);
}

static struct stream *out_upgrade(struct kube_out *out, int status, struct http_headers headers)
{
    return http_upgrade(exchange_of(out), status, headers);
}

static void on_request(void *data, struct http_exchange *x, const struct http_request *r)
{
    struct kube_cluster *c = data;
    struct http_out *out = arena_alloc(r->arena, sizeof *out);

    *out = (struct http_out){
        {out_answer, out_start, out_write, out_end, out_queued, out_on_gone, out_upgrade},
        x
    };
    kube_handle(c, &out->out, r);
    if (!list_empty(&c->watches) && !uv_is_active((uv_handle_t *)&c->kube->ticker))
        (void)uv_timer_start(&c->kube->ticker, c->kube->ticker.timer_cb, TICK_MS, TICK_MS);
}

/* --- the kube ----------------------------------------------------------------------------- */

static void kube_free(struct kube *k)
{
    void (*on_closed)(void *data) = k->on_closed;
    void *data = k->on_closed_data;

    free(k);
    if (on_closed != NULL)
        on_closed(data);
}

static void on_change(void *data, const struct change *change)
{
    const struct object_change *oc = object_change_of(change);
    struct kube *k = data;
    struct kube_cluster *c;

    if (oc == NULL)
        return;
    c = kube_cluster_find(k, oc->now->key.cluster);
    if (c == NULL)
        return;
    if (authz_is_rbac(oc->now->key.resource)) {
        authz_forget(c);
        authz_aggregate(c, oc);
    }
    watch_tell(c, oc);
}

static void on_sweep(uv_check_t *check)
{
    struct kube *k = check->data;

    objects_sweep(k->objects);
}

static void on_tick(uv_timer_t *timer)
{
    struct kube *k = timer->data;
    size_t watches = 0;

    LIST_EACH(struct kube_cluster, c, &k->clusters, link)
        watches += watch_tick(c);
    if (watches == 0)
        (void)uv_timer_stop(timer);
}

struct kube *kube_new(const struct kube_options *o)
{
    struct kube *k = xcalloc(sizeof *k);

    k->options = *o;
    k->objects = o->objects;
    k->store = objects_store(o->objects);
    k->clock = store_clock(k->store);
    k->ids = store_ids(k->store);
    list_init(&k->clusters);
    writer_init(k);
    feed_subscribe(store_feed(k->store), &k->feed, on_change, k);
    if (o->loop == NULL)
        return k;
    (void)uv_check_init(o->loop, &k->sweep);
    (void)uv_timer_init(o->loop, &k->ticker);
    k->sweep.data = k->ticker.data = k;
    k->ticker.timer_cb = on_tick;
    k->handles = 2;
    (void)uv_check_start(&k->sweep, on_sweep);
    uv_unref((uv_handle_t *)&k->sweep);
    return k;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct kube *k = handle->data;

    if (--k->handles == 0)
        kube_free(k);
}

static void on_proxy_closed(void *data)
{
    struct kube *k = data;

    if (--k->handles == 0)
        kube_free(k);
}

void kube_close(struct kube *k, void (*on_closed)(void *data), void *data)
{
    k->on_closed = on_closed;
    k->on_closed_data = data;
    feed_unsubscribe(&k->feed);
    LIST_EACH(struct kube_cluster, c, &k->clusters, link)
        kube_cluster_close(c);
    if (k->options.loop == NULL) {
        kube_free(k);
        return;
    }
    if (k->proxy != NULL)
        http_client_close(k->proxy, on_proxy_closed, k);
    uv_close((uv_handle_t *)&k->sweep, on_handle_closed);
    uv_close((uv_handle_t *)&k->ticker, on_handle_closed);
}

struct object_writer *kube_writer(struct kube *k)
{
    return &k->writer;
}

/* --- clusters ----------------------------------------------------------------------------- */

struct kube_cluster *kube_cluster_find(const struct kube *k, struct str name)
{
    LIST_EACH(struct kube_cluster, c, &k->clusters, link)
        if (str_eq(c->options.name, name))
            return c;
    return NULL;
}

/* The releases of EKS that had a name people remember; others get one made of their number. */
static struct str git_version(struct arena *a, int minor)
{
    static const struct {
        int minor;
        struct str name;
    } known[] = {
        {14, STR_INIT("v1.14.9-eks-f459c0") },
        {15, STR_INIT("v1.15.11-eks-af3caf")},
        {16, STR_INIT("v1.16.8-eks-e16311") },
        {17, STR_INIT("v1.17.6-eks-4e7f64") },
        {18, STR_INIT("v1.18.9-eks-d1db3c") },
        {19, STR_INIT("v1.19.6-eks-49a6c0") },
    };
    struct str text;

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].minor == minor)
            return known[i].name;
    text = arena_printf(a, "v1.%d.3", minor);
    return arena_printf(a, "%.*s-eks-%.*s", STR_ARG(text),
                        STR_ARG(str_first(sha256_hex(a, text), 7)));
}

static void copy_options(struct kube_cluster *c, const struct kube_cluster_options *o)
{
    struct arena *a = &c->arena;
    struct str major, minor;
    int64_t number = 0;

    c->options = *o;
    c->options.name = arena_str(a, o->name);
    c->options.version = arena_str(a, o->version);
    c->options.issuer = arena_str(a, o->issuer);
    c->options.account = arena_str(a, o->account);
    c->options.region = arena_str(a, o->region);
    c->options.creator_arn = arena_str(a, o->creator_arn);
    c->options.service_cidr = arena_str(a, o->service_cidr);
    c->options.endpoint_host = arena_str(a, o->endpoint_host);
    if (str_cut(o->version, '.', &major, &minor))
        (void)str_to_int(minor, &number);
    c->minor = (int)number;
    c->git_version = git_version(a, c->minor);
}

static void cluster_free(struct kube_cluster *c)
{
    list_remove(&c->link);
    tls_free(c->tls);
    certificate_free(c->certificate);
    arena_free(&c->policy_arena);
    arena_free(&c->arena);
    free(c);
}

int kube_cluster_open(struct kube *k, const struct kube_cluster_options *o,
                      struct kube_cluster **ret_cluster)
{
    struct kube_cluster *c = xcalloc(sizeof *c);
    int r;

    c->kube = k;
    list_init(&c->watches);
    copy_options(c, o);
    list_append(&k->clusters, &c->link);
    r = bootstrap_cluster(c);
    if (r < 0) {
        cluster_free(c);
        return r;
    }
    *ret_cluster = c;
    return 0;
}

/* A certificate for every name that the server is dialled by. */
static int make_tls(struct kube_cluster *c)
{
    struct str names[] = {
        S("kubernetes"),
        S("kubernetes.default"),
        S("kubernetes.default.svc"),
        S("kubernetes.default.svc.cluster.local"),
        S("localhost"),
        S("127.0.0.1"),
        S("10.100.0.1"),
        S("172.20.0.1"),
        c->options.endpoint_host.n > 0 ? c->options.endpoint_host : S("localhost"),
    };
    struct ca_request request = {
        .common_name = S("kube-apiserver"), .names = names, .name_count = ARRAY_LEN(names)};
    struct tls_server_options tls = {.client_ca = c->kube->options.ca};
    int r = ca_issue(c->kube->options.ca, c->kube->clock, &request, &c->certificate);

    if (r < 0)
        return r;
    tls.certificate = c->certificate;
    return tls_server_new(&tls, &c->tls);
}

/* What the HTTP server itself refuses is a Status too. */
static void on_refusal(void *data, const struct http_request *r, struct http_refusal *refusal)
{
    CLEANUP(buf_free) struct buf b = buf_init(4096);
    bool large = refusal->status == 413;

    (void)data;
    buf_add(&b, S("{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":"
                  "\"Failure\",\"message\":"));
    json_write_str(&b, large ? S("Request entity too large: limit is 3145728") : refusal->reason);
    buf_printf(&b, ",\"reason\":\"%s\",\"code\":%d}",
               large ? "RequestEntityTooLarge" : "BadRequest", refusal->status);
    refusal->content_type = S("application/json");
    refusal->body = arena_str(r->arena, buf_str(&b));
}

int kube_cluster_listen(struct kube_cluster *c, struct str address, uint16_t port,
                        uint16_t *ret_port)
{
    int r;

    if (c->server == NULL) {
        struct http_server_options o = {
            .loop = c->kube->options.loop,
            .security = STREAM_TLS,
            .gzip_from = 128 << 10,
            .handle = on_request,
            .refuse = on_refusal,
            .data = c,
        };

        r = make_tls(c);
        if (r < 0)
            return r;
        o.tls = c->tls;
        c->server = http_server_new(&o);
        c->kube->handles++;
    }
    return http_server_listen(c->server, address, port, ret_port);
}

void kube_cluster_set_key(struct kube_cluster *c, const struct jwt_key *key)
{
    c->options.signing_key = key;
}

static void on_server_closed(void *data)
{
    struct kube_cluster *c = data;
    struct kube *k = c->kube;

    cluster_free(c);
    if (--k->handles == 0)
        kube_free(k);
}

void kube_cluster_close(struct kube_cluster *c)
{
    watch_end_all(c);
    list_remove(&c->link);
    if (c->server != NULL)
        http_server_close(c->server, on_server_closed, c);
    else
        cluster_free(c);
}
