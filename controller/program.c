/* Two threads while it starts: the loop, and one that asks the cluster and the instance step by
 * step and then lets the loop begin. What goes wrong on the way is one F line and status 255.
 * Source: aws-alb-ingress-controller v1.1.4, cmd/main.go; controller-runtime 0.1.10, pkg/manager.
 */
#include "program.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aws_client.h"
#include "base/file.h"
#include "base/ids.h"
#include "base/macros.h"
#include "credentials.h"
#include "discovery.h"
#include "election.h"
#include "klog.h"
#include "kube_client.h"
#include "net/tls.h"
#include "own_server.h"
#include "reconciler.h"

enum { FATAL = 255, FILE_LIMIT = 1 << 20 };

struct program {
    struct settings *settings;
    struct arena arena;
    uv_loop_t loop;
    uv_signal_t signals[2];
    struct clock clock;
    struct kube_config kube;
    SSL_CTX *aws_tls;
    struct mailbox *mailbox;
    struct blocking_http *waiting;
    struct kube_client *client;
    struct http_client *aws_connections;
    struct credentials *credentials;
    struct metrics *metrics;
    struct aws_client *aws;
    struct recorder *recorder;
    struct own_server *server;
    struct election *election;
    struct reconciler *reconciler;
    struct str election_namespace;

    uv_thread_t starter;
    bool starting, stopping;
    const char *fatal_place; /* of what the starter could not do */
    struct str fatal;
    unsigned closing; /* parts that are not closed yet */
    int status;
};

static void stop(struct program *p, int status);

struct str program_banner(struct arena *a)
{
    static const char line[] =
        "-------------------------------------------------------------------------------";

    return arena_printf(a,
                        "%s\nAWS ALB Ingress controller\n  Release:    v1.1.4\n"
                        "  Build:      elbow-%s\n  Repository: %s\n%s\n",
                        line, ELBOW_VERSION,
                        "https://github.com/kubernetes-sigs/aws-alb-ingress-controller", line);
}

static const char *variable(const char *name)
{
    return getenv(name);
}

/* Where a pod that is a process of this machine has its address; NULL elsewhere. */
static const char *own_address(void)
{
    const char *address = getenv("ELBOW_POD_ADDRESS");

    return address == NULL || address[0] == 0 ? NULL : address;
}

static void log_fatal(struct program *p, const char *place, struct str why)
{
    klog_write(KLOG_FATAL, place, "%.*s", STR_ARG(why));
    p->status = FATAL;
}

/* --- what needs no question ------------------------------------------------------------------ */

static bool try_port(struct program *p)
{
    int64_t port = p->settings->healthz_port;

    if (port >= 0 && port <= 65535 &&
        own_server_try_port(&p->loop, own_address(), (uint16_t)port) == 0)
        return true;
    log_fatal(p, "main.go:61",
              arena_printf(&p->arena,
                           "port %lld is already in use. Please check the flag --healthz-port",
                           (long long)port));
    return false;
}

static bool load_kube_config(struct program *p)
{
    struct kube_config_request request = {p->settings->apiserver_host, p->settings->kubeconfig,
                                          variable};
    struct str why;

    if (kube_config_load(&p->arena, &request, &p->kube, &why))
        return true;
    log_fatal(p, "main.go:69", why);
    return false;
}

static bool load_aws_tls(struct program *p)
{
    const char *bundle = getenv("AWS_CA_BUNDLE");
    bool own = bundle != NULL && bundle[0] != 0;
    struct tls_client_options o = {.ca_file = own ? bundle : NULL, .system_roots = !own};

    if (tls_client_new(&o, &p->aws_tls) == 0)
        return true;
    klog_write(KLOG_ERROR, "cloud.go:56",
               "Failed to create AWS session: LoadCustomCABundleError: failed to open custom CA "
               "bundle PEM file\ncaused by: open %s: it can't be read",
               own ? bundle : "the system's roots");
    p->status = 2;
    return false;
}

static void make_parts(struct program *p)
{
    struct http_client_options connections = {.loop = &p->loop, .tls = p->aws_tls};
    const char *endpoint = getenv("AWS_ENDPOINT_URL");

    http_client_read_environment(&connections);
    p->mailbox = mailbox_new(&p->loop);
    p->waiting = blocking_http_new(p->mailbox);
    p->client = kube_client_new(&p->loop, &p->kube);
    p->aws_connections = http_client_new(&connections);
    p->metrics = metrics_new();
    p->recorder = recorder_new(&p->loop, p->client, &p->clock);
    p->credentials = credentials_new(&(struct credentials_options){
        .http = p->waiting,
        .connections = p->aws_connections,
        .clock = &p->clock,
        .variable = variable,
        .endpoint = str_c(endpoint),
    });
}

/* --- the end --------------------------------------------------------------------------------- */

static void close_rest(struct program *p)
{
    own_server_close(p->server);
    recorder_close(p->recorder);
    kube_client_close(p->client);
    http_client_close(p->aws_connections, NULL, NULL);
    mailbox_close(p->mailbox);
    for (size_t i = 0; i < ARRAY_LEN(p->signals); i++)
        uv_close((uv_handle_t *)&p->signals[i], NULL);
}

static void on_part_closed(void *data)
{
    struct program *p = data;

    if (--p->closing == 0)
        close_rest(p);
}

static void stop(struct program *p, int status)
{
    if (p->stopping)
        return;
    p->stopping = true;
    p->status = status;
    blocking_http_stop(p->waiting);
    p->closing = 1u + (p->reconciler != NULL) + (p->election != NULL) + p->starting;
    if (p->reconciler != NULL)
        reconciler_close(p->reconciler, on_part_closed, p);
    if (p->election != NULL)
        election_close(p->election, on_part_closed, p);
    on_part_closed(p);
}

static void on_signal(uv_signal_t *signal, int number UNUSED)
{
    struct program *p = signal->data;

    if (p->stopping)
        _exit(1); /* asked twice */
    stop(p, 0);
}

/* --- leading --------------------------------------------------------------------------------- */

static void start_reconciler(void *data)
{
    struct program *p = data;

    p->reconciler = reconciler_start(&(struct reconciler_options){
        .loop = &p->loop,
        .mailbox = p->mailbox,
        .waiting = p->waiting,
        .client = p->client,
        .aws = p->aws,
        .recorder = p->recorder,
        .metrics = p->metrics,
        .clock = &p->clock,
        .settings = p->settings,
    });
}

static void on_lease_lost(void *data)
{
    struct program *p = data;

    log_fatal(p, "main.go:110", S("leader election lost"));
    stop(p, FATAL);
}

/* The name of this machine, or of the pod that this process is. */
static struct str host_name(struct program *p)
{
    char name[256] = "localhost";
    const char *pod = getenv("ELBOW_ROOTFS") == NULL ? NULL : getenv("HOSTNAME");

    if (pod != NULL && pod[0] != 0)
        return str_c(pod);
    (void)gethostname(name, sizeof name - 1);
    return arena_str(&p->arena, str_c(name));
}

static void start_election(struct program *p)
{
    struct ids ids;

    ids_init(&ids, 0);
    p->election = election_start(&(struct election_options){
        .loop = &p->loop,
        .client = p->client,
        .recorder = p->recorder,
        .clock = &p->clock,
        .namespace = p->election_namespace,
        .name = p->settings->election_id,
        .identity = arena_printf(&p->arena, "%.*s_%.*s", STR_ARG(host_name(p)),
                                 STR_ARG(ids_uuid(&ids, &p->arena))),
        .host_is_ours = p->settings->apiserver_host.n == 0 && p->settings->kubeconfig.n == 0,
        .on_leading = start_reconciler,
        .on_lost = on_lease_lost,
        .data = p,
    });
}

static void announce_sources(const struct settings *s)
{
#define PLAIN "{\"Type\":{\"metadata\":{\"creationTimestamp\":null}}}"
#define WITH_STATUS                                                                 \
    "{\"Type\":{\"metadata\":{\"creationTimestamp\":null},\"spec\":{},\"status\":{" \
    "\"loadBalancer\":{}}}}"
#define NODE                                                                                   \
    "{\"Type\":{\"metadata\":{\"creationTimestamp\":null},\"spec\":{},\"status\":{"            \
    "\"daemonEndpoints\":{\"kubeletEndpoint\":{\"Port\":0}},\"nodeInfo\":{\"machineID\":\"\"," \
    "\"systemUUID\":\"\",\"bootID\":\"\",\"kernelVersion\":\"\",\"osImage\":\"\","             \
    "\"containerRuntimeVersion\":\"\",\"kubeletVersion\":\"\",\"kubeProxyVersion\":\"\","      \
    "\"operatingSystem\":\"\",\"architecture\":\"\"}}}}"
    /* ConfigMap, with --restrict-scheme; Secret, Ingress, a channel, Service, a channel, Endpoints,
     * Node. */
    static const char *const sources[] = {PLAIN,       PLAIN, WITH_STATUS, "",
                                          WITH_STATUS, "",    PLAIN,       NODE};

    for (size_t i = s->restrict_scheme ? 0 : 1; i < ARRAY_LEN(sources); i++)
        klog_write(KLOG_INFO, "controller.go:121",
                   "kubebuilder/controller \"level\"=0 \"msg\"=\"Starting EventSource\"  "
                   "\"controller\"=\"alb-ingress-controller\" \"source\"=%s",
                   sources[i]);
}

/* --- the start, step by step ----------------------------------------------------------------- */

/* Everything is known: the loop goes on from here. */
static bool start_all(struct program *p)
{
    const struct settings *s = p->settings;
    const char *endpoint = getenv("AWS_ENDPOINT_URL");
    int r;

    p->aws = aws_client_new(&(struct aws_client_options){
        .http = p->waiting,
        .connections = p->aws_connections,
        .credentials = p->credentials,
        .clock = &p->clock,
        .metrics = p->metrics,
        .region = s->region,
        .endpoint = str_c(endpoint),
        .max_retries = s->max_retries,
        .debug = s->api_debug,
    });
    announce_sources(s);
    r = own_server_start(
        &(struct own_server_options){
            .loop = &p->loop,
            .aws = p->aws,
            .metrics = p->metrics,
            .region = s->region,
            .banner = program_banner(&p->arena),
            .port = (uint16_t)s->healthz_port,
            .address = own_address(),
        },
        &p->server);
    if (r < 0) {
        log_fatal(p, "main.go:183",
                  arena_printf(&p->arena, "listen tcp :%lld: bind: %s", (long long)s->healthz_port,
                               uv_strerror(r)));
        return false;
    }
    if (s->election)
        start_election(p);
    else
        start_reconciler(p);
    return true;
}

static void on_prepared(void *data)
{
    struct program *p = data;

    (void)uv_thread_join(&p->starter);
    p->starting = false;
    if (p->stopping) {
        on_part_closed(p);
        return;
    }
    if (p->fatal.n > 0)
        log_fatal(p, p->fatal_place, p->fatal);
    if (p->fatal.n > 0 || !start_all(p))
        stop(p, FATAL);
}

static bool give_up(struct program *p, const char *place, struct str why)
{
    p->fatal_place = place;
    p->fatal = why;
    return false;
}

static bool find_election_namespace(struct program *p)
{
    struct str path = kube_config_account_file(&p->arena, variable, "namespace"), text;

    p->election_namespace = p->settings->election_namespace;
    if (!p->settings->election || p->election_namespace.n > 0)
        return true;
    if (file_read(&p->arena, path.at, FILE_LIMIT, &text) < 0)
        return give_up(p, "main.go:79",
                       S("unable to find leader election namespace: not running in-cluster, "
                         "please specify LeaderElectionNamespace"));
    p->election_namespace = text;
    return true;
}

static bool find_vpc(struct program *p)
{
    static const char advice[] = "failed to introspect vpcID from ec2Metadata due to %.*s, specify "
                                 "--aws-vpc-id instead if ec2Metadata is unavailable";
    struct arena *a = &p->arena;
    struct str mac, why;

    if (p->settings->vpc_id.n > 0)
        return true;
    if (instance_metadata_get(p->credentials, a, "mac", &mac, &why) &&
        instance_metadata_get(
            p->credentials, a,
            arena_printf(a, "network/interfaces/macs/%.*s/vpc-id", STR_ARG(mac)).at,
            &p->settings->vpc_id, &why))
        return true;
    return give_up(p, "main.go:94", arena_printf(a, advice, STR_ARG(why)));
}

static bool find_region(struct program *p)
{
    static const char advice[] = "failed to introspect region from ec2Metadata due to %.*s, "
                                 "specify --aws-region instead if ec2Metadata is unavailable";
    struct str zone, why;

    if (p->settings->region.n > 0)
        return true;
    if (!instance_metadata_get(p->credentials, &p->arena, "placement/availability-zone", &zone,
                               &why))
        return give_up(p, "main.go:94", arena_printf(&p->arena, advice, STR_ARG(why)));
    p->settings->region = str_first(zone, zone.n > 0 ? zone.n - 1 : 0);
    return true;
}

static bool prepare(struct program *p)
{
    struct discovery discovery;
    struct str why;

    if (!discovery_run(p->client, p->waiting, &p->arena, &discovery, &why)) {
        if (!blocking_http_is_stopping(p->waiting))
            klog_write(KLOG_ERROR, "manager.go:191",
                       "kubebuilder/manager \"msg\"=\"Failed to get API Group-Resources\" "
                       "\"error\"=\"%.*s\"  ",
                       STR_ARG(why));
        return give_up(p, "main.go:79", why);
    }
    if (!find_election_namespace(p) || !find_vpc(p) || !find_region(p))
        return false;
    why = discovery_missing(&p->arena, &discovery);
    return why.n == 0 || give_up(p, "main.go:97", why);
}

static void run_starter(void *data)
{
    struct program *p = data;

    (void)prepare(p);
    mailbox_post(p->mailbox, on_prepared, p);
}

/* --- together -------------------------------------------------------------------------------- */

static void run(struct program *p)
{
    static const int numbers[] = {SIGTERM, SIGINT};

    make_parts(p);
    for (size_t i = 0; i < ARRAY_LEN(p->signals); i++) {
        uv_signal_init(&p->loop, &p->signals[i]);
        p->signals[i].data = p;
        uv_signal_start(&p->signals[i], on_signal, numbers[i]);
    }
    p->starting = true;
    (void)uv_thread_create(&p->starter, run_starter, p);
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    aws_client_free(p->aws);
    credentials_free(p->credentials);
    metrics_free(p->metrics);
    blocking_http_free(p->waiting);
}

int program_run(struct settings *s)
{
    struct program p = {.settings = s};

    (void)signal(SIGPIPE, SIG_IGN);
    clock_init(&p.clock);
    (void)uv_loop_init(&p.loop);
    if (try_port(&p) && load_kube_config(&p) && load_aws_tls(&p))
        run(&p);
    kube_config_clear(&p.kube);
    tls_free(p.aws_tls);
    (void)uv_run(&p.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&p.loop);
    arena_free(&p.arena);
    return p.status;
}
