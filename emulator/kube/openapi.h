/* OpenAPI v2 and v3 documents of what is served. */
#pragma once

#include "kube/call.h"

/* Answers /openapi/v2, /openapi/v3 and below. False, with the call untouched, when there is no such
 * document. */
bool openapi_answer(struct kube_call *c);
