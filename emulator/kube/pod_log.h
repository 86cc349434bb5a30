/* pods/log. */
#pragma once

#include "kube/call.h"

/* Answers with what the container wrote; with `follow`, until it ends. */
void pod_log_answer(struct kube_call *c);

/* Fills in *name where the pod has only one container; false: refused, there are several or none
 * of that name. */
bool pod_choose_container(struct kube_call *c, const cJSON *pod, struct str *name);
