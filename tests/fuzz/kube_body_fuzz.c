/* JSON and YAML bodies of Kubernetes objects come from outside. What was decoded once decodes to
 * itself. */
#include <assert.h>

#include "schema/kube/decode.h"
#include "schema/kube/defaults.h"

enum { LARGEST = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(enum kube_media media, struct str text, const struct kube_type *t)
{
    struct arena a = {0};
    struct kube_problems p = kube_problems_new(&a), again = kube_problems_new(&a);
    CLEANUP(kube_body_close) struct kube_body body = {0};
    CLEANUP(json_freep) cJSON *doc = NULL, *same = NULL;
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST), c = buf_init(LARGEST);

    if (kube_body_open(&body, media, text, &p))
        doc = kube_body_decode(&body, t, &p);
    (void)kube_decode_failure(&a, &body, S("v1"), S("Pod"), kube_strict_error(&p));
    if (doc != NULL) {
        json_write(&b, doc);
        same = kube_normalise(t, doc, &again);
        assert(same != NULL);
        json_write(&c, same);
        assert(b.full || str_eq(buf_str(&b), buf_str(&c)));
        kube_default(t, doc);
        kube_write_yaml(&c, doc);
    }
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_n((const char *)data, size);

    decode(KUBE_MEDIA_JSON, text, kube_type_find(S(""), S("v1"), S("Pod")));
    decode(KUBE_MEDIA_YAML, text, kube_type_find(S(""), S("v1"), S("Pod")));
    decode(KUBE_MEDIA_YAML, text, kube_type_find(S("apps"), S("v1"), S("Deployment")));
    return 0;
}
