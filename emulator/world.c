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

    if (aws_load_managed_policies(e->store) < 0)
        return server_failed(e, S("the data file cannot be written"));
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

static struct str s3_folder(struct emulator *e)
{
    return e->options->s3_folder.n > 0 ? e->options->s3_folder
                                       : data_dir_file(&e->dir, &e->arena, "s3");
}

/* A common door of the load balancers: where it was before a reset, else where it was told to be,
 * else its usual place, else the other one. */
struct front_door {
    const char *flag;
    struct str wanted;
    uint16_t usual, other;
    const struct sockaddr_in *before;
    struct sockaddr_in at;
};

static bool find_place(struct emulator *e, struct front_door *d)
{
    struct str host = d->wanted.n > 0 ? address_host(d->wanted) : S("127.0.0.1");
    int r = uv_ip4_addr(arena_cstr(&e->arena, host),
                        d->wanted.n > 0 ? address_port(d->wanted) : d->usual, &d->at);

    if (d->before->sin_port != 0)
        d->at = *d->before;
    return r == 0 || server_cannot_listen(e, d->flag, d->wanted, r);
}

/* The next place to try after @error; false when there is none. */
static bool next_place(struct emulator *e, struct front_door *d, int error)
{
    struct str usual = arena_printf(&e->arena, "127.0.0.1:%u", (unsigned)d->usual);

    if (d->before->sin_port != 0)
        return server_cannot_listen(e, d->flag, S("the same address again"), error);
    if (d->wanted.n > 0 || ntohs(d->at.sin_port) == d->other)
        return server_cannot_listen(e, d->flag, d->wanted.n > 0 ? d->wanted : usual, error);
    log_warning("main", "%.*s cannot be used (%s): load balancers answer at 127.0.0.1:%u",
                STR_ARG(usual), uv_strerror(error), (unsigned)d->other);
    d->at.sin_port = htons(d->other);
    return true;
}

static bool start_routing(struct emulator *e)
{
    struct front_door http = {"--front-http", e->options->front_http, 80, 8080, &e->front, {0}};
    struct front_door https = {
        "--front-https", e->options->front_https, 443, 8443, &e->front_tls, {0}};
    struct routing_options o = {
        .loop = &e->loop,
        .objects = e->world.objects,
        .fabric = e->fabric,
        .workers = (unsigned)e->options->workers,
        .http = &http.at,
        .https = &https.at,
        .more_doors = e->options->front_http.n == 0,
        .log_folder = s3_folder(e),
        .security_groups = str_is(e->options->security_groups, "enforce"),
    };
    bool https_failed = false;
    int r;

    if (!find_place(e, &http) || !find_place(e, &https))
        return false;
    while ((r = routing_start(&o, &e->world.routing, &https_failed)) < 0)
        if (!next_place(e, https_failed ? &https : &http, r))
            return false;
    return true;
}

static void note_front(struct emulator *e)
{
    const struct dataplane *plane = routing_dataplane(e->world.routing);

    e->front = dataplane_http_address(plane);
    e->front_tls = dataplane_https_address(plane);
    door_set_front(e->door, e->front, e->front_tls);
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

static bool open_aws(struct emulator *e)
{
    struct aws_options aws = {
        .store = e->store,
        .loop = &e->loop,
        .iam = iam_mode_of(e->options->iam),
        .region = e->world.region,
        .lb_domain = e->options->lb_domain,
        .provisioning_ms = e->options->provisioning_delay,
        .limits = {e->options->account_limit.at, e->options->account_limit.n},
        .s3_folder = s3_folder(e),
        .kube_host = address_host(e->options->kube_listen),
        .ca = e->ca
    };
    struct str bad;

    if (!elb_limits_are_valid(&aws.limits, &bad))
        return server_failed(e, arena_printf(&e->arena,
                                             "--account-limit takes NAME=N, a name of "
                                             "DescribeAccountLimits and a number, not %.*s",
                                             STR_ARG(bad)));
    e->world.aws = aws_new(&aws);
    return true;
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
                                        .reached =
                                            address_reached(address_host(e->options->kube_listen)),
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
    if (!open_aws(e) || !open_clusters(e))
        return false;
    feed_deliver(e->store);
    return true;
}

/* --- closing ---------------------------------------------------------------------------------- */

static void free_world(struct emulator *e)
{
    void (*on_closed)(struct emulator * e) = e->world.on_closed;

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
