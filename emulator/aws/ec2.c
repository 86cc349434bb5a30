/* EC2: the table of operations, and what all of its files begin with.
 * Source: Amazon EC2 API Reference, 2016-11-15. */
#include "aws/ec2.h"

#include "schema/shape_access.h"
#include "store/ec2_group.h"

struct done ec2_fault(struct call *c, const char *code, const char *fmt, ...)
{
    struct fault fault = {code, 400};
    struct str message;
    va_list args;

    va_start(args, fmt);
    message = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    return call_fault(c, &fault, "%.*s", STR_ARG(message));
}

bool ec2_refuse(struct call *c, struct done *ret_done, const char *code, const char *fmt, ...)
{
    struct fault fault = {code, 400};
    struct str message;
    va_list args;

    va_start(args, fmt);
    message = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    *ret_done = call_fault(c, &fault, "%.*s", STR_ARG(message));
    return false;
}

bool ec2_failed(struct call *c, int error, struct done *ret_done)
{
    *ret_done = call_fail(c, error);
    return false;
}

struct done ec2_true(struct call *c)
{
    const struct shape *shape = c->model->output;
    const struct shape_row *row = shape != NULL ? shape_find(shape, S("return")) : NULL;
    void *out;

    if (shape == NULL)
        return call_reply(c, NULL);
    out = arena_alloc(c->arena, shape->size);
    if (row != NULL)
        *(struct opt_bool *)member_at(out, row) = OPT_BOOL(true);
    return call_reply(c, out);
}

struct str ec2_id(struct call *c, const char *prefix)
{
    return ec2_new_id(c->store, c->arena, prefix);
}

struct str ec2_arn(struct call *c, const char *type, struct str id)
{
    return call_arn(c, "%s/%.*s", type, STR_ARG(id));
}

struct str ec2_shown(struct str s)
{
    return s.at != NULL ? s : S("");
}

/* --- the table -------------------------------------------------------------------------------- */

#define ROW(name, handler, resource, flags) {#name, ec2_##handler, resource, flags},

static const struct aws_op ops[] = {EC2_OPERATIONS(ROW)};

const struct aws_service ec2_service = AWS_SERVICE(ec2, "ec2", ops);
