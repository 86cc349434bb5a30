/* What every namespace has: the ServiceAccount "default" and the ConfigMap kube-root-ca.crt, made
 * again when someone deletes or changes them.
 * Source: kubernetes-api.md §6.1; serviceaccount-controller and root-ca-cert-publisher. */
#include "loops/loop_kinds.h"

#include "base/macros.h"

static void need_service_account(struct controller *c, struct arena *a, struct object_key key)
{
    key.resource = S("serviceaccounts");
    key.ns = key.name;
    key.name = S("default");
    if (object_get(c->world->objects, key) != NULL)
        return;
    CLEANUP(json_freep) cJSON *doc = new_object("v1", "ServiceAccount", key.ns, key.name);
    if (!written_ok(loop_create(c, a, &key, doc)))
        queue_retry(&c->queue, &(struct object_key){key.cluster, S("namespaces"), {0}, key.ns});
}

static void need_root_ca(struct controller *c, struct arena *a, struct object_key key)
{
    const struct loop_cluster *cluster = world_cluster(c->world, key.cluster);
    struct object *old;
    cJSON *data;

    if (cluster->ca_pem.n == 0)
        return;
    key.resource = S("configmaps");
    key.ns = key.name;
    key.name = S("kube-root-ca.crt");
    old = object_get(c->world->objects, key);
    data = old == NULL ? NULL : json_get(object_doc(old), "data");
    if (str_eq(json_text(json_member(data, S("ca.crt"))), cluster->ca_pem))
        return;
    CLEANUP(json_freep)
    cJSON *doc =
        old == NULL ? new_object("v1", "ConfigMap", key.ns, key.name) : object_copy_doc(old);
    json_put_str(json_need_object(json_get(doc, "metadata"), "annotations"),
                 S("kubernetes.io/description"),
                 S("Contains a CA bundle that can be used to verify the kube-apiserver when using "
                   "internal endpoints such as the internal service IP or kubernetes.default.svc. "
                   "No other usage is guaranteed across distributions of Kubernetes clusters."));
    json_put_str(json_need_object(doc, "data"), S("ca.crt"), cluster->ca_pem);
    (void)(old == NULL ? loop_create(c, a, &key, doc) : loop_update(c, a, &key, "", doc));
}

static void reconcile(struct controller *c, struct arena *a, const struct object_key *key)
{
    struct object *ns = object_get(c->world->objects, *key);

    if (ns == NULL || is_deleting(object_doc(ns)))
        return;
    need_service_account(c, a, *key);
    need_root_ca(c, a, *key);
}

/* A change of a namespace's own objects is a change of the namespace. */
static void heard_content(struct controller *c, const struct object_change *change)
{
    const struct object *o = change->now;
    struct object_key key = key_of(o->key.cluster, "namespaces", (struct str){0}, o->key.ns);

    if (str_is(o->key.name, "default") || str_is(o->key.name, "kube-root-ca.crt"))
        queue_add(&c->queue, &key);
}

static const struct controller_watch watches[] = {
    {"namespaces",      heard_self   },
    {"serviceaccounts", heard_content},
    {"configmaps",      heard_content},
};

const struct controller_kind namespace_defaults_loop = {
    .name = "service-account-controller",
    .user = "system:serviceaccount:kube-system:service-account-controller",
    .resource = "namespaces",
    .watches = watches,
    .watches_n = ARRAY_LEN(watches),
    .sync = reconcile,
};
