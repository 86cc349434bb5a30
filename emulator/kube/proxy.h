/* pods/proxy and services/proxy: plain HTTP through the API server. */
#pragma once

#include "kube/call.h"

void proxy_answer(struct kube_call *c);
