/* The files of a pod's volumes: ConfigMaps, Secrets, the downward API, service account tokens.
 * Source: kubernetes-api.md §6.5, aws-eks-iam-ec2.md §4.3. */
#pragma once

#include "loops/controller.h"

/* Writes every file of the pod's volumes through the runtime. Returns 0 and *ret_renew_ms, in how
 * many milliseconds tokens must be written anew (0: never); or -ENOENT with the volume and *ret_why
 * in the kubelet's words. Text in @a. */
int pod_volumes_write(struct controller *c, struct arena *a, struct str cluster, const cJSON *pod,
                      int64_t *ret_renew_ms, struct str *ret_volume, struct str *ret_why);
