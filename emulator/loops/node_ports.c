/* Compiling a Service's node ports. Every EC2 node listens at every node port; with
 * externalTrafficPolicy Local a node leads to its own pods alone, and refuses where it has none.
 * Source: Kubernetes documentation, "Virtual IPs and Service Proxies". */
#include "loops/node_ports.h"

static bool has_node_ports(const cJSON *service)
{
    struct str type = json_str(service, "spec.type");

    return str_is(type, "NodePort") || str_is(type, "LoadBalancer");
}

static bool is_tcp(const cJSON *port)
{
    struct str protocol = json_str(port, "protocol");

    return protocol.n == 0 || str_is(protocol, "TCP");
}

struct str node_port_address(const cJSON *node)
{
    const cJSON *labels = json_get(node, "metadata.labels");

    if (str_is(json_text(json_member(labels, S("eks.amazonaws.com/compute-type"))), "fargate"))
        return (struct str){0};
    JSON_EACH(address, json_get(node, "status.addresses")) {
        if (str_is(json_str(address, "type"), "InternalIP"))
            return json_str(address, "address");
    }
    return (struct str){0};
}

/* The port of a subset that belongs to the Service's port of this name; 0 when none does. */
static int64_t subset_port(const cJSON *subset, struct str name)
{
    JSON_EACH(port, json_get(subset, "ports")) {
        if (str_eq(json_str(port, "name"), name) && is_tcp(port))
            return json_int(port, "port", 0);
    }
    return 0;
}

static size_t count_addresses(const cJSON *endpoints)
{
    size_t n = 0;

    JSON_EACH(subset, json_get(endpoints, "subsets")) {
        n += (size_t)cJSON_GetArraySize(json_get(subset, "addresses"));
    }
    return n;
}

static bool locate(struct fabric *fabric, struct str text, int64_t port, struct sockaddr_in *ret_at)
{
    uint32_t address;

    return fabric_parse_address(text, &address) && port > 0 && port <= UINT16_MAX &&
           fabric_locate(fabric, address, (uint16_t)port, ret_at);
}

/* Fills in the pods of one forward: those of @only_node, or all when it is empty. */
static void add_pods(struct arena *a, struct dp_forward *f, const cJSON *endpoints, struct str name,
                     struct str only_node, struct fabric *fabric)
{
    f->pods = arena_array(a, count_addresses(endpoints), sizeof *f->pods);
    JSON_EACH(subset, json_get(endpoints, "subsets")) {
        int64_t port = subset_port(subset, name);

        JSON_EACH(address, json_get(subset, "addresses")) {
            if (only_node.n > 0 && !str_eq(json_str(address, "nodeName"), only_node))
                continue;
            if (locate(fabric, json_str(address, "ip"), port, &f->pods[f->pod_count]))
                f->pod_count++;
        }
    }
}

static void add_node(struct dp_service *s, const cJSON *service, const cJSON *endpoints,
                     const cJSON *node, struct fabric *fabric)
{
    bool local = str_is(json_str(service, "spec.externalTrafficPolicy"), "Local");
    struct str address = node_port_address(node), only = {0};

    if (address.n == 0)
        return;
    if (local)
        only = json_str(node, "metadata.name");
    JSON_EACH(port, json_get(service, "spec.ports")) {
        struct dp_forward *f = &s->forwards[s->forward_count];

        if (!is_tcp(port) || !locate(fabric, address, json_int(port, "nodePort", 0), &f->at))
            continue;
        s->forward_count++;
        add_pods(&s->arena, f, endpoints, json_str(port, "name"), only, fabric);
    }
}

struct dp_service *node_ports_compile(struct str key, const cJSON *service, const cJSON *endpoints,
                                      const struct object_list *nodes, struct fabric *fabric)
{
    size_t ports = (size_t)cJSON_GetArraySize(json_get(service, "spec.ports"));
    struct dp_service *s;

    if (!has_node_ports(service) || ports == 0)
        return NULL;
    s = dp_service_new(key);
    s->forwards = arena_array(&s->arena, ports * nodes->n, sizeof *s->forwards);
    for (size_t i = 0; i < nodes->n; i++)
        add_node(s, service, endpoints, object_doc(nodes->at[i]), fabric);
    return s;
}
