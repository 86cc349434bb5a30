/* From a pod's container to what a runtime starts: environment with its references, $(VAR) in
 * commands, mounts, ports. Reads ConfigMaps and Secrets, writes nothing.
 * Source: Kubernetes, "Define Environment Variables for a Container", envFrom, fieldRef. */
#pragma once

#include "loops/controller.h"

/* *ret_spec borrows from @a, @pod and the objects read. 0; or -ENOENT and *ret_why, what the
 * kubelet says with CreateContainerConfigError. */
int container_spec_plan(struct objects *objects, struct arena *a, struct str cluster,
                        const cJSON *pod, const cJSON *container, struct container_spec *ret_spec,
                        struct str *ret_why);

/* The value of a downward API field ("metadata.labels['app']", "status.podIP"); absent (at ==
 * NULL) when it is none. In @a or borrowed. */
struct str downward_field(struct arena *a, const cJSON *pod, struct str path);

/* A key of a ConfigMap's data or a Secret's (decoded). Absent when there is none. In @a. */
struct str config_value(struct arena *a, const cJSON *doc, struct str key);
