/* From rows and objects to a page: the routing loop with a real data plane over the fabric.
 * Source: Application Load Balancers User Guide; Kubernetes documentation, "Service". */
#include "scenario.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loops/routing.h"
#include "store/ec2.h"
#include "store/elbv2.h"
#include "store/target_health.h"

#define LB    "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/web/0123"
#define GROUP "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/g/4567"
#define LISTENER \
    "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:listener/app/web/0123/89ab"
#define RULE \
    "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:listener-rule/app/web/0123/89ab/c"

#define POD_ADDRESS "192.168.34.12"

struct town {
    uv_loop_t loop;
    struct arena arena;
    struct clock clock;
    struct ids ids;
    struct store *store;
    struct objects *objects;
    struct fabric *fabric;
    struct routing *routing;
    struct sockaddr_in front;
    int pod;        /* its listening socket */
    int served;     /* requests that it answered */
    bool pod_fails; /* with 404 */
};

/* --- the world below ----------------------------------------------------------------------- */

static void put_object(struct town *t, struct object_key key, const char *json)
{
    assert_int_equal(object_put(t->objects, key, json_parse(str_c(json), NULL), NULL), 0);
}

static struct object_key key_in(struct str resource, struct str ns, struct str name)
{
    return (struct object_key){S("sample"), resource, ns, name};
}

static void put_endpoints(struct town *t, const char *subsets)
{
    char text[512];

    (void)snprintf(text, sizeof text,
                   "{\"metadata\":{\"name\":\"web\",\"namespace\":\"default\"},\"subsets\":%s}",
                   subsets);
    put_object(t, key_in(S("endpoints"), S("default"), S("web")), text);
}

static void put_cluster(struct town *t)
{
    put_object(t, key_in(S("nodes"), S(""), S("n")),
               "{\"metadata\":{\"name\":\"n\"},\"status\":{\"addresses\":"
               "[{\"type\":\"InternalIP\",\"address\":\"192.168.7.5\"}]}}");
    put_object(t, key_in(S("services"), S("default"), S("web")),
               "{\"metadata\":{\"name\":\"web\",\"namespace\":\"default\"},\"spec\":"
               "{\"type\":\"NodePort\",\"ports\":[{\"port\":80,\"nodePort\":31080}]}}");
    put_endpoints(t, "[{\"addresses\":[{\"ip\":\"" POD_ADDRESS "\",\"nodeName\":\"n\"}],"
                     "\"ports\":[{\"port\":8080}]}]");
}

static void put_interface(struct town *t, const char *id, const char *address, const char *owner,
                          const char *instance, const char *group)
{
    struct network_interface i = {.id = str_c(id),
                                  .vpc = S("vpc-1"),
                                  .zone = S("ap-northeast-1a"),
                                  .address = str_c(address),
                                  .owner = str_c(owner),
                                  .instance = str_c(instance)};
    struct private_address a = {
        .subnet = S("subnet-1"), .address = i.address, .interface = i.id, .is_primary = true};
    struct str groups[] = {str_c(group)};

    assert_int_equal(ec2_insert(t->store, &network_interface_table, &i, i.id), 0);
    assert_int_equal(ec2_insert(t->store, &private_address_table, &a, i.id), 0);
    assert_int_equal(interface_set_groups(t->store, i.id, groups, 1), 0);
}

static void put_permission(struct town *t, const char *id, const char *group, bool egress,
                           const char *cidr, const char *peer)
{
    struct security_group_rule r = {.id = str_c(id),
                                    .group_id = str_c(group),
                                    .egress = egress,
                                    .protocol = S("-1"),
                                    .from_port = -1,
                                    .to_port = -1,
                                    .cidr = str_c(cidr),
                                    .peer_group = str_c(peer)};

    assert_int_equal(ec2_insert(t->store, &security_group_rule_table, &r, r.group_id), 0);
}

static void put_network(struct town *t)
{
    struct instance i = {
        .id = S("i-1"), .state = INSTANCE_RUNNING, .vpc = S("vpc-1"), .zone = S("ap-northeast-1a")};

    assert_int_equal(ec2_insert(t->store, &instance_table, &i, i.id), 0);
    put_interface(t, "eni-node", "192.168.7.5", "i-1", "i-1", "sg-node");
    put_interface(t, "eni-lb", "192.168.0.20", LB, "", "sg-lb");
    put_permission(t, "sgr-1", "sg-lb", false, "0.0.0.0/0", "");
    put_permission(t, "sgr-2", "sg-lb", true, "0.0.0.0/0", "");
    put_permission(t, "sgr-3", "sg-node", false, "", "sg-lb");
}

static void put_rule(struct town *t)
{
    struct str group = S(GROUP);
    struct listener_rule r = {
        .arn = S(RULE),
        .listener = S(LISTENER),
        .conditions = S("[]"),
        .actions = S("[{\"Type\":\"forward\",\"TargetGroupArn\":\"" GROUP "\"}]"),
    };

    assert_int_equal(listener_rule_insert(t->store, &r, &group, 1), 0);
}

static void put_balancing(struct town *t)
{
    struct load_balancer lb = {.arn = S(LB),
                               .name = S("web"),
                               .type = S("application"),
                               .vpc = S("vpc-1"),
                               .dns_name = S("web-1.ap-northeast-1.elb.localhost")};
    struct load_balancer_zone zone = {.zone = S("ap-northeast-1a"), .subnet = S("subnet-1")};
    struct str sg = S("sg-lb");
    struct target_group g = {.arn = S(GROUP),
                             .name = S("g"),
                             .protocol = S("HTTP"),
                             .port = 80,
                             .vpc = S("vpc-1"),
                             .target_type = S("instance"),
                             .health_enabled = true,
                             .health_protocol = S("HTTP"),
                             .health_port = S("traffic-port"),
                             .health_path = S("/"),
                             .health_interval = 30,
                             .health_timeout = 5,
                             .healthy_threshold = 5,
                             .unhealthy_threshold = 2,
                             .http_code = S("200")};
    struct listener l = {
        .arn = S(LISTENER), .load_balancer = S(LB), .port = 80, .protocol = S("HTTP")};

    assert_int_equal(load_balancer_insert(t->store, &lb), 0);
    assert_int_equal(load_balancer_set_zones(t->store, lb.arn, &zone, 1), 0);
    assert_int_equal(load_balancer_set_groups(t->store, lb.arn, &sg, 1), 0);
    assert_int_equal(target_group_insert(t->store, &g), 0);
    assert_int_equal(listener_insert(t->store, &l), 0);
}

static void put_target(struct town *t, int64_t draining_until)
{
    struct target target = {
        .target_group = S(GROUP), .id = S("i-1"), .port = 31080, .draining_until = draining_until};

    assert_int_equal(target_put(t->store, &target), 0);
}

/* --- moving -------------------------------------------------------------------------------- */

/* Answers whoever came to the pod, checks and requests alike. */
static void serve_pod(struct town *t)
{
    char room[2048];
    int fd = t->pod < 0 ? -1 : accept4(t->pod, NULL, NULL, SOCK_CLOEXEC);
    struct str answer = t->pod_fails
                            ? S("HTTP/1.1 404 Not Found\r\nConnection: close\r\n"
                                "Content-Length: 0\r\n\r\n")
                            : S("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n"
                                "nginx");

    if (fd < 0)
        return;
    (void)recv(fd, room, sizeof room, 0);
    send_all(fd, answer);
    (void)close(fd);
    t->served++;
}

static void step(struct town *t)
{
    feed_deliver(t->store);
    (void)uv_run(&t->loop, UV_RUN_NOWAIT);
    serve_pod(t);
    (void)poll(NULL, 0, 1);
}

static struct target_health health(struct town *t)
{
    struct target_health h;

    assert_int_equal(target_health_get(t->store, &t->arena, S(GROUP), S("i-1"), 31080, &h), 0);
    return h;
}

/* Steps until DescribeTargetHealth says so. */
static void await_health(struct town *t, const char *label, const char *state, const char *reason)
{
    for (int i = 0; i < 2000; i++) {
        struct target_health h = health(t);

        if (str_is(h.state, state) && str_is(h.reason, reason))
            return;
        step(t);
    }
    CHECK_STR(label, health(t).state, str_c(state));
    CHECK_STR(label, health(t).reason, str_c(reason));
}

/* The status of GET / at @at; 0 when nothing comes for a while. */
static unsigned get(struct town *t, const struct sockaddr_in *at)
{
    struct pollfd p = {.events = POLLIN};
    char room[2048] = "";
    int client;

    while (!dataplane_is_settled(routing_dataplane(t->routing)))
        step(t);
    p.fd = client = connect_to(at);
    send_all(client, S("GET / HTTP/1.1\r\nHost: web-1.ap-northeast-1.elb.localhost\r\n\r\n"));
    for (int i = 0; i < 300 && poll(&p, 1, 0) == 0; i++)
        step(t);
    if (poll(&p, 1, 0) > 0)
        (void)recv(client, room, sizeof room - 1, 0);
    (void)close(client);
    return room[0] == '\0' ? 0 : (unsigned)atoi(room + 9);
}

static void settle(struct town *t)
{
    for (int i = 0; i < 30; i++)
        step(t);
}

/* --- beginning and end --------------------------------------------------------------------- */

static void open_store(struct town *t)
{
    struct fabric_options fabric = fabric_probe();
    struct str why;

    clock_init(&t->clock);
    ids_init(&t->ids, 1);
    t->fabric = fabric_new(&fabric);
    assert_int_equal(store_open(":memory:", &t->clock, &t->ids, &t->arena, &t->store, &why), 0);
    assert_int_equal(objects_open(t->store, &t->objects), 0);
}

static void open_pod(struct town *t)
{
    struct sockaddr_in at;
    uint32_t address;
    int yes = 1;

    assert_true(fabric_parse_address(S(POD_ADDRESS), &address));
    assert_true(fabric_locate(t->fabric, address, 8080, &at));
    t->pod = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)setsockopt(t->pod, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    assert_int_equal(bind(t->pod, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(t->pod, 16), 0);
}

static void open_town(struct town *t)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool https_failed;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)uv_loop_init(&t->loop);
    open_store(t);
    open_pod(t);
    assert_int_equal(routing_start(&(struct routing_options){.loop = &t->loop,
                                                             .objects = t->objects,
                                                             .fabric = t->fabric,
                                                             .workers = 2,
                                                             .http = &any,
                                                             .security_groups = true},
                                   &t->routing, &https_failed),
                     0);
    t->front = dataplane_http_address(routing_dataplane(t->routing));
    assert_int_equal(store_begin(t->store), 0);
    put_cluster(t);
    put_network(t);
    put_balancing(t);
    put_target(t, 0);
    assert_int_equal(store_commit(t->store), 0);
}

static void change(struct town *t, void (*how)(struct town *t))
{
    assert_int_equal(store_begin(t->store), 0);
    how(t);
    assert_int_equal(store_commit(t->store), 0);
}

static void close_town(struct town *t)
{
    routing_stop(t->routing, NULL, NULL);
    (void)uv_run(&t->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&t->loop), 0);
    if (t->pod >= 0)
        (void)close(t->pod);
    objects_close(t->objects);
    store_close(t->store);
    fabric_free(t->fabric);
    arena_free(&t->arena);
}

/* The world's clock goes on by @ms at once. */
static void pass_time(struct town *t, int64_t ms)
{
    clock_step(&t->clock, ms);
    dataplane_clock_changed(routing_dataplane(t->routing));
}

TEST(from_rows_to_a_page)
{
    struct town t = {0};
    struct sockaddr_in own;
    uint32_t address;

    open_town(&t);
    await_health(&t, "without a rule that uses it, a group is unused", "unused", "Target.NotInUse");
    change(&t, put_rule);
    await_health(&t, "one passed check is enough", "healthy", "");
    CHECK("through load balancer, node port and pod", get(&t, &t.front) == 200);
    assert_true(fabric_parse_address(S("192.168.0.20"), &address));
    assert_true(fabric_locate(t.fabric, address, 80, &own));
    CHECK("and at the load balancer's own address", get(&t, &own) == 200);
    close_town(&t);
}

static void stop_node(struct town *t)
{
    assert_int_equal(instance_set_state(t->store, S("i-1"), INSTANCE_STOPPED), 0);
}

static void close_node(struct town *t)
{
    assert_int_equal(security_group_rule_delete(t->store, S("sgr-3"), S("sg-node")), 0);
}

static void close_front(struct town *t)
{
    assert_int_equal(security_group_rule_delete(t->store, S("sgr-1"), S("sg-lb")), 0);
}

TEST(closed_security_groups)
{
    struct town t = {0};

    open_town(&t);
    change(&t, put_rule);
    await_health(&t, "open", "healthy", "");
    change(&t, close_node);
    settle(&t);
    clock_set_rate(&t.clock, 50000000); /* a check every 0.6 s, ten seconds in 0.2 s */
    pass_time(&t, 30000);
    CHECK("the node is closed to the load balancer: connect timeout", get(&t, &t.front) == 504);
    await_health(&t, "and its checks time out", "unhealthy", "Target.Timeout");
    CHECK_STR("in these words", health(&t).description, S("Request timed out"));
    change(&t, close_front);
    settle(&t);
    CHECK("the load balancer is closed to everybody: silence", get(&t, &t.front) == 0);
    close_town(&t);
}

static void remove_pods(struct town *t)
{
    put_endpoints(t, "[]");
}

TEST(pods_and_nodes_that_go)
{
    struct town t = {0};

    open_town(&t);
    change(&t, put_rule);
    await_health(&t, "healthy", "healthy", "");
    change(&t, remove_pods);
    settle(&t);
    CHECK("no pod behind the node port: connection refused", get(&t, &t.front) == 502);
    change(&t, stop_node);
    await_health(&t, "a stopped instance", "unused", "Target.InvalidState");
    CHECK("no target is left", get(&t, &t.front) == 503);
    close_town(&t);
}

static void begin_draining(struct town *t)
{
    put_target(t, clock_now(&t->clock) + 300000);
}

static void register_again(struct town *t)
{
    put_target(t, 0);
}

TEST(draining_ends_by_the_worlds_clock)
{
    struct town t = {0};
    struct target *left = NULL;

    open_town(&t);
    change(&t, put_rule);
    await_health(&t, "healthy", "healthy", "");
    change(&t, begin_draining);
    await_health(&t, "deregistered", "draining", "Target.DeregistrationInProgress");
    settle(&t);
    CHECK("takes no new requests", get(&t, &t.front) == 503);
    change(&t, register_again);
    await_health(&t, "registered again while it drains", "healthy", "");
    change(&t, begin_draining);
    settle(&t);
    pass_time(&t, 300000);
    for (int i = 0; i < 1500 && (i == 0 || left != NULL); i++) {
        step(&t);
        assert_int_equal(target_list(t.store, &t.arena, S(GROUP), &left), 0);
    }
    CHECK("after the delay it is forgotten", left == NULL);
    close_town(&t);
}

static void remove_balancer(struct town *t)
{
    assert_int_equal(load_balancer_delete(t->store, S(LB)), 0);
}

TEST(a_deleted_load_balancer)
{
    struct town t = {0};

    open_town(&t);
    change(&t, put_rule);
    await_health(&t, "healthy", "healthy", "");
    change(&t, remove_balancer);
    await_health(&t, "its group is used by nobody", "unused", "Target.NotInUse");
    settle(&t);
    CHECK("its name means nothing", get(&t, &t.front) == 404);
    close_town(&t);
}

TEST_MAIN(T(from_rows_to_a_page), T(closed_security_groups), T(pods_and_nodes_that_go),
          T(draining_ends_by_the_worlds_clock), T(a_deleted_load_balancer))
