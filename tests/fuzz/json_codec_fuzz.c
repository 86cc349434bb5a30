/* JSON and REST-JSON bodies come from outside. */
#include "schema/aws/eks.h"
#include "schema/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_n((const char *)data, size);
    CLEANUP(json_freep) cJSON *body = json_parse(text, NULL);
    CLEANUP(buf_free) struct buf b = buf_init(1 << 20);
    struct arena a = {0};
    struct problems p;
    void *in;

    problems_init(&p);
    in = json_decode(&a, &eks_create_cluster_request_shape, body, &p);
    shape_validate(&a, &eks_create_cluster_request_shape, in, &p);
    (void)problems_text(&a, &p);
    json_encode(&b, &eks_create_cluster_request_shape, in);
    (void)rest_path_matches("/clusters/{name}/access-entries/{arn+}", text);
    arena_free(&a);
    return 0;
}
