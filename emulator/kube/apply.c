/* Server-side apply. */
#include "kube/apply.h"

void kube_apply(struct kube_call *c, struct object *old)
{
    (void)old;
    (void)kube_call_fail(
        c, &(struct kube_failure){
               .code = 415,
               .reason = "UnsupportedMediaType",
               .message = S("the body of the request was in an unknown format - accepted media "
                            "types include: application/json-patch+json, "
                            "application/merge-patch+json, application/strategic-merge-patch+json"),
           });
}
