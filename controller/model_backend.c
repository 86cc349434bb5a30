/* The model's target groups: one for each backend, with its targets.
 * Source: aws-alb-ingress-controller v1.1.4, internal/alb/tg and internal/ingress/backend. */
#include "attributes.h"
#include "go_text.h"
#include "model_parts.h"
#include "names.h"

bool backend_read(struct arena *a, const cJSON *item, struct backend *ret)
{
    const cJSON *port = json_get(item, "servicePort");

    if (!cJSON_IsObject(item))
        return false;
    ret->service = arena_str(a, json_str(item, "serviceName"));
    ret->numeric_port = !cJSON_IsString(port);
    ret->port = ret->numeric_port
                    ? arena_printf(a, "%lld", (long long)json_int(item, "servicePort", 0))
                    : arena_str(a, json_text(port));
    return true;
}

bool backend_uses_annotation(const struct backend *b)
{
    return str_is(b->port, "use-annotation");
}

static struct str service_key(struct model_input *m, const struct backend *b)
{
    return arena_printf(m->a, "%.*s/%.*s", STR_ARG(m->wanted->namespace), STR_ARG(b->service));
}

static struct str not_in_store(struct model_input *m, struct str key)
{
    return arena_printf(m->a, "no object matching key \"%.*s\" in local store", STR_ARG(key));
}

/* The Service's port of that name or number, or NULL. */
static const cJSON *find_port(const cJSON *service, struct str port, bool numeric)
{
    int64_t number = 0;

    if (numeric && !go_parse_int(port, &number))
        return NULL;
    JSON_EACH(item, json_get(service, "spec.ports"))
        if (numeric ? json_int(item, "port", 0) == number : str_eq(json_str(item, "name"), port))
            return item;
    return NULL;
}

static struct str port_not_found(struct model_input *m, struct str port, const cJSON *service)
{
    return arena_printf(m->a, "Unable to find %.*s port on service %.*s", STR_ARG(port),
                        STR_ARG(json_str(service, "metadata.name")));
}

/* A health check port that is a Service port's name becomes the number behind it. */
static struct str resolve_health_port(struct model_input *m, const cJSON *service,
                                      struct wanted_target_group *tg)
{
    struct str name = tg->settings.health_port;
    const cJSON *port, *target;
    int64_t number;

    tg->health_port = name;
    if (str_is(name, "traffic-port"))
        return (struct str){0};
    if (go_parse_int(name, &number)) {
        tg->health_port = arena_printf(m->a, "%lld", (long long)number);
        return (struct str){0};
    }
    if (service == NULL) {
        struct str key =
            arena_printf(m->a, "%.*s/%.*s", STR_ARG(m->wanted->namespace), STR_ARG(tg->service));
        struct str why = not_in_store(m, key);

        return arena_printf(m->a, "failed to resolve healthcheck service name: %.*s", STR_ARG(why));
    }
    port = find_port(service, name, false);
    if (port == NULL) {
        struct str why = port_not_found(m, name, service);

        return arena_printf(m->a, "failed to resolve healthcheck port for service: %.*s",
                            STR_ARG(why));
    }
    if (str_is(tg->settings.target_type, "instance")) {
        number = json_int(port, "nodePort", 0);
        if (number == 0)
            return arena_printf(m->a,
                                "failed to find valid NodePort for service %.*s with port %.*s",
                                STR_ARG(tg->service), STR_ARG(json_str(port, "name")));
    } else {
        target = json_get(port, "targetPort");
        number = json_int(port, "targetPort", 0);
        if (cJSON_IsString(target)) {
            tg->health_port = arena_str(m->a, json_text(target));
            return (struct str){0};
        }
    }
    tg->health_port = arena_printf(m->a, "%lld", (long long)number);
    return (struct str){0};
}

/* --- targets ---------------------------------------------------------------------------- */

static bool is_excluded(const cJSON *node)
{
    const cJSON *labels = json_get(node, "metadata.labels");
    struct str exclude = json_text(
        json_member(labels, S("alpha.service-controller.kubernetes.io/exclude-balancer")));

    return json_member(labels, S("node-role.kubernetes.io/master")) != NULL ||
           str_ieq(exclude, S("true"));
}

/* "v1.10.3" and older kubelets name the instance in spec.externalID. */
static bool is_old_kubelet(const cJSON *node)
{
    struct str version = json_str(node, "status.nodeInfo.kubeletVersion"), major, rest, minor, tail;
    int64_t number;

    if (str_starts(version, S("v")))
        version = str_from(version, 1);
    if (!str_cut(version, '.', &major, &rest) || !str_is(major, "1"))
        return false;
    minor = str_cut(rest, '.', &minor, &tail) ? minor : rest;
    return str_to_int(minor, &number) && number <= 10;
}

static void add_instances(struct model_input *m, struct wanted_target_group *tg, int64_t node_port)
{
    const struct map *nodes = &m->objects->of[KIND_NODE];
    size_t at = 0;
    struct map_entry *e;

    while ((e = map_next(nodes, &at)) != NULL) {
        const cJSON *node = ((const struct object *)e->value)->doc;
        struct str id = json_str(node, "spec.providerID");

        if (is_excluded(node))
            continue;
        if (is_old_kubelet(node)) {
            id = json_str(node, "spec.externalID");
        } else if (id.n == 0) {
            tg->targets_error = arena_printf(m->a, "No providerID found for node %.*s",
                                             STR_ARG(json_str(node, "metadata.name")));
            return;
        } else if (str_rchr(id, '/') != STR_NONE) {
            id = str_from(id, str_rchr(id, '/') + 1);
        }
        *LIST_ADD(m->a, &tg->targets) = (struct target){arena_str(m->a, id), node_port, {0}};
    }
}

static void add_addresses(struct model_input *m, struct wanted_target_group *tg, struct str key,
                          const cJSON *service_port)
{
    const cJSON *endpoints = objects_get(m->objects, KIND_ENDPOINTS, key);
    struct str name = json_str(service_port, "name");

    if (endpoints == NULL) {
        struct str why = not_in_store(m, key);

        tg->targets_error = arena_printf(m->a, "Unable to find service endpoints for %.*s: %.*s",
                                         STR_ARG(key), STR_ARG(why));
        return;
    }
    JSON_EACH(subset, json_get(endpoints, "subsets"))
        JSON_EACH(port, json_get(subset, "ports")) {
            if (name.n > 0 && !str_eq(name, json_str(port, "name")))
                continue;
            JSON_EACH(address, json_get(subset, "addresses"))
                *LIST_ADD(m->a, &tg->targets) = (struct target){
                    arena_str(m->a, json_str(address, "ip")), json_int(port, "port", 0), {0}};
        }
}

static void add_targets(struct model_input *m, struct wanted_target_group *tg, const cJSON *service)
{
    struct str key =
        arena_printf(m->a, "%.*s/%.*s", STR_ARG(m->wanted->namespace), STR_ARG(tg->service));
    struct str type = json_str(service, "spec.type"), why;
    const cJSON *port = find_port(service, tg->port, tg->numeric_port);

    if (service == NULL) {
        why = not_in_store(m, key);
        tg->targets_error =
            arena_printf(m->a, "Unable to find the %.*s service: %.*s", STR_ARG(key), STR_ARG(why));
        return;
    }
    if (port == NULL)
        tg->targets_error = port_not_found(m, tg->port, service);
    else if (!str_is(tg->settings.target_type, "instance"))
        add_addresses(m, tg, key, port);
    else if (!str_is(type, "NodePort") && !str_is(type, "LoadBalancer"))
        tg->targets_error = arena_printf(m->a,
                                         "%.*s service is not of type NodePort or LoadBalancer and "
                                         "target-type is instance",
                                         STR_ARG(tg->service));
    else
        add_instances(m, tg, json_int(port, "nodePort", 0));
}

/* --- target groups ---------------------------------------------------------------------- */

/* Everything of @tg that follows from the Service; the result is what makes it impossible. */
static struct str fill(struct model_input *m, struct wanted_target_group *tg,
                       const struct backend *b)
{
    struct wanted *w = m->wanted;
    struct str key = service_key(m, b), error = {0};
    const cJSON *service = objects_get(m->objects, KIND_SERVICE, key);
    const cJSON *known = service != NULL ? service : objects_former_service(m->objects, key);
    struct tag_owner owner = {m->settings->cluster_name, w->namespace, w->name,
                              &m->settings->default_tags};
    struct service_annotations own;

    if (known == NULL)
        error = not_in_store(m, key);
    else
        annotations_read_service(m->a, m->settings, json_get(known, "metadata.annotations"), &own,
                                 &error);
    if (error.n > 0)
        return arena_printf(m->a, "failed to load serviceAnnotation due to %.*s", STR_ARG(error));
    tg->settings = annotations_merge(m->settings, &own, &w->annotations.service);
    error = resolve_health_port(m, service, tg);
    if (error.n > 0)
        return arena_printf(m->a, "failed to resolve healthcheck port due to %.*s", STR_ARG(error));
    tg->name = name_target_group(m->a, m->settings->name_prefix,
                                 &(struct target_group_key){
                                     .load_balancer = w->load_balancer_name,
                                     .service = tg->service,
                                     .port = tg->port,
                                     .protocol = tg->settings.backend_protocol,
                                     .target_type = tg->settings.target_type,
                                 });
    tg->tags = tags_of_target_group(m->a, &owner, tg->service, tg->port);
    pairs_put_all(m->a, &tg->tags, &w->annotations.tags);
    attributes_read(m->a, TARGET_GROUP_ATTRIBUTES, &tg->settings.attributes, false, &tg->attributes,
                    &tg->attributes_error);
    add_targets(m, tg, service);
    return (struct str){0};
}

static void add_backend(struct model_input *m, const cJSON *item)
{
    struct wanted *w = m->wanted;
    struct wanted_target_group tg = {0};
    struct backend b;

    if (!backend_read(m->a, item, &b) || backend_uses_annotation(&b))
        return;
    for (size_t i = 0; i < w->target_groups.n; i++)
        if (str_eq(w->target_groups.at[i].service, b.service) &&
            str_eq(w->target_groups.at[i].port, b.port) &&
            w->target_groups.at[i].numeric_port == b.numeric_port)
            return;
    tg.service = b.service;
    tg.port = b.port;
    tg.numeric_port = b.numeric_port;
    tg.error = fill(m, &tg, &b);
    *LIST_ADD(m->a, &w->target_groups) = tg;
}

void model_add_target_groups(struct model_input *m)
{
    add_backend(m, json_get(m->ingress, "spec.backend"));
    JSON_EACH(rule, json_get(m->ingress, "spec.rules"))
        JSON_EACH(path, json_get(rule, "http.paths"))
            add_backend(m, json_get(path, "backend"));
}
