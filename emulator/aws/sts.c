/* STS: who a caller is, and the table of operations. Source: STS API Reference 2011-06-15;
 * reference aws-eks-iam-ec2 section 3. */
#include "aws/sts.h"
#include "aws/services.h"

static struct done get_caller_identity(struct call *c, const void *input UNUSED)
{
    const struct sts_get_caller_identity_response out = {
        .user_id = c->identity.user_id,
        .account = c->identity.account,
        .arn = c->identity.arn,
    };

    return call_reply(c, &out);
}

static const struct aws_op ops[] = {
    {"GetCallerIdentity",         get_caller_identity,               NULL, OP_ALWAYS},
    {"AssumeRoleWithWebIdentity", sts_assume_role_with_web_identity, NULL,
     OP_WRITES | OP_UNSIGNED | OP_ALWAYS                                            },
};

const struct aws_service sts_service = AWS_SERVICE(sts, "sts", ops);
