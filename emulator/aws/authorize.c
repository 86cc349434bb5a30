/* Who signed a call, and whether IAM lets them. An access key that Elbow did not issue is the root
 * of an account: a key of 12 digits names the account, any other means the default one. */
#include "aws/authorize.h"

#define DEFAULT_ACCOUNT "123456789012"

static bool is_account(struct str key)
{
    if (key.n != 12)
        return false;
    for (size_t i = 0; i < key.n; i++)
        if (key.at[i] < '0' || key.at[i] > '9')
            return false;
    return true;
}

static void be_root(struct call *c, struct str key)
{
    struct str account = is_account(key) ? key : S(DEFAULT_ACCOUNT);

    c->identity = (struct identity){
        .root = true,
        .account = account,
        .user_id = account,
        .access_key = key,
        .arn = arena_printf(c->arena, "arn:aws:iam::%.*s:root", STR_ARG(account)),
    };
}

enum refusal authenticate(struct call *c, enum sigv4_found found, const struct sigv4 *sig,
                          const struct sigv4_request *signed_request UNUSED, struct str *ret_text)
{
    c->identity = (struct identity){.account = S(DEFAULT_ACCOUNT)};
    if (found == SIGV4_BROKEN) {
        *ret_text = S("Authorization header requires existence of Credential, SignedHeaders and "
                      "Signature");
        return BROKEN_SIGNATURE;
    }
    if (found == SIGV4_NONE) {
        *ret_text = S("Request is missing Authentication Token");
        c->identity.anonymous = true;
        return (c->op->flags & OP_UNSIGNED) != 0 ? ALLOWED : NO_SIGNATURE;
    }
    be_root(c, sig->access_key);
    return ALLOWED;
}

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
