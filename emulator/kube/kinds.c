/* The table of kinds. Source: Kubernetes API Reference and kubernetes/kubernetes api/discovery;
 * order and priorities of groups as its aggregated discovery gives them. */
#include "kube/kinds.h"

#define NAMESPACED KIND_NAMESPACED
#define GEN        KIND_GENERATION
#define SELF       KIND_ANSWERS_SELF
#define CREATE     KIND_CREATE_ONLY

#define STATUS_VERBS "get patch update"
#define SUB_STATUS                               \
    {                                            \
        "status", NULL, NULL, NULL, STATUS_VERBS \
    }
#define SUB_SCALE                                           \
    {                                                       \
        "scale", "autoscaling", "v1", "Scale", STATUS_VERBS \
    }

#define SUB_PROXY(kind)                                           \
    {                                                             \
        "proxy", "", "v1", kind, "create delete get patch update" \
    }

static const struct kind_sub status_only[] = {SUB_STATUS};
static const struct kind_sub scale_and_status[] = {SUB_SCALE, SUB_STATUS};
static const struct kind_sub namespace_subs[] = {
    {"finalize", NULL, NULL, NULL, "update"},
    SUB_STATUS,
};
static const struct kind_sub node_subs[] = {SUB_STATUS};
static const struct kind_sub pod_subs[] = {
    {"attach",      "",       "v1", "PodAttachOptions",      "create get"},
    {"binding",     "",       "v1", "Binding",               "create"    },
    {"eviction",    "policy", "v1", "Eviction",              "create"    },
    {"exec",        "",       "v1", "PodExecOptions",        "create get"},
    {"log",         NULL,     NULL, NULL,                    "get"       },
    {"portforward", "",       "v1", "PodPortForwardOptions", "create get"},
    SUB_PROXY("PodProxyOptions"),
    SUB_STATUS,
};
static const struct kind_sub service_subs[] = {
    SUB_PROXY("ServiceProxyOptions"),
    SUB_STATUS,
};
static const struct kind_sub account_subs[] = {
    {"token", "authentication.k8s.io", "v1", "TokenRequest", "create"},
};
static const struct kind_sub csr_subs[] = {
    {"approval", NULL, NULL, NULL, STATUS_VERBS},
    SUB_STATUS,
};

#define NO_SUBS     NULL, 0
#define SUBS(table) (table), ARRAY_LEN(table)
#define ALWAYS      0, 0
#define CORE        STR_INIT(""), STR_INIT("v1")

/* A row that is its own stored form, of the core group and of others. */
#define CORE_ROW(plural, kind, singular, shorts, categories, flags, subs)                      \
    {                                                                                          \
        CORE, STR_INIT(plural), STR_INIT(kind), STR_INIT(singular), shorts, categories, flags, \
            STR_INIT(plural), CORE, subs, ALWAYS, NULL                                         \
    }
#define ROW(group, version, plural, kind, singular, shorts, categories, flags, subs, bounds)      \
    {                                                                                             \
        STR_INIT(group), STR_INIT(version), STR_INIT(plural), STR_INIT(kind), STR_INIT(singular), \
            shorts, categories, flags, STR_INIT(group "/" plural), STR_INIT(group),               \
            STR_INIT(version), subs, bounds, NULL                                                 \
    }
/* Another version (or group) of something that is kept as @sgroup/@sversion. */
#define ALIAS(group, version, plural, kind, singular, shorts, flags, subs, sgroup, sversion,      \
              stored, bounds, deprecated)                                                         \
    {                                                                                             \
        STR_INIT(group), STR_INIT(version), STR_INIT(plural), STR_INIT(kind), STR_INIT(singular), \
            shorts, NULL, flags, STR_INIT(stored), STR_INIT(sgroup), STR_INIT(sversion), subs,    \
            bounds, deprecated                                                                    \
    }
#define GONE(kind, from, to, was, now) \
    was " " kind " is deprecated in " from "+, unavailable in " to "+; use " now " " kind

#define BOUNDS(since, until) since, until
#define RBAC_FLAGS           (KIND_PATH_NAME | KIND_UPSERT)
#define RBAC                 "rbac.authorization.k8s.io"
#define RBAC_OLD(kind)       GONE(kind, "v1.17", "v1.22", RBAC "/v1beta1", RBAC "/v1")
#define NET                  "networking.k8s.io"
#define AUTHN                "authentication.k8s.io"
#define AUTHZ                "authorization.k8s.io"

const struct kind kinds[] = {
    CORE_ROW("bindings", "Binding", "binding", NULL, NULL, NAMESPACED | CREATE, NO_SUBS),
    CORE_ROW("configmaps", "ConfigMap", "configmap", "cm", NULL, NAMESPACED, NO_SUBS),
    CORE_ROW("endpoints", "Endpoints", "endpoints", "ep", NULL, NAMESPACED | KIND_UPSERT, NO_SUBS),
    CORE_ROW("events", "Event", "event", "ev", NULL, NAMESPACED | KIND_UPSERT, NO_SUBS),
    CORE_ROW("limitranges", "LimitRange", "limitrange", "limits", NULL, NAMESPACED | KIND_UPSERT,
             NO_SUBS),
    CORE_ROW("namespaces", "Namespace", "namespace", "ns", NULL,
             KIND_STATUS | SELF | KIND_NO_COLLECTION, SUBS(namespace_subs)),
    CORE_ROW("nodes", "Node", "node", "no", NULL, KIND_STATUS, SUBS(node_subs)),
    CORE_ROW("persistentvolumeclaims", "PersistentVolumeClaim", "persistentvolumeclaim", "pvc",
             NULL, NAMESPACED | KIND_STATUS | SELF, SUBS(status_only)),
    CORE_ROW("persistentvolumes", "PersistentVolume", "persistentvolume", "pv", NULL,
             KIND_STATUS | SELF, SUBS(status_only)),
    CORE_ROW("pods", "Pod", "pod", "po", "all", NAMESPACED | KIND_STATUS | SELF, SUBS(pod_subs)),
    CORE_ROW("podtemplates", "PodTemplate", "podtemplate", NULL, NULL, NAMESPACED | GEN | SELF,
             NO_SUBS),
    CORE_ROW("replicationcontrollers", "ReplicationController", "replicationcontroller", "rc",
             "all", NAMESPACED | KIND_STATUS | GEN, SUBS(scale_and_status)),
    CORE_ROW("resourcequotas", "ResourceQuota", "resourcequota", "quota", NULL,
             NAMESPACED | KIND_STATUS | SELF, SUBS(status_only)),
    CORE_ROW("secrets", "Secret", "secret", NULL, NULL, NAMESPACED, NO_SUBS),
    CORE_ROW("serviceaccounts", "ServiceAccount", "serviceaccount", "sa", NULL, NAMESPACED | SELF,
             SUBS(account_subs)),
    CORE_ROW("services", "Service", "service", "svc", "all",
             NAMESPACED | KIND_STATUS | SELF | KIND_UPSERT, SUBS(service_subs)),

    ROW("apps", "v1", "controllerrevisions", "ControllerRevision", "controllerrevision", NULL, NULL,
        NAMESPACED, NO_SUBS, ALWAYS),
    ROW("apps", "v1", "daemonsets", "DaemonSet", "daemonset", "ds", "all",
        NAMESPACED | KIND_STATUS | GEN, SUBS(status_only), ALWAYS),
    ROW("apps", "v1", "deployments", "Deployment", "deployment", "deploy", "all",
        NAMESPACED | KIND_STATUS | GEN, SUBS(scale_and_status), ALWAYS),
    ROW("apps", "v1", "replicasets", "ReplicaSet", "replicaset", "rs", "all",
        NAMESPACED | KIND_STATUS | GEN, SUBS(scale_and_status), ALWAYS),
    ROW("apps", "v1", "statefulsets", "StatefulSet", "statefulset", "sts", "all",
        NAMESPACED | KIND_STATUS | GEN, SUBS(scale_and_status), ALWAYS),

    ALIAS("events.k8s.io", "v1", "events", "Event", "event", "ev", NAMESPACED | KIND_UPSERT,
          NO_SUBS, "", "v1", "events", BOUNDS(19, 0), NULL),
    ALIAS("events.k8s.io", "v1beta1", "events", "Event", "event", "ev", NAMESPACED | KIND_UPSERT,
          NO_SUBS, "", "v1", "events", BOUNDS(0, 25),
          GONE("Event", "v1.19", "v1.25", "events.k8s.io/v1beta1", "events.k8s.io/v1")),

    ROW(AUTHN, "v1", "selfsubjectreviews", "SelfSubjectReview", "selfsubjectreview", NULL, NULL,
        CREATE, NO_SUBS, BOUNDS(28, 0)),
    ROW(AUTHN, "v1", "tokenreviews", "TokenReview", "tokenreview", NULL, NULL, CREATE, NO_SUBS,
        ALWAYS),
    ALIAS(AUTHN, "v1beta1", "tokenreviews", "TokenReview", "tokenreview", NULL, CREATE, NO_SUBS,
          AUTHN, "v1", AUTHN "/tokenreviews", BOUNDS(0, 22),
          GONE("TokenReview", "v1.19", "v1.22", AUTHN "/v1beta1", AUTHN "/v1")),

    ROW(AUTHZ, "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview",
        "localsubjectaccessreview", NULL, NULL, NAMESPACED | CREATE, NO_SUBS, ALWAYS),
    ROW(AUTHZ, "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview",
        "selfsubjectaccessreview", NULL, NULL, CREATE, NO_SUBS, ALWAYS),
    ROW(AUTHZ, "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", "selfsubjectrulesreview",
        NULL, NULL, CREATE, NO_SUBS, ALWAYS),
    ROW(AUTHZ, "v1", "subjectaccessreviews", "SubjectAccessReview", "subjectaccessreview", NULL,
        NULL, CREATE, NO_SUBS, ALWAYS),

    ROW("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler",
        "horizontalpodautoscaler", "hpa", "all", NAMESPACED | KIND_STATUS, SUBS(status_only),
        BOUNDS(23, 0)),
    ALIAS("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler",
          "horizontalpodautoscaler", "hpa", NAMESPACED | KIND_STATUS, SUBS(status_only),
          "autoscaling", "v2", "autoscaling/horizontalpodautoscalers", ALWAYS, NULL),

    ROW("batch", "v1", "cronjobs", "CronJob", "cronjob", "cj", "all",
        NAMESPACED | KIND_STATUS | GEN, SUBS(status_only), BOUNDS(21, 0)),
    ROW("batch", "v1", "jobs", "Job", "job", NULL, "all", NAMESPACED | KIND_STATUS | GEN,
        SUBS(status_only), ALWAYS),
    ALIAS("batch", "v1beta1", "cronjobs", "CronJob", "cronjob", "cj",
          NAMESPACED | KIND_STATUS | GEN, SUBS(status_only), "batch", "v1", "batch/cronjobs",
          BOUNDS(0, 25), GONE("CronJob", "v1.21", "v1.25", "batch/v1beta1", "batch/v1")),

    ROW("certificates.k8s.io", "v1", "certificatesigningrequests", "CertificateSigningRequest",
        "certificatesigningrequest", "csr", NULL, KIND_STATUS, SUBS(csr_subs), BOUNDS(19, 0)),

    ROW(NET, "v1", "ingressclasses", "IngressClass", "ingressclass", NULL, NULL, GEN, NO_SUBS,
        BOUNDS(19, 0)),
    ROW(NET, "v1", "ingresses", "Ingress", "ingress", "ing", NULL, NAMESPACED | KIND_STATUS | GEN,
        SUBS(status_only), BOUNDS(19, 0)),
    ROW(NET, "v1", "networkpolicies", "NetworkPolicy", "networkpolicy", "netpol", NULL,
        NAMESPACED | GEN, NO_SUBS, ALWAYS),
    ALIAS(NET, "v1beta1", "ingressclasses", "IngressClass", "ingressclass", NULL, GEN, NO_SUBS, NET,
          "v1", NET "/ingressclasses", BOUNDS(18, 22),
          GONE("IngressClass", "v1.19", "v1.22", NET "/v1beta1", NET "/v1")),
    ALIAS(NET, "v1beta1", "ingresses", "Ingress", "ingress", "ing", NAMESPACED | KIND_STATUS | GEN,
          SUBS(status_only), NET, "v1", NET "/ingresses", BOUNDS(0, 22),
          GONE("Ingress", "v1.19", "v1.22", NET "/v1beta1", NET "/v1")),
    /* No short name: with one, newer clients warn that "ing" is ambiguous. */
    ALIAS("extensions", "v1beta1", "ingresses", "Ingress", "ingress", NULL,
          NAMESPACED | KIND_STATUS | GEN, SUBS(status_only), NET, "v1", NET "/ingresses",
          BOUNDS(0, 22), GONE("Ingress", "v1.14", "v1.22", "extensions/v1beta1", NET "/v1")),

    ROW("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "poddisruptionbudget", "pdb",
        NULL, NAMESPACED | KIND_STATUS | GEN | KIND_LOCKED, SUBS(status_only), BOUNDS(21, 0)),
    ALIAS("policy", "v1beta1", "poddisruptionbudgets", "PodDisruptionBudget", "poddisruptionbudget",
          "pdb", NAMESPACED | KIND_STATUS | GEN | KIND_LOCKED, SUBS(status_only), "policy", "v1",
          "policy/poddisruptionbudgets", BOUNDS(0, 25),
          GONE("PodDisruptionBudget", "v1.21", "v1.25", "policy/v1beta1", "policy/v1")),

    ROW(RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", "clusterrolebinding", NULL, NULL,
        RBAC_FLAGS, NO_SUBS, ALWAYS),
    ROW(RBAC, "v1", "clusterroles", "ClusterRole", "clusterrole", NULL, NULL, RBAC_FLAGS, NO_SUBS,
        ALWAYS),
    ROW(RBAC, "v1", "rolebindings", "RoleBinding", "rolebinding", NULL, NULL,
        NAMESPACED | RBAC_FLAGS, NO_SUBS, ALWAYS),
    ROW(RBAC, "v1", "roles", "Role", "role", NULL, NULL, NAMESPACED | RBAC_FLAGS, NO_SUBS, ALWAYS),
    ALIAS(RBAC, "v1beta1", "clusterrolebindings", "ClusterRoleBinding", "clusterrolebinding", NULL,
          RBAC_FLAGS, NO_SUBS, RBAC, "v1", RBAC "/clusterrolebindings", BOUNDS(0, 22),
          RBAC_OLD("ClusterRoleBinding")),
    ALIAS(RBAC, "v1beta1", "clusterroles", "ClusterRole", "clusterrole", NULL, RBAC_FLAGS, NO_SUBS,
          RBAC, "v1", RBAC "/clusterroles", BOUNDS(0, 22), RBAC_OLD("ClusterRole")),
    ALIAS(RBAC, "v1beta1", "rolebindings", "RoleBinding", "rolebinding", NULL,
          NAMESPACED | RBAC_FLAGS, NO_SUBS, RBAC, "v1", RBAC "/rolebindings", BOUNDS(0, 22),
          RBAC_OLD("RoleBinding")),
    ALIAS(RBAC, "v1beta1", "roles", "Role", "role", NULL, NAMESPACED | RBAC_FLAGS, NO_SUBS, RBAC,
          "v1", RBAC "/roles", BOUNDS(0, 22), RBAC_OLD("Role")),

    ROW("storage.k8s.io", "v1", "storageclasses", "StorageClass", "storageclass", "sc", NULL, 0,
        NO_SUBS, ALWAYS),

    ROW("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", "priorityclass", "pc", NULL,
        GEN, NO_SUBS, ALWAYS),

    ROW("coordination.k8s.io", "v1", "leases", "Lease", "lease", NULL, NULL,
        NAMESPACED | KIND_UPSERT | KIND_LOCKED, NO_SUBS, ALWAYS),
    ALIAS("coordination.k8s.io", "v1beta1", "leases", "Lease", "lease", NULL,
          NAMESPACED | KIND_UPSERT | KIND_LOCKED, NO_SUBS, "coordination.k8s.io", "v1",
          "coordination.k8s.io/leases", BOUNDS(0, 22),
          GONE("Lease", "v1.19", "v1.22", "coordination.k8s.io/v1beta1", "coordination.k8s.io/v1")),

    ROW("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", "runtimeclass", NULL, NULL, 0,
        NO_SUBS, BOUNDS(20, 0)),

    ROW("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", "endpointslice", NULL, NULL,
        NAMESPACED | GEN, NO_SUBS, BOUNDS(21, 0)),
    ALIAS(
        "discovery.k8s.io", "v1beta1", "endpointslices", "EndpointSlice", "endpointslice", NULL,
        NAMESPACED | GEN, NO_SUBS, "discovery.k8s.io", "v1", "discovery.k8s.io/endpointslices",
        BOUNDS(17, 25),
        GONE("EndpointSlice", "v1.21", "v1.25", "discovery.k8s.io/v1beta1", "discovery.k8s.io/v1")),
};
const size_t kind_count = ARRAY_LEN(kinds);

bool kind_is_served(const struct kind *k, int minor)
{
    return minor == 0 || (minor >= k->since && (k->until == 0 || minor < k->until));
}

const struct kind *kind_find(int minor, struct str group, struct str version, struct str plural)
{
    for (size_t i = 0; i < kind_count; i++)
        if (str_eq(kinds[i].plural, plural) && str_eq(kinds[i].group, group) &&
            str_eq(kinds[i].version, version))
            return kind_is_served(&kinds[i], minor) ? &kinds[i] : NULL;
    return NULL;
}

const struct kind *kind_find_by_kind(int minor, struct str group, struct str version,
                                     struct str kind)
{
    for (size_t i = 0; i < kind_count; i++)
        if (str_eq(kinds[i].kind, kind) && str_eq(kinds[i].group, group) &&
            str_eq(kinds[i].version, version))
            return kind_is_served(&kinds[i], minor) ? &kinds[i] : NULL;
    return NULL;
}

const struct kind *kind_of_stored(struct str resource)
{
    for (size_t i = 0; i < kind_count; i++)
        if (str_eq(kinds[i].stored, resource))
            return kind_stored_form(&kinds[i]);
    return NULL;
}

const struct kind *kind_stored_form(const struct kind *k)
{
    struct str plural = k->stored;
    size_t slash = str_rchr(k->stored, '/');

    if (str_eq(k->group, k->stored_group) && str_eq(k->version, k->stored_version))
        return k;
    if (slash != STR_NONE)
        plural = str_from(k->stored, slash + 1);
    return kind_find(0, k->stored_group, k->stored_version, plural);
}

bool kind_group_exists(int minor, struct str group, struct str version)
{
    for (size_t i = 0; i < kind_count; i++)
        if (str_eq(kinds[i].group, group) && kind_is_served(&kinds[i], minor) &&
            (version.n == 0 || str_eq(kinds[i].version, version)))
            return true;
    return false;
}

const struct kind_sub *kind_sub_find(const struct kind *k, struct str name)
{
    for (size_t i = 0; i < k->sub_count; i++)
        if (str_is(name, k->subs[i].name))
            return &k->subs[i];
    return NULL;
}

const char *kind_verbs(const struct kind *k)
{
    if ((k->flags & KIND_CREATE_ONLY) != 0)
        return "create";
    if ((k->flags & KIND_NO_COLLECTION) != 0)
        return "create delete get list patch update watch";
    return "create delete deletecollection get list patch update watch";
}

struct str kind_api_version(const struct kind *k, struct arena *a)
{
    if (k->group.n == 0)
        return k->version;
    return arena_printf(a, "%.*s/%.*s", STR_ARG(k->group), STR_ARG(k->version));
}

static struct str qualified(struct arena *a, struct str name, struct str group)
{
    return group.n == 0 ? name : arena_printf(a, "%.*s.%.*s", STR_ARG(name), STR_ARG(group));
}

struct str kind_qualified(const struct kind *k, struct arena *a)
{
    return qualified(a, k->plural, k->group);
}

struct str kind_qualified_kind(const struct kind *k, struct arena *a)
{
    return qualified(a, k->kind, k->group);
}
