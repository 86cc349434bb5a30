/* OpenAPI: an empty v2 document, as protobuf. */
#include "kube/openapi.h"

bool openapi_answer(struct kube_call *c)
{
    if (!str_is(c->target.path, "/openapi/v2"))
        return false;
    call_answer_raw(c, 200, S("application/com.github.proto-openapi.spec.v2.v1.0+protobuf"), S(""));
    return true;
}
