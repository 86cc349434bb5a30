/* Default roles and bindings. Source: Kubernetes "Using RBAC Authorization"; rules as a real
 * server lists them. */
#include "kube/bootstrap_rbac.h"

#include "base/macros.h"

#define READ  "get list watch"
#define WRITE "create delete deletecollection patch update"
#define ALL   "create delete deletecollection get list patch update watch"
#define EVENTS(r)                                                      \
    {                                                                  \
        r, "create patch update", "core events.k8s.io", "events", NULL \
    }
#define TO_ADMIN "rbac.authorization.k8s.io/aggregate-to-admin"
#define TO_EDIT  "rbac.authorization.k8s.io/aggregate-to-edit"
#define TO_VIEW  "rbac.authorization.k8s.io/aggregate-to-view"
#define RBAC     "rbac.authorization.k8s.io"

#define EDIT "system:aggregate-to-edit"
#define VIEW "system:aggregate-to-view"

const struct bootstrap_role bootstrap_roles[] = {
    {"admin",                     NULL,     TO_ADMIN},
    {"edit",                      TO_ADMIN, TO_EDIT },
    {"view",                      TO_EDIT,  TO_VIEW },
    {"system:aggregate-to-admin", TO_ADMIN, NULL    },
    {EDIT,                        TO_EDIT,  NULL    },
    {VIEW,                        TO_VIEW,  NULL    },
};
const size_t bootstrap_role_count = ARRAY_LEN(bootstrap_roles);

#define PUBLIC_PATHS "/healthz /livez /readyz /version /version/"
#define CONTROLLER   "system:controller:"

const struct bootstrap_rule bootstrap_rules[] = {
    {"cluster-admin",                           "*",                                         "*",                     "*",                                                                        NULL        },
    {"cluster-admin",                           "*",                                         NULL,                    NULL,                                                                       "*"         },

    {"system:discovery",                        "get",                                       NULL,                    NULL,
     "/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/"                                                                                                               },
    {"system:public-info-viewer",               "get",                                       NULL,                    NULL,                                                                       PUBLIC_PATHS},
    {"system:basic-user",                       "create",                                    "authorization.k8s.io",
     "selfsubjectaccessreviews selfsubjectrulesreviews",                                                                                                                                          NULL        },
    {"system:basic-user",                       "create",                                    "authentication.k8s.io", "selfsubjectreviews",                                                       NULL        },
    {"system:service-account-issuer-discovery", "get",                                       NULL,                    NULL,
     "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks "
     "/openid/v1/jwks/"                                                                                                                                                                                       },
    {"system:monitoring",                       "get",                                       NULL,                    NULL,
     "/healthz /healthz/* /livez /livez/* /metrics /readyz /readyz/*"                                                                                                                                         },

    {"system:aggregate-to-admin",               "create",                                    "authorization.k8s.io",  "localsubjectaccessreviews",
     NULL                                                                                                                                                                                                     },
    {"system:aggregate-to-admin",               ALL,                                         RBAC,                    "rolebindings roles",                                                       NULL        },

    {EDIT,                                      READ,                                        "core",                  "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy",
     NULL                                                                                                                                                                                                     },
    {EDIT,                                      "impersonate",                               "core",                  "serviceaccounts",                                                          NULL        },
    {EDIT,                                      WRITE,                                       "core",                  "pods pods/attach pods/exec pods/portforward pods/proxy",                   NULL        },
    {EDIT,                                      "create",                                    "core",                  "pods/eviction",                                                            NULL        },
    {EDIT,                                      WRITE,                                       "core",
     "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale "
     "secrets serviceaccounts services services/proxy",                                                                                                                                           NULL        },
    {EDIT,                                      "create",                                    "core",                  "serviceaccounts/token",                                                    NULL        },
    {EDIT,                                      WRITE,                                       "apps",
     "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale "
     "statefulsets statefulsets/scale",                                                                                                                                                           NULL        },
    {EDIT,                                      WRITE,                                       "autoscaling",           "horizontalpodautoscalers",                                                 NULL        },
    {EDIT,                                      WRITE,                                       "batch",                 "cronjobs jobs",                                                            NULL        },
    {EDIT,                                      WRITE,                                       "extensions",
     "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies "
     "replicasets replicasets/scale replicationcontrollers/scale",                                                                                                                                NULL        },
    {EDIT,                                      WRITE,                                       "policy",                "poddisruptionbudgets",                                                     NULL        },
    {EDIT,                                      WRITE,                                       "networking.k8s.io",     "ingresses networkpolicies",                                                NULL        },
    {EDIT,                                      ALL,                                         "coordination.k8s.io",   "leases",                                                                   NULL        },

    {VIEW,                                      READ,                                        "core",
     "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods "
     "replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status",                                                                                              NULL        },
    {VIEW,                                      READ,                                        "core",
     "bindings events limitranges namespaces/status pods/log pods/status "
     "replicationcontrollers/status resourcequotas resourcequotas/status",                                                                                                                        NULL        },
    {VIEW,                                      READ,                                        "core",                  "namespaces",                                                               NULL        },
    {VIEW,                                      READ,                                        "discovery.k8s.io",      "endpointslices",                                                           NULL        },
    {VIEW,                                      READ,                                        "apps",
     "controllerrevisions daemonsets daemonsets/status deployments deployments/scale "
     "deployments/status replicasets replicasets/scale replicasets/status statefulsets "
     "statefulsets/scale statefulsets/status",                                                                                                                                                    NULL        },
    {VIEW,                                      READ,                                        "autoscaling",           "horizontalpodautoscalers horizontalpodautoscalers/status",                 NULL        },
    {VIEW,                                      READ,                                        "batch",                 "cronjobs cronjobs/status jobs jobs/status",                                NULL        },
    {VIEW,                                      READ,                                        "extensions",
     "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses "
     "ingresses/status networkpolicies replicasets replicasets/scale replicasets/status "
     "replicationcontrollers/scale",                                                                                                                                                              NULL        },
    {VIEW,                                      READ,                                        "policy",                "poddisruptionbudgets poddisruptionbudgets/status",                         NULL        },
    {VIEW,                                      READ,                                        "networking.k8s.io",     "ingresses ingresses/status networkpolicies",                               NULL        },

    {"system:auth-delegator",                   "create",                                    "authentication.k8s.io", "tokenreviews",                                                             NULL        },
    {"system:auth-delegator",                   "create",                                    "authorization.k8s.io",  "subjectaccessreviews",                                                     NULL        },
    {"system:kube-aggregator",                  READ,                                        "core",                  "endpoints services",                                                       NULL        },
    {"system:kube-dns",                         "list watch",                                "core",                  "endpoints services",                                                       NULL        },
    {"system:node-bootstrapper",                "create get list watch",                     "certificates.k8s.io",
     "certificatesigningrequests",                                                                                                                                                                NULL        },
    {"system:node-problem-detector",            "get",                                       "core",                  "nodes",                                                                    NULL        },
    {"system:node-problem-detector",            "patch",                                     "core",                  "nodes/status",                                                             NULL        },
    EVENTS("system:node-problem-detector"),
    {"system:node-proxier",                     "list watch",                                "core",                  "endpoints services",                                                       NULL        },
    {"system:node-proxier",                     "get list watch",                            "core",                  "nodes",                                                                    NULL        },
    EVENTS("system:node-proxier"),
    {"system:node-proxier",                     "list watch",                                "discovery.k8s.io",      "endpointslices",                                                           NULL        },
    {"system:node",                             "create",                                    "authentication.k8s.io", "tokenreviews",                                                             NULL        },
    {"system:node",                             "create",                                    "authorization.k8s.io",
     "localsubjectaccessreviews subjectaccessreviews",                                                                                                                                            NULL        },
    {"system:node",                             READ,                                        "core",                  "services",                                                                 NULL        },
    {"system:node",                             "create get list patch update watch",        "core",                  "nodes",                                                                    NULL        },
    {"system:node",                             "patch update",                              "core",                  "nodes/status",                                                             NULL        },
    EVENTS("system:node"),
    {"system:node",                             READ,                                        "core",                  "pods",                                                                     NULL        },
    {"system:node",                             "create delete",                             "core",                  "pods",                                                                     NULL        },
    {"system:node",                             "patch update",                              "core",                  "pods/status",                                                              NULL        },
    {"system:node",                             "create",                                    "core",                  "pods/eviction",                                                            NULL        },
    {"system:node",                             READ,                                        "core",                  "configmaps secrets",                                                       NULL        },
    {"system:node",                             "get",                                       "core",                  "persistentvolumeclaims persistentvolumes",                                 NULL        },
    {"system:node",                             "get",                                       "core",                  "endpoints",                                                                NULL        },
    {"system:node",                             "create",                                    "core",                  "serviceaccounts/token",                                                    NULL        },
    {"system:node",                             "create delete get patch update",            "coordination.k8s.io",   "leases",                                                                   NULL        },
    {"system:persistent-volume-provisioner",    "create delete get list watch",              "core",
     "persistentvolumes",                                                                                                                                                                         NULL        },
    {"system:persistent-volume-provisioner",    "get list update watch",                     "core",
     "persistentvolumeclaims",                                                                                                                                                                    NULL        },
    {"system:persistent-volume-provisioner",    READ,                                        "storage.k8s.io",        "storageclasses",                                                           NULL        },
    {"system:persistent-volume-provisioner",    READ,                                        "core",                  "events",                                                                   NULL        },
    {"system:volume-scheduler",                 "get list patch update watch",               "core",                  "persistentvolumes",                                                        NULL        },
    {"system:volume-scheduler",                 READ,                                        "storage.k8s.io",        "storageclasses",                                                           NULL        },
    {"system:kube-scheduler",                   READ,                                        "core",
     "namespaces nodes persistentvolumeclaims persistentvolumes replicationcontrollers services",                                                                                                 NULL        },
    {"system:kube-scheduler",                   "delete get list watch",                     "core",                  "pods",                                                                     NULL        },
    {"system:kube-scheduler",                   "create",                                    "core",                  "bindings pods/binding",                                                    NULL        },
    {"system:kube-scheduler",                   "patch update",                              "core",                  "pods/status",                                                              NULL        },
    {"system:kube-scheduler",                   READ,                                        "apps",                  "replicasets statefulsets",                                                 NULL        },
    {"system:kube-scheduler",                   READ,                                        "policy",                "poddisruptionbudgets",                                                     NULL        },
    {"system:kube-scheduler",                   "create get list update watch",              "coordination.k8s.io",   "leases",
     NULL                                                                                                                                                                                                     },
    EVENTS("system:kube-scheduler"),
    {"system:kube-controller-manager",          "create delete get update",                  "core",
     "configmaps endpoints secrets serviceaccounts",                                                                                                                                              NULL        },
    {"system:kube-controller-manager",          "create",                                    "core",                  "serviceaccounts/token",                                                    NULL        },
    {"system:kube-controller-manager",          "list watch",                                "*",                     "*",                                                                        NULL        },
    {"system:kube-controller-manager",          "create get list update watch",              "coordination.k8s.io",
     "leases",                                                                                                                                                                                    NULL        },
    EVENTS("system:kube-controller-manager"),

    {CONTROLLER "deployment-controller",        "get list patch update watch",               "apps extensions",
     "deployments",                                                                                                                                                                               NULL        },
    {CONTROLLER "deployment-controller",        "patch update",                              "apps extensions",
     "deployments/finalizers deployments/status",                                                                                                                                                 NULL        },
    {CONTROLLER "deployment-controller",        "create delete get list patch update watch",
     "apps extensions",                                                                                               "replicasets",                                                              NULL        },
    {CONTROLLER "deployment-controller",        "get list update watch",                     "core",                  "pods",                                                                     NULL        },
    EVENTS(CONTROLLER "deployment-controller"),
    {CONTROLLER "replicaset-controller",        "get list update watch",                     "apps extensions",       "replicasets",
     NULL                                                                                                                                                                                                     },
    {CONTROLLER "replicaset-controller",        "update",                                    "apps extensions",
     "replicasets/finalizers replicasets/status",                                                                                                                                                 NULL        },
    {CONTROLLER "replicaset-controller",        "create delete list patch watch",            "core",                  "pods",                                                                     NULL        },
    EVENTS(CONTROLLER "replicaset-controller"),
    {CONTROLLER "endpoint-controller",          READ,                                        "core",                  "pods services",                                                            NULL        },
    {CONTROLLER "endpoint-controller",          "create delete get list update",             "core",                  "endpoints",                                                                NULL        },
    EVENTS(CONTROLLER "endpoint-controller"),
    {CONTROLLER "endpointslice-controller",     READ,                                        "core",                  "nodes pods services",                                                      NULL        },
    {CONTROLLER "endpointslice-controller",     "create delete get list update",             "discovery.k8s.io",
     "endpointslices",                                                                                                                                                                            NULL        },
    EVENTS(CONTROLLER "endpointslice-controller"),
    {CONTROLLER "namespace-controller",         "delete get list update watch",              "core",
     "namespaces namespaces/finalize namespaces/status",                                                                                                                                          NULL        },
    {CONTROLLER "namespace-controller",         "delete deletecollection get list",          "*",                     "*",                                                                        NULL        },
    {CONTROLLER "service-account-controller",   "create",                                    "core",                  "serviceaccounts",                                                          NULL        },
    EVENTS(CONTROLLER "service-account-controller"),
    {CONTROLLER "generic-garbage-collector",    "delete get list patch update watch",        "*",                     "*",                                                                        NULL        },
    EVENTS(CONTROLLER "generic-garbage-collector"),
    {CONTROLLER "root-ca-cert-publisher",       "create update",                             "core",                  "configmaps",                                                               NULL        },
    EVENTS(CONTROLLER "root-ca-cert-publisher"),
    {CONTROLLER "node-controller",              "delete get list patch update",              "core",                  "nodes nodes/status",
     NULL                                                                                                                                                                                                     },
    {CONTROLLER "node-controller",              "delete list get update",                    "core",                  "pods pods/status",                                                         NULL        },
    EVENTS(CONTROLLER "node-controller"),
};
const size_t bootstrap_rule_count = ARRAY_LEN(bootstrap_rules);

#define ACCOUNT(name)                                          \
    {                                                          \
        CONTROLLER name, "ServiceAccount", "kube-system/" name \
    }

const struct bootstrap_binding bootstrap_bindings[] = {
    {"cluster-admin",                           "Group",          "system:masters"                },
    {"system:basic-user",                       "Group",          "system:authenticated"          },
    {"system:discovery",                        "Group",          "system:authenticated"          },
    {"system:public-info-viewer",               "Group",          "system:authenticated"          },
    {"system:public-info-viewer",               "Group",          "system:unauthenticated"        },
    {"system:service-account-issuer-discovery", "Group",          "system:serviceaccounts"        },
    {"system:monitoring",                       "Group",          "system:monitoring"             },
    {"system:kube-controller-manager",          "User",           "system:kube-controller-manager"},
    {"system:kube-dns",                         "ServiceAccount", "kube-system/kube-dns"          },
    {"system:kube-scheduler",                   "User",           "system:kube-scheduler"         },
    {"system:volume-scheduler",                 "User",           "system:kube-scheduler"         },
    {"system:node-proxier",                     "User",           "system:kube-proxy"             },
 /* EKS binds the nodes' group; the node authorizer of other clusters does it by itself. */
    {"system:node",                             "Group",          "system:nodes"                  },
    ACCOUNT("deployment-controller"),
    ACCOUNT("replicaset-controller"),
    ACCOUNT("endpoint-controller"),
    ACCOUNT("endpointslice-controller"),
    ACCOUNT("namespace-controller"),
    ACCOUNT("service-account-controller"),
    ACCOUNT("generic-garbage-collector"),
    ACCOUNT("root-ca-cert-publisher"),
    ACCOUNT("node-controller"),
};
const size_t bootstrap_binding_count = ARRAY_LEN(bootstrap_bindings);
