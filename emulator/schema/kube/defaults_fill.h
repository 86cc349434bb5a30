/* Defaults that depend on other members, a function a struct. Not for other rooms. */
#pragma once

#include "base/json.h"

bool fill_is_missing(const cJSON *object, const char *member);

/* Sets the member to @value (JSON) where it is missing. */
void fill_member(cJSON *object, const char *member, const char *value);

void fill_container(cJSON *container);
void fill_daemon_set(cJSON *spec);
void fill_deployment(cJSON *spec);
void fill_job(cJSON *job);
void fill_limit_range(cJSON *item);
void fill_namespace(cJSON *ns);
void fill_network_policy(cJSON *spec);
void fill_node_status(cJSON *status);
void fill_pod(cJSON *pod);
void fill_pod_spec(cJSON *spec);
void fill_replication_controller(cJSON *rc);
void fill_scaling_behavior(cJSON *behavior);
void fill_service(cJSON *spec);
void fill_service_port(cJSON *port);
void fill_stateful_set(cJSON *spec);
void fill_subject(cJSON *subject);
void fill_volume(cJSON *volume);
