/* Conversion. Most versions differ in their name alone; a table names those that have a walk. */
#include "kube/convert.h"

static void rename_member(cJSON *object, struct str from, struct str to)
{
    cJSON *item = json_member(object, from);

    if (item != NULL)
        json_put(object, to, cJSON_DetachItemViaPointer(object, item));
}

/* --- Ingress: v1beta1 (networking.k8s.io and extensions are one shape) and v1 --------------- */

/* {serviceName, servicePort, resource} to {service: {name, port: {number | name}}, resource}. */
static void backend_to_v1(cJSON *backend)
{
    struct str name = json_str(backend, "serviceName");
    const cJSON *port = json_get(backend, "servicePort");
    bool has_port = (cJSON_IsString(port) && json_text(port).n > 0) ||
                    (cJSON_IsNumber(port) && json_int(backend, "servicePort", 0) != 0);

    if (name.n > 0 || has_port) {
        json_put_str(json_need_object(backend, "service"), S("name"), name);
        (void)json_need_object(backend, "service.port");
        if (cJSON_IsString(port))
            json_put_str(json_need_object(backend, "service.port"), S("name"), json_text(port));
        else if (has_port)
            json_put_int(json_need_object(backend, "service.port"), S("number"),
                         json_int(backend, "servicePort", 0));
    }
    json_remove(backend, S("serviceName"));
    json_remove(backend, S("servicePort"));
}

static void backend_to_v1beta1(cJSON *backend)
{
    const cJSON *service = json_get(backend, "service");
    struct str port_name = json_str(service, "port.name");

    if (service == NULL)
        return;
    json_put_str(backend, S("serviceName"), json_str(service, "name"));
    if (port_name.n > 0)
        json_put_str(backend, S("servicePort"), port_name);
    else
        json_put_int(backend, S("servicePort"), json_int(service, "port.number", 0));
    json_remove(backend, S("service"));
}

static void each_backend(cJSON *doc, const char *default_path, void (*turn)(cJSON *backend))
{
    cJSON *whole = json_get(doc, default_path);

    if (cJSON_IsObject(whole))
        turn(whole);
    JSON_EACH(rule, json_get(doc, "spec.rules"))
        JSON_EACH(path, json_get(rule, "http.paths"))
            if (cJSON_IsObject(json_get(path, "backend")))
                turn(json_get(path, "backend"));
}

static void ingress_to_v1(cJSON *doc)
{
    cJSON *spec = json_get(doc, "spec");

    each_backend(doc, "spec.backend", backend_to_v1);
    if (cJSON_IsObject(spec))
        rename_member(spec, S("backend"), S("defaultBackend"));
}

static void ingress_to_v1beta1(cJSON *doc)
{
    cJSON *spec = json_get(doc, "spec");

    each_backend(doc, "spec.defaultBackend", backend_to_v1beta1);
    if (cJSON_IsObject(spec))
        rename_member(spec, S("defaultBackend"), S("backend"));
}

/* --- Event: events.k8s.io and core ---------------------------------------------------------- */

static const struct {
    struct str core, events;
} event_names[] = {
    {STR_INIT("message"),            STR_INIT("note")                    },
    {STR_INIT("involvedObject"),     STR_INIT("regarding")               },
    {STR_INIT("source"),             STR_INIT("deprecatedSource")        },
    {STR_INIT("count"),              STR_INIT("deprecatedCount")         },
    {STR_INIT("firstTimestamp"),     STR_INIT("deprecatedFirstTimestamp")},
    {STR_INIT("lastTimestamp"),      STR_INIT("deprecatedLastTimestamp") },
    {STR_INIT("reportingComponent"), STR_INIT("reportingController")     },
};

static void event_to_core(cJSON *doc)
{
    for (size_t i = 0; i < ARRAY_LEN(event_names); i++)
        rename_member(doc, event_names[i].events, event_names[i].core);
}

static void event_from_core(cJSON *doc)
{
    for (size_t i = 0; i < ARRAY_LEN(event_names); i++)
        rename_member(doc, event_names[i].core, event_names[i].events);
}

/* --- the table ------------------------------------------------------------------------------ */

static const struct {
    struct str stored, group, version; /* the form that is not the stored one */
    void (*to_stored)(cJSON *doc);
    void (*from_stored)(cJSON *doc);
} walks[] = {
    {STR_INIT("networking.k8s.io/ingresses"), STR_INIT("networking.k8s.io"), STR_INIT("v1beta1"),
     ingress_to_v1,                                                                                              ingress_to_v1beta1},
    {STR_INIT("networking.k8s.io/ingresses"), STR_INIT("extensions"),        STR_INIT("v1beta1"),
     ingress_to_v1,                                                                                              ingress_to_v1beta1},
    {STR_INIT("events"),                      STR_INIT("events.k8s.io"),     STR_INIT("v1"),      event_to_core, event_from_core   },
    {STR_INIT("events"),                      STR_INIT("events.k8s.io"),     STR_INIT("v1beta1"), event_to_core,
     event_from_core                                                                                                               },
};

static void walk(const struct kind *k, cJSON *doc, bool to_stored)
{
    for (size_t i = 0; i < ARRAY_LEN(walks); i++)
        if (str_eq(walks[i].stored, k->stored) && str_eq(walks[i].group, k->group) &&
            str_eq(walks[i].version, k->version))
            (to_stored ? walks[i].to_stored : walks[i].from_stored)(doc);
}

void kube_convert(const struct kind *from, const struct kind *to, cJSON *doc)
{
    CLEANUP(arena_free) struct arena a = {0};

    if (from != to) {
        walk(from, doc, true);
        walk(to, doc, false);
    }
    json_put_str(doc, S("apiVersion"), kind_api_version(to, &a));
    json_put_str(doc, S("kind"), to->kind);
}
