/* Validation, rule by rule, with every finding of a document in its words.
 * Source: Kubernetes, pkg/apis/…/validation; kubernetes-api.md §5.5. */
#include "../test.h"

#include "kube/validation.h"

#define POD_SPEC "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]"
#define TEMPLATE "{\"metadata\":{\"labels\":{\"app\":\"x\"}},\"spec\":{" POD_SPEC "}}"
#define SELECTOR "{\"matchLabels\":{\"app\":\"x\"}}"
#define SUBDOMAIN                                                                                 \
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "  \
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used " \
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define LABEL_1035                                                                               \
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an " \
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "         \
    "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"

/* @more: members beside metadata; @old likewise, NULL for a new object. @want: the findings, one a
 * line. The object is named "n" unless @metadata says otherwise. */
struct rule {
    const char *label, *group, *version, *plural, *metadata, *more, *old, *want;
};

static const struct rule metadata_rules[] = {
    {"a fine one",                      "",                          "v1", "configmaps", NULL,               "", NULL, ""},
    {"a name is lower case",            "",                          "v1", "configmaps", "\"name\":\"N\"",   "", NULL,
     "metadata.name: Invalid value: \"N\": " SUBDOMAIN                                                                   },
    {"dots make a subdomain",           "",                          "v1", "configmaps", "\"name\":\"a.b\"", "", NULL, ""},
    {"no dots in a Service",            "",                          "v1", "services",   "\"name\":\"1a\"",
     "\"spec\":{\"ports\":[{\"port\":80}]}",                                                                     NULL,
     "metadata.name: Invalid value: \"1a\": " LABEL_1035                                                                 },
    {"a role's name is a path segment", "rbac.authorization.k8s.io", "v1", "roles",
     "\"name\":\"A:b\"",                                                                                     "", NULL, ""},
    {"without a slash",                 "rbac.authorization.k8s.io", "v1", "roles",      "\"name\":\"a/b\"", "", NULL,
     "metadata.name: Invalid value: \"a/b\": may not contain '/'"                                                        },
    {"label keys have one prefix",      "",                          "v1", "configmaps",
     "\"name\":\"n\",\"labels\":{\"/a\":\"v\"}",                                                             "", NULL,
     "metadata.labels: Invalid value: \"/a\": prefix part must be non-empty"                                             },
    {"label values are short words",    "",                          "v1", "configmaps",
     "\"name\":\"n\",\"labels\":{\"a\":\"b c\"}",                                                            "", NULL,
     "metadata.labels: Invalid value: \"b c\": a valid label must be an empty string or consist of "
     "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
     "character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
     "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"                                                                    },
    {"annotations may hold anything",   "",                          "v1", "configmaps",
     "\"name\":\"n\",\"annotations\":{\"A/b\":\"{} \"}",                                                     "", NULL, ""},
    {"a finalizer has a domain",        "",                          "v1", "configmaps",
     "\"name\":\"n\",\"finalizers\":[\"mine\",\"a.b/c\",\"orphan\"]",                                        "", NULL,
     "metadata.finalizers[0]: Invalid value: \"mine\": name is neither a standard finalizer name "
     "nor is it fully qualified"                                                                                         },
    {"one controller",                  "",                          "v1", "configmaps",
     "\"name\":\"n\",\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":"
     "\"a\",\"uid\":\"1\",\"controller\":true},{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\","
     "\"name\":\"b\",\"uid\":\"2\",\"controller\":true}]",                                                   "", NULL,
     "metadata.ownerReferences: Invalid value: [{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\","
     "\"name\":\"a\",\"uid\":\"1\",\"controller\":true},{\"apiVersion\":\"v1\",\"kind\":"
     "\"ConfigMap\",\"name\":\"b\",\"uid\":\"2\",\"controller\":true}]: Only one reference can "
     "have Controller set to true. Found \"true\" in references for ConfigMap/a and ConfigMap/b"                         },
};

static const struct rule pod_rules[] = {
    {"a fine one",                          "", "v1", "pods", NULL, "\"spec\":{" POD_SPEC "}",                    NULL,                      ""                                                                            },
    {"containers there must be",            "", "v1", "pods", NULL, "\"spec\":{}",                                NULL,
     "spec.containers: Required value"                                                                                                                                                                                     },
    {"name and image",                      "", "v1", "pods", NULL, "\"spec\":{\"containers\":[{}]}",             NULL,
     "spec.containers[0].name: Required value\nspec.containers[0].image: Required value"                                                                                                                                   },
    {"names are each one's own",            "", "v1", "pods", NULL,
     "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"},{\"name\":\"c\",\"image\":\"i\"}]"
     "}",                                                                                                         NULL,                      "spec.containers[1].name: Duplicate value: \"c\""                             },
    {"ports",                               "", "v1", "pods", NULL,
     "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"ports\":[{\"containerPort\":"
     "70000,\"name\":\"123\",\"protocol\":\"tcp\"},{}]}]}",                                                       NULL,
     "spec.containers[0].ports[0].name: Invalid value: \"123\": must contain at least one letter "
     "(a-z)\nspec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 "
     "and 65535, inclusive\nspec.containers[0].ports[0].protocol: Unsupported value: \"tcp\": "
     "supported values: \"SCTP\", \"TCP\", \"UDP\"\nspec.containers[0].ports[1].containerPort: "
     "Required value"                                                                                                                                                                                                      },
    {"a mount needs its volume",            "", "v1", "pods", NULL,
     "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"volumeMounts\":[{\"name\":\"x\","
     "\"mountPath\":\"/x\"}]}]}",                                                                                 NULL,                      "spec.containers[0].volumeMounts[0].name: Not found: \"x\""                   },
    {"a volume has one source",             "", "v1", "pods", NULL,
     "\"spec\":{" POD_SPEC ",\"volumes\":[{\"name\":\"v\",\"emptyDir\":{},\"hostPath\":{\"path\":"
     "\"/x\"}}]}",                                                                                                NULL,                      "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"},
    {"a request is no more than its limit", "", "v1", "pods", NULL,
     "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{\"requests\":{"
     "\"cpu\":\"2\"},\"limits\":{\"cpu\":\"1\"}}}]}",                                                             NULL,
     "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to "
     "cpu limit of 1"                                                                                                                                                                                                      },
    {"a resource has a domain or is known", "", "v1", "pods", NULL,
     "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{\"limits\":{"
     "\"gpu\":\"1\"}}}]}",                                                                                        NULL,
     "spec.containers[0].resources.limits[gpu]: Invalid value: \"gpu\": must be a standard "
     "resource for containers"                                                                                                                                                                                             },
    {"a variable's name",                   "", "v1", "pods", NULL,
     "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"env\":[{\"name\":\"1A\"}]}]}",                  NULL,
     "spec.containers[0].env[0].name: Invalid value: \"1A\": a valid environment variable name "
     "must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a "
     "digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is "
     "'[-._a-zA-Z][-._a-zA-Z0-9]*')"                                                                                                                                                                                       },
    {"a probe asks in one way",             "", "v1", "pods", NULL,
     "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"livenessProbe\":{"
     "\"successThreshold\":2},\"readinessProbe\":{\"httpGet\":{\"port\":80},\"exec\":{\"command\":["
     "\"a\"]}}}]}",                                                                                               NULL,
     "spec.containers[0].livenessProbe: Required value: must specify a handler type\n"
     "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1\n"
     "spec.containers[0].readinessProbe.httpGet: Forbidden: may not specify more than 1 handler "
     "type"                                                                                                                                                                                                                },
    {"policies",                            "", "v1", "pods", NULL,
     "\"spec\":{" POD_SPEC ",\"restartPolicy\":\"Sometimes\",\"dnsPolicy\":\"X\"}",                               NULL,
     "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", "
     "\"OnFailure\", \"Never\"\nspec.dnsPolicy: Unsupported value: \"X\": supported values: "
     "\"ClusterFirstWithHostNet\", \"ClusterFirst\", \"Default\", \"None\""                                                                                                                                                },
    {"tolerations",                         "", "v1", "pods", NULL,
     "\"spec\":{" POD_SPEC ",\"tolerations\":[{\"operator\":\"Equal\"},{\"key\":\"k\",\"operator\":"
     "\"Exists\",\"value\":\"v\"}]}",                                                                             NULL,
     "spec.tolerations[0].operator: Invalid value: \"Equal\": operator must be Exists when `key` "
     "is empty, which means \"match all values and all keys\"\nspec.tolerations[1].operator: "
     "Invalid value: \"v\": value must be empty when `operator` is 'Exists'"                                                                                                                                               },
    {"an image may change",                 "", "v1", "pods", NULL,
     "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"j\"}]}",                                              "\"spec\":{" POD_SPEC "}", ""                                                                            },
    {"little else may",                     "", "v1", "pods", NULL, "\"spec\":{" POD_SPEC ",\"hostname\":\"h\"}",
     "\"spec\":{" POD_SPEC "}",
     "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
     "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
     "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
     "to 1 if it was previously negative)\n"                                                                                                                                                                               },
};

static const struct rule workload_rules[] = {
    {"a fine one",                                     "apps",  "v1", "deployments", NULL,
     "\"spec\":{\"selector\":" SELECTOR ",\"template\":" TEMPLATE "}",                                                                          NULL, ""                                                                                        },
    {"a selector there must be, all findings at once", "apps",  "v1", "deployments", NULL,
     "\"spec\":{\"replicas\":-1,\"template\":" TEMPLATE "}",                                                                                    NULL,
     "spec.replicas: Invalid value: -1: must be greater than or equal to 0\n"
     "spec.selector: Required value\nspec.template.metadata.labels: Invalid value: "
     "{\"app\":\"x\"}: `selector` does not match template `labels`"                                                                                                                                                                             },
    {"that selects",                                   "apps",  "v1", "deployments", NULL,
     "\"spec\":{\"selector\":{},\"template\":" TEMPLATE "}",                                                                                    NULL,
     "spec.selector: Invalid value: {}: empty selector is invalid for deployment"                                                                                                                                                               },
    {"and is never another",                           "apps",  "v1", "deployments", NULL,
     "\"spec\":{\"selector\":" SELECTOR ",\"template\":" TEMPLATE "}",
     "\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"y\"}},\"template\":" TEMPLATE "}",
     "spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"x\"}}: field is immutable"                                                                                                                                                      },
    {"pods are started again",                         "apps",  "v1", "deployments", NULL,
     "\"spec\":{\"selector\":" SELECTOR ",\"template\":{\"metadata\":{\"labels\":{\"app\":\"x\"}},"
     "\"spec\":{\"restartPolicy\":\"Never\"," POD_SPEC "}}}",
     NULL,                                                                                                                                            "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: "
     "\"Always\""                                                                                                                                                                                                                     },
    {"an update moves",                                "apps",  "v1", "deployments", NULL,
     "\"spec\":{\"selector\":" SELECTOR ",\"template\":" TEMPLATE ",\"strategy\":{\"type\":"
     "\"RollingUpdate\",\"rollingUpdate\":{\"maxUnavailable\":0,\"maxSurge\":\"0%\"}}}",                                                        NULL,
     "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` "
     "is 0"                                                                                                                                                                                                                                     },
    {"or does not roll",                               "apps",  "v1", "deployments", NULL,
     "\"spec\":{\"selector\":" SELECTOR ",\"template\":" TEMPLATE ",\"strategy\":{\"type\":"
     "\"Recreate\",\"rollingUpdate\":{}}}",                                                                                                     NULL,
     "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is "
     "'Recreate'"                                                                                                                                                                                                                               },
    {"a job ends",                                     "batch", "v1", "jobs",        NULL, "\"spec\":{\"template\":{\"spec\":{" POD_SPEC "}}}",
     NULL,                                                                                                                                            "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\""},
    {"a schedule has five fields",                     "batch", "v1", "cronjobs",    NULL,
     "\"spec\":{\"schedule\":\"* *\",\"jobTemplate\":{\"spec\":{\"template\":{\"spec\":{"
     "\"restartPolicy\":\"Never\"," POD_SPEC "}}}}}",
     NULL,                                                                                                                                            "spec.schedule: Invalid value: \"* *\": expected exactly 5 fields, found 2: [* *]"        },
};

static const struct rule service_rules[] = {
    {"ports there must be",              "", "v1", "services", NULL, "\"spec\":{}",                          NULL,
     "spec.ports: Required value"                                                                                                                     },
    {"not when headless",                "", "v1", "services", NULL, "\"spec\":{\"clusterIP\":\"None\"}",    NULL,
     ""                                                                                                                                               },
    {"several are named",                "", "v1", "services", NULL,
     "\"spec\":{\"ports\":[{\"port\":0},{\"port\":80,\"name\":\"a\"}]}",                                     NULL,
     "spec.ports[0].name: Required value\nspec.ports[0].port: Invalid value: 0: must be between 1 "
     "and 65535, inclusive"                                                                                                                           },
    {"each port once",                   "", "v1", "services", NULL,
     "\"spec\":{\"ports\":[{\"port\":80,\"name\":\"a\"},{\"port\":80,\"name\":\"b\"},{\"port\":80,"
     "\"name\":\"c\",\"protocol\":\"UDP\"}]}",                                                               NULL,
     "spec.ports[1]: Duplicate value: {\"Name\":\"\",\"Protocol\":\"TCP\",\"AppProtocol\":null,"
     "\"Port\":80,\"TargetPort\":0,\"NodePort\":0}"                                                                                                   },
    {"node ports belong to other types", "", "v1", "services", NULL,
     "\"spec\":{\"ports\":[{\"port\":80,\"nodePort\":30000}]}",                                              NULL,
     "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"                                                                  },
    {"no headless node ports",           "", "v1", "services", NULL,
     "\"spec\":{\"type\":\"NodePort\",\"clusterIP\":\"None\",\"ports\":[{\"port\":80}]}",                    NULL,
     "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"                                                    },
    {"an alias needs a name",            "", "v1", "services", NULL, "\"spec\":{\"type\":\"ExternalName\"}",
     NULL,                                                                                                         "spec.externalName: Required value"},
    {"types",                            "", "v1", "services", NULL,
     "\"spec\":{\"type\":\"Nodeport\",\"ports\":[{\"port\":80}]}",                                           NULL,
     "spec.type: Unsupported value: \"Nodeport\": supported values: \"ClusterIP\", "
     "\"ExternalName\", \"LoadBalancer\", \"NodePort\""                                                                                               },
};

#define BACKEND     "{\"service\":{\"name\":\"s\",\"port\":{\"number\":80}}}"
#define PATHS(path) "\"spec\":{\"rules\":[{\"http\":{\"paths\":[" path "]}}]}"

static const struct rule ingress_rules[] = {
    {"something to do",                    "networking.k8s.io", "v1",      "ingresses",      NULL, "\"spec\":{}",                                                              NULL,
     "spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"                                                                                                                                    },
    {"in the words of who asks",           "extensions",        "v1beta1", "ingresses",      NULL, "\"spec\":{}",                                                              NULL,
     "spec: Invalid value: []: either `backend` or `rules` must be specified"                                                                                                                                           },
    {"a path's type is told",              "networking.k8s.io", "v1",      "ingresses",      NULL,
     PATHS("{\"path\":\"/\",\"backend\":" BACKEND "}"),                                                                                                                        NULL,
     "spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"                                                                                                                                 },
    {"but not of old",                     "extensions",        "v1beta1", "ingresses",      NULL,
     PATHS("{\"path\":\"/*\",\"backend\":" BACKEND "}"),                                                                                                                       NULL,                                  ""},
    {"a prefix is absolute and plain",     "networking.k8s.io", "v1",      "ingresses",      NULL,
     PATHS("{\"path\":\"a//b\",\"pathType\":\"Prefix\",\"backend\":" BACKEND "}"),                                                                                             NULL,
     "spec.rules[0].http.paths[0].path: Invalid value: \"a//b\": must be an absolute path\n"
     "spec.rules[0].http.paths[0].path: Invalid value: \"a//b\": must not contain '//'"                                                                                                                                 },
    {"a backend is named and has a port",  "networking.k8s.io", "v1",      "ingresses",      NULL,
     PATHS("{\"pathType\":\"ImplementationSpecific\",\"backend\":{\"service\":{}}}"),                                                                                          NULL,
     "spec.rules[0].http.paths[0].backend.service.name: Required value\n"
     "spec.rules[0].http.paths[0].backend: Required value: port name or number is required"                                                                                                                             },
    {"a port is a number or has a letter", "networking.k8s.io", "v1",      "ingresses",      NULL,
     PATHS("{\"pathType\":\"ImplementationSpecific\",\"backend\":{\"service\":{\"name\":\"s\","
           "\"port\":{\"name\":\"80\"}}}}"),
     NULL,                                                                                                                                                                                                            "spec.rules[0].http.paths[0].backend.service.port.name: Invalid value: \"80\": must contain "
     "at least one letter (a-z)"                                                                                                                                                                              },
    {"a host is a name",                   "networking.k8s.io", "v1",      "ingresses",      NULL,
     "\"spec\":{\"rules\":[{\"host\":\"1.2.3.4\"},{\"host\":\"*.a.b\"}]}",                                                                                                     NULL,
     "spec.rules[0].host: Invalid value: \"1.2.3.4\": must be a DNS name, not an IP address"                                                                                                                            },
    {"one class",                          "networking.k8s.io", "v1",      "ingresses",
     "\"name\":\"n\",\"annotations\":{\"kubernetes.io/ingress.class\":\"alb\"}",                   "\"spec\":{\"ingressClassName\":\"nginx\",\"defaultBackend\":" BACKEND "}", NULL,
     "annotations.kubernetes.io/ingress.class: Invalid value: \"alb\": must match "
     "`ingressClassName` when both are specified"                                                                                                                                                                       },
    {"a class has a controller for good",  "networking.k8s.io", "v1",      "ingressclasses", NULL,
     "\"spec\":{\"controller\":\"a.b/c\"}",                                                                                                                                    "\"spec\":{\"controller\":\"a.b/d\"}",
     "spec.controller: Invalid value: \"a.b/c\": field is immutable"                                                                                                                                                    },
};

#define REF(kind, name)                                                        \
    "\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"" kind \
    "\",\"name\":\"" name "\"}"

static const struct rule rbac_rules[] = {
    {"a rule says what and where", "rbac.authorization.k8s.io", "v1",                  "roles", NULL,
     "\"rules\":[{}]",                                                                                     NULL,
     "rules[0].verbs: Required value: verbs must contain at least one value\nrules[0].apiGroups: "
     "Required value: resource rules must supply at least one api group\nrules[0].resources: "
     "Required value: resource rules must supply at least one resource"},
    {                               "paths are the cluster's", "rbac.authorization.k8s.io",                        "v1",               "roles",    NULL,
     "\"rules\":[{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"/x\"]}]",                               NULL,
     "rules[0].nonResourceURLs: Invalid value: [\"/x\"]: namespaced rules cannot apply to "
     "non-resource URLs"                                             },
    { "a binding stays with its role",                        "rbac.authorization.k8s.io",                                     "v1",                  "rolebindings",                                                                                NULL,
     REF("Role",                                                                         "a"), REF("Role",                           "b"),
     "roleRef: Invalid value: {\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"Role\","
     "\"name\":\"a\"}: cannot change roleRef"},
    {                                                         "a role is of a kind and has a name", "rbac.authorization.k8s.io",                        "v1", "clusterrolebindings",
     NULL,                                                                                REF("Role", ""), NULL,
     "roleRef.kind: Unsupported value: \"Role\": supported values: \"ClusterRole\"\nroleRef.name: "
     "Required value"},
    {                                                                                 "an account lives somewhere", "rbac.authorization.k8s.io",                        "v1", "clusterrolebindings",    NULL,
     REF("ClusterRole",                 "a") ",\"subjects\":[{\"kind\":\"ServiceAccount\",\"name\":\"x\"},{"
                             "\"kind\":\"Robot\",\"name\":\"y\"}]",                 NULL,
     "subjects[0].namespace: Required value\nsubjects[1].kind: Unsupported value: \"Robot\": "
     "supported values: \"Group\", \"ServiceAccount\", \"User\""},
};

static const struct rule config_rules[] = {
    {"keys are words",                "", "v1", "configmaps",             NULL, "\"data\":{\"a b\":\"\",\"..\":\"\"}", NULL,
     "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric "
     "characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for "
     "validation is '[-._a-zA-Z0-9]+')\ndata[..]: Invalid value: \"..\": must not be '..'"},
    {"what is frozen stays",          "", "v1", "configmaps",             NULL,
     "\"data\":{\"a\":\"2\"},\"immutable\":true",                                                                      "\"data\":{\"a\":\"1\"},\"immutable\":true",
     "data: Forbidden: field is immutable when `immutable` is set"                        },
    {"a certificate has its key",     "", "v1", "secrets",                NULL,
     "\"type\":\"kubernetes.io/tls\",\"data\":{\"tls.crt\":\"\"}",                                                     NULL,
     "data[tls.key]: Required value"                                                      },
    {"a secret keeps its type",       "", "v1", "secrets",                NULL, "\"type\":\"a\"",                      "\"type\":\"b\"",
     "type: Invalid value: \"a\": field is immutable"                                     },
    {"a claim says how and how much", "", "v1", "persistentvolumeclaims", NULL, "\"spec\":{}",                         NULL,
     "spec.accessModes: Required value: at least 1 access mode is required\n"
     "spec.resources[storage]: Required value"                                            },
};

static cJSON *document(const struct rule *r, const char *more)
{
    struct arena a = {0};
    struct str text = arena_printf(&a, "{\"metadata\":{%s}%s%s}",
                                   r->metadata != NULL ? r->metadata : "\"name\":\"n\"",
                                   more[0] != '\0' ? "," : "", more);
    cJSON *doc = json_parse(text, NULL);

    CHECK(r->label, doc != NULL);
    arena_free(&a);
    return doc;
}

static struct str findings(const struct field_errors *errors)
{
    struct str all = {0};

    for (const struct field_error *e = errors->first; e != NULL; e = e->next)
        all = arena_printf(errors->arena, "%.*s%s%.*s: %.*s", STR_ARG(all), all.n > 0 ? "\n" : "",
                           STR_ARG(e->field), STR_ARG(field_error_body(errors->arena, e)));
    return all;
}

static void check(const struct rule *r)
{
    const struct kind *k = kind_find(0, str_c(r->group), str_c(r->version), str_c(r->plural));
    cJSON *doc = document(r, r->more), *old = r->old == NULL ? NULL : document(r, r->old);
    struct arena a = {0};
    struct field_errors errors = field_errors_new(&a);

    CHECK(r->label, k != NULL);
    kube_validate(k, kind_stored_form(k), old, doc, &errors);
    CHECK_STR(r->label, findings(&errors), str_c(r->want));
    cJSON_Delete(doc);
    cJSON_Delete(old);
    arena_free(&a);
}

#define RULES(name)                \
    TEST(name)                     \
    {                              \
        CASE_EACH(r, name##_rules) \
            check(r);              \
    }
RULES(metadata)
RULES(pod)
RULES(workload)
RULES(service)
RULES(ingress)
RULES(rbac)
RULES(config)

TEST_MAIN(T(metadata), T(pod), T(workload), T(service), T(ingress), T(rbac), T(config))
