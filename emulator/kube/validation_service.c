/* Services and what stands behind them. Source: Kubernetes, pkg/apis/{core,discovery}/validation.
 * Addresses and node ports are checked where they are allocated, in service.c. */
#include "kube/validation_kinds.h"

static const char *const types[] = {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"};
static const char *const protocols[] = {"SCTP", "TCP", "UDP"};
static const char *const affinities[] = {"ClientIP", "None"};
static const char *const policies[] = {"Cluster", "Local"};

static bool is_type(const cJSON *spec, const char *type)
{
    struct str has = json_str(spec, "type");

    return str_is(has.n > 0 ? has : S("ClusterIP"), type);
}

static bool is_headless(const cJSON *spec)
{
    return str_is(json_str(spec, "clusterIP"), "None");
}

/* --- ports -------------------------------------------------------------------------------- */

static bool named_before(const cJSON *ports, const cJSON *port)
{
    JSON_EACH(other, ports) {
        if (other == port)
            return false;
        if (str_eq(json_str(other, "name"), json_str(port, "name")))
            return true;
    }
    return false;
}

static struct str protocol_of(const cJSON *port)
{
    struct str protocol = json_str(port, "protocol");

    return protocol.n > 0 ? protocol : S("TCP");
}

static void check_port_of(struct checks *c, struct str place, const cJSON *ports, const cJSON *port)
{
    struct str name = json_str(port, "name");

    if (name.n > 0) {
        check_word(c, at_child(c, place, "name"), name, word_dns_label);
        if (named_before(ports, port))
            find_duplicate(c, at_child(c, place, "name"), json_get(port, "name"));
    } else if (cJSON_GetArraySize(ports) > 1) {
        find_required(c, at_child(c, place, "name"), "");
    }
    check_port_number(c, at_child(c, place, "port"), json_get(port, "port"));
    CHECK_CHOICE(c, at_child(c, place, "protocol"), json_get(port, "protocol"), protocols);
    check_port(c, at_child(c, place, "targetPort"), json_get(port, "targetPort"));
    if (json_str(port, "appProtocol").n > 0)
        check_word(c, at_child(c, place, "appProtocol"), json_str(port, "appProtocol"),
                   word_qualified_name);
}

/* Whether an earlier port has the same protocol and the same number at @member. */
static bool same_before(const cJSON *ports, const cJSON *port, const char *member)
{
    int64_t number = json_int(port, member, 0);

    JSON_EACH(other, ports) {
        if (other == port)
            return false;
        if (number != 0 && json_int(other, member, 0) == number &&
            str_eq(protocol_of(other), protocol_of(port)))
            return true;
    }
    return false;
}

/* As the server prints a key made of protocol and port. */
static struct str shown_key(struct checks *c, const cJSON *port)
{
    return arena_printf(c->arena,
                        "{\"Name\":\"\",\"Protocol\":\"%.*s\",\"AppProtocol\":null,\"Port\":%lld,"
                        "\"TargetPort\":0,\"NodePort\":0}",
                        STR_ARG(protocol_of(port)), (long long)json_int(port, "port", 0));
}

static void check_ports(struct checks *c, const cJSON *spec)
{
    const cJSON *ports = json_get(spec, "ports");
    size_t i = 0;

    JSON_EACH(port, ports)
        check_port_of(c, at_index(c, S("spec.ports"), i++), ports, port);
    i = 0;
    JSON_EACH(port, ports) {
        struct str place = at_child(c, at_index(c, S("spec.ports"), i++), "nodePort");

        if (is_type(spec, "ClusterIP") && json_int(port, "nodePort", 0) != 0)
            find_forbidden(c, place, "may not be used when `type` is 'ClusterIP'");
        if (same_before(ports, port, "nodePort"))
            find_duplicate(c, place, json_get(port, "nodePort"));
    }
    i = 0;
    JSON_EACH(port, ports) {
        struct str place = at_index(c, S("spec.ports"), i++);

        if (same_before(ports, port, "port"))
            field_error_add_text(c->errors, FIELD_DUPLICATE, place, shown_key(c, port), S(""));
    }
}

/* --- the spec ------------------------------------------------------------------------------- */

static void check_external_name(struct checks *c, const cJSON *spec)
{
    struct str name = json_str(spec, "externalName");

    if (cJSON_GetArraySize(json_get(spec, "clusterIPs")) > 0 || json_str(spec, "clusterIP").n > 0)
        find_forbidden(c, S("spec.clusterIPs"), "may not be set for ExternalName services");
    if (name.n > 0 && name.at[name.n - 1] == '.')
        name = str_first(name, name.n - 1);
    need_word(c, S("spec.externalName"), name, word_dns_subdomain);
}

static void check_headless(struct checks *c, const cJSON *spec)
{
    static const char *const not_headless[] = {"LoadBalancer", "NodePort"};

    for (size_t i = 0; i < ARRAY_LEN(not_headless); i++)
        if (is_headless(spec) && is_type(spec, not_headless[i]))
            find_invalid_text(
                c, S("spec.clusterIPs[0]"), S("None"),
                arena_printf(c->arena, "may not be set to 'None' for %s services", not_headless[i])
                    .at);
}

static void check_affinity(struct checks *c, const cJSON *spec)
{
    enum { LONGEST_S = 86400 };
    const cJSON *seconds = json_get(spec, "sessionAffinityConfig.clientIP.timeoutSeconds");

    CHECK_CHOICE(c, S("spec.sessionAffinity"), json_get(spec, "sessionAffinity"), affinities);
    if (!str_is(json_str(spec, "sessionAffinity"), "ClientIP")) {
        if (json_get(spec, "sessionAffinityConfig") != NULL)
            find_forbidden(c, S("spec.sessionAffinityConfig"),
                           "must not be set when session affinity is None");
    } else if (cJSON_IsNumber(seconds) &&
               (seconds->valuedouble < 1 || seconds->valuedouble > LONGEST_S)) {
        find_invalid(c, S("spec.sessionAffinityConfig.clientIP.timeoutSeconds"), seconds,
                     "must be greater than 0 and less than 86400");
    }
}

static bool is_accessible(const cJSON *spec)
{
    return is_type(spec, "NodePort") || is_type(spec, "LoadBalancer") ||
           (is_type(spec, "ClusterIP") && cJSON_GetArraySize(json_get(spec, "externalIPs")) > 0);
}

static void check_traffic(struct checks *c, const cJSON *spec)
{
    const cJSON *external = json_get(spec, "externalTrafficPolicy");

    if (!is_accessible(spec) && json_text(external).n > 0)
        find_invalid(c, S("spec.externalTrafficPolicy"), external,
                     "may only be set for externally-accessible services");
    else
        CHECK_CHOICE(c, S("spec.externalTrafficPolicy"), external, policies);
    CHECK_CHOICE(c, S("spec.internalTrafficPolicy"), json_get(spec, "internalTrafficPolicy"),
                 policies);
}

static void check_balancer(struct checks *c, const cJSON *spec)
{
    const cJSON *ranges = json_get(spec, "loadBalancerSourceRanges");
    size_t i = 0;

    if (is_type(spec, "LoadBalancer")) {
        JSON_EACH(range, ranges)
            check_word(c, at_index(c, S("spec.LoadBalancerSourceRanges"), i++),
                       str_trim(json_text(range)), word_cidr);
        return;
    }
    if (cJSON_GetArraySize(ranges) > 0)
        find_forbidden(c, S("spec.LoadBalancerSourceRanges"),
                       "may only be used when `type` is 'LoadBalancer'");
    if (json_get(spec, "allocateLoadBalancerNodePorts") != NULL)
        find_forbidden(c, S("spec.allocateLoadBalancerNodePorts"),
                       "may only be used when `type` is 'LoadBalancer'");
    if (json_str(spec, "loadBalancerClass").n > 0)
        find_forbidden(c, S("spec.loadBalancerClass"),
                       "may only be used when `type` is 'LoadBalancer'");
}

/* A class stays while the Service is a load balancer. */
static void check_class_update(struct checks *c, const cJSON *old, const cJSON *now)
{
    if (is_type(old, "LoadBalancer") && is_type(now, "LoadBalancer") &&
        !str_eq(json_str(old, "loadBalancerClass"), json_str(now, "loadBalancerClass")))
        find_invalid(c, S("spec.loadBalancerClass"), json_get(now, "loadBalancerClass"),
                     "may not change once set");
}

void validate_service(struct checks *c, const cJSON *old, const cJSON *doc)
{
    const cJSON *spec = json_get(doc, "spec");
    size_t i = 0;

    if (old != NULL)
        check_class_update(c, json_get(old, "spec"), spec);
    if (cJSON_GetArraySize(json_get(spec, "ports")) == 0 && !is_headless(spec) &&
        !is_type(spec, "ExternalName"))
        find_required(c, S("spec.ports"), "");
    check_headless(c, spec);
    if (is_type(spec, "ExternalName"))
        check_external_name(c, spec);
    check_ports(c, spec);
    check_labels(c, S("spec.selector"), json_get(spec, "selector"));
    check_affinity(c, spec);
    JSON_EACH(ip, json_get(spec, "externalIPs"))
        check_word(c, at_index(c, S("spec.externalIPs"), i++), json_text(ip), word_ip);
    CHECK_CHOICE(c, S("spec.type"), json_get(spec, "type"), types);
    check_balancer(c, spec);
    check_traffic(c, spec);
}

/* --- Endpoints and slices ------------------------------------------------------------------- */

static void check_addresses(struct checks *c, struct str place, const cJSON *addresses)
{
    size_t i = 0;

    JSON_EACH(address, addresses) {
        struct str one = at_index(c, place, i++);

        check_word(c, at_child(c, one, "ip"), json_str(address, "ip"), word_ip);
        if (json_str(address, "hostname").n > 0)
            check_word(c, at_child(c, one, "hostname"), json_str(address, "hostname"),
                       word_dns_label);
    }
}

static void check_endpoint_ports(struct checks *c, struct str list, const cJSON *ports)
{
    size_t i = 0;

    JSON_EACH(port, ports) {
        struct str place = at_index(c, list, i++);

        if (json_str(port, "name").n > 0)
            check_word(c, at_child(c, place, "name"), json_str(port, "name"), word_dns_label);
        else if (cJSON_GetArraySize(ports) > 1)
            find_required(c, at_child(c, place, "name"), "");
        check_port_number(c, at_child(c, place, "port"), json_get(port, "port"));
        CHECK_CHOICE(c, at_child(c, place, "protocol"), json_get(port, "protocol"), protocols);
    }
}

void validate_endpoints(struct checks *c, const cJSON *old, const cJSON *doc)
{
    size_t i = 0;

    (void)old;
    JSON_EACH(subset, json_get(doc, "subsets")) {
        struct str place = at_index(c, S("subsets"), i++);

        if (cJSON_GetArraySize(json_get(subset, "addresses")) == 0 &&
            cJSON_GetArraySize(json_get(subset, "notReadyAddresses")) == 0)
            find_required(c, place, "must specify `addresses` or `notReadyAddresses`");
        check_addresses(c, at_child(c, place, "addresses"), json_get(subset, "addresses"));
        check_addresses(c, at_child(c, place, "notReadyAddresses"),
                        json_get(subset, "notReadyAddresses"));
        check_endpoint_ports(c, at_child(c, place, "ports"), json_get(subset, "ports"));
    }
}

void validate_endpointslice(struct checks *c, const cJSON *old, const cJSON *doc)
{
    static const char *const address_types[] = {"FQDN", "IPv4", "IPv6"};
    const cJSON *type = json_get(doc, "addressType");
    size_t i = 0;

    if (json_text(type).n == 0)
        find_required(c, S("addressType"), "");
    else
        CHECK_CHOICE(c, S("addressType"), type, address_types);
    JSON_EACH(endpoint, json_get(doc, "endpoints")) {
        struct str place = at_child(c, at_index(c, S("endpoints"), i++), "addresses");
        size_t j = 0;

        if (cJSON_GetArraySize(json_get(endpoint, "addresses")) == 0)
            find_required(c, place, "must contain at least 1 endpoint");
        JSON_EACH(address, json_get(endpoint, "addresses"))
            check_word(c, at_index(c, place, j++), json_text(address),
                       str_is(json_text(type), "FQDN") ? word_dns_subdomain : word_ip);
    }
    if (old != NULL)
        check_immutable(c, S("addressType"), json_get(old, "addressType"), type);
}
