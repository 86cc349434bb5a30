/* Allocation of cluster addresses and node ports.
 *
 * What is taken is read off the other Services' encoded documents by searching their text, which
 * costs less than keeping books that must follow every rollback.
 * Source: Kubernetes "Service", "Choosing your own IP address", "NodePort"; words of its API. */
#include "kube/service.h"

#include <arpa/inet.h>

enum { FIRST_NODE_PORT = 30000, LAST_NODE_PORT = 32767, NODE_PORTS = 2768 };

/* --- the address range -------------------------------------------------------------------- */

struct range {
    uint32_t first, last; /* usable ones, in host order */
    struct str text;
};

static struct range range_of(const struct kube_cluster *c)
{
    struct range r = {0x0a640001, 0x0a64fffe, S("10.100.0.0/16")}; /* EKS' default */
    struct str address, bits_text;
    char text[INET_ADDRSTRLEN] = {0};
    struct in_addr in;
    int64_t bits;
    uint32_t base, size;

    if (!str_cut(c->options.service_cidr, '/', &address, &bits_text) || address.n >= sizeof text ||
        !str_to_int(bits_text, &bits) || bits < 8 || bits > 28)
        return r;
    memcpy(text, address.at, address.n);
    if (inet_pton(AF_INET, text, &in) != 1)
        return r;
    size = (uint32_t)1 << (32 - bits);
    base = ntohl(in.s_addr) & ~(size - 1);
    return (struct range){base + 1, base + size - 2, c->options.service_cidr};
}

static struct str address_text(struct arena *a, uint32_t address)
{
    return arena_printf(a, "%u.%u.%u.%u", address >> 24, (address >> 16) & 255,
                        (address >> 8) & 255, address & 255);
}

struct str cluster_first_address(const struct kube_cluster *c, struct arena *a)
{
    return address_text(a, range_of(c).first);
}

static bool parse_address(struct str s, uint32_t *ret)
{
    char text[INET_ADDRSTRLEN] = {0};
    struct in_addr in;

    if (s.n == 0 || s.n >= sizeof text)
        return false;
    memcpy(text, s.at, s.n);
    if (inet_pton(AF_INET, text, &in) != 1)
        return false;
    *ret = ntohl(in.s_addr);
    return true;
}

/* --- what is taken ------------------------------------------------------------------------ */

/* Every Service but the one that is written. */
static struct object_list others(struct kube_call *c, const cJSON *doc)
{
    struct object_list list =
        object_list(c->kube->objects, c->arena, c->cluster->options.name, S("services"), S(""));
    struct str ns = json_str(doc, "metadata.namespace"), name = json_str(doc, "metadata.name");
    size_t n = 0;

    for (size_t i = 0; i < list.n; i++)
        if (!str_eq(list.at[i]->key.ns, ns) || !str_eq(list.at[i]->key.name, name))
            list.at[n++] = list.at[i];
    list.n = n;
    return list;
}

static bool address_is_taken(struct arena *a, struct object_list rest, struct str address)
{
    struct str needle = arena_printf(a, "\"clusterIP\":\"%.*s\"", STR_ARG(address));

    for (size_t i = 0; i < rest.n; i++)
        if (str_find(rest.at[i]->json, needle) != STR_NONE)
            return true;
    return false;
}

struct ports_taken {
    bool taken[NODE_PORTS];
};

static void note_ports(struct ports_taken *t, struct str json)
{
    size_t at;

    /* healthCheckNodePort counts too. */
    while ((at = str_find(json, S("odePort\":"))) != STR_NONE) {
        int64_t port = 0;

        json = str_from(json, at + sizeof "odePort\":" - 1);
        for (size_t i = 0; i < json.n && json.at[i] >= '0' && json.at[i] <= '9' && i < 5; i++)
            port = port * 10 + (json.at[i] - '0');
        if (port >= FIRST_NODE_PORT && port <= LAST_NODE_PORT)
            t->taken[port - FIRST_NODE_PORT] = true;
    }
}

static struct ports_taken *ports_of(struct kube_call *c, struct object_list rest)
{
    struct ports_taken *t = arena_alloc(c->arena, sizeof *t);

    for (size_t i = 0; i < rest.n; i++)
        note_ports(t, rest.at[i]->json);
    return t;
}

/* --- addresses ---------------------------------------------------------------------------- */

static bool refuse_address(struct kube_call *c, const cJSON *doc, struct str address,
                           const char *why)
{
    struct field_errors e = field_errors_new(c->arena);

    field_error_add_text(
        &e, FIELD_INVALID, S("spec.clusterIPs"),
        arena_printf(c->arena, "[\"%.*s\"]", STR_ARG(address)),
        arena_printf(c->arena, "failed to allocate IP %.*s: %s", STR_ARG(address), why));
    return call_invalid(c, c->target.kind, json_str(doc, "metadata.name"), &e);
}

static void set_address(cJSON *spec, struct str address)
{
    cJSON *list = cJSON_CreateArray();

    cJSON_AddItemToArray(list, json_new_str(address));
    json_put_str(spec, S("clusterIP"), address);
    json_put(spec, S("clusterIPs"), list);
}

static bool take_address(struct kube_call *c, cJSON *doc, struct object_list rest,
                         struct str wanted)
{
    struct range range = range_of(c->cluster);
    uint32_t address, count = range.last - range.first + 1, start;

    if (wanted.n > 0) {
        if (!parse_address(wanted, &address) || address < range.first || address > range.last)
            return refuse_address(c, doc, wanted,
                                  "the provided network does not match the current range");
        if (address_is_taken(c->arena, rest, wanted))
            return refuse_address(c, doc, wanted, "provided IP is already allocated");
        set_address(json_get(doc, "spec"), wanted);
        return true;
    }
    start = (uint32_t)ids_below(c->kube->ids, count);
    for (uint32_t i = 0; i < count; i++) {
        struct str text = address_text(c->arena, range.first + (start + i) % count);

        if (!address_is_taken(c->arena, rest, text)) {
            set_address(json_get(doc, "spec"), text);
            return true;
        }
    }
    return call_internal(c, "failed to allocate a serviceIP: range is full");
}

/* The address that is asked for: spec.clusterIP, or the first of spec.clusterIPs. */
static struct str asked_address(const cJSON *doc)
{
    struct str address = json_str(doc, "spec.clusterIP");

    if (address.n == 0)
        address = json_text(cJSON_GetArrayItem(json_get(doc, "spec.clusterIPs"), 0));
    return address;
}

/* Which families of addresses there are: IPv4 alone, as the clusters' ranges. Servers tell it since
 * 1.20; a headless Service without a selector may have addresses of both. */
static void settle_families(struct kube_call *c, cJSON *spec)
{
    enum { TOLD_SINCE = 20 };
    bool anything = str_is(json_str(spec, "clusterIP"), "None") &&
                    cJSON_GetArraySize(json_get(spec, "selector")) == 0;
    bool told = c->cluster->minor >= TOLD_SINCE;

    if (told && json_get(spec, "ipFamilies") == NULL) {
        cJSON_AddItemToArray(json_need_array(spec, "ipFamilies"), json_new_str(S("IPv4")));
        if (anything)
            cJSON_AddItemToArray(json_get(spec, "ipFamilies"), json_new_str(S("IPv6")));
    }
    if (told && json_get(spec, "ipFamilyPolicy") == NULL)
        json_put_str(spec, S("ipFamilyPolicy"),
                     anything ? S("RequireDualStack") : S("SingleStack"));
}

static bool settle_address(struct kube_call *c, const cJSON *old, cJSON *doc,
                           struct object_list rest)
{
    struct str was = old == NULL ? S("") : json_str(old, "spec.clusterIP");
    struct str asked = arena_str(c->arena, asked_address(doc));
    struct field_errors e = field_errors_new(c->arena);

    if (asked.n == 0 && was.n > 0)
        asked = arena_str(c->arena, was); /* a PUT that leaves it out keeps it */
    if (was.n > 0 && !str_eq(asked, was)) {
        field_error_add_text(&e, FIELD_INVALID, S("spec.clusterIPs[0]"),
                             arena_printf(c->arena, "[\"%.*s\"]", STR_ARG(asked)),
                             S("may not change once set"));
        return call_invalid(c, c->target.kind, json_str(doc, "metadata.name"), &e);
    }
    if (was.n > 0 || str_is(asked, "None")) {
        set_address(json_get(doc, "spec"), asked);
        return true;
    }
    return take_address(c, doc, rest, asked);
}

/* --- node ports --------------------------------------------------------------------------- */

static bool refuse_port(struct kube_call *c, const cJSON *doc, size_t i, int64_t port,
                        const char *why)
{
    struct field_errors e = field_errors_new(c->arena);

    field_error_add_text(&e, FIELD_INVALID, arena_printf(c->arena, "spec.ports[%zu].nodePort", i),
                         arena_printf(c->arena, "%lld", (long long)port), str_c(why));
    return call_invalid(c, c->target.kind, json_str(doc, "metadata.name"), &e);
}

/* The node port that the same port had before. */
static int64_t port_before(const cJSON *old, const cJSON *port)
{
    JSON_EACH(was, json_get(old, "spec.ports"))
        if (json_int(was, "port", 0) == json_int(port, "port", 0) &&
            str_eq(json_str(was, "protocol"), json_str(port, "protocol")))
            return json_int(was, "nodePort", 0);
    return 0;
}

static int64_t free_port(struct kube_call *c, const struct ports_taken *t)
{
    uint64_t start = ids_below(c->kube->ids, NODE_PORTS);

    for (uint64_t i = 0; i < NODE_PORTS; i++) {
        uint64_t at = (start + i) % NODE_PORTS;

        if (!t->taken[at])
            return FIRST_NODE_PORT + (int64_t)at;
    }
    return 0;
}

static bool settle_port(struct kube_call *c, const cJSON *old, cJSON *doc, cJSON *port, size_t i,
                        struct ports_taken *t)
{
    int64_t number = json_int(port, "nodePort", 0), before = port_before(old, port);

    if (number == 0)
        number = before;
    if (number == 0) {
        number = free_port(c, t);
        if (number == 0)
            return call_internal(c, "failed to allocate a nodePort: range is full");
    } else if (number < FIRST_NODE_PORT || number > LAST_NODE_PORT) {
        return refuse_port(c, doc, i, number,
                           "provided port is not in the valid range. The range of valid ports is "
                           "30000-32767");
    } else if (number != before && t->taken[number - FIRST_NODE_PORT]) {
        return refuse_port(c, doc, i, number, "provided port is already allocated");
    }
    t->taken[number - FIRST_NODE_PORT] = true;
    json_put_int(port, S("nodePort"), number);
    return true;
}

/* One number may serve several protocols of the same Service. */
static bool shared_within(const cJSON *doc, const cJSON *port)
{
    JSON_EACH(other, json_get(doc, "spec.ports")) {
        if (other == port)
            return false;
        if (json_int(other, "nodePort", 0) == json_int(port, "nodePort", 0) &&
            !str_eq(json_str(other, "protocol"), json_str(port, "protocol")))
            return true;
    }
    return false;
}

static bool settle_ports(struct kube_call *c, const cJSON *old, cJSON *doc, struct object_list rest)
{
    struct ports_taken *t = ports_of(c, rest);
    size_t i = 0;

    JSON_EACH(port, json_get(doc, "spec.ports")) {
        bool shared = json_int(port, "nodePort", 0) != 0 && shared_within(doc, port);

        if (!shared && !settle_port(c, old, doc, port, i, t))
            return false;
        i++;
    }
    return true;
}

/* A Service that no longer has node ports drops those that it got, not those that are asked for:
 * these are refused by validation. */
static void drop_ports(const cJSON *old, cJSON *doc)
{
    JSON_EACH(port, json_get(doc, "spec.ports"))
        if (old != NULL && json_int(port, "nodePort", 0) == port_before(old, port))
            json_remove(port, S("nodePort"));
}

static bool settle_health_port(struct kube_call *c, const cJSON *old, cJSON *doc,
                               struct object_list rest)
{
    struct ports_taken *t = ports_of(c, rest);
    cJSON *spec = json_get(doc, "spec");
    int64_t before = json_int(old, "spec.healthCheckNodePort", 0);

    if (!str_is(json_str(spec, "type"), "LoadBalancer") ||
        !str_is(json_str(spec, "externalTrafficPolicy"), "Local")) {
        json_remove(spec, S("healthCheckNodePort"));
        return true;
    }
    if (json_int(spec, "healthCheckNodePort", 0) != 0)
        return true;
    JSON_EACH(port, json_get(spec, "ports")) {
        int64_t number = json_int(port, "nodePort", 0);

        if (number >= FIRST_NODE_PORT && number <= LAST_NODE_PORT)
            t->taken[number - FIRST_NODE_PORT] = true;
    }
    json_put_int(spec, S("healthCheckNodePort"), before != 0 ? before : free_port(c, t));
    return true;
}

/* --- the whole ---------------------------------------------------------------------------- */

static bool has_node_ports(const cJSON *doc)
{
    struct str type = json_str(doc, "spec.type");

    return str_is(type, "NodePort") || (str_is(type, "LoadBalancer") &&
                                        json_bool(doc, "spec.allocateLoadBalancerNodePorts", true));
}

/* Which types have a member; others lose it when their update does not change it. */
static const struct {
    const char *member, *types;
} of_types[] = {
    {"clusterIP",                     "ClusterIP NodePort LoadBalancer"},
    {"clusterIPs",                    "ClusterIP NodePort LoadBalancer"},
    {"ipFamilies",                    "ClusterIP NodePort LoadBalancer"},
    {"ipFamilyPolicy",                "ClusterIP NodePort LoadBalancer"},
    {"internalTrafficPolicy",         "ClusterIP NodePort LoadBalancer"},
    {"externalTrafficPolicy",         "NodePort LoadBalancer"          },
    {"healthCheckNodePort",           "LoadBalancer"                   },
    {"allocateLoadBalancerNodePorts", "LoadBalancer"                   },
    {"loadBalancerClass",             "LoadBalancer"                   },
};

/* What the type before needed, and this one does not, goes, unless it was asked for anew. */
void service_prepare_update(struct kube_call *c, const cJSON *old, cJSON *doc)
{
    cJSON *spec = json_get(doc, "spec");
    struct str type = json_str(spec, "type");

    (void)c;
    if (!cJSON_IsObject(spec))
        return;
    if (type.n == 0)
        type = S("ClusterIP");
    for (size_t i = 0; i < ARRAY_LEN(of_types); i++) {
        const cJSON *had = json_get(json_get(old, "spec"), of_types[i].member);
        const cJSON *has = json_get(spec, of_types[i].member);
        bool needed = str_find(str_c(of_types[i].types), type) != STR_NONE ||
                      (json_get(spec, "externalIPs") != NULL &&
                       strcmp(of_types[i].member, "externalTrafficPolicy") == 0);

        if (!needed && has != NULL && had != NULL && json_equal(had, has))
            json_remove(spec, str_c(of_types[i].member));
    }
    if (!has_node_ports(doc))
        drop_ports(old, doc);
}

bool service_allocate(struct kube_call *c, const cJSON *old, cJSON *doc)
{
    struct object_list rest;
    cJSON *spec = json_get(doc, "spec");

    if (!str_is(c->target.kind->stored, "services") || !cJSON_IsObject(spec))
        return true;
    if (str_is(json_str(spec, "type"), "ExternalName")) {
        json_remove(spec, S("clusterIP"));
        json_remove(spec, S("clusterIPs"));
        drop_ports(old, doc);
        return true;
    }
    rest = others(c, doc);
    if (!settle_address(c, old, doc, rest))
        return false;
    settle_families(c, spec);
    if (old != NULL && !str_is(json_str(spec, "type"), "LoadBalancer"))
        json_put(json_need_object(doc, "status"), S("loadBalancer"), cJSON_CreateObject());
    if (!has_node_ports(doc)) {
        drop_ports(old, doc);
        return true;
    }
    return settle_ports(c, old, doc, rest) && settle_health_port(c, old, doc, rest);
}
