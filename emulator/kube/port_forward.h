/* pods/portforward. */
#pragma once

#include "kube/call.h"

void port_forward_answer(struct kube_call *c);
