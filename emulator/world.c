/* What holds the world: objects, API servers, loops, pods, traffic. Opened in the order in which
 * the parts borrow from each other, closed in reverse. */
#include "server.h"

#include "base/log.h"
#include "dataplane/dataplane.h"
#include "loops/fixture.h"
#include "store/feed.h"

/* --- the store's content ---------------------------------------------------------------------- */

static bool load_fixture(struct emulator *e)
{
    struct server_world *w = &e->world;

    if (fixture_load(e->store, &w->arena, e->fixture_name, e->fixture,
                     e->options->kubernetes_version, &e->why) < 0) {
        e->why = arena_str(&e->arena, e->why);
        return e->why.n > 0 ? false : server_failed(e, S("the data file cannot be written"));
    }
    if (fixture_region(e->store, &w->arena, &w->region) < 0 ||
        objects_open(e->store, &w->objects) < 0)
        return server_failed(e, S("the Kubernetes objects in the data file cannot be read"));
    return true;
}

/* --- traffic ---------------------------------------------------------------------------------- */

static int start_routing_at(struct emulator *e, const struct sockaddr_in *at)
{
    struct routing_options o = {
        .loop = &e->loop,
        .objects = e->world.objects,
        .fabric = e->fabric,
        .workers = (unsigned)e->options->workers,
        .http = at,
        .more_doors = e->options->front_http.n == 0,
        .security_groups = str_is(e->options->security_groups, "enforce"),
    };

    return routing_start(&o, &e->world.routing);
}

static int start_routing_by_name(struct emulator *e, struct str host, uint16_t port)
{
    struct sockaddr_in at;
    int r = uv_ip4_addr(arena_cstr(&e->arena, host), port, &at);

    return r < 0 ? r : start_routing_at(e, &at);
}

/* The load balancers' common door: where it was, else as told, else port 80, else 8080. */
static bool start_routing(struct emulator *e)
{
    struct str wanted = e->options->front_http;
    int r;

    if (e->front.sin_port != 0) {
        r = start_routing_at(e, &e->front);
        return r == 0 || server_cannot_listen(e, "--front-http", S("the same address again"), r);
    }
    if (wanted.n > 0) {
        r = start_routing_by_name(e, address_host(wanted), address_port(wanted));
        return r == 0 || server_cannot_listen(e, "--front-http", wanted, r);
    }
    r = start_routing_by_name(e, S("127.0.0.1"), 80);
    if (r < 0) {
        log_warning("main",
                    "127.0.0.1:80 cannot be used (%s): load balancers answer at "
                    "127.0.0.1:8080",
                    uv_strerror(r));
        r = start_routing_by_name(e, S("127.0.0.1"), 8080);
    }
    return r == 0 || server_cannot_listen(e, "--front-http", S("127.0.0.1:8080"), r);
}

static void note_front(struct emulator *e)
{
    struct sockaddr_storage front = {0};

    e->front = dataplane_http_address(routing_dataplane(e->world.routing));
    memcpy(&front, &e->front, sizeof e->front);
    door_set_front(e->door, &front);
}

/* --- pods ------------------------------------------------------------------------------------- */

static bool start_runtime(struct emulator *e)
{
    struct runtime_options o = {
        .loop = &e->loop,
        .clock = &e->clock,
        .fabric = e->fabric,
        .catalogue = &e->catalogue,
        .folder = data_dir_file(&e->dir, &e->arena, "runtime"),
        .ca_file = data_dir_file(&e->dir, &e->arena, "ca.pem"),
        .proxy = arena_printf(&e->arena, "http://127.0.0.1:%u", (unsigned)e->aws_port),
    };
    struct str wanted = e->options->runtime;

    if (str_is(wanted, "static") || str_is(wanted, "fake"))
        e->world.runtime = static_runtime_new(&o);
    else
        e->world.runtime = process_runtime_new(&o);
    return e->world.runtime != NULL ||
           server_failed(e, S("the pods' folder cannot be made in the data folder"));
}

/* --- API servers ------------------------------------------------------------------------------ */

static enum iam_mode iam_mode_of(struct str text)
{
    return str_is(text, "off") ? IAM_OFF : str_is(text, "audit") ? IAM_AUDIT : IAM_ENFORCE;
}

static void open_aws(struct emulator *e)
{
    struct aws_options aws = {.store = e->store,
                              .loop = &e->loop,
                              .iam = iam_mode_of(e->options->iam),
                              .region = e->world.region,
                              .lb_domain = e->options->lb_domain,
                              .kube_host = address_host(e->options->kube_listen),
                              .ca = e->ca};

    e->world.aws = aws_new(&aws);
}

static bool open_clusters(struct emulator *e)
{
    struct server_world *w = &e->world;
    struct kube_options kube = {
        .objects = w->objects, .loop = &e->loop, .ca = e->ca, .runtime = w->runtime};
    struct loops_options loops = {
        .loop = &e->loop, .objects = w->objects, .fabric = e->fabric, .runtime = w->runtime};
    struct clusters_options clusters = {.loop = &e->loop,
                                        .store = e->store,
                                        .objects = w->objects,
                                        .ca = e->ca,
                                        .dir = &e->dir,
                                        .address = address_host(e->options->kube_listen),
                                        .first_port = address_port(e->options->kube_listen),
                                        .ports = &e->ports,
                                        .flag = "--kube-listen"};

    w->kube = kube_new(&kube);
    w->provisioner = provisioner_start(w->objects, kube_writer(w->kube));
    loops.writer = kube_writer(w->kube);
    loops.provision = provisioner_placement(w->provisioner);
    w->loops = loops_start(&loops);
    clusters.kube = w->kube;
    clusters.loops = w->loops;
    if (!clusters_start(&clusters, &e->arena, &w->clusters, &e->why))
        return false;
    provisioner_sync(w->provisioner);
    return true;
}

bool world_open(struct emulator *e)
{
    e->world = (struct server_world){0};
    if (!load_fixture(e) || !start_routing(e) || !start_runtime(e))
        return false;
    note_front(e);
    open_aws(e);
    if (!open_clusters(e))
        return false;
    feed_deliver(e->store);
    return true;
}

/* --- closing ---------------------------------------------------------------------------------- */

static void free_world(struct emulator *e)
{
    void (*on_closed)(struct emulator *e) = e->world.on_closed;

    if (e->store != NULL)
        feed_deliver(e->store); /* the last changes, to nobody: they hold objects */
    objects_close(e->world.objects);
    arena_free(&e->world.arena);
    e->world = (struct server_world){0};
    on_closed(e);
}

static void on_part_closed(void *data)
{
    struct emulator *e = data;

    if (--e->world.open == 0)
        free_world(e);
}

void world_close(struct emulator *e, void (*on_closed)(struct emulator *e))
{
    struct server_world *w = &e->world;

    w->on_closed = on_closed;
    w->open = 1; /* this function's own */
    aws_free(TAKE(w->aws));
    clusters_stop(TAKE(w->clusters));
    if (w->loops != NULL && ++w->open > 0)
        loops_stop(TAKE(w->loops), on_part_closed, e);
    provisioner_stop(TAKE(w->provisioner));
    if (w->kube != NULL && ++w->open > 0)
        kube_close(TAKE(w->kube), on_part_closed, e);
    if (w->routing != NULL && ++w->open > 0)
        routing_stop(TAKE(w->routing), on_part_closed, e);
    if (w->runtime != NULL && ++w->open > 0)
        pod_runtime_close(TAKE(w->runtime), on_part_closed, e);
    on_part_closed(e);
}
