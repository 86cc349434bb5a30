/* Strategic merge patches, by their rules. Source: kubernetes-api reference §0.1, §3.5; Kubernetes
 * "strategic merge patch" (sig-api-machinery). */
#include "schema/kube/patch.h"

#include "schema/kube/defaults.h"

#include "test.h"

enum { LARGE = 1 << 20 };

static struct str written(struct arena *a, const cJSON *doc)
{
    CLEANUP(buf_free) struct buf b = buf_init(LARGE);

    if (doc == NULL)
        return S("");
    json_write(&b, doc);
    return arena_str(a, buf_str(&b));
}

#define POD    "Pod"
#define DEPLOY "Deployment"

static const struct {
    const char *label, *kind;
    struct str base, patch, want; /* want: the document, or the error */
} cases[] = {
    {"structs merge, null removes",                           POD,
     STR_INIT("{\"spec\":{\"nodeName\":\"n\",\"hostname\":\"h\"}}"),
     STR_INIT("{\"spec\":{\"nodeName\":null,\"subdomain\":\"s\"}}"),
     STR_INIT("{\"spec\":{\"hostname\":\"h\",\"subdomain\":\"s\"}}")                             },
    {"nulls in what is new are dropped",                      POD,    STR_INIT("{}"),
     STR_INIT("{\"spec\":{\"nodeName\":null,\"hostname\":\"h\"}}"),
     STR_INIT("{\"spec\":{\"hostname\":\"h\"}}")                                                 },
    {"maps merge",                                            POD,    STR_INIT("{\"metadata\":{\"labels\":{\"a\":\"1\",\"b\":\"2\"}}}"),
     STR_INIT("{\"metadata\":{\"labels\":{\"b\":null,\"c\":\"3\"}}}"),
     STR_INIT("{\"metadata\":{\"labels\":{\"a\":\"1\",\"c\":\"3\"}}}")                           },
    {"lists are replaced",                                    POD,    STR_INIT("{\"spec\":{\"tolerations\":[{\"key\":\"a\"}]}}"),
     STR_INIT("{\"spec\":{\"tolerations\":[{\"key\":\"b\"}]}}"),
     STR_INIT("{\"spec\":{\"tolerations\":[{\"key\":\"b\"}]}}")                                  },
    {"lists with a merge key merge by it",                    POD,
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"1\"},{\"name\":\"b\","
              "\"image\":\"1\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"b\",\"image\":\"2\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"1\"},{\"name\":\"b\","
              "\"image\":\"2\"}]}}")                                                             },
    {"new elements come before the old ones",                 POD,
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"c\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"c\"},{\"name\":\"a\"},{\"name\":\"b\"}]}}")},
    {"an order puts them where it says",                      POD,
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}}"),
     STR_INIT("{\"spec\":{\"$setElementOrder/"
              "containers\":[{\"name\":\"b\"},{\"name\":\"c\"},{\"name\":\"a\"}],"
              "\"containers\":[{\"name\":\"c\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"b\"},{\"name\":\"c\"},{\"name\":\"a\"}]}}")},
    {"elements that an order does not name keep their place", POD,
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"x\"},{\"name\":\"a\"},{\"name\":\"b\"}]}}"),
     STR_INIT("{\"spec\":{\"$setElementOrder/containers\":[{\"name\":\"b\"},{\"name\":\"a\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"x\"},{\"name\":\"b\"},{\"name\":\"a\"}]}}")},
    {"an order that the list breaks is refused",              POD,    STR_INIT("{\"spec\":{}}"),
     STR_INIT("{\"spec\":{\"$setElementOrder/"
              "containers\":[{\"name\":\"a\"}],\"containers\":[{\"name\":\"b\"}]}}"),
     STR_INIT("The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n"
              "[map[name:a]]\n")                                                                 },
    {"an element is deleted by its key",                      POD,
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"$patch\":\"delete\",\"name\":\"a\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"b\"}]}}")                                  },
    {"a list is replaced by order",                           POD,
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"$patch\":\"replace\"},{\"name\":\"c\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"c\"}]}}")                                  },
    {"a struct is replaced by order",                         POD,
     STR_INIT("{\"spec\":{\"securityContext\":{\"runAsUser\":1,\"fsGroup\":2}}}"),
     STR_INIT("{\"spec\":{\"securityContext\":{\"$patch\":\"replace\",\"fsGroup\":3}}}"),
     STR_INIT("{\"spec\":{\"securityContext\":{\"fsGroup\":3}}}")                                },
    {"a struct is emptied by order",                          POD,
     STR_INIT("{\"spec\":{\"securityContext\":{\"runAsUser\":1}}}"),
     STR_INIT("{\"spec\":{\"securityContext\":{\"$patch\":\"delete\"}}}"),
     STR_INIT("{\"spec\":{\"securityContext\":{}}}")                                             },
    {"sets of texts unite, new ones first",                   POD,
     STR_INIT("{\"metadata\":{\"finalizers\":[\"a\",\"b\"]}}"),
     STR_INIT("{\"metadata\":{\"finalizers\":[\"b\",\"c\"]}}"),
     STR_INIT("{\"metadata\":{\"finalizers\":[\"a\",\"b\",\"c\"]}}")                             },
    {"texts are taken out of a set",                          POD,    STR_INIT("{\"metadata\":{\"finalizers\":[\"a\",\"b\"]}}"),
     STR_INIT("{\"metadata\":{\"$deleteFromPrimitiveList/finalizers\":[\"a\"]}}"),
     STR_INIT("{\"metadata\":{\"finalizers\":[\"b\"]}}")                                         },
    {"only the keys that are to be retained stay",            DEPLOY,
     STR_INIT("{\"spec\":{\"strategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":"
              "1}}}}"),
     STR_INIT("{\"spec\":{\"strategy\":{\"$retainKeys\":[\"type\"],\"type\":\"Recreate\"}}}"),
     STR_INIT("{\"spec\":{\"strategy\":{\"type\":\"Recreate\"}}}")                               },
    {"keys to retain must hold those of the patch",           DEPLOY,
     STR_INIT("{\"spec\":{\"strategy\":{}}}"),
     STR_INIT("{\"spec\":{\"strategy\":{\"$retainKeys\":[\"x\"],\"type\":\"Recreate\"}}}"),
     STR_INIT("invalid patch format of retainKeys")                                              },
    {"volumes merge and retain",                              POD,
     STR_INIT("{\"spec\":{\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}]}}"),
     STR_INIT("{\"spec\":{\"volumes\":[{\"name\":\"v\",\"$retainKeys\":[\"name\",\"secret\"],"
              "\"secret\":{}}]}}"),
     STR_INIT("{\"spec\":{\"volumes\":[{\"name\":\"v\",\"secret\":{}}]}}")                       },
    {"an element without its key",                            POD,    STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"image\":\"x\"}]}}"),
     STR_INIT("map: map[image:x] does not contain declared merge key: name")                     },
    {"an order nobody knows",                                 POD,    STR_INIT("{\"spec\":{}}"),
     STR_INIT("{\"spec\":{\"$patch\":\"explode\"}}"),
     STR_INIT("unknown patch type: explode in map: map[$patch:explode]")                         },
    {"another type is taken as it is",                        POD,    STR_INIT("{\"spec\":{\"nodeName\":\"a\"}}"),
     STR_INIT("{\"spec\":{\"nodeName\":{\"b\":1}}}"),
     STR_INIT("{\"spec\":{\"nodeName\":{\"b\":1}}}")                                             },
    {"ports of a container merge by number",                  POD,
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\",\"ports\":[{\"containerPort\":80}]}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\",\"ports\":[{\"containerPort\":80,"
              "\"name\":\"web\"}]}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\",\"ports\":[{\"containerPort\":80,"
              "\"name\":\"web\"}]}]}}")                                                          },
};

TEST(strategic_merge)
{
    CASE_EACH(c, cases) {
        struct arena a = {0};
        struct kube_problems p = kube_problems_new(&a);
        const struct kube_type *t =
            kube_type_find(strcmp(c->kind, POD) == 0 ? S("") : S("apps"), S("v1"), str_c(c->kind));
        CLEANUP(json_freep) cJSON *base = json_parse(c->base, NULL);
        CLEANUP(json_freep) cJSON *patch = json_parse(c->patch, NULL);
        CLEANUP(json_freep) cJSON *got = kube_strategic_merge(t, base, patch, &p);

        CHECK_STR(c->label, got != NULL ? written(&a, got) : p.error, c->want);
        CHECK_STR(c->label, written(&a, base), c->base);
        arena_free(&a);
    }
}

/* --- defaults -------------------------------------------------------------------------------- */

static const struct {
    const char *label, *group, *kind, *path;
    struct str doc, want;
} defaults[] = {
    {"a deployment",                               "apps",                      "Deployment",    "spec.strategy",                 STR_INIT("{\"spec\":{}}"),
     STR_INIT("{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxUnavailable\":\"25%\","
              "\"maxSurge\":\"25%\"}}")                                                                                                                                                          },
    {"recreating rolls nothing",                   "apps",                      "Deployment",    "spec.strategy",
     STR_INIT("{\"spec\":{\"strategy\":{\"type\":\"Recreate\"}}}"),
     STR_INIT("{\"type\":\"Recreate\"}")                                                                                                                                                         },
    {"zero replicas stay zero",                    "apps",                      "Deployment",    "spec.replicas",
     STR_INIT("{\"spec\":{\"replicas\":0}}"),                                                                                                                STR_INIT("0")                       },
    {"an image without a tag is always pulled",    "",                          "Pod",           "spec.containers",
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"host:5000/a/b\"}]}}"),
     STR_INIT(
         "[{\"name\":\"c\",\"image\":\"host:5000/a/b\",\"resources\":{},\"terminationMessagePath\":"
         "\"/dev/"
         "termination-log\",\"terminationMessagePolicy\":\"File\",\"imagePullPolicy\":\"Always\"}"
         "]")                                                                                                                                                                                    },
    {"a digest is not",                            "",                          "Pod",           "spec.containers",
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"a@sha256:0\",\"ports\":[{"
              "\"containerPort\":1}]}]}}"),
     STR_INIT("[{\"name\":\"c\",\"image\":\"a@sha256:0\",\"ports\":[{\"containerPort\":1,"
              "\"protocol\":\"TCP\"}],"
              "\"resources\":{},\"terminationMessagePath\":\"/dev/"
              "termination-log\",\"terminationMessagePolicy\":"
              "\"File\",\"imagePullPolicy\":\"IfNotPresent\"}]")                                                                                                                                 },
    {"what is limited is requested",               "",                          "Pod",           "spec.containers",
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"a:1\","
              "\"terminationMessagePath\":\"/x\","
              "\"resources\":{\"limits\":{\"cpu\":\"1\",\"memory\":\"1Gi\"},\"requests\":{\"cpu\":"
              "\"100m\"}}}]}}"),
     STR_INIT(
         "[{\"name\":\"c\",\"image\":\"a:1\",\"resources\":{\"limits\":{\"cpu\":\"1\",\"memory\":"
         "\"1Gi\"},"
         "\"requests\":{\"cpu\":\"100m\",\"memory\":\"1Gi\"}},\"terminationMessagePath\":\"/x\","
         "\"terminationMessagePolicy\":\"File\",\"imagePullPolicy\":\"IfNotPresent\"}]")                                                                                                         },
    {"but not in a template",                      "apps",                      "ReplicaSet",    "spec.template.spec.containers",
     STR_INIT(
         "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"a:1\","
         "\"resources\":{\"limits\":{\"cpu\":\"1\"}}}]}}}}"),
     STR_INIT("[{\"name\":\"c\",\"image\":\"a:1\",\"resources\":{\"limits\":{\"cpu\":\"1\"}},"
              "\"terminationMessagePath\":\"/dev/"
              "termination-log\",\"terminationMessagePolicy\":\"File\","
              "\"imagePullPolicy\":\"IfNotPresent\"}]")                                                                                                                                          },
    {"probes",                                     "",                          "Pod",           "spec.containers",
     STR_INIT("{\"spec\":{\"containers\":[{\"image\":\"a:1\",\"livenessProbe\":{\"httpGet\":{"
              "\"port\":80},"
              "\"periodSeconds\":5}}]}}"),
     STR_INIT(
         "[{\"name\":\"\",\"image\":\"a:1\",\"resources\":{},\"livenessProbe\":{\"httpGet\":{"
         "\"path\":\"/\",\"port\":80,"
         "\"scheme\":\"HTTP\"},\"timeoutSeconds\":1,\"periodSeconds\":5,\"successThreshold\":1,"
         "\"failureThreshold\":3},\"terminationMessagePath\":\"/dev/termination-log\","
         "\"terminationMessagePolicy\":\"File\",\"imagePullPolicy\":\"IfNotPresent\"}]")                                                                                                         },
    {"volumes without a source are empty",         "",                          "Pod",           "spec.volumes",
     STR_INIT("{\"spec\":{\"volumes\":[{\"name\":\"a\"},{\"name\":\"b\",\"secret\":{}}]}}"),
     STR_INIT(
         "[{\"name\":\"a\",\"emptyDir\":{}},{\"name\":\"b\",\"secret\":{\"defaultMode\":420}}]")                                                                                                 },
    {"the target port of a service",               "",                          "Service",       "spec.ports",
     STR_INIT("{\"spec\":{\"ports\":[{\"port\":80},{\"port\":1,\"targetPort\":\"x\"}]}}"),
     STR_INIT(
         "[{\"protocol\":\"TCP\",\"port\":80,\"targetPort\":80},{\"protocol\":\"TCP\",\"port\":1,"
         "\"targetPort\":\"x\"}]")                                                                                                                                                               },
    {"a service seen from outside",                "",                          "Service",       "spec",
     STR_INIT("{\"spec\":{\"type\":\"LoadBalancer\"}}"),
     STR_INIT("{\"type\":\"LoadBalancer\",\"sessionAffinity\":\"None\",\"externalTrafficPolicy\":"
              "\"Cluster\","
              "\"allocateLoadBalancerNodePorts\":true,\"internalTrafficPolicy\":\"Cluster\"}")                                                                                                   },
    {"an Ingress of the old kind",                 "extensions",                "Ingress",       "spec.rules",
     STR_INIT("{\"spec\":{\"rules\":[{\"http\":{\"paths\":[{\"path\":\"/"
              "*\",\"backend\":{\"serviceName\":\"s\","
              "\"servicePort\":80}}]}}]}}"),
     STR_INIT("[{\"http\":{\"paths\":[{\"path\":\"/"
              "*\",\"pathType\":\"ImplementationSpecific\",\"backend\":{"
              "\"serviceName\":\"s\",\"servicePort\":80}}]}}]")                                                                                                                                  },
    {"subjects of a binding",                      "rbac.authorization.k8s.io", "RoleBinding",   "subjects",
     STR_INIT("{\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"},{\"kind\":\"ServiceAccount\","
              "\"name\":\"s\"}]}"),
     STR_INIT(
         "[{\"kind\":\"User\",\"apiGroup\":\"rbac.authorization.k8s.io\",\"name\":\"u\"},{\"kind\":"
         "\"ServiceAccount\",\"name\":\"s\"}]")                                                                                                                                                  },
    {"a job",                                      "batch",                     "Job",           "spec.completions",              STR_INIT("{}"),            STR_INIT("1")                       },
    {"a job with many at once ends when one does", "batch",                     "Job",           "spec.completions",
     STR_INIT("{\"spec\":{\"parallelism\":3}}"),                                                                                                             STR_INIT("")                        },
    {"policies have types",                        "networking.k8s.io",         "NetworkPolicy", "spec.policyTypes",
     STR_INIT("{\"spec\":{\"egress\":[{}]}}"),                                                                                                               STR_INIT("[\"Ingress\",\"Egress\"]")},
    {"a namespace has its name as a label",        "",                          "Namespace",     "metadata.labels",
     STR_INIT("{\"metadata\":{\"name\":\"n\"}}"),
     STR_INIT("{\"kubernetes.io/metadata.name\":\"n\"}")                                                                                                                                         },
    {"secrets are opaque",                         "",                          "Secret",        "type",                          STR_INIT("{}"),            STR_INIT("\"Opaque\"")              },
    {"a claim in a template waits",                "apps",                      "StatefulSet",   "spec.volumeClaimTemplates",
     STR_INIT("{\"spec\":{\"volumeClaimTemplates\":[{\"metadata\":{\"name\":\"d\"}}]}}"),
     STR_INIT("[{\"metadata\":{\"name\":\"d\"},\"spec\":{\"resources\":{},\"volumeMode\":"
              "\"Filesystem\"},"
              "\"status\":{\"phase\":\"Pending\"}}]")                                                                                                                                            },
};

TEST(defaults_are_filled_in)
{
    CASE_EACH(c, defaults) {
        struct arena a = {0};
        struct kube_problems p = kube_problems_new(&a);
        const struct kube_type *t = kube_type_find(
            str_c(c->group), strcmp(c->group, "extensions") == 0 ? S("v1beta1") : S("v1"),
            str_c(c->kind));
        CLEANUP(json_freep) cJSON *tree = kube_parse_json(c->doc, &p);
        CLEANUP(json_freep) cJSON *doc = kube_normalise(t, tree, &p);
        struct str once;

        CHECK_STR(c->label, p.error, S(""));
        kube_default(t, doc);
        CHECK_STR(c->label, written(&a, json_get(doc, c->path)), c->want);
        once = written(&a, doc);
        kube_default(t, doc);
        CHECK_STR("twice is as once", written(&a, doc), once);
        arena_free(&a);
    }
}

TEST(members_are_put_in_order)
{
    struct arena a = {0};
    CLEANUP(json_freep)
    cJSON *doc = json_parse(S("{\"status\":{},\"metadata\":{\"uid\":\"u\",\"labels\":{\"b\":\"1\","
                              "\"a\":\"2\"},\"name\":\"n\"},"
                              "\"apiVersion\":\"v1\",\"kind\":\"Pod\"}"),
                            NULL);

    kube_arrange(kube_type_find(S(""), S("v1"), S("Pod")), doc);
    CHECK_STR(
        "as Go writes them", written(&a, doc),
        S("{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"n\",\"uid\":\"u\","
          "\"labels\":{\"a\":\"2\",\"b\":\"1\"}},\"status\":{}}"));
    arena_free(&a);
}

TEST_MAIN(T(strategic_merge), T(defaults_are_filled_in), T(members_are_put_in_order))
