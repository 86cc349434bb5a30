/* A new cluster's objects: RBAC from rows, the rest from documents. Everything is made in one
 * transaction, and only where it is missing, so that a restart changes nothing.
 * Source: Kubernetes "Using RBAC Authorization"; Amazon EKS for what its clusters start with. */
#include "kube/bootstrap.h"

#include <string.h>

#include "kube/bootstrap_rbac.h"
#include "kube/strategy.h"
#include "kube/write.h"

#define RBAC_GROUP "rbac.authorization.k8s.io"

struct bootstrap {
    struct kube_cluster *cluster;
    struct arena arena;
    int error;
};

static void stamp(struct bootstrap *b, cJSON *doc, bool generation)
{
    struct kube *k = b->cluster->kube;
    cJSON *metadata = json_need_object(doc, "metadata");

    json_put_str(metadata, S("uid"), ids_uuid(k->ids, &b->arena));
    json_put_str(metadata, S("creationTimestamp"), clock_rfc3339(&b->arena, clock_now(k->clock)));
    if (generation)
        json_put_int(metadata, S("generation"), 1);
}

/* Makes @doc (taken over) at its place unless something is there. */
static void make(struct bootstrap *b, struct str resource, cJSON *doc)
{
    CLEANUP(json_freep) cJSON *mine = doc;
    const struct kind *k = kind_of_stored(resource);
    struct object_key key = cluster_key(b->cluster, resource, json_str(doc, "metadata.namespace"),
                                        json_str(doc, "metadata.name"));

    if (b->error < 0 || object_get(b->cluster->kube->objects, key) != NULL)
        return;
    key.ns = arena_str(&b->arena, key.ns);
    key.name = arena_str(&b->arena, key.name);
    stamp(b, mine, (k->flags & KIND_GENERATION) != 0);
    write_order_members(mine);
    b->error = object_put(b->cluster->kube->objects, key, TAKE(mine), NULL);
}

/* --- RBAC --------------------------------------------------------------------------------- */

static cJSON *rbac_doc(const char *kind, const char *name)
{
    cJSON *doc = cJSON_CreateObject(), *metadata;

    json_put_str(doc, S("kind"), str_c(kind));
    json_put_str(doc, S("apiVersion"), S(RBAC_GROUP "/v1"));
    metadata = json_need_object(doc, "metadata");
    json_put_str(metadata, S("name"), str_c(name));
    json_put_str(json_need_object(metadata, "labels"), S("kubernetes.io/bootstrapping"),
                 S("rbac-defaults"));
    json_put_str(json_need_object(metadata, "annotations"),
                 S("rbac.authorization.kubernetes.io/autoupdate"), S("true"));
    return doc;
}

static void put_words(cJSON *object, struct str key, const char *words)
{
    struct str rest = str_c(words), word;
    cJSON *list;

    if (words == NULL)
        return;
    list = cJSON_CreateArray();
    while (str_next(&rest, ' ', &word))
        cJSON_AddItemToArray(list, json_new_str(str_is(word, "core") ? S("") : word));
    json_put(object, key, list);
}

static void put_rule(cJSON *role, const struct bootstrap_rule *row)
{
    cJSON *rule = cJSON_CreateObject();

    put_words(rule, S("verbs"), row->verbs);
    put_words(rule, S("apiGroups"), row->groups);
    put_words(rule, S("resources"), row->resources);
    put_words(rule, S("nonResourceURLs"), row->urls);
    cJSON_AddItemToArray(json_need_array(role, "rules"), rule);
}

static const struct bootstrap_role *role_row(const char *name)
{
    for (size_t i = 0; i < bootstrap_role_count; i++)
        if (strcmp(bootstrap_roles[i].name, name) == 0)
            return &bootstrap_roles[i];
    return NULL;
}

static cJSON *role_doc(const char *name)
{
    const struct bootstrap_role *row = role_row(name);
    cJSON *doc = rbac_doc("ClusterRole", name);

    if (row != NULL && row->label != NULL)
        json_put_str(json_get(doc, "metadata.labels"), str_c(row->label), S("true"));
    return doc;
}

static void make_roles(struct bootstrap *b)
{
    for (size_t i = 0; i < bootstrap_rule_count;) {
        const char *name = bootstrap_rules[i].role;
        cJSON *doc = role_doc(name);

        for (; i < bootstrap_rule_count && strcmp(bootstrap_rules[i].role, name) == 0; i++)
            put_rule(doc, &bootstrap_rules[i]);
        make(b, S(RBAC_GROUP "/clusterroles"), doc);
    }
}

/* The rules of the roles that @label leads to, straight from the rows: the same that aggregation
 * would gather. */
static void gather(cJSON *doc, const char *label)
{
    for (size_t i = 0; i < bootstrap_role_count; i++) {
        const struct bootstrap_role *part = &bootstrap_roles[i];

        if (part->label == NULL || strcmp(part->label, label) != 0)
            continue;
        if (part->gathers != NULL)
            gather(doc, part->gathers);
        for (size_t j = 0; j < bootstrap_rule_count; j++)
            if (strcmp(bootstrap_rules[j].role, part->name) == 0)
                put_rule(doc, &bootstrap_rules[j]);
    }
}

static void make_gathered_roles(struct bootstrap *b)
{
    for (size_t i = 0; i < bootstrap_role_count; i++) {
        const struct bootstrap_role *row = &bootstrap_roles[i];
        cJSON *doc, *selector;

        if (row->gathers == NULL)
            continue;
        doc = role_doc(row->name);
        selector = cJSON_CreateObject();
        json_put_str(json_need_object(selector, "matchLabels"), str_c(row->gathers), S("true"));
        cJSON_AddItemToArray(json_need_array(doc, "aggregationRule.clusterRoleSelectors"),
                             selector);
        gather(doc, row->gathers);
        make(b, S(RBAC_GROUP "/clusterroles"), doc);
    }
}

static void put_subject(cJSON *binding, const struct bootstrap_binding *row)
{
    cJSON *subject = cJSON_CreateObject();
    struct str ns, name = str_c(row->subject);

    json_put_str(subject, S("kind"), str_c(row->kind));
    if (str_cut(name, '/', &ns, &name))
        json_put_str(subject, S("namespace"), ns);
    else
        json_put_str(subject, S("apiGroup"), S(RBAC_GROUP));
    json_put_str(subject, S("name"), name);
    cJSON_AddItemToArray(json_need_array(binding, "subjects"), subject);
}

static void make_bindings(struct bootstrap *b)
{
    for (size_t i = 0; i < bootstrap_binding_count;) {
        const char *name = bootstrap_bindings[i].role;
        cJSON *doc = rbac_doc("ClusterRoleBinding", name), *ref;

        ref = json_need_object(doc, "roleRef");
        json_put_str(ref, S("apiGroup"), S(RBAC_GROUP));
        json_put_str(ref, S("kind"), S("ClusterRole"));
        json_put_str(ref, S("name"), str_c(name));
        for (; i < bootstrap_binding_count && strcmp(bootstrap_bindings[i].role, name) == 0; i++)
            put_subject(doc, &bootstrap_bindings[i]);
        make(b, S(RBAC_GROUP "/clusterrolebindings"), doc);
    }
}

/* --- the rest ----------------------------------------------------------------------------- */

static const struct {
    struct str resource;
    const char *json;
} documents[] = {
    {STR_INIT("namespaces"),
     "{\"kind\":\"Namespace\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"default\"}}"        },
    {STR_INIT("namespaces"),
     "{\"kind\":\"Namespace\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"kube-node-lease\"}}"},
    {STR_INIT("namespaces"),
     "{\"kind\":\"Namespace\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"kube-public\"}}"    },
    {STR_INIT("namespaces"),
     "{\"kind\":\"Namespace\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"kube-system\"}}"    },
    {STR_INIT("scheduling.k8s.io/priorityclasses"),
     "{\"kind\":\"PriorityClass\",\"apiVersion\":\"scheduling.k8s.io/v1\",\"metadata\":{\"name\":"
     "\"system-cluster-critical\"},\"value\":2000000000,\"description\":\"Used for system critical "
     "pods that must run in the cluster, but can be moved to another node if necessary.\","
     "\"preemptionPolicy\":\"PreemptLowerPriority\"}"                                            },
    {STR_INIT("scheduling.k8s.io/priorityclasses"),
     "{\"kind\":\"PriorityClass\",\"apiVersion\":\"scheduling.k8s.io/v1\",\"metadata\":{\"name\":"
     "\"system-node-critical\"},\"value\":2000001000,\"description\":\"Used for system critical "
     "pods that must not be moved from their current node.\","
     "\"preemptionPolicy\":\"PreemptLowerPriority\"}"                                            },
    {STR_INIT("storage.k8s.io/storageclasses"),
     "{\"kind\":\"StorageClass\",\"apiVersion\":\"storage.k8s.io/v1\",\"metadata\":{\"name\":"
     "\"gp2\",\"annotations\":{\"storageclass.kubernetes.io/is-default-class\":\"true\"}},"
     "\"provisioner\":\"kubernetes.io/aws-ebs\",\"parameters\":{\"fsType\":\"ext4\",\"type\":"
     "\"gp2\"},\"reclaimPolicy\":\"Delete\",\"volumeBindingMode\":\"WaitForFirstConsumer\"}"     },
};

static void make_documents(struct bootstrap *b)
{
    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        cJSON *doc = json_parse(str_c(documents[i].json), NULL);

        if (str_is(documents[i].resource, "namespaces"))
            strategy_prepare_create(NULL, kind_of_stored(documents[i].resource), doc);
        make(b, documents[i].resource, doc);
    }
}

/* default/kubernetes, at the first address of the range. */
static void make_kubernetes_service(struct bootstrap *b)
{
    struct str address = cluster_first_address(b->cluster, &b->arena);
    cJSON *doc = json_parse(
        S("{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"kubernetes\","
          "\"namespace\":\"default\",\"labels\":{\"component\":\"apiserver\",\"provider\":"
          "\"kubernetes\"}},\"spec\":{\"ports\":[{\"name\":\"https\",\"protocol\":\"TCP\","
          "\"port\":443,\"targetPort\":443}],\"type\":\"ClusterIP\",\"sessionAffinity\":\"None\","
          "\"ipFamilies\":[\"IPv4\"],\"ipFamilyPolicy\":\"SingleStack\","
          "\"internalTrafficPolicy\":\"Cluster\"},\"status\":{\"loadBalancer\":{}}}"),
        NULL);
    cJSON *spec = json_get(doc, "spec");

    json_put_str(spec, S("clusterIP"), address);
    cJSON_AddItemToArray(json_need_array(spec, "clusterIPs"), json_new_str(address));
    make(b, S("services"), doc);
}

int bootstrap_cluster(struct kube_cluster *c)
{
    struct bootstrap b = {.cluster = c};
    struct store *s = c->kube->store;

    b.error = store_begin(s);
    if (b.error < 0)
        return b.error;
    make_documents(&b);
    make_roles(&b);
    make_gathered_roles(&b);
    make_bindings(&b);
    make_kubernetes_service(&b);
    arena_free(&b.arena);
    if (b.error == 0)
        return store_commit(s);
    store_rollback(s);
    return b.error;
}
