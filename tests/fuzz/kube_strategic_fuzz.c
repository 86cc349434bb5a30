/* Patches come from outside: the first line of the input is the object, the rest the patch. */
#include "schema/kube/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_n((const char *)data, size), head = text, tail = {0};
    struct arena a = {0};
    struct kube_problems p = kube_problems_new(&a);
    CLEANUP(json_freep) cJSON *base = NULL, *patch = NULL, *merged = NULL, *doc = NULL;
    const struct kube_type *t = kube_type_find(S(""), S("v1"), S("Pod"));

    (void)str_cut(text, '\n', &head, &tail);
    base = kube_parse_json(head, &p);
    patch = kube_parse_json(tail, &p);
    if (cJSON_IsObject(base) && cJSON_IsObject(patch)) {
        (void)kube_go_text(&a, patch);
        merged = kube_strategic_merge(t, base, patch, &p);
    }
    if (merged != NULL)
        doc = kube_normalise(t, merged, &p);
    arena_free(&a);
    return 0;
}
