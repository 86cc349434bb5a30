/* Endpoints and slices as documents. */
#include "loops/endpoints_plan.h"

#include <stdlib.h>

#include "base/macros.h"
#include "loops/pods.h"
#include "loops/selector.h"
#include "net/fabric.h"

/* --- which pods ------------------------------------------------------------------------- */

static int by_address(const void *left, const void *right)
{
    const struct endpoint *a = left, *b = right;
    uint32_t x = 0, y = 0;

    (void)fabric_parse_address(a->ip, &x);
    (void)fabric_parse_address(b->ip, &y);
    return x < y ? -1 : x > y;
}

struct endpoint *endpoints_of(struct arena *a, const cJSON *service, const struct object_list *pods,
                              bool terminating, size_t *ret_n)
{
    bool not_ready_too = json_bool(service, "spec.publishNotReadyAddresses", false);
    struct endpoint *at = arena_array(a, pods->n, sizeof *at);
    const cJSON *selector = json_get(service, "spec.selector");
    size_t n = 0;

    for (size_t i = 0; i < pods->n; i++) {
        const cJSON *pod;
        struct str ip;
        bool deleting, ready;

        if (!label_map_matches(selector, labels_of(pods->at[i])))
            continue;
        pod = object_doc(pods->at[i]);
        ip = json_str(pod, "status.podIP");
        deleting = is_deleting(pod);
        if (ip.n == 0 || pod_is_over(pod) || (deleting && !terminating && !not_ready_too))
            continue;
        ready = pod_is_ready(pod);
        at[n++] = (struct endpoint){
            .pod = pod,
            .ip = ip,
            .node = json_str(pod, "spec.nodeName"),
            .ready = not_ready_too || (ready && !deleting),
            .serving = ready,
            .terminating = deleting,
        };
    }
    if (n > 1)
        qsort(at, n, sizeof *at, by_address);
    *ret_n = n;
    return at;
}

/* --- ports ------------------------------------------------------------------------------ */

static int64_t named_port(const cJSON *pod, const char *list, struct str name, struct str protocol)
{
    JSON_EACH(container, json_get(pod, list))
        JSON_EACH(port, json_get(container, "ports")) {
            struct str of = json_str(port, "protocol");

            if (str_eq(json_str(port, "name"), name) && str_eq(of.n > 0 ? of : S("TCP"), protocol))
                return json_int(port, "containerPort", 0);
        }
    return 0;
}

static struct str protocol_of(const cJSON *service_port)
{
    struct str protocol = json_str(service_port, "protocol");

    return protocol.n > 0 ? protocol : S("TCP");
}

int64_t endpoint_port(const cJSON *pod, const cJSON *service_port)
{
    const cJSON *target = json_get(service_port, "targetPort");
    int64_t number = 0;

    if (target == NULL)
        return json_int(service_port, "port", 0);
    if (cJSON_IsNumber(target))
        return target->valuedouble > 0 ? (int64_t)target->valuedouble
                                       : json_int(service_port, "port", 0);
    if (str_to_int(json_text(target), &number))
        return number;
    return named_port(pod, "spec.containers", json_text(target), protocol_of(service_port));
}

static cJSON *port_list(const cJSON *service, const cJSON *pod, bool name_always)
{
    cJSON *list = cJSON_CreateArray();

    JSON_EACH(service_port, json_get(service, "spec.ports")) {
        int64_t number = endpoint_port(pod, service_port);
        struct str name = json_str(service_port, "name");
        struct str app = json_str(service_port, "appProtocol");
        cJSON *port;

        if (number == 0)
            continue;
        port = cJSON_CreateObject();
        if (name.n > 0 || name_always)
            json_put_str(port, S("name"), name);
        json_put_int(port, S("port"), number);
        json_put_str(port, S("protocol"), protocol_of(service_port));
        if (app.n > 0)
            json_put_str(port, S("appProtocol"), app);
        cJSON_AddItemToArray(list, port);
    }
    return list;
}

cJSON *slice_ports(const cJSON *service, const cJSON *pod)
{
    return port_list(service, pod, true);
}

/* --- Endpoints -------------------------------------------------------------------------- */

static cJSON *target_ref(const cJSON *pod)
{
    cJSON *ref = cJSON_CreateObject();

    json_put_str(ref, S("kind"), S("Pod"));
    json_put_str(ref, S("name"), json_str(pod, "metadata.name"));
    json_put_str(ref, S("namespace"), json_str(pod, "metadata.namespace"));
    json_put_str(ref, S("uid"), json_str(pod, "metadata.uid"));
    return ref;
}

/* A pod with a name of its own within the Service's (a StatefulSet's). */
static struct str host_name(const cJSON *service, const cJSON *pod)
{
    struct str subdomain = json_str(pod, "spec.subdomain");

    if (subdomain.n == 0 || !str_eq(subdomain, json_str(service, "metadata.name")))
        return (struct str){0};
    return json_str(pod, "spec.hostname");
}

static cJSON *address(const cJSON *service, const struct endpoint *e)
{
    struct str name = host_name(service, e->pod);
    cJSON *item = cJSON_CreateObject();

    if (name.n > 0)
        json_put_str(item, S("hostname"), name);
    json_put_str(item, S("ip"), e->ip);
    if (e->node.n > 0)
        json_put_str(item, S("nodeName"), e->node);
    json_put(item, S("targetRef"), target_ref(e->pod));
    return item;
}

static cJSON *subset_with(cJSON *subsets, const cJSON *ports)
{
    cJSON *subset;

    JSON_EACH(item, subsets)
        if (json_equal(json_get(item, "ports"), ports))
            return item;
    subset = cJSON_CreateObject();
    json_put(subset, S("ports"), cJSON_Duplicate(ports, true));
    cJSON_AddItemToArray(subsets, subset);
    return subset;
}

cJSON *endpoints_subsets(struct arena *a, const cJSON *service, const struct endpoint *at, size_t n)
{
    bool headless = json_get(service, "spec.ports") == NULL;
    cJSON *subsets = cJSON_CreateArray();

    (void)a;
    for (size_t i = 0; i < n; i++) {
        CLEANUP(json_freep) cJSON *ports = port_list(service, at[i].pod, false);
        const char *list = at[i].ready ? "addresses" : "notReadyAddresses";

        if (ports->child == NULL && !headless)
            continue; /* the pod has none of the ports */
        cJSON_AddItemToArray(json_need_array(subset_with(subsets, ports), list),
                             address(service, &at[i]));
    }
    return subsets;
}

/* --- slices ----------------------------------------------------------------------------- */

cJSON *slice_endpoint(const cJSON *service, const struct endpoint *e, struct str zone)
{
    struct str name = host_name(service, e->pod);
    cJSON *item = cJSON_CreateObject(), *conditions;

    cJSON_AddItemToArray(json_need_array(item, "addresses"), json_new_str(e->ip));
    conditions = json_need_object(item, "conditions");
    json_put_bool(conditions, S("ready"), e->ready);
    json_put_bool(conditions, S("serving"), e->serving);
    json_put_bool(conditions, S("terminating"), e->terminating);
    if (name.n > 0)
        json_put_str(item, S("hostname"), name);
    json_put(item, S("targetRef"), target_ref(e->pod));
    if (e->node.n > 0)
        json_put_str(item, S("nodeName"), e->node);
    if (zone.n > 0)
        json_put_str(item, S("zone"), zone);
    return item;
}
