/* Columns of what carries traffic. Source: Kubernetes, pkg/printers/internalversion. */
#include "kube/table_columns.h"

#include <stdlib.h>

enum { SHOWN = 3, CLASS_SINCE = 18 };

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The addresses of status.loadBalancer, each once, in byte order. */
static struct str balancer_addresses(const struct table_row *r)
{
    const cJSON *list = json_get(r->doc, "status.loadBalancer.ingress");
    struct str *all = arena_array(r->arena, (size_t)cJSON_GetArraySize(list) + 1, sizeof *all);
    struct table_joined j = {.arena = r->arena, .separator = ","};
    size_t n = 0;

    JSON_EACH(point, list) {
        struct str ip = json_str(point, "ip");

        all[n++] = ip.n > 0 ? ip : json_str(point, "hostname");
    }
    qsort(all, n, sizeof *all, by_text);
    for (size_t i = 0; i < n; i++)
        if (all[i].n > 0 && (i == 0 || !str_eq(all[i], all[i - 1])))
            table_join(&j, all[i]);
    return j.text;
}

/* --- Service ------------------------------------------------------------------------------ */

static void service_address(struct buf *b, const struct table_row *r)
{
    struct str ip = json_text(cJSON_GetArrayItem(json_get(r->doc, "spec.clusterIPs"), 0));

    table_or_none(b, ip.n > 0 ? ip : json_str(r->doc, "spec.clusterIP"));
}

static struct str external_ips(const struct table_row *r)
{
    struct table_joined j = {.arena = r->arena, .separator = ","};

    JSON_EACH(ip, json_get(r->doc, "spec.externalIPs"))
        table_join(&j, json_text(ip));
    return j.text;
}

static void service_external(struct buf *b, const struct table_row *r)
{
    struct str type = json_str(r->doc, "spec.type"), more = external_ips(r);
    struct table_joined j = {.arena = r->arena, .separator = ","};

    if (str_is(type, "ExternalName")) {
        json_write_str(b, json_str(r->doc, "spec.externalName"));
        return;
    }
    if (!str_is(type, "LoadBalancer")) {
        table_or_none(b, more);
        return;
    }
    if (balancer_addresses(r).n > 0)
        table_join(&j, balancer_addresses(r));
    if (more.n > 0)
        table_join(&j, more);
    json_write_str(b, j.n > 0 ? j.text : S("<pending>"));
}

static void service_ports(struct buf *b, const struct table_row *r)
{
    struct table_joined j = {.arena = r->arena, .separator = ","};

    JSON_EACH(port, json_get(r->doc, "spec.ports")) {
        int64_t node = json_int(port, "nodePort", 0), number = json_int(port, "port", 0);
        struct str protocol = json_str(port, "protocol");

        if (protocol.n == 0)
            protocol = S("TCP");
        if (node > 0)
            table_join(&j, arena_printf(r->arena, "%lld:%lld/%.*s", (long long)number,
                                        (long long)node, STR_ARG(protocol)));
        else
            table_join(&j,
                       arena_printf(r->arena, "%lld/%.*s", (long long)number, STR_ARG(protocol)));
    }
    table_or_none(b, j.text);
}

static const struct table_column services[] = {
    TABLE_NAME,
    {"Type",        "string", 0, cell_text,        "spec.type",     0, 0},
    {"Cluster-IP",  "string", 0, service_address,  NULL,            0, 0},
    {"External-IP", "string", 0, service_external, NULL,            0, 0},
    {"Port(s)",     "string", 0, service_ports,    NULL,            0, 0},
    TABLE_AGE,
    {"Selector",    "string", 1, cell_labels,      "spec.selector", 0, 0},
};

/* --- Ingress ------------------------------------------------------------------------------ */

static void ingress_hosts(struct buf *b, const struct table_row *r)
{
    const cJSON *rules = json_get(r->doc, "spec.rules");
    struct table_joined j = {.arena = r->arena, .separator = ","};
    bool more = false;

    JSON_EACH(rule, rules) {
        if (j.n == SHOWN)
            more = true;
        if (!more && json_str(rule, "host").n > 0)
            table_join(&j, json_str(rule, "host"));
    }
    if (j.n == 0)
        json_write_str(b, S("*"));
    else if (more)
        table_printf(b, r, "%.*s + %d more...", STR_ARG(j.text), cJSON_GetArraySize(rules) - SHOWN);
    else
        json_write_str(b, j.text);
}

static void ingress_address(struct buf *b, const struct table_row *r)
{
    json_write_str(b, balancer_addresses(r));
}

static void ingress_ports(struct buf *b, const struct table_row *r)
{
    bool tls = cJSON_GetArraySize(json_get(r->doc, "spec.tls")) > 0;

    json_write_str(b, tls ? S("80, 443") : S("80"));
}

static const struct table_column ingresses[] = {
    TABLE_NAME,
    {"Class",   "string", 0, cell_text_or_none, "spec.ingressClassName", CLASS_SINCE, 0},
    {"Hosts",   "string", 0, ingress_hosts,     NULL,                    0,           0},
    {"Address", "string", 0, ingress_address,   NULL,                    0,           0},
    {"Ports",   "string", 0, ingress_ports,     NULL,                    0,           0},
    TABLE_AGE,
};

static void class_parameters(struct buf *b, const struct table_row *r)
{
    const cJSON *p = json_get(r->doc, "spec.parameters");
    struct str group = json_str(p, "apiGroup");

    if (p == NULL)
        table_or_none(b, S(""));
    else
        table_printf(b, r, "%.*s%s%.*s/%.*s", STR_ARG(json_str(p, "kind")), group.n > 0 ? "." : "",
                     STR_ARG(group), STR_ARG(json_str(p, "name")));
}

static const struct table_column ingressclasses[] = {
    TABLE_NAME,
    {"Controller", "string", 0, cell_text,        "spec.controller", 0, 0},
    {"Parameters", "string", 0, class_parameters, NULL,              0, 0},
    TABLE_AGE,
};

/* --- Endpoints ---------------------------------------------------------------------------- */

static void join_subset(struct table_joined *j, const cJSON *subset)
{
    const cJSON *ports = json_get(subset, "ports");

    if (cJSON_GetArraySize(ports) == 0)
        JSON_EACH(address, json_get(subset, "addresses"))
            table_join(j, json_str(address, "ip"));
    JSON_EACH(port, ports)
        JSON_EACH(address, json_get(subset, "addresses"))
            table_join(j, arena_printf(j->arena, "%.*s:%lld", STR_ARG(json_str(address, "ip")),
                                       (long long)json_int(port, "port", 0)));
}

static void endpoints_cell(struct buf *b, const struct table_row *r)
{
    struct table_joined j = {.arena = r->arena, .separator = ",", .most = SHOWN};
    const cJSON *subsets = json_get(r->doc, "subsets");

    JSON_EACH(subset, subsets)
        join_subset(&j, subset);
    if (cJSON_GetArraySize(subsets) == 0)
        table_or_none(b, S(""));
    else
        json_write_str(b, table_joined_text(&j));
}

static const struct table_column endpoints[] = {
    TABLE_NAME,
    {"Endpoints", "string", 0, endpoints_cell, NULL, 0, 0},
    TABLE_AGE,
};

static void write_or_unset(struct buf *b, struct table_joined *j)
{
    json_write_str(b, j->n > 0 ? table_joined_text(j) : S("<unset>"));
}

static void slice_ports(struct buf *b, const struct table_row *r)
{
    struct table_joined j = {.arena = r->arena, .separator = ",", .most = SHOWN};

    JSON_EACH(port, json_get(r->doc, "ports")) {
        struct str name = json_str(port, "name");

        if (json_get(port, "port") != NULL)
            table_join(&j, arena_printf(r->arena, "%lld", (long long)json_int(port, "port", 0)));
        else
            table_join(&j, name.n > 0 ? name : S("*"));
    }
    write_or_unset(b, &j);
}

static void slice_endpoints(struct buf *b, const struct table_row *r)
{
    struct table_joined j = {.arena = r->arena, .separator = ",", .most = SHOWN};

    JSON_EACH(endpoint, json_get(r->doc, "endpoints"))
        JSON_EACH(address, json_get(endpoint, "addresses"))
            table_join(&j, json_text(address));
    write_or_unset(b, &j);
}

static const struct table_column slices[] = {
    TABLE_NAME,
    {"AddressType", "string", 0, cell_text,       "addressType", 0, 0},
    {"Ports",       "string", 0, slice_ports,     NULL,          0, 0},
    {"Endpoints",   "string", 0, slice_endpoints, NULL,          0, 0},
    TABLE_AGE,
};

static const struct table_column policies[] = {
    TABLE_NAME,
    {"Pod-Selector", "string", 0, cell_labels, "spec.podSelector", 0, 0},
    TABLE_AGE,
};

const struct table_kind table_network[] = {
    TABLE("services", services),
    TABLE("endpoints", endpoints),
    TABLE("discovery.k8s.io/endpointslices", slices),
    TABLE("networking.k8s.io/ingresses", ingresses),
    TABLE("networking.k8s.io/ingressclasses", ingressclasses),
    TABLE("networking.k8s.io/networkpolicies", policies),
    {NULL, NULL, 0, NULL},
};
