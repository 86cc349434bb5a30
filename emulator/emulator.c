/* The server's life.
 *
 * Start: data folder, store, certificates, fabric, the AWS door, then the world (world.c); then the
 * ready file. The end is the same in reverse; closing is asynchronous, and the process is over when
 * the loop holds nothing any more.
 * Ownership: struct emulator owns every part; the parts borrow from those started before them. */
#include "emulator.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "loops/fixture.h"
#include "ready.h"
#include "server.h"
#include "store/feed.h"
#include "store/setting.h"

enum { LOG_KEPT = 256 * 1024 };

/* --- small parts ------------------------------------------------------------------------------ */

bool server_failed(struct emulator *e, struct str why)
{
    e->why = why;
    return false;
}

struct str address_host(struct str address)
{
    struct str host = str_first(address, str_rchr(address, ':'));

    if (host.n > 1 && host.at[0] == '[')
        host = str_n(host.at + 1, host.n - 2);
    return host;
}

struct str address_reached(struct str host)
{
    if (str_is(host, "0.0.0.0"))
        return S("127.0.0.1");
    return str_is(host, "::") ? S("::1") : host;
}

uint16_t address_port(struct str address)
{
    int64_t port = 0;

    (void)str_to_int(str_from(address, str_rchr(address, ':') + 1), &port);
    return (uint16_t)port;
}

bool server_cannot_listen(struct emulator *e, const char *flag, struct str address, int error)
{
    return server_failed(e, arena_printf(&e->arena, "cannot listen on %.*s: %s; give another %s",
                                         STR_ARG(address), uv_strerror(error), flag));
}

/* Only there so that the loop does not sleep over changes; on_before_io does the work. */
static void on_changed(uv_async_t *handle UNUSED)
{
}

/* What a request has changed is heard of, and acted on by the loops, before the next request is
 * read: so the same calls find the same world every time (--seed), and nothing waits. */
static void on_before_io(uv_prepare_t *handle)
{
    struct emulator *e = handle->data;

    if (e->ending || e->store == NULL)
        return;
    feed_deliver(e->store);
    if (e->world.loops != NULL)
        loops_run(e->world.loops);
}

static void wake(void *data)
{
    struct emulator *e = data;

    (void)uv_async_send(&e->changed);
}

/* --- the data file and what it keeps for good ------------------------------------------------- */

static bool open_store(struct emulator *e)
{
    struct str path =
        e->dir.ephemeral ? S(":memory:") : data_dir_file(&e->dir, &e->arena, "elbow.db");

    if (fixture_open(&e->arena, e->options->fixture, &e->fixture_name, &e->fixture, &e->why) < 0 ||
        store_open(path.at, &e->clock, &e->ids, &e->arena, &e->store, &e->why) < 0)
        return false;
    feed_set_wake(store_feed(e->store), wake, e);
    return true;
}

/* The world's certificate authority: made once, kept in the store. */
static bool open_ca(struct emulator *e)
{
    struct str key = {0}, certificate = {0};

    if (setting_get(e->store, &e->arena, S("ca/key"), &key) < 0 ||
        setting_get(e->store, &e->arena, S("ca/certificate"), &certificate) < 0)
        return server_failed(e, S("the certificate authority cannot be read from the data file"));
    if (key.n > 0)
        return ca_load(key, certificate, &e->ca) == 0 ||
               server_failed(e, S("the certificate authority in the data file is damaged"));
    if (ca_new(&e->clock, S("Elbow CA"), &e->ca) < 0)
        return server_failed(e, S("no certificate authority can be made"));
    if (store_begin(e->store) < 0 ||
        setting_put(e->store, S("ca/key"), ca_key_pem(e->ca, &e->arena)) < 0 ||
        setting_put(e->store, S("ca/certificate"), ca_certificate_pem(e->ca, &e->arena)) < 0 ||
        store_commit(e->store) < 0)
        return server_failed(e, S("the certificate authority cannot be stored"));
    return true;
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
    return ok || server_failed(e, S("the certificates cannot be written to the data folder"));
}

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

/* Pods of the tutorial, and of most people's first steps, are nginx. Who asked for real processes
 * is told at the start that it is missing; with "auto" such pods say it themselves. */
static bool check_runtime(struct emulator *e)
{
    static const struct str image = STR_INIT("docker.io/library/nginx:latest");
    const struct image_recipe *nginx = image_catalogue_find(&e->catalogue, image);
    struct str wanted = e->options->runtime;

    if (str_is(wanted, "docker"))
        return server_failed(e,
                             S("--runtime docker is not there yet; use process, static or auto"));
    if (nginx == NULL || nginx->run != IMAGE_PROGRAM || str_is(wanted, "static") ||
        str_is(wanted, "fake") || image_find_program(&e->arena, nginx->program, S("")) != NULL)
        return true;
    if (str_is(wanted, "auto")) {
        log_warning(
            "main",
            "%.*s is not on this machine: pods that are to run it wait; install the package "
            "nginx, or name a program with --image 'nginx:*=PATH'",
            STR_ARG(nginx->program));
        return true;
    }
    return server_failed(
        e, arena_printf(&e->arena,
                        "%.*s is not on this machine, and --runtime process needs it; install the "
                        "package nginx, name a program with --image 'nginx:*=PATH', or use "
                        "--runtime auto or static",
                        STR_ARG(nginx->program)));
}

/* --- the door --------------------------------------------------------------------------------- */

/* The ready file's words, and what has no place there because it changes. */
static cJSON *tell_status(void *data)
{
    struct emulator *e = data;
    cJSON *document = server_document(e);
    struct arena a = {0};

    json_put_str(document, S("version"), str_c(ELBOW_VERSION));
    json_put_str(document, S("runtime"),
                 str_c(e->world.runtime == NULL ? "" : pod_runtime_name(e->world.runtime)));
    json_put_int(document, S("seed"), e->options->seed);
    json_put_str(document, S("now"), clock_rfc3339_ms(&a, clock_now(&e->clock)));
    arena_free(&a);
    return document;
}

static cJSON *tell_calls(void *data)
{
    struct emulator *e = data;

    return e->world.aws == NULL ? cJSON_CreateArray() : aws_calls(e->world.aws);
}

static cJSON *tell_operations(void *data UNUSED)
{
    return aws_operations();
}

static void on_reset(void *data, struct http_exchange *x)
{
    server_reset(data, x);
}

static void on_aws(void *data, struct http_exchange *x, const struct http_request *r)
{
    struct emulator *e = data;

    if (e->world.aws != NULL)
        aws_handle(e->world.aws, x, r);
    else
        http_answer(x, 503,
                    HTTP_HEADERS({S("Content-Type"), S("text/plain")}, {S("Retry-After"), S("1")}),
                    S("the world is being reset\n"));
}

static void on_console(void *data, struct http_exchange *x, const struct http_request *r)
{
    struct emulator *e = data;

    console_handle(&e->console, x, r);
}

static bool open_door(struct emulator *e)
{
    struct str address = e->options->aws_listen;
    struct door_options o = {.loop = &e->loop,
                             .clock = &e->clock,
                             .ca = e->ca,
                             .address = address_host(address),
                             .port = address_port(address),
                             .lb_domain = e->options->lb_domain,
                             .aws = on_aws,
                             .console = on_console,
                             .data = e};
    int r;

    e->console =
        (struct console){&e->clock, e->log, e, tell_status, tell_calls, tell_operations, on_reset};
    r = door_open(&o, &e->door, &e->aws_port);
    return r == 0 || server_cannot_listen(e, "--aws-listen", address, r);
}

/* --- the ready file --------------------------------------------------------------------------- */

static struct str address_text(struct arena *a, const struct sockaddr_in *at)
{
    char host[64] = "";

    (void)uv_ip4_name(at, host, sizeof host);
    return arena_printf(a, "%.*s:%u", STR_ARG(address_reached(str_c(host))),
                        (unsigned)ntohs(at->sin_port));
}

cJSON *server_document(struct emulator *e)
{
    cJSON *document = cJSON_CreateObject();
    struct arena a = {0};

    json_put_int(document, S("pid"), (int64_t)getpid());
    json_put_str(document, S("aws"),
                 arena_printf(&a, "http://%.*s:%u",
                              STR_ARG(address_reached(address_host(e->options->aws_listen))),
                              (unsigned)e->aws_port));
    json_put(document, S("kubernetes"), clusters_document(e->world.clusters));
    json_put_str(json_need_object(document, "front"), S("http"), address_text(&a, &e->front));
    json_put_str(json_need_object(document, "front"), S("https"), address_text(&a, &e->front_tls));
    json_put_str(document, S("kubeconfig"), data_dir_file(&e->dir, &a, "kubeconfig"));
    json_put_str(document, S("ca"), data_dir_file(&e->dir, &a, "ca.pem"));
    json_put_str(document, S("ca_bundle"), data_dir_file(&e->dir, &a, "ca-bundle.pem"));
    json_put_str(document, S("data_dir"), e->dir.path);
    json_put_str(document, S("region"), e->world.region);
    arena_free(&a);
    return document;
}

bool server_tell_ready(struct emulator *e)
{
    CLEANUP(json_freep) cJSON *document = server_document(e);
    struct str wanted = e->options->ready_file;
    int r = ready_write(&e->arena, data_dir_file(&e->dir, &e->arena, "server.json"), document);

    e->ready_copy = ready_path_of(&e->arena, getpid(), true);
    (void)ready_write(&e->arena, e->ready_copy, document);
    if (r == 0 && wanted.n > 0)
        r = ready_write(&e->arena, wanted, document);
    return r == 0 ||
           server_failed(
               e, arena_printf(&e->arena, "the ready file cannot be written: %s", strerror(-r)));
}

static void tell_start(struct emulator *e)
{
    CLEANUP(json_freep) cJSON *document = server_document(e);
    struct str server = json_str(cJSON_GetArrayItem(json_get(document, "kubernetes"), 0), "server");

    log_info("main", "AWS at %s; load balancers at http://%s and https://%s; Kubernetes at %s",
             json_str(document, "aws").at, json_str(document, "front.http").at,
             json_str(document, "front.https").at, server.n > 0 ? server.at : "(no cluster)");
    log_info("main", "type: eval \"$(elbow env --proxy)\"");
}

/* --- the end ---------------------------------------------------------------------------------- */

static void remove_ready(struct emulator *e)
{
    if (e->ready_copy.n > 0)
        (void)unlink(e->ready_copy.at);
    if (e->ready_copy.n > 0 && e->options->ready_file.n > 0)
        (void)unlink(arena_cstr(&e->arena, e->options->ready_file));
    if (e->dir.path.n > 0)
        (void)unlink(data_dir_file(&e->dir, &e->arena, "server.json").at);
}

static void on_world_closed(struct emulator *e UNUSED)
{
}

void server_end(struct emulator *e)
{
    if (e->ending)
        return;
    e->ending = true;
    remove_ready(e);
    if (e->door != NULL)
        door_close(e->door, NULL, NULL);
    if (e->asker == NULL) /* else the world closes already */
        world_close(e, on_world_closed);
    if (e->signals) {
        uv_close((uv_handle_t *)&e->interrupt, NULL);
        uv_close((uv_handle_t *)&e->terminate, NULL);
    }
    uv_close((uv_handle_t *)&e->changed, NULL);
    uv_close((uv_handle_t *)&e->before_io, NULL);
}

static void on_signal(uv_signal_t *handle, int number UNUSED)
{
    log_info("main", "ending");
    server_end(handle->data);
}

static void free_all(struct emulator *e)
{
    int r = uv_loop_close(&e->loop);

    if (r < 0)
        log_debug("main", "the loop still holds something: %s", uv_strerror(r));
    cluster_ports_free(&e->ports);
    store_close(e->store);
    image_catalogue_deinit(&e->catalogue);
    fabric_free(e->fabric);
    ca_free(e->ca);
    data_dir_close(&e->dir);
    log_init(LOG_TEXT, LOG_INFO, NULL, NULL);
    log_ring_free(e->log);
    arena_free(&e->arena);
}

/* --- the start -------------------------------------------------------------------------------- */

static void init_loop(struct emulator *e)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)uv_loop_init(&e->loop);
    (void)uv_async_init(&e->loop, &e->changed, on_changed);
    (void)uv_prepare_init(&e->loop, &e->before_io);
    (void)uv_prepare_start(&e->before_io, on_before_io);
    e->changed.data = e->before_io.data = e;
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

    if (data_dir_open(&e->arena, e->options->data_dir, e->options->ephemeral, &e->dir, &e->why) <
            0 ||
        !open_catalogue(e) || !check_runtime(e) || !open_store(e) || !open_ca(e) ||
        !write_certificates(e))
        return false;
    probe = fabric_probe();
    e->fabric = fabric_new(&probe);
    return open_door(e) && world_open(e) && server_tell_ready(e);
}

int emulator_serve(const struct options *options)
{
    struct emulator *e = xcalloc(sizeof *e);
    int status;

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
        e->status = 1;
        server_end(e);
    }
    (void)uv_run(&e->loop, UV_RUN_DEFAULT);
    status = e->status;
    free_all(e);
    free(e);
    return status;
}
