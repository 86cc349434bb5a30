/* The kinds' own preparation. Source: the registries' strategies as kubernetes-sigs documents
 * them: Kubernetes API Conventions, "Spec and Status", and each kind's reference. */
#include "kube/strategy.h"

#include "base/base64.h"
#include "kube/service.h"

static void put_copy(cJSON *to, struct str key, const cJSON *item)
{
    if (item == NULL)
        json_remove(to, key);
    else
        json_put(to, key, cJSON_Duplicate(item, true));
}

/* --- pods ------------------------------------------------------------------------------- */

static bool same_quantity(const cJSON *a, const cJSON *b)
{
    return a != NULL && b != NULL && json_equal(a, b);
}

/* Whether the container names cpu and memory limits, and requests nothing else. */
static bool is_guaranteed(const cJSON *container)
{
    static const char *const names[] = {"cpu", "memory"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const cJSON *limit = json_member(json_get(container, "resources.limits"), str_c(names[i]));
        const cJSON *request =
            json_member(json_get(container, "resources.requests"), str_c(names[i]));

        if (limit == NULL || (request != NULL && !same_quantity(limit, request)))
            return false;
    }
    return true;
}

static bool asks_for_anything(const cJSON *container)
{
    static const char *const paths[] = {"resources.limits.cpu", "resources.limits.memory",
                                        "resources.requests.cpu", "resources.requests.memory"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (json_get(container, paths[i]) != NULL)
            return true;
    return false;
}

const char *strategy_qos_class(const cJSON *pod)
{
    static const char *const lists[] = {"spec.initContainers", "spec.containers"};
    bool guaranteed = true, any = false;

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        JSON_EACH(container, json_get(pod, lists[i])) {
            guaranteed = guaranteed && is_guaranteed(container);
            any = any || asks_for_anything(container);
        }
    if (!any)
        return "BestEffort";
    return guaranteed ? "Guaranteed" : "Burstable";
}

static void create_pod(struct kube_call *c, cJSON *doc)
{
    cJSON *status = cJSON_CreateObject();

    (void)c;
    json_put_str(status, S("phase"), S("Pending"));
    json_put_str(status, S("qosClass"), str_c(strategy_qos_class(doc)));
    json_put(doc, S("status"), status);
}

/* --- namespaces ------------------------------------------------------------------------- */

static void label_namespace(cJSON *doc)
{
    json_put_str(json_need_object(doc, "metadata.labels"), S("kubernetes.io/metadata.name"),
                 json_str(doc, "metadata.name"));
}

static void create_namespace(struct kube_call *c, cJSON *doc)
{
    cJSON *finalizers = json_need_array(doc, "spec.finalizers");
    bool has = false;

    (void)c;
    JSON_EACH(f, finalizers)
        has = has || str_is(json_text(f), "kubernetes");
    if (!has)
        cJSON_AddItemToArray(finalizers, json_new_str(S("kubernetes")));
    json_put_str(json_need_object(doc, "status"), S("phase"), S("Active"));
    label_namespace(doc);
}

static void update_namespace(struct kube_call *c, const cJSON *old, cJSON *doc)
{
    (void)c;
    put_copy(doc, S("spec"), json_get(old, "spec")); /* only /finalize changes spec.finalizers */
    label_namespace(doc);
}

/* --- secrets ---------------------------------------------------------------------------- */

static void merge_string_data(struct kube_call *c, cJSON *doc)
{
    const cJSON *given = json_get(doc, "stringData");

    JSON_EACH(item, given)
        if (cJSON_IsString(item))
            json_put_str(json_need_object(doc, "data"), str_c(item->string),
                         base64_encode(c->arena, json_text(item)));
    json_remove(doc, S("stringData"));
}

static void update_secret(struct kube_call *c, const cJSON *old, cJSON *doc)
{
    merge_string_data(c, doc);
    if (json_str(doc, "type").n == 0)
        put_copy(doc, S("type"), json_get(old, "type"));
}

/* --- jobs ------------------------------------------------------------------------------- */

static void create_job(struct kube_call *c, cJSON *doc)
{
    struct str uid = json_str(doc, "metadata.uid"), name = json_str(doc, "metadata.name");
    cJSON *labels;

    (void)c;
    json_put(doc, S("status"), cJSON_CreateObject());
    if (json_bool(doc, "spec.manualSelector", false))
        return;
    labels = json_need_object(doc, "spec.template.metadata.labels");
    json_put_str(labels, S("batch.kubernetes.io/controller-uid"), uid);
    json_put_str(labels, S("batch.kubernetes.io/job-name"), name);
    json_put_str(labels, S("controller-uid"), uid);
    json_put_str(labels, S("job-name"), name);
    json_put_str(json_need_object(doc, "spec.selector.matchLabels"),
                 S("batch.kubernetes.io/controller-uid"), uid);
}

/* --- others ----------------------------------------------------------------------------- */

static void pending_status(struct kube_call *c, cJSON *doc)
{
    cJSON *status = cJSON_CreateObject();

    (void)c;
    json_put_str(status, S("phase"), S("Pending"));
    json_put(doc, S("status"), status);
}

static void service_status(struct kube_call *c, cJSON *doc)
{
    (void)c;
    json_put(doc, S("status"), cJSON_CreateObject());
    (void)json_need_object(doc, "status.loadBalancer");
}

/* A kubelet registers its node status and all. */
static void keep_status(struct kube_call *c, cJSON *doc)
{
    (void)c;
    (void)json_need_object(doc, "status");
}

static void request_of(struct kube_call *c, cJSON *doc)
{
    cJSON *spec = json_need_object(doc, "spec"), *groups = cJSON_CreateArray();

    json_put(doc, S("status"), cJSON_CreateObject());
    json_put_str(spec, S("username"), c->user.name);
    for (size_t i = 0; i < c->user.groups.n; i++)
        cJSON_AddItemToArray(groups, json_new_str(c->user.groups.at[i]));
    json_put(spec, S("groups"), groups);
}

static const struct {
    struct str stored;
    void (*create)(struct kube_call *c, cJSON *doc);
    void (*update)(struct kube_call *c, const cJSON *old, cJSON *doc);
} strategies[] = {
    {STR_INIT("pods"),                                           create_pod,        NULL                  },
    {STR_INIT("namespaces"),                                     create_namespace,  update_namespace      },
    {STR_INIT("nodes"),                                          keep_status,       NULL                  },
    {STR_INIT("secrets"),                                        merge_string_data, update_secret         },
    {STR_INIT("services"),                                       service_status,    service_prepare_update},
    {STR_INIT("networking.k8s.io/ingresses"),                    service_status,    NULL                  },
    {STR_INIT("batch/jobs"),                                     create_job,        NULL                  },
    {STR_INIT("persistentvolumes"),                              pending_status,    NULL                  },
    {STR_INIT("persistentvolumeclaims"),                         pending_status,    NULL                  },
    {STR_INIT("certificates.k8s.io/certificatesigningrequests"), request_of,        NULL                  },
};

static size_t strategy_of(const struct kind *stored)
{
    size_t i = 0;

    while (i < ARRAY_LEN(strategies) && !str_eq(strategies[i].stored, stored->stored))
        i++;
    return i;
}

void strategy_prepare_create(struct kube_call *c, const struct kind *stored, cJSON *doc)
{
    size_t i = strategy_of(stored);

    if (i < ARRAY_LEN(strategies))
        strategies[i].create(c, doc);
    else if ((stored->flags & KIND_STATUS) != 0)
        json_put(doc, S("status"), cJSON_CreateObject());
}

void strategy_prepare_update(struct kube_call *c, const struct kind *stored, const cJSON *old,
                             cJSON *doc)
{
    size_t i = strategy_of(stored);

    if ((stored->flags & KIND_STATUS) != 0)
        put_copy(doc, S("status"), json_get(old, "status"));
    if (i < ARRAY_LEN(strategies) && strategies[i].update != NULL)
        strategies[i].update(c, old, doc);
}

cJSON *strategy_with_status(const struct kind *stored, const cJSON *old, const cJSON *given)
{
    cJSON *doc = cJSON_Duplicate(old, true);

    (void)stored;
    put_copy(doc, S("status"), json_get(given, "status"));
    put_copy(json_need_object(doc, "metadata"), S("managedFields"),
             json_get(given, "metadata.managedFields"));
    return doc;
}
