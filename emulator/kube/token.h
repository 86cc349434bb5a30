/* serviceaccounts/token: ServiceAccount tokens on request. */
#pragma once

#include "kube/call.h"

void token_request(struct kube_call *c);
