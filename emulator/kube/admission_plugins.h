/* The admission plugins; what runs when is admission.c's. Each may change @doc, the object in its
 * stored form, and answers false when it has refused the call. */
#pragma once

#include "kube/call.h"

/* ServiceAccount: an account for every pod, its token, CA and namespace mounted. */
bool admit_service_account(struct kube_call *c, cJSON *doc);

/* Priority: a number for every pod, from its class. */
bool admit_priority(struct kube_call *c, cJSON *doc);

/* DefaultTolerationSeconds: five minutes on a node that is gone. */
bool admit_tolerations(struct kube_call *c, cJSON *doc);

/* DefaultStorageClass and DefaultIngressClass: the class that is marked as default. */
bool admit_storage_class(struct kube_call *c, cJSON *doc);
bool admit_ingress_class(struct kube_call *c, cJSON *doc);

/* EKS: the role of the pod's account, as amazon-eks-pod-identity-webhook gives it. */
bool admit_pod_identity(struct kube_call *c, cJSON *doc);

/* EKS: the Fargate profile that selects the pod. */
bool admit_fargate(struct kube_call *c, cJSON *doc);
