/* Defaults that depend on other members. Source: kubernetes-api reference §5.4. */
#include "schema/kube/defaults_fill.h"

#include "base/macros.h"

static bool is_text(const cJSON *object, const char *path, const char *text)
{
    return str_is(json_str(object, path), text);
}

/* --- pods --------------------------------------------------------------------------------- */

/* Whether the image is named by the tag "latest", said or unsaid. */
static bool is_latest(struct str image)
{
    size_t slash = str_rchr(image, '/'), colon;
    struct str name = slash == STR_NONE ? image : str_from(image, slash + 1);

    if (str_chr(name, '@') != STR_NONE)
        return false;
    colon = str_rchr(name, ':');
    return colon == STR_NONE || str_is(str_from(name, colon + 1), "latest");
}

void fill_container(cJSON *container)
{
    if (json_str(container, "imagePullPolicy").n == 0)
        json_put_str(container, S("imagePullPolicy"),
                     is_latest(json_str(container, "image")) ? S("Always") : S("IfNotPresent"));
}

static const char *const container_lists[] = {"initContainers", "containers"};

/* On the host's network a container's ports are the host's. */
void fill_pod_spec(cJSON *spec)
{
    if (!json_bool(spec, "hostNetwork", false))
        return;
    for (size_t i = 0; i < ARRAY_LEN(container_lists); i++)
        JSON_EACH(container, json_get(spec, container_lists[i]))
            JSON_EACH(port, json_get(container, "ports"))
                if (json_int(port, "hostPort", 0) == 0)
                    json_put_int(port, S("hostPort"), json_int(port, "containerPort", 0));
}

/* What is limited and not requested is requested. */
static void request_limits(cJSON *container)
{
    const cJSON *limits = json_get(container, "resources.limits");

    if (cJSON_IsObject(limits) && limits->child != NULL)
        JSON_EACH(limit, limits)
            if (json_member(json_get(container, "resources.requests"), str_c(limit->string)) ==
                NULL)
                json_put(json_need_object(container, "resources.requests"), str_c(limit->string),
                         cJSON_Duplicate(limit, true));
}

void fill_pod(cJSON *pod)
{
    cJSON *spec = json_get(pod, "spec");

    if (!cJSON_IsObject(spec))
        return;
    for (size_t i = 0; i < ARRAY_LEN(container_lists); i++)
        JSON_EACH(container, json_get(spec, container_lists[i]))
            request_limits(container);
    fill_member(spec, "enableServiceLinks", "true");
}

void fill_volume(cJSON *volume)
{
    JSON_EACH(item, volume)
        if (strcmp(item->string, "name") != 0 && !cJSON_IsNull(item))
            return;
    json_put(volume, S("emptyDir"), cJSON_CreateObject());
}

/* --- workloads ------------------------------------------------------------------------------ */

/* @object.type, and where it is RollingUpdate the members of its rollingUpdate. */
static void fill_rolling(cJSON *object, const char *const (*members)[2], size_t n)
{
    if (json_str(object, "type").n == 0)
        json_put_str(object, S("type"), S("RollingUpdate"));
    if (!is_text(object, "type", "RollingUpdate"))
        return;
    for (size_t i = 0; i < n; i++)
        fill_member(json_need_object(object, "rollingUpdate"), members[i][0], members[i][1]);
}

void fill_deployment(cJSON *spec)
{
    static const char *const members[][2] = {
        {"maxUnavailable", "\"25%\""},
        {"maxSurge",       "\"25%\""},
    };

    fill_rolling(json_need_object(spec, "strategy"), members, ARRAY_LEN(members));
}

void fill_daemon_set(cJSON *spec)
{
    static const char *const members[][2] = {
        {"maxUnavailable", "1"},
        {"maxSurge",       "0"},
    };

    fill_rolling(json_need_object(spec, "updateStrategy"), members, ARRAY_LEN(members));
}

void fill_stateful_set(cJSON *spec)
{
    static const char *const members[][2] = {
        {"partition", "0"},
    };

    fill_rolling(json_need_object(spec, "updateStrategy"), members, ARRAY_LEN(members));
}

/* Labels of the template, where the object has none of its own. */
static void label_from_template(cJSON *object)
{
    const cJSON *labels = json_get(object, "spec.template.metadata.labels");

    if (cJSON_IsObject(labels) && json_get(object, "metadata.labels") == NULL)
        json_put(json_need_object(object, "metadata"), S("labels"), cJSON_Duplicate(labels, true));
}

void fill_replication_controller(cJSON *rc)
{
    const cJSON *labels = json_get(rc, "spec.template.metadata.labels");

    label_from_template(rc);
    if (cJSON_IsObject(labels) && fill_is_missing(json_get(rc, "spec"), "selector"))
        json_put(json_need_object(rc, "spec"), S("selector"), cJSON_Duplicate(labels, true));
}

void fill_job(cJSON *job)
{
    cJSON *spec = json_need_object(job, "spec");
    bool alone = fill_is_missing(spec, "completions") && fill_is_missing(spec, "parallelism");

    label_from_template(job);
    if (alone)
        json_put_int(spec, S("completions"), 1);
    fill_member(spec, "parallelism", "1");
    fill_member(spec, "backoffLimit",
                fill_is_missing(spec, "backoffLimitPerIndex") ? "6" : "2147483647");
    fill_member(spec, "completionMode", "\"NonIndexed\"");
    fill_member(spec, "suspend", "false");
    fill_member(spec, "manualSelector", "false");
    fill_member(spec, "podReplacementPolicy",
                fill_is_missing(spec, "podFailurePolicy") ? "\"TerminatingOrFailed\""
                                                          : "\"Failed\"");
}

/* Rules of scaling: what is not said is the API's own way up and down. */
void fill_scaling_behavior(cJSON *behavior)
{
    cJSON *up = json_need_object(behavior, "scaleUp");
    cJSON *down = json_need_object(behavior, "scaleDown");

    fill_member(up, "stabilizationWindowSeconds", "0");
    fill_member(up, "selectPolicy", "\"Max\"");
    fill_member(up, "policies",
                "[{\"type\":\"Pods\",\"value\":4,\"periodSeconds\":15},"
                "{\"type\":\"Percent\",\"value\":100,\"periodSeconds\":15}]");
    fill_member(down, "selectPolicy", "\"Max\"");
    fill_member(down, "policies", "[{\"type\":\"Percent\",\"value\":100,\"periodSeconds\":15}]");
}

/* --- services ------------------------------------------------------------------------------- */

void fill_service_port(cJSON *port)
{
    const cJSON *target = json_get(port, "targetPort");

    if (target == NULL || cJSON_IsNull(target) ||
        (cJSON_IsNumber(target) && json_int(port, "targetPort", 0) == 0) ||
        (cJSON_IsString(target) && json_text(target).n == 0))
        json_put_int(port, S("targetPort"), json_int(port, "port", 0));
}

void fill_service(cJSON *spec)
{
    bool balanced = is_text(spec, "type", "LoadBalancer");
    bool outside = balanced || is_text(spec, "type", "NodePort");

    if (is_text(spec, "sessionAffinity", "None"))
        json_remove(spec, S("sessionAffinityConfig"));
    else if (is_text(spec, "sessionAffinity", "ClientIP"))
        fill_member(json_need_object(spec, "sessionAffinityConfig.clientIP"), "timeoutSeconds",
                    "10800");
    if ((outside || (is_text(spec, "type", "ClusterIP") &&
                     cJSON_GetArraySize(json_get(spec, "externalIPs")) > 0)) &&
        json_str(spec, "externalTrafficPolicy").n == 0)
        json_put_str(spec, S("externalTrafficPolicy"), S("Cluster"));
    if (outside || is_text(spec, "type", "ClusterIP"))
        fill_member(spec, "internalTrafficPolicy", "\"Cluster\"");
    if (balanced)
        fill_member(spec, "allocateLoadBalancerNodePorts", "true");
}

/* --- others --------------------------------------------------------------------------------- */

void fill_namespace(cJSON *ns)
{
    struct str name = json_str(ns, "metadata.name");
    const cJSON *labels = json_get(ns, "metadata.labels");

    if (name.n > 0 && json_member(labels, S("kubernetes.io/metadata.name")) == NULL)
        json_put_str(json_need_object(ns, "metadata.labels"), S("kubernetes.io/metadata.name"),
                     name);
}

void fill_node_status(cJSON *status)
{
    const cJSON *capacity = json_get(status, "capacity");

    if (cJSON_IsObject(capacity) && fill_is_missing(status, "allocatable"))
        json_put(status, S("allocatable"), cJSON_Duplicate(capacity, true));
}

static void copy_missing(cJSON *item, const char *from, const char *to)
{
    JSON_EACH(value, json_get(item, from))
        if (json_member(json_get(item, to), str_c(value->string)) == NULL)
            json_put(json_need_object(item, to), str_c(value->string),
                     cJSON_Duplicate(value, true));
}

/* A container's default is what it may have at most, its request what it gets by default. */
void fill_limit_range(cJSON *item)
{
    if (!is_text(item, "type", "Container"))
        return;
    copy_missing(item, "max", "default");
    copy_missing(item, "default", "defaultRequest");
    copy_missing(item, "min", "defaultRequest");
}

void fill_network_policy(cJSON *spec)
{
    if (cJSON_GetArraySize(json_get(spec, "policyTypes")) > 0)
        return;
    cJSON_AddItemToArray(json_need_array(spec, "policyTypes"), cJSON_CreateString("Ingress"));
    if (cJSON_GetArraySize(json_get(spec, "egress")) > 0)
        cJSON_AddItemToArray(json_need_array(spec, "policyTypes"), cJSON_CreateString("Egress"));
}

void fill_subject(cJSON *subject)
{
    if (json_str(subject, "apiGroup").n == 0 &&
        (is_text(subject, "kind", "User") || is_text(subject, "kind", "Group")))
        json_put_str(subject, S("apiGroup"), S("rbac.authorization.k8s.io"));
}
