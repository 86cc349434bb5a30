/* The server's wiring.
 *
 * Start: data folder, store, fixture, certificates, fabric, data plane, runtime, API servers,
 * loops, clusters, the AWS door; then the ready file. The end is the same in reverse; closing is
 * asynchronous, so each part counts in `open` until the loop holds nothing of it.
 * Ownership: struct emulator owns every part; the parts borrow from those started before them. */
#include "emulator.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "aws/aws.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "clusters.h"
#include "console/api.h"
#include "data_dir.h"
#include "dataplane/dataplane.h"
#include "door.h"
#include "kube/kube.h"
#include "loops/fixture.h"
#include "loops/loops.h"
#include "loops/provision.h"
#include "loops/routing.h"
#include "net/ca.h"
#include "net/fabric.h"
#include "ready.h"
#include "runtime/image_catalogue.h"
#include "runtime/pod_runtime.h"
#include "store/feed.h"
#include "store/object.h"
#include "store/setting.h"

enum { LOG_KEPT = 256 * 1024 };

struct emulator {
    const struct options *options;
    struct arena arena; /* what lives as long as the server */
    uv_loop_t loop;
    uv_signal_t interrupt, terminate;
    uv_async_t changed; /* the feed has something to tell */
    struct clock clock;
    struct ids ids;
    struct log_ring *log;
    struct data_dir dir;
    struct store *store;
    struct objects *objects;
    struct ca *ca;
    struct fabric *fabric;
    struct image_catalogue catalogue;
    struct pod_runtime *runtime;
    struct routing *routing;
    struct kube *kube;
    struct provisioner *provisioner;
    struct loops *loops;
    struct clusters *clusters;
    struct aws *aws;
    struct door *door;
    struct console console;
    struct str region;
    uint16_t aws_port;
    struct str ready_copy; /* where the user's running servers are noted */
    int open;              /* parts that the loop still holds */
    bool ending, signals;
    struct str why; /* of a start that failed */
};

/* --- small parts ------------------------------------------------------------------------------ */

static bool failed(struct emulator *e, struct str why)
{
    e->why = why;
    return false;
}

/* "host:port", checked by the options. */
static struct str host_of(struct str address)
{
    struct str host = str_first(address, str_rchr(address, ':'));

    if (host.n > 1 && host.at[0] == '[')
        host = str_n(host.at + 1, host.n - 2);
    return host;
}

static uint16_t port_of(struct str address)
{
    int64_t port = 0;

    (void)str_to_int(str_from(address, str_rchr(address, ':') + 1), &port);
    return (uint16_t)port;
}

static bool cannot_listen(struct emulator *e, const char *flag, struct str address, int error)
{
    return failed(e, arena_printf(&e->arena, "cannot listen on %.*s: %s; give another %s",
                                  STR_ARG(address), uv_strerror(error), flag));
}

static void on_changed(uv_async_t *handle)
{
    struct emulator *e = handle->data;

    if (!e->ending)
        feed_deliver(e->store);
}

static void wake(void *data)
{
    struct emulator *e = data;

    (void)uv_async_send(&e->changed);
}

/* --- the world ----------------------------------------------------------------------------------
 */

static bool open_store(struct emulator *e)
{
    struct str path =
        e->dir.ephemeral ? S(":memory:") : data_dir_file(&e->dir, &e->arena, "elbow.db");
    struct str name, text;

    if (fixture_open(&e->arena, e->options->fixture, &name, &text, &e->why) < 0 ||
        store_open(path.at, &e->clock, &e->ids, &e->arena, &e->store, &e->why) < 0)
        return false;
    feed_set_wake(store_feed(e->store), wake, e);
    if (fixture_load(e->store, &e->arena, name, text, e->options->kubernetes_version, &e->why) < 0)
        return e->why.n > 0 ? false : failed(e, S("the data file cannot be written"));
    (void)fixture_region(e->store, &e->arena, &e->region);
    if (objects_open(e->store, &e->objects) < 0)
        return failed(e, S("the Kubernetes objects in the data file cannot be read"));
    return true;
}

/* The world's certificate authority: made once, kept in the store. */
static bool open_ca(struct emulator *e)
{
    struct str key = {0}, certificate = {0};

    if (setting_get(e->store, &e->arena, S("ca/key"), &key) < 0 ||
        setting_get(e->store, &e->arena, S("ca/certificate"), &certificate) < 0)
        return failed(e, S("the certificate authority cannot be read from the data file"));
    if (key.n > 0)
        return ca_load(key, certificate, &e->ca) == 0 ||
               failed(e, S("the certificate authority in the data file is damaged"));
    if (ca_new(&e->clock, S("Elbow CA"), &e->ca) < 0)
        return failed(e, S("no certificate authority can be made"));
    if (store_begin(e->store) < 0 ||
        setting_put(e->store, S("ca/key"), ca_key_pem(e->ca, &e->arena)) < 0 ||
        setting_put(e->store, S("ca/certificate"), ca_certificate_pem(e->ca, &e->arena)) < 0 ||
        store_commit(e->store) < 0)
        return failed(e, S("the certificate authority cannot be stored"));
    return true;
}

/* --- traffic ------------------------------------------------------------------------------------
 */

static int start_routing_at(struct emulator *e, struct str host, uint16_t port)
{
    struct sockaddr_in at;
    struct routing_options o = {
        .loop = &e->loop,
        .objects = e->objects,
        .fabric = e->fabric,
        .workers = (unsigned)e->options->workers,
        .http = &at,
        .more_doors = e->options->front_http.n == 0,
        .security_groups = str_is(e->options->security_groups, "enforce"),
    };
    int r = uv_ip4_addr(arena_cstr(&e->arena, host), port, &at);

    return r < 0 ? r : routing_start(&o, &e->routing);
}

/* The load balancers' common door: as told, else port 80, else 8080. */
static bool start_routing(struct emulator *e)
{
    struct str wanted = e->options->front_http;
    int r;

    if (wanted.n > 0) {
        r = start_routing_at(e, host_of(wanted), port_of(wanted));
        return r == 0 || cannot_listen(e, "--front-http", wanted, r);
    }
    r = start_routing_at(e, S("127.0.0.1"), 80);
    if (r < 0) {
        log_warning("main",
                    "127.0.0.1:80 cannot be used (%s): load balancers answer at "
                    "127.0.0.1:8080",
                    uv_strerror(r));
        r = start_routing_at(e, S("127.0.0.1"), 8080);
    }
    return r == 0 || cannot_listen(e, "--front-http", S("127.0.0.1:8080"), r);
}

/* --- pods ---------------------------------------------------------------------------------------
 */

static bool open_catalogue(struct emulator *e)
{
    const struct options *o = e->options;

    image_catalogue_init(&e->catalogue);
    for (size_t i = 0; i < o->image.n; i++)
        if (image_catalogue_add(&e->catalogue, &e->arena, o->image.at[i], &e->why) < 0)
            return false;
    if (o->image_catalogue.n > 0 &&
        image_catalogue_read_file(&e->catalogue, &e->arena, o->image_catalogue, &e->why) < 0)
        return false;
    return image_catalogue_read_builtin(&e->catalogue, &e->arena, &e->why) == 0;
}

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

    if (str_is(wanted, "docker"))
        return failed(e, S("--runtime docker is not there yet; use process or static"));
    if (str_is(wanted, "static") || str_is(wanted, "fake"))
        e->runtime = static_runtime_new(&o);
    else
        e->runtime = process_runtime_new(&o);
    return e->runtime != NULL || failed(e, S("the pods' folder cannot be made in the data folder"));
}

/* --- API servers --------------------------------------------------------------------------------
 */

static cJSON *ready_document(struct emulator *e);

static cJSON *tell_status(void *data)
{
    return ready_document(data);
}

static cJSON *tell_calls(void *data)
{
    struct emulator *e = data;

    return aws_calls(e->aws);
}

/* The world is put back by starting over in the same process image: every port, folder and flag
 * stays, and nothing of the old world can linger. */
static void reset(void *data, struct http_exchange *x)
{
    struct emulator *e = data;

    (void)e;
    http_answer(x, 501, HTTP_HEADERS({S("Content-Type"), S("application/json")}),
                S("{\"error\":\"reset is not there yet; start a server anew\"}\n"));
}

static void on_aws(void *data, struct http_exchange *x, const struct http_request *r)
{
    struct emulator *e = data;

    aws_handle(e->aws, x, r);
}

static void on_console(void *data, struct http_exchange *x, const struct http_request *r)
{
    struct emulator *e = data;

    console_handle(&e->console, x, r);
}

static enum iam_mode iam_mode_of(struct str text)
{
    return str_is(text, "off") ? IAM_OFF : str_is(text, "audit") ? IAM_AUDIT : IAM_ENFORCE;
}

static bool open_door(struct emulator *e)
{
    struct str address = e->options->aws_listen;
    struct door_options o = {.loop = &e->loop,
                             .clock = &e->clock,
                             .ca = e->ca,
                             .address = host_of(address),
                             .port = port_of(address),
                             .lb_domain = e->options->lb_domain,
                             .aws = on_aws,
                             .console = on_console,
                             .data = e};
    struct aws_options aws = {.store = e->store,
                              .loop = &e->loop,
                              .iam = iam_mode_of(e->options->iam),
                              .region = e->region,
                              .lb_domain = e->options->lb_domain};
    int r;

    e->aws = aws_new(&aws);
    e->console = (struct console){&e->clock, e->log, e, tell_status, tell_calls, reset};
    r = door_open(&o, &e->door, &e->aws_port);
    return r == 0 || cannot_listen(e, "--aws-listen", address, r);
}

static bool open_kube(struct emulator *e)
{
    struct kube_options o = {
        .objects = e->objects, .loop = &e->loop, .ca = e->ca, .runtime = e->runtime};
    struct loops_options loops = {
        .loop = &e->loop, .objects = e->objects, .fabric = e->fabric, .runtime = e->runtime};
    struct clusters_options clusters = {.loop = &e->loop,
                                        .store = e->store,
                                        .ca = e->ca,
                                        .dir = &e->dir,
                                        .address = host_of(e->options->kube_listen),
                                        .first_port = port_of(e->options->kube_listen),
                                        .flag = "--kube-listen"};
    e->kube = kube_new(&o);
    e->provisioner = provisioner_start(e->objects, kube_writer(e->kube));
    loops.writer = kube_writer(e->kube);
    loops.provision = provisioner_placement(e->provisioner);
    e->loops = loops_start(&loops);
    clusters.kube = e->kube;
    clusters.loops = e->loops;
    if (!clusters_start(&clusters, &e->arena, &e->clusters, &e->why))
        return false;
    provisioner_sync(e->provisioner);
    return true;
}

/* --- the ready file -----------------------------------------------------------------------------
 */

static cJSON *ready_document(struct emulator *e)
{
    cJSON *document = cJSON_CreateObject();
    struct sockaddr_in http = dataplane_http_address(routing_dataplane(e->routing));
    char host[64] = "";
    struct arena *a = &e->arena;

    (void)uv_ip4_name(&http, host, sizeof host);
    json_put_int(document, S("pid"), (int64_t)getpid());
    json_put_str(document, S("aws"),
                 arena_printf(a, "http://%.*s:%u", STR_ARG(host_of(e->options->aws_listen)),
                              (unsigned)e->aws_port));
    json_put(document, S("kubernetes"), clusters_document(e->clusters));
    json_put_str(json_need_object(document, "front"), S("http"),
                 arena_printf(a, "%s:%u", host, (unsigned)ntohs(http.sin_port)));
    json_put_str(json_need_object(document, "front"), S("https"), S(""));
    json_put_str(document, S("kubeconfig"), data_dir_file(&e->dir, a, "kubeconfig"));
    json_put_str(document, S("ca"), data_dir_file(&e->dir, a, "ca.pem"));
    json_put_str(document, S("ca_bundle"), data_dir_file(&e->dir, a, "ca-bundle.pem"));
    json_put_str(document, S("data_dir"), e->dir.path);
    json_put_str(document, S("region"), e->region);
    return document;
}

/* Elbow's CA alone, and behind the system's roots for clients that have one setting for all. */
static bool write_certificates(struct emulator *e)
{
    static const char *const system_roots[] = {"/etc/ssl/certs/ca-certificates.crt",
                                               "/etc/ssl/cert.pem"};
    struct str own = ca_certificate_pem(e->ca, &e->arena), all = own, roots;
    struct arena scratch = {0};
    bool ok;

    for (size_t i = 0; i < ARRAY_LEN(system_roots) && all.n == own.n; i++)
        if (file_read(&scratch, system_roots[i], 8 << 20, &roots) == 0)
            all = arena_printf(&scratch, "%.*s%.*s", STR_ARG(roots), STR_ARG(own));
    ok = data_dir_write(&e->dir, &e->arena, "ca.pem", own) == 0 &&
         data_dir_write(&e->dir, &e->arena, "ca-bundle.pem", all) == 0;
    arena_free(&scratch);
    return ok || failed(e, S("the certificates cannot be written to the data folder"));
}

static bool write_ready(struct emulator *e)
{
    CLEANUP(json_freep) cJSON *document = ready_document(e);
    struct str wanted = e->options->ready_file;
    int r = ready_write(&e->arena, data_dir_file(&e->dir, &e->arena, "server.json"), document);

    e->ready_copy = ready_path_of(&e->arena, getpid(), true);
    (void)ready_write(&e->arena, e->ready_copy, document);
    if (r == 0 && wanted.n > 0)
        r = ready_write(&e->arena, wanted, document);
    return r == 0 ||
           failed(e, arena_printf(&e->arena, "the ready file cannot be written: %s", strerror(-r)));
}

static void tell_start(const struct emulator *e)
{
    CLEANUP(json_freep) cJSON *document = ready_document((struct emulator *)(uintptr_t)e);

    log_info("main", "AWS at %s; load balancers at http://%s; Kubernetes at %s",
             json_str(document, "aws").at, json_str(document, "front.http").at,
             json_str(cJSON_GetArrayItem(json_get(document, "kubernetes"), 0), "server").n > 0
                 ? json_str(cJSON_GetArrayItem(json_get(document, "kubernetes"), 0), "server").at
                 : "(no cluster)");
    log_info("main", "type: eval \"$(elbow env --proxy)\"");
}

/* --- the end ------------------------------------------------------------------------------------
 */

static void on_part_closed(void *data)
{
    struct emulator *e = data;

    e->open--;
}

static void remove_ready(struct emulator *e)
{
    if (e->ready_copy.n > 0)
        (void)unlink(e->ready_copy.at);
    if (e->ready_copy.n > 0 && e->options->ready_file.n > 0)
        (void)unlink(arena_cstr(&e->arena, e->options->ready_file));
    if (e->dir.path.n > 0)
        (void)unlink(data_dir_file(&e->dir, &e->arena, "server.json").at);
}

/* Each part in reverse of its start; what is closed asynchronously is waited for by end_loop. */
static void end(struct emulator *e)
{
    if (e->ending)
        return;
    e->ending = true;
    remove_ready(e);
    if (e->door != NULL && ++e->open > 0)
        door_close(e->door, on_part_closed, e);
    clusters_stop(e->clusters);
    if (e->loops != NULL && ++e->open > 0)
        loops_stop(e->loops, on_part_closed, e);
    provisioner_stop(e->provisioner);
    if (e->kube != NULL && ++e->open > 0)
        kube_close(e->kube, on_part_closed, e);
    if (e->routing != NULL && ++e->open > 0)
        routing_stop(e->routing, on_part_closed, e);
    if (e->runtime != NULL && ++e->open > 0)
        pod_runtime_close(e->runtime, on_part_closed, e);
    if (e->signals) {
        uv_close((uv_handle_t *)&e->interrupt, NULL);
        uv_close((uv_handle_t *)&e->terminate, NULL);
    }
    uv_close((uv_handle_t *)&e->changed, NULL);
}

static void on_signal(uv_signal_t *handle, int number UNUSED)
{
    log_info("main", "ending");
    end(handle->data);
}

static void free_all(struct emulator *e)
{
    int r = uv_loop_close(&e->loop);

    if (r < 0)
        log_debug("main", "the loop still holds something: %s", uv_strerror(r));
    aws_free(e->aws);
    objects_close(e->objects);
    store_close(e->store);
    image_catalogue_deinit(&e->catalogue);
    fabric_free(e->fabric);
    ca_free(e->ca);
    data_dir_close(&e->dir);
    log_init(LOG_TEXT, LOG_INFO, NULL, NULL);
    log_ring_free(e->log);
    arena_free(&e->arena);
}

/* --- the start ----------------------------------------------------------------------------------
 */

static void init_loop(struct emulator *e)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)uv_loop_init(&e->loop);
    (void)uv_async_init(&e->loop, &e->changed, on_changed);
    e->changed.data = e;
}

static void watch_signals(struct emulator *e)
{
    (void)uv_signal_init(&e->loop, &e->interrupt);
    (void)uv_signal_init(&e->loop, &e->terminate);
    e->interrupt.data = e->terminate.data = e;
    (void)uv_signal_start(&e->interrupt, on_signal, SIGINT);
    (void)uv_signal_start(&e->terminate, on_signal, SIGTERM);
    e->signals = true;
}

static void init_log(struct emulator *e)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    enum log_level level = LOG_INFO;

    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (str_is(e->options->log_level, levels[i]))
            level = (enum log_level)i;
    e->log = log_ring_new(LOG_KEPT);
    log_init(str_is(e->options->log_format, "json") ? LOG_JSON : LOG_TEXT, level, log_ring_hear,
             e->log);
}

static bool start(struct emulator *e)
{
    struct fabric_options probe;
    struct sockaddr_storage front = {0};
    struct sockaddr_in http;

    if (data_dir_open(&e->arena, e->options->data_dir, e->options->ephemeral, &e->dir, &e->why) <
            0 ||
        !open_catalogue(e) || !open_store(e) || !open_ca(e) || !write_certificates(e))
        return false;
    probe = fabric_probe();
    e->fabric = fabric_new(&probe);
    if (!start_routing(e) || !open_door(e) || !start_runtime(e))
        return false;
    http = dataplane_http_address(routing_dataplane(e->routing));
    memcpy(&front, &http, sizeof http);
    door_set_front(e->door, &front);
    if (!open_kube(e))
        return false;
    feed_deliver(e->store);
    return write_ready(e);
}

int emulator_serve(const struct options *options)
{
    struct emulator *e = xcalloc(sizeof *e);
    int status = 0;

    e->options = options;
    clock_init(&e->clock);
    ids_init(&e->ids, (uint64_t)options->seed);
    init_log(e);
    init_loop(e);
    watch_signals(e);
    if (start(e)) {
        tell_start(e);
    } else {
        (void)fprintf(stderr, "elbow: %.*s\n", STR_ARG(e->why));
        status = 1;
        end(e);
    }
    (void)uv_run(&e->loop, UV_RUN_DEFAULT);
    free_all(e);
    free(e);
    return status;
}
