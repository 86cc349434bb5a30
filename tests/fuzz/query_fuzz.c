/* Query bodies come from outside. */
#include "schema/aws/ec2.h"
#include "schema/aws/elbv2.h"
#include "schema/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        const struct shape *shape;
        bool ec2;
    } inputs[] = {
        {&elbv2_create_rule_input_shape,                      false},
        {&ec2_authorize_security_group_ingress_request_shape, true },
    };
    struct arena a = {0};
    struct form form;

    if (form_parse(&a, str_n((const char *)data, size), &form))
        for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
            CLEANUP(buf_free) struct buf b = buf_init(1 << 20);
            struct problems p;
            void *in;

            problems_init(&p);
            in = query_decode(&a, inputs[i].shape, &form, inputs[i].ec2, &p);
            shape_validate(&a, inputs[i].shape, in, &p);
            (void)problems_text(&a, &p);
            xml_encode(&b, inputs[i].shape, in, &(struct xml_style){0});
        }
    arena_free(&a);
    return 0;
}
