/* Validation: metadata, which every kind has, then the kind's own rules.
 * Source: Kubernetes "Object Names and IDs", "Labels and Selectors", "Owners and Dependents",
 * "Finalizers". */
#include "kube/validation.h"

#include "kube/validation_kinds.h"

/* --- metadata ----------------------------------------------------------------------------- */

static const struct {
    struct str stored;
    word_check *form;
} names[] = {
    {STR_INIT("namespaces"), word_dns_label     },
    {STR_INIT("services"),   word_dns_1035_label},
};

static word_check *form_of_name(const struct kind *stored)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(names[i].stored, stored->stored))
            return names[i].form;
    return (stored->flags & KIND_PATH_NAME) != 0 ? word_path_segment : word_dns_subdomain;
}

static void check_names(struct checks *c, const struct kind *stored, const cJSON *metadata)
{
    struct str prefix = json_str(metadata, "generateName");
    word_check *form = form_of_name(stored);
    struct word_faults f = {.arena = c->arena};

    if (prefix.n > 0) {
        word_as_prefix(&f, form, prefix);
        for (size_t i = 0; i < f.n; i++)
            find_invalid_text(c, S("metadata.generateName"), prefix, arena_cstr(c->arena, f.at[i]));
    }
    need_word(c, S("metadata.name"), json_str(metadata, "name"), form);
}

static void check_owners(struct checks *c, const cJSON *metadata)
{
    static const char *const needed[] = {"apiVersion", "kind", "name", "uid"};
    struct str list = S("metadata.ownerReferences"), controller = {0};
    size_t i = 0;

    JSON_EACH(owner, json_get(metadata, "ownerReferences")) {
        struct str place = at_index(c, list, i++), who;

        for (size_t j = 0; j < ARRAY_LEN(needed); j++)
            if (json_str(owner, needed[j]).n == 0)
                find_invalid_text(c, at_child(c, place, needed[j]), S(""),
                                  j == 0 ? "version must not be empty" : "must not be empty");
        if (!json_bool(owner, "controller", false))
            continue;
        who = arena_printf(c->arena, "%.*s/%.*s", STR_ARG(json_str(owner, "kind")),
                           STR_ARG(json_str(owner, "name")));
        if (controller.n > 0)
            find_invalid(c, list, json_get(metadata, "ownerReferences"),
                         arena_printf(c->arena,
                                      "Only one reference can have Controller set to true. Found "
                                      "\"true\" in references for %.*s and %.*s",
                                      STR_ARG(controller), STR_ARG(who))
                             .at);
        else
            controller = who;
    }
}

static void check_finalizers(struct checks *c, const cJSON *metadata)
{
    static const char *const standard[] = {"kubernetes", "orphan", "foregroundDeletion"};
    struct str list = S("metadata.finalizers");
    bool orphan = false, foreground = false;
    size_t i = 0;

    JSON_EACH(item, json_get(metadata, "finalizers")) {
        struct str name = json_text(item), place = at_index(c, list, i++);
        bool known = str_chr(name, '/') != STR_NONE;

        check_word(c, list, name, word_qualified_name);
        for (size_t j = 0; j < ARRAY_LEN(standard); j++)
            known = known || str_is(name, standard[j]);
        orphan = orphan || str_is(name, "orphan");
        foreground = foreground || str_is(name, "foregroundDeletion");
        if (!known)
            find_invalid_text(c, place, name,
                              "name is neither a standard finalizer name nor is it fully "
                              "qualified");
    }
    if (orphan && foreground)
        find_invalid(c, list, json_get(metadata, "finalizers"),
                     "finalizer orphan and foregroundDeletion cannot be both set");
}

static void check_metadata(struct checks *c, const struct kind *stored, const cJSON *doc)
{
    const cJSON *metadata = json_get(doc, "metadata");

    check_names(c, stored, metadata);
    check_labels(c, S("metadata.labels"), json_get(metadata, "labels"));
    check_annotations(c, S("metadata.annotations"), json_get(metadata, "annotations"));
    check_owners(c, metadata);
    check_finalizers(c, metadata);
}

/* --- the kinds ---------------------------------------------------------------------------- */

static const struct {
    struct str stored;
    kind_check *check;
} kind_checks[] = {
    {STR_INIT("pods"),                                          validate_pod          },
    {STR_INIT("podtemplates"),                                  validate_podtemplate  },
    {STR_INIT("replicationcontrollers"),                        validate_controller   },
    {STR_INIT("services"),                                      validate_service      },
    {STR_INIT("configmaps"),                                    validate_configmap    },
    {STR_INIT("secrets"),                                       validate_secret       },
    {STR_INIT("persistentvolumeclaims"),                        validate_claim        },
    {STR_INIT("nodes"),                                         validate_node         },
    {STR_INIT("endpoints"),                                     validate_endpoints    },
    {STR_INIT("apps/deployments"),                              validate_deployment   },
    {STR_INIT("apps/replicasets"),                              validate_replicaset   },
    {STR_INIT("apps/daemonsets"),                               validate_daemonset    },
    {STR_INIT("apps/statefulsets"),                             validate_statefulset  },
    {STR_INIT("batch/jobs"),                                    validate_job          },
    {STR_INIT("batch/cronjobs"),                                validate_cronjob      },
    {STR_INIT("autoscaling/horizontalpodautoscalers"),          validate_autoscaler   },
    {STR_INIT("policy/poddisruptionbudgets"),                   validate_budget       },
    {STR_INIT("networking.k8s.io/ingresses"),                   validate_ingress      },
    {STR_INIT("networking.k8s.io/ingressclasses"),              validate_ingressclass },
    {STR_INIT("networking.k8s.io/networkpolicies"),             validate_networkpolicy},
    {STR_INIT("discovery.k8s.io/endpointslices"),               validate_endpointslice},
    {STR_INIT("rbac.authorization.k8s.io/roles"),               validate_role         },
    {STR_INIT("rbac.authorization.k8s.io/clusterroles"),        validate_role         },
    {STR_INIT("rbac.authorization.k8s.io/rolebindings"),        validate_binding      },
    {STR_INIT("rbac.authorization.k8s.io/clusterrolebindings"), validate_binding      },
    {STR_INIT("scheduling.k8s.io/priorityclasses"),             validate_priorityclass},
    {STR_INIT("storage.k8s.io/storageclasses"),                 validate_storageclass },
    {STR_INIT("coordination.k8s.io/leases"),                    validate_lease        },
};

void kube_validate(const struct kind *k, const struct kind *stored, const cJSON *old,
                   const cJSON *doc, struct field_errors *errors)
{
    struct checks c = {.errors = errors, .arena = errors->arena, .kind = k};

    check_metadata(&c, stored, doc);
    for (size_t i = 0; i < ARRAY_LEN(kind_checks); i++)
        if (str_eq(kind_checks[i].stored, stored->stored))
            kind_checks[i].check(&c, old, doc);
}
