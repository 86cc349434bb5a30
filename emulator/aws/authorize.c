/* Whether IAM lets a caller do what they ask. */
#include "aws/authorize.h"

enum refusal authorize_action(struct call *c UNUSED, struct str action UNUSED,
                              struct str resource UNUSED, struct str *ret_text UNUSED)
{
    return ALLOWED;
}

enum refusal authorize(struct call *c, struct str *ret_text)
{
    struct str action = arena_printf(c->arena, "%s:%s", c->service->prefix, c->model->name);

    return authorize_action(c, action, S("*"), ret_text);
}
