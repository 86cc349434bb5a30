/* Plugins that name the default class. Source: Kubernetes "Ingress", "Default IngressClass";
 * "Dynamic Volume Provisioning", "Defaulting Behavior". */
#include "kube/admission_plugins.h"

/* The classes of @resource that carry @annotation: true; the newest of them, and how many. */
static struct object *default_of(struct kube_call *c, struct str resource, struct str annotation,
                                 size_t *ret_count)
{
    struct object_list list =
        object_list(c->kube->objects, c->arena, c->cluster->options.name, resource, S(""));
    struct object *newest = NULL;
    struct str when = {0};

    *ret_count = 0;
    for (size_t i = 0; i < list.n; i++) {
        const cJSON *doc = object_doc(list.at[i]);
        struct str made = json_str(doc, "metadata.creationTimestamp");

        if (!str_is(json_text(json_member(json_get(doc, "metadata.annotations"), annotation)),
                    "true"))
            continue;
        if (newest == NULL || str_cmp(made, when) > 0) {
            newest = list.at[i];
            when = made;
        }
        ++*ret_count;
    }
    return newest;
}

bool admit_storage_class(struct kube_call *c, cJSON *doc)
{
    cJSON *spec = json_need_object(doc, "spec");
    struct object *class;
    size_t count;

    if (json_get(spec, "storageClassName") != NULL ||
        json_member(json_get(doc, "metadata.annotations"),
                    S("volume.beta.kubernetes.io/storage-class")) != NULL)
        return true;
    class = default_of(c, S("storage.k8s.io/storageclasses"),
                       S("storageclass.kubernetes.io/is-default-class"), &count);
    if (class != NULL)
        json_put_str(spec, S("storageClassName"), class->key.name);
    return true;
}

bool admit_ingress_class(struct kube_call *c, cJSON *doc)
{
    enum { NEWEST_WINS_SINCE = 26 };
    cJSON *spec = json_need_object(doc, "spec");
    struct object *class;
    size_t count;

    if (json_get(spec, "ingressClassName") != NULL ||
        json_member(json_get(doc, "metadata.annotations"), S("kubernetes.io/ingress.class")) !=
            NULL)
        return true;
    class = default_of(c, S("networking.k8s.io/ingressclasses"),
                       S("ingressclass.kubernetes.io/is-default-class"), &count);
    if (count > 1 && c->cluster->minor < NEWEST_WINS_SINCE)
        return call_forbidden(c, c->target.kind, json_str(doc, "metadata.name"),
                              "Internal error occurred: %zu default IngressClasses were found, "
                              "only 1 allowed",
                              count);
    if (class != NULL)
        json_put_str(spec, S("ingressClassName"), class->key.name);
    return true;
}
