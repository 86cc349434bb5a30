/* Source: Kubernetes documentation, "Virtual IPs and Service Proxies". */
#include <arpa/inet.h>

#include "base/clock.h"
#include "base/ids.h"
#include "loops/node_ports.h"
#include "test.h"

static bool claim(void *data, uint8_t block)
{
    (void)data;
    (void)block;
    return true;
}

#define NODE(name, address, labels)                                              \
    "{\"metadata\":{\"name\":\"" name "\",\"labels\":{" labels "}},\"status\":{" \
    "\"addresses\":[{\"type\":\"Hostname\",\"address\":\"" name "\"},"           \
    "{\"type\":\"InternalIP\",\"address\":\"" address "\"}]}}"

static const char *const nodes[] = {
    NODE("a", "192.168.1.1", ""),
    NODE("b", "192.168.1.2", ""),
    NODE("f", "192.168.9.9", "\"eks.amazonaws.com/compute-type\":\"fargate\""),
};

#define SERVICE(type, policy)                                                    \
    "{\"spec\":{\"type\":\"" type "\",\"externalTrafficPolicy\":\"" policy "\"," \
    "\"ports\":[{\"name\":\"http\",\"port\":80,\"nodePort\":30080,"              \
    "\"protocol\":\"TCP\"},{\"name\":\"dns\",\"port\":53,\"nodePort\":30053,"    \
    "\"protocol\":\"UDP\"}]}}"

#define POD(ip, node) "{\"ip\":\"" ip "\",\"nodeName\":\"" node "\"}"
#define ENDPOINTS                                                                                  \
    "{\"subsets\":[{\"addresses\":[" POD("192.168.1.10", "a") "," POD(                             \
        "192.168.1.11",                                                                            \
        "a") "],\"notReadyAddresses\":[" POD("192.168.1.12",                                       \
                                             "b") "],\"ports\":[{\"name\":\"http\",\"port\":8080," \
                                                  "\"protocol\":\"TCP\"}]}]}"

static const struct {
    const char *label, *service, *endpoints;
    const char *forwards; /* "node:port>pod:port,pod:port;…"; NULL: no node ports at all */
} cases[] = {
    {"a ClusterIP has none",                                               SERVICE("ClusterIP",    ""),        ENDPOINTS, NULL},
    {"each node leads to all ready pods, UDP and Fargate's nodes to none",
     SERVICE("NodePort",                                                                           "Cluster"), ENDPOINTS,
     "127.168.1.1:30080>127.168.1.10:8080,127.168.1.11:8080;"
     "127.168.1.2:30080>127.168.1.10:8080,127.168.1.11:8080;"                                                                 },
    {"Local leads to the node's own",                                      SERVICE("NodePort",     "Local"),   ENDPOINTS,
     "127.168.1.1:30080>127.168.1.10:8080,127.168.1.11:8080;127.168.1.2:30080>;"                                              },
    {"a LoadBalancer has node ports too; nobody is ready",                 SERVICE("LoadBalancer", ""),        "{}",
     "127.168.1.1:30080>;127.168.1.2:30080>;"                                                                                 },
};

static void show_address(struct buf *out, const struct sockaddr_in *at)
{
    char room[INET_ADDRSTRLEN] = "";

    (void)inet_ntop(AF_INET, &at->sin_addr, room, sizeof room);
    buf_printf(out, "%s:%u", room, ntohs(at->sin_port));
}

static void show(struct buf *out, const struct dp_service *s)
{
    for (size_t i = 0; i < s->forward_count; i++) {
        show_address(out, &s->forwards[i].at);
        buf_char(out, '>');
        for (size_t p = 0; p < s->forwards[i].pod_count; p++) {
            if (p > 0)
                buf_char(out, ',');
            show_address(out, &s->forwards[i].pods[p]);
        }
        buf_char(out, ';');
    }
}

/* Nodes as objects, in a store of their own. */
static struct object_list put_nodes(struct store *s, struct objects *os, struct arena *a)
{
    assert_int_equal(store_begin(s), 0);
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
        cJSON *doc = json_parse(str_c(nodes[i]), NULL);
        struct object_key key = {S("sample"), S("nodes"), S(""), json_str(doc, "metadata.name")};

        key.name = arena_str(a, key.name);
        assert_int_equal(object_put(os, key, doc, NULL), 0);
    }
    assert_int_equal(store_commit(s), 0);
    return object_list(os, a, S("sample"), S("nodes"), S(""));
}

TEST(node_ports)
{
    struct fabric *fabric = fabric_new(&(struct fabric_options){.claim = claim});
    struct arena a = {0};
    struct clock clock;
    struct ids ids;
    struct store *s = NULL;
    struct objects *os = NULL;
    struct object_list list;
    struct str why;

    clock_init(&clock);
    ids_init(&ids, 1);
    assert_int_equal(store_open(":memory:", &clock, &ids, &a, &s, &why), 0);
    assert_int_equal(objects_open(s, &os), 0);
    list = put_nodes(s, os, &a);
    CASE_EACH(c, cases) {
        cJSON *service = json_parse(str_c(c->service), NULL);
        cJSON *endpoints = json_parse(str_c(c->endpoints), NULL);
        struct dp_service *got = node_ports_compile(S("k"), service, endpoints, &list, fabric);
        struct buf text = buf_init(4096);

        CHECK(c->label, (got == NULL) == (c->forwards == NULL));
        if (got != NULL) {
            show(&text, got);
            CHECK_STR(c->label, buf_str(&text), str_c(c->forwards));
        }
        buf_free(&text);
        dp_service_unref(got);
        cJSON_Delete(service);
        cJSON_Delete(endpoints);
    }
    objects_close(os);
    store_close(s);
    fabric_free(fabric);
    arena_free(&a);
}

TEST_MAIN(T(node_ports))
