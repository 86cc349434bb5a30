/* Ingresses, their classes, network policies. Source: Kubernetes, pkg/apis/networking/validation.
 */
#include "kube/validation_kinds.h"

static const char *const path_types[] = {"Exact", "ImplementationSpecific", "Prefix"};

/* --- backends ------------------------------------------------------------------------------- */

static void check_service_backend(struct checks *c, struct str place, const cJSON *service)
{
    struct str port_name = json_str(service, "port.name");
    int64_t number = json_int(service, "port.number", 0);

    need_word(c, at_child(c, place, "service.name"), json_str(service, "name"),
              word_dns_1035_label);
    if (port_name.n > 0 && number != 0)
        find_invalid_text(c, place, S(""), "cannot set both port name & port number");
    else if (port_name.n > 0)
        check_word(c, at_child(c, place, "service.port.name"), port_name, word_port_name);
    else if (number != 0)
        check_port_number(c, at_child(c, place, "service.port.number"),
                          json_get(service, "port.number"));
    else
        find_required(c, place, "port name or number is required");
}

static void check_backend(struct checks *c, struct str place, const cJSON *backend)
{
    const cJSON *service = json_get(backend, "service"), *resource = json_get(backend, "resource");

    if (service != NULL && resource != NULL) {
        find_invalid_text(c, place, S(""), "cannot set both resource and service backends");
    } else if (resource != NULL) {
        struct str at = at_child(c, place, "resource");

        if (json_str(resource, "kind").n == 0)
            find_required(c, at_child(c, at, "kind"), "");
        if (json_str(resource, "name").n == 0)
            find_required(c, at_child(c, at, "name"), "");
    } else if (service != NULL) {
        check_service_backend(c, place, service);
    } else {
        find_invalid_text(c, place, S(""), "resource or service backend is required");
    }
}

/* --- paths ---------------------------------------------------------------------------------- */

static void check_strict_path(struct checks *c, struct str place, struct str path)
{
    static const char *const forbidden[] = {"//", "/./", "/../", "%2f", "%2F"};
    static const char *const endings[] = {"/..", "/."};

    if (!str_starts(path, S("/")))
        find_invalid_text(c, place, path, "must be an absolute path");
    for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
        if (str_find(path, str_c(forbidden[i])) != STR_NONE)
            find_invalid_text(c, place, path,
                              arena_printf(c->arena, "must not contain '%s'", forbidden[i]).at);
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (str_ends(path, str_c(endings[i])))
            find_invalid_text(c, place, path,
                              arena_printf(c->arena, "cannot end with '%s'", endings[i]).at);
}

static void check_path(struct checks *c, struct str place, const cJSON *item)
{
    const cJSON *type = json_get(item, "pathType");
    struct str word = json_text(type), path = json_str(item, "path");

    if (word.n == 0 && str_is(c->kind->version, "v1beta1")) {
        word = S("ImplementationSpecific"); /* its default there */
    } else if (word.n == 0) {
        find_required(c, at_child(c, place, "pathType"), "pathType must be specified");
        return;
    }
    if (str_is(word, "Exact") || str_is(word, "Prefix")) {
        check_strict_path(c, at_child(c, place, "path"), path);
    } else if (str_is(word, "ImplementationSpecific")) {
        if (path.n > 0 && path.at[0] != '/')
            find_invalid_text(c, at_child(c, place, "path"), path, "must be an absolute path");
    } else {
        find_unsupported(c, at_child(c, place, "pathType"), type, path_types,
                         ARRAY_LEN(path_types));
    }
    check_backend(c, at_child(c, place, "backend"), json_get(item, "backend"));
}

/* --- rules ---------------------------------------------------------------------------------- */

static void check_host(struct checks *c, struct str place, struct str host)
{
    struct word_faults f = {.arena = c->arena};

    if (host.n == 0)
        return;
    word_ip(&f, host);
    if (f.n == 0)
        find_invalid_text(c, place, host, "must be a DNS name, not an IP address");
    check_word(c, place, host,
               str_chr(host, '*') != STR_NONE ? word_wildcard_subdomain : word_dns_subdomain);
}

static void check_rules(struct checks *c, const cJSON *rules)
{
    size_t i = 0;

    JSON_EACH(rule, rules) {
        struct str place = at_index(c, S("spec.rules"), i++), list;
        const cJSON *http = json_get(rule, "http");
        size_t j = 0;

        check_host(c, at_child(c, place, "host"), json_str(rule, "host"));
        if (http == NULL)
            continue;
        list = at_child(c, place, "http.paths");
        if (cJSON_GetArraySize(json_get(http, "paths")) == 0)
            find_required(c, list, "");
        JSON_EACH(path, json_get(http, "paths"))
            check_path(c, at_index(c, list, j++), path);
    }
}

static void check_tls(struct checks *c, const cJSON *tls)
{
    size_t i = 0;

    JSON_EACH(one, tls) {
        struct str place = at_index(c, S("spec.tls"), i++), list = at_child(c, place, "hosts");
        struct str secret = json_str(one, "secretName");
        size_t j = 0;

        JSON_EACH(host, json_get(one, "hosts"))
            check_word(c, at_index(c, list, j++), json_text(host),
                       str_chr(json_text(host), '*') != STR_NONE ? word_wildcard_subdomain
                                                                 : word_dns_subdomain);
        if (secret.n > 0)
            check_word(c, at_child(c, place, "secretName"), secret, word_dns_subdomain);
    }
}

/* How the field that v1beta1 calls `backend` is named to who asked. */
static const char *backend_word(const struct checks *c)
{
    return str_is(c->kind->version, "v1beta1") ? "backend" : "defaultBackend";
}

void validate_ingress(struct checks *c, const cJSON *old, const cJSON *doc)
{
    const cJSON *spec = json_get(doc, "spec"), *whole = json_get(spec, "defaultBackend");
    const cJSON *class = json_get(spec, "ingressClassName");
    const cJSON *note =
        json_member(json_get(doc, "metadata.annotations"), S("kubernetes.io/ingress.class"));
    CLEANUP(json_freep) cJSON *none = cJSON_CreateArray();

    if (cJSON_GetArraySize(json_get(spec, "rules")) == 0 && whole == NULL)
        find_invalid(
            c, S("spec"), none,
            arena_printf(c->arena, "either `%s` or `rules` must be specified", backend_word(c)).at);
    if (whole != NULL)
        check_backend(c, at_child(c, S("spec"), backend_word(c)), whole);
    check_rules(c, json_get(spec, "rules"));
    check_tls(c, json_get(spec, "tls"));
    if (json_text(class).n > 0)
        check_word(c, S("spec.ingressClassName"), json_text(class), word_dns_subdomain);
    if (old == NULL && note != NULL && class != NULL && !str_eq(json_text(note), json_text(class)))
        find_invalid(c, S("annotations.kubernetes.io/ingress.class"), note,
                     "must match `ingressClassName` when both are specified");
}

void validate_ingressclass(struct checks *c, const cJSON *old, const cJSON *doc)
{
    enum { LONGEST = 250 };
    struct str controller = json_str(doc, "spec.controller"), domain, path;
    const cJSON *parameters = json_get(doc, "spec.parameters");

    if (controller.n == 0)
        find_required(c, S("spec.controller"), "");
    else if (controller.n > LONGEST)
        field_error_add(c->errors, FIELD_TOO_LONG, S("spec.controller"), NULL,
                        "may not be more than %d bytes", LONGEST);
    else if (!str_cut(controller, '/', &domain, &path))
        find_invalid_text(c, S("spec.controller"), controller,
                          "must be a domain-prefixed path (such as \"acme.io/foo\")");
    else
        check_word(c, S("spec.controller"), domain, word_dns_subdomain);
    if (parameters != NULL) {
        if (json_str(parameters, "kind").n == 0)
            find_required(c, S("spec.parameters.kind"), "kind is required");
        if (json_str(parameters, "name").n == 0)
            find_required(c, S("spec.parameters.name"), "name is required");
    }
    if (old != NULL)
        check_immutable(c, S("spec.controller"), json_get(old, "spec.controller"),
                        json_get(doc, "spec.controller"));
}

/* --- network policies ----------------------------------------------------------------------- */

static void check_peers(struct checks *c, struct str list, const cJSON *peers)
{
    size_t i = 0;

    JSON_EACH(peer, peers) {
        struct str place = at_index(c, list, i++), at = at_child(c, place, "ipBlock");
        const cJSON *block = json_get(peer, "ipBlock");

        check_label_selector(c, at_child(c, place, "podSelector"), json_get(peer, "podSelector"));
        check_label_selector(c, at_child(c, place, "namespaceSelector"),
                             json_get(peer, "namespaceSelector"));
        if (block == NULL) {
            if (json_get(peer, "podSelector") == NULL &&
                json_get(peer, "namespaceSelector") == NULL)
                find_required(c, place, "must specify a peer");
            continue;
        }
        if (json_get(peer, "podSelector") != NULL || json_get(peer, "namespaceSelector") != NULL)
            find_forbidden(c, place, "may not specify both ipBlock and another peer");
        need_word(c, at_child(c, at, "cidr"), json_str(block, "cidr"), word_cidr);
    }
}

static void check_policy_rules(struct checks *c, const cJSON *doc, const char *member,
                               const char *peers)
{
    static const char *const protocols[] = {"SCTP", "TCP", "UDP"};
    struct str list = at_child(c, S("spec"), member);
    size_t i = 0;

    JSON_EACH(rule, json_get(json_get(doc, "spec"), member)) {
        struct str place = at_index(c, list, i++), ports = at_child(c, place, "ports");
        size_t j = 0;

        JSON_EACH(port, json_get(rule, "ports")) {
            struct str one = at_index(c, ports, j++);

            CHECK_CHOICE(c, at_child(c, one, "protocol"), json_get(port, "protocol"), protocols);
            check_port(c, at_child(c, one, "port"), json_get(port, "port"));
        }
        check_peers(c, at_child(c, place, peers), json_get(rule, peers));
    }
}

void validate_networkpolicy(struct checks *c, const cJSON *old, const cJSON *doc)
{
    static const char *const directions[] = {"Egress", "Ingress"};
    size_t i = 0;

    (void)old;
    check_label_selector(c, S("spec.podSelector"), json_get(doc, "spec.podSelector"));
    check_policy_rules(c, doc, "ingress", "from");
    check_policy_rules(c, doc, "egress", "to");
    JSON_EACH(type, json_get(doc, "spec.policyTypes"))
        CHECK_CHOICE(c, at_index(c, S("spec.policyTypes"), i++), type, directions);
}
