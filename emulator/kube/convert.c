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

/* --- HorizontalPodAutoscaler: v1 knows one metric, the share of the CPU ---------------------- */

/* What v1 has no member for goes along in annotations. */
static const struct {
    struct str note;
    const char *member;
} autoscaler_notes[] = {
    {STR_INIT("autoscaling.alpha.kubernetes.io/metrics"),  "metrics" },
    {STR_INIT("autoscaling.alpha.kubernetes.io/behavior"), "behavior"},
};

static bool is_cpu_share(const cJSON *metric)
{
    return str_is(json_str(metric, "type"), "Resource") &&
           str_is(json_str(metric, "resource.name"), "cpu") &&
           json_get(metric, "resource.target.averageUtilization") != NULL;
}

static void autoscaler_to_v2(cJSON *doc)
{
    cJSON *spec = json_need_object(doc, "spec"), *notes = json_get(doc, "metadata.annotations");
    const cJSON *share = json_get(spec, "targetCPUUtilizationPercentage");
    int64_t percent = json_int(spec, "targetCPUUtilizationPercentage", 0);

    for (size_t i = 0; i < ARRAY_LEN(autoscaler_notes); i++) {
        const cJSON *note = json_member(notes, autoscaler_notes[i].note);
        cJSON *kept = note == NULL ? NULL : json_parse(json_text(note), NULL);

        if (kept != NULL)
            json_put(spec, str_c(autoscaler_notes[i].member), kept);
        json_remove(notes, autoscaler_notes[i].note);
    }
    if (share != NULL) {
        cJSON *metric = cJSON_CreateObject(), *target;

        json_put_str(metric, S("type"), S("Resource"));
        json_put_str(json_need_object(metric, "resource"), S("name"), S("cpu"));
        target = json_need_object(metric, "resource.target");
        json_put_str(target, S("type"), S("Utilization"));
        json_put_int(target, S("averageUtilization"), percent);
        cJSON_InsertItemInArray(json_need_array(spec, "metrics"), 0, metric);
    }
    json_remove(spec, S("targetCPUUtilizationPercentage"));
}

static void autoscaler_from_v2(cJSON *doc)
{
    enum { LARGEST_NOTE = 64 << 10 };
    cJSON *spec = json_need_object(doc, "spec"), *metrics = json_get(spec, "metrics");

    JSON_EACH(metric, metrics)
        if (is_cpu_share(metric)) {
            json_put_int(spec, S("targetCPUUtilizationPercentage"),
                         json_int(metric, "resource.target.averageUtilization", 0));
            cJSON_Delete(cJSON_DetachItemViaPointer(metrics, metric));
            break;
        }
    for (size_t i = 0; i < ARRAY_LEN(autoscaler_notes); i++) {
        const cJSON *item = json_get(spec, autoscaler_notes[i].member);
        CLEANUP(buf_free) struct buf b = buf_init(LARGEST_NOTE);

        if (cJSON_GetArraySize(item) > 0) {
            json_write(&b, item);
            json_put_str(json_need_object(doc, "metadata.annotations"), autoscaler_notes[i].note,
                         buf_str(&b));
        }
        json_remove(spec, str_c(autoscaler_notes[i].member));
    }
    json_remove(json_get(doc, "status"), S("currentMetrics"));
    json_remove(json_get(doc, "status"), S("conditions"));
}

/* --- the table ------------------------------------------------------------------------------ */

static const struct {
    struct str stored, group, version; /* the form that is not the stored one */
    void (*to_stored)(cJSON *doc);
    void (*from_stored)(cJSON *doc);
} walks[] = {
    {STR_INIT("networking.k8s.io/ingresses"),          STR_INIT("networking.k8s.io"), STR_INIT("v1beta1"),
     ingress_to_v1,                                                                                                       ingress_to_v1beta1},
    {STR_INIT("networking.k8s.io/ingresses"),          STR_INIT("extensions"),        STR_INIT("v1beta1"),
     ingress_to_v1,                                                                                                       ingress_to_v1beta1},
    {STR_INIT("autoscaling/horizontalpodautoscalers"), STR_INIT("autoscaling"),       STR_INIT("v1"),
     autoscaler_to_v2,                                                                                                    autoscaler_from_v2},
    {STR_INIT("events"),                               STR_INIT("events.k8s.io"),     STR_INIT("v1"),      event_to_core, event_from_core   },
    {STR_INIT("events"),                               STR_INIT("events.k8s.io"),     STR_INIT("v1beta1"), event_to_core,
     event_from_core                                                                                                                        },
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
