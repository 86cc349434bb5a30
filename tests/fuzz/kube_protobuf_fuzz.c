/* Protobuf bodies of Kubernetes objects come from outside. */
#include "schema/kube/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(struct str text, struct str group, struct str kind)
{
    struct arena a = {0};
    struct kube_problems p = kube_problems_new(&a);
    CLEANUP(kube_body_close) struct kube_body body = {0};
    CLEANUP(json_freep) cJSON *doc = NULL;

    if (kube_body_open(&body, KUBE_MEDIA_PROTOBUF, text, &p))
        doc = kube_body_decode(&body, kube_type_find(group, S("v1"), kind), &p);
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_n((const char *)data, size);

    decode(text, S(""), S("Pod"));
    decode(text, S("apps"), S("ControllerRevision"));
    decode(text, S("apiextensions.k8s.io"), S("CustomResourceDefinition"));
    return 0;
}
