/* STS: who a caller is, and the table of operations. Source: STS API Reference 2011-06-15;
 * reference aws-eks-iam-ec2 section 3. */
#include "aws/sts.h"

#include "aws/credential.h"
#include "aws/denial.h"
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

/* A key that Elbow did not issue belongs to the account that it would act for. */
static struct done get_access_key_info(struct call *c, const void *input)
{
    const struct sts_get_access_key_info_request *in = input;
    struct sts_get_access_key_info_response out = {0};
    struct iam_key *key = NULL;
    struct iam_session *session = NULL;
    int r = iam_key_find(c->store, c->arena, in->access_key_id, &key);

    if (r == 0 && key == NULL)
        r = iam_session_find(c->store, c->arena, in->access_key_id, &session);
    if (r < 0)
        return call_fail(c, r);
    if (key == NULL && session == NULL && credential_is_ours(in->access_key_id))
        return call_fault(c, &AWS_VALIDATION_ERROR, "Access key %.*s cannot be found.",
                          STR_ARG(in->access_key_id));
    out.account = key != NULL ? key->account : session != NULL ? session->account : c->account;
    return call_reply(c, &out);
}

static struct done decode_authorization_message(struct call *c, const void *input)
{
    const struct sts_decode_authorization_message_request *in = input;
    struct sts_decode_authorization_message_response out = {0};

    if (!denial_decode(c->arena, in->encoded_message, &out.decoded_message))
        return call_fault(c, &sts_invalid_authorization_message_exception, "Message is not valid");
    return call_reply(c, &out);
}

/* DIFFERS: no SAML provider can be registered, so that every assertion is refused as one of a
 * provider that is not there. */
static struct done assume_role_with_saml(struct call *c, const void *input)
{
    const struct sts_assume_role_with_saml_request *in = input;

    return call_fault(c, &sts_invalid_identity_token_exception,
                      "No SAML provider found in your account for %.*s: Elbow has none",
                      STR_ARG(in->principal_arn));
}

static const struct aws_op ops[] = {
    {"GetCallerIdentity",          get_caller_identity,               NULL,                                           OP_ALWAYS              },
    {"AssumeRole",                 sts_assume_role,                   NULL,                                           OP_WRITES | OP_ALWAYS  },
    {"AssumeRoleWithWebIdentity",  sts_assume_role_with_web_identity, NULL,
     OP_WRITES | OP_UNSIGNED | OP_ALWAYS                                                                                                     },
    {"AssumeRoleWithSAML",         assume_role_with_saml,             NULL,                                           OP_UNSIGNED | OP_ALWAYS},
    {"GetSessionToken",            sts_get_session_token,             NULL,                                           OP_WRITES | OP_ALWAYS  },
    {"GetFederationToken",         sts_get_federation_token,          "arn:aws:sts::{account}:federated-user/{Name}",
     OP_WRITES                                                                                                                               },
    {"GetAccessKeyInfo",           get_access_key_info,               "*",                                            0                      },
    {"DecodeAuthorizationMessage", decode_authorization_message,      "*",                                            0                      },
};

const struct aws_service sts_service = AWS_SERVICE(sts, "sts", ops);
