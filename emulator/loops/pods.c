/* Pods as the workload loops see and make them. */
#include "loops/pods.h"

#include "base/macros.h"

bool pod_is_ready(const cJSON *pod)
{
    const cJSON *ready = find_condition(json_get(pod, "status"), "Ready");

    return str_is(json_str(ready, "status"), "True");
}

int64_t pod_ready_since(const cJSON *pod)
{
    return pod_is_ready(pod)
               ? json_time(find_condition(json_get(pod, "status"), "Ready"), "lastTransitionTime")
               : 0;
}

bool pod_is_over(const cJSON *pod)
{
    struct str phase = json_str(pod, "status.phase");

    return str_is(phase, "Succeeded") || str_is(phase, "Failed");
}

bool pod_is_active(const cJSON *pod)
{
    return !pod_is_over(pod) && !is_deleting(pod);
}

int64_t pod_restarts(const cJSON *pod)
{
    int64_t most = 0;

    JSON_EACH(status, json_get(pod, "status.containerStatuses")) {
        int64_t n = json_int(status, "restartCount", 0);

        most = n > most ? n : most;
    }
    return most;
}

cJSON *pod_from_template(const cJSON *owner, const cJSON *template, struct str ns)
{
    static const char *const copied[] = {"labels", "annotations", "finalizers"};
    cJSON *pod = new_object("v1", "Pod", ns, (struct str){0});
    cJSON *metadata = json_get(pod, "metadata");
    struct arena a = {0};

    json_put_str(metadata, S("generateName"),
                 arena_printf(&a, "%.*s-", STR_ARG(json_str(owner, "metadata.name"))));
    arena_free(&a);
    for (size_t i = 0; i < ARRAY_LEN(copied); i++) {
        const cJSON *value = json_get(json_get(template, "metadata"), copied[i]);

        if (value != NULL)
            json_put(metadata, str_c(copied[i]), cJSON_Duplicate(value, true));
    }
    cJSON_AddItemToArray(json_need_array(metadata, "ownerReferences"), new_controller_ref(owner));
    json_put(pod, S("spec"), cJSON_Duplicate(json_get(template, "spec"), true));
    return pod;
}

struct written pod_create(struct controller *c, struct arena *a, struct str cluster,
                          const cJSON *owner, const cJSON *pod)
{
    struct object_key key = key_of(cluster, "pods", json_str(pod, "metadata.namespace"),
                                   json_str(pod, "metadata.name"));
    struct written w = loop_create(c, a, &key, pod);

    if (written_ok(w))
        event_normal(c, cluster, owner, "SuccessfulCreate",
                     arena_printf(a, "Created pod: %.*s", STR_ARG(w.name)));
    else if (w.status != 0)
        event_warning(c, cluster, owner, "FailedCreate",
                      arena_printf(a, "Error creating: %.*s", STR_ARG(w.message)));
    return w;
}

struct written pod_delete(struct controller *c, struct arena *a, const cJSON *owner,
                          struct object *pod)
{
    struct str name = arena_str(a, pod->key.name);
    struct object_key key = pod->key;
    struct written w = loop_delete(c, a, &key, pod->uid, NULL);

    if (written_ok(w))
        event_normal(c, key.cluster, owner, "SuccessfulDelete",
                     arena_printf(a, "Deleted pod: %.*s", STR_ARG(name)));
    else if (w.status != 404)
        event_warning(c, key.cluster, owner, "FailedDelete",
                      arena_printf(a, "Error deleting: %.*s", STR_ARG(w.message)));
    return w;
}
