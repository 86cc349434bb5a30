/* Containers. Source: Kubernetes, pkg/apis/core/validation. */
#include "kube/validation_kinds.h"

#include "base/quantity.h"

static const char *const protocols[] = {"SCTP", "TCP", "UDP"};
static const char *const pull_policies[] = {"Always", "IfNotPresent", "Never"};
static const char *const message_policies[] = {"File", "FallbackToLogsOnError"};
static const char *const schemes[] = {"HTTP", "HTTPS"};

/* --- ports -------------------------------------------------------------------------------- */

static bool named_before(const cJSON *list, const cJSON *item)
{
    struct str name = json_str(item, "name");

    JSON_EACH(other, list) {
        if (other == item)
            return false;
        if (name.n > 0 && str_eq(json_str(other, "name"), name))
            return true;
    }
    return false;
}

static void check_ports(struct checks *c, struct str list, const cJSON *ports)
{
    size_t i = 0;

    JSON_EACH(port, ports) {
        struct str place = at_index(c, list, i++), name = json_str(port, "name");
        const cJSON *number = json_get(port, "containerPort"), *host = json_get(port, "hostPort");

        if (name.n > 0) {
            check_word(c, at_child(c, place, "name"), name, word_port_name);
            if (named_before(ports, port))
                find_duplicate(c, at_child(c, place, "name"), json_get(port, "name"));
        }
        if (json_int(port, "containerPort", 0) == 0)
            find_required(c, at_child(c, place, "containerPort"), "");
        else
            check_port_number(c, at_child(c, place, "containerPort"), number);
        if (json_int(port, "hostPort", 0) != 0)
            check_port_number(c, at_child(c, place, "hostPort"), host);
        CHECK_CHOICE(c, at_child(c, place, "protocol"), json_get(port, "protocol"), protocols);
    }
}

/* --- environment -------------------------------------------------------------------------- */

static void check_source(struct checks *c, struct str place, const cJSON *env)
{
    static const char *const sources[] = {"fieldRef", "resourceFieldRef", "configMapKeyRef",
                                          "secretKeyRef"};
    const cJSON *from = json_get(env, "valueFrom");
    size_t found = 0;

    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        const cJSON *source = json_get(from, sources[i]);
        struct str at = at_child(c, place, sources[i]);

        if (source == NULL)
            continue;
        found++;
        if (i == 0 && json_str(source, "fieldPath").n == 0)
            find_required(c, at_child(c, at, "fieldPath"), "");
        if (i == 1 && json_str(source, "resource").n == 0)
            find_required(c, at_child(c, at, "resource"), "");
        if (i >= 2) {
            check_word(c, at_child(c, at, "name"), json_str(source, "name"), word_dns_subdomain);
            need_word(c, at_child(c, at, "key"), json_str(source, "key"), word_config_key);
        }
    }
    if (found == 0)
        find_invalid_text(c, place, S(""),
                          "must specify one of: `fieldRef`, `resourceFieldRef`, "
                          "`configMapKeyRef` or `secretKeyRef`");
    else if (json_str(env, "value").n > 0)
        find_invalid_text(c, place, S(""), "may not be specified when `value` is not empty");
    else if (found > 1)
        find_invalid_text(c, place, S(""), "may not have more than one field specified at a time");
}

static void check_env(struct checks *c, struct str list, const cJSON *env)
{
    size_t i = 0;

    JSON_EACH(one, env) {
        struct str place = at_index(c, list, i++);

        need_word(c, at_child(c, place, "name"), json_str(one, "name"), word_env_name);
        if (cJSON_IsObject(json_get(one, "valueFrom")))
            check_source(c, at_child(c, place, "valueFrom"), one);
    }
}

static void check_env_from(struct checks *c, struct str list, const cJSON *env)
{
    static const char *const sources[] = {"configMapRef", "secretRef"};
    size_t i = 0;

    JSON_EACH(one, env) {
        struct str place = at_index(c, list, i++);
        size_t found = 0;

        if (json_str(one, "prefix").n > 0)
            check_word(c, at_child(c, place, "prefix"), json_str(one, "prefix"), word_env_name);
        for (size_t j = 0; j < ARRAY_LEN(sources); j++) {
            const cJSON *source = json_get(one, sources[j]);

            found += source != NULL;
            if (source != NULL)
                need_word(c, at_child(c, at_child(c, place, sources[j]), "name"),
                          json_str(source, "name"), word_dns_subdomain);
        }
        if (found == 0)
            find_invalid_text(c, list, S(""), "must specify one of: `configMapRef` or `secretRef`");
        else if (found > 1)
            find_invalid_text(c, list, S(""),
                              "may not have more than one field specified at a time");
    }
}

/* --- mounts ------------------------------------------------------------------------------- */

static bool has_name(const cJSON *list, struct str name)
{
    JSON_EACH(item, list)
        if (str_eq(json_str(item, "name"), name))
            return true;
    return false;
}

static bool mounted_before(const cJSON *mounts, const cJSON *mount)
{
    JSON_EACH(other, mounts) {
        if (other == mount)
            return false;
        if (str_eq(json_str(other, "mountPath"), json_str(mount, "mountPath")))
            return true;
    }
    return false;
}

/* A relative path that stays below its folder. */
static void check_descending(struct checks *c, struct str place, struct str path)
{
    struct str rest = path, part;

    if (path.n > 0 && path.at[0] == '/')
        find_invalid_text(c, place, path, "must be a relative path");
    while (str_next(&rest, '/', &part))
        if (str_is(part, ".."))
            find_invalid_text(c, place, path, "must not contain '..'");
}

static void check_mounts(struct checks *c, struct str list, const cJSON *mounts,
                         const cJSON *volumes)
{
    size_t i = 0;

    JSON_EACH(mount, mounts) {
        struct str place = at_index(c, list, i++), name = json_str(mount, "name");
        struct str path = json_str(mount, "mountPath");
        CLEANUP(json_freep) cJSON *shown = json_new_str(name);

        if (name.n == 0)
            find_required(c, at_child(c, place, "name"), "");
        if (!has_name(volumes, name))
            field_error_add(c->errors, FIELD_NOT_FOUND, at_child(c, place, "name"), shown, "%s",
                            "");
        if (path.n == 0)
            find_required(c, at_child(c, place, "mountPath"), "");
        if (mounted_before(mounts, mount))
            find_invalid_text(c, at_child(c, place, "mountPath"), path, "must be unique");
        check_descending(c, at_child(c, list, "subPath"), json_str(mount, "subPath"));
    }
}

/* --- resources ---------------------------------------------------------------------------- */

static bool is_standard_resource(struct str name)
{
    static const char *const standard[] = {"cpu", "memory", "ephemeral-storage"};

    for (size_t i = 0; i < ARRAY_LEN(standard); i++)
        if (str_is(name, standard[i]))
            return true;
    return str_starts(name, S("hugepages-"));
}

static void check_resource_name(struct checks *c, struct str place, struct str name)
{
    check_word(c, place, name, word_qualified_name);
    if (str_chr(name, '/') == STR_NONE && !is_standard_resource(name))
        find_invalid_text(c, place, name, "must be a standard resource for containers");
}

static void check_amounts(struct checks *c, struct str list, const cJSON *amounts)
{
    JSON_EACH(amount, amounts) {
        struct str name = str_c(amount->string), place = at_key(c, list, name);

        check_resource_name(c, place, name);
        if (quantity_of(amount) < 0)
            find_invalid(c, place, amount, "must be greater than or equal to 0");
    }
}

static struct str amount_text(struct arena *a, const cJSON *amount)
{
    if (cJSON_IsNumber(amount))
        return arena_printf(a, "%g", amount->valuedouble);
    return json_text(amount);
}

static void check_resources(struct checks *c, struct str place, const cJSON *resources)
{
    const cJSON *limits = json_get(resources, "limits");
    struct str list = at_child(c, place, "requests");

    check_amounts(c, at_child(c, place, "limits"), limits);
    check_amounts(c, list, json_get(resources, "requests"));
    JSON_EACH(request, json_get(resources, "requests")) {
        const cJSON *limit = json_member(limits, str_c(request->string));

        if (limit == NULL || quantity_of(request) <= quantity_of(limit))
            continue;
        find_invalid(c, list, request,
                     arena_printf(c->arena, "must be less than or equal to %s limit of %.*s",
                                  request->string, STR_ARG(amount_text(c->arena, limit)))
                         .at);
    }
}

/* --- probes and hooks --------------------------------------------------------------------- */

static void check_http(struct checks *c, struct str place, const cJSON *http)
{
    check_port(c, at_child(c, place, "port"), json_get(http, "port"));
    if (json_get(http, "port") == NULL)
        find_invalid_text(c, at_child(c, place, "port"), S("0"),
                          "must be between 1 and 65535, inclusive");
    CHECK_CHOICE(c, at_child(c, place, "scheme"), json_get(http, "scheme"), schemes);
}

static void check_handler(struct checks *c, struct str place, const cJSON *handler)
{
    static const char *const handlers[] = {"exec", "httpGet", "tcpSocket", "grpc", "sleep"};
    size_t found = 0;

    for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
        const cJSON *one = json_get(handler, handlers[i]);
        struct str at = at_child(c, place, handlers[i]);

        if (one == NULL)
            continue;
        if (found++ > 0)
            find_forbidden(c, at, "may not specify more than 1 handler type");
        else if (i == 0 && cJSON_GetArraySize(json_get(one, "command")) == 0)
            find_required(c, at_child(c, at, "command"), "");
        else if (i == 1)
            check_http(c, at, one);
        else if (i == 2 || i == 3)
            check_port(c, at_child(c, at, "port"), json_get(one, "port"));
    }
    if (found == 0)
        find_required(c, place, "must specify a handler type");
}

static void check_probe(struct checks *c, struct str place, const cJSON *probe, bool once)
{
    static const char *const counts[] = {"initialDelaySeconds", "timeoutSeconds", "periodSeconds",
                                         "successThreshold", "failureThreshold"};

    if (!cJSON_IsObject(probe))
        return;
    check_handler(c, place, probe);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        check_not_negative(c, place, probe, counts[i]);
    if (once && json_int(probe, "successThreshold", 1) != 1)
        find_invalid(c, at_child(c, place, "successThreshold"), json_get(probe, "successThreshold"),
                     "must be 1");
}

static const struct {
    const char *member;
    bool once; /* one success is enough, and more cannot be asked for */
} probes[] = {
    {"livenessProbe",  true },
    {"readinessProbe", false},
    {"startupProbe",   true },
};

static void check_life(struct checks *c, struct str place, const cJSON *container)
{
    static const char *const hooks[] = {"postStart", "preStop"};
    struct str lifecycle = at_child(c, place, "lifecycle");

    for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
        const cJSON *hook = json_get(json_get(container, "lifecycle"), hooks[i]);

        if (hook != NULL)
            check_handler(c, at_child(c, lifecycle, hooks[i]), hook);
    }
    for (size_t i = 0; i < ARRAY_LEN(probes); i++)
        check_probe(c, at_child(c, place, probes[i].member), json_get(container, probes[i].member),
                    probes[i].once);
}

static void forbid_life(struct checks *c, struct str place, const cJSON *container)
{
    static const char *const members[] = {"lifecycle", "livenessProbe", "readinessProbe",
                                          "startupProbe"};

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (json_get(container, members[i]) != NULL)
            find_forbidden(c, at_child(c, place, members[i]),
                           "may not be set for init containers without restartPolicy=Always");
}

/* --- the whole ---------------------------------------------------------------------------- */

static void check_container(struct checks *c, struct str place, const cJSON *container,
                            const cJSON *volumes)
{
    need_word(c, at_child(c, place, "name"), json_str(container, "name"), word_dns_label);
    if (json_str(container, "image").n == 0)
        find_required(c, at_child(c, place, "image"), "");
    CHECK_CHOICE(c, at_child(c, place, "terminationMessagePolicy"),
                 json_get(container, "terminationMessagePolicy"), message_policies);
    check_ports(c, at_child(c, place, "ports"), json_get(container, "ports"));
    check_env(c, at_child(c, place, "env"), json_get(container, "env"));
    check_env_from(c, at_child(c, place, "envFrom"), json_get(container, "envFrom"));
    check_mounts(c, at_child(c, place, "volumeMounts"), json_get(container, "volumeMounts"),
                 volumes);
    CHECK_CHOICE(c, at_child(c, place, "imagePullPolicy"), json_get(container, "imagePullPolicy"),
                 pull_policies);
    check_resources(c, at_child(c, place, "resources"), json_get(container, "resources"));
}

/* One host port is one container's, by protocol and address. */
static void check_host_ports(struct checks *c, struct str list, const cJSON *containers)
{
    struct str seen = S(" ");
    size_t i = 0;

    JSON_EACH(container, containers) {
        struct str ports = at_child(c, at_index(c, list, i++), "ports");
        size_t j = 0;

        JSON_EACH(port, json_get(container, "ports")) {
            struct str place = at_child(c, at_index(c, ports, j++), "hostPort"), key, protocol;

            if (json_int(port, "hostPort", 0) == 0)
                continue;
            protocol = json_str(port, "protocol");
            key = arena_printf(
                c->arena, "%.*s/%.*s/%lld", STR_ARG(protocol.n > 0 ? protocol : S("TCP")),
                STR_ARG(json_str(port, "hostIP")), (long long)json_int(port, "hostPort", 0));
            if (str_find(seen, arena_printf(c->arena, " %.*s ", STR_ARG(key))) != STR_NONE)
                field_error_add_text(c->errors, FIELD_DUPLICATE, place,
                                     arena_printf(c->arena, "\"%.*s\"", STR_ARG(key)), S(""));
            seen = arena_printf(c->arena, "%.*s%.*s ", STR_ARG(seen), STR_ARG(key));
        }
    }
}

void check_containers(struct checks *c, struct str place, const cJSON *containers,
                      const cJSON *others, const cJSON *spec, bool init)
{
    size_t i = 0;

    JSON_EACH(container, containers) {
        struct str one = at_index(c, place, i++), name = json_str(container, "name");
        bool sidecar = init && str_is(json_str(container, "restartPolicy"), "Always");

        check_container(c, one, container, json_get(spec, "volumes"));
        if (named_before(containers, container) || (name.n > 0 && has_name(others, name)))
            find_duplicate(c, at_child(c, one, "name"), json_get(container, "name"));
        if (!init || sidecar)
            check_life(c, one, container);
        else
            forbid_life(c, one, container);
        if (!init && json_get(container, "restartPolicy") != NULL)
            find_forbidden(c, at_child(c, one, "restartPolicy"),
                           "may not be set for non-init containers");
    }
    if (!init)
        check_host_ports(c, place, containers);
}
