/* Defaults as rows: a struct, its member, the value that stands where there is none. What depends
 * on other members is a function of the struct (defaults_fill.c). A struct's own row comes before
 * those of what is in it. Source: kubernetes-api reference §5.4; the API reference of each kind. */
#include "schema/kube/defaults.h"

#include "base/macros.h"
#include "schema/kube/defaults_fill.h"
#include "schema/kube/normalise.h"

struct default_row {
    struct str package, type;
    const char *member; /* NULL: @fill does it */
    const char *value;  /* as JSON */
    void (*fill)(cJSON *object);
};

#define ROW(package, type, member, value)                      \
    {                                                          \
        STR_INIT(package), STR_INIT(type), member, value, NULL \
    }
#define FILL(package, type, fill)                           \
    {                                                       \
        STR_INIT(package), STR_INIT(type), NULL, NULL, fill \
    }
#define APPS "apps/v1"
#define CORE "core/v1"

/* Sorted by package, then type, in byte order. */
static const struct default_row rows[] = {
    ROW("admissionregistration/v1", "MutatingWebhook", "failurePolicy", "\"Fail\""),
    ROW("admissionregistration/v1", "MutatingWebhook", "matchPolicy", "\"Equivalent\""),
    ROW("admissionregistration/v1", "MutatingWebhook", "namespaceSelector", "{}"),
    ROW("admissionregistration/v1", "MutatingWebhook", "objectSelector", "{}"),
    ROW("admissionregistration/v1", "MutatingWebhook", "reinvocationPolicy", "\"Never\""),
    ROW("admissionregistration/v1", "MutatingWebhook", "timeoutSeconds", "10"),
    ROW("admissionregistration/v1", "RuleWithOperations", "scope", "\"*\""),
    ROW("admissionregistration/v1", "ServiceReference", "port", "443"),
    ROW("admissionregistration/v1", "ValidatingAdmissionPolicySpec", "failurePolicy", "\"Fail\""),
    ROW("admissionregistration/v1", "ValidatingWebhook", "failurePolicy", "\"Fail\""),
    ROW("admissionregistration/v1", "ValidatingWebhook", "matchPolicy", "\"Equivalent\""),
    ROW("admissionregistration/v1", "ValidatingWebhook", "namespaceSelector", "{}"),
    ROW("admissionregistration/v1", "ValidatingWebhook", "objectSelector", "{}"),
    ROW("admissionregistration/v1", "ValidatingWebhook", "timeoutSeconds", "10"),
    ROW("admissionregistration/v1beta1", "MutatingWebhook", "admissionReviewVersions",
        "[\"v1beta1\"]"),
    ROW("admissionregistration/v1beta1", "MutatingWebhook", "failurePolicy", "\"Ignore\""),
    ROW("admissionregistration/v1beta1", "MutatingWebhook", "matchPolicy", "\"Exact\""),
    ROW("admissionregistration/v1beta1", "MutatingWebhook", "namespaceSelector", "{}"),
    ROW("admissionregistration/v1beta1", "MutatingWebhook", "objectSelector", "{}"),
    ROW("admissionregistration/v1beta1", "MutatingWebhook", "reinvocationPolicy", "\"Never\""),
    ROW("admissionregistration/v1beta1", "MutatingWebhook", "sideEffects", "\"Unknown\""),
    ROW("admissionregistration/v1beta1", "MutatingWebhook", "timeoutSeconds", "30"),
    ROW("admissionregistration/v1beta1", "ServiceReference", "port", "443"),
    ROW("admissionregistration/v1beta1", "ValidatingWebhook", "admissionReviewVersions",
        "[\"v1beta1\"]"),
    ROW("admissionregistration/v1beta1", "ValidatingWebhook", "failurePolicy", "\"Ignore\""),
    ROW("admissionregistration/v1beta1", "ValidatingWebhook", "matchPolicy", "\"Exact\""),
    ROW("admissionregistration/v1beta1", "ValidatingWebhook", "namespaceSelector", "{}"),
    ROW("admissionregistration/v1beta1", "ValidatingWebhook", "objectSelector", "{}"),
    ROW("admissionregistration/v1beta1", "ValidatingWebhook", "sideEffects", "\"Unknown\""),
    ROW("admissionregistration/v1beta1", "ValidatingWebhook", "timeoutSeconds", "30"),

    FILL(APPS, "DaemonSetSpec", fill_daemon_set),
    ROW(APPS, "DaemonSetSpec", "revisionHistoryLimit", "10"),
    ROW(APPS, "DeploymentSpec", "replicas", "1"),
    FILL(APPS, "DeploymentSpec", fill_deployment),
    ROW(APPS, "DeploymentSpec", "revisionHistoryLimit", "10"),
    ROW(APPS, "DeploymentSpec", "progressDeadlineSeconds", "600"),
    ROW(APPS, "ReplicaSetSpec", "replicas", "1"),
    ROW(APPS, "StatefulSetPersistentVolumeClaimRetentionPolicy", "whenDeleted", "\"Retain\""),
    ROW(APPS, "StatefulSetPersistentVolumeClaimRetentionPolicy", "whenScaled", "\"Retain\""),
    ROW(APPS, "StatefulSetSpec", "replicas", "1"),
    ROW(APPS, "StatefulSetSpec", "podManagementPolicy", "\"OrderedReady\""),
    FILL(APPS, "StatefulSetSpec", fill_stateful_set),
    ROW(APPS, "StatefulSetSpec", "revisionHistoryLimit", "10"),
    ROW(APPS, "StatefulSetSpec", "persistentVolumeClaimRetentionPolicy", "{}"),

    ROW("authentication/v1", "TokenRequestSpec", "expirationSeconds", "3600"),

    ROW("autoscaling/v1", "HorizontalPodAutoscalerSpec", "minReplicas", "1"),
    FILL("autoscaling/v2", "HorizontalPodAutoscalerBehavior", fill_scaling_behavior),
    ROW("autoscaling/v2", "HorizontalPodAutoscalerSpec", "minReplicas", "1"),
    ROW("autoscaling/v2", "HorizontalPodAutoscalerSpec", "metrics",
        "[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":"
        "\"Utilization\",\"averageUtilization\":80}}}]"),

    ROW("batch/v1", "CronJobSpec", "concurrencyPolicy", "\"Allow\""),
    ROW("batch/v1", "CronJobSpec", "suspend", "false"),
    ROW("batch/v1", "CronJobSpec", "successfulJobsHistoryLimit", "3"),
    ROW("batch/v1", "CronJobSpec", "failedJobsHistoryLimit", "1"),
    FILL("batch/v1", "Job", fill_job),
    ROW("batch/v1", "PodFailurePolicyOnPodConditionsPattern", "status", "\"True\""),
    ROW("batch/v1beta1", "CronJobSpec", "concurrencyPolicy", "\"Allow\""),
    ROW("batch/v1beta1", "CronJobSpec", "suspend", "false"),
    ROW("batch/v1beta1", "CronJobSpec", "successfulJobsHistoryLimit", "3"),
    ROW("batch/v1beta1", "CronJobSpec", "failedJobsHistoryLimit", "1"),

    ROW(CORE, "ConfigMapVolumeSource", "defaultMode", "420"),
    FILL(CORE, "Container", fill_container),
    ROW(CORE, "Container", "terminationMessagePath", "\"/dev/termination-log\""),
    ROW(CORE, "Container", "terminationMessagePolicy", "\"File\""),
    ROW(CORE, "ContainerPort", "protocol", "\"TCP\""),
    ROW(CORE, "DownwardAPIVolumeSource", "defaultMode", "420"),
    ROW(CORE, "EndpointPort", "protocol", "\"TCP\""),
    FILL(CORE, "EphemeralContainer", fill_container),
    ROW(CORE, "EphemeralContainer", "terminationMessagePath", "\"/dev/termination-log\""),
    ROW(CORE, "EphemeralContainer", "terminationMessagePolicy", "\"File\""),
    ROW(CORE, "GRPCAction", "service", "\"\""),
    ROW(CORE, "HTTPGetAction", "path", "\"/\""),
    ROW(CORE, "HTTPGetAction", "scheme", "\"HTTP\""),
    ROW(CORE, "HostPathVolumeSource", "type", "\"\""),
    FILL(CORE, "LimitRangeItem", fill_limit_range),
    FILL(CORE, "Namespace", fill_namespace),
    ROW(CORE, "NamespaceStatus", "phase", "\"Active\""),
    FILL(CORE, "NodeStatus", fill_node_status),
    ROW(CORE, "ObjectFieldSelector", "apiVersion", "\"v1\""),
    ROW(CORE, "PersistentVolumeClaimSpec", "volumeMode", "\"Filesystem\""),
    ROW(CORE, "PersistentVolumeClaimStatus", "phase", "\"Pending\""),
    ROW(CORE, "PersistentVolumeSpec", "persistentVolumeReclaimPolicy", "\"Retain\""),
    ROW(CORE, "PersistentVolumeSpec", "volumeMode", "\"Filesystem\""),
    ROW(CORE, "PersistentVolumeStatus", "phase", "\"Pending\""),
    FILL(CORE, "Pod", fill_pod),
    ROW(CORE, "PodSpec", "restartPolicy", "\"Always\""),
    ROW(CORE, "PodSpec", "terminationGracePeriodSeconds", "30"),
    ROW(CORE, "PodSpec", "dnsPolicy", "\"ClusterFirst\""),
    ROW(CORE, "PodSpec", "securityContext", "{}"),
    ROW(CORE, "PodSpec", "schedulerName", "\"default-scheduler\""),
    FILL(CORE, "PodSpec", fill_pod_spec),
    ROW(CORE, "Probe", "timeoutSeconds", "1"),
    ROW(CORE, "Probe", "periodSeconds", "10"),
    ROW(CORE, "Probe", "successThreshold", "1"),
    ROW(CORE, "Probe", "failureThreshold", "3"),
    ROW(CORE, "ProjectedVolumeSource", "defaultMode", "420"),
    FILL(CORE, "ReplicationController", fill_replication_controller),
    ROW(CORE, "ReplicationControllerSpec", "replicas", "1"),
    ROW(CORE, "Secret", "type", "\"Opaque\""),
    ROW(CORE, "SecretVolumeSource", "defaultMode", "420"),
    ROW(CORE, "ServiceAccountTokenProjection", "expirationSeconds", "3600"),
    ROW(CORE, "ServicePort", "protocol", "\"TCP\""),
    FILL(CORE, "ServicePort", fill_service_port),
    ROW(CORE, "ServiceSpec", "type", "\"ClusterIP\""),
    ROW(CORE, "ServiceSpec", "sessionAffinity", "\"None\""),
    FILL(CORE, "ServiceSpec", fill_service),
    FILL(CORE, "Volume", fill_volume),

    ROW("discovery/v1", "EndpointPort", "name", "\"\""),
    ROW("discovery/v1", "EndpointPort", "protocol", "\"TCP\""),
    ROW("discovery/v1beta1", "EndpointPort", "name", "\"\""),
    ROW("discovery/v1beta1", "EndpointPort", "protocol", "\"TCP\""),

    ROW("extensions/v1beta1", "HTTPIngressPath", "pathType", "\"ImplementationSpecific\""),

    ROW("networking/v1", "IngressClassParametersReference", "scope", "\"Cluster\""),
    ROW("networking/v1", "NetworkPolicyPort", "protocol", "\"TCP\""),
    FILL("networking/v1", "NetworkPolicySpec", fill_network_policy),
    ROW("networking/v1beta1", "HTTPIngressPath", "pathType", "\"ImplementationSpecific\""),
    ROW("networking/v1beta1", "IngressClassParametersReference", "scope", "\"Cluster\""),

    ROW("rbac/v1", "RoleRef", "apiGroup", "\"rbac.authorization.k8s.io\""),
    FILL("rbac/v1", "Subject", fill_subject),
    ROW("rbac/v1beta1", "RoleRef", "apiGroup", "\"rbac.authorization.k8s.io\""),
    FILL("rbac/v1beta1", "Subject", fill_subject),

    ROW("scheduling/v1", "PriorityClass", "preemptionPolicy", "\"PreemptLowerPriority\""),

    ROW("storage/v1", "CSIDriverSpec", "attachRequired", "true"),
    ROW("storage/v1", "CSIDriverSpec", "podInfoOnMount", "false"),
    ROW("storage/v1", "CSIDriverSpec", "volumeLifecycleModes", "[\"Persistent\"]"),
    ROW("storage/v1", "CSIDriverSpec", "storageCapacity", "false"),
    ROW("storage/v1", "CSIDriverSpec", "fsGroupPolicy", "\"ReadWriteOnceWithFSType\""),
    ROW("storage/v1", "CSIDriverSpec", "requiresRepublish", "false"),
    ROW("storage/v1", "CSIDriverSpec", "seLinuxMount", "false"),
    ROW("storage/v1", "StorageClass", "reclaimPolicy", "\"Delete\""),
    ROW("storage/v1", "StorageClass", "volumeBindingMode", "\"Immediate\""),
};

/* --- order --------------------------------------------------------------------------------- */

static size_t place_of(const struct kube_type *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (name == kube_field_name(kube_type_at(t, i)) ||
            strcmp(kube_field_name(kube_type_at(t, i)), name) == 0)
            return i;
    return t->count;
}

/* Each member moves behind the last one that comes before it. */
static void arrange_members(const struct kube_type *t, cJSON *object)
{
    cJSON *done = NULL;
    size_t most = 0;

    for (cJSON *item = object->child, *next; item != NULL; item = next) {
        size_t place = place_of(t, item->string);
        cJSON *before = object->child;
        size_t at = 0;

        next = item->next;
        if (done == NULL || place >= most) {
            done = item;
            most = place;
            continue;
        }
        while (before != item && place_of(t, before->string) <= place) {
            before = before->next;
            at++;
        }
        item = cJSON_DetachItemViaPointer(object, item);
        json_insert(object, at, item);
    }
}

/* Calls @visit with every struct in @doc, each before those within it. */
static void each_struct(const struct kube_type *t, cJSON *doc,
                        void (*visit)(const struct kube_type *t, cJSON *object))
{
    visit(t, doc);
    for (size_t i = 0; i < t->count; i++) {
        const struct kube_field *f = kube_type_at(t, i);
        cJSON *item;

        if (f->shape != KUBE_STRUCT)
            continue;
        item = json_member(doc, str_c(kube_field_name(f)));
        if (f->container == KUBE_ONE && cJSON_IsObject(item))
            each_struct(kube_field_type(f), item, visit);
        else if (f->container != KUBE_ONE)
            JSON_EACH(element, item)
                if (cJSON_IsObject(element))
                    each_struct(kube_field_type(f), element, visit);
    }
}

static void arrange_all(const struct kube_type *t, cJSON *object)
{
    arrange_members(t, object);
    for (size_t i = 0; i < t->count; i++)
        if (kube_type_at(t, i)->container == KUBE_MAP) {
            cJSON *map = json_member(object, str_c(kube_field_name(kube_type_at(t, i))));

            if (cJSON_IsObject(map))
                kube_sort_members(map);
        }
}

void kube_arrange(const struct kube_type *t, cJSON *doc)
{
    each_struct(t, doc, arrange_all);
}

/* --- filling ------------------------------------------------------------------------------- */

bool fill_is_missing(const cJSON *object, const char *member)
{
    const cJSON *item = json_member(object, str_c(member));

    return item == NULL || cJSON_IsNull(item);
}

void fill_member(cJSON *object, const char *member, const char *value)
{
    if (fill_is_missing(object, member))
        json_put(object, str_c(member), cJSON_Parse(value));
}

/* A text that was given as "" is missing where the member is no pointer. */
static void put_default(const struct kube_type *t, cJSON *object, const char *member,
                        const char *value)
{
    const struct kube_field *f = kube_type_field(t, str_c(member));
    const cJSON *item = json_member(object, str_c(member));
    bool empty = f != NULL && (f->flags & KUBE_POINTER) == 0 && f->container == KUBE_ONE &&
                 cJSON_IsString(item) && item->valuestring[0] == '\0';

    if (empty)
        json_remove(object, str_c(member));
    fill_member(object, member, value);
}

static int compare_row(const struct default_row *row, const struct kube_type *t)
{
    int order = str_cmp(row->package, str_c(kube_text(t->package)));

    return order != 0 ? order : str_cmp(row->type, str_c(kube_text(t->name)));
}

static size_t first_row(const struct kube_type *t)
{
    size_t low = 0, high = ARRAY_LEN(rows);

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_row(&rows[middle], t) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void fill_struct(const struct kube_type *t, cJSON *object)
{
    for (size_t i = first_row(t); i < ARRAY_LEN(rows) && compare_row(&rows[i], t) == 0; i++)
        if (rows[i].fill != NULL)
            rows[i].fill(object);
        else
            put_default(t, object, rows[i].member, rows[i].value);
    for (size_t i = 0; i < t->count; i++) { /* "+default" in the API's sources */
        const struct kube_field *f = kube_type_at(t, i);
        uint32_t value = kube_field_extra(f)->value;

        if (value != 0)
            put_default(t, object, kube_field_name(f), kube_text(value));
    }
    arrange_members(t, object);
}

void kube_default(const struct kube_type *t, cJSON *doc)
{
    each_struct(t, doc, fill_struct);
}
