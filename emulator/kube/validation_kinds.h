/* The kinds' own validations. @old is the object before, NULL for a new one; both are of the stored
 * form, defaulted. A member that has a default and is absent counts as defaulted. */
#pragma once

#include "kube/validation_checks.h"

typedef void kind_check(struct checks *c, const cJSON *old, const cJSON *doc);

kind_check validate_pod, validate_podtemplate;
kind_check validate_controller, validate_deployment, validate_replicaset, validate_daemonset,
    validate_statefulset;
kind_check validate_job, validate_cronjob, validate_autoscaler, validate_budget;
kind_check validate_service, validate_endpoints, validate_endpointslice;
kind_check validate_ingress, validate_ingressclass, validate_networkpolicy;
kind_check validate_configmap, validate_secret, validate_claim, validate_node;
kind_check validate_role, validate_binding;
kind_check validate_priorityclass, validate_storageclass, validate_lease;

/* --- parts that several kinds have ----------------------------------------------------------- */

/* A pod template: its labels, annotations and pod spec. */
void check_pod_template(struct checks *c, struct str place, const cJSON *template);

/* @pod: the spec is a pod's own, not a template's. */
void check_pod_spec(struct checks *c, struct str place, const cJSON *spec, bool pod);

/* Containers of one list; @others, which may be NULL, are those whose names are taken already. */
void check_containers(struct checks *c, struct str place, const cJSON *containers,
                      const cJSON *others, const cJSON *spec, bool init);

void check_volumes(struct checks *c, struct str place, const cJSON *volumes);

void check_tolerations(struct checks *c, struct str place, const cJSON *tolerations);
