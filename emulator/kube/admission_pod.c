/* Plugins that complete a pod: its priority, and what it tolerates.
 * Source: Kubernetes "Pod Priority and Preemption", "Taints and Tolerations". */
#include "kube/admission_plugins.h"

#define PRIORITY_CLASSES "scheduling.k8s.io/priorityclasses"

/* --- Priority ----------------------------------------------------------------------------- */

static struct object *default_priority_class(struct kube_call *c)
{
    struct object_list list = object_list(c->kube->objects, c->arena, c->cluster->options.name,
                                          S(PRIORITY_CLASSES), S(""));
    struct object *lowest = NULL;

    for (size_t i = 0; i < list.n; i++) {
        if (!json_bool(object_doc(list.at[i]), "globalDefault", false))
            continue;
        if (lowest == NULL ||
            json_int(object_doc(list.at[i]), "value", 0) < json_int(object_doc(lowest), "value", 0))
            lowest = list.at[i];
    }
    return lowest;
}

bool admit_priority(struct kube_call *c, cJSON *doc)
{
    cJSON *spec = json_need_object(doc, "spec");
    struct str name = json_str(spec, "priorityClassName");
    struct object *class = name.n == 0 ? default_priority_class(c)
                                       : cluster_get(c->cluster, S(PRIORITY_CLASSES), S(""), name);
    int64_t value = class == NULL ? 0 : json_int(object_doc(class), "value", 0);
    struct str preemption = class == NULL ? S("") : json_str(object_doc(class), "preemptionPolicy");

    if (class == NULL && name.n > 0)
        return call_forbidden(c, c->target.kind, json_str(doc, "metadata.name"),
                              "no PriorityClass with name %.*s was found", STR_ARG(name));
    if (json_get(spec, "priority") != NULL && json_int(spec, "priority", 0) != value)
        return call_forbidden(c, c->target.kind, json_str(doc, "metadata.name"),
                              "the integer value of priority (%lld) must not be provided in pod "
                              "spec; priority admission controller computed %lld from the given "
                              "PriorityClass name",
                              (long long)json_int(spec, "priority", 0), (long long)value);
    if (class != NULL && name.n == 0)
        json_put_str(spec, S("priorityClassName"), class->key.name);
    json_put_int(spec, S("priority"), value);
    if (json_get(spec, "preemptionPolicy") == NULL)
        json_put_str(spec, S("preemptionPolicy"),
                     preemption.n > 0 ? preemption : S("PreemptLowerPriority"));
    return true;
}

/* --- DefaultTolerationSeconds ------------------------------------------------------------- */

static bool tolerates(const cJSON *tolerations, struct str key)
{
    JSON_EACH(t, tolerations) {
        struct str its = json_str(t, "key"), effect = json_str(t, "effect");

        if ((its.n == 0 || str_eq(its, key)) && (effect.n == 0 || str_is(effect, "NoExecute")))
            return true;
    }
    return false;
}

bool admit_tolerations(struct kube_call *c, cJSON *doc)
{
    static const struct str keys[] = {STR_INIT("node.kubernetes.io/not-ready"),
                                      STR_INIT("node.kubernetes.io/unreachable")};
    enum { SECONDS = 300 };

    (void)c;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        cJSON *toleration;

        if (tolerates(json_get(doc, "spec.tolerations"), keys[i]))
            continue;
        toleration = cJSON_CreateObject();
        json_put_str(toleration, S("key"), keys[i]);
        json_put_str(toleration, S("operator"), S("Exists"));
        json_put_str(toleration, S("effect"), S("NoExecute"));
        json_put_int(toleration, S("tolerationSeconds"), SECONDS);
        cJSON_AddItemToArray(json_need_array(doc, "spec.tolerations"), toleration);
    }
    return true;
}
