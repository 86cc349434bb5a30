/* Admission: NamespaceLifecycle first, then the plugins of the kind, in the order of a real server;
 * EKS' webhooks last.
 * Source: Kubernetes "Admission Control in Kubernetes". */
#include "kube/admission.h"

#include "kube/admission_plugins.h"
#include "kube/authz.h"
#include "kube/escalation.h"

/* --- NamespaceLifecycle ------------------------------------------------------------------ */

static bool refuse_terminating(struct kube_call *c, struct str name)
{
    struct str what = kind_qualified(c->target.kind, c->arena);
    struct str message = arena_printf(
        c->arena,
        "%.*s \"%.*s\" is forbidden: unable to create new content in namespace %.*s because it is "
        "being terminated",
        STR_ARG(what), STR_ARG(name), STR_ARG(c->target.ns));
    struct kube_cause cause = {
        "NamespaceTerminating",
        arena_printf(c->arena, "namespace %.*s is being terminated", STR_ARG(c->target.ns)),
        S("metadata.namespace")};

    return kube_call_fail(c, &(struct kube_failure){
                                 .code = 403,
                                 .reason = "Forbidden",
                                 .message = message,
                                 .name = name,
                                 .group = c->target.kind->group,
                                 .kind = c->target.kind->plural,
                                 .causes = &cause,
                                 .cause_count = 1,
                             });
}

static bool check_home(struct kube_call *c, const struct kind *stored, const cJSON *doc)
{
    struct object *home;

    if ((stored->flags & KIND_NAMESPACED) == 0)
        return true;
    home = cluster_get(c->cluster, S("namespaces"), S(""), c->target.ns);
    if (home == NULL)
        return call_not_found(c, kind_find(0, S(""), S("v1"), S("namespaces")), c->target.ns);
    if (json_str(object_doc(home), "metadata.deletionTimestamp").n > 0)
        return refuse_terminating(c, json_str(doc, "metadata.name"));
    return true;
}

bool admission_delete(struct kube_call *c, struct object *o)
{
    static const char *const immortal[] = {"default", "kube-system", "kube-public"};

    if (!str_is(o->key.resource, "namespaces"))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(immortal); i++)
        if (str_is(o->key.name, immortal[i]))
            return call_forbidden(c, c->target.kind, o->key.name,
                                  "this namespace may not be deleted");
    return true;
}

/* --- the order ---------------------------------------------------------------------------- */

static const struct {
    struct str stored;
    bool (*admit)(struct kube_call *c, cJSON *doc);
} creations[] = {
    {STR_INIT("pods"),                        admit_service_account},
    {STR_INIT("pods"),                        admit_priority       },
    {STR_INIT("pods"),                        admit_tolerations    },
    {STR_INIT("persistentvolumeclaims"),      admit_storage_class  },
    {STR_INIT("networking.k8s.io/ingresses"), admit_ingress_class  },
    {STR_INIT("pods"),                        admit_pod_identity   },
    {STR_INIT("pods"),                        admit_fargate        },
};

bool admission_create(struct kube_call *c, const struct kind *stored, cJSON *doc)
{
    if (!check_home(c, stored, doc))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(creations); i++)
        if (str_eq(creations[i].stored, stored->stored) && !creations[i].admit(c, doc))
            return false;
    return !authz_is_rbac(stored->stored) || escalation_check(c, NULL, doc);
}

bool admission_update(struct kube_call *c, const struct kind *stored, const cJSON *old, cJSON *doc)
{
    return !authz_is_rbac(stored->stored) || escalation_check(c, old, doc);
}
