/* API servers by cluster. A signing key is RSA and takes a while: it is made in libuv's pool, once,
 * and kept in the store; tokens are refused until it is there. */
#include "clusters.h"

#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/memory.h"
#include "kubeconfig.h"
#include "loops/fixture.h"
#include "store/eks.h"
#include "store/feed.h"
#include "store/setting.h"

struct cluster_server {
    struct link link;
    struct clusters *clusters;
    struct arena arena;
    struct str name;
    struct kube_cluster *server;
    struct loops_cluster told;
    struct jwt_key *key;
    uint16_t port;
    uv_work_t work;
    bool working, dead; /* dead: to be freed when the work is done */
};

struct clusters {
    struct clusters_options o;
    struct feed_subscriber feed;
    struct link servers;
};

/* --- signing keys ---------------------------------------------------------------------------- */

static struct str key_name(struct cluster_server *s)
{
    return cluster_signing_key_name(&s->arena, s->name);
}

static void use_key(struct cluster_server *s)
{
    kube_cluster_set_key(s->server, s->key);
    s->told.signing_key = s->key;
    loops_add_cluster(s->clusters->o.loops, &s->told);
}

static void free_server(struct cluster_server *s)
{
    jwt_key_free(s->key);
    arena_free(&s->arena);
    free(s);
}

static void make_key(uv_work_t *work)
{
    struct cluster_server *s = container_of(work, struct cluster_server, work);

    (void)jwt_key_new(&s->key);
}

static void store_key(struct cluster_server *s)
{
    struct store *store = s->clusters->o.store;

    if (store_begin(store) < 0)
        return;
    if (setting_put(store, key_name(s), jwt_key_pem(s->key, &s->arena)) < 0 ||
        store_commit(store) < 0)
        store_rollback(store);
}

static void on_key(uv_work_t *work, int status)
{
    struct cluster_server *s = container_of(work, struct cluster_server, work);

    s->working = false;
    if (s->dead) {
        free_server(s);
        return;
    }
    if (status < 0 || s->key == NULL)
        return;
    store_key(s);
    use_key(s);
}

static void need_key(struct cluster_server *s)
{
    struct str pem = {0};

    if (setting_get(s->clusters->o.store, &s->arena, key_name(s), &pem) == 0 && pem.n > 0 &&
        jwt_key_load(pem, &s->key) == 0) {
        use_key(s);
        return;
    }
    s->working = uv_queue_work(s->clusters->o.loop, &s->work, make_key, on_key) == 0;
}

/* --- opening and closing --------------------------------------------------------------------- */

static int64_t minor_of(struct str version)
{
    int64_t minor = 16;

    (void)str_to_int(str_from(version, 2), &minor);
    return minor;
}

static bool port_is_taken(const struct clusters *c, uint16_t port)
{
    LIST_EACH(struct cluster_server, s, (struct link *)(uintptr_t)&c->servers, link)
        if (s->port == port)
            return true;
    return false;
}

struct cluster_port {
    struct str name;
    uint16_t port;
};

static void note_port(struct cluster_ports *p, struct str name, uint16_t port)
{
    struct cluster_port *n = map_get(&p->ports, name);

    if (n == NULL) {
        n = arena_alloc(&p->arena, sizeof *n);
        n->name = arena_str(&p->arena, name);
        (void)map_put(&p->ports, n->name, n);
    }
    n->port = port;
}

void cluster_ports_free(struct cluster_ports *p)
{
    map_free(&p->ports);
    arena_free(&p->arena);
}

/* The port that the cluster had, else the first one that none of ours has. */
static uint16_t wanted_port(const struct clusters *c, const struct cluster *row)
{
    const struct cluster_port *before = map_get(&c->o.ports->ports, row->name);
    uint16_t port = c->o.first_port;

    if (before != NULL && !port_is_taken(c, before->port))
        return before->port;
    if (port == 0)
        return 0;
    if (row->port >= port && !port_is_taken(c, (uint16_t)row->port))
        return (uint16_t)row->port;
    while (port_is_taken(c, port))
        port++;
    return port;
}

static int listen_and_note(struct cluster_server *s, struct cluster *row)
{
    struct clusters *c = s->clusters;
    uint16_t wanted = wanted_port(c, row);
    int r = kube_cluster_listen(s->server, c->o.address, wanted, &s->port);

    if (r < 0)
        return r;
    row->port = s->port;
    note_port(c->o.ports, s->name, s->port);
    if (store_begin(c->o.store) < 0)
        return -EIO;
    r = cluster_update(c->o.store, row);
    if (r == 0)
        return store_commit(c->o.store);
    store_rollback(c->o.store);
    return r;
}

static int open_server(struct clusters *c, struct cluster *row, struct cluster_server **ret_server)
{
    struct cluster_server *s = xcalloc(sizeof *s);
    struct kube_cluster_options o = {0};
    int r;

    s->clusters = c;
    s->name = arena_str(&s->arena, row->name);
    o = (struct kube_cluster_options){
        .name = s->name,
        .version = row->version,
        .issuer = cluster_issuer(&s->arena, row),
        .account = row->account,
        .region = row->region,
        .creator_arn = row->creator.n > 0 ? row->creator
                                          : arena_printf(&s->arena, "arn:aws:iam::%.*s:root",
                                                         STR_ARG(row->account)),
        .service_cidr = row->service_cidr,
    };
    r = kube_cluster_open(c->o.kube, &o, &s->server);
    if (r < 0) {
        free_server(s);
        return r;
    }
    list_append(&c->servers, &s->link);
    *ret_server = s;
    r = listen_and_note(s, row);
    if (r < 0)
        return r;
    s->told = (struct loops_cluster){
        .name = s->name,
        .kube_host = c->o.reached,
        .kube_port = s->port,
        .ca_pem = ca_certificate_pem(c->o.ca, &s->arena),
        .issuer = o.issuer,
        .minor = (int)minor_of(row->version),
    };
    loops_add_cluster(c->o.loops, &s->told);
    need_key(s);
    return 0;
}

static void close_server(struct cluster_server *s)
{
    loops_remove_cluster(s->clusters->o.loops, s->name);
    kube_cluster_close(s->server);
    list_remove(&s->link);
    s->dead = true;
    if (!s->working)
        free_server(s);
}

/* What a cluster held goes with it: another of the same name begins empty. */
static void forget_objects(struct clusters *c, struct str name)
{
    if (store_begin(c->o.store) < 0)
        return;
    if (objects_remove_cluster(c->o.objects, name) < 0 || store_commit(c->o.store) < 0) {
        store_rollback(c->o.store);
        log_error("main", "the objects of cluster %.*s cannot be removed", STR_ARG(name));
    }
}

static struct cluster_server *find(const struct clusters *c, struct str name)
{
    LIST_EACH(struct cluster_server, s, (struct link *)(uintptr_t)&c->servers, link)
        if (str_eq(s->name, name))
            return s;
    return NULL;
}

/* Rewrites the kubeconfig for all servers. */
static void write_kubeconfig(struct clusters *c)
{
    CLEANUP(json_freep) cJSON *document = clusters_document(c);
    struct arena a = {0};
    struct str text = kubeconfig_text(&a, c->o.ca, store_clock(c->o.store), document);

    if (data_dir_write(c->o.dir, &a, "kubeconfig", text) < 0)
        log_error("main", "the kubeconfig cannot be written to the data folder");
    arena_free(&a);
}

static void on_change(void *data, const struct change *change)
{
    struct clusters *c = data;
    struct cluster *row = NULL;
    struct arena a = {0};
    struct cluster_server *s;
    bool comes, goes;
    int r = 0;

    if (change->topic != CHANGE_EKS ||
        cluster_find(c->o.store, &a, S(""), S(""), change->key, &row) < 0) {
        arena_free(&a);
        return;
    }
    s = find(c, change->key);
    comes = row != NULL && s == NULL;
    goes = row == NULL && s != NULL;
    if (comes)
        r = open_server(c, row, &s);
    if (goes) {
        close_server(s);
        forget_objects(c, change->key);
    }
    if (r < 0)
        log_error("main", "the API server of cluster %.*s cannot be opened: %s",
                  STR_ARG(change->key), uv_strerror(r));
    if (comes || goes)
        write_kubeconfig(c);
    arena_free(&a);
}

bool clusters_start(const struct clusters_options *o, struct arena *a,
                    struct clusters **ret_clusters, struct str *ret_why)
{
    struct clusters *c = xcalloc(sizeof *c);
    struct cluster *row = NULL;
    int r;

    c->o = *o;
    list_init(&c->servers);
    *ret_clusters = c;
    r = cluster_list(o->store, a, S(""), S(""), &row);
    for (; r == 0 && row != NULL; row = row->next) {
        struct cluster_server *s = NULL;

        r = open_server(c, row, &s);
        if (r < 0)
            *ret_why = arena_printf(a, "cannot listen on %.*s:%u: %s; give another %s",
                                    STR_ARG(o->address), (unsigned)wanted_port(c, row),
                                    uv_strerror(r), o->flag);
    }
    feed_subscribe(store_feed(o->store), &c->feed, on_change, c);
    if (r == 0)
        write_kubeconfig(c);
    return r == 0;
}

void clusters_stop(struct clusters *c)
{
    if (c == NULL)
        return;
    feed_unsubscribe(&c->feed);
    LIST_EACH(struct cluster_server, s, &c->servers, link) {
        list_remove(&s->link);
        s->dead = true;
        if (!s->working)
            free_server(s);
    }
    free(c);
}

cJSON *clusters_document(const struct clusters *c)
{
    cJSON *list = cJSON_CreateArray();
    struct arena a = {0};

    if (c == NULL)
        return list;
    LIST_EACH(struct cluster_server, s, (struct link *)(uintptr_t)&c->servers, link) {
        cJSON *one = cJSON_CreateObject();

        json_put_str(one, S("cluster"), s->name);
        json_put_str(one, S("server"),
                     arena_printf(&a, "https://%.*s:%u", STR_ARG(c->o.reached), (unsigned)s->port));
        cJSON_AddItemToArray(list, one);
    }
    arena_free(&a);
    return list;
}
