/* pods/exec and pods/attach. */
#pragma once

#include "kube/call.h"

void exec_answer(struct kube_call *c);
void attach_answer(struct kube_call *c);
